/* Exponents: when a value does not fit those that its instrument has.
 *
 * Nothing is ever rounded. The instrument goes STALE(PRECISION), everything held in its scale is brought
 * to another pair of exponents (exactly, or not at all), its book is published whole in the new scale,
 * and it is LIVE again. The pair is finer where digits are missing, and as coarse as what is held allows
 * where a value is too large.
 *
 * Where no pair holds it all, the book is forgotten: it stays STALE(PRECISION), empty, with the exponents
 * of its listing, so that the next full book has nothing but its own values to fit in. A trade, or a quote
 * beside a book, is left out instead.
 *
 * A pair once published keeps its index, for records carry it; one that has been there is used again, and
 * when all FH_PRECISIONS are taken, any that holds everything.
 */
#ifndef FEEDHANDLER_ENGINE_PRECISION_H
#define FEEDHANDLER_ENGINE_PRECISION_H

#include "deepen.h"

typedef struct scale {
    int price, size;
} scale;

static inline scale pair_scale(const market *m, int pair)
{
    return (scale){m->entry.price_exponents[pair], m->entry.size_exponents[pair]};
}

static inline bool value_rescale(int64_t *value, int from, int to)
{
    return *value == FH_NONE || decimal_rescale(*value, from, to, value) == DECIMAL_OK;
}

static inline bool level_rescale(level *l, scale from, scale to)
{
    return value_rescale(&l->price, from.price, to.price) && value_rescale(&l->size, from.size, to.size);
}

/* ---- what an instrument holds ------------------------------------------------------------------- */

static inline bool side_fits(const book_side *s, scale from, scale to)
{
    int64_t edge = s->edge;
    if (edge_is_price(edge) && !value_rescale(&edge, from.price, to.price))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        level l = s->levels[i];
        if (!level_rescale(&l, from, to))
            return false;
    }
    return true;
}

static inline bool keyed_fits(const keyed *k, int from, int to)
{
    for (uint32_t at = 0; k->rows && at <= k->mask; at++) {
        int64_t price = k->rows[at].price;
        if (k->rows[at].used && !value_rescale(&price, from, to))
            return false;
    }
    return true;
}

static inline bool market_fits(const market *m, scale to)
{
    const scale from = {m->price_exponent, m->size_exponent};
    level bid = {m->quote.bid_price, m->quote.bid_size}, ask = {m->quote.ask_price, m->quote.ask_size};
    return level_rescale(&bid, from, to) && level_rescale(&ask, from, to) &&
           side_fits(&m->book.bids, from, to) && side_fits(&m->book.asks, from, to) &&
           keyed_fits(&m->keyed, from.price, to.price);
}

static inline void side_rescale(book_side *s, scale from, scale to)
{
    if (edge_is_price(s->edge))
        value_rescale(&s->edge, from.price, to.price);
    for (uint32_t i = 0; i < s->count; i++)
        level_rescale(&s->levels[i], from, to);
    s->dirty = RANGE_ALL;
}

/* All that is held, into another scale in which it fits; the last trade, if it does. */
static inline void market_rescale(market *m, scale to)
{
    const scale from = {m->price_exponent, m->size_exponent};
    fh_quote *q = &m->quote;
    level last = {q->last_price, q->last_size};
    value_rescale(&q->bid_price, from.price, to.price);
    value_rescale(&q->ask_price, from.price, to.price);
    value_rescale(&q->bid_size, from.size, to.size);
    value_rescale(&q->ask_size, from.size, to.size);
    if (!level_rescale(&last, from, to))
        last = (level){FH_NONE, 0};
    m->heard_ns = 0;
    q->last_price = last.price;
    q->last_size = last.size;
    side_rescale(&m->book.bids, from, to);
    side_rescale(&m->book.asks, from, to);
    for (uint32_t at = 0; m->keyed.rows && at <= m->keyed.mask; at++)
        if (m->keyed.rows[at].used)
            value_rescale(&m->keyed.rows[at].price, from.price, to.price);
}

/* The coarsest exponent, up to `most`, in which a value is exact. */
static inline int value_coarsest(int64_t value, int exponent, int most)
{
    if (value == FH_NONE || value == 0)
        return most;
    for (; exponent < most && value % 10 == 0; exponent++)
        value /= 10;
    return exponent < most ? exponent : most;
}

static inline void level_coarsest(const market *m, int64_t price, int64_t size, scale *out)
{
    out->price = value_coarsest(price, m->price_exponent, out->price);
    out->size = value_coarsest(size, m->size_exponent, out->size);
}

/* The coarsest scale, up to `most`, in which all that is held is exact. */
static inline scale market_coarsest(const market *m, scale most)
{
    const book_side *sides[2] = {&m->book.bids, &m->book.asks};
    level_coarsest(m, m->quote.bid_price, m->quote.bid_size, &most);
    level_coarsest(m, m->quote.ask_price, m->quote.ask_size, &most);
    for (int side = 0; side < 2; side++) {
        level_coarsest(m, edge_is_price(sides[side]->edge) ? sides[side]->edge : FH_NONE, 0, &most);
        for (uint32_t i = 0; i < sides[side]->count; i++)
            level_coarsest(m, sides[side]->levels[i].price, sides[side]->levels[i].size, &most);
    }
    return most;
}

/* ---- pairs -------------------------------------------------------------------------------------- */

/* The index of a pair for `to`, in which all that is held fits; -1: there is none. */
static inline int pair_find(const market *m, scale to)
{
    int found = -1;
    for (int i = 0; i < m->pairs; i++) {
        const scale s = pair_scale(m, i);
        if (s.price == to.price && s.size == to.size)
            return market_fits(m, to) ? i : -1;
    }
    if (m->pairs < FH_PRECISIONS)
        return market_fits(m, to) ? m->pairs : -1;
    for (int i = 0; i < m->pairs; i++) {
        const scale s = pair_scale(m, i);
        if (s.price <= to.price && s.size <= to.size && market_fits(m, s) &&
            (found < 0 || s.price + s.size > pair_scale(m, found).price + pair_scale(m, found).size))
            found = i;
    }
    return found;
}

/* Put a pair in force; a new one is `to`. The row is stored before any record that names it. */
static inline void pair_use(engine *e, market *m, int pair, scale to)
{
    if (pair == m->pairs) {
        m->entry.price_exponents[pair] = (int8_t)to.price;
        m->entry.size_exponents[pair] = (int8_t)to.size;
        m->pairs++;
    }
    to = pair_scale(m, pair);
    m->entry.precision = m->precision = (uint8_t)pair;
    m->price_exponent = to.price;
    m->size_exponent = to.size;
    m->price_scale = decimal_scale_of(to.price);
    m->size_scale = decimal_scale_of(to.size);
    fh_directory_update(e->writer, m->id, &m->entry);
}

/* ---- refitting ---------------------------------------------------------------------------------- */

/* Give `m` exponents at most these in which all that is held fits. `narrow`: a value is too large for
 * those in force. False: there are none, and nothing has changed. */
COLD bool market_refit(engine *e, market *m, scale need, bool narrow)
{
    const scale now = {m->price_exponent, m->size_exponent};
    scale to = {need.price < now.price ? need.price : now.price,
                need.size < now.size ? need.size : now.size};
    if (narrow) {
        const scale listed = pair_scale(m, 0), any = {DECIMAL_EXPONENT_MAX, DECIMAL_EXPONENT_MAX};
        to = market_coarsest(m, (scale){need.price < listed.price ? need.price : listed.price,
                                        need.size < listed.size ? need.size : listed.size});
        if (to.price == now.price && to.size == now.size)
            to = market_coarsest(m, (scale){need.price < any.price ? need.price : any.price,
                                            need.size < any.size ? need.size : any.size});
    }
    int pair = to.price < DECIMAL_EXPONENT_MIN || to.size < DECIMAL_EXPONENT_MIN ? -1 : pair_find(m, to);
    if (pair < 0 || pair == m->precision)
        return false;
    uint8_t state = m->state, reason = m->reason;
    if (state == FH_STATE_LIVE) {
        market_state(e, m, FH_STATE_STALE, FH_REASON_PRECISION);
        market_show(e, m, true);
    }
    market_rescale(m, pair == m->pairs ? to : pair_scale(m, pair));
    pair_use(e, m, pair, to);
    if (m->has_book && (m->book.bids.count || m->book.asks.count))
        market_republish(e, m, m->head.exchange_ns, m->head.receive_ns);
    market_state(e, m, state, reason);
    market_show(e, m, true);
    market_attention(e, m, WIDENED, m->precision);
    return true;
}

/* No exponents hold what came and what is there: forget it, and begin with those of the listing. */
COLD void market_unfit(engine *e, market *m)
{
    bool had = m->sequence.phase != PHASE_EMPTY;
    continuity_lose(&m->sequence);
    market_forget_feeders(m);
    backlog_clear(&m->backlog);
    m->asked = false;
    quote_forget(m);
    m->quote.source = FH_SOURCE_NONE;
    m->quote.bid_price = m->quote.ask_price = FH_NONE;
    m->quote.bid_size = m->quote.ask_size = 0;
    market_state(e, m, FH_STATE_STALE, FH_REASON_PRECISION);
    book_clear(&m->book);
    keyed_clear(&m->keyed);
    if (m->precision != 0) {
        market_rescale(m, pair_scale(m, 0));
        pair_use(e, m, 0, pair_scale(m, 0));
    }
    if (m->has_book)
        market_republish(e, m, m->head.exchange_ns, m->head.receive_ns);
    market_show(e, m, true);
    if (had && m->has_book) {
        fh_counter_add(e->writer, FH_COUNTER_RESYNCS, 1);
        market_attention(e, m, NEED_RESYNC, FH_REASON_PRECISION);
    }
}

/* Levels that were read in another pair's scale, brought to the one in force. */
static inline bool levels_rescale(const market *m, uint8_t precision, level *levels, uint32_t count)
{
    if (LIKELY(precision == m->precision))
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (!level_rescale(&levels[i], pair_scale(m, precision), pair_scale(m, m->precision)))
            return false;
    return true;
}

/* A trade, or a quote beside a book, does not fit: it is left out. */
COLD void message_unfit(engine *e, market *m)
{
    fh_counter_add(e->writer, FH_COUNTER_PRECISION, 1);
    if (!m->has_book)
        market_unfit(e, m);
}

#endif
