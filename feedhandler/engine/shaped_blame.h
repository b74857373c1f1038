/* Whose fault it is: what a frame that means nothing is about, as far as it says so. */
#ifndef FEEDHANDLER_ENGINE_SHAPED_BLAME_H
#define FEEDHANDLER_ENGINE_SHAPED_BLAME_H

#include "shaped.h"

typedef struct blame {
    engine *e;
    const shape *shape;
    market *market; /* one of ours */
    bool by_level;  /* its levels name their instruments */
    bool named, others; /* an instrument is named; more than one of ours is */
    bool unknown;       /* where one should be named, none is to be read */
    bool rows, sure;    /* within rows; the whole frame is about it */
} blame;

static void blame_market(blame *b, market *m)
{
    b->named = true;
    b->sure |= !b->rows;
    b->others |= m && b->market && b->market != m;
    b->market = m ? m : b->market;
}

static void blame_hole(blame *b, int role, const text *t)
{
    int64_t number = 0;
    if (role == ROLE_SYMBOL && t->type == TEXT_STRING) {
        blame_market(b, symbol_find(b->e, t->at, t->length));
    } else if (role == ROLE_CHANNEL && text_integer(t, &number)) {
        const bound *channel = channel_find(b->e->connection, number);
        blame_market(b, channel ? channel->market : NULL);
    } else {
        b->unknown = true;
    }
}

static void blame_value(blame *b, const uint8_t *node, uint32_t i);

/* Does it name an instrument? */
static bool blame_names(const blame *b, const uint8_t *node)
{
    return shape_has(node, ROLE_SYMBOL) || shape_has(node, ROLE_CHANNEL) ||
           (b->by_level && shape_has(node, ROLE_LEVELS));
}

static void blame_object(blame *b, const uint8_t *node, uint32_t i)
{
    const tape *t = &b->e->shaped->tape;
    const uint8_t *keys = node + 2;
    if (t->nodes[i].type != NODE_OBJECT) {
        b->unknown = true;
        return;
    }
    for (int count = node[1]; count--; ) {
        shape_key key = shape_key_next(&keys);
        bool came = false;
        if (!blame_names(b, key.node))
            continue;
        for (uint32_t at = tape_first(i); tape_in(t, i, at) && tape_in(t, i, at + 1);
             at = t->nodes[at + 1].next) {
            text name = tape_text(t, at);
            if (key.length == name.length && memcmp(key.name, name.at, name.length) == 0) {
                came = true;
                blame_value(b, key.node, at + 1);
            }
        }
        b->unknown |= !came && !(key.flags & KEY_OPTIONAL);
    }
}

static void blame_list(blame *b, const uint8_t *node, uint32_t i)
{
    const tape *t = &b->e->shaped->tape;
    const uint8_t *inner = node + 4;
    uint32_t at = tape_first(i);
    if (t->nodes[i].type != NODE_ARRAY) {
        b->unknown = true;
        return;
    }
    for (int count = node[1]; count-- && tape_in(t, i, at); at = t->nodes[at].next) {
        blame_value(b, inner + 2, at);
        inner += 2 + shape_short(inner);
    }
}

/* Each of a list, whose end may be missing. */
static void blame_rows(blame *b, const uint8_t *row, uint32_t i)
{
    const tape *t = &b->e->shaped->tape;
    b->rows = true;
    b->unknown |= t->nodes[i].type != NODE_ARRAY || t->nodes[i].flags & NODE_OPEN;
    if (t->nodes[i].type == NODE_ARRAY)
        for (uint32_t at = tape_first(i); tape_in(t, i, at); at = t->nodes[at].next)
            blame_value(b, row, at);
}

static void blame_value(blame *b, const uint8_t *node, uint32_t i)
{
    const tape *t = &b->e->shaped->tape;
    text said = tape_text(t, i);
    if (!blame_names(b, node))
        return;
    if (*node == SHAPE_HOLE && node[1] == ROLE_LEVELS) {
        blame_rows(b, b->shape->level, i);
        return;
    }
    switch (*node) {
    case SHAPE_OBJECT: blame_object(b, node, i); return;
    case SHAPE_LIST: blame_list(b, node, i); return;
    case SHAPE_ROWS: blame_rows(b, node + 1, i); return;
    case SHAPE_KEYED: b->unknown = true; return;
    case SHAPE_HOLE: blame_hole(b, node[1], &said); return;
    case SHAPE_TEXT: {
        found f;
        found_begin(&f, NULL, false);
        if (text_fits(node + 1, &said, &f, i) && found_has(&f, ROLE_SYMBOL))
            blame_hole(b, ROLE_SYMBOL, &f.text[ROLE_SYMBOL]);
        else if (found_has(&f, ROLE_CHANNEL))
            blame_hole(b, ROLE_CHANNEL, &f.text[ROLE_CHANNEL]);
        else
            b->unknown = true;
        return;
    }
    }
}

/* The frame is of this shape, and is not understood. A book that it is about has missed something; if it may
 * be about several, or does not say which, any of them has. */
COLD void shaped_blame(engine *e, const shape *s)
{
    bool by_level = s->level && shape_has(s->level, ROLE_SYMBOL);
    blame b = {.e = e, .shape = s, .by_level = by_level};
    if (e->shaped->tape.count)
        blame_value(&b, s->node, 0);
    b.unknown &= !b.sure; /* what is named twice is missing once */
    market *m = b.others || b.unknown ? NULL : b.market;
    bool best = s->kind == SHAPE_QUOTE || s->kind == SHAPE_TICKER;
    if (best)
        engine_about_quote(e, m);
    else if (!shape_books(s) || (b.named && !b.unknown && b.market == NULL))
        engine_no_book(e);
    else
        engine_subject(e, m);
}

#endif
