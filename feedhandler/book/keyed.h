/* Levels that a venue names by an id: the side and the price that each id stands for.
 *
 * A change may name nothing but the id and the size. The table holds what the book holds: a full book begins
 * it anew, a level that is removed leaves it.
 */
#ifndef FEEDHANDLER_BOOK_KEYED_H
#define FEEDHANDLER_BOOK_KEYED_H

#include "side.h"

typedef struct keyed_level {
    int64_t id, price; /* scaled as the book is */
    uint8_t side;
    bool used;
} keyed_level;

/* Open addressing. A level that leaves is closed up behind, so that a search ends at a free row. */
typedef struct keyed {
    keyed_level *rows;
    uint32_t mask, count;
} keyed;

enum { KEYED_ROWS = 64, KEYED_LEVELS = 2 * SIDE_LEVELS };

ALWAYS_INLINE uint32_t keyed_home(const keyed *k, int64_t id)
{
    return (uint32_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 32) & k->mask;
}

/* NULL: the id stands for nothing. */
static inline const keyed_level *keyed_find(const keyed *k, int64_t id)
{
    if (k->rows == NULL)
        return NULL;
    for (uint32_t at = keyed_home(k, id); k->rows[at].used; at = (at + 1) & k->mask)
        if (k->rows[at].id == id)
            return &k->rows[at];
    return NULL;
}

static inline void keyed_free(keyed *k)
{
    free(k->rows);
    *k = (keyed){0};
}

static inline void keyed_clear(keyed *k)
{
    if (k->mask >= 16 * KEYED_ROWS && k->count < k->mask / 16)
        keyed_free(k); /* it was much larger once */
    if (k->count)
        memset(k->rows, 0, ((size_t)k->mask + 1) * sizeof *k->rows);
    k->count = 0;
}

static inline void keyed_place(keyed *k, const keyed_level *l)
{
    uint32_t at = keyed_home(k, l->id);
    while (k->rows[at].used)
        at = (at + 1) & k->mask;
    k->rows[at] = *l;
}

COLD bool keyed_grow(keyed *k)
{
    uint32_t rows = k->rows ? 2 * (k->mask + 1) : KEYED_ROWS;
    keyed grown = {(keyed_level *)calloc(rows, sizeof *grown.rows), rows - 1, k->count};
    if (grown.rows == NULL)
        return false;
    for (uint32_t at = 0; k->rows && at <= k->mask; at++)
        if (k->rows[at].used)
            keyed_place(&grown, &k->rows[at]);
    free(k->rows);
    *k = grown;
    return true;
}

/* One that is not there yet. False: no memory, or too many. */
static inline bool keyed_add(keyed *k, int64_t id, uint8_t side, int64_t price)
{
    if (k->count >= KEYED_LEVELS)
        return false;
    if ((k->rows == NULL || 2 * k->count >= k->mask) && !keyed_grow(k))
        return false;
    keyed_place(k, &(keyed_level){id, price, side, true});
    k->count++;
    return true;
}

static inline void keyed_drop(keyed *k, const keyed_level *l)
{
    uint32_t hole = (uint32_t)(l - k->rows);
    for (uint32_t at = (hole + 1) & k->mask; k->rows[at].used; at = (at + 1) & k->mask) {
        uint32_t home = keyed_home(k, k->rows[at].id);
        if (((at - home) & k->mask) >= ((at - hole) & k->mask)) { /* its home is not behind the hole */
            k->rows[hole] = k->rows[at];
            hole = at;
        }
    }
    k->rows[hole].used = false;
    k->count--;
}

enum keyed_result { KEYED_KNOWN = 0, KEYED_UNKNOWN, KEYED_FULL };

/* A change of the level `id`; a price that is `none` is filled in. */
static inline enum keyed_result keyed_change(keyed *k, int64_t id, uint8_t side, level *l, int64_t none)
{
    const keyed_level *known = keyed_find(k, id);
    if (known == NULL) {
        if (l->price == none)
            return KEYED_UNKNOWN;
        return l->size == 0 || keyed_add(k, id, side, l->price) ? KEYED_KNOWN : KEYED_FULL;
    }
    if (known->side != side || (l->price != none && l->price != known->price))
        return KEYED_UNKNOWN; /* the id stands for another level by now: what became of the old one? */
    l->price = known->price;
    if (l->size == 0)
        keyed_drop(k, known);
    return KEYED_KNOWN;
}

#endif
