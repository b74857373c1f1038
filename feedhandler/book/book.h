/* A full-depth book: two sides, in integers scaled by the instrument's exponents. */
#ifndef FEEDHANDLER_BOOK_BOOK_H
#define FEEDHANDLER_BOOK_BOOK_H

#include "side.h"

typedef struct book {
    book_side bids, asks;
} book;

static inline void book_clear(book *b)
{
    side_clear(&b->bids, false);
    side_clear(&b->asks, true);
}

static inline void book_free(book *b)
{
    side_free(&b->bids);
    side_free(&b->asks);
}

/* A run of levels of one side, in the venue's order. */
ALWAYS_INLINE bool book_set(book *b, bool ask, const level *levels, uint32_t count)
{
    bool fits = true;
    if (ask)
        for (uint32_t i = 0; i < count; i++)
            fits &= side_set(&b->asks, levels[i].price, levels[i].size, true);
    else
        for (uint32_t i = 0; i < count; i++)
            fits &= side_set(&b->bids, levels[i].price, levels[i].size, false);
    return fits;
}

ALWAYS_INLINE bool book_crossed(const book *b)
{
    const level *bid = side_best(&b->bids), *ask = side_best(&b->asks);
    return bid && ask && bid->price >= ask->price;
}

static inline bool edge_is_price(int64_t edge) { return edge != INT64_MIN && edge != INT64_MAX; }

static inline bool side_rescales(const book_side *s, int64_t price, int64_t size)
{
    int64_t out;
    if (edge_is_price(s->edge) && __builtin_mul_overflow(s->edge, price, &out))
        return false;
    for (uint32_t i = 0; i < s->count; i++)
        if (__builtin_mul_overflow(s->levels[i].price, price, &out) ||
            __builtin_mul_overflow(s->levels[i].size, size, &out))
            return false;
    return true;
}

static inline void side_rescale(book_side *s, int64_t price, int64_t size)
{
    if (edge_is_price(s->edge))
        s->edge *= price;
    for (uint32_t i = 0; i < s->count; i++) {
        s->levels[i].price *= price;
        s->levels[i].size *= size;
    }
    s->dirty = RANGE_ALL;
}

/* Every price and size times a power of ten: all of them, or none (false) when one would not fit. */
static inline bool book_rescale(book *b, int64_t price, int64_t size)
{
    if (!side_rescales(&b->bids, price, size) || !side_rescales(&b->asks, price, size))
        return false;
    side_rescale(&b->bids, price, size);
    side_rescale(&b->asks, price, size);
    return true;
}

#endif
