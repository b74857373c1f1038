/* Texts to what they stand for: prices, sizes, ids, times; and whether they can be that. */
#ifndef FEEDHANDLER_ENGINE_NUMBERS_H
#define FEEDHANDLER_ENGINE_NUMBERS_H

#include "types.h"

/* ---- numbers ------------------------------------------------------------------------------------- */

COLD void number_short(engine *e, market *m, int result, int needed, bool price)
{
    e->short_of = m;
    if (needed < DECIMAL_EXPONENT_MIN)
        e->need_too_much = true;
    else if (price)
        e->need_price = needed < e->need_price ? needed : e->need_price;
    else
        e->need_size = needed < e->need_size ? needed : e->need_size;
    e->need_room |= result == DECIMAL_OVERFLOW;
}

/* A number at `at` in the market's scale. False: it is no number (nothing else is an error here). */
ALWAYS_INLINE bool number_scaled(engine *e, market *m, bool price, const uint8_t *at,
                                 const uint8_t *limit, const uint8_t **stop, int64_t *out)
{
    int needed = 0;
    int result = decimal_scaled(at, limit, price ? m->price_exponent : m->size_exponent, out, stop,
                                &needed);
    if (LIKELY(result == DECIMAL_OK))
        return true;
    if (result == DECIMAL_SYNTAX)
        return false;
    *out = 1; /* anything that can be: it is read again */
    number_short(e, m, result, needed, price);
    return true;
}

/* Is there a value? Venues write none as a missing key, null, "" or a word. */
static inline bool text_present(const text *t)
{
    return (t->type == TEXT_NUMBER || t->type == TEXT_STRING) && t->length > 0 &&
           (*t->at == '-' || (uint8_t)(*t->at - '0') < 10);
}

/* null or "". */
static inline bool text_empty(const text *t)
{
    return t->type == TEXT_NULL || (t->type == TEXT_STRING && t->length == 0);
}

static inline void text_fail(cursor *c, int error, const text *t)
{
    if (!c->error)
        cursor_fail_at(c, t->type == TEXT_NONE ? WIRE_MISSING : error,
                       t->type == TEXT_NONE ? c->at : t->at);
}

/* A number in the market's scale, written as the venue writes its numbers. */
static inline bool text_scaled(engine *e, cursor *c, market *m, bool price, const text *t,
                               int64_t *out)
{
    const uint8_t *stop = t->at;
    if (UNLIKELY(t->type != e->decoder->numbers)) {
        text_fail(c, WIRE_TYPE, t);
        return false;
    }
    if (LIKELY(text_present(t) && number_scaled(e, m, price, t->at, text_limit(c, t), &stop, out) &&
               stop == t->at + t->length))
        return true;
    if (!c->error)
        cursor_fail_at(c, WIRE_DECIMAL, stop ? stop : c->at);
    return false;
}

/* Can it be the price of this instrument? */
ALWAYS_INLINE bool price_possible(const market *m, int64_t price)
{
    return LIKELY(price > 0) || m->signed_prices;
}

static inline void text_price(engine *e, cursor *c, market *m, const text *t, int64_t *out)
{
    if (text_scaled(e, c, m, true, t, out) && !price_possible(m, *out))
        text_fail(c, WIRE_RANGE, t);
}

/* A message's number. Bitget's have 19 digits; beyond this one they would be no numbers that can be counted
 * on. */
#define NUMBER_MAX (INT64_C(1) << 62)

static inline void text_number(cursor *c, const text *t, int64_t least, int64_t *out)
{
    if (UNLIKELY(!text_integer(t, out) || *out < least || *out > NUMBER_MAX)) {
        *out = least;
        text_fail(c, WIRE_RANGE, t);
    }
}

static inline void text_id(cursor *c, const text *t, int64_t *out) { text_number(c, t, 0, out); }

/* A clock may be wrong, not by days: what is further ahead is no time. */
#define TIME_AHEAD_NS INT64_C(86400000000000)

/* By its magnitude: ms or us (venues offer both). None: 0 and below, past the year 2262, which an int64
 * of nanoseconds does not hold, and days ahead of both the frame (a capture may have been received by any
 * clock) and the clock. */
COLD bool time_odd(const engine *e, int64_t value, int64_t *ns)
{
    int64_t unit = value < 100000000000000 ? 1000000 : value < 100000000000000000 ? 1000 : 1;
    *ns = 0;
    if (value <= 0 || __builtin_mul_overflow(value, unit, ns))
        return false;
    return *ns <= e->receive_ns + TIME_AHEAD_NS || *ns <= fh_now_ns() + TIME_AHEAD_NS;
}

/* Of milliseconds: is it between 1970 and a day after the frame? */
ALWAYS_INLINE bool time_usual(const engine *e, int64_t value)
{
    int64_t ns = (int64_t)((uint64_t)value * 1000000);
    return ((uint64_t)(value - 1) < UINT64_C(9000000000000)) & (ns <= e->receive_ns + TIME_AHEAD_NS);
}

/* A venue's time as unix nanoseconds. False: it cannot be. */
static inline bool time_read(const engine *e, int64_t value, int64_t *ns)
{
    *ns = (int64_t)((uint64_t)value * 1000000);
    return LIKELY(time_usual(e, value)) || time_odd(e, value, ns);
}

#endif
