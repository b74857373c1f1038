/* Widening: when a value needs more digits than its instrument's exponents hold.
 *
 * Nothing is ever rounded. The instrument goes STALE(PRECISION), everything held in its scale is
 * multiplied up (exactly, or not at all), the directory entry gets a new generation of exponents, a
 * book that was LIVE is published whole in the new scale, and the instrument is LIVE again. Where that
 * cannot be done (an int64 would overflow, or all FH_PRECISIONS generations are used up) it stays
 * STALE(PRECISION).
 */
#ifndef FEEDHANDLER_ENGINE_PRECISION_H
#define FEEDHANDLER_ENGINE_PRECISION_H

#include "deepen.h"

typedef struct value_slot {
    int64_t *value;
    int64_t factor;
} value_slot;

/* The quote cell's scaled values, with what each is multiplied by. */
static inline int quote_slots(fh_quote *q, int64_t price, int64_t size, value_slot out[6])
{
    int n = 0;
    int64_t *prices[3] = {&q->bid_price, &q->ask_price, &q->last_price};
    int64_t *sizes[3] = {&q->bid_size, &q->ask_size, &q->last_size};
    for (int i = 0; i < 3; i++) {
        if (*prices[i] != FH_NONE)
            out[n++] = (value_slot){prices[i], price};
        out[n++] = (value_slot){sizes[i], size};
    }
    return n;
}

static inline bool market_rescale(market *m, int64_t price, int64_t size)
{
    value_slot slots[6];
    int64_t scaled[6];
    int n = quote_slots(&m->quote, price, size, slots);
    for (int i = 0; i < n; i++)
        if (__builtin_mul_overflow(*slots[i].value, slots[i].factor, &scaled[i]))
            return false;
    if (!book_rescale(&m->book, price, size))
        return false;
    for (int i = 0; i < n; i++)
        *slots[i].value = scaled[i];
    return true;
}

COLD void market_unwidenable(engine *e, market *m)
{
    continuity_lose(&m->sequence);
    market_unfed(m);
    backlog_clear(&m->backlog);
    m->asked = false;
    market_state(e, m, FH_STATE_STALE, FH_REASON_PRECISION);
    market_show(e, m, true);
}

/* Give `m` exponents at most these. False: it could not be done; it is STALE(PRECISION) now. */
COLD bool market_widen(engine *e, market *m, int price_exponent, int size_exponent)
{
    fh_counter_add(e->writer, FH_COUNTER_PRECISION, 1);
    if (price_exponent > m->price_exponent)
        price_exponent = m->price_exponent;
    if (size_exponent > m->size_exponent)
        size_exponent = m->size_exponent;
    int up_price = m->price_exponent - price_exponent, up_size = m->size_exponent - size_exponent;
    uint8_t state = m->state, reason = m->reason;
    if (state == FH_STATE_LIVE) {
        market_state(e, m, FH_STATE_STALE, FH_REASON_PRECISION);
        market_show(e, m, true);
    }
    if (e->need_too_much || m->precision + 1 >= FH_PRECISIONS || up_price > 18 || up_size > 18 ||
        price_exponent < DECIMAL_EXPONENT_MIN || size_exponent < DECIMAL_EXPONENT_MIN ||
        !market_rescale(m, decimal_power[up_price], decimal_power[up_size])) {
        market_unwidenable(e, m);
        return false;
    }
    m->precision++;
    m->price_exponent = price_exponent;
    m->size_exponent = size_exponent;
    m->price_scale = decimal_scale_of(price_exponent);
    m->size_scale = decimal_scale_of(size_exponent);
    m->entry.precision = m->precision;
    m->entry.price_exponents[m->precision] = (int8_t)price_exponent;
    m->entry.size_exponents[m->precision] = (int8_t)size_exponent;
    fh_directory_update(e->writer, m->id, &m->entry);
    if (state == FH_STATE_LIVE) {
        if (m->has_book)
            market_republish(e, m, m->head.exchange_ns, m->head.receive_ns);
        market_state(e, m, state, reason);
    }
    market_show(e, m, true);
    market_attention(e, m, WIDENED, m->precision);
    return true;
}

/* Levels that were read in an older generation, brought to the one in force. */
static inline bool levels_rescale(const market *m, uint8_t precision, level *levels, uint32_t count)
{
    if (LIKELY(precision == m->precision))
        return true;
    int64_t price = decimal_power[m->entry.price_exponents[precision] - m->price_exponent];
    int64_t size = decimal_power[m->entry.size_exponents[precision] - m->size_exponent];
    for (uint32_t i = 0; i < count; i++) {
        if (levels[i].price != FH_NONE &&
            __builtin_mul_overflow(levels[i].price, price, &levels[i].price))
            return false;
        if (__builtin_mul_overflow(levels[i].size, size, &levels[i].size))
            return false;
    }
    return true;
}

#endif
