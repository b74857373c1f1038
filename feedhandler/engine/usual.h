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
#ifdef SIXTEEN
ALWAYS_INLINE bool usual_integer(const uint8_t **at, int64_t *out)
{
    unsigned digits = sixteen_digit_bits(_mm_sub_epi8(sixteen_load(*at), _mm_set1_epi8('0')));
    if (UNLIKELY(digits == 0xffff))
        return usual_longer(at, sixteen_number(*at + 16, 16), out);
    if (UNLIKELY(!(digits & 1) || (**at == '0' && (digits & 2))))
        return false;
    unsigned count = (unsigned)__builtin_ctz(~digits);
    *at += count;
    *out = (int64_t)sixteen_number(*at, count);
    return true;
}
#else
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
#endif

ALWAYS_INLINE bool usual_signed(const uint8_t **at, int64_t *out)
{
    bool negative = **at == '-';
    *at += negative;
    if (!usual_integer(at, out))
        return false;
    *out = negative ? -*out : *out;
    return true;
}

#ifdef SIXTEEN
/* Which of sixteen bytes end the plain run of a string, as bits: quote, backslash, control, non-ASCII. */
ALWAYS_INLINE unsigned string_stop_bits(const uint8_t *at)
{
    __m128i bytes = sixteen_load(at), stops = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
}
#endif

/* A string's bytes up to its closing quote. */
ALWAYS_INLINE bool usual_string(const uint8_t **at)
{
    const uint8_t *p = *at;
#ifdef SIXTEEN
    unsigned stops;
    while ((stops = string_stop_bits(p)) == 0)
        p += 16;
    p += __builtin_ctz(stops);
#else
    uint64_t stops;
    while ((stops = string_stops(load8(p))) == 0)
        p += 8;
    p += __builtin_ctzll(stops) >> 3;
#endif
    *at = p;
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

ALWAYS_INLINE bool thirteen_digits(const uint8_t *at, int64_t *out)
{
#ifdef SIXTEEN
    __m128i values = _mm_sub_epi8(sixteen_load(at - 3), _mm_set1_epi8('0'));
    *out = (int64_t)sixteen_value(_mm_and_si128(values, sixteen_last(13)));
    return (sixteen_digit_bits(values) | 7) == 0xffff;
#else
    uint64_t first = load8(at) ^ 0x3030303030303030u, last = load8(at + 5) ^ 0x3030303030303030u;
    *out = (int64_t)(eight_digits(digits_align(first, 5)) * 100000000 + eight_digits(last));
    return (digit_stops(first) | digit_stops(last)) == 0;
#endif
}

/* A time in milliseconds that can be one. It has thirteen digits until the year 2286: what follows it need not
 * wait for where it ends. */
ALWAYS_INLINE bool usual_time(const engine *e, const uint8_t **at, int64_t *ns)
{
    int64_t value;
    if (LIKELY(thirteen_digits(*at, &value) && **at != '0' && (uint8_t)((*at)[13] - '0') > 9)) {
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
