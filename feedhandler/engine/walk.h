/* A frame that its decoder understood, walked with each shape of the venue: see sketch.h. */
#ifndef FEEDHANDLER_ENGINE_WALK_H
#define FEEDHANDLER_ENGINE_WALK_H

#include "sketch.h"

static void sketch_value(engine *e, sketch *k, const uint8_t *node, cursor *c);

static inline bool sketch_prints(const sketch *k)
{
    return k->shape.kind == SHAPE_TRADE || k->shape.kind == SHAPE_LIQUIDATION;
}

/* What the message of these roles is besides them. */
static form form_of(const sketch *k, const message *msg)
{
    uint64_t seen = k->frame | k->row;
    form f;
    memset(&f, 0, sizeof f);
    message *m = &f.message;
    *m = *msg;
    m->market = NULL;
    m->precision = 0;
    m->levels = m->count = m->first_count = 0;
    m->exchange_ns = m->sent_ns = 0;
    f.emit = sketch_prints(k)               ? EMIT_TRADE
             : k->shape.kind == SHAPE_QUOTE ? EMIT_QUOTE
             : msg->kind == MESSAGE_QUOTE   ? EMIT_TOP
                                            : EMIT_BOOK;
    f.previous = (seen & (1u << ROLE_PREVIOUS | 1u << ROLE_PREVIOUS_SIGNED)) != 0;
    f.first = (seen & 1u << ROLE_FIRST) != 0;
    f.place = (seen & 1u << ROLE_PLACE) != 0;
    f.later = k->later;
    f.id_or_place = (seen & 1u << ROLE_ID_OR_PLACE) != 0;
    f.follows = f.previous && !f.first && m->numbers.first == m->numbers.previous + 1;
    if (f.follows)
        m->numbers.first = 1;
    if (f.first)
        m->numbers.first = 0;
    if (f.previous)
        m->numbers.previous = 0;
    if (f.place)
        m->numbers.place = 0;
    m->numbers.final = 0;
    m->has_checksum = false;
    m->checksum = 0;
    if (f.emit == EMIT_TRADE)
        m->first_side = 0;
    return f;
}

/* A message ends behind `at`: a row, or the frame. */
static void sketch_message(engine *e, sketch *k, int code, const uint8_t *at)
{
    if (k->rows == SKETCH_ROWS || k->rows == e->message_count ||
        (k->shape.required & ~(k->frame | k->row)) != 0) {
        k->failed = true;
        return;
    }
    form *f = &k->forms[k->rows];
    *f = form_of(k, &e->messages[k->rows++]);
    sketch_step(k, code, at, at)->form = f;
}

static void sketch_rows(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    k->failed |= k->rowed;
    k->rowed = k->in_row = true;
    k->outer = k->market;
    k->before = k->frame;
    if (k->failed || !cursor_array(c)) {
        k->failed = true;
        return;
    }
    sketch_step(k, STEP_ROWS, c->at, c->at);
    while (cursor_item(c) && !k->failed) {
        k->row = 0;
        k->scaled = k->later = k->levels = false;
        k->market = k->outer;
        if (k->rows) { /* the comma is the step's own */
            k->failed |= *k->from != ',';
            k->from++;
        }
        sketch_value(e, k, node, c);
        sketch_message(e, k, STEP_ROW_END, c->at);
    }
    k->row = 0;
    k->in_row = false;
    k->failed |= k->rows == 0;
}

/* The node of a key of an object, or NULL; which of its keys it is. */
static const uint8_t *shape_find(const uint8_t *node, const text *key, int *which)
{
    int count = *node++;
    for (*which = 0; *which < count; ++*which) {
        shape_key one = shape_key_next(&node);
        if (one.length == key->length && memcmp(one.name, key->at, key->length) == 0)
            return one.node;
    }
    return NULL;
}

/* The keys of an object that say which frame it is. */
static uint64_t shape_constants(const uint8_t *node)
{
    uint64_t found = 0;
    int count = *node++;
    for (int which = 0; which < count; which++) {
        uint8_t what = *shape_key_next(&node).node;
        if (what == SHAPE_LITERAL || what == SHAPE_TEXT)
            found |= (uint64_t)1 << which;
    }
    return found;
}

static void sketch_object(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    uint64_t seen = 0;
    text key;
    int which;
    if (!cursor_object(c)) {
        k->failed = true;
        return;
    }
    while (!k->failed && cursor_key(c, &key)) {
        const uint8_t *inner = shape_find(node, &key, &which);
        cursor_peek(c);
        if (inner == NULL) {
            sketch_passed(k, false, c);
            continue;
        }
        k->failed |= (seen >> which & 1) != 0; /* a key that comes twice */
        seen |= (uint64_t)1 << which;
        sketch_value(e, k, inner, c);
    }
    k->failed |= (shape_constants(node) & ~seen) != 0;
}

static void sketch_value(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    int what = *node++;
    cursor_peek(c);
    const uint8_t *at = c->at;
    switch (what) {
    case SHAPE_OBJECT: sketch_object(e, k, node, c); break;
    case SHAPE_ROWS: sketch_rows(e, k, node, c); break;
    case SHAPE_TEXT: sketch_text(k, node, c); break;
    case SHAPE_HOLE: sketch_hole(k, *node, c); break;
    case SHAPE_LIST: k->failed = true; break;
    default:
        cursor_skip(c);
        k->failed |= (size_t)(c->at - at) != *node || memcmp(at, node + 1, *node) != 0;
    }
    k->failed |= c->error != 0;
}

/* True: the steps of the whole frame, whose messages the engine has. */
static bool sketch_frame(engine *e, sketch *k, const cursor *frame)
{
    cursor c = *frame;
    cursor_start(&c, frame->begin, (size_t)(frame->end - frame->begin), NULL);
    k->count = k->rows = k->frame = k->row = k->before = 0;
    k->rowed = k->in_row = k->outer = k->market = k->scaled = k->later = k->levels = k->failed = false;
    k->from = c.begin;
    if (k->shape.kind > SHAPE_FULL || k->shape.flags)
        return false;
    sketch_value(e, k, k->shape.node, &c);
    if (k->failed)
        return false;
    if (!k->rowed) {
        sketch_message(e, k, STEP_END, c.end);
    } else {
        uint64_t times = 1u << ROLE_TIME_MS | 1u << ROLE_SENT_MS;
        sketch_step(k, STEP_END, c.end, c.end)->close = (k->frame & ~k->before & times) != 0;
    }
    return !k->failed && k->rows == e->message_count;
}

#endif
