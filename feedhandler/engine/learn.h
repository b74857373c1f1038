/* Learning: what a frame was read by becomes steps for the next one like it.
 *
 * Nothing is believed that was not tried: the new steps read their own frame first, and stay only if they
 * make of it, to the last field, what the decoder made. Frames without end that teach something else
 * each would cost more than they save: there is a budget, and when the room is full all is forgotten.
 */
#ifndef FEEDHANDLER_ENGINE_LEARN_H
#define FEEDHANDLER_ENGINE_LEARN_H

#include "walk.h"

static bool learn_room(skeletons *s)
{
    if (s->sketch)
        return true;
    read_usual(NULL, NULL, NULL);
    read_declared(NULL, NULL, NULL);
    s->steps = (step *)aligned_alloc(_Alignof(step), STEPS_KEPT * sizeof *s->steps);
    s->forms = (form *)calloc(FORMS_KEPT, sizeof *s->forms);
    s->sketch = malloc(sizeof(sketch));
    s->ways = (level_way *)calloc(WAYS_KEPT, sizeof *s->ways);
    if (s->steps && s->forms && s->sketch && s->ways)
        return true;
    free(s->steps);
    free(s->forms);
    free(s->sketch);
    free(s->ways);
    s->steps = NULL;
    s->forms = NULL;
    s->sketch = NULL;
    s->ways = NULL;
    return false;
}

static bool learn_may(skeletons *s, int64_t now)
{
    if (now - s->credit_ns >= 1000000000 || now < s->credit_ns) {
        s->credit = s->credit < LEARN_AT_ONCE - LEARN_A_SECOND ? s->credit + LEARN_A_SECOND : LEARN_AT_ONCE;
        s->credit_ns = now;
    }
    if (s->credit == 0 || !learn_room(s))
        return false;
    s->credit--;
    return true;
}

/* ---- the tree ------------------------------------------------------------------------------------ */

static bool step_same(const step *a, const step *b)
{
    return a->code == b->code && a->length == b->length && a->slot == b->slot && a->close == b->close &&
           a->way == b->way && (a->form == NULL) == (b->form == NULL) && memcmp(a->literal, b->literal, a->length) == 0 &&
           memcmp(a->say, b->say, sizeof a->say) == 0;
}

/* The steps into the tree, where it has not got them. False: it has them all. */
static bool learn_insert(skeletons *s, const sketch *k)
{
    uint32_t known = s->step_count;
    step **link = k->of ? &s->declared : &s->root, *rows = NULL, *outer = NULL;
    for (uint32_t i = 0; i < k->count; i++) {
        const step *wanted = &k->steps[i];
        while (*link != NULL && !step_same(*link, wanted))
            link = &(*link)->other;
        if (*link == NULL) {
            step *added = *link = &s->steps[s->step_count++];
            *added = *wanted;
            added->run = (k->of ? declared_runs : step_runs)[added->code];
            added->rows = added->code == STEP_OUTER_ROW_END ? outer : rows;
            if (wanted->form) {
                form *f = &s->forms[s->form_count++];
                *f = *wanted->form;
                added->form = f;
            }
        }
        step *found = *link;
        link = &found->next;
        if (found->code >= STEP_ROWS && found->code <= STEP_ROWS_LONG)
            rows = found;
        else if (found->code == STEP_OUTER_ROWS)
            outer = found;
        else if (wanted->more) /* the next row may be another one */
            link = found->code == STEP_ROW_END ? &rows->next : &outer->next;
    }
    return s->step_count != known;
}

/* Steps that were of no use are taken out again. */
static void learn_undo(skeletons *s, uint32_t steps, uint32_t forms)
{
    const step *end = s->steps + steps;
    if (s->root >= end)
        s->root = NULL;
    if (s->declared >= end)
        s->declared = NULL;
    for (step *one = s->steps; one < end; one++) {
        if (one->next >= end)
            one->next = NULL;
        if (one->other >= end)
            one->other = NULL;
    }
    s->step_count = steps;
    s->form_count = forms;
}

/* ---- trying -------------------------------------------------------------------------------------- */

static bool message_same(const message *a, const message *b)
{
    return a->market == b->market && a->kind == b->kind && a->channel == b->channel &&
           a->precision == b->precision && a->first_side == b->first_side && a->runs == b->runs &&
           a->has_checksum == b->has_checksum && a->liquidation == b->liquidation && a->anew == b->anew &&
           a->rounded == b->rounded && a->keyed == b->keyed && a->checksum == b->checksum && a->window == b->window &&
           a->numbers.first == b->numbers.first && a->numbers.final == b->numbers.final &&
           a->numbers.previous == b->numbers.previous && a->numbers.numbered == b->numbers.numbered &&
           a->numbers.place == b->numbers.place && a->exchange_ns == b->exchange_ns &&
           a->sent_ns == b->sent_ns && a->count == b->count && a->first_count == b->first_count &&
           a->word == b->word && a->word_length == b->word_length;
}

/* What a frame came to. */
typedef struct reading {
    message *messages;
    level *levels;
    int64_t *ids;
    statistic *stats;
    uint32_t message_count, message_room, level_count, level_room, id_room, stat_count, stat_room;
} reading;

/* Put another reading in the place of the engine's. */
static void reading_swap(engine *e, reading *r)
{
    reading mine = {e->messages,    e->levels,     e->ids,     e->stats,      e->message_count, e->message_room,
                    e->level_count, e->level_room, e->id_room, e->stat_count, e->stat_room};
    e->stats = r->stats;
    e->stat_count = r->stat_count;
    e->stat_room = r->stat_room;
    e->messages = r->messages;
    e->levels = r->levels;
    e->ids = r->ids;
    e->id_room = r->id_room;
    e->message_count = r->message_count;
    e->message_room = r->message_room;
    e->level_count = r->level_count;
    e->level_room = r->level_room;
    *r = mine;
}

static bool stats_same(const statistic *a, const statistic *b, uint32_t count)
{
    for (; count--; a++, b++)
        if (a->field != b->field || a->exact != b->exact || memcmp(&a->cell, &b->cell, sizeof a->cell) != 0 ||
            (a->exact && (a->value.mantissa != b->value.mantissa || a->value.exponent != b->value.exponent)))
            return false;
    return true;
}

static bool reading_same(const engine *e, const reading *r)
{
    if (e->message_count != r->message_count)
        return false;
    for (uint32_t i = 0; i < e->message_count; i++) {
        const message *a = &e->messages[i], *b = &r->messages[i];
        if (a->kind == MESSAGE_STATS || b->kind == MESSAGE_STATS) {
            if (!message_same(a, b) || !stats_same(e->stats + a->levels, r->stats + b->levels, a->count))
                return false;
            continue;
        }
        if (!message_same(a, b) ||
            memcmp(e->levels + a->levels, r->levels + b->levels, a->count * sizeof(level)) != 0 ||
            (a->keyed && a->count &&
             memcmp(e->ids + a->levels, r->ids + b->levels, a->count * sizeof *e->ids) != 0))
            return false;
    }
    return true;
}

/* Does the tree make of the frame what the decoder made? */
static bool learn_tried(engine *e, const cursor *frame, bool declared)
{
    reading decoded = {0};
    cursor c;
    reading_swap(e, &decoded);
    e->skeletons.trying = true;
    cursor_start(&c, frame->begin, (size_t)(frame->end - frame->begin), &e->spare);
    cursor_padded(&c);
    bool same = ARRAY_RESERVE(e, e->messages, e->message_count, e->message_room, 1) &&
                ARRAY_RESERVE(e, e->levels, e->level_count, e->level_room, 1) &&
                ARRAY_RESERVE(e, e->stats, e->stat_count, e->stat_room, 1) &&
                (declared ? read_declared(e, &c, e->skeletons.declared)
                          : read_usual(e, &c, e->skeletons.root)) == READ_DONE &&
                reading_same(e, &decoded);
    e->skeletons.trying = false;
    reading_swap(e, &decoded);
    free(decoded.messages);
    free(decoded.levels);
    free(decoded.ids);
    free(decoded.stats);
    e->short_of = NULL;
    e->out_of_memory = false;
    return same;
}

static void learn_forget(skeletons *s)
{
    s->root = s->declared = NULL;
    s->tickers = s->tickers > TICKERS_KEPT ? s->tickers : 0;
    s->step_count = s->form_count = s->way_count = 0;
}

/* With the shape in hand. True: the next frame like this one is read by its skeleton. */
static bool learn_shape(engine *e, sketch *k, const cursor *frame)
{
    skeletons *s = &e->skeletons;
    if (!sketch_frame(e, k, frame))
        return false;
    if (s->step_count + k->count > STEPS_KEPT || s->form_count + k->rows > FORMS_KEPT) {
        learn_forget(s);
        if (k->of)
            return false; /* its ways went, too */
    }
    uint32_t steps = s->step_count, forms = s->form_count;
    if (learn_insert(s, k) && learn_tried(e, frame, k->of != NULL))
        return true;
    learn_undo(s, steps, forms);
    return false;
}

/* Where the frame has the connection's number, as its general reader has found out; NULL: it has none. False:
 * it has several. */
static bool learn_number(const engine *e, const cursor *frame, const uint8_t **at)
{
    const shaped *all = e->shaped;
    *at = NULL;
    for (uint32_t i = 0; i < all->count; i++) {
        found f;
        cursor c = *frame;
        if (all->shapes[i].kind != SHAPE_NUMBER ||
            route_of(&all->tape, e->connection, &all->shapes[i], false, false) == ROUTE_NO)
            continue;
        found_begin(&f, NULL, false);
        found_value(&all->tape, &c, all->shapes[i].node, 0, &f);
        if (c.error || !found_has(&f, ROLE_CONN))
            continue;
        if (*at)
            return false;
        *at = frame->begin + all->tape.nodes[f.node[ROLE_CONN]].at;
    }
    return true;
}

/* May steps of the usual kind read its frames? They take no note of how a number is written. */
static bool learn_usual(const engine *e, const shape *s)
{
    int number = e->checksum ? e->checksum->rule.number : NUMBER_PLAIN;
    return !shape_books(s) || (s->level && number != NUMBER_WRITTEN && number != NUMBER_DIGITS);
}

/* Of a venue that is declared by its shapes alone: by steps of the usual kind where it says so and they do; else
 * by those that its reader has more. */
static void learn_declared(engine *e, sketch *k, const cursor *frame, bool usual, bool declared)
{
    const shaped *all = e->shaped;
    if (!learn_number(e, frame, &k->conn))
        return;
    if (e->skeletons.way_count == WAYS_KEPT)
        learn_forget(&e->skeletons);
    k->kept = &e->skeletons;
    k->from_connection = e->connection;
    k->of = NULL;
    for (uint32_t i = 0; usual && e->decoder->usual && !all->numbers && i < all->count; i++) {
        k->shape = all->shapes[i];
        if (learn_usual(e, &k->shape) && learn_shape(e, k, frame))
            return;
    }
    for (uint32_t i = 0; declared && i < all->count; i++) {
        k->shape = all->shapes[i];
        k->of = &all->shapes[i];
        bool ticker = k->shape.kind == SHAPE_TICKER;
        if ((ticker && e->skeletons.tickers > TICKERS_KEPT) || !learn_shape(e, k, frame))
            continue;
        if (ticker && ++e->skeletons.tickers > TICKERS_KEPT)
            learn_forget(&e->skeletons); /* what changes is sent alone: see by_keys.h */
        return;
    }
}

/* Of a frame that was understood, and is not applied yet; by steps of which kinds it may be. */
COLD void engine_learn(engine *e, const cursor *frame, bool usual, bool declared)
{
    skeletons *s = &e->skeletons;
    size_t length = (size_t)(frame->end - frame->begin);
    if (!learn_may(s, e->receive_ns) || memchr(frame->begin, '\\', length) != NULL)
        return;
    sketch *k = (sketch *)s->sketch;
    const uint8_t *at = s->shapes, *end = at + s->shapes_length;
    k->conn = NULL;
    k->of = NULL;
    if (e->shaped)
        learn_declared(e, k, frame, usual, declared);
    else
        while (shape_next(&at, end, &k->shape) && !learn_shape(e, k, frame))
            continue;
}

#endif
