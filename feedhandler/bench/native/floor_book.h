/* What the floor keeps: books by their symbols, and slots. Its own, so that a slow book of the engine's shows beside
 * it; for the same compiler and the same instructions. */
#ifndef FEEDHANDLER_BENCH_FLOOR_BOOK_H
#define FEEDHANDLER_BENCH_FLOOR_BOOK_H

#include <stdlib.h>

#include "feedhandler_shm.h"

#include "../../engine/clock.h"
#include "floor_values.h"

enum { FLOOR_BOOKS = 4096, FLOOR_LEVELS = 1 << 16, FLOOR_TRADES = 1 << 12, FLOOR_NAME = 40 };

typedef struct floor_level {
    int64_t price, size;
} floor_level;

/* The best level at the end. */
typedef struct floor_side {
    floor_level *levels;
    uint32_t count, room;
} floor_side;

typedef struct floor_book {
    char name[FLOOR_NAME]; /* behind it zeros */
    uint32_t length;       /* 0: the row is free */
    bool begun;            /* there is a whole book, of which nothing is missing */
    unsigned price_places, size_places;
    uint8_t price_length; /* of the last level, as it was written */
    uint64_t last, quoted, traded; /* numbers of what came last: of the book, of a quote, of a trade */
    floor_side bids, asks;
} floor_book;

typedef struct floor_trade {
    int64_t price, size, time;
    uint64_t number, sequence;
    bool sold;
} floor_trade;

typedef struct floor_feed {
    fh_slot *ring;
    uint64_t mask, next, published, levels;
    unix_clock clock;
    int64_t now;
    const char *end; /* of the frame */
    uint64_t refused, copies, gaps;
    bool widened; /* an instrument was, by this frame: it is to be read again */
    uint32_t count, trade_count;
    floor_level read[FLOOR_LEVELS]; /* `count` of them, of the frame that is read */
    floor_trade trades[FLOOR_TRADES];
    floor_book books[FLOOR_BOOKS];
} floor_feed;

/* ---- symbols ---------------------------------------------------------------------------------------- */

ALWAYS_INLINE bool floor_named(const floor_book *b, const char *p, size_t length)
{
    uint64_t differ = (uint64_t)(b->length ^ length);
    if (length < 8)
        return (differ | (load8((const uint8_t *)b->name) ^ load8((const uint8_t *)p)) << (64 - 8 * length)) == 0;
    for (size_t i = 0; i + 8 < length; i += 8)
        differ |= load8((const uint8_t *)b->name + i) ^ load8((const uint8_t *)p + i);
    differ |= load8((const uint8_t *)b->name + length - 8) ^ load8((const uint8_t *)p + length - 8);
    return differ == 0;
}

/* Another one than was there: the next row that is its own, or a new one. */
COLD floor_book *floor_other(floor_feed *f, uint32_t row, const char *p, size_t length)
{
    if (length == 0 || length >= FLOOR_NAME)
        return NULL;
    for (uint32_t tries = 0; tries < FLOOR_BOOKS; tries++, row = (row + 1) % FLOOR_BOOKS) {
        floor_book *b = &f->books[row];
        if (b->length == 0) {
            memcpy(b->name, p, length);
            b->length = (uint32_t)length;
            b->price_places = b->size_places = 1;
        }
        if (floor_named(b, p, length))
            return b;
    }
    return NULL;
}

/* The symbol up to `close`, to its book: by a hash of its first eight and last sixteen bytes. */
ALWAYS_INLINE const char *floor_symbol(floor_feed *f, const char *p, char close, floor_book **book)
{
    const char *end = floor_string(p, close);
    if (UNLIKELY(end == NULL))
        return NULL;
    size_t length = (size_t)(end - p);
    uint64_t low = load8((const uint8_t *)end - 8), high = 0;
    if (length >= 8) {
        high = load8((const uint8_t *)p);
        if (length > 16)
            high ^= load8((const uint8_t *)end - 16) * 31;
    } else if (LIKELY(length)) {
        low >>= 64 - 8 * length;
    }
    uint32_t row = (uint32_t)((low ^ high * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u >> 52);
    *book = &f->books[row];
    if (UNLIKELY(length == 0 || !floor_named(*book, p, length)) &&
        (*book = floor_other(f, row, p, length)) == NULL)
        return NULL;
    return end;
}

/* The same symbol again, up to a quote. */
ALWAYS_INLINE const char *floor_same(const floor_book *b, const char *p)
{
    return LIKELY(floor_named(b, p, b->length) && p[b->length] == '"') ? p + b->length : NULL;
}

/* ---- levels ----------------------------------------------------------------------------------------- */

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

/* Finer units, in which all that is there is exact. */
COLD void floor_widen(floor_feed *f, floor_book *b, bool price, unsigned need)
{
    unsigned *places = price ? &b->price_places : &b->size_places;
    int64_t times = decimal_power[need - *places];
    for (int side = 0; side < 2; side++) {
        floor_side *s = side ? &b->asks : &b->bids;
        for (uint32_t i = 0; i < s->count; i++) {
            int64_t *value = price ? &s->levels[i].price : &s->levels[i].size;
            if (__builtin_mul_overflow(*value, times, value))
                abort(); /* no venue has such numbers */
        }
    }
    *places = need;
    f->widened = true;
}

/* A number that is none of the usual ones. */
COLD const char *floor_number_odd(floor_feed *f, floor_book *b, bool price, const char *p, int64_t *out)
{
    unsigned need = 0;
    p = floor_number_long(p, price ? b->price_places : b->size_places, out, &need);
    if (need)
        floor_widen(f, b, price, need);
    return p;
}

/* ---- slots ------------------------------------------------------------------------------------------ */

ALWAYS_INLINE void floor_slot(floor_feed *f, const floor_book *b, uint8_t kind, uint8_t side, int64_t price,
                              int64_t size, int64_t time, uint64_t sequence)
{
    uint64_t n = ++f->next;
    fh_word *slot = (fh_word *)&f->ring[n & f->mask];
    FH_STORE(slot, 2 * n - 1);
    FH_FENCE_RELEASE();
    FH_STORE(slot + 1, (uint64_t)(b - f->books) | (uint64_t)kind << 32 | (uint64_t)side << 48);
    FH_STORE(slot + 2, (uint64_t)time);
    FH_STORE(slot + 3, (uint64_t)f->now);
    FH_STORE(slot + 4, sequence);
    FH_STORE(slot + 5, (uint64_t)price);
    FH_STORE(slot + 6, (uint64_t)size);
    FH_STORE(slot + 7, (uint64_t)b->price_places | (uint64_t)b->size_places << 8);
    FH_STORE_RELEASE(slot, 2 * n);
}

/* ---- what a frame says, once all of it was read ----------------------------------------------------- */

/* Changes of a book, the first `first` of them of one side: they follow what it has, or are copies of that, or
 * show that something is missing. A message that overlaps is right on top: levels are absolute. */
ALWAYS_INLINE bool floor_changes(floor_feed *f, floor_book *b, bool whole, uint32_t first, bool ask, int64_t time,
                                 uint64_t previous, uint64_t number)
{
    const floor_level *begin = f->read, *middle = begin + first, *end = begin + f->count;
    floor_side *one = ask ? &b->asks : &b->bids, *other = ask ? &b->bids : &b->asks;
    if (UNLIKELY(whole)) {
        b->bids.count = b->asks.count = 0;
        b->begun = true;
    } else if (UNLIKELY(!b->begun || previous > b->last || number <= b->last)) {
        f->copies += b->begun && number <= b->last;
        f->gaps += b->begun && number > b->last;
        b->begun &= number <= b->last;
        return true;
    }
    b->last = number;
    f->levels += f->count;
    for (const floor_level *l = begin; l < middle; l++) {
        floor_slot(f, b, FH_KIND_LEVEL, ask, l->price, l->size, time, number);
        floor_set(one, l->price, l->size, ask);
    }
    for (const floor_level *l = middle; l < end; l++) {
        floor_slot(f, b, FH_KIND_LEVEL, !ask, l->price, l->size, time, number);
        floor_set(other, l->price, l->size, !ask);
    }
    return true;
}

ALWAYS_INLINE bool floor_quote(floor_feed *f, floor_book *b, const int64_t *value, int64_t time, uint64_t number)
{
    if (UNLIKELY(number <= b->quoted)) {
        f->copies++;
        return true;
    }
    b->quoted = number;
    floor_slot(f, b, FH_KIND_QUOTE, FH_BID, value[0], value[1], time, number);
    floor_slot(f, b, FH_KIND_QUOTE, FH_ASK, value[2], value[3], time, number);
    return true;
}

/* Those that are newer than the last one; where they have names for ids (number 0), all. */
ALWAYS_INLINE bool floor_traded(floor_feed *f, floor_book *b)
{
    for (uint32_t i = 0; i < f->trade_count; i++) {
        const floor_trade *t = &f->trades[i];
        if (UNLIKELY(t->number <= b->traded) && t->number != 0) {
            f->copies++;
            continue;
        }
        b->traded = t->number;
        floor_slot(f, b, FH_KIND_TRADE, t->sold, t->price, t->size, t->time, t->sequence);
    }
    return true;
}

#endif
