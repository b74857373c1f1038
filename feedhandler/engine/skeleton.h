/* Skeletons: what stands between the values of the frames that a venue sends, remembered.
 *
 * A frame that its decoder understood leaves steps behind: a literal that must come next, and how to read
 * the value behind it. The next frame with the same bytes between its values is read by them alone, in
 * whatever order its venue writes its keys. All skeletons of an engine are one tree: `next` leads on,
 * `other` to a step for the same place in the frame. See learn.h for how steps come to be, read.h for
 * what they do.
 */
#ifndef FEEDHANDLER_ENGINE_SKELETON_H
#define FEEDHANDLER_ENGINE_SKELETON_H

#include "roles.h"
#include "types.h"

/* Where values wait until their message is whole. Those of one row come after SLOT_ROW. */
enum slot {
    SLOT_TIME,
    SLOT_SENT,
    SLOT_ROW,
    SLOT_ROW_TIME = SLOT_ROW,
    SLOT_FIRST,
    SLOT_FINAL,
    SLOT_PREVIOUS,
    SLOT_PLACE,
    SLOT_CHECKSUM,
    SLOT_ID,
    SLOT_SIDE,
    SLOT_LEVELS, /* of the first side */
    SLOT_DROP,
    SLOT_PRICE, /* from here on: scaled, or where they begin and end */
    SLOT_SIZE,
    SLOT_BID,
    SLOT_BID_SIZE,
    SLOT_ASK,
    SLOT_ASK_SIZE,
    SLOT_WORD, /* of a status */
    SLOT_PRICE_END,
    SLOT_COUNT = SLOT_PRICE_END + 7, /* of orders */
    SLOT_CONN,
    SLOT_LIST,   /* where lists of levels begin that were passed before their instrument was known */
    SLOT_LIST_2,
    SLOT_LATEST, /* of the times of levels */
    SLOTS
};

/* The steps: X(name). Those that come in three widths, by their literal, and those of short ones only. */
#define STEPS_OF_ANY_WIDTH(X) \
    X(LITERAL) X(SYMBOL) X(SAME) X(INTEGER) X(SIGNED) X(TIME) X(STRING) X(NUMBER) X(NESTED) \
    X(PRICE) X(SIZE) X(LATER_TEXT) X(LATER_NUMBER) X(SIDE) X(ID_TEXT) X(ID_TAIL) X(ROWS)
/* The same, of venues that are declared by their frames alone. */
#define STEPS_DECLARED_OF_ANY_WIDTH(X) X(SCALAR) X(STAT) X(TOP)
#define STEPS_OF_A_WORD(X) X(LEVELS_TEXT) X(LEVELS_NUMBER) X(LEVELS_VERB) X(LEVELS_FOUR) X(ROW_END) X(END)
/* Of venues that are declared by their frames alone. */
#define STEPS_DECLARED(X) \
    X(CHANNEL) X(CLOCK) X(CONN) X(ANY_ID) X(ID_NAME) X(ANY_PRICE) X(ANY_SIZE) X(AMOUNT) X(LEVELS) X(LATER_LEVELS) \
    X(OUTER_ROWS) X(OUTER_ROW_END) X(NUMBERED_END)

enum step_code {
#define X(name) STEP_##name, STEP_##name##_TWO, STEP_##name##_LONG,
    STEPS_OF_ANY_WIDTH(X)
    STEPS_DECLARED_OF_ANY_WIDTH(X)
#undef X
#define X(name) STEP_##name,
    STEPS_OF_A_WORD(X)
    STEPS_DECLARED(X)
#undef X
    STEP_CODES
};

enum { LITERAL_BYTES = 96 }; /* longer ones are several steps */

enum emit { EMIT_BOOK, EMIT_TOP, EMIT_TRADE, EMIT_QUOTE };

/* ---- levels of any layout: see level_way.h ------------------------------------------------------ */

enum way_code {
    WAY_END,
    WAY_LITERAL,
    WAY_PRICE,
    WAY_SIZE,
    WAY_AMOUNT,
    WAY_COUNT,
    WAY_ID,
    WAY_SIDE,
    WAY_VERB,
    WAY_TIME,
    WAY_SYMBOL,
    WAY_STRING,
    WAY_NUMBER,
};

typedef struct way_step {
    uint64_t word[2], mask[2]; /* of the literal, sixteen bytes at most */
    uint8_t code, length, role, close;
} way_step;

enum { WAY_STEPS = 24, WAYS_KEPT = 32, WAY_NO_PAIRS = 255 };

typedef struct level_way {
    const struct shape *shape;
    uint64_t say[2], said_mask[2]; /* the words for the sides */
    uint8_t said[2];
    uint8_t count; /* of steps; 0: no level was seen yet */
    uint8_t pairs; /* LEVELS_TEXT or LEVELS_NUMBER: nothing but price and size */
    bool sided, by_id, removes, timed;
    way_step steps[WAY_STEPS];
} level_way;

/* What its message is besides its values: as the decoder made it. */
typedef struct form {
    message message;
    const level_way *ways[2]; /* of lists that were passed before their instrument was known */
    uint8_t emit, kind;       /* enum shape_kind */
    bool timed;   /* its number is its time */
    bool time_in; /* the row, or the frame without rows, has a time of its own */
    bool single;  /* one level, in place */
    bool latest;  /* its lists may say times */
    uint8_t tops; /* of a ticker, a bit each from ROLE_BID on: what it says of the best bid and offer */
    bool amount, counts, removes;
    bool worded; /* it has a word for a status */
    bool previous, first, place; /* it has that number */
    bool still;                  /* if its number stays what it was, it may be a whole book */
    bool follows;                /* its first is the one after its previous */
    bool later;                  /* price and size were passed before their instrument was known */
    bool id_or_place;
    bool checks; /* it has a checksum */
} form;

typedef struct step {
    const void *run; /* where its code is */
    uint8_t code;
    uint8_t length; /* of the literal */
    uint8_t slot;
    uint8_t close; /* what ends a symbol; END: times came behind the rows; CLOCK, STAT: its role */
    uint8_t lasted;  /* how long its value was the last time */
    bool more;       /* of a row, as it was sketched: another one follows */
    uint8_t said[2]; /* lengths of the words of the taker's side */
    uint64_t word[2], mask; /* the literal's first and last eight bytes */
    struct step *next, *other, *rows;
    const form *form;
    const level_way *way;
    uint64_t say[2], said_mask[2];
    uint8_t literal[LITERAL_BYTES] __attribute__((aligned(16)));
} step;

enum { STEPS_KEPT = 512, FORMS_KEPT = 128, TICKERS_KEPT = 12 };

/* `shapes`: see sketch.h; they outlive the engine. */
static inline void learn_open(engine *e, const void *shapes, size_t length)
{
    e->skeletons.shapes = (const uint8_t *)shapes;
    e->skeletons.shapes_length = length;
    e->skeletons.credit = LEARN_AT_ONCE;
}

static inline void learn_close(engine *e)
{
    free(e->skeletons.steps);
    free(e->skeletons.forms);
    free(e->skeletons.sketch);
    free(e->skeletons.ways);
    free(e->skeletons.aside);
    free(e->skeletons.aside_ids);
    memset(&e->skeletons, 0, sizeof e->skeletons);
}

#endif
