/* Books of any layout as messages: the levels of both sides in two runs, whatever order they come in. */
#ifndef FEEDHANDLER_ENGINE_SHAPED_BOOK_H
#define FEEDHANDLER_ENGINE_SHAPED_BOOK_H

#include "shaped.h"

/* What one level says. */
typedef struct one_level {
    level level;
    int64_t id;
    int side; /* below 0: it does not say */
    bool nothing; /* neither price nor size: only the venue's number moves */
} one_level;

static void level_amount(engine *e, cursor *c, market *m, const text *t, bool removed, one_level *out)
{
    int64_t amount = 0;
    if (!value_scaled(e, c, m, false, t, &amount))
        return;
    if (amount == 0 && !removed)
        text_fail(c, WIRE_RANGE, t);
    out->side = amount >= 0 ? FH_BID : FH_ASK;
    out->level.size = amount >= 0 ? amount : -amount;
}

/* Does this level take one away? */
static bool level_removes(cursor *c, const shape *s, const found *f)
{
    int64_t count = 1;
    value_number(c, f, ROLE_COUNT, 0, &count);
    bool removed = s->flags & FRAME_REMOVES || count == 0;
    if (found_has(f, ROLE_VERB)) {
        const text *verb = &f->text[ROLE_VERB];
        bool deletes = word_among(s->deletes, verb);
        if (!deletes && !word_among(s->changes, verb))
            text_fail(c, WIRE_RANGE, verb);
        removed |= deletes;
    }
    return removed;
}

/* A number of a book whose checksum is of all decimals that the venue writes, and no list has said how many. */
COLD void level_written(int *exponent, const text *t)
{
    const uint8_t *end = t->at + t->length, *at = memchr(t->at, '.', t->length);
    int decimals = 0;
    for (at = at ? at + 1 : end; at < end && (uint8_t)(*at - '0') < 10; at++)
        decimals++;
    if (-decimals < *exponent && -decimals >= DECIMAL_EXPONENT_MIN)
        *exponent = -decimals;
}

/* The level that was found; `i`: where it is. */
static void level_said(engine *e, cursor *c, const shape *s, market *m, const found *f, uint32_t i,
                       one_level *out)
{
    const tape *t = &e->shaped->tape;
    bool priced = found_has(f, ROLE_PRICE), by_id = found_has(f, ROLE_ID);
    *out = (one_level){{FH_NONE, 0}, 0, -1, false};
    bool removed = level_removes(c, s, f);
    if (by_id)
        text_id(c, &f->text[ROLE_ID], &out->id);
    if (priced)
        value_scaled(e, c, m, true, &f->text[ROLE_PRICE], &out->level.price);
    else if (!by_id)
        tape_missing(t, c, i);
    if (found_has(f, ROLE_AMOUNT))
        level_amount(e, c, m, &f->text[ROLE_AMOUNT], removed, out);
    else if (found_has(f, ROLE_SIZE))
        value_scaled(e, c, m, false, &f->text[ROLE_SIZE], &out->level.size);
    else if (!removed)
        tape_missing(t, c, i);
    if (found_has(f, ROLE_SIDE)) {
        int which = word_which(s->sides, &f->text[ROLE_SIDE]);
        out->side = which == 0 ? FH_BID : FH_ASK;
        if (which < 0)
            text_fail(c, WIRE_RANGE, &f->text[ROLE_SIDE]);
    }
    if (c->error)
        return;
    if (e->checksum && !m->written_listed && priced && found_has(f, ROLE_SIZE)) {
        level_written(&m->price_written, &f->text[ROLE_PRICE]);
        level_written(&m->size_written, &f->text[ROLE_SIZE]);
    }
    if (out->level.size < 0)
        tape_fail(t, c, WIRE_RANGE, i);
    if (removed)
        out->level.size = 0;
    if (priced && !price_possible(m, out->level.price)) {
        out->nothing = s->flags & FRAME_BLANK && out->level.price == 0 && out->level.size == 0;
        if (!out->nothing)
            text_fail(c, WIRE_RANGE, &f->text[ROLE_PRICE]);
    }
}

/* ---- lists of levels ------------------------------------------------------------------------------ */

static bool level_add(engine *e, cursor *c, message *msg, const one_level *one, bool by_id)
{
    shaped *k = e->shaped;
    uint32_t at = e->level_count;
    if (one->nothing)
        return true;
    level *room = engine_levels(e, msg, 1);
    if (e->out_of_memory ||
        (by_id && !ARRAY_RESERVE(e, k->ids, msg->count, k->id_room, msg->count))) {
        e->level_count = at;
        if (!c->error)
            CURSOR_FAIL(c, WIRE_MEMORY);
        return false;
    }
    *room = one->level;
    if (by_id)
        k->ids[msg->count - 1] = one->id;
    return true;
}

typedef struct level_list {
    const shape *shape;
    uint32_t list;
    bool by_symbol; /* each names its instrument, whose id and 1 is in its `plain` */
    bool by_id;
} level_list;

/* The levels of one side; `said`: where each says its own, those of the other are passed. */
static void levels_side(engine *e, cursor *c, message *msg, level_list *l, int side, bool said, int64_t *latest)
{
    tape *t = &e->shaped->tape;
    market *m = msg->market;
    found f;
    one_level one;
    for (uint32_t i = tape_first(l->list); tape_in(t, l->list, i) && !c->error; i = t->nodes[i].next) {
        if (l->by_symbol && t->nodes[i].plain != m->id + 1)
            continue;
        t->nodes[i].flags |= NODE_DONE;
        found_begin(&f, NULL, false);
        f.loose = true;
        found_value(t, c, l->shape->level, i, &f);
        if (c->error)
            return;
        level_said(e, c, l->shape, m, &f, i, &one);
        if (l->by_id && !found_has(&f, ROLE_ID))
            tape_missing(t, c, i);
        if (f.has & TIME_ROLES) {
            int64_t time = found_time(e, c, &f, TIME_ROLES);
            *latest = time > *latest ? time : *latest;
        }
        if (!c->error && (!said || one.side == side) && !level_add(e, c, msg, &one, l->by_id))
            return;
    }
}

/* Both sides of a message. */
static void levels_both_sides(engine *e, cursor *c, message *msg, const shape *s, const found *f, uint32_t i)
{
    int64_t latest = 0;
    level_list l = {s, 0, s->level && shape_has(s->level, ROLE_SYMBOL),
                    s->level && shape_has(s->level, ROLE_ID)}; /* be there levels or none */
    msg->runs = 2;
    msg->first_side = FH_BID;
    if (found_has(f, ROLE_LEVELS)) {
        l.list = f->node[ROLE_LEVELS];
        levels_side(e, c, msg, &l, FH_BID, true, &latest);
        msg->first_count = msg->count;
        levels_side(e, c, msg, &l, FH_ASK, true, &latest);
    } else if (s->level == NULL) {
        one_level one;
        level_said(e, c, s, msg->market, f, i, &one);
        if (!c->error && one.side < 0)
            CURSOR_FAIL(c, WIRE_MISSING);
        if (!c->error)
            level_add(e, c, msg, &one, false);
        msg->first_side = (uint8_t)(one.side == FH_ASK ? FH_ASK : FH_BID);
        msg->first_count = msg->count;
    } else {
        bool bids = found_has(f, ROLE_BIDS), asks = found_has(f, ROLE_ASKS);
        bool turned = asks && (!bids || f->node[ROLE_ASKS] < f->node[ROLE_BIDS]);
        int roles[2] = {turned ? ROLE_ASKS : ROLE_BIDS, turned ? ROLE_BIDS : ROLE_ASKS};
        msg->first_side = turned ? FH_ASK : FH_BID;
        for (int run = 0; run < 2; run++) {
            l.list = f->node[roles[run]];
            if (found_has(f, roles[run]))
                levels_side(e, c, msg, &l, 0, false, &latest);
            if (run == 0)
                msg->first_count = msg->count;
        }
    }
    if (l.by_id && !c->error) {
        if (!engine_ids(e, msg))
            CURSOR_FAIL(c, WIRE_MEMORY);
        for (uint32_t n = 0; n < msg->count && !c->error; n++)
            e->ids[msg->levels + n] = e->shaped->ids[n];
    }
    if (msg->exchange_ns == 0 || (latest && !(f->has & TIME_ROLES)))
        msg->exchange_ns = latest ? latest : msg->exchange_ns;
}

/* ---- messages ------------------------------------------------------------------------------------- */

static const uint8_t shaped_kinds[] = {
    [SHAPE_BOOK] = MESSAGE_DELTA,         [SHAPE_SNAPSHOT] = MESSAGE_SNAPSHOT,
    [SHAPE_FULL] = MESSAGE_FULL,          [SHAPE_ANSWER] = MESSAGE_SNAPSHOT,
    [SHAPE_CHECKSUM] = MESSAGE_DELTA,
};

/* One message of a book; `i`: where it stands. */
static void shaped_book_read(engine *e, cursor *c, const shape *s, const found *f, uint32_t i, market *m)
{
    message *msg = engine_message(e, m, shaped_kinds[s->kind], CHANNEL_BOOK);
    int64_t value = 0;
    found_times(e, c, f, msg);
    if (value_number(c, f, ROLE_WINDOW, 1, &value))
        msg->window = value > UINT16_MAX ? 0 : (uint16_t)value;
    else
        msg->window = s->window;
    const text *checksum = found_text(f, ROLE_CHECKSUM);
    if (checksum && !text_integer(checksum, &value))
        text_fail(c, WIRE_RANGE, checksum);
    else if (checksum)
        message_checksum(e, msg, value);
    if (s->kind == SHAPE_CHECKSUM) {
        msg->runs = 2;
        msg->window = (uint16_t)m->window;
        if (msg->exchange_ns == 0)
            msg->exchange_ns = m->head.exchange_ns;
        return;
    }
    levels_both_sides(e, c, msg, s, f, i);
    bool empty = s->kind == SHAPE_ANSWER && msg->count == 0; /* of a new listing: it may be below 0 */
    bool anew = s->flags & FRAME_ANEW && s->kind == SHAPE_BOOK; /* 1 is the first */
    found_numbers(e, c, f, msg, empty ? -1 : anew);
    msg->rounded = s->flags & FRAME_ROUNDED;
    if (anew && msg->numbers.final == 1)
        msg->kind = MESSAGE_SNAPSHOT;
    if (s->flags & FRAME_STILL && msg->numbers.final == msg->numbers.previous)
        msg->kind = MESSAGE_SNAPSHOT;
    if (s->flags & FRAME_BEGINS && msg->numbers.previous == 0) {
        msg->kind = MESSAGE_SNAPSHOT;
        if (m->book.bids.count || m->book.asks.count)
            text_fail(c, WIRE_RANGE, found_text(f, ROLE_PREVIOUS));
    }
    bool follows = found_text(f, ROLE_PREVIOUS) || found_text(f, ROLE_PREVIOUS_SIGNED);
    const shaped *k = e->shaped;
    if (s->kind == SHAPE_BOOK && e->rules.rule == RULE_PREVIOUS && msg->numbers.numbered && !follows)
        tape_missing(&k->tape, c, i); /* what does it change? */
    if (!message_proven(e, msg) || (k->numbers && !k->numbered && s->kind != SHAPE_ANSWER))
        tape_missing(&k->tape, c, i); /* nothing would tell what is lost */
}

/* The best bid and offer, of lists in which they stand first. */
static void shaped_best_read(engine *e, cursor *c, const shape *s, const found *f, market *m)
{
    message *msg = engine_message(e, m, MESSAGE_QUOTE, CHANNEL_QUOTE);
    level best[2] = {{FH_NONE, 0}, {FH_NONE, 0}};
    found_times(e, c, f, msg);
    levels_both_sides(e, c, msg, s, f, f->node[ROLE_BIDS]);
    const level *first = e->levels + msg->levels, *second = first + msg->first_count;
    if (!c->error && msg->first_count && first->size != 0)
        best[msg->first_side] = *first;
    if (!c->error && msg->count > msg->first_count && second->size != 0)
        best[msg->first_side ^ 1] = *second;
    e->level_count = msg->levels;
    msg->count = 0;
    level *top = engine_levels(e, msg, 2);
    top[FH_BID] = best[FH_BID];
    top[FH_ASK] = best[FH_ASK];
    quote_numbers(e, c, s, f, msg);
}

/* A level's instrument, of a list in which each names its own; NULL: none of ours. */
static market *level_market(engine *e, cursor *c, const shape *s, uint32_t i, bool *counted)
{
    const tape *t = &e->shaped->tape;
    found f;
    found_begin(&f, NULL, false);
    f.loose = true;
    found_value(t, c, s->level, i, &f);
    if (c->error)
        return NULL;
    if (!found_has(&f, ROLE_SYMBOL)) {
        tape_missing(t, c, i);
        return NULL;
    }
    const text *symbol = &f.text[ROLE_SYMBOL];
    market *m = symbol_find(e, symbol->at, symbol->length);
    if (m == NULL && !*counted) { /* once a frame */
        m = engine_unknown(e, symbol);
        *counted = m == NULL;
    }
    return m;
}

/* A message for each instrument that the levels name, in the order in which they are named first. */
static void shaped_levels(engine *e, cursor *c, const shape *s, const found *f)
{
    tape *t = &e->shaped->tape;
    uint32_t list = f->node[ROLE_LEVELS];
    bool counted = false;
    for (uint32_t i = tape_first(list); tape_in(t, list, i) && !c->error; i = t->nodes[i].next) {
        market *m = level_market(e, c, s, i, &counted);
        t->nodes[i].plain = m ? m->id + 1 : 0;
    }
    for (uint32_t i = tape_first(list); tape_in(t, list, i) && !c->error; i = t->nodes[i].next) {
        if (t->nodes[i].plain == 0 || t->nodes[i].flags & NODE_DONE)
            continue;
        market *m = e->markets[t->nodes[i].plain - 1];
        ENGINE_ITEM(e, c, shaped_book_read(e, c, s, f, i, m));
    }
}

static void shaped_book(engine *e, cursor *c, const shape *s, const found *f, uint32_t i)
{
    if (s->level && shape_has(s->level, ROLE_SYMBOL)) {
        shaped_levels(e, c, s, f);
        return;
    }
    market *m = found_market(e, c, f);
    if (m != NULL)
        ENGINE_ITEM(e, c, shaped_book_read(e, c, s, f, i, m));
}

#endif
