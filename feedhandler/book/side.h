/* One side of a book: a sorted array with the best level at the END.
 *
 * Most changes are near the best, so that the end is where an insertion moves the least; the search
 * walks a few levels from the best and only then halves what is left.
 *
 * Depth counts from the best: depth 0 is the last element. `dirty` is the range of depths whose
 * level is not the one that was there when the range was last cleared; it may be larger than needed.
 *
 * `edge` is the price down to which the side is known: every level that the venue has at it or better is
 * here, with its size. `beyond` counts those that are worse: each is right, but others may lie between
 * them. known_depth.h says where the edge comes from.
 *
 * `ask` is always a constant at the call: the compiler makes one function for each direction.
 */
#ifndef FEEDHANDLER_BOOK_SIDE_H
#define FEEDHANDLER_BOOK_SIDE_H

#include <stdlib.h>

#include "../wire/decimal.h"

typedef struct level {
    int64_t price, size;
} level;

typedef struct depth_range {
    uint32_t low, high; /* half open; empty when low >= high */
} depth_range;

typedef struct book_side {
    level *levels;
    uint32_t count, room;
    depth_range dirty;
    int64_t edge; /* EDGE_NONE: the side is known to its end */
    uint32_t beyond;
} book_side;

#define EDGE_NONE(ask) ((ask) ? INT64_MAX : INT64_MIN)

#define RANGE_EMPTY ((depth_range){UINT32_MAX, 0})
#define RANGE_ALL ((depth_range){0, UINT32_MAX})

ALWAYS_INLINE depth_range range_union(depth_range a, depth_range b)
{
    depth_range both = {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
    return both;
}

ALWAYS_INLINE bool price_better(int64_t a, int64_t b, bool ask) { return ask ? a < b : a > b; }

static inline void side_clear(book_side *s, bool ask)
{
    s->count = s->beyond = 0;
    s->edge = EDGE_NONE(ask);
    s->dirty = RANGE_ALL;
}

static inline void side_free(book_side *s)
{
    free(s->levels);
    memset(s, 0, sizeof *s);
}

/* More is no book, but something that has gone wrong, here or at the venue: it is begun anew. */
enum { SIDE_LEVELS = 1 << 17 };

COLD bool side_grow(book_side *s, uint32_t count)
{
    if (count > SIDE_LEVELS)
        return false;
    uint32_t room = s->room ? s->room : 64;
    while (room < count)
        room *= 2;
    level *levels = (level *)realloc(s->levels, (size_t)room * sizeof *levels);
    if (levels == NULL)
        return false;
    s->levels = levels;
    s->room = room;
    return true;
}

/* How many levels are not better than `price`: it belongs at this index, or is at the one before. By fours from
 * the best, without a branch on which of the four it is, and by halves behind these. */
ALWAYS_INLINE uint32_t side_search(const book_side *s, int64_t price, bool ask)
{
    enum { STEP = 4, NEAR = 4 * STEP };
    const level *levels = s->levels, *end = levels + s->count;
    uint32_t near = s->count < NEAR ? s->count - s->count % STEP : NEAR, low = 0;
    for (const level *l = end, *stop = end - near; l != stop; l -= STEP)
        if (!price_better(l[-STEP].price, price, ask))
            return (uint32_t)(l - levels) - price_better(l[-1].price, price, ask) -
                   price_better(l[-2].price, price, ask) - price_better(l[-3].price, price, ask);
    /* the first `index` levels are left; those better than price are at their end */
    uint32_t index = s->count - near;
    while (index > 0) {
        uint32_t half = (index + 1) / 2;
        bool keep = !price_better(levels[low + half - 1].price, price, ask);
        low = keep ? low + half : low;
        index = keep ? index - half : half - 1;
    }
    return low;
}

/* In one store: the cell that is drawn next reads it in one load, which two stores would hold up. In two loads,
 * since the reader of the frame has just stored the one and the other. */
ALWAYS_INLINE void level_put(level *l, const level *from)
{
    typedef int64_t __attribute__((vector_size(16), aligned(8), may_alias)) pair;
    *(pair *)l = (pair){from->price, from->size};
}

/* Set a level; size 0 removes it. False: no memory, or too many levels. */
ALWAYS_INLINE bool side_set(book_side *s, const level *l, bool ask)
{
    int64_t price = l->price, size = l->size;
    uint32_t index = side_search(s, price, ask);
    uint32_t depth = s->count - index;
    level *levels = s->levels;
    if (index > 0 && levels[index - 1].price == price) {
        if (size != 0) {
            level_put(&levels[index - 1], l);
            s->dirty = range_union(s->dirty, (depth_range){depth, depth + 1});
            return true;
        }
        memmove(levels + index - 1, levels + index, (size_t)depth * sizeof *levels);
        s->count--;
        s->beyond -= index <= s->beyond;
        s->dirty = range_union(s->dirty, (depth_range){depth, UINT32_MAX});
        return true;
    }
    if (size == 0)
        return true; /* removing what is not there is legal: it lay beyond the snapshot's depth */
    if (UNLIKELY(s->count == s->room)) {
        if (!side_grow(s, s->count + 1))
            return false;
        levels = s->levels;
    }
    memmove(levels + index + 1, levels + index, (size_t)depth * sizeof *levels);
    level_put(&levels[index], l);
    s->count++;
    s->beyond += price_better(s->edge, price, ask);
    s->dirty = range_union(s->dirty, (depth_range){depth, UINT32_MAX});
    return true;
}

/* The best level, or NULL. */
ALWAYS_INLINE const level *side_best(const book_side *s)
{
    return s->count ? &s->levels[s->count - 1] : NULL;
}

ALWAYS_INLINE const level *side_at(const book_side *s, uint32_t depth)
{
    return &s->levels[s->count - 1 - depth];
}

#endif
