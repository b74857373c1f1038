/* What the floor is made of: numbers, symbols, a book, slots. Its own, so that what the engine's cost
 * shows beside it; for the same compiler and the same instructions.
 *
 * A number is taken to be one, a symbol too; FLOOR_PADDING bytes before and behind a text can be read.
 */
#ifndef FEEDHANDLER_BENCH_FLOOR_BOOK_H
#define FEEDHANDLER_BENCH_FLOOR_BOOK_H

#include <stdlib.h>

#include "feedhandler_shm.h"

#include "../../engine/clock.h"
#include "../../wire/decimal.h"

enum { FLOOR_BOOKS = 4096, FLOOR_LEVELS = 1 << 16, FLOOR_PLACES = 11, FLOOR_PADDING = 32 };

typedef struct floor_level {
    int64_t price, size;
} floor_level;

/* The best level at the end. */
typedef struct floor_side {
    floor_level *levels;
    uint32_t count, room;
} floor_side;

typedef struct floor_book {
    floor_side bids, asks;
} floor_book;

typedef struct floor_feed {
    fh_slot *ring;
    uint64_t mask, next, levels;
    unix_clock clock;
    int64_t now;
    uint32_t count;
    floor_level read[FLOOR_LEVELS]; /* `count` of them, of the frame that is read */
    floor_book books[FLOOR_BOOKS];
} floor_feed;

/* ---- numbers: digits[.digits][e-digits] in units of 10^-FLOOR_PLACES; what does not fit wraps ------- */

static __attribute__((noinline)) const char *floor_number_long(const char *p, int64_t *out)
{
    uint64_t value = 0;
    int shift = FLOOR_PLACES;
    for (; (uint8_t)(*p - '0') < 10; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    if (*p == '.')
        for (p++; (uint8_t)(*p - '0') < 10; p++, shift--)
            value = value * 10 + (uint64_t)(*p - '0');
    if (*p == 'e')
        shift += (int)strtod(p + 1, (char **)&p);
    for (; shift < 0; shift++)
        value /= 10;
    for (; shift > 0; shift--)
        value *= 10;
    *out = (int64_t)value;
    return p;
}

/* Digit by digit: sooner where numbers are short and of much the same length, for the next one does not wait
 * for where this one ends. */
ALWAYS_INLINE const char *floor_number_short(const char *p, int64_t *out)
{
    const char *begin = p;
    uint64_t value = 0;
    unsigned places = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    if (*p == '.')
        for (p++; (uint8_t)(*p - '0') < 10; places++)
            value = value * 10 + (uint64_t)(*p++ - '0');
    if (UNLIKELY(*p == 'e'))
        return floor_number_long(begin, out);
    *out = (int64_t)(value * (uint64_t)decimal_power[(FLOOR_PLACES - places) & 15]);
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

/* Without a branch on where the point is, or whether there is one. */
ALWAYS_INLINE const char *floor_number(const char *p, int64_t *out)
{
    const uint8_t *at = (const uint8_t *)p;
    __m128i bytes = sixteen_load(at), kept;
    unsigned stops = floor_stops(bytes);
    unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
    unsigned ends = (stops & ~dots) | 0x10000;
    unsigned whole = (unsigned)__builtin_ctz(stops | 0x10000), past = (unsigned)__builtin_ctz(ends);
    if (UNLIKELY(past == 16 || at[past] == 'e'))
        return floor_number_long(p, out);
    unsigned point = past != whole, there = past - whole - point;
    kept = sixteen_last(there);
    kept = _mm_or_si128(_mm_and_si128(kept, sixteen_load(at + past - 16)),
                        _mm_andnot_si128(kept, sixteen_load(at + past - 16 - point)));
    kept = _mm_and_si128(_mm_sub_epi8(kept, _mm_set1_epi8('0')), sixteen_last(whole + there));
    *out = (int64_t)(sixteen_value(kept) * (uint64_t)decimal_power[(FLOOR_PLACES - there) & 15]);
    return p + past;
}

/* Up to fifteen digits. */
ALWAYS_INLINE const char *floor_integer(const char *p, uint64_t *out)
{
    const uint8_t *at = (const uint8_t *)p;
    unsigned count = (unsigned)__builtin_ctz(floor_stops(sixteen_load(at)) | 0x10000);
    __m128i digits = _mm_sub_epi8(sixteen_load(at + count - 16), _mm_set1_epi8('0'));
    *out = sixteen_value(_mm_and_si128(digits, sixteen_last(count)));
    return p + count;
}
#else
ALWAYS_INLINE const char *floor_number(const char *p, int64_t *out)
{
    static const decimal_scale scale = {.power = 100000000, .shift = 0, .plain = true};
    const uint8_t *past = decimal_plain((const uint8_t *)p, &scale, out);
    if (UNLIKELY(past == NULL || (*past | 0x20) == 'e' || (uint8_t)(*past - '0') < 10))
        return floor_number_long(p, out);
    *out *= 1000; /* FLOOR_PLACES are eight and three */
    return (const char *)past;
}

ALWAYS_INLINE const char *floor_integer(const char *p, uint64_t *out)
{
    uint64_t value = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    *out = value;
    return p;
}
#endif

/* Thirteen digits: milliseconds. */
ALWAYS_INLINE const char *floor_time(const char *p, int64_t *out)
{
    const uint8_t *at = (const uint8_t *)p;
    uint64_t high = eight_digits(digits_align(load8(at) ^ 0x3030303030303030u, 5));
    *out = (int64_t)(high * 100000000 + eight_digits(load8(at + 5) ^ 0x3030303030303030u));
    return p + 13;
}

/* ---- symbols ---------------------------------------------------------------------------------------- */

/* The next `c`. */
ALWAYS_INLINE const char *floor_next(const char *p, char c)
{
#ifdef SIXTEEN
    for (;; p += 16) {
        __m128i same = _mm_cmpeq_epi8(sixteen_load((const uint8_t *)p), _mm_set1_epi8(c));
        unsigned there = (unsigned)_mm_movemask_epi8(same);
        if (there)
            return p + __builtin_ctz(there);
    }
#else
    while (*p != c)
        p++;
    return p;
#endif
}

/* The symbol up to `close`, to its book by a hash of its first eight and last sixteen bytes that nobody
 * checks. */
ALWAYS_INLINE const char *floor_symbol(const char *p, char close, uint32_t *book)
{
    const char *end = floor_next(p, close);
    size_t length = (size_t)(end - p);
    uint64_t low = load8((const uint8_t *)end - 8), high = 0;
    if (length >= 8) {
        high = load8((const uint8_t *)p);
        if (length > 16)
            high ^= load8((const uint8_t *)end - 16) * 31;
    } else {
        low >>= 64 - 8 * length;
    }
    *book = (uint32_t)((low ^ high * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u >> 52);
    return end;
}

/* ---- the book --------------------------------------------------------------------------------------- */

COLD void floor_grow(floor_side *s)
{
    s->room = s->room ? 2 * s->room : 64;
    s->levels = realloc(s->levels, s->room * sizeof *s->levels);
    if (s->levels == NULL)
        abort();
}

ALWAYS_INLINE void floor_set(floor_side *s, int64_t price, int64_t size, bool ask)
{
    floor_level *levels = s->levels;
    uint32_t at = s->count, near = at < 16 ? at - at % 4 : 16, low = 0;
    for (const floor_level *l = levels + at, *stop = l - near; l != stop; l -= 4)
        if (ask ? l[-4].price >= price : l[-4].price <= price) {
            at = (uint32_t)(l - levels);
            for (int i = 1; i < 4; i++)
                at -= ask ? l[-i].price < price : l[-i].price > price;
            goto found;
        }
    at -= near;
    while (at > 0) {
        uint32_t half = (at + 1) / 2;
        int64_t there = levels[low + half - 1].price;
        bool keep = ask ? there >= price : there <= price;
        low = keep ? low + half : low;
        at = keep ? at - half : half - 1;
    }
    at = low;
found:;
    size_t better = (s->count - at) * sizeof *levels;
    if (at > 0 && levels[at - 1].price == price) {
        if (size != 0) {
            levels[at - 1].size = size;
            return;
        }
        memmove(levels + at - 1, levels + at, better);
        s->count--;
    } else if (size != 0) {
        if (UNLIKELY(s->count == s->room)) {
            floor_grow(s);
            levels = s->levels;
        }
        memmove(levels + at + 1, levels + at, better);
        levels[at] = (floor_level){price, size};
        s->count++;
    }
}

/* ---- slots ------------------------------------------------------------------------------------------ */

ALWAYS_INLINE void floor_slot(floor_feed *f, uint32_t book, uint8_t kind, uint8_t side, int64_t price,
                              int64_t size, int64_t time, uint64_t sequence)
{
    uint64_t n = ++f->next;
    fh_word *slot = (fh_word *)&f->ring[n & f->mask];
    FH_STORE(slot, 2 * n - 1);
    FH_FENCE_RELEASE();
    FH_STORE(slot + 1, (uint64_t)book | (uint64_t)kind << 32 | (uint64_t)side << 48);
    FH_STORE(slot + 2, (uint64_t)time);
    FH_STORE(slot + 3, (uint64_t)f->now);
    FH_STORE(slot + 4, sequence);
    FH_STORE(slot + 5, (uint64_t)price);
    FH_STORE(slot + 6, (uint64_t)size);
    FH_STORE(slot + 7, 0);
    FH_STORE_RELEASE(slot, 2 * n);
}

#endif
