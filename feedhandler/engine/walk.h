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
    m->word = m->word_length = 0;
    f.kind = k->shape.kind;
    f.timed = m->numbers.numbered && f.kind != SHAPE_QUOTE && !(seen & 1u << ROLE_FINAL) && !sketch_prints(k);
    f.time_in = ((k->in_row ? k->row : k->frame) & TIME_ROLES) != 0;
    f.single = k->of && shape_books(k->of) && (seen & 1u << ROLE_PRICE) != 0;
    f.latest = k->lists != 0;
    f.amount = (seen & (uint64_t)1 << ROLE_AMOUNT) != 0;
    f.tops = f.kind == SHAPE_TICKER ? (seen >> ROLE_BID & 15) : 0;
    f.counts = (seen & (uint64_t)1 << ROLE_COUNT) != 0;
    f.worded = (seen & (uint64_t)1 << ROLE_STATUS) != 0;
    f.removes = k->shape.flags & FRAME_REMOVES;
    f.ways[0] = k->later_lists > 0 ? k->ways[0] : NULL;
    f.ways[1] = k->later_lists > 1 ? k->ways[1] : NULL;
    f.emit = sketch_prints(k)               ? EMIT_TRADE
             : msg->kind != MESSAGE_QUOTE   ? EMIT_BOOK
             : (seen & 1u << ROLE_BIDS) != 0 ? EMIT_TOP
                                            : EMIT_QUOTE;
    f.previous = (seen & (1u << ROLE_PREVIOUS | 1u << ROLE_PREVIOUS_SIGNED)) != 0;
    f.still = f.previous && (k->of == NULL || k->of->flags & FRAME_STILL);
    f.first = (seen & 1u << ROLE_FIRST) != 0;
    f.place = (seen & 1u << ROLE_PLACE) != 0;
    f.later = k->later;
    f.checks = (seen & 1u << ROLE_CHECKSUM) != 0;
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
    if (sketch_prints(k) || f.single)
        m->first_side = 0;
    return f;
}

/* A message ends behind `at`: a row, or the frame. */
static void sketch_message(engine *e, sketch *k, int code, const uint8_t *at)
{
    bool enough = k->of ? k->market : (k->shape.required & ~(k->frame | k->row)) == 0;
    if (k->of && k->of->kind == SHAPE_TICKER && k->taken < e->message_count)
        k->taken += e->messages[k->taken].kind == MESSAGE_QUOTE; /* one message, or two */
    if (k->rows == SKETCH_ROWS || k->taken == e->message_count || !enough) {
        k->failed = true;
        return;
    }
    form *f = &k->forms[k->rows++];
    *f = form_of(k, &e->messages[k->taken++]);
    sketch_step(k, code, at, at)->form = f;
}

/* Rows of which each has rows. */
static void sketch_outer_rows(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    uint32_t rows = 0;
    k->failed |= !k->of || k->depth != 0 || !cursor_array(c);
    if (k->failed)
        return;
    k->depth = 1;
    k->in_row = true;
    k->before = k->frame;
    bool market = k->market;
    sketch_step(k, STEP_OUTER_ROWS, c->at, c->at);
    while (!k->failed && cursor_item(c)) {
        if (rows++) {
            k->steps[k->count - 1].more = true;
            k->failed |= *k->from != ',';
            k->from++;
        }
        k->row = 0;
        k->rowed = false;
        k->market = market;
        sketch_value(e, k, node, c);
        k->failed |= !k->rowed;
        sketch_step(k, STEP_OUTER_ROW_END, c->at, c->at);
    }
    k->depth = 0;
    k->in_row = false;
    k->failed |= rows == 0;
}

static void sketch_rows(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    if (shape_rows_in(node)) {
        sketch_outer_rows(e, k, node, c);
        return;
    }
    uint32_t rows = k->rows;
    k->failed |= k->rowed;
    k->rowed = k->in_row = true;
    k->outer = k->market;
    if (!k->depth)
        k->before = k->frame;
    uint32_t depth = k->depth;
    uint64_t around = k->row;
    k->depth = 2 * depth;
    if (k->failed || !cursor_array(c)) {
        k->failed = true;
        return;
    }
    sketch_step(k, STEP_ROWS, c->at, c->at);
    while (cursor_item(c) && !k->failed) {
        k->row = 0;
        k->scaled = k->later = k->levels = false;
        k->later_lists = k->lists = 0;
        k->market = k->outer;
        if (k->rows > rows) { /* the comma is the step's own */
            k->steps[k->count - 1].more = true;
            k->failed |= *k->from != ',';
            k->from++;
        }
        sketch_value(e, k, node, c);
        sketch_message(e, k, STEP_ROW_END, c->at);
    }
    k->row = depth ? around : 0;
    k->in_row = depth != 0;
    k->depth = depth;
    k->failed |= k->rows == rows;
}

/* The node of a key of an object, or NULL; which of its keys it is. */
static const uint8_t *shape_find(const uint8_t *node, const text *key, int *which, uint8_t *flags)
{
    int count = *node++;
    for (*which = 0; *which < count; ++*which) {
        shape_key one = shape_key_next(&node);
        *flags = one.flags;
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
        shape_key key = shape_key_next(&node);
        uint8_t what = *key.node;
        if ((what == SHAPE_LITERAL || what == SHAPE_TEXT) && !(key.flags & KEY_OPTIONAL))
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
    k->nested++;
    while (!k->failed && cursor_key(c, &key)) {
        uint8_t flags;
        const uint8_t *inner = shape_find(node, &key, &which, &flags);
        cursor_peek(c);
        if (inner == NULL) {
            sketch_passed(k, false, c);
            continue;
        }
        k->failed |= (seen >> which & 1) != 0; /* a key that comes twice */
        seen |= (uint64_t)1 << which;
        if (k->of && flags & KEY_OPTIONAL && !(k->of->kind == SHAPE_TICKER && hole_tells(inner)) && (*c->at == 'n' || (c->at[0] == '"' && c->at[1] == '"')))
            sketch_passed(k, true, c); /* as if it had not come */
        else
            sketch_value(e, k, inner, c);
    }
    k->nested--;
    k->failed |= (shape_constants(node) & ~seen) != 0;
}

/* A list of which some have a meaning. */
static void sketch_list(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    uint32_t front = node[0], behind = node[1], count = 0;
    cursor all = *c;
    k->failed |= !k->of || !cursor_array(&all);
    while (!k->failed && cursor_item(&all)) {
        cursor_skip(&all);
        count++;
    }
    k->failed |= all.error || count < front + behind || (!node[2] && count > front + behind);
    const uint8_t *inner = node + 3;
    if (k->failed || !cursor_array(c))
        return;
    for (uint32_t which = 0; which < count && !k->failed && cursor_item(c); which++) {
        cursor_peek(c);
        if (which >= front && which < count - behind) {
            sketch_passed(k, false, c);
            continue;
        }
        sketch_value(e, k, inner + 2, c);
        inner += 2 + shape_short(inner);
    }
    k->failed |= cursor_item(c) || c->error;
}

static void sketch_value(engine *e, sketch *k, const uint8_t *node, cursor *c)
{
    int what = *node++;
    cursor_peek(c);
    const uint8_t *at = c->at;
    switch (what) {
    case SHAPE_OBJECT: sketch_object(e, k, node, c); break;
    case SHAPE_ROWS: sketch_rows(e, k, node, c); break;
    case SHAPE_KEYED: k->failed = true; break;
    case SHAPE_TEXT: sketch_text(k, node, c); break;
    case SHAPE_HOLE: sketch_hole(k, *node, c); break;
    case SHAPE_LIST: sketch_list(e, k, node, c); break;
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
    k->count = k->rows = k->taken = k->frame = k->row = k->before = 0;
    k->rowed = k->in_row = k->outer = k->market = k->scaled = k->later = k->levels = k->failed = false;
    k->numbered = false;
    k->depth = k->nested = k->later_lists = k->lists = 0;
    k->from = c.begin;
    bool known = k->of ? k->shape.kind <= SHAPE_FULL || k->shape.kind == SHAPE_CHECKSUM ||
                             k->shape.kind == SHAPE_TICKER
                       : k->shape.kind <= SHAPE_FULL && !(k->shape.flags & ~FRAME_USUAL);
    bool nothing = k->of && k->shape.kind == SHAPE_NONE && e->message_count == 0;
    if (!known && !nothing)
        return false;
    sketch_value(e, k, k->shape.node, &c);
    if (k->failed || (k->conn && !k->numbered))
        return false;
    int end = k->conn ? STEP_NUMBERED_END : STEP_END;
    if (nothing) {
        k->failed |= k->rowed;
        sketch_step(k, end, c.end, c.end);
    } else if (!k->rowed) {
        sketch_message(e, k, end, c.end);
    } else {
        uint64_t times = TIME_ROLES | SENT_ROLES;
        bool behind = (k->frame & ~k->before & times) != 0;
        k->failed |= behind && k->of && e->rules.rule == RULE_TIME;
        sketch_step(k, end, c.end, c.end)->close = behind;
    }
    return !k->failed && k->taken == e->message_count;
}

#endif
