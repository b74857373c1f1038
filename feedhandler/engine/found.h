/* What stands in the holes of a shape, found in a document: by role, with what surrounds its rows. */
#ifndef FEEDHANDLER_ENGINE_FOUND_H
#define FEEDHANDLER_ENGINE_FOUND_H

#include "shape.h"
#include "tape.h"
#include "text_cuts.h"

enum { FOUND_STATS = 32 };

typedef struct found {
    uint64_t has; /* a bit for each role */
    text text[ROLES];
    uint32_t node[ROLES]; /* where it is on the tape */
    uint32_t stats;
    struct {
        uint8_t role;
        text text;
    } stat[FOUND_STATS];
    const uint8_t *row; /* the shape of its rows; NULL: it has none */
    uint32_t rows;      /* they themselves */
    bool keyed;         /* they stand under their symbols */
    bool loose;         /* a level: more may stand behind what is in it */
    bool nulls;         /* of a quote: null is a side without anybody */
    bool lenient;       /* words may be others, keys may be missing: they are counted, and where the last one is */
    bool differs;       /* a word is another one: what is odd is not just missing */
    uint32_t words, odd_words, odd_at;
    const struct found *outer; /* what the list of these rows is in */
} found;

static inline void found_begin(found *f, const found *outer, bool nulls)
{
    f->has = 0;
    f->stats = 0;
    f->row = NULL;
    f->keyed = false;
    f->loose = false;
    f->nulls = nulls;
    f->lenient = f->differs = false;
    f->words = f->odd_words = 0;
    f->outer = outer;
}

static inline bool found_has(const found *f, int role) { return f->has >> role & 1; }

/* Here, or in what surrounds these rows; NULL: it did not come. */
static inline const text *found_text(const found *f, int role)
{
    for (; f; f = f->outer)
        if (found_has(f, role))
            return &f->text[role];
    return NULL;
}

/* ---- words ---------------------------------------------------------------------------------------- */

static inline bool word_is(const uint8_t *word, const text *t)
{
    return *word == t->length && memcmp(word + 1, t->at, t->length) == 0;
}

static bool word_among(const uint8_t *words, const text *t)
{
    const uint8_t *at = words + 1;
    for (int count = *words; count--; at += 1 + *at)
        if (word_is(at, t))
            return true;
    return false;
}

/* Which of two words it is; below 0: none. Numbers and true are words, too. */
static inline int word_which(const uint8_t *const words[2], const text *t)
{
    return word_is(words[0], t) ? 0 : word_is(words[1], t) ? 1 : -1;
}

static inline bool text_same(const text *a, const text *b)
{
    return a->type == b->type && a->length == b->length && memcmp(a->at, b->at, a->length) == 0;
}

/* ---- strings with holes --------------------------------------------------------------------------- */

static bool found_put(found *f, int role, const text *t, uint32_t i);

/* `node`: behind what it is. `near`: see text_cuts. */
static bool text_like(const uint8_t *node, const text *t, bool near)
{
    text_cuts k;
    cuts_make(&k, node, t, near);
    return k.fits || k.doubt;
}

/* The same, with what is in its holes. False: it is no such string, or it is not known what is in them. */
static bool text_fits(const uint8_t *node, const text *t, found *f, uint32_t i)
{
    text_cuts k;
    cuts_make(&k, node, t, false);
    if (!k.fits || k.doubt)
        return false;
    const uint8_t *part = node + 1, *at = k.begin;
    for (int which = 0; which < *node; at = k.found[which++]) {
        text inside = {at, (uint32_t)(k.found[which] - at), TEXT_STRING, false};
        if (*part != 0 && !found_put(f, part[1], &inside, i))
            return false;
        part += *part == 0 ? 2 + part[1] : 3;
    }
    return true;
}

/* ---- literals ------------------------------------------------------------------------------------- */

/* `node`: behind what it is. */
static bool literal_fits(const uint8_t *node, const tape *t, uint32_t i)
{
    text said = tape_text(t, i);
    bool string = node[1] == '"';
    if (tape_nested(t, i) || (said.type == TEXT_STRING) != string)
        return false;
    size_t around = string ? 1 : 0, length = *node - 2 * around;
    return said.length == length && memcmp(said.at, node + 1 + around, length) == 0;
}

/* ---- holes ---------------------------------------------------------------------------------------- */

/* False: it is another instrument than this frame named before. */
static bool found_put(found *f, int role, const text *t, uint32_t i)
{
    if (role >= ROLE_STAT) {
        if (f->stats < FOUND_STATS) {
            f->stat[f->stats].role = (uint8_t)role;
            f->stat[f->stats++].text = *t;
        }
        return true;
    }
    if (role == ROLE_SKIP || role == ROLE_WORD || role == ROLE_DIGITS || role == ROLE_NEVER)
        return true;
    if (role == ROLE_SYMBOL && found_has(f, role) && !text_same(&f->text[role], t))
        return false;
    f->has |= (uint64_t)1 << role;
    f->text[role] = *t;
    f->node[role] = i;
    return true;
}

static void found_hole(const tape *t, cursor *c, int role, uint32_t i, found *f)
{
    bool list = role == ROLE_BIDS || role == ROLE_ASKS || role == ROLE_LEVELS;
    text said = tape_text(t, i);
    if (role != ROLE_SKIP && (list ? t->nodes[i].type != NODE_ARRAY : tape_nested(t, i)))
        tape_fail(t, c, WIRE_TYPE, i);
    else if ((role == ROLE_SYMBOL || role == ROLE_INDEX_NAME) && (said.type != TEXT_STRING || said.length == 0))
        tape_fail(t, c, WIRE_TYPE, i);
    else if (!found_put(f, role, &said, i))
        tape_fail(t, c, WIRE_RANGE, i);
}

/* null in the place of an object: of all that it would say, nothing is there. */
static void found_nulls(const uint8_t *node, const text *null, uint32_t i, found *f)
{
    int count = node[1];
    const uint8_t *at = node + 2;
    while (count--) {
        shape_key key = shape_key_next(&at);
        if (*key.node == SHAPE_HOLE)
            found_put(f, key.node[1], null, i);
        else if (*key.node == SHAPE_OBJECT)
            found_nulls(key.node, null, i, f);
    }
}

/* Of these, null is something else than nothing: there is none, and not: it is as it was. */
static inline bool hole_tells_role(int role)
{
    return role >= ROLE_STAT || (role >= ROLE_BID && role <= ROLE_ASK_SIZE);
}

static inline bool hole_tells(const uint8_t *node)
{
    return *node == SHAPE_HOLE && hole_tells_role(node[1]);
}

static void found_value(const tape *t, cursor *c, const uint8_t *node, uint32_t i, found *f);

static void found_object(const tape *t, cursor *c, const uint8_t *node, uint32_t i, found *f)
{
    if (t->nodes[i].type == TEXT_NULL && f->nulls) {
        text null = tape_text(t, i);
        found_nulls(node, &null, i, f);
        return;
    }
    if (t->nodes[i].type != NODE_OBJECT && f->lenient) {
        f->odd_words++;
        f->odd_at = i;
        return;
    }
    if (t->nodes[i].type != NODE_OBJECT) {
        tape_fail(t, c, WIRE_TYPE, i);
        return;
    }
    uint64_t seen = 0;
    for (uint32_t at = tape_first(i); tape_in(t, i, at) && !c->error; at = t->nodes[at + 1].next) {
        text name = tape_text(t, at), said = tape_text(t, at + 1);
        const uint8_t *keys = node + 2;
        for (int which = 0; which < node[1]; which++) {
            shape_key key = shape_key_next(&keys);
            if (key.length != name.length || memcmp(key.name, name.at, name.length) != 0)
                continue;
            if (seen >> which & 1) /* which of them is meant? */
                tape_fail(t, c, WIRE_UNEXPECTED, at);
            seen |= (uint64_t)1 << which;
            if (!(key.flags & KEY_OPTIONAL && text_empty(&said)) || hole_tells(key.node))
                found_value(t, c, key.node, at + 1, f);
            break;
        }
    }
    const uint8_t *keys = node + 2;
    for (int which = 0; which < node[1]; which++) {
        shape_key key = shape_key_next(&keys);
        bool never = *key.node == SHAPE_HOLE && key.node[1] == ROLE_NEVER;
        bool came = seen >> which & 1;
        if (!never && !came && !(key.flags & KEY_OPTIONAL) && f->lenient) {
            f->odd_words++;
            f->odd_at = i;
        } else if (never ? came : !came && !(key.flags & KEY_OPTIONAL)) {
            tape_missing(t, c, i);
        }
    }
}

static void found_list(const tape *t, cursor *c, const uint8_t *node, uint32_t i, found *f)
{
    int front = node[1], behind = node[2];
    bool gap = node[3] || f->loose;
    uint32_t count = 0;
    if (t->nodes[i].type != NODE_ARRAY) {
        tape_fail(t, c, WIRE_TYPE, i);
        return;
    }
    for (uint32_t at = tape_first(i); tape_in(t, i, at); at = t->nodes[at].next)
        count++;
    if (count < (uint32_t)(front + behind)) {
        tape_missing(t, c, i);
        return;
    }
    if (!gap && count > (uint32_t)(front + behind)) {
        tape_fail(t, c, WIRE_RANGE, i);
        return;
    }
    const uint8_t *inner = node + 4;
    uint32_t at = tape_first(i);
    for (uint32_t which = 0; which < count && !c->error; which++, at = t->nodes[at].next) {
        if (which >= (uint32_t)front && which < count - (uint32_t)behind)
            continue;
        found_value(t, c, inner + 2, at, f);
        inner += 2 + shape_short(inner);
    }
}

/* What is in a value of this shape. An error names the place; rows are left for later. */
static void found_value(const tape *t, cursor *c, const uint8_t *node, uint32_t i, found *f)
{
    text said;
    switch (*node) {
    case SHAPE_OBJECT: found_object(t, c, node, i, f); return;
    case SHAPE_LIST: found_list(t, c, node, i, f); return;
    case SHAPE_HOLE: found_hole(t, c, node[1], i, f); return;
    case SHAPE_ROWS:
    case SHAPE_KEYED:
        f->keyed = *node == SHAPE_KEYED;
        if (t->nodes[i].type != (f->keyed ? NODE_OBJECT : NODE_ARRAY))
            tape_fail(t, c, WIRE_TYPE, i);
        f->row = node + 1;
        f->rows = i;
        return;
    case SHAPE_TEXT:
        said = tape_text(t, i);
        f->words++;
        if (!text_fits(node + 1, &said, f, i))
            tape_fail(t, c, said.type == TEXT_STRING ? WIRE_RANGE : WIRE_TYPE, i);
        return;
    default:
        if (literal_fits(node + 1, t, i)) {
            f->words++;
        } else if (f->lenient) {
            f->differs = true;
            f->odd_words++;
            f->odd_at = i;
        } else {
            tape_fail(t, c, WIRE_RANGE, i);
        }
    }
}

#endif
