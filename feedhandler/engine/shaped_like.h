/* Frames of no shape that have all that a book or a quote has, but for one word, or one key: an action or a type
 * that nobody has declared. What it would have changed is not known, and such a frame must not be taken for
 * control. */
#ifndef FEEDHANDLER_ENGINE_SHAPED_LIKE_H
#define FEEDHANDLER_ENGINE_SHAPED_LIKE_H

#include "shaped.h"

/* Are all of a list of this shape? They are counted. */
static bool like_each(const tape *t, const uint8_t *node, uint32_t list, uint32_t *count)
{
    cursor none;
    found f;
    for (uint32_t i = tape_first(list); tape_in(t, list, i); i = t->nodes[i].next, ++*count) {
        cursor_start(&none, t->begin, 0, NULL);
        found_begin(&f, NULL, false);
        f.loose = true;
        found_value(t, &none, node, i, &f);
        if (none.error)
            return false;
    }
    return true;
}

/* Does it have levels, and nothing but levels where they are? */
static bool like_levels(const tape *t, const shape *s, const found *f)
{
    static const uint8_t lists[] = {ROLE_BIDS, ROLE_ASKS, ROLE_LEVELS};
    uint32_t count = 0;
    for (size_t i = 0; s->level && i < sizeof lists; i++)
        if (found_has(f, lists[i]) && !like_each(t, s->level, f->node[lists[i]], &count))
            return false;
    return count > 0;
}

/* Is a channel's name in it that has the instrument in it? */
static bool shape_topic(const uint8_t *node)
{
    const uint8_t *at = node + 2;
    if (*node == SHAPE_OBJECT)
        for (int count = node[1]; count--; )
            if (shape_topic(shape_key_next(&at).node))
                return true;
    return *node == SHAPE_TEXT && shape_has(node, ROLE_SYMBOL);
}

/* Such a frame but for one word, which is at `*at`; or one on the channel of an instrument's book with no other
 * word, of which the rest is missing. */
static bool like_frame(const tape *t, const shape *s, uint32_t *at)
{
    cursor none;
    found f, row;
    cursor_start(&none, t->begin, 0, NULL);
    found_begin(&f, NULL, false);
    f.lenient = true;
    found_value(t, &none, s->node, 0, &f);
    *at = f.odd_at;
    if (none.error || f.odd_words == 0)
        return false;
    if (shape_books(s) && !f.differs && found_has(&f, ROLE_SYMBOL) && shape_topic(s->node))
        return true;
    if (f.odd_words != 1)
        return false;
    if (s->kind == SHAPE_QUOTE && s->level == NULL)
        return __builtin_popcountll(f.has >> ROLE_BID & 15) >= 3;
    if (f.row == NULL)
        return like_levels(t, s, &f);
    bool any = false;
    for (uint32_t i = tape_first(f.rows); tape_in(t, f.rows, i); i = t->nodes[i].next) {
        found_begin(&row, &f, false);
        found_value(t, &none, f.row, i, &row);
        if (none.error)
            return false;
        any |= like_levels(t, s, &row);
    }
    return any;
}

/* The shape that such a frame is like; NULL: it is like none. */
static const shape *shaped_like(const engine *e, uint32_t *at)
{
    const shaped *k = e->shaped;
    for (uint32_t i = 0; i < k->count; i++) {
        const shape *s = &k->shapes[i];
        bool book = shape_books(s) && s->kind != SHAPE_ANSWER && s->level;
        if ((book || s->kind == SHAPE_QUOTE) && like_frame(&k->tape, s, at))
            return s;
    }
    return NULL;
}

#endif
