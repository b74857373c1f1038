/* Frames in the very bytes that a venue always writes: read by pointer, without keys or texts.
 *
 * A venue's `usual` reader spells its commonest messages out, token by token. It accepts a part of what
 * the general reader accepts and gives it the same meaning, only sooner. At the first surprise (another
 * key, a space, an escape, an unknown symbol, a number too long or with too many digits, an error of any
 * kind) it answers false; `engine_rewind` forgets what it did, and the general reader starts over.
 *
 * Frames are padded with zeros, which are no part of any token: a step that succeeds ends within the
 * frame, and none looks further than CURSOR_PADDING past where it starts.
 *
 *     if (!USUAL_NEXT(at, "{\"ts\":") || !USUAL_INTEGER(at, &time) || !USUAL_NEXT(at, "}"))
 *         return false;
 */
#ifndef FEEDHANDLER_ENGINE_USUAL_H
#define FEEDHANDLER_ENGINE_USUAL_H

#include "levels.h"

ALWAYS_INLINE bool usual_padded(const cursor *c) { return c->limit - c->end == CURSOR_PADDING; }

/* memcmp, without the call that compilers make for more than a few words. */
ALWAYS_INLINE bool usual_same(const uint8_t *at, const char *literal, size_t length)
{
    const uint8_t *other = (const uint8_t *)literal;
    uint64_t differ = 0;
    if (length < 8)
        return memcmp(at, literal, length) == 0;
#pragma GCC unroll 16
    for (size_t i = 0; i + 8 < length; i += 8)
        differ |= load8(at + i) ^ load8(other + i);
    return (differ | (load8(at + length - 8) ^ load8(other + length - 8))) == 0;
}

/* Each of these moves `*at` past what it names, or answers false. */

ALWAYS_INLINE bool usual_next(const uint8_t **at, const char *literal, size_t length)
{
    bool same = usual_same(*at, literal, length);
    *at += length; /* where it differs, nobody goes on */
    return LIKELY(same);
}
#define USUAL_NEXT(at, literal) usual_next(&(at), "" literal, sizeof(literal) - 1)

/* The same for what may or may not come. */
ALWAYS_INLINE bool usual_maybe(const uint8_t **at, const char *literal, size_t length)
{
    if (!usual_same(*at, literal, length))
        return false;
    *at += length;
    return true;
}
#define USUAL_MAYBE(at, literal) usual_maybe(&(at), "" literal, sizeof(literal) - 1)

/* One to sixteen digits; the caller looks at what follows. */
ALWAYS_INLINE bool usual_integer(const uint8_t **at, int64_t *out)
{
    uint64_t word = load8(*at) ^ 0x3030303030303030u, stops = digit_stops(word), value;
    unsigned count;
    if (LIKELY(stops == 0)) { /* ids and times have more than eight */
        value = eight_digits(word);
        word = load8(*at + 8) ^ 0x3030303030303030u;
        stops = digit_stops(word);
        count = stops ? (unsigned)__builtin_ctzll(stops) >> 3 : 8;
        if (LIKELY(count != 0))
            value = value * (uint64_t)decimal_power[count] + eight_digits(digits_align(word, count));
        if (UNLIKELY(**at == '0'))
            return false;
        count += 8;
    } else {
        count = (unsigned)__builtin_ctzll(stops) >> 3;
        if (UNLIKELY(count == 0 || (count > 1 && **at == '0')))
            return false;
        value = eight_digits(digits_align(word, count));
    }
    *at += count;
    *out = (int64_t)value;
    return true;
}
#define USUAL_INTEGER(at, out) usual_integer(&(at), (out))

ALWAYS_INLINE bool usual_signed(const uint8_t **at, int64_t *out)
{
    bool negative = **at == '-';
    *at += negative;
    if (!usual_integer(at, out))
        return false;
    *out = negative ? -*out : *out;
    return true;
}
#define USUAL_SIGNED(at, out) usual_signed(&(at), (out))

/* A string's bytes up to its closing quote. */
ALWAYS_INLINE bool usual_string(const uint8_t **at)
{
    uint64_t stops;
    const uint8_t *p = *at;
    while ((stops = string_stops(load8(p))) == 0)
        p += 8;
    *at = p += __builtin_ctzll(stops) >> 3;
    return LIKELY(*p == '"');
}

/* A time in milliseconds that can be one. */
ALWAYS_INLINE bool usual_time(const engine *e, const uint8_t **at, int64_t *ns)
{
    int64_t value;
    if (UNLIKELY(!usual_integer(at, &value)))
        return false;
    *ns = (int64_t)((uint64_t)value * 1000000);
    return LIKELY(time_usual(e, value));
}
#define USUAL_TIME(at, ns) usual_time(e, &(at), (ns))

/* A symbol that ends in `close`; a market that is ours. */
ALWAYS_INLINE bool usual_market(engine *e, const uint8_t **at, uint8_t close, market **out)
{
    const uint8_t *begin = *at;
    market *m = e->last_market;
    if (LIKELY(m != NULL && m->symbol_length != 0 && begin[m->symbol_length] == close &&
               market_named(m, begin, m->symbol_length))) {
        *at = begin + m->symbol_length;
    } else {
        const uint8_t *end = begin;
        if (!usual_string(&end))
            return false;
        if (close != '"') {
            const uint8_t *dot = (const uint8_t *)memchr(begin, close, (size_t)(end - begin));
            if (dot == NULL)
                return false;
            end = dot;
        }
        m = symbol_find(e, begin, (size_t)(end - begin));
        if (UNLIKELY(m == NULL))
            return false;
        *at = end;
    }
    *out = m;
    return true;
}

/* digits[.digits] in the market's scale. What is 0 means more than a number, or nothing at all: the
 * general reader knows. */
ALWAYS_INLINE bool usual_price(market *m, const uint8_t **at, int64_t *out)
{
    *at = level_number(*at, &m->price_scale, m->price_exponent, out);
    return LIKELY(*at != NULL && *out != 0);
}

ALWAYS_INLINE bool usual_size(market *m, const uint8_t **at, int64_t *out)
{
    *at = level_number(*at, &m->size_scale, m->size_exponent, out);
    return LIKELY(*at != NULL && *out != 0);
}

/* An array of levels. */
ALWAYS_INLINE bool usual_levels(engine *e, cursor *c, const uint8_t **at, message *msg, uint8_t side,
                                int shape)
{
    if (UNLIKELY((*at)[0] != '['))
        return false;
    if (msg->runs++ == 0)
        msg->first_side = side;
    else
        msg->first_count = msg->count;
    if (UNLIKELY((*at)[1] == ']')) { /* many frames have but one side */
        *at += 2;
        return true;
    }
    const uint8_t *past = levels_tight(e, c, msg->market, *at + 1, shape);
    if (UNLIKELY(past == NULL))
        return false;
    *at = past;
    msg->count = e->level_count - msg->levels;
    return true;
}

/* The frame was not the usual one: nothing of it has been seen. */
COLD void engine_rewind(engine *e, cursor *c, const cursor *start)
{
    *c = *start;
    e->message_count = e->level_count = e->stat_count = 0;
    e->short_of = NULL;
    e->subject = NULL;
    e->book_frame = true;
}

#endif
