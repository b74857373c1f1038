/* Values as venues usually write them: read by pointer, without texts.
 *
 * Each accepts a part of what the general readers accept and gives it the same meaning, only sooner: it
 * moves `*at` past what it names, or answers false.
 */
#ifndef FEEDHANDLER_ENGINE_USUAL_H
#define FEEDHANDLER_ENGINE_USUAL_H

#include "levels.h"

ALWAYS_INLINE bool usual_padded(const cursor *c) { return c->limit - c->end == CURSOR_PADDING; }

/* Sixteen digits to the nineteen that there may be, the first sixteen of which have been read. */
COLD bool usual_longer(const uint8_t **at, uint64_t value, int64_t *out)
{
    const uint8_t *p = *at + 16;
    for (int more = 0; more < 3 && (uint8_t)(*p - '0') < 10; more++)
        value = value * 10 + (uint8_t)(*p++ - '0');
    bool fits = **at != '0' && value <= INT64_MAX;
    *at = p;
    *out = (int64_t)value;
    return fits;
}

/* One to nineteen digits; the caller looks at what follows. */
ALWAYS_INLINE bool usual_integer(const uint8_t **at, int64_t *out)
{
    uint64_t word = load8(*at) ^ 0x3030303030303030u, stops = digit_stops(word), value;
    unsigned count;
    if (LIKELY(stops == 0)) { /* ids and times have more than eight */
        value = eight_digits(word);
        word = load8(*at + 8) ^ 0x3030303030303030u;
        stops = digit_stops(word);
        if (UNLIKELY(stops == 0))
            return usual_longer(at, value * 100000000 + eight_digits(word), out);
        count = (unsigned)__builtin_ctzll(stops) >> 3;
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

ALWAYS_INLINE bool usual_signed(const uint8_t **at, int64_t *out)
{
    bool negative = **at == '-';
    *at += negative;
    if (!usual_integer(at, out))
        return false;
    *out = negative ? -*out : *out;
    return true;
}

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

/* A string without escapes, a number or a word, and its text. False: `*at` stays where it is. */
ALWAYS_INLINE bool usual_scalar(const uint8_t **at, const uint8_t *end, text *said)
{
    const uint8_t *from = *at, *past = from + 1, *bad;
    if (*from == '"') {
        if (UNLIKELY(!usual_string(&past)))
            return false;
        *said = (text){from + 1, (uint32_t)(past - from - 1), TEXT_STRING, false};
        *at = past + 1;
        return true;
    }
    if (LIKELY(*from == '-' || (uint8_t)(*from - '0') < 10)) {
        if (UNLIKELY((past = number_end(from, end, &bad)) == NULL))
            return false;
        *said = (text){from, (uint32_t)(past - from), TEXT_NUMBER, false};
    } else {
        bool null = memcmp(from, "null", 4) == 0, yes = memcmp(from, "true", 4) == 0;
        if (!null && !yes && memcmp(from, "false", 5) != 0)
            return false;
        past = from + (null || yes ? 4 : 5);
        *said = (text){from, (uint32_t)(past - from), null ? TEXT_NULL : yes ? TEXT_TRUE : TEXT_FALSE, false};
    }
    *at = past;
    return true;
}

/* A time in milliseconds that can be one. It has thirteen digits until the year 2286: what follows it need not
 * wait for where it ends. */
ALWAYS_INLINE bool usual_time(const engine *e, const uint8_t **at, int64_t *ns)
{
    int64_t value;
    uint64_t first = load8(*at) ^ 0x3030303030303030u, last = load8(*at + 5) ^ 0x3030303030303030u;
    if (LIKELY((digit_stops(first) | digit_stops(last)) == 0 && **at != '0' && (uint8_t)((*at)[13] - '0') > 9)) {
        value = (int64_t)(eight_digits(digits_align(first, 5)) * 100000000 + eight_digits(last));
        *at += 13;
    } else if (UNLIKELY(!usual_integer(at, &value))) {
        return false;
    }
    *ns = (int64_t)((uint64_t)value * 1000000);
    return LIKELY(time_usual(e, value));
}

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

/* The frame was not the usual one: nothing of it has been seen. */
COLD void engine_rewind(engine *e, cursor *c)
{
    cursor_start(c, c->begin, (size_t)(c->end - c->begin), c->spare);
    cursor_padded(c);
    e->message_count = e->level_count = e->stat_count = 0;
    e->short_of = NULL;
    e->subject = NULL;
    e->book_frame = true;
}

#endif
