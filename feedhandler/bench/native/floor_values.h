/* Values as the floor reads them: numbers, times, strings. Each reader answers past what it names, or NULL where
 * anything else is there. FLOOR_PADDING bytes before and behind a text can be read. */
#ifndef FEEDHANDLER_BENCH_FLOOR_VALUES_H
#define FEEDHANDLER_BENCH_FLOOR_VALUES_H

#include "../../wire/decimal.h"
#include "../../wire/position.h"

enum { FLOOR_PADDING = 32, FLOOR_DIGITS = 15, FLOOR_PLACES = 18 };

#define FLOOR_IS(p, literal) (memcmp(p, literal, sizeof literal - 1) == 0)

/* `past`, where a value that began at `from` ends; what follows goes on from where it ended the last time, as the
 * engine's does, and need not wait. */
ALWAYS_INLINE const char *floor_as_long(const char *from, const char *past, uint8_t *lasted)
{
    const char *guessed = from + *lasted, *next = guessed;
    __asm__("" : "+r"(next)); /* the compiler must not know that it is `past` */
    if (LIKELY(past == guessed))
        return next;
    *lasted = (uint8_t)(past - from);
    return past;
}

/* ---- numbers: digits[.digits] in units of 10^-places (1..18) ---------------------------------------- */

/* Any that can be: with more digits, with an exponent. `*need`: the places that it takes, or is written with,
 * where those are more. */
COLD const char *floor_number_long(const char *p, unsigned places, int64_t *out, unsigned *need)
{
    decimal number;
    const uint8_t *stop, *begin = (const uint8_t *)p;
    if (decimal_natural(begin, begin + FLOOR_PADDING, &number, &stop) != DECIMAL_OK || number.mantissa < 0)
        return NULL;
    const char *point = memchr(p, '.', (size_t)(stop - begin));
    int written = point ? (int)strspn(point + 1, "0123456789") : 0;
    int takes = written > -number.exponent ? written : -number.exponent;
    if (takes > (int)places) {
        *need = takes <= FLOOR_PLACES ? (unsigned)takes : 0;
        return NULL;
    }
    if (decimal_rescale(number.mantissa, number.exponent, -(int)places, out) != DECIMAL_OK)
        return NULL;
    return (const char *)stop;
}

/* Digit by digit: sooner where numbers are short and of much the same length, for the next one does not wait
 * for where this one ends. */
ALWAYS_INLINE const char *floor_number_short(const char *p, unsigned places, int64_t *out)
{
    const char *begin = p, *point;
    uint64_t value = 0;
    unsigned there = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    point = p;
    if (*p == '.')
        for (p++; (uint8_t)(*p - '0') < 10; there++)
            value = value * 10 + (uint64_t)(*p++ - '0');
    if (UNLIKELY(point == begin || p[-1] == '.' || (*begin == '0' && point != begin + 1) || there > places ||
                 p - begin > FLOOR_DIGITS + 1))
        return NULL;
    if (UNLIKELY(__builtin_mul_overflow((int64_t)value, decimal_power[places - there], out)))
        return NULL;
    return p;
}

#ifdef SIXTEEN
/* Where the digits of sixteen bytes end, as bits. */
ALWAYS_INLINE unsigned floor_stops(__m128i bytes)
{
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i least = _mm_min_epu8(digits, _mm_set1_epi8(9));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(least, digits)) ^ 0xffff;
}

ALWAYS_INLINE const char *floor_number(const char *p, unsigned places, int64_t *out)
{
    const uint8_t *at = (const uint8_t *)p;
    __m128i kept;
    unsigned stops = floor_stops(sixteen_load(at)) | 0x10000;
    unsigned whole = (unsigned)__builtin_ctz(stops), past = whole, there = 0;
    if (UNLIKELY((stops & 1) != 0 || (*at == '0' && !(stops & 2))))
        return NULL;
    if (at[whole] == '.') {
        past = (unsigned)__builtin_ctz((stops & (stops - 1)) | 0x10000);
        there = past - whole - 1;
        if (UNLIKELY(there - 1 >= places))
            return NULL;
        kept = sixteen_last(there);
        kept = _mm_or_si128(_mm_and_si128(kept, sixteen_load(at + past - 16)),
                            _mm_andnot_si128(kept, sixteen_load(at + past - 17)));
    } else {
        kept = sixteen_load(at + past - 16);
    }
    if (UNLIKELY(past == 16))
        return NULL;
    kept = _mm_and_si128(_mm_sub_epi8(kept, _mm_set1_epi8('0')), sixteen_last(whole + there));
    if (UNLIKELY(__builtin_mul_overflow((int64_t)sixteen_value(kept), decimal_power[places - there], out)))
        return NULL;
    return p + past;
}

/* One to fifteen digits. */
ALWAYS_INLINE const char *floor_integer(const char *p, uint64_t *out)
{
    const uint8_t *at = (const uint8_t *)p;
    unsigned count = (unsigned)__builtin_ctz(floor_stops(sixteen_load(at)) | 0x10000);
    if (UNLIKELY(count == 0 || count == 16 || (*at == '0' && count != 1)))
        return NULL;
    __m128i digits = _mm_sub_epi8(sixteen_load(at + count - 16), _mm_set1_epi8('0'));
    *out = sixteen_value(_mm_and_si128(digits, sixteen_last(count)));
    return p + count;
}
#else
ALWAYS_INLINE const char *floor_number(const char *p, unsigned places, int64_t *out)
{
    return floor_number_short(p, places, out);
}

ALWAYS_INLINE const char *floor_integer(const char *p, uint64_t *out)
{
    const char *begin = p;
    uint64_t value = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    *out = value;
    return LIKELY(p != begin && p - begin <= FLOOR_DIGITS && (*begin != '0' || p == begin + 1)) ? p : NULL;
}
#endif

/* The same, up to nineteen: an id. */
ALWAYS_INLINE const char *floor_id(const char *p, uint64_t *out)
{
    const char *begin = p;
    uint64_t value = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    *out = value;
    return LIKELY(p != begin && p - begin <= 19) ? p : NULL;
}

/* Thirteen digits: milliseconds. */
ALWAYS_INLINE const char *floor_time(const char *p, int64_t *out)
{
    const uint8_t *at = (const uint8_t *)p;
    uint64_t first = load8(at) ^ 0x3030303030303030u, last = load8(at + 5) ^ 0x3030303030303030u;
    if (UNLIKELY(digit_stops(first) | digit_stops(last) | (*at == '0')))
        return NULL;
    *out = (int64_t)(eight_digits(digits_align(first, 5)) * 100000000 + eight_digits(last));
    return p + 13;
}

/* ---- strings ---------------------------------------------------------------------------------------- */

/* The end of a string in which nothing is escaped, or `close` in it. */
ALWAYS_INLINE const char *floor_string(const char *p, char close)
{
#ifdef SIXTEEN
    for (;; p += 16) {
        __m128i bytes = sixteen_load((const uint8_t *)p);
        __m128i stops = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')); /* and what is no ASCII */
        stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
        if (close != '"')
            stops = _mm_or_si128(stops, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(close)));
        unsigned there = (unsigned)_mm_movemask_epi8(stops);
        if (there) {
            p += __builtin_ctz(there);
            return LIKELY(*p == close) ? p : NULL;
        }
    }
#else
    while (*p >= ' ' && *p != '"' && *p != '\\' && *p != close)
        p++;
    return *p == close ? p : NULL;
#endif
}

#endif
