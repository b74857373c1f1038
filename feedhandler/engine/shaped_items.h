/* What one row of a frame says, or a frame without rows, and to which instruments. */
#ifndef FEEDHANDLER_ENGINE_SHAPED_ITEMS_H
#define FEEDHANDLER_ENGINE_SHAPED_ITEMS_H

#include "shaped_rows.h"

/* One of many rows is none: it is left out and counted, and the others stand. */
COLD void shaped_odd(engine *e, cursor *c, const item_mark *mark)
{
    const cursor at = *c;
    if (!wire_meant(at.error))
        return;
    *c = mark->at;
    c->spare_used = at.spare_used;
    engine_item_odd(e, mark, &at);
}

/* What is said of an index is said of all instruments that follow it. Of a thousand options it would be most
 * of what there is to do: they are told once in a second. */
static void shaped_followed(engine *e, cursor *c, const shape *s, const found *f)
{
    const int64_t pause = 1000000000;
    const text *name = found_text(f, ROLE_INDEX_NAME);
    bool any = false;
    if (name == NULL) {
        CURSOR_FAIL(c, WIRE_MISSING);
        return;
    }
    for (uint32_t i = 0; i < e->room && e->markets[i] && !c->error; i++) {
        market *m = e->markets[i];
        if (m->index_length == 0 || m->index_length != name->length ||
            memcmp(m->index_name, name->at, name->length) != 0)
            continue;
        any = true;
        if (m->entry.kind == FH_INSTRUMENT_OPTION && e->receive_ns - m->index_ns < pause)
            continue;
        m->index_ns = e->receive_ns;
        ENGINE_ITEM(e, c, shaped_row_read(e, c, s, f, m));
    }
    e->unknown += !any;
}

/* What one row, or a frame without rows, says. */
static void shaped_item(engine *e, cursor *c, const shape *s, const found *f, uint32_t i)
{
    if (shape_books(s)) {
        shaped_book(e, c, s, f, i);
        return;
    }
    bool nothing = s->kind == SHAPE_NONE ||
                   (found_has(f, ROLE_SORT) && word_among(s->passed, &f->text[ROLE_SORT]));
    if (s->follows) {
        shaped_followed(e, c, s, f);
        return;
    }
    market *m = nothing ? NULL : found_market(e, c, f);
    if (m == NULL)
        return;
    if (s->kind == SHAPE_QUOTE || s->kind == SHAPE_TICKER)
        engine_about_quote(e, m);
    ENGINE_ITEM(e, c, shaped_row_read(e, c, s, f, m));
}

static void shaped_rows(engine *e, cursor *c, const shape *s, const found *f);

/* A row, of whose shape the rest is known. */
static void shaped_row(engine *e, cursor *c, const shape *s, const found *outer, uint32_t i)
{
    found f;
    bool best = s->kind == SHAPE_QUOTE || s->kind == SHAPE_TICKER;
    const item_mark mark = engine_item_begin(e, c);
    market *before = e->subject; /* a row that is odd */
    const text *symbol = best ? found_text(outer, ROLE_SYMBOL) : NULL;
    if (symbol)
        engine_about_quote(e, symbol_find(e, symbol->at, symbol->length));
    found_begin(&f, outer, best);
    if (e->shaped->tape.nodes[i].type == TEXT_NULL)
        tape_fail(&e->shaped->tape, c, WIRE_TYPE, i); /* not: nobody bids */
    else
        found_value(&e->shaped->tape, c, outer->row, i, &f);
    if (!c->error && f.row)
        shaped_rows(e, c, s, &f);
    else if (!c->error)
        shaped_item(e, c, s, &f, i);
    if (UNLIKELY(c->error) && !shape_books(s))
        shaped_odd(e, c, &mark);
    else if (best)
        e->subject = before;
}

/* Rows under their symbols: of all that the venue has, most of which may be none of ours. */
static void shaped_keyed(engine *e, cursor *c, const shape *s, const found *outer)
{
    const tape *t = &e->shaped->tape;
    const uint32_t rows = outer->rows;
    for (uint32_t i = tape_first(rows); tape_in(t, rows, i) && !c->error; i = t->nodes[i + 1].next) {
        found named;
        text symbol = tape_text(t, i);
        if (!e->auto_add && symbol_find(e, symbol.at, symbol.length) == NULL)
            continue;
        found_begin(&named, outer, false);
        found_put(&named, ROLE_SYMBOL, &symbol, i);
        named.row = outer->row;
        shaped_row(e, c, s, &named, i + 1);
    }
}

static void shaped_rows(engine *e, cursor *c, const shape *s, const found *f)
{
    const tape *t = &e->shaped->tape;
    if (f->keyed) {
        shaped_keyed(e, c, s, f);
        return;
    }
    for (uint32_t i = tape_first(f->rows); tape_in(t, f->rows, i) && !c->error; i = t->nodes[i].next)
        shaped_row(e, c, s, f, i);
}

#endif
