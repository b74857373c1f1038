/* Frames by the shapes of their venue: the general reader.
 *
 * First the document is read to its last byte, then it is found out what frame it is, then all that is in it,
 * and only then anything is done: a symbol is looked up, an instrument widened, a message made. What is of no
 * shape is left to Python. Speed is not the point: most frames are read by their skeletons.
 */
#ifndef FEEDHANDLER_ENGINE_SHAPED_DECODE_H
#define FEEDHANDLER_ENGINE_SHAPED_DECODE_H

#include "shaped_blame.h"
#include "shaped_items.h"
#include "shaped_like.h"

/* The shapes that a frame is of: one, or those whose rows may stand side by side in it. */
typedef struct shaped_frame {
    const shape *shapes[ALTERNATIVES];
    found found[ALTERNATIVES];
    bool filled[ALTERNATIVES];
    uint32_t count;
} shaped_frame;

/* What surrounds the rows of one of the shapes. */
static bool shaped_fill(engine *e, cursor *c, shaped_frame *k, uint32_t which)
{
    const shape *s = k->shapes[which];
    if (k->filled[which])
        return true;
    k->filled[which] = true;
    found_begin(&k->found[which], NULL, s->kind == SHAPE_QUOTE || s->kind == SHAPE_TICKER);
    found_value(&e->shaped->tape, c, s->node, 0, &k->found[which]);
    return !c->error;
}

/* Market data that nobody here knows: another channel's, or another event. */
static bool shaped_other(const engine *e)
{
    const shaped *k = e->shaped;
    for (uint32_t i = 0; i < k->count; i++)
        if (k->shapes[i].kind == SHAPE_OTHER &&
            route_of(&k->tape, e->connection, &k->shapes[i], false, false) != ROUTE_NO)
            return true;
    return false;
}

/* Rows of which each says itself what it is. */
static void shaped_mixed(engine *e, cursor *c, shaped_frame *k)
{
    const tape *t = &e->shaped->tape;
    if (!shaped_fill(e, c, k, 0))
        return;
    if (k->found[0].row == NULL) { /* refused at load, as far as that can tell */
        tape_fail(t, c, WIRE_RANGE, 0);
        return;
    }
    uint32_t rows = k->found[0].rows, which;
    for (uint32_t i = tape_first(rows); tape_in(t, rows, i) && !c->error; i = t->nodes[i].next) {
        for (which = 0; which < k->count; which++) {
            if (!shaped_fill(e, c, k, which))
                return;
            route r = {t, e->connection, k->shapes[which], false, false};
            if (k->found[which].row && route_value(&r, k->found[which].row, i, false) != ROUTE_NO)
                break;
        }
        if (which < k->count)
            shaped_row(e, c, k->shapes[which], &k->found[which], i);
        else if (shaped_other(e))
            e->unknown++;
        else
            tape_fail(t, c, WIRE_RANGE, i); /* nobody knows what it would have changed */
    }
}

/* ---- frames --------------------------------------------------------------------------------------- */

/* Which shapes it is of: of the answers, or of those that come by themselves. */
static void shaped_find_as(const engine *e, shaped_frame *k, bool answers, bool loose)
{
    const shaped *all = e->shaped;
    k->count = 0;
    for (uint32_t i = 0; i < all->count && k->count < ALTERNATIVES; i++) {
        const shape *s = &all->shapes[i];
        if (answers ? s->kind != SHAPE_ANSWER : shape_beside(s))
            continue;
        if (route_of(&all->tape, e->connection, s, false, loose) == ROUTE_NO)
            continue;
        k->filled[k->count] = false;
        k->shapes[k->count++] = s;
    }
}

static void shaped_find(const engine *e, shaped_frame *k, bool answers)
{
    shaped_find_as(e, k, answers, false);
    if (k->count == 0)
        shaped_find_as(e, k, answers, true);
}

/* What the frame says, now that it is known what it is. */
static void shaped_act(engine *e, cursor *c, shaped_frame *k)
{
    const shape *s = k->shapes[0];
    const found *f = &k->found[0];
    const tape *t = &e->shaped->tape;
    if (k->count > 1) { /* told apart by their rows */
        shaped_mixed(e, c, k);
        return;
    }
    if (!shaped_fill(e, c, k, 0))
        return;
    if (f->row == NULL)
        shaped_item(e, c, s, f, 0);
    else if (shape_books(s) && !tape_in(t, f->rows, tape_first(f->rows)))
        tape_missing(t, c, f->rows); /* a push of nothing */
    else
        shaped_rows(e, c, s, f);
}

/* The number of the connection, in whatever frame it is. */
static int shaped_numbers(engine *e, cursor *c)
{
    shaped *k = e->shaped;
    int result = 0;
    k->numbered = false;
    for (uint32_t i = 0; i < k->count && !c->error; i++) {
        const shape *s = &k->shapes[i];
        found f;
        int64_t number = 0;
        cursor at = *c;
        if (s->kind != SHAPE_NUMBER || route_of(&k->tape, e->connection, s, false, false) == ROUTE_NO)
            continue;
        found_begin(&f, NULL, false);
        found_value(&k->tape, &at, s->node, 0, &f);
        if (at.error || !found_has(&f, ROLE_CONN))
            continue; /* it has none */
        k->numbered = true;
        if (!text_integer(&f.text[ROLE_CONN], &number))
            text_fail(c, WIRE_RANGE, &f.text[ROLE_CONN]);
        else if (!engine_number(e, number))
            result |= FEED_GAP;
    }
    return result;
}

/* A document that breaks off, or is no document: the shape that it has most in common with. */
COLD void shaped_broken(engine *e)
{
    const shaped *k = e->shaped;
    const shape *best = NULL;
    int most = 0;
    for (uint32_t i = 0; i < k->count; i++) {
        const shape *s = &k->shapes[i];
        int score = shape_beside(s) ? ROUTE_NO : route_of(&k->tape, e->connection, s, true, true);
        if (score > most || (score == most && best && shape_books(s) && !shape_books(best))) {
            best = s;
            most = score;
        }
    }
    if (best)
        shaped_blame(e, best); /* else it may be about any book */
}

/* A list on a channel that is known, of no shape that is declared for it: it is not understood. */
static const shape *shaped_channel(const engine *e, uint32_t *at)
{
    const shaped *k = e->shaped;
    for (uint32_t i = 0; i < k->count; i++) {
        const shape *s = &k->shapes[i];
        route r = {&k->tape, e->connection, s, false, false};
        *at = tape_first(0);
        if (*s->channel && *s->node == SHAPE_LIST && s->node[1] && k->tape.nodes[0].type == NODE_ARRAY &&
            tape_in(&k->tape, 0, *at) && s->node[6] == SHAPE_HOLE && s->node[7] == ROLE_CHANNEL &&
            route_hole(&r, ROLE_CHANNEL, *at))
            return s;
    }
    return NULL;
}

/* A word for Python that is no JSON: "pong". */
static bool shaped_word(const engine *e, const cursor *c)
{
    const shaped *k = e->shaped;
    size_t length = (size_t)(c->end - c->begin);
    for (uint32_t i = 0; i < k->count; i++) {
        const uint8_t *node = k->shapes[i].node;
        if (k->shapes[i].kind == SHAPE_CONTROL && *node == SHAPE_LITERAL && node[1] == length + 2 &&
            memcmp(node + 3, c->begin, length) == 0)
            return true;
    }
    return false;
}

/* What is for Python, and no market data, whatever it has; or the answer to a request, that says so. */
static bool shaped_told(const engine *e)
{
    const shaped *k = e->shaped;
    for (uint32_t i = 0; i < k->count; i++) {
        const shape *s = &k->shapes[i];
        bool answer = s->kind == SHAPE_ANSWER, told = s->kind == SHAPE_CONTROL && *s->node == SHAPE_OBJECT;
        if ((answer || told) && route_of(&k->tape, e->connection, s, false, false) >= answer)
            return true;
    }
    return false;
}

/* Is it market data, and an answer as well? */
static bool shaped_tells(const engine *e)
{
    const shaped *k = e->shaped;
    for (uint32_t i = 0; k->told && i < k->count; i++)
        if (shape_tells(&k->shapes[i]) &&
            route_of(&k->tape, e->connection, &k->shapes[i], false, false) != ROUTE_NO)
            return true;
    return false;
}

/* Can it be what the venue says to Python, which is an object, or a list where market data is one? */
static bool shaped_control(const engine *e)
{
    const shaped *k = e->shaped;
    bool list = k->tape.nodes[0].type == NODE_ARRAY;
    for (uint32_t i = 0; list && i < k->count; i++)
        if (*k->shapes[i].node == SHAPE_LIST || *k->shapes[i].node == SHAPE_ROWS)
            return true;
    return k->tape.nodes[0].type == NODE_OBJECT;
}

static int shaped_decode(engine *e, cursor *c)
{
    shaped_frame k;
    uint32_t at;
    if (shaped_word(e, c)) {
        c->at = c->end;
        engine_no_book(e);
        return FEED_CONTROL;
    }
    if (!tape_read(&e->shaped->tape, c)) {
        shaped_broken(e);
        return FEED_DATA;
    }
    int result = shaped_numbers(e, c);
    shaped_find(e, &k, false);
    if (k.count == 0 && !shaped_control(e)) {
        tape_fail(&e->shaped->tape, c, WIRE_TYPE, 0);
        return FEED_DATA;
    }
    if (k.count == 0 && shaped_told(e)) {
        engine_no_book(e);
        return result | FEED_CONTROL;
    }
    if (k.count == 0) {
        const shape *s = shaped_channel(e, &at), *like = s ? NULL : shaped_like(e, &at);
        if (s == NULL && like == NULL) {
            bool other = shaped_other(e);
            engine_no_book(e);
            e->unknown += other;
            return result | (other ? FEED_DATA : FEED_CONTROL);
        }
        tape_fail(&e->shaped->tape, c, s ? WIRE_TYPE : WIRE_RANGE, at);
        shaped_blame(e, s ? s : like);
        return result | FEED_DATA;
    }
    if (!shape_books(k.shapes[0]))
        engine_no_book(e);
    if (!c->error)
        shaped_act(e, c, &k);
    if (UNLIKELY(c->error))
        for (uint32_t i = 0; i < k.count; i++)
            if (i == 0 || shape_books(k.shapes[i]))
                shaped_blame(e, k.shapes[i]);
    return result | FEED_DATA | (shaped_tells(e) ? FEED_CONTROL : 0);
}

/* The answer to a request for the book of `m`. */
static void shaped_snapshot(engine *e, cursor *c, market *m)
{
    shaped_frame k;
    if (!tape_read(&e->shaped->tape, c))
        return;
    shaped_find(e, &k, true);
    if (k.count == 0) {
        tape_missing(&e->shaped->tape, c, 0); /* an error message, or something else */
        return;
    }
    if (!shaped_fill(e, c, &k, 0))
        return;
    const found *f = &k.found[0];
    uint32_t row = tape_first(f->rows);
    found inner;
    if (f->row) {
        if (!tape_in(&e->shaped->tape, f->rows, row)) {
            tape_missing(&e->shaped->tape, c, f->rows);
            return;
        }
        found_begin(&inner, f, false);
        found_value(&e->shaped->tape, c, f->row, row, &inner);
        f = &inner;
    }
    const text *symbol = found_text(f, ROLE_SYMBOL);
    if (symbol && symbol_find(e, symbol->at, symbol->length) != m)
        text_fail(c, WIRE_RANGE, symbol);
    if (!c->error)
        shaped_book_read(e, c, k.shapes[0], f, f->row ? f->rows : 0, m);
}

static const fh_decoder shaped_decoder = {"shape", TEXT_STRING, false, shaped_decode, shaped_snapshot,
                                          false,   false,       false, false};

/* The same for the frames of this table. */
static inline fh_decoder shaped_decoder_of(const void *table, size_t length)
{
    fh_decoder decoder = shaped_decoder;
    decoder.numbers = shapes_numbers(table, length);
    return decoder;
}

#endif
