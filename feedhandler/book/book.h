/* A full-depth book: two sides, in integers scaled by the instrument's exponents. */
#ifndef FEEDHANDLER_BOOK_BOOK_H
#define FEEDHANDLER_BOOK_BOOK_H

#include "fill.h"

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
            fits &= side_set(&b->asks, &levels[i], true);
    else
        for (uint32_t i = 0; i < count; i++)
            fits &= side_set(&b->bids, &levels[i], false);
    return fits;
}

/* The same of a side that was just cleared. */
static inline bool book_fill(book *b, bool ask, const level *levels, uint32_t count)
{
    if (count > FILL_LEVELS && (ask ? side_fill(&b->asks, levels, count, true)
                                    : side_fill(&b->bids, levels, count, false)))
        return true;
    return book_set(b, ask, levels, count);
}

ALWAYS_INLINE bool book_crossed(const book *b)
{
    const level *bid = side_best(&b->bids), *ask = side_best(&b->asks);
    return bid && ask && bid->price >= ask->price;
}

static inline bool edge_is_price(int64_t edge) { return edge != INT64_MIN && edge != INT64_MAX; }

#endif
