/* An instrument's terms as its venue changes them: status, tick, lot, contract size, expiry.
 *
 * The directory row is stored first, with the next number; then the DEFINITION record is written, and the
 * cells that carry the number are stored before it is visible. So who sees the record, or a number in a
 * cell, finds at least that definition in the directory. A book is not touched: its state says whether it
 * is the venue's, the status whether the venue takes orders. */
#ifndef FEEDHANDLER_ENGINE_TERMS_H
#define FEEDHANDLER_ENGINE_TERMS_H

#include "publish.h"

static inline bool ticks_differ(const fh_instrument *old, const fh_instrument *now)
{
    bool differ = old->tick != now->tick || old->bands != now->bands;
    for (unsigned i = 0; i < now->bands && !differ; i++)
        differ = old->band_from[i] != now->band_from[i] || old->band_tick[i] != now->band_tick[i];
    return differ;
}

/* FH_CHANGE_* of what differs. Of identities the symbol never does: it is what the row is found by. */
static inline uint32_t terms_changes(const fh_instrument *old, const fh_instrument *now)
{
    bool same = old->kind == now->kind && old->option_type == now->option_type &&
                old->contract_type == now->contract_type && old->strike == now->strike &&
                !strncmp(old->name, now->name, sizeof old->name) &&
                !strncmp(old->base, now->base, sizeof old->base) &&
                !strncmp(old->quote, now->quote, sizeof old->quote) &&
                !strncmp(old->settle, now->settle, sizeof old->settle);
    return (old->status != now->status ? FH_CHANGE_STATUS : 0u) |
           (ticks_differ(old, now) ? FH_CHANGE_TICK : 0u) |
           (old->lot != now->lot ? FH_CHANGE_LOT : 0u) |
           (old->contract_size != now->contract_size ? FH_CHANGE_CONTRACT_SIZE : 0u) |
           (old->expiry_ns != now->expiry_ns ? FH_CHANGE_EXPIRY : 0u) |
           (same ? 0u : (uint32_t)FH_CHANGE_IDENTITY);
}

/* The cells say under which definition they are. */
static inline void market_defined(market *m)
{
    m->quote.status = m->head.status = m->entry.status;
    m->quote.definition = m->head.definition = m->entry.definition;
    quote_changed_whole(m);
}

/* Publish other terms; what of the row is the engine's own (exponents, has_book) stays. What has changed,
 * as FH_CHANGE_*; 0: nothing, and nothing was published. */
static uint32_t engine_redefine(engine *e, market *m, const fh_instrument *terms)
{
    uint32_t changes = terms_changes(&m->entry, terms);
    if (changes == 0)
        return 0;
    fh_instrument entry = *terms;
    entry.id = m->id;
    entry.definition = m->entry.definition + 1;
    entry.has_book = m->entry.has_book;
    entry.precision = m->entry.precision;
    memcpy(entry.price_exponents, m->entry.price_exponents, sizeof entry.price_exponents);
    memcpy(entry.size_exponents, m->entry.size_exponents, sizeof entry.size_exponents);
    memcpy(entry.symbol, m->entry.symbol, sizeof entry.symbol);
    m->entry = entry;
    fh_directory_update(e->writer, m->id, &m->entry);
    records_begin(e, m, engine_flags(e), 0, fh_now_ns(), 0);
    fh_message_add(e->writer, FH_KIND_DEFINITION, 0, entry.status, changes, entry.definition);
    fh_message_end(e->writer);
    market_defined(m);
    market_show(e, m, true);
    return changes;
}

#endif
