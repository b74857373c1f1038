/* Order books made again from records: one book an instrument, from its base on.
 *
 * A book begins with a CLEAR (a full book follows, or a base of a recording) or with a cell that was joined; levels
 * that come before are of a book that nobody knows, and are left out. A side is a sorted array with the best level at
 * the END, because most changes are near the best. `limit` is the price down to which the side is known: a base may
 * end there, and what is worse is right, but others may lie between.
 *
 * Records are not believed: what cannot be (a negative size, a side that is none, an exponent out of all range)
 * is counted and left out; a book that cannot go on says why (`fault`) until its next base.
 */
#ifndef FEEDHANDLER_RECORDING_BOOKS_H
#define FEEDHANDLER_RECORDING_BOOKS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "feedhandler_shm.h"

enum { REBUILT_LEVELS = 1 << 17, REBUILT_INSTRUMENTS = 1 << 22, REBUILT_EXPONENT = 30 };
enum rebuilt_fault { REBUILT_FINE, REBUILT_TOO_MANY, REBUILT_NO_MEMORY, REBUILT_SCALE };

typedef struct rebuilt_level {
    int64_t price, size;
} rebuilt_level;

typedef struct rebuilt_side {
    rebuilt_level *levels;
    uint32_t count, room;
    int64_t limit;
} rebuilt_side;

typedef struct rebuilt_book {
    rebuilt_side sides[2];
    uint64_t sequence, venue_sequence, joined; /* up to `joined` its records are in it already */
    int64_t exchange_ns, receive_ns;
    int8_t price_exponent, size_exponent;
    uint8_t begun, fault;
} rebuilt_book;

typedef struct rebuilt_books {
    rebuilt_book **at; /* by instrument */
    uint32_t room;
    uint64_t bad;
} rebuilt_books;

/* Where the fields of a row are. */
typedef struct rebuilt_fields {
    size_t sequence, instrument, kind, side, exchange_ns, receive_ns, venue_sequence, price, size;
    size_t price_exponent, size_exponent, base;
    int has_base;
} rebuilt_fields;

#define REBUILT_WHOLE(ask) ((ask) ? INT64_MAX : INT64_MIN)

static const int64_t rebuilt_power[19] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
    1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
    100000000000000000, 1000000000000000000};

static inline bool rebuilt_better(int64_t a, int64_t b, bool ask) { return ask ? a < b : a > b; }

/* ---- scales ----------------------------------------------------------------------------------------- */

/* Exactly, or not at all. */
static inline bool rebuilt_scaled(int64_t *value, int from, int to)
{
    int shift = from - to;
    if (shift == 0 || *value == 0)
        return true;
    if (shift > 18 || shift < -18)
        return false;
    if (shift > 0)
        return !__builtin_mul_overflow(*value, rebuilt_power[shift], value);
    if (*value % rebuilt_power[-shift])
        return false;
    *value /= rebuilt_power[-shift];
    return true;
}

/* A limit into another scale: where it does not fit, less is known. */
static int64_t rebuilt_limit(int64_t limit, int from, int to, bool ask)
{
    int64_t nothing = ask ? -INT64_MAX : INT64_MAX;
    if (limit == REBUILT_WHOLE(ask) || limit == nothing || rebuilt_scaled(&limit, from, to))
        return limit;
    if (from - to > 0 || to - from > 18)
        return nothing;
    int64_t power = rebuilt_power[to - from], down = limit / power - (limit % power < 0);
    return ask ? down : down + 1;
}

static bool rebuilt_side_scales(const rebuilt_side *s, int price_from, int price_to, int size_from,
                                int size_to)
{
    for (uint32_t i = 0; i < s->count; i++) {
        rebuilt_level l = s->levels[i];
        if (!rebuilt_scaled(&l.price, price_from, price_to) || !rebuilt_scaled(&l.size, size_from, size_to))
            return false;
    }
    return true;
}

/* The book into another scale, if all of it is exact there. */
static __attribute__((noinline)) bool rebuilt_rescale(rebuilt_book *b, int price, int size)
{
    for (int side = 0; side < 2; side++)
        if (!rebuilt_side_scales(&b->sides[side], b->price_exponent, price, b->size_exponent, size))
            return false;
    for (int side = 0; side < 2; side++) {
        rebuilt_side *s = &b->sides[side];
        for (uint32_t i = 0; i < s->count; i++) {
            rebuilt_scaled(&s->levels[i].price, b->price_exponent, price);
            rebuilt_scaled(&s->levels[i].size, b->size_exponent, size);
        }
        s->limit = rebuilt_limit(s->limit, b->price_exponent, price, side);
    }
    b->price_exponent = (int8_t)price;
    b->size_exponent = (int8_t)size;
    return true;
}

/* ---- sides ------------------------------------------------------------------------------------------ */

/* How many levels are not better than `price`: it belongs at this index, or is at the one before. */
static inline uint32_t rebuilt_search(const rebuilt_side *s, int64_t price, bool ask)
{
    const rebuilt_level *levels = s->levels;
    uint32_t count = s->count, near = count < 16 ? count : 16;
    for (uint32_t i = count, stop = count - near; i > stop; i--)
        if (!rebuilt_better(levels[i - 1].price, price, ask))
            return i;
    uint32_t low = 0, left = count - near;
    while (left > 0) {
        uint32_t half = (left + 1) / 2;
        bool keep = !rebuilt_better(levels[low + half - 1].price, price, ask);
        low = keep ? low + half : low;
        left = keep ? left - half : half - 1;
    }
    return low;
}

static int rebuilt_side_grow(rebuilt_side *s, uint32_t count)
{
    if (count > REBUILT_LEVELS)
        return REBUILT_TOO_MANY;
    uint32_t room = s->room ? s->room : 16;
    while (room < count)
        room *= 2;
    rebuilt_level *levels = (rebuilt_level *)realloc(s->levels, (size_t)room * sizeof *levels);
    if (levels == NULL)
        return REBUILT_NO_MEMORY;
    s->levels = levels;
    s->room = room;
    return REBUILT_FINE;
}

static inline int rebuilt_side_set(rebuilt_side *s, int64_t price, int64_t size, bool ask)
{
    uint32_t index = rebuilt_search(s, price, ask), better = s->count - index;
    if (index > 0 && s->levels[index - 1].price == price) {
        if (size != 0) {
            s->levels[index - 1].size = size;
            return REBUILT_FINE;
        }
        memmove(s->levels + index - 1, s->levels + index, (size_t)better * sizeof *s->levels);
        s->count--;
        return REBUILT_FINE;
    }
    if (size == 0)
        return REBUILT_FINE; /* it lay beyond the base */
    if (s->count == s->room) {
        int fault = rebuilt_side_grow(s, s->count + 1);
        if (fault)
            return fault;
    }
    memmove(s->levels + index + 1, s->levels + index, (size_t)better * sizeof *s->levels);
    s->levels[index] = (rebuilt_level){price, size};
    s->count++;
    return REBUILT_FINE;
}

/* Levels from the best that are not worse than the limit. */
static inline uint32_t rebuilt_known(const rebuilt_side *s, bool ask)
{
    uint32_t low = 0, high = s->count; /* those below `low` are beyond */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rebuilt_better(s->limit, s->levels[middle].price, ask))
            low = middle + 1;
        else
            high = middle;
    }
    return s->count - low;
}

/* ---- books ------------------------------------------------------------------------------------------ */

static inline rebuilt_book *rebuilt_find(const rebuilt_books *all, uint32_t instrument)
{
    return instrument < all->room ? all->at[instrument] : NULL;
}

static rebuilt_book *rebuilt_make(rebuilt_books *all, uint32_t instrument)
{
    if (instrument >= REBUILT_INSTRUMENTS)
        return NULL;
    if (instrument >= all->room) {
        uint32_t room = all->room ? all->room : 256;
        while (room <= instrument)
            room *= 2;
        rebuilt_book **at = (rebuilt_book **)realloc(all->at, room * sizeof *at);
        if (at == NULL)
            return NULL;
        memset(at + all->room, 0, (room - all->room) * sizeof *at);
        all->at = at;
        all->room = room;
    }
    if (all->at[instrument] == NULL)
        all->at[instrument] = (rebuilt_book *)calloc(1, sizeof **all->at);
    return all->at[instrument];
}

static void rebuilt_forget(rebuilt_books *all, uint32_t instrument)
{
    rebuilt_book *b = rebuilt_find(all, instrument);
    if (b == NULL)
        return;
    free(b->sides[0].levels);
    free(b->sides[1].levels);
    free(b);
    all->at[instrument] = NULL;
}

static void rebuilt_free(rebuilt_books *all)
{
    for (uint32_t i = 0; i < all->room; i++)
        rebuilt_forget(all, i);
    free(all->at);
    all->at = NULL;
    all->room = 0;
}

/* Empty, and known to these prices. */
static void rebuilt_begin(rebuilt_book *b, int price_exponent, int size_exponent, int64_t bid_limit,
                          int64_t ask_limit)
{
    b->sides[0].count = b->sides[1].count = 0;
    b->sides[0].limit = bid_limit;
    b->sides[1].limit = ask_limit == INT64_MIN ? INT64_MAX : ask_limit;
    b->price_exponent = (int8_t)price_exponent;
    b->size_exponent = (int8_t)size_exponent;
    b->begun = true;
    b->fault = REBUILT_FINE;
}

/* A level in another scale than the book: that is the book's from now on, or the finer one of each. */
static __attribute__((noinline)) bool rebuilt_meet(rebuilt_book *b, int64_t *price, int64_t *size,
                                                   int price_exponent, int size_exponent)
{
    if (rebuilt_rescale(b, price_exponent, size_exponent))
        return true;
    int finer = price_exponent < b->price_exponent ? price_exponent : b->price_exponent;
    int smaller = size_exponent < b->size_exponent ? size_exponent : b->size_exponent;
    return rebuilt_rescale(b, finer, smaller) && rebuilt_scaled(price, price_exponent, finer) &&
           rebuilt_scaled(size, size_exponent, smaller);
}

static inline void rebuilt_set(rebuilt_book *b, uint8_t side, int64_t price, int64_t size, int price_exponent,
                               int size_exponent)
{
    if (FH_UNLIKELY(price_exponent != b->price_exponent || size_exponent != b->size_exponent) &&
        !rebuilt_meet(b, &price, &size, price_exponent, size_exponent)) {
        b->fault = REBUILT_SCALE;
        return;
    }
    int fault = side ? rebuilt_side_set(&b->sides[1], price, size, true)
                     : rebuilt_side_set(&b->sides[0], price, size, false);
    if (FH_UNLIKELY(fault))
        b->fault = (uint8_t)fault;
}

#define REBUILT_READ(type, row, offset) (*(const type __attribute__((aligned(1), may_alias)) *)((row) + (offset)))

/* The book rows among these; how many were taken. */
static uint64_t rebuilt_apply(rebuilt_books *all, const uint8_t *row, size_t count, ptrdiff_t stride,
                              const rebuilt_fields *f)
{
    uint64_t taken = 0;
    for (size_t i = 0; i < count; i++, row += stride) {
        uint8_t kind = row[f->kind];
        if (kind != FH_KIND_LEVEL && kind != FH_KIND_CLEAR)
            continue;
        uint32_t instrument = REBUILT_READ(uint32_t, row, f->instrument);
        uint64_t sequence = REBUILT_READ(uint64_t, row, f->sequence);
        int64_t price = REBUILT_READ(int64_t, row, f->price), size = REBUILT_READ(int64_t, row, f->size);
        int price_exponent = (int8_t)row[f->price_exponent], size_exponent = (int8_t)row[f->size_exponent];
        bool base = f->has_base && row[f->base], level = kind == FH_KIND_LEVEL;
        uint8_t side = row[f->side];
        rebuilt_book *b = rebuilt_find(all, instrument);
        if (FH_UNLIKELY(abs(price_exponent) > REBUILT_EXPONENT || abs(size_exponent) > REBUILT_EXPONENT ||
                        (level && (side > 1 || size < 0 || price == FH_NONE)))) {
            all->bad++;
            continue;
        }
        if (level) {
            if (b == NULL || !b->begun || b->fault || (sequence <= b->joined && !base))
                continue;
            rebuilt_set(b, side, price, size, price_exponent, size_exponent);
        } else {
            if (b == NULL && (b = rebuilt_make(all, instrument)) == NULL) {
                all->bad++;
                continue;
            }
            if (sequence <= b->joined && !base)
                continue;
            rebuilt_begin(b, price_exponent, size_exponent, base ? price : INT64_MIN, base ? size : INT64_MIN);
            b->joined = 0;
        }
        b->sequence = sequence;
        b->venue_sequence = REBUILT_READ(uint64_t, row, f->venue_sequence);
        b->exchange_ns = REBUILT_READ(int64_t, row, f->exchange_ns);
        b->receive_ns = REBUILT_READ(int64_t, row, f->receive_ns);
        taken++;
    }
    return taken;
}

#endif
