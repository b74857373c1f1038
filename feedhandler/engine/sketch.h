/* The steps that would read a frame, sketched by walking it with a shape of its venue in hand.
 *
 * A shape says which values mean something; all else of the frame becomes literals and values to pass over.
 * Nothing here is fast, and nothing is believed: see learn.h.
 */
#ifndef FEEDHANDLER_ENGINE_SKETCH_H
#define FEEDHANDLER_ENGINE_SKETCH_H

#include "read.h"
#include "shape.h"

enum { SKETCH_STEPS = 160, SKETCH_ROWS = 64 };

typedef struct sketch {
    step steps[SKETCH_STEPS];
    form forms[SKETCH_ROWS];
    uint32_t count, rows;
    shape shape;
    const uint8_t *from; /* where the literal of the next step begins */
    uint64_t frame, row; /* the roles seen, a bit each: outside of rows, in this one */
    uint64_t before;     /* the rows: those of the frame */
    bool rowed, in_row;
    bool outer, market; /* an instrument is known before the rows; here */
    bool scaled, later; /* numbers of this row are in its scale; were passed before it was known */
    bool levels;        /* those of one side were read */
    bool failed;
} sketch;

/* ---- steps --------------------------------------------------------------------------------------- */

static step *sketch_new(sketch *k, int code, const uint8_t *literal, size_t length)
{
    if (k->count == SKETCH_STEPS) {
        k->failed = true;
        return &k->steps[0];
    }
    step *s = &k->steps[k->count++];
    memset(s, 0, sizeof *s);
    int width = length <= 8 ? 0 : length <= 16 ? 1 : 2;
    s->code = (uint8_t)(code + width);
    s->length = (uint8_t)length;
    memcpy(s->literal, literal, length);
    memcpy(&s->word[0], s->literal, 8);
    if (length >= 8)
        memcpy(&s->word[1], s->literal + length - 8, 8);
    s->mask = length >= 8 ? ~(uint64_t)0 : ~(~(uint64_t)0 << (8 * length));
    return s;
}

/* A step for the value at `at`, behind all that is not read yet. It goes on from `past`. */
static step *sketch_step(sketch *k, int code, const uint8_t *at, const uint8_t *past)
{
    size_t most = code < STEP_LEVELS_TEXT ? LITERAL_BYTES : 8;
    while ((size_t)(at - k->from) > most) {
        size_t part = (size_t)(at - k->from);
        part = part > LITERAL_BYTES ? LITERAL_BYTES : part - (most == 8 ? 8 : 0);
        sketch_new(k, STEP_LITERAL, k->from, part);
        k->from += part;
    }
    step *s = sketch_new(k, code, k->from, (size_t)(at - k->from));
    k->from = past;
    return s;
}

/* ---- values -------------------------------------------------------------------------------------- */

static bool sketch_saw(sketch *k, int role)
{
    uint64_t bit = (uint64_t)1 << role, *seen = k->in_row ? &k->row : &k->frame;
    bool again = ((k->frame | k->row) & bit) != 0;
    *seen |= bit;
    return again;
}

static void sketch_symbol(sketch *k, const uint8_t *at, const uint8_t *past, uint8_t close)
{
    sketch_saw(k, ROLE_SYMBOL);
    bool same = k->market && (k->scaled || !k->in_row); /* numbers were read for it already */
    step *s = sketch_step(k, same ? STEP_SAME : STEP_SYMBOL, at, past);
    s->close = close;
    k->market = true;
}

static void sketch_integer(sketch *k, int role, const uint8_t *at, const uint8_t *past)
{
    static const uint8_t slots[ROLES] = {
        [ROLE_FIRST] = SLOT_FIRST,       [ROLE_FINAL] = SLOT_FINAL,
        [ROLE_PREVIOUS] = SLOT_PREVIOUS, [ROLE_PREVIOUS_SIGNED] = SLOT_PREVIOUS,
        [ROLE_PLACE] = SLOT_PLACE,       [ROLE_CHECKSUM] = SLOT_CHECKSUM,
        [ROLE_TIME_MS] = SLOT_TIME,      [ROLE_SENT_MS] = SLOT_SENT,
        [ROLE_ID] = SLOT_ID,             [ROLE_ID_OR_PLACE] = SLOT_ID,
        [ROLE_ID_TAIL] = SLOT_ID,
    };
    int code = role == ROLE_TIME_MS || role == ROLE_SENT_MS             ? STEP_TIME
               : role == ROLE_PREVIOUS_SIGNED || role == ROLE_CHECKSUM ? STEP_SIGNED
               : role == ROLE_ID_OR_PLACE                              ? STEP_ID_TEXT
               : role == ROLE_ID_TAIL                                  ? STEP_ID_TAIL
                                                                       : STEP_INTEGER;
    k->failed |= sketch_saw(k, role);
    step *s = sketch_step(k, code, at, past);
    s->slot = role == ROLE_TIME_MS && k->in_row ? SLOT_ROW_TIME : slots[role];
}

static void sketch_number(sketch *k, int role, const uint8_t *at, const uint8_t *past, bool quoted)
{
    static const uint8_t slots[ROLES] = {
        [ROLE_PRICE] = SLOT_PRICE, [ROLE_SIZE] = SLOT_SIZE, [ROLE_BID] = SLOT_BID,
        [ROLE_BID_SIZE] = SLOT_BID_SIZE, [ROLE_ASK] = SLOT_ASK, [ROLE_ASK_SIZE] = SLOT_ASK_SIZE,
    };
    bool size = role == ROLE_SIZE || role == ROLE_BID_SIZE || role == ROLE_ASK_SIZE;
    k->failed |= sketch_saw(k, role);
    int code = size ? STEP_SIZE : STEP_PRICE;
    if (!k->market || k->later) {
        code = quoted ? STEP_LATER_TEXT : STEP_LATER_NUMBER;
        k->later = true;
        k->failed |= role != ROLE_PRICE && role != ROLE_SIZE;
    } else {
        k->scaled = true;
    }
    sketch_step(k, code, at, past)->slot = slots[role];
}

static void sketch_side(sketch *k, const uint8_t *at, const uint8_t *past)
{
    int found = -1;
    for (int side = 0; side < 2; side++) {
        const uint8_t *word = k->shape.words[side];
        if (*word == past - at && memcmp(word + 1, at, *word) == 0)
            found = side;
    }
    k->failed |= found < 0 || sketch_saw(k, ROLE_TAKER);
    step *s = sketch_step(k, STEP_SIDE, at, past);
    for (int side = 0; side < 2; side++) {
        const uint8_t *word = k->shape.words[side];
        s->said[side] = *word;
        memcpy(&s->say[side], word + 1, *word);
        s->said_mask[side] = ~(~(uint64_t)0 << (8 * *word));
    }
}

static void sketch_levels(sketch *k, int role, cursor *c)
{
    const uint8_t *at = c->at;
    k->failed |= sketch_saw(k, role) || !k->market || *at != '[' || k->shape.layout == SHAPE_NO_LAYOUT;
    cursor_skip(c);
    if (k->failed)
        return;
    step *s = sketch_step(k, STEP_LEVELS_TEXT + k->shape.layout, at, c->at);
    s->slot = k->levels ? SLOT_DROP : SLOT_LEVELS;
    k->levels = k->scaled = true;
}

/* A value that nobody needs, or one of a few words. */
static void sketch_passed(sketch *k, bool word, cursor *c)
{
    const uint8_t *at = c->at;
    cursor_skip(c);
    if (word)
        k->failed |= *at == '{' || *at == '[';
    else if (*at == '"')
        sketch_step(k, STEP_STRING, at + 1, c->at - 1);
    else if (*at == '-' || (uint8_t)(*at - '0') < 10)
        sketch_step(k, STEP_NUMBER, at, c->at);
    else if (*at == '{' || *at == '[')
        sketch_step(k, STEP_NESTED, at, c->at);
}

static void sketch_hole(sketch *k, int role, cursor *c)
{
    const uint8_t *at = c->at;
    if (role > ROLE_ASKS) { /* none of those that steps read */
        k->failed = true;
        return;
    }
    if (role <= ROLE_NEVER) {
        k->failed |= role == ROLE_NEVER;
        sketch_passed(k, role == ROLE_WORD, c);
        return;
    }
    if (role == ROLE_BIDS || role == ROLE_ASKS) {
        sketch_levels(k, role, c);
        return;
    }
    cursor_skip(c);
    bool quoted = *at == '"';
    const uint8_t *begin = at + quoted, *past = c->at - quoted;
    if (!quoted && role != ROLE_TAKER && *at != '-' && (uint8_t)(*at - '0') > 9)
        k->failed = true; /* null where a value is due: only its decoder knows */
    else if (role == ROLE_SYMBOL || role == ROLE_ID_OR_PLACE || role == ROLE_ID_TAIL)
        k->failed |= !quoted;
    if (role == ROLE_SYMBOL)
        sketch_symbol(k, begin, past, '"');
    else if (role == ROLE_TAKER)
        sketch_side(k, begin, past);
    else if (role >= ROLE_PRICE)
        sketch_number(k, role, begin, past, quoted);
    else
        sketch_integer(k, role, begin, past);
}

/* A string with holes in it. */
static void sketch_text(sketch *k, const uint8_t *node, cursor *c)
{
    const uint8_t *at = c->at + 1;
    bool quoted = *c->at == '"';
    cursor_skip(c);
    if (!quoted) {
        k->failed = true;
        return;
    }
    const uint8_t *end = c->at - 1;
    int parts = *node++;
    for (; parts-- && !k->failed; ) {
        if (*node == 0) { /* the very bytes */
            size_t length = node[1];
            k->failed |= (size_t)(end - at) < length || memcmp(at, node + 2, length) != 0;
            at += length;
            node += 2 + length;
            continue;
        }
        int role = node[1];
        uint8_t close = node[2];
        const uint8_t *past = (const uint8_t *)memchr(at, close, (size_t)(end + 1 - at));
        node += 3;
        if (past == NULL || past == at || (role != ROLE_SKIP && role != ROLE_WORD && role != ROLE_SYMBOL)) {
            k->failed = true;
        } else if (role == ROLE_SYMBOL) {
            sketch_symbol(k, at, past, close);
        } else if (role == ROLE_WORD) {
            k->failed |= memchr(at, '.', (size_t)(past - at)) != NULL;
        } else if (close == '"') {
            sketch_step(k, STEP_STRING, at, past);
        } else {
            k->failed = true;
        }
        at = past;
    }
    k->failed |= at != end;
}

#endif
