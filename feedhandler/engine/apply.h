/* Decoded messages out to shared memory: trades, quotes and statistics here, books in apply_book.h. */
#ifndef FEEDHANDLER_ENGINE_APPLY_H
#define FEEDHANDLER_ENGINE_APPLY_H

#include "apply_book.h"
#include "named_trades.h"
#include "quote_stat.h"

/* Without a book, any market data says that the instrument is alive. True: it was not said yet, and is
 * not shown. */
static inline bool market_alive(engine *e, market *m, int channel)
{
    if (LIKELY(m->has_book) || (m->dumb && m->dumb != channel + 1))
        return false;
    m->dumb = 0;
    market_fed(m, e->connection->index);
    if (m->state == FH_STATE_LIVE || !market_state(e, m, FH_STATE_LIVE, FH_REASON_NONE))
        return false;
    market_attention(e, m, BECAME_LIVE, 0);
    return true;
}

/* A copy of what another connection brought. */
static inline void market_copied(engine *e, market *m, int channel)
{
    fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
    if (market_alive(e, m, channel))
        market_show(e, m, false);
}

static inline void message_trade(engine *e, const message *msg)
{
    market *m = msg->market;
    level *trade = e->levels + msg->levels;
    if (UNLIKELY(!levels_rescale(m, msg->precision, trade, 1))) {
        message_unfit(e, m);
        return;
    }
    int64_t id = msg->numbers.final, at = msg->exchange_ns, now = e->receive_ns;
    bool named = e->decoder->names_trades;
    bool last = named ? named_last(m, at, now) : trade_last(m, id, e->connection->index, now);
    if (named ? named_copy(m, id, at, last, now) : trade_copy(m, id, e->connection->index, now)) {
        market_copied(e, m, msg->channel);
        return;
    }
    records_short(e, msg, msg->liquidation ? FH_KIND_LIQUIDATION : FH_KIND_TRADE, msg->first_side, (uint64_t)id,
                  trade, 1);
    fh_counter_add(e->writer, FH_COUNTER_TRADES, 1);
    if (LIKELY(last)) {
        m->quote.last_price = trade->price;
        m->quote.last_size = trade->size;
        m->quote.last_side = msg->first_side;
        m->quote.last_ns = msg->exchange_ns ? msg->exchange_ns : e->receive_ns;
    }
    market_alive(e, m, msg->channel);
    market_show(e, m, false);
}

/* It is no print: the last trade stays. Without ids, copies are told by the venue's clock. */
static inline void message_liquidation(engine *e, const message *msg)
{
    market *m = msg->market;
    level *order = e->levels + msg->levels;
    if (UNLIKELY(!levels_rescale(m, msg->precision, order, 1))) {
        message_unfit(e, m);
        return;
    }
    if (lead_copy(&m->liquidation_lead, msg->exchange_ns, e->connection, false, e->receive_ns)) {
        market_copied(e, m, msg->channel);
        return;
    }
    records_short(e, msg, FH_KIND_LIQUIDATION, msg->first_side, 0, order, 1);
    market_alive(e, m, msg->channel);
    market_show(e, m, false);
}

/* Top of book from a channel of its own. With a book, it counts only where it carries the book's
 * numbers and is ahead of it. One that goes back in its own series is not shown. */
static inline void message_quote(engine *e, const message *msg)
{
    market *m = msg->market;
    level *top = e->levels + msg->levels;
    if (UNLIKELY(!levels_rescale(m, msg->precision, top, 2))) {
        message_unfit(e, m);
        return;
    }
    if (UNLIKELY(top[0].price >= top[1].price) && quote_crossed(e, m, top))
        return;
    bool numbered = msg->numbers.numbered;
    if (UNLIKELY(!numbered) && msg->channel == CHANNEL_TICKER && m->has_book) {
        quote_heard(e, m, msg, top);
        return;
    }
    if (UNLIKELY(msg->anew))
        quote_forget(m);
    lead *l = &m->quote_leads[numbered];
    bool back = lead_copy(l, numbered ? msg->numbers.final : msg->exchange_ns, e->connection, true,
                          e->receive_ns);
    if (back && (!m->has_book || l->connection != e->connection->index)) {
        market_copied(e, m, msg->channel);
        return;
    }
    records_short(e, msg, FH_KIND_QUOTE, FH_BID, numbered ? (uint64_t)msg->numbers.final : 0, top, 2);
    if (!back && quote_shown(e, m, msg, top))
        quote_take(e, m, msg, top);
    market_alive(e, m, msg->channel);
    market_show(e, m, false);
}

/* What is said of a status is told if it is another word than before. */
COLD void market_word(engine *e, market *m, const uint8_t *word, uint32_t length)
{
    if (length > sizeof m->word || (m->word_length == length && !memcmp(m->word, word, length)))
        return;
    memcpy(m->word, word, length);
    m->word_length = (uint8_t)length;
    market_attention(e, m, STATED, 0);
}

/* What a ticker says of it. */
static inline void message_word_say(engine *e, const message *msg)
{
    if (msg->kind == MESSAGE_STATS && msg->word_length)
        market_word(e, msg->market, e->here + msg->word, msg->word_length);
}

/* What its sizes count: 1, the base; 2, the quote; 0, contracts, or nobody knows. */
static inline uint8_t market_counts(const market *m)
{
    bool known = m->entry.kind != FH_INSTRUMENT_COMBO && m->entry.kind != FH_INSTRUMENT_UNKNOWN;
    if (!known || m->entry.contract_size != 1.0 || m->entry.contract_type == FH_CONTRACT_QUANTO)
        return 0;
    bool inverse = m->entry.contract_type == FH_CONTRACT_INVERSE && m->entry.kind != FH_INSTRUMENT_OPTION;
    return inverse ? 2 : 1;
}

/* Of which power of ten is a size of 1 so much of the base? False: of none. */
static bool market_power(const market *m, int *power)
{
    if (m->entry.contract_type != FH_CONTRACT_LINEAR)
        return false;
    for (*power = -12; *power <= 12; ++*power)
        if (m->entry.contract_size == decimal_double(1, *power))
            return true;
    return false;
}

/* What a volume in another unit comes to in units of size. False: it cannot be said exactly. */
static bool stat_counted(const market *m, const statistic *said, statistic *counted)
{
    int power;
    *counted = *said;
    if (said->of == market_counts(m))
        return true;
    if (said->of != 1 || !market_power(m, &power))
        return false;
    counted->value.exponent -= counted->value.mantissa ? power : 0;
    counted->cell = said->exact ? decimal_double(counted->value.mantissa, counted->value.exponent) : said->cell;
    return true;
}

/* A statistic into the cell. True: the ring gets it as well. */
static inline bool stat_put(fh_quote *q, const statistic *s)
{
    double *cell = quote_stat(q, s->field);
    bool other;
    if (UNLIKELY(cell == NULL)) {
        int64_t *due = quote_due(q, s->field);
        other = s->exact && *due != s->value.mantissa;
        *due = s->exact ? s->value.mantissa : 0;
    } else {
        other = s->exact && *cell != s->cell;
        *cell = s->cell;
    }
    return other;
}

/* Statistics: the cell holds them all, the ring gets those that changed. A field that the venue now
 * says it has none of (null) becomes NaN in the cell, without a record. */
static inline void message_stats(engine *e, const message *msg)
{
    market *m = msg->market;
    const statistic *stats = e->stats + msg->levels;
    records_begin(e, m, engine_flags(e), msg->exchange_ns, e->receive_ns, 0);
    for (uint32_t i = 0; i < msg->count; i++) {
        const statistic *s = &stats[i];
        statistic counted;
        if (UNLIKELY(s->of) && !stat_counted(m, s, &counted))
            continue;
        s = s->of ? &counted : s;
        if (lead_copy(&m->stat_leads[s->field], msg->exchange_ns, e->connection, false, e->receive_ns))
            continue;
        if (stat_put(&m->quote, s))
            fh_message_add(e->writer, FH_KIND_STAT, 0, s->value.mantissa, s->value.exponent, s->field);
    }
    fh_message_end(e->writer);
    message_word_say(e, msg);
    m->quote.stats_ns = e->receive_ns;
    quote_changed_whole(m);
    market_alive(e, m, msg->channel);
    market_show(e, m, false);
}

/* A full book beside a channel of deltas is only its top: a quote with the book's numbers. */
static inline void message_top(engine *e, message *msg)
{
    level top[2] = {{FH_NONE, 0}, {FH_NONE, 0}};
    const level *levels = e->levels + msg->levels;
    if (msg->first_count > 0)
        top[msg->first_side] = levels[0];
    if (msg->count > msg->first_count)
        top[msg->first_side ^ 1] = levels[msg->first_count];
    if (!ARRAY_RESERVE(e, e->levels, e->level_count, e->level_room, e->level_count + 2))
        return;
    memcpy(e->levels + e->level_count, top, sizeof top);
    msg->levels = e->level_count;
    e->level_count += 2;
    msg->channel = CHANNEL_QUOTE;
    e->connection->levels += 2;
    message_quote(e, msg);
}

static inline void message_apply(engine *e, message *msg)
{
    market *m = msg->market;
    if (UNLIKELY(m->state == FH_STATE_CLOSED)) { /* it expired; only set_state opens it again */
        message_word_say(e, msg);
        return;
    }
    m->activity[msg->channel] = e->receive_ns;
    m->brought[msg->channel] |= e->connection->bit;
    market_news(e, m);
    m->quote.data_ns = e->receive_ns;
    switch (msg->kind) {
    case MESSAGE_TRADE: message_trade(e, msg); break;
    case MESSAGE_LIQUIDATION: message_liquidation(e, msg); break;
    case MESSAGE_QUOTE: message_quote(e, msg); break;
    case MESSAGE_STATS: message_stats(e, msg); break;
    default:
        if (msg->kind == MESSAGE_FULL && (m->incremental || !m->has_book)) {
            if (!msg->rounded)
                message_top(e, msg);
        } else if (LIKELY(m->has_book)) { /* else it was not asked for */
            message_book(e, msg);
        }
    }
}

#endif
