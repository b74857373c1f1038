/* Numbers as venues write them, from scaled integers. */
#ifndef FEEDHANDLER_WIRE_NUMBER_TEXT_H
#define FEEDHANDLER_WIRE_NUMBER_TEXT_H

#include <stdio.h>
#include <stdlib.h>

#include "format.h"

enum number_style {
    NUMBER_PLAIN,   /* no exponent, no trailing zeros: 0.001, 5 */
    NUMBER_WRITTEN, /* with all decimals that the venue writes: 0.0010, 5.0000 */
    NUMBER_DIGITS,  /* the same, without the point and without leading zeros: 10, 50000 */
    NUMBER_SCRIPT,  /* as JavaScript makes text of a Number: 0.001, 1.7e-7 */
    NUMBER_STYLES
};

/* Room for a number's text; a little may be written past its end. */
enum { NUMBER_ROOM = FORMAT_BYTES + 16 };

/* How the integers of one scale are written: worked out once. */
typedef struct number_way {
    int style, exponent;
    int written;         /* the exponent of the last decimal that the venue writes */
    int point, end;      /* among sixteen digits: where the point is, and where they end at the earliest */
    uint64_t from, span; /* integers from here on, so many, are written by `number_pack` */
} number_way;

/* A text of up to sixteen bytes: it ends with the last of them, and those before it are 0. */
typedef struct number_packed {
    uint64_t words[2];
    uint32_t length;
} number_packed;

static inline number_way number_way_of(int style, int exponent, int written)
{
    number_way way = {style, exponent, written, 0, 0, 1, 0};
    int digits_from = exponent, least = style == NUMBER_WRITTEN && written < 0 ? -written : 0;
    if (style == NUMBER_DIGITS)
        digits_from = exponent == written ? 0 : 1; /* 1: zeros are added, or taken away */
    if (style == NUMBER_SCRIPT && exponent < -6) /* what is below 0.000001 has an exponent */
        way.from = (uint64_t)decimal_power[-6 - exponent];
    if (digits_from > 0 || digits_from < -14 || least > -digits_from)
        return way;
    way.point = 16 + digits_from;
    way.end = way.point + least;
    way.span = 1000000000000000u - way.from; /* 15 digits and a point; so many a double holds */
    return way;
}

/* ---- sixteen digits at once -------------------------------------------------------------------------- */

__extension__ typedef unsigned __int128 number_bytes; /* the first in the lowest byte */

/* The values of the digits of a number below 10^16; where the first and past the last are that are not 0. */
#ifdef SIXTEEN
ALWAYS_INLINE number_bytes digits_of(uint64_t value, int *first, int *last)
{
    const __m128i both = _mm_set_epi64x((long long)(value % 100000000), (long long)(value / 100000000));
    __m128i high = _mm_srli_epi64(_mm_mul_epu32(both, _mm_set1_epi64x(0xd1b71759)), 45);
    __m128i low = _mm_sub_epi64(both, _mm_mul_epu32(high, _mm_set1_epi64x(10000)));
    __m128i digits = _mm_or_si128(high, _mm_slli_epi64(low, 32)); /* fours */
    high = _mm_srli_epi16(_mm_mulhi_epu16(digits, _mm_set1_epi16(5243)), 3);
    low = _mm_sub_epi16(digits, _mm_mullo_epi16(high, _mm_set1_epi16(100)));
    digits = _mm_or_si128(high, _mm_slli_epi32(low, 16)); /* twos */
    high = _mm_mulhi_epu16(digits, _mm_set1_epi16(6554));
    low = _mm_sub_epi16(digits, _mm_mullo_epi16(high, _mm_set1_epi16(10)));
    digits = _mm_or_si128(high, _mm_slli_epi16(low, 8));
    const unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(digits, _mm_setzero_si128()));
    *first = __builtin_ctz(~zeros);
    *last = 32 - __builtin_clz(zeros ^ 0xffff);
    return (number_bytes)(uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(digits, digits)) << 64 |
           (uint64_t)_mm_cvtsi128_si64(digits);
}
#else
ALWAYS_INLINE uint64_t eight_digits_of(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007fu;
    uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
    uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000fu;
    return tens | (twos - 10 * tens) << 8;
}

ALWAYS_INLINE number_bytes digits_of(uint64_t value, int *first, int *last)
{
    const uint64_t high = eight_digits_of((uint32_t)(value / 100000000));
    const uint64_t low = eight_digits_of((uint32_t)(value % 100000000));
    *first = high ? __builtin_ctzll(high) >> 3 : 8 + (__builtin_ctzll(low) >> 3);
    *last = low ? 16 - (__builtin_clzll(low) >> 3) : 8 - (__builtin_clzll(high) >> 3);
    return (number_bytes)low << 64 | high;
}
#endif

/* Most numbers, without a byte of it in memory. False: `number_text` knows. */
ALWAYS_INLINE bool number_pack(int64_t value, const number_way *way, number_packed *out)
{
    if (UNLIKELY((uint64_t)value - way->from >= way->span))
        return false;
    const number_bytes zeros = (number_bytes)0x3030303030303030u << 64 | 0x3030303030303030u;
    int begin, end;
    number_bytes text = digits_of((uint64_t)value, &begin, &end);
    begin = begin < way->point ? begin : way->point - 1; /* a digit stands before the point */
    end = end > way->end ? end : way->end;
    text = (text | zeros << 8 * begin) << 8 * (16 - end);
    out->length = (uint32_t)(end - begin);
    if (end > way->point) {
        int decimals = end - way->point;
        number_bytes whole = text << 8 * decimals >> 8 * decimals;
        text ^= whole ^ (whole >> 8 | (number_bytes)'.' << 8 * (15 - decimals));
        out->length++;
    }
    out->words[0] = (uint64_t)text;
    out->words[1] = (uint64_t)(text >> 64);
    return true;
}

/* ---- all others -------------------------------------------------------------------------------------- */

/* With at least so many decimals, and otherwise no trailing zeros. */
COLD uint8_t *number_long(uint8_t *o, uint64_t value, int exponent, int least)
{
    uint8_t *end = o + decimal_format((int64_t)value, exponent, o);
    const uint8_t *point = (const uint8_t *)memchr(o, '.', (size_t)(end - o));
    int there = point ? (int)(end - point) - 1 : 0;
    if (there == 0 && least > 0)
        *end++ = '.';
    for (; there < least; there++)
        *end++ = '0';
    return end;
}

/* Digits that a double may not hold, or a value so small or large that it is written with an exponent. */
COLD uint8_t *number_script(uint8_t *o, uint64_t value, int exponent)
{
    char text[64], digits[32];
    int count = 0, places = 14;
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)value, exponent);
    const double number = strtod(text, NULL);
    do /* the fewest digits that mean this double; 15 mean what they say */
        snprintf(text, sizeof text, "%.*e", places, number);
    while (strtod(text, NULL) != number && ++places < 17);
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9') /* and not the point of this country */
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    int point = (int)strtod(at + 1, NULL) + 1; /* 0.DIGITS x 10^point; strtol is of newer glibcs: scripts/wheels */
    if (point <= -6 || point > 21) {
        *o++ = (uint8_t)digits[0];
        if (count > 1) {
            *o++ = '.';
            memcpy(o, digits + 1, (size_t)count - 1);
            o += count - 1;
        }
        return o + sprintf((char *)o, "e%+d", point - 1);
    }
    if (point <= 0) {
        *o++ = '0';
        *o++ = '.';
        for (; point < 0; point++)
            *o++ = '0';
        point = -1; /* it is written */
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point)
            *o++ = '.';
        *o++ = (uint8_t)(i < count ? digits[i] : '0');
    }
    return o;
}

/* As many digits as there are with the decimals that the venue writes. */
COLD uint8_t *number_digits(uint8_t *o, uint64_t value, int exponent, int written)
{
    for (; exponent < written && value % 10 == 0; exponent++)
        value /= 10;
    o = number_long(o, value, 0, 0);
    for (; exponent > written; exponent--)
        *o++ = '0';
    return o;
}

/* Any number, into NUMBER_ROOM bytes. Past its end. */
static uint8_t *number_text(uint8_t *o, int64_t value, const number_way *way)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    number_packed packed;
    if (value < 0)
        *o++ = '-';
    if (number_pack((int64_t)size, way, &packed)) {
        uint8_t bytes[32] = {0};
        memcpy(bytes, packed.words, sizeof packed.words);
        memcpy(o, bytes + 16 - packed.length, 16);
        return o + packed.length;
    }
    switch (way->style) {
    case NUMBER_WRITTEN: return number_long(o, size, way->exponent, -way->written);
    case NUMBER_DIGITS: return number_digits(o, size, way->exponent, way->written);
    case NUMBER_SCRIPT: return number_script(o, size, way->exponent);
    default: return number_long(o, size, way->exponent, 0);
    }
}

#endif
