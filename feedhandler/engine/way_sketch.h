/* The way of a level that came, for the next ones that are written like it: see level_way.h. */
#ifndef FEEDHANDLER_ENGINE_WAY_SKETCH_H
#define FEEDHANDLER_ENGINE_WAY_SKETCH_H

#include "level_way.h"

typedef struct way_sketch {
    level_way way;
    uint64_t seen; /* the roles */
    const uint8_t *from; /* where the literal of the next step begins */
    bool failed;
} way_sketch;

static void way_value(way_sketch *k, const uint8_t *node, cursor *c);

/* A step for the value at `at`, behind all that is not read yet. It goes on from `past`. */
static way_step *way_add(way_sketch *k, int code, const uint8_t *at, const uint8_t *past)
{
    static way_step scrap;
    for (;;) {
        if (k->way.count == WAY_STEPS) {
            k->failed = true;
            return &scrap;
        }
        way_step *s = &k->way.steps[k->way.count++];
        size_t length = (size_t)(at - k->from);
        bool rest = length > sizeof s->word;
        length = rest ? sizeof s->word : length;
        memcpy(s->word, k->from, length);
        for (size_t i = 0; i < length; i++)
            ((uint8_t *)s->mask)[i] = 0xff;
        s->length = (uint8_t)length;
        s->code = (uint8_t)(rest ? WAY_LITERAL : code);
        k->from += length;
        if (!rest) {
            k->from = past;
            return s;
        }
    }
}

/* A value that nobody needs. */
static void way_passed(way_sketch *k, bool word, cursor *c)
{
    const uint8_t *at = c->at;
    cursor_skip(c);
    if (*at == '{' || *at == '[')
        k->failed = true;
    else if (*at == '"' && !word)
        way_add(k, WAY_STRING, at + 1, c->at - 1);
    else if (!word && (*at == '-' || (uint8_t)(*at - '0') < 10))
        way_add(k, WAY_NUMBER, at, c->at);
}

static int way_code(int role)
{
    switch (role) {
    case ROLE_PRICE: return WAY_PRICE;
    case ROLE_SIZE: return WAY_SIZE;
    case ROLE_AMOUNT: return WAY_AMOUNT;
    case ROLE_COUNT: return WAY_COUNT;
    case ROLE_ID: return WAY_ID;
    case ROLE_SIDE: return WAY_SIDE;
    case ROLE_VERB: return WAY_VERB;
    case ROLE_SYMBOL: return WAY_SYMBOL;
    default: return TIME_ROLES >> role & 1 ? WAY_TIME : WAY_END;
    }
}

/* The value of a role, without its quotes. */
static void way_role(way_sketch *k, int role, const uint8_t *at, const uint8_t *past, bool quoted)
{
    int code = way_code(role);
    bool word = code == WAY_SIDE || code == WAY_VERB || code == WAY_SYMBOL || role == ROLE_TIME_ISO;
    k->failed |= code == WAY_END || (k->seen >> role & 1) != 0 || at == past;
    k->failed |= word && code != WAY_SIDE ? !quoted : !word && *at != '-' && (uint8_t)(*at - '0') > 9;
    if (code == WAY_SYMBOL && k->seen) /* numbers were read for another one already */
        k->failed = true;
    k->seen |= (uint64_t)1 << role;
    way_step *s = way_add(k, code, at, past);
    s->role = (uint8_t)role;
    s->close = *past;
}

static void way_hole(way_sketch *k, int role, cursor *c)
{
    const uint8_t *at = c->at;
    bool quoted = *at == '"';
    if (role == ROLE_SKIP || role == ROLE_WORD || role == ROLE_DIGITS) {
        way_passed(k, role != ROLE_SKIP, c);
        return;
    }
    cursor_skip(c);
    way_role(k, role, at + quoted, c->at - quoted, quoted);
}

static void way_object(way_sketch *k, const uint8_t *node, cursor *c)
{
    text key;
    uint64_t seen = 0;
    if (!cursor_object(c)) {
        k->failed = true;
        return;
    }
    while (!k->failed && cursor_key(c, &key)) {
        const uint8_t *keys = node + 1, *inner = NULL;
        uint8_t flags = 0;
        cursor_peek(c);
        for (int which = 0; which < *node && inner == NULL; which++) {
            shape_key one = shape_key_next(&keys);
            if (one.length != key.length || memcmp(one.name, key.at, key.length) != 0)
                continue;
            k->failed |= (seen >> which & 1) != 0;
            seen |= (uint64_t)1 << which;
            inner = one.node;
            flags = one.flags;
        }
        bool none = flags & KEY_OPTIONAL && (*c->at == 'n' || (c->at[0] == '"' && c->at[1] == '"'));
        if (inner == NULL || none)
            way_passed(k, none, c);
        else
            way_value(k, inner, c);
    }
}

/* Without what stands behind those that are named. */
static void way_list_of(way_sketch *k, const uint8_t *node, cursor *c)
{
    int front = node[0], behind = node[1];
    node += 3;
    k->failed |= behind != 0 || !cursor_array(c);
    while (!k->failed && cursor_item(c)) {
        cursor_peek(c);
        if (front-- > 0) {
            way_value(k, node + 2, c);
            node += 2 + shape_short(node);
        } else {
            way_passed(k, false, c);
        }
    }
    k->failed |= front > 0;
}

/* "price,side,size" */
static void way_text(way_sketch *k, const uint8_t *node, cursor *c)
{
    const uint8_t *at = c->at + 1;
    int parts = *node++;
    k->failed |= *c->at != '"';
    cursor_skip(c);
    for (; parts-- && !k->failed; ) {
        if (*node == 0) {
            at += node[1];
            node += 2 + node[1];
            continue;
        }
        uint8_t close = node[2];
        const uint8_t *past = (const uint8_t *)memchr(at, close, (size_t)(c->at - at));
        if (past == NULL || (node[1] < ROLE_SYMBOL && close != '"'))
            k->failed = true;
        else if (node[1] < ROLE_SYMBOL)
            way_add(k, WAY_STRING, at, past);
        else
            way_role(k, node[1], at, past, true);
        at = past;
        node += 3;
    }
}

static void way_value(way_sketch *k, const uint8_t *node, cursor *c)
{
    int what = *node++;
    const uint8_t *at = c->at;
    switch (what) {
    case SHAPE_OBJECT: way_object(k, node, c); break;
    case SHAPE_LIST: way_list_of(k, node, c); break;
    case SHAPE_TEXT: way_text(k, node, c); break;
    case SHAPE_HOLE: way_hole(k, *node, c); break;
    case SHAPE_LITERAL:
        cursor_skip(c);
        k->failed |= (size_t)(c->at - at) != *node || memcmp(at, node + 1, *node) != 0;
        break;
    default: k->failed = true;
    }
    k->failed |= c->error != 0;
}

/* Nothing but price and size, in a list. */
static uint8_t way_pairs_of(const way_sketch *k, const uint8_t *at)
{
    const way_step *s = k->way.steps;
    if (k->way.count != 3 || s[0].code != WAY_PRICE || s[1].code != WAY_SIZE || at[0] != '[' ||
        k->way.removes)
        return WAY_NO_PAIRS;
    if (at[1] == '"')
        return s[0].length == 2 && s[1].length == 3 && s[2].length == 2 ? LEVELS_TEXT : WAY_NO_PAIRS;
    return s[0].length == 1 && s[1].length == 1 && s[2].length == 1 ? LEVELS_NUMBER : WAY_NO_PAIRS;
}

static void way_words(const shape *s, level_way *w)
{
    for (int side = 0; side < 2; side++) {
        const uint8_t *word = s->sides[side];
        w->said[side] = *word;
        memcpy(&w->say[side], word + 1, *word);
        w->said_mask[side] = ~(~(uint64_t)0 << (8 * *word));
    }
}

/* The way of the levels in the list that `c` is before: of the first one. Of an empty list, that of others of
 * this shape, or one that reads no level. NULL: there is none. */
static const level_way *way_of(skeletons *s, const shape *of, const cursor *list)
{
    way_sketch k;
    cursor c = *list;
    of = of->alike; /* what comes behind the levels says which it is: there is no way back */
    memset(&k, 0, sizeof k);
    k.way.shape = of;
    k.way.removes = of->flags & FRAME_REMOVES;
    k.way.pairs = WAY_NO_PAIRS;
    way_words(of, &k.way);
    if (!cursor_array(&c))
        return NULL;
    if (!cursor_item(&c)) {
        for (uint32_t i = s->way_count; i > 0; i--)
            if (s->ways[i - 1].shape == of)
                return &s->ways[i - 1];
    } else {
        cursor_peek(&c);
        const uint8_t *at = k.from = c.at;
        way_value(&k, of->level, &c);
        if (!k.failed)
            way_add(&k, WAY_END, c.at, c.at);
        k.way.by_id = k.seen >> ROLE_ID & 1;
        k.way.timed = (k.seen & TIME_ROLES) != 0;
        k.way.pairs = way_pairs_of(&k, at);
    }
    k.way.sided = shape_has(of->node, ROLE_LEVELS);
    if (k.failed)
        return NULL;
    for (uint32_t i = 0; i < s->way_count; i++)
        if (memcmp(&s->ways[i], &k.way, sizeof k.way) == 0)
            return &s->ways[i];
    if (s->way_count == WAYS_KEPT)
        return NULL;
    s->ways[s->way_count] = k.way;
    return &s->ways[s->way_count++];
}

#endif
