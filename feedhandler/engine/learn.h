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
    skeleton_read(NULL, NULL, NULL);
    s->steps = (step *)aligned_alloc(_Alignof(step), STEPS_KEPT * sizeof *s->steps);
    s->forms = (form *)calloc(FORMS_KEPT, sizeof *s->forms);
    s->sketch = malloc(sizeof(sketch));
    if (s->steps && s->forms && s->sketch)
        return true;
    free(s->steps);
    free(s->forms);
    free(s->sketch);
    s->steps = NULL;
    s->forms = NULL;
    s->sketch = NULL;
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
           (a->form == NULL) == (b->form == NULL) && memcmp(a->literal, b->literal, a->length) == 0 &&
           memcmp(a->say, b->say, sizeof a->say) == 0;
}

/* The steps into the tree, where it has not got them. False: it has them all. */
static bool learn_insert(skeletons *s, const sketch *k)
{
    uint32_t known = s->step_count, row = 0;
    step **link = &s->root, *rows = NULL;
    for (uint32_t i = 0; i < k->count; i++) {
        const step *wanted = &k->steps[i];
        while (*link != NULL && !step_same(*link, wanted))
            link = &(*link)->other;
        if (*link == NULL) {
            step *added = *link = &s->steps[s->step_count++];
            *added = *wanted;
            added->run = step_runs[added->code];
            added->rows = rows;
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
        else if (found->code == STEP_ROW_END && ++row < k->rows)
            link = &rows->next; /* the next row may be another one */
    }
    return s->step_count != known;
}

/* Steps that were of no use are taken out again. */
static void learn_undo(skeletons *s, uint32_t steps, uint32_t forms)
{
    const step *end = s->steps + steps;
    if (s->root >= end)
        s->root = NULL;
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
           a->rounded == b->rounded && a->checksum == b->checksum && a->window == b->window &&
           a->numbers.first == b->numbers.first && a->numbers.final == b->numbers.final &&
           a->numbers.previous == b->numbers.previous && a->numbers.numbered == b->numbers.numbered &&
           a->numbers.place == b->numbers.place && a->exchange_ns == b->exchange_ns &&
           a->sent_ns == b->sent_ns && a->count == b->count && a->first_count == b->first_count;
}

/* What a frame came to. */
typedef struct reading {
    message *messages;
    level *levels;
    uint32_t message_count, message_room, level_count, level_room;
} reading;

/* Put another reading in the place of the engine's. */
static void reading_swap(engine *e, reading *r)
{
    reading mine = {e->messages, e->levels, e->message_count, e->message_room, e->level_count, e->level_room};
    e->messages = r->messages;
    e->levels = r->levels;
    e->message_count = r->message_count;
    e->message_room = r->message_room;
    e->level_count = r->level_count;
    e->level_room = r->level_room;
    *r = mine;
}

static bool reading_same(const engine *e, const reading *r)
{
    if (e->message_count != r->message_count)
        return false;
    for (uint32_t i = 0; i < e->message_count; i++) {
        const message *a = &e->messages[i], *b = &r->messages[i];
        if (!message_same(a, b) ||
            memcmp(e->levels + a->levels, r->levels + b->levels, a->count * sizeof(level)) != 0)
            return false;
    }
    return true;
}

/* Does the tree make of the frame what the decoder made? */
static bool learn_tried(engine *e, const cursor *frame)
{
    reading decoded = {0};
    cursor c;
    reading_swap(e, &decoded);
    cursor_start(&c, frame->begin, (size_t)(frame->end - frame->begin), &e->spare);
    cursor_padded(&c);
    bool same = ARRAY_RESERVE(e, e->messages, e->message_count, e->message_room, 1) &&
                ARRAY_RESERVE(e, e->levels, e->level_count, e->level_room, 1) &&
                skeleton_read(e, &c, e->skeletons.root) == READ_DONE && reading_same(e, &decoded);
    reading_swap(e, &decoded);
    free(decoded.messages);
    free(decoded.levels);
    e->short_of = NULL;
    e->out_of_memory = false;
    return same;
}

static void learn_forget(skeletons *s)
{
    s->root = NULL;
    s->step_count = s->form_count = 0;
}

/* Of a frame that was understood, and is not applied yet. */
COLD void engine_learn(engine *e, const cursor *frame)
{
    skeletons *s = &e->skeletons;
    size_t length = (size_t)(frame->end - frame->begin);
    if (!learn_may(s, e->receive_ns) || memchr(frame->begin, '\\', length) != NULL)
        return;
    sketch *k = (sketch *)s->sketch;
    const uint8_t *at = s->shapes, *end = at + s->shapes_length;
    while (shape_next(&at, end, &k->shape)) {
        if (!sketch_frame(e, k, frame))
            continue;
        if (s->step_count + k->count > STEPS_KEPT || s->form_count + k->rows > FORMS_KEPT)
            learn_forget(s);
        uint32_t steps = s->step_count, forms = s->form_count;
        if (learn_insert(s, k) && learn_tried(e, frame))
            return;
        learn_undo(s, steps, forms);
    }
}

#endif
