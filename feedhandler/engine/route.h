/* The route of a frame: what of a shape says that a document is such a frame, be it well-formed or not. */
#ifndef FEEDHANDLER_ENGINE_ROUTE_H
#define FEEDHANDLER_ENGINE_ROUTE_H

#include "found.h"
#include "session.h"

/* What a document and a shape have in common: NO where they contradict each other, else how many of the
 * shape's words are there. PARTLY: of a document that breaks off, what is missing may have been to come. */
enum { ROUTE_NO = -1 };

typedef struct route {
    const tape *tape;
    const connection *from; /* what its channels are of */
    const shape *shape;
    bool partly, loose; /* LOOSE: a symbol may have in it what is written behind it */
} route;

static int route_value(const route *r, const uint8_t *node, uint32_t i, bool strict);

static int route_object(const route *r, const uint8_t *node, uint32_t i)
{
    const tape *t = r->tape;
    if (t->nodes[i].type != NODE_OBJECT)
        return ROUTE_NO;
    bool open = r->partly && t->nodes[i].flags & NODE_OPEN;
    int score = 0, count = node[1];
    const uint8_t *keys = node + 2;
    while (count--) {
        shape_key key = shape_key_next(&keys);
        bool never = *key.node == SHAPE_HOLE && key.node[1] == ROLE_NEVER;
        bool came = false, fits = false;
        if (!(key.flags & (KEY_PRESENT | KEY_ROUTE | KEY_LISTED)))
            continue;
        for (uint32_t at = tape_first(i); tape_in(t, i, at) && tape_in(t, i, at + 1);
             at = t->nodes[at + 1].next) {
            text name = tape_text(t, at);
            if (key.length != name.length || memcmp(key.name, name.at, name.length) != 0)
                continue;
            came = true;
            int inside = key.flags & KEY_ROUTE && !never ? route_value(r, key.node, at + 1, false) : 0;
            if (inside == ROUTE_NO || (key.flags & KEY_LISTED && t->nodes[at + 1].type != NODE_ARRAY))
                continue;
            fits = true;
            score += inside;
        }
        if (never ? came : came ? !fits : !open)
            return ROUTE_NO;
    }
    return score;
}

/* Is the value such as stands in this place of a list? */
static bool route_hole(const route *r, int role, uint32_t i)
{
    const tape *t = r->tape;
    if (role == ROLE_SKIP)
        return true;
    if (role == ROLE_BIDS || role == ROLE_ASKS || role == ROLE_LEVELS) {
        if (t->nodes[i].type != NODE_ARRAY)
            return false;
        uint32_t first = tape_first(i);
        uint8_t level = *r->shape->level;
        return !tape_in(t, i, first) || t->nodes[first].type == (level == SHAPE_OBJECT ? NODE_OBJECT
                                                                 : level == SHAPE_LIST ? NODE_ARRAY
                                                                                       : TEXT_STRING);
    }
    if (tape_nested(t, i))
        return false;
    if (role == ROLE_CHANNEL && *r->shape->channel) {
        text said = tape_text(t, i);
        int64_t number = 0;
        const bound *b = text_integer(&said, &number) ? channel_find(r->from, number) : NULL;
        return b && bound_is(b, (const char *)r->shape->channel + 1, *r->shape->channel);
    }
    return true;
}

static int route_list(const route *r, const uint8_t *node, uint32_t i, bool strict)
{
    const tape *t = r->tape;
    uint32_t front = node[1], behind = node[2], count = 0;
    if (t->nodes[i].type != NODE_ARRAY)
        return ROUTE_NO;
    bool open = r->partly && t->nodes[i].flags & NODE_OPEN;
    for (uint32_t at = tape_first(i); tape_in(t, i, at); at = t->nodes[at].next)
        count++;
    if (!open && (count < front + behind || (strict && !node[3] && count > front + behind)))
        return ROUTE_NO;
    int score = 0;
    const uint8_t *inner = node + 4;
    uint32_t at = tape_first(i);
    for (uint32_t which = 0; which < count; which++, at = t->nodes[at].next) {
        if (which >= front && (open || which < count - behind))
            continue;
        int inside = route_value(r, inner + 2, at, strict);
        if (inside == ROUTE_NO)
            return ROUTE_NO;
        score += inside;
        inner += 2 + shape_short(inner);
    }
    return score;
}

/* STRICT: in a list at the top, where no key says what a value is, what it is like says it. */
static int route_value(const route *r, const uint8_t *node, uint32_t i, bool strict)
{
    const tape *t = r->tape;
    text said;
    switch (*node) {
    case SHAPE_OBJECT: return route_object(r, node, i);
    case SHAPE_LIST: return route_list(r, node, i, strict);
    case SHAPE_HOLE:
        if (node[1] == ROLE_DIGITS) {
            said = tape_text(t, i);
            return said.length && digits_only(said.at, said.length) ? 1 : ROUTE_NO;
        }
        return !strict || route_hole(r, node[1], i) ? 0 : ROUTE_NO;
    case SHAPE_KEYED: return 0;
    case SHAPE_ROWS: {
        uint32_t first = tape_first(i);
        if (!strict)
            return 0;
        if (t->nodes[i].type != NODE_ARRAY)
            return ROUTE_NO;
        uint8_t wanted = node[1] == SHAPE_OBJECT ? NODE_OBJECT : NODE_ARRAY;
        return !tape_in(t, i, first) || t->nodes[first].type == wanted ? 0 : ROUTE_NO;
    }
    case SHAPE_TEXT:
        said = tape_text(t, i);
        return text_like(node + 1, &said, !r->loose) ? 1 : ROUTE_NO;
    default: return literal_fits(node + 1, t, i) ? 1 : ROUTE_NO;
    }
}

/* A whole document. */
static inline int route_of(const tape *t, const connection *from, const shape *s, bool partly, bool loose)
{
    route r = {t, from, s, partly, loose};
    return t->count ? route_value(&r, s->node, 0, *s->node == SHAPE_LIST || *s->node == SHAPE_ROWS)
                    : ROUTE_NO;
}

#endif
