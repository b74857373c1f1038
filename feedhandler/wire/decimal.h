/* Decimal text to int64, exactly or not at all.
 *
 * `decimal_scaled` reads a JSON number at `at` as value x 10^exponent. It is exact: a value with a
 * non-zero digit below the exponent is DECIMAL_PRECISION (and says which exponent would hold it), one
 * that does not fit is DECIMAL_OVERFLOW. Zeros below the exponent are fine: "61837.63000000" at -2.
 *
 * The fast path takes up to eight digits on either side of the point, eight bytes at a time; every
 * other shape (sign, exponent, longer, too near the end of the buffer, or simply wrong) goes to the
 * careful reader, which also names the error. Neither reads at or past `limit`.
 */
#ifndef FEEDHANDLER_WIRE_DECIMAL_H
#define FEEDHANDLER_WIRE_DECIMAL_H

#include "cursor.h"
#include "power.h"
#include "decimal_simd.h"

enum decimal_result { DECIMAL_OK = 0, DECIMAL_SYNTAX, DECIMAL_PRECISION, DECIMAL_OVERFLOW };

enum { DECIMAL_EXPONENT_MIN = -18, DECIMAL_EXPONENT_MAX = 6 };

typedef struct decimal {
    int64_t mantissa; /* without trailing zeros */
    int32_t exponent; /* 0 when the mantissa is 0 */
} decimal;

/* ---- eight digits at once --------------------------------------------------------------------- */

/* Eight digit values (0..9), the first in the lowest byte, to their number. */
ALWAYS_INLINE uint64_t eight_digits(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    return ((digits & 0x000000ff000000ffu) * 0x000f424000000064u +
            (digits >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
}

/* The first `count` (1..8) of the digit values, moved so that they end the number. */
ALWAYS_INLINE uint64_t digits_align(uint64_t word, unsigned count)
{
    return word << (64 - 8 * count);
}

/* ---- the careful reader ------------------------------------------------------------------------ */

/* Read the number as it is written. `*stop` is past it, or at the byte that is wrong. OVERFLOW: more
 * significant digits than an int64 holds, or an exponent past +-100000. */
static __attribute__((noinline)) int decimal_natural(const uint8_t *at, const uint8_t *limit,
                                                     decimal *out, const uint8_t **stop)
{
    uint64_t mantissa = 0;
    int64_t zeros = 0; /* trailing zeros read but not yet multiplied in */
    int64_t exponent = 0;
    bool negative = false, overflow = false, point = false;
    const uint8_t *digits;

    *stop = at;
    if (at < limit && *at == '-') {
        negative = true;
        at++;
    }
    digits = at;
    for (; at < limit; at++) {
        uint8_t digit = (uint8_t)(*at - '0');
        if (digit > 9) {
            if (*at != '.' || point)
                break;
            if (at == digits)
                break;
            point = true;
            digits = at + 1; /* a digit must follow */
            continue;
        }
        if (!point && at > digits && *digits == '0') { /* 012 */
            *stop = digits;
            return DECIMAL_SYNTAX;
        }
        if (point)
            exponent--;
        if (digit == 0) {
            zeros += mantissa != 0;
            continue;
        }
        for (; zeros >= 0; zeros--)
            overflow |= __builtin_mul_overflow(mantissa, (uint64_t)10, &mantissa);
        zeros = 0;
        overflow |= __builtin_add_overflow(mantissa, (uint64_t)digit, &mantissa);
        if (overflow) {
            mantissa = 1; /* keep walking for the syntax; the value is lost */
        }
    }
    *stop = at;
    if (at == digits)
        return DECIMAL_SYNTAX;
    exponent += zeros;
    if (at < limit && (*at | 0x20) == 'e') {
        const uint8_t *from;
        int64_t shift = 0;
        bool down = false;
        at++;
        if (at < limit && (*at == '+' || *at == '-'))
            down = *at++ == '-';
        for (from = at; at < limit && (uint8_t)(*at - '0') < 10; at++)
            if (shift < 1000000)
                shift = shift * 10 + (*at - '0');
        *stop = at;
        if (at == from)
            return DECIMAL_SYNTAX;
        exponent += down ? -shift : shift;
    }
    if (mantissa == 0) {
        out->mantissa = 0;
        out->exponent = 0;
        return DECIMAL_OK;
    }
    if (overflow || mantissa > (uint64_t)INT64_MAX || exponent < -100000 || exponent > 100000)
        return DECIMAL_OVERFLOW;
    out->mantissa = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    out->exponent = (int32_t)exponent;
    return DECIMAL_OK;
}

/* value x 10^from as value x 10^to; PRECISION when digits would be lost. */
static inline int decimal_rescale(int64_t value, int from, int to, int64_t *out)
{
    int shift = from - to;
    if (value == 0 || shift == 0) {
        *out = value;
        return DECIMAL_OK;
    }
    if (shift < 0) {
        if (shift < -18 || value % decimal_power[-shift] != 0)
            return DECIMAL_PRECISION;
        *out = value / decimal_power[-shift];
        return DECIMAL_OK;
    }
    if (shift > 18 || __builtin_mul_overflow(value, decimal_power[shift], out))
        return DECIMAL_OVERFLOW;
    return DECIMAL_OK;
}

static __attribute__((noinline)) int decimal_scaled_slow(const uint8_t *at, const uint8_t *limit,
                                                         int exponent, int64_t *value,
                                                         const uint8_t **stop, int *needed)
{
    decimal natural;
    int result = decimal_natural(at, limit, &natural, stop);
    if (result == DECIMAL_OK) {
        result = decimal_rescale(natural.mantissa, natural.exponent, exponent, value);
        *needed = natural.exponent;
        if (result == DECIMAL_PRECISION && natural.exponent < DECIMAL_EXPONENT_MIN)
            result = DECIMAL_OVERFLOW; /* no exponent that we have will ever hold it */
    } else {
        *needed = INT32_MIN;
    }
    return result;
}

/* ---- the reader -------------------------------------------------------------------------------- */

/* `*needed`: with PRECISION and OVERFLOW, the exponent in which the value has no trailing zero; INT32_MIN:
 * no int64 holds its digits. */
ALWAYS_INLINE int decimal_scaled(const uint8_t *at, const uint8_t *limit, int exponent,
                                 int64_t *value, const uint8_t **stop, int *needed)
{
    if (LIKELY(limit - at >= 9 && exponent <= 0 && exponent >= -8)) {
        unsigned keep = (unsigned)-exponent;
        uint64_t whole = load8(at) ^ 0x3030303030303030u;
        uint64_t stops = digit_stops(whole);
        unsigned count = stops ? (unsigned)__builtin_ctzll(stops) >> 3 : 8;
        uint8_t after = at[count];
        if (UNLIKELY(count == 0 || (count > 1 && *at == '0')))
            goto slow;
        if (after == '.') {
            const uint8_t *tail = at + count + 1;
            if (UNLIKELY(limit - tail < 9))
                goto slow;
            uint64_t part = load8(tail) ^ 0x3030303030303030u;
            stops = digit_stops(part);
            unsigned places = stops ? (unsigned)__builtin_ctzll(stops) >> 3 : 8;
            after = tail[places];
            /* a further digit, an exponent, or no digit at all: not for here */
            if (UNLIKELY(places == 0 || (uint8_t)(after - '0') < 10 || (after | 0x20) == 'e'))
                goto slow;
            *stop = tail + places;
            if (places < 8)
                part &= ((uint64_t)1 << (8 * places)) - 1;
            if (keep < 8) {
                if (UNLIKELY(part >> (8 * keep)))
                    goto slow; /* a digit below the exponent: the slow path says how deep */
                part &= ((uint64_t)1 << (8 * keep)) - 1;
            }
            *value = (int64_t)(eight_digits(digits_align(whole, count)) * (uint64_t)decimal_power[keep]);
            if (keep != 0)
                *value += (int64_t)eight_digits(digits_align(part, keep));
            return DECIMAL_OK;
        }
        if (UNLIKELY((uint8_t)(after - '0') < 10 || (after | 0x20) == 'e'))
            goto slow;
        *stop = at + count;
        *value = (int64_t)(eight_digits(digits_align(whole, count)) * (uint64_t)decimal_power[keep]);
        return DECIMAL_OK;
    }
slow:
    return decimal_scaled_slow(at, limit, exponent, value, stop, needed);
}

/* Bytes before a number that decimal_plain may load, and does not look at. */
enum { DECIMAL_BEFORE = 32 };

#ifdef SIXTEEN
/* An exponent prepared for decimal_plain. */
typedef struct decimal_scale {
    unsigned places;
    bool plain; /* other exponents take the careful way */
} decimal_scale;

static inline decimal_scale decimal_scale_of(int exponent)
{
    bool plain = exponent <= 0 && exponent >= -18;
    return (decimal_scale){plain ? (unsigned)-exponent : 0, plain};
}

/* digits[.digits] of up to fifteen bytes, DECIMAL_BEFORE bytes before which and 18 of which can be
 * read: past it, or NULL for anything else. The caller looks at the byte after it, which tells a
 * longer number, or an exponent. */
ALWAYS_INLINE const uint8_t *decimal_plain(const uint8_t *at, const decimal_scale *s, int64_t *out)
{
    return sixteen_decimal(at, s->places, out);
}
#else
/* A scale prepared for decimal_plain. */
typedef struct decimal_scale {
    int64_t power;  /* 10^places */
    uint64_t below; /* digit values that must be 0: those past the places */
    unsigned shift; /* moves the kept places to the end of the word */
    bool plain;     /* 0..8 places; other exponents take the careful way */
} decimal_scale;

static inline decimal_scale decimal_scale_of(int exponent)
{
    decimal_scale s = {1, ~(uint64_t)0, 0, exponent <= 0 && exponent >= -8};
    if (s.plain && exponent < 0) {
        s.power = decimal_power[-exponent];
        s.below = exponent == -8 ? 0 : ~(uint64_t)0 << (8 * -exponent);
        s.shift = (unsigned)(64 + 8 * exponent);
    }
    return s;
}

/* The same, of one to seven digits before the point and up to eight after it. */
ALWAYS_INLINE const uint8_t *decimal_plain(const uint8_t *at, const decimal_scale *s, int64_t *out)
{
    uint64_t whole = load8(at) ^ 0x3030303030303030u;
    uint64_t stops = digit_stops(whole);
    unsigned bits;
    uint64_t value;
    if (UNLIKELY(stops == 0 || (stops & 0x80)))
        return NULL;
    bits = (unsigned)__builtin_ctzll(stops) & 56;
    if (UNLIKELY((whole & 0xff) == 0 && bits > 8))
        return NULL; /* 012 */
    value = eight_digits(whole << (64 - bits)) * (uint64_t)s->power;
    at += bits >> 3;
    if (*at == '.') {
        uint64_t part = load8(++at) ^ 0x3030303030303030u;
        stops = digit_stops(part);
        part &= ((stops & (0 - stops)) >> 7) - 1; /* the digits before the first stop */
        if (UNLIKELY((stops & 0x80) || (part & s->below)))
            return NULL;
        value += eight_digits(part << s->shift);
        bits = stops ? (unsigned)__builtin_ctzll(stops) & 56 : 64;
        at += bits >> 3;
    }
    *out = (int64_t)value;
    return at;
}
#endif

/* Up to sixteen digits at `at`: their number and how many. 17 bytes can be read. */
static inline unsigned sixteen_digits(const uint8_t *at, uint64_t *out)
{
    uint64_t word = load8(at) ^ 0x3030303030303030u, stops = digit_stops(word);
    unsigned count = stops ? (unsigned)__builtin_ctzll(stops) >> 3 : 8;
    *out = count ? eight_digits(digits_align(word, count)) : 0;
    if (UNLIKELY(stops == 0)) {
        word = load8(at + 8) ^ 0x3030303030303030u;
        stops = digit_stops(word);
        unsigned more = stops ? (unsigned)__builtin_ctzll(stops) >> 3 : 8;
        if (more)
            *out = *out * (uint64_t)decimal_power[more] + eight_digits(digits_align(word, more));
        count += more;
    }
    return count;
}

/* What decimal_plain leaves: up to sixteen digits before and after the point, down to 10^-16, 40 bytes
 * of which can be read. NULL for anything else. */
static __attribute__((noinline)) const uint8_t *decimal_long(const uint8_t *at, int exponent,
                                                             int64_t *out)
{
    uint64_t whole, part;
    int64_t value;
    if (exponent > 0 || exponent < -16)
        return NULL;
    unsigned count = sixteen_digits(at, &whole), places;
    if (count == 0 || (count > 1 && *at == '0') ||
        __builtin_mul_overflow((int64_t)whole, decimal_power[-exponent], &value))
        return NULL;
    at += count;
    if (*at == '.') {
        at++;
        places = sixteen_digits(at, &part);
        if (places == 0 || places > (unsigned)-exponent ||
            __builtin_add_overflow(value, (int64_t)part * decimal_power[(unsigned)-exponent - places],
                                   &value))
            return NULL;
        at += places;
    }
    *out = value;
    return at;
}

/* The double nearest to the value (one rounding for what fits 53 bits and 10^22; close otherwise). */
static inline double decimal_double(int64_t mantissa, int exponent)
{
    static const double power[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value = (double)mantissa;
    for (; exponent > 22; exponent -= 22)
        value *= 1e22;
    for (; exponent < -22; exponent += 22)
        value /= 1e22;
    return exponent < 0 ? value / power[-exponent] : value * power[exponent];
}

/* ---- integers ---------------------------------------------------------------------------------- */

/* A whole text as an int64: ids, times. Bare or quoted, as venues differ. */
static inline bool text_integer(const text *t, int64_t *out)
{
    bool negative = false;
    uint64_t value = 0;
    if (UNLIKELY(t->type != TEXT_NUMBER && t->type != TEXT_STRING))
        return false;
    const uint8_t *at = t->at, *end = at + t->length;
    if (at < end && *at == '-') {
        negative = true;
        at++;
    }
    if (UNLIKELY(at == end || end - at > 19))
        return false;
    if (end - at >= 8) {
        uint64_t word = load8(at) ^ 0x3030303030303030u;
        if (UNLIKELY(digit_stops(word)))
            return false;
        value = eight_digits(word);
        at += 8;
    }
    for (; at < end; at++) {
        uint8_t digit = (uint8_t)(*at - '0');
        if (UNLIKELY(digit > 9))
            return false;
        value = value * 10 + digit;
    }
    if (UNLIKELY(value > (uint64_t)INT64_MAX))
        return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

#endif
