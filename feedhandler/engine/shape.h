/* The table of a venue's frames, as `feedhandler/shape/compiled.py` writes it. */
#ifndef FEEDHANDLER_ENGINE_SHAPE_H
#define FEEDHANDLER_ENGINE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "roles.h"

enum shape_node { SHAPE_OBJECT, SHAPE_ROWS, SHAPE_TEXT, SHAPE_HOLE, SHAPE_LITERAL, SHAPE_LIST, SHAPE_KEYED };

enum shape_kind {
    SHAPE_BOOK,
    SHAPE_TRADE,
    SHAPE_QUOTE,
    SHAPE_LIQUIDATION,
    SHAPE_SNAPSHOT,
    SHAPE_FULL,
    SHAPE_TICKER,
    SHAPE_CHECKSUM,
    SHAPE_NUMBER,
    SHAPE_ANSWER,
    SHAPE_NONE,
    SHAPE_OTHER,
    SHAPE_CONTROL,
    SHAPE_MARK, /* from here on: tickers, as the table has them */
    SHAPE_FUNDING,
    SHAPE_INTEREST,
    SHAPE_GREEKS,
    SHAPE_VOLUME,
    SHAPE_INDEX,
};

enum { KEY_OPTIONAL = 1, KEY_PRESENT = 2, KEY_ROUTE = 4, KEY_LISTED = 8 }; /* of a key of an object */
enum { FRAME_REMOVES = 1, FRAME_BLANK = 2, FRAME_BEGINS = 4, FRAME_ROUNDED = 8, FRAME_ANEW = 16, FRAME_TELLS = 32, FRAME_STILL = 64, FRAME_TOP = 128,
       FRAME_FORCED = 128 /* of trades, which are no tickers */ };
enum { FRAME_USUAL = FRAME_BEGINS | FRAME_ROUNDED | FRAME_ANEW | FRAME_STILL }; /* what is no matter of reading its values */
enum { SHAPE_NO_LAYOUT = 255 };

/* One kind of frame. A word is its length, and so many bytes; verbs are a count, and words. */
typedef struct shape {
    uint8_t kind, layout, flags;
    bool follows; /* it is about an index: of all instruments that follow it */
    uint8_t apart; /* of a ticker: 0, or which of those with a channel of their own, from 1 on */
    uint16_t window;
    const uint8_t *words[2], *sides[2], *channel, *deletes, *changes, *passed;
    uint64_t required; /* a bit for each role */
    const uint8_t *level; /* NULL: there is none */
    const uint8_t *node;
    const struct shape *alike; /* the first one whose levels are read in the same way */
} shape;

static inline const uint8_t *shape_word(const uint8_t **at)
{
    const uint8_t *word = *at;
    *at += 1 + *word;
    return word;
}

static inline const uint8_t *shape_words(const uint8_t **at)
{
    const uint8_t *words = *at;
    int count = *(*at)++;
    while (count--)
        shape_word(at);
    return words;
}

static inline uint16_t shape_short(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The first of the shapes from `*at` on; false: there are no more. */
static bool shape_next(const uint8_t **at, const uint8_t *end, shape *out)
{
    uint32_t length;
    if (*at == end)
        return false;
    memcpy(&length, *at, sizeof length);
    const uint8_t *p = *at + 4;
    *at = p + length;
    out->apart = p[0] >= SHAPE_MARK ? (uint8_t)(p[0] - SHAPE_MARK + 1) : 0;
    out->kind = out->apart ? SHAPE_TICKER : p[0];
    out->layout = p[1];
    out->flags = p[2];
    out->window = shape_short(p + 3);
    p += 5;
    for (int side = 0; side < 2; side++)
        out->words[side] = shape_word(&p);
    for (int side = 0; side < 2; side++)
        out->sides[side] = shape_word(&p);
    out->channel = shape_word(&p);
    out->deletes = shape_words(&p);
    out->changes = shape_words(&p);
    out->passed = shape_words(&p);
    memcpy(&out->required, p, sizeof out->required);
    p += sizeof out->required;
    uint16_t level = shape_short(p);
    out->level = level ? p + 2 : NULL;
    out->node = p + 2 + level;
    return true;
}

/* A key of an object: `*at` is behind its count, or behind the key before. */
typedef struct shape_key {
    uint8_t flags, length;
    const uint8_t *name, *node;
} shape_key;

static inline shape_key shape_key_next(const uint8_t **at)
{
    const uint8_t *p = *at;
    shape_key key = {p[0], p[1], p + 2, p + 2 + p[1] + 2};
    *at = key.node + shape_short(key.node - 2);
    return key;
}

/* Is there a hole of this role in it? */
static bool shape_has(const uint8_t *node, int role)
{
    int count = node[1];
    const uint8_t *at = node + 2;
    switch (*node) {
    case SHAPE_OBJECT:
        while (count--)
            if (shape_has(shape_key_next(&at).node, role))
                return true;
        return false;
    case SHAPE_LIST:
        at = node + 4;
        for (count += node[2]; count--; at += 2 + shape_short(at))
            if (shape_has(at + 2, role))
                return true;
        return false;
    case SHAPE_TEXT:
        for (; count--; at += *at ? 3 : 2 + at[1])
            if (*at == 1 && at[1] == role)
                return true;
        return false;
    case SHAPE_ROWS: return shape_has(node + 1, role);
    case SHAPE_KEYED: return role == ROLE_SYMBOL || shape_has(node + 1, role);
    case SHAPE_HOLE: return node[1] == role;
    default: return false;
    }
}

/* Are the levels of two shapes read alike? What stands before the roles is their words. */
static bool shape_levels_alike(const shape *a, const shape *b)
{
    enum { FLAGS = FRAME_REMOVES | FRAME_BLANK, BEHIND_WORDS = 10 };
    if (a->level == NULL || b->level == NULL || (a->flags & FLAGS) != (b->flags & FLAGS))
        return false;
    size_t level = shape_short(a->level - 2), words = (size_t)(a->level - BEHIND_WORDS - a->words[0]);
    return level == shape_short(b->level - 2) && memcmp(a->level, b->level, level) == 0 &&
           words == (size_t)(b->level - BEHIND_WORDS - b->words[0]) &&
           memcmp(a->words[0], b->words[0], words) == 0 &&
           shape_has(a->node, ROLE_LEVELS) == shape_has(b->node, ROLE_LEVELS);
}

/* Are there rows in it? */
static bool shape_rows_in(const uint8_t *node)
{
    const uint8_t *at = node + 2;
    int count = node[1];
    switch (*node) {
    case SHAPE_OBJECT:
        while (count--)
            if (shape_rows_in(shape_key_next(&at).node))
                return true;
        return false;
    case SHAPE_LIST:
        at = node + 4;
        for (count += node[2]; count--; at += 2 + shape_short(at))
            if (shape_rows_in(at + 2))
                return true;
        return false;
    default: return *node == SHAPE_ROWS || *node == SHAPE_KEYED;
    }
}

#endif
