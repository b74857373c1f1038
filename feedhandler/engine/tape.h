/* A whole JSON document as a tape: its values one behind the other, each with where it ends.
 *
 * Nothing is done for a document before it was read to its last byte. What is behind a container's node are
 * its values, of an object each behind its key; `next` leads past all of them.
 */
#ifndef FEEDHANDLER_ENGINE_TAPE_H
#define FEEDHANDLER_ENGINE_TAPE_H

#include "types.h"

enum { NODE_OBJECT = TEXT_NESTED + 1, NODE_ARRAY };
enum { NODE_ESCAPED = 1, NODE_OPEN = 2, NODE_DONE = 4 }; /* OPEN: the document breaks off within it */

typedef struct tape_node {
    uint32_t at;     /* where it begins: a string behind its quote */
    uint32_t length; /* of a container with both brackets */
    uint32_t next;
    uint32_t plain; /* ESCAPED: where its text is in the spare room */
    uint8_t type;   /* enum text_type, or one of the above */
    uint8_t flags;
} tape_node;

/* Of 2^16 levels that are objects of five keys; more is no market data. */
enum { TAPE_NODES = 1 << 20, TAPE_KEPT = 1 << 14 };

typedef struct tape {
    tape_node *nodes;
    uint32_t count, room;
    const uint8_t *begin;
    const spare *spare;
} tape;

static inline void tape_free(tape *t)
{
    free(t->nodes);
    t->nodes = NULL;
    t->count = t->room = 0;
}

/* The text of a scalar; of anything else its bytes. */
static inline text tape_text(const tape *t, uint32_t i)
{
    const tape_node *n = &t->nodes[i];
    const uint8_t *at = n->flags & NODE_ESCAPED ? t->spare->bytes + n->plain : t->begin + n->at;
    uint8_t type = n->type > TEXT_NESTED ? (uint8_t)TEXT_NESTED : n->type;
    return (text){at, n->length, type, false};
}

static inline bool tape_nested(const tape *t, uint32_t i) { return t->nodes[i].type > TEXT_NESTED; }

/* The first of what is in a container, and whether there is one at `at`. */
static inline uint32_t tape_first(uint32_t i) { return i + 1; }
static inline bool tape_in(const tape *t, uint32_t i, uint32_t at) { return at < t->nodes[i].next; }

static inline void tape_fail(const tape *t, cursor *c, int error, uint32_t i)
{
    if (!c->error)
        cursor_fail_at(c, error, t->begin + t->nodes[i].at);
}

/* Something is missing in this container. */
static inline void tape_missing(const tape *t, cursor *c, uint32_t i)
{
    if (!c->error)
        cursor_fail_at(c, WIRE_MISSING, t->begin + t->nodes[i].at + t->nodes[i].length - 1);
}

static bool tape_add(tape *t, cursor *c, uint8_t type, const uint8_t *at, uint32_t *out)
{
    if (UNLIKELY(t->count == t->room) &&
        (t->count == TAPE_NODES || !array_grow((void **)&t->nodes, &t->room, t->count + 1, sizeof *t->nodes))) {
        CURSOR_FAIL(c, WIRE_MEMORY);
        return false;
    }
    *out = t->count;
    t->nodes[t->count++] = (tape_node){(uint32_t)(at - t->begin), 0, t->count, 0, type, 0};
    return true;
}

static bool tape_string(tape *t, cursor *c)
{
    text said;
    uint32_t i;
    const uint8_t *at = c->at + 1;
    if (!cursor_string_here(c, &said) || !tape_add(t, c, TEXT_STRING, at, &i))
        return false;
    t->nodes[i].length = said.length;
    if (UNLIKELY(said.at != at)) {
        t->nodes[i].flags = NODE_ESCAPED;
        t->nodes[i].plain = (uint32_t)(said.at - c->spare->bytes);
    }
    return true;
}

static bool tape_scalar(tape *t, cursor *c, uint8_t b)
{
    if (b == '"')
        return tape_string(t, c);
    const uint8_t *at = c->at;
    uint32_t i;
    uint8_t type = b == 'n' ? TEXT_NULL : b == 't' ? TEXT_TRUE : b == 'f' ? TEXT_FALSE : TEXT_NUMBER;
    if (!cursor_skip_scalar(c, b) || !tape_add(t, c, type, at, &i))
        return false;
    t->nodes[i].length = (uint32_t)(c->at - at);
    return true;
}

/* A key, and past its colon. */
static bool tape_key(tape *t, cursor *c)
{
    if (cursor_peek(c) != '"') {
        if (!c->error)
            CURSOR_FAIL(c, WIRE_UNEXPECTED);
        return false;
    }
    if (!tape_string(t, c))
        return false;
    if (cursor_peek(c) != ':') {
        if (!c->error)
            CURSOR_FAIL(c, WIRE_UNEXPECTED);
        return false;
    }
    c->at++;
    return true;
}

static void tape_close(tape *t, uint32_t i, const uint8_t *end)
{
    t->nodes[i].next = t->count;
    t->nodes[i].length = (uint32_t)(end - t->begin) - t->nodes[i].at;
}

/* One value with all that is in it. False: what was read of it is there, its containers are open. */
static bool tape_value(tape *t, cursor *c)
{
    uint32_t open[CURSOR_DEPTH], depth = 0, i;
    for (;;) {
        uint8_t b = cursor_peek(c);
        bool closed = true;
        if (c->error)
            break;
        if (b == '{' || b == '[') {
            if (depth == CURSOR_DEPTH) {
                CURSOR_FAIL(c, WIRE_DEPTH);
                break;
            }
            if (!tape_add(t, c, b == '{' ? NODE_OBJECT : NODE_ARRAY, c->at, &i))
                break;
            open[depth++] = i;
            c->at++;
            closed = cursor_peek(c) == b + 2; /* in ASCII both closers are two past their openers */
            if (!closed) {
                if (c->error || (b == '{' && !tape_key(t, c)))
                    break;
                continue;
            }
        } else if (!tape_scalar(t, c, b)) {
            break;
        }
        while (depth) { /* a value is behind us: close what closes, then a comma opens the next */
            bool object = t->nodes[open[depth - 1]].type == NODE_OBJECT;
            b = cursor_peek(c);
            if (b == ',') {
                c->at++;
                if (object)
                    tape_key(t, c);
                break;
            }
            if (b != (object ? '}' : ']')) {
                if (!c->error)
                    CURSOR_FAIL(c, WIRE_UNEXPECTED);
                break;
            }
            c->at++;
            tape_close(t, open[--depth], c->at);
        }
        if (c->error)
            break;
        if (depth == 0)
            return true;
    }
    while (depth) {
        t->nodes[open[--depth]].flags |= NODE_OPEN;
        tape_close(t, open[depth], c->end);
    }
    return false;
}

/* The whole document, to its last byte. What a much longer one needed is not kept for good. */
static bool tape_read(tape *t, cursor *c)
{
    size_t most = (size_t)(c->end - c->begin) / 2 + 2;
    if (UNLIKELY(t->room > TAPE_KEPT && most < t->room / 4))
        tape_free(t);
    t->begin = c->begin;
    t->spare = c->spare;
    t->count = 0;
    return tape_value(t, c) && cursor_finish(c);
}

#endif
