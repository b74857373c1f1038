/* The steps that would read a frame, sketched by walking it with a shape of its venue in hand.
 *
 * A shape says which values mean something; all else of the frame becomes literals and values to pass over.
 * Nothing here is fast, and nothing is believed: see learn.h.
 */
#ifndef FEEDHANDLER_ENGINE_SKETCH_H
#define FEEDHANDLER_ENGINE_SKETCH_H

#include "read.h"
#include "way_sketch.h"

enum { SKETCH_STEPS = 160, SKETCH_ROWS = 64 };

typedef struct sketch {
    step steps[SKETCH_STEPS];
    form forms[SKETCH_ROWS];
    uint32_t count, rows;
    uint32_t taken; /* of the frame's messages */
    shape shape;
    const struct shape *of;  /* of a venue that is declared by its shapes: the same, kept; else NULL */
    skeletons *kept;
    const connection *from_connection;
    const uint8_t *conn;     /* the connection's number; NULL: the frame has none */
    bool numbered;           /* it was met */
    uint32_t depth;          /* of rows within rows */
    uint32_t nested;         /* objects that it is in */
    const level_way *ways[2]; /* of lists that were passed before the instrument was known */
    uint32_t later_lists, lists;
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
    int width = code >= STEP_LEVELS_TEXT || length <= 8 ? 0 : length <= 16 ? 1 : 2;
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
    size_t most = code < STEP_LEVELS_TEXT ? LITERAL_BYTES : 8; /* of others: see STEPS_OF_A_WORD */
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

/* A time in any unit. When it was sent belongs to all rows, or has to be in each (meaning.py). */
static void sketch_clock(sketch *k, int role, const uint8_t *at, const uint8_t *past, bool sent)
{
    bool plain = true;
    for (const uint8_t *p = at; p < past; p++)
        plain &= (uint8_t)(*p - '0') < 10;
    bool usual = plain && (role == ROLE_TIME_MS || role == ROLE_SENT_MS);
    k->failed |= sketch_saw(k, role) || (k->in_row && k->depth == 1);
    step *s = sketch_step(k, usual ? STEP_TIME : STEP_CLOCK, at, past);
    s->slot = sent ? SLOT_SENT : k->in_row ? SLOT_ROW_TIME : SLOT_TIME;
    if (!usual)
        s->close = (uint8_t)role;
}

static void sketch_integer(sketch *k, int role, const uint8_t *at, const uint8_t *past)
{
    static const uint8_t slots[ROLES] = {
        [ROLE_FIRST] = SLOT_FIRST,       [ROLE_FINAL] = SLOT_FINAL,
        [ROLE_PREVIOUS] = SLOT_PREVIOUS, [ROLE_PREVIOUS_SIGNED] = SLOT_PREVIOUS,
        [ROLE_PLACE] = SLOT_PLACE,       [ROLE_CHECKSUM] = SLOT_CHECKSUM,
        [ROLE_TIME_MS] = SLOT_TIME,      [ROLE_SENT_MS] = SLOT_SENT,
        [ROLE_ID] = SLOT_ID,             [ROLE_ID_OR_PLACE] = SLOT_ID,
        [ROLE_ID_TAIL] = SLOT_ID,        [ROLE_ID_NAME] = SLOT_ID,
        [ROLE_COUNT] = SLOT_COUNT,
    };
    bool sent = role == ROLE_SENT_MS || (role >= ROLE_SENT_S && role <= ROLE_SENT_ISO);
    bool time = role == ROLE_TIME_MS || (role >= ROLE_TIME_S && role <= ROLE_TIME_ISO);
    if (k->of && (time || sent)) {
        sketch_clock(k, role, at, past, sent);
        return;
    }
    int code = role == ROLE_TIME_MS || role == ROLE_SENT_MS             ? STEP_TIME
               : role == ROLE_PREVIOUS_SIGNED || role == ROLE_CHECKSUM ? STEP_SIGNED
               : role == ROLE_ID_OR_PLACE                              ? STEP_ID_TEXT
               : role == ROLE_ID_TAIL                                  ? STEP_ID_TAIL
               : role == ROLE_ID_NAME                                  ? STEP_ID_NAME
               : role == ROLE_ID && k->of                              ? STEP_ANY_ID
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
        [ROLE_AMOUNT] = SLOT_SIZE,
    };
    bool single = k->of && shape_books(k->of);
    bool size = role == ROLE_SIZE || role == ROLE_BID_SIZE || role == ROLE_ASK_SIZE;
    k->failed |= sketch_saw(k, role);
    int code = role == ROLE_AMOUNT     ? STEP_AMOUNT
               : k->of                 ? size ? STEP_ANY_SIZE : STEP_ANY_PRICE
               : size                  ? STEP_SIZE
                                       : STEP_PRICE;
    if (!k->market || k->later) {
        code = quoted ? STEP_LATER_TEXT : STEP_LATER_NUMBER;
        k->later = true;
        k->failed |= single || (!k->of && role != ROLE_PRICE && role != ROLE_SIZE);
    } else {
        k->scaled = true;
    }
    sketch_step(k, code, at, past)->slot = slots[role];
}

/* `words`: of a taker's sides, or of a level's. */
static void sketch_side(sketch *k, int role, const uint8_t *const words[2], const uint8_t *at,
                        const uint8_t *past)
{
    int found = -1;
    for (int side = 0; side < 2; side++) {
        const uint8_t *word = words[side];
        if (*word == past - at && memcmp(word + 1, at, *word) == 0)
            found = side;
    }
    k->failed |= found < 0 || sketch_saw(k, role);
    step *s = sketch_step(k, STEP_SIDE, at, past);
    for (int side = 0; side < 2; side++) {
        const uint8_t *word = words[side];
        s->said[side] = *word;
        memcpy(&s->say[side], word + 1, *word);
        s->said_mask[side] = ~(~(uint64_t)0 << (8 * *word));
    }
}

/* Levels of any layout. */
static void sketch_list_of_levels(sketch *k, int role, cursor *c)
{
    const uint8_t *at = c->at;
    bool known = k->market || shape_has(k->of->level, ROLE_SYMBOL);
    const level_way *way = *at == '[' ? way_of(k->kept, k->of, c) : NULL;
    k->failed |= way == NULL || sketch_saw(k, role) || k->lists == 2 || (k->lists && known == !!k->later_lists);
    cursor_skip(c);
    if (k->failed)
        return;
    step *s = sketch_step(k, known ? STEP_LEVELS : STEP_LATER_LEVELS, at, c->at);
    s->way = way;
    s->slot = (uint8_t)(!known ? SLOT_LIST + k->lists : k->lists ? SLOT_DROP : SLOT_LEVELS);
    if (!known)
        k->ways[k->later_lists++] = way;
    k->lists++;
    k->levels = true;
    k->market |= known;
    k->scaled |= known;
}

static void sketch_levels(sketch *k, int role, cursor *c)
{
    if (k->of) {
        sketch_list_of_levels(k, role, c);
        return;
    }
    const uint8_t *at = c->at;
    k->failed |= sketch_saw(k, role) || !k->market || *at != '[' || k->shape.layout == SHAPE_NO_LAYOUT;
    cursor_skip(c);
    if (k->failed)
        return;
    step *s = sketch_step(k, STEP_LEVELS_TEXT + k->shape.layout, at, c->at);
    s->slot = k->levels ? SLOT_DROP : SLOT_LEVELS;
    k->levels = k->scaled = true;
}

/* An instrument by the number of its channel, as long as that is for the same. */
static void sketch_channel(sketch *k, const uint8_t *at, const uint8_t *past)
{
    text said = {at, (uint32_t)(past - at), TEXT_STRING, false};
    int64_t channel = 0;
    const bound *b = text_integer(&said, &channel) ? channel_find(k->from_connection, channel) : NULL;
    k->failed |= b == NULL || k->market;
    if (b == NULL)
        return;
    step *s = sketch_step(k, STEP_CHANNEL, at, past);
    memcpy(s->say, b->word, sizeof s->say);
    k->market = true;
}

/* A value that nobody needs, or one of a few words. */
static void sketch_passed(sketch *k, bool word, cursor *c)
{
    const uint8_t *at = c->at;
    cursor_skip(c);
    /* null, too: it may be a number in the next one. A string is as in other frames, which may begin alike, and
     * so is a number that stands among the frame's own keys. */
    bool plain = *at == '"' || (k->nested < 2 && (*at == '-' || (uint8_t)(*at - '0') < 10));
    if (k->of && k->of->kind == SHAPE_TICKER && !word && *at != '{' && *at != '[' && !plain) {
        sketch_step(k, STEP_SCALAR, at, c->at);
        return;
    }
    if (k->conn && at + (*at == '"') == k->conn) {
        k->numbered = true;
        sketch_step(k, STEP_CONN, k->conn, c->at - (*at == '"'));
    } else if (word)
        k->failed |= *at == '{' || *at == '[';
    else if (*at == '"')
        sketch_step(k, STEP_STRING, at + 1, c->at - 1);
    else if (*at == '-' || (uint8_t)(*at - '0') < 10)
        sketch_step(k, STEP_NUMBER, at, c->at);
    else if (*at == '{' || *at == '[')
        sketch_step(k, STEP_NESTED, at, c->at);
}

/* A statistic, or a part of the best bid and offer beside them: whatever it is, a number or none. */
static void sketch_ticker(sketch *k, int role, const uint8_t *at, const uint8_t *past)
{
    bool stat = role >= ROLE_STAT;
    k->failed |= *at == '{' || *at == '[' || (!stat && sketch_saw(k, role));
    step *s = sketch_step(k, stat ? STEP_STAT : STEP_TOP, at, past);
    if (stat)
        s->close = (uint8_t)role;
    else
        s->slot = (uint8_t)(role == ROLE_STATUS ? SLOT_WORD : SLOT_BID + role - ROLE_BID);
}

static void sketch_hole(sketch *k, int role, cursor *c)
{
    const uint8_t *at = c->at;
    bool declared = role == ROLE_CHANNEL || role == ROLE_AMOUNT || role == ROLE_COUNT || role == ROLE_SIDE ||
                    role == ROLE_ID_NAME || (role >= ROLE_TIME_S && role <= ROLE_SENT_ISO);
    if (role == ROLE_DIGITS || role == ROLE_WINDOW || role == ROLE_FORCED || role == ROLE_SORT)
        role = ROLE_WORD; /* what it says is in the decoder's message */
    if (k->of && k->of->kind == SHAPE_TICKER && (hole_tells_role(role) || role == ROLE_STATUS)) {
        cursor_skip(c);
        sketch_ticker(k, role, at, c->at);
        return;
    }
    if (role > ROLE_ASKS && role != ROLE_LEVELS && !(k->of && declared)) { /* none of those that steps read */
        k->failed = true;
        return;
    }
    if (role <= ROLE_NEVER) {
        k->failed |= role == ROLE_NEVER;
        sketch_passed(k, role == ROLE_WORD, c);
        return;
    }
    if (role == ROLE_BIDS || role == ROLE_ASKS || role == ROLE_LEVELS) {
        sketch_levels(k, role, c);
        return;
    }
    cursor_skip(c);
    bool quoted = *at == '"';
    const uint8_t *begin = at + quoted, *past = c->at - quoted;
    if (!quoted && role != ROLE_TAKER && role != ROLE_SIDE && *at != '-' && (uint8_t)(*at - '0') > 9)
        k->failed = true; /* null where a value is due: only its decoder knows */
    else if (role == ROLE_SYMBOL || role == ROLE_ID_OR_PLACE || role == ROLE_ID_TAIL ||
             role == ROLE_ID_NAME)
        k->failed |= !quoted;
    if (role == ROLE_SYMBOL)
        sketch_symbol(k, begin, past, '"');
    else if (role == ROLE_TAKER)
        sketch_side(k, role, k->shape.words, begin, past);
    else if (role == ROLE_SIDE)
        sketch_side(k, role, k->shape.sides, begin, past);
    else if (role == ROLE_CHANNEL)
        sketch_channel(k, begin, past);
    else if ((role >= ROLE_PRICE && role <= ROLE_ASK_SIZE) || role == ROLE_AMOUNT)
        sketch_number(k, role, begin, past, quoted);
    else
        sketch_integer(k, role, begin, past);
}

/* What a string says of a level: "price,side,size". */
static void sketch_of_level(sketch *k, int role, const uint8_t *at, const uint8_t *past)
{
    if (role == ROLE_SIDE) {
        sketch_side(k, role, k->shape.sides, at, past);
        return;
    }
    k->failed |= !k->market || k->later || (uint8_t)(*at - '0') > 9;
    if (!k->failed)
        sketch_number(k, role, at, past, true);
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
    bool named = false;
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
        bool of_level = role == ROLE_PRICE || role == ROLE_SIZE || role == ROLE_SIDE;
        if (past == NULL || past == at ||
            (role != ROLE_SKIP && role != ROLE_WORD && role != ROLE_SYMBOL && role != ROLE_DIGITS &&
             role != ROLE_WINDOW && !of_level)) {
            k->failed = true;
        } else if (of_level) {
            sketch_of_level(k, role, at, past);
        } else if (role == ROLE_SYMBOL) {
            sketch_symbol(k, at, past, close);
            named = true;
        } else if (role == ROLE_WORD) {
            k->failed |= memchr(at, '.', (size_t)(past - at)) != NULL;
        } else if (role == ROLE_DIGITS || role == ROLE_WINDOW) {
            k->failed |= !digits_only(at, (size_t)(past - at)) || (role == ROLE_WINDOW && past - at == 1 && *at < '2');
        } else if (close == '"' && !named) { /* else it may be the rest of a symbol */
            sketch_step(k, STEP_STRING, at, past);
        } else {
            k->failed = true;
        }
        at = past;
    }
    k->failed |= at != end;
}

#endif
