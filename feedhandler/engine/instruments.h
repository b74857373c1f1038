/* An instrument is added: to the directory, with its cells, under its symbol. */
#ifndef FEEDHANDLER_ENGINE_INSTRUMENTS_H
#define FEEDHANDLER_ENGINE_INSTRUMENTS_H

#include "apply.h"
#include "symbols.h"
#include "terms.h"

/* Publish a directory entry (its exponents of generation 0 filled in). NULL: full, or no memory. */
static market *engine_add(engine *e, fh_instrument *entry, bool has_book)
{
    market *m = (market *)calloc(1, sizeof *m);
    int64_t id;
    if (m == NULL || !symbol_reserve(e)) {
        free(m);
        e->out_of_memory = true;
        return NULL;
    }
    entry->has_book = has_book;
    entry->precision = 0;
    entry->definition = 1;
    id = fh_directory_add(e->writer, entry);
    if (id < 0) {
        free(m);
        return NULL;
    }
    m->id = (uint32_t)id;
    m->entry = *entry;
    m->symbol_length = symbol_plain(entry->symbol);
    m->price_exponent = entry->price_exponents[0];
    m->size_exponent = entry->size_exponents[0];
    m->price_written = m->price_exponent;
    m->size_written = m->size_exponent;
    m->pairs = 1;
    m->price_scale = decimal_scale_of(m->price_exponent);
    m->size_scale = decimal_scale_of(m->size_exponent);
    m->has_book = has_book;
    m->window = e->window;
    m->signed_prices = entry->kind == FH_INSTRUMENT_COMBO ||
                       (entry->kind == FH_INSTRUMENT_UNKNOWN && e->decoder->spreads);
    m->owner = NO_CONNECTION;
    m->quote_leads[0].connection = m->quote_leads[1].connection = NO_CONNECTION;
    m->liquidation_lead.connection = NO_CONNECTION;
    for (int field = 0; field < FH_STAT_END; field++)
        m->stat_leads[field].connection = NO_CONNECTION;
    m->sequence = e->rules;
    m->book.bids.dirty = m->book.asks.dirty = m->drawn[0] = m->drawn[1] = RANGE_EMPTY;
    side_unknown(&m->book.bids, false);
    side_unknown(&m->book.asks, true);
    m->quote.bid_price = m->quote.ask_price = m->quote.last_price = FH_NONE;
    quote_says_nothing(&m->quote);
    market_defined(m);
    e->markets[m->id] = m;
    symbol_insert(e, m);
    market_show(e, m, true);
    engine_show(e); /* the cells can be read from now on: NONE, nothing in them */
    return m;
}

#endif
