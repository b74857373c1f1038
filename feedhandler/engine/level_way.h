/* Ways to read a level of any layout: what stands between its values, remembered as steps are.
 *
 * The reader of a venue that is declared by its frames knows no layout by heart. A way is made from a level
 * that came (way_sketch.h) and reads the next ones that are written like it. One that is not, or has a value
 * that is not usual, is read by the general reader in place, and the others go on.
 */
#ifndef FEEDHANDLER_ENGINE_LEVEL_WAY_H
#define FEEDHANDLER_ENGINE_LEVEL_WAY_H

#include "shaped_book.h"
#include "skeleton.h"
#include "usual.h"
#include "usual_time.h"

/* ---- one level ------------------------------------------------------------------------------------- */

ALWAYS_INLINE bool way_literal(const uint8_t *at, const way_step *s)
{
    return (((load8(at) ^ s->word[0]) & s->mask[0]) | ((load8(at + 8) ^ s->word[1]) & s->mask[1])) == 0;
}

/* A size below 0 is one of the asks; 0 is nothing usual. */
ALWAYS_INLINE const uint8_t *way_amount(market *m, const uint8_t *at, one_level *out)
{
    bool ask = *at == '-';
    at = level_number(at + ask, &m->size_scale, m->size_exponent, &out->level.size);
    out->side = ask ? FH_ASK : FH_BID;
    return at && out->level.size != 0 ? at : NULL;
}

static bool way_verb(const shape *s, const uint8_t **at, bool *removed)
{
    text verb = {*at, 0, TEXT_STRING, false};
    if (!usual_string(at))
        return false;
    verb.length = (uint32_t)(*at - verb.at);
    bool deletes = word_among(s->deletes, &verb);
    *removed |= deletes;
    return deletes || word_among(s->changes, &verb);
}

ALWAYS_INLINE bool way_side(const level_way *w, const uint8_t **at, int *side)
{
    uint64_t word = load8(*at);
    for (int which = 0; which < 2; which++)
        if (((word ^ w->say[which]) & w->said_mask[which]) == 0) {
            *at += w->said[which];
            *side = which == 0 ? FH_BID : FH_ASK;
            return true;
        }
    return false;
}

/* Past one level that is written in this way, or NULL: anything may be there. `*other`: something else stands
 * between its values. */
ALWAYS_INLINE const uint8_t *way_level(engine *e, const cursor *c, market **named, const level_way *w, const uint8_t *at,
                                       one_level *out, int64_t *latest, bool *other)
{
    market *m = *named;
    bool removed = w->removes;
    int64_t value;
    const uint8_t *from;
    out->level = (level){FH_NONE, 0};
    for (const way_step *s = w->steps;; s++) {
        if (UNLIKELY(!way_literal(at, s))) {
            bool on = s > w->steps && s[-1].code != WAY_LITERAL; /* a number that goes on in another way */
            *other = !on || ((*at | 0x20) != 'e' && (uint8_t)(*at - '0') > 9);
            return NULL;
        }
        at += s->length;
        switch (s->code) {
        case WAY_LITERAL: break;
        case WAY_PRICE:
            from = at;
            at = level_number(at, &m->price_scale, m->price_exponent, &out->level.price);
            if (UNLIKELY(at == NULL || out->level.price == 0))
                return NULL;
            at = as_long(from, at, &m->price_length);
            break;
        case WAY_SIZE:
            at = level_number(at, &m->size_scale, m->size_exponent, &out->level.size);
            if (UNLIKELY(at == NULL))
                return NULL;
            break;
        case WAY_AMOUNT:
            if (UNLIKELY((at = way_amount(m, at, out)) == NULL))
                return NULL;
            break;
        case WAY_COUNT:
            if (UNLIKELY(!usual_integer(&at, &value) || value > NUMBER_MAX))
                return NULL;
            removed |= value == 0;
            break;
        case WAY_ID:
            if (UNLIKELY(!usual_integer(&at, &out->id) || out->id > NUMBER_MAX))
                return NULL;
            break;
        case WAY_SIDE:
            if (UNLIKELY(!way_side(w, &at, &out->side)))
                return NULL;
            break;
        case WAY_VERB:
            if (UNLIKELY(!way_verb(w->shape, &at, &removed)))
                return NULL;
            break;
        case WAY_TIME:
            if (UNLIKELY(!usual_clock(e, s->role, &at, &value)))
                return NULL;
            *latest = value > *latest ? value : *latest;
            break;
        case WAY_SYMBOL:
            if (UNLIKELY(!usual_market(e, &at, s->close, &m) || (*named && *named != m)))
                return NULL;
            *named = m;
            break;
        case WAY_STRING:
            if (UNLIKELY(!usual_string(&at)))
                return NULL;
            break;
        case WAY_NUMBER: {
            const uint8_t *bad;
            if (UNLIKELY((at = number_end(at, c->end, &bad)) == NULL))
                return NULL;
            break;
        }
        default: /* its end */
            if (removed)
                out->level.size = 0;
            return at;
        }
    }
}

/* One that is written otherwise, read in place by the general reader: past it, or NULL where the frame has to
 * be read again. */
COLD const uint8_t *way_odd(engine *e, cursor *c, market *m, const level_way *w, const uint8_t *at,
                            one_level *out, int64_t *latest)
{
    tape *t = &e->shaped->tape;
    found f;
    if (m == NULL)
        return NULL;
    t->begin = c->begin;
    t->spare = c->spare;
    t->count = 0;
    c->at = at;
    if (!tape_value(t, c))
        return NULL;
    found_begin(&f, NULL, false);
    f.loose = true;
    found_value(t, c, w->shape->level, 0, &f);
    if (c->error || (found_has(&f, ROLE_SYMBOL) &&
                     symbol_find(e, f.text[ROLE_SYMBOL].at, f.text[ROLE_SYMBOL].length) != m))
        return NULL;
    level_said(e, c, w->shape, m, &f, 0, out);
    if (f.has & TIME_ROLES) {
        int64_t time = found_time(e, c, &f, TIME_ROLES);
        *latest = time > *latest ? time : *latest;
    }
    if (c->error || e->short_of || found_has(&f, ROLE_ID) != w->by_id || (w->sided && out->side < 0))
        return NULL;
    return c->at;
}

/* ---- a list of them -------------------------------------------------------------------------------- */

/* Asks among bids wait here until all bids are there. */
static bool way_aside(skeletons *s, const level_way *w, uint32_t at, const one_level *one)
{
    if (UNLIKELY(at == s->aside_room) &&
        !array_grow((void **)&s->aside, &s->aside_room, at + 1, sizeof *s->aside))
        return false;
    if (w->by_id && UNLIKELY(at >= s->aside_id_room) &&
        !array_grow((void **)&s->aside_ids, &s->aside_id_room, at + 1, sizeof *s->aside_ids))
        return false;
    s->aside[at] = one->level;
    if (w->by_id)
        s->aside_ids[at] = one->id;
    return true;
}

static bool way_keep(engine *e, const level_way *w, uint32_t at, const level *l, int64_t id)
{
    if (UNLIKELY(!LEVELS_RESERVE(e, at + 1)) ||
        (w->by_id && UNLIKELY(!ARRAY_RESERVE(e, e->ids, 0, e->id_room, at + 1))))
        return false;
    e->levels[at] = *l;
    if (w->by_id)
        e->ids[at] = id;
    return true;
}

/* What a list of levels came to. */
typedef struct way_list {
    market *market; /* the levels may name it */
    uint32_t bids;  /* of a list of both sides */
    int64_t latest; /* the time of one of them; 0: they have none */
    bool other;     /* NULL was answered since the first is of another way */
} way_list;

/* Pairs, one after the other. */
static __attribute__((noinline)) const uint8_t *way_pairs(engine *e, cursor *c, const level_way *w,
                                                          const uint8_t *at, way_list *l)
{
    uint32_t count = e->level_count;
    one_level one;
    for (;; at++) {
        if (UNLIKELY(!LEVELS_RESERVE(e, count + 1)))
            return NULL;
        level *out = e->levels + count;
        const uint8_t *past = w->pairs == LEVELS_TEXT ? level_fast(l->market, at, LEVELS_TEXT, out)
                                                      : level_fast(l->market, at, LEVELS_NUMBER, out);
        count++;
        if (UNLIKELY(past == NULL)) {
            if ((past = way_odd(e, c, l->market, w, at, &one, &l->latest)) == NULL)
                return NULL;
            e->levels[count - 1] = one.level;
            count -= one.nothing;
        }
        at = past;
        if (UNLIKELY(*at != ','))
            break;
    }
    e->level_count = count;
    return *at == ']' ? at + 1 : NULL;
}

static __attribute__((noinline)) const uint8_t *way_steps(engine *e, cursor *c, const level_way *w,
                                                          const uint8_t *at, way_list *l)
{
    skeletons *s = &e->skeletons;
    uint32_t count = e->level_count, aside = 0;
    for (bool first = true;; first = false, at++) {
        one_level one = {.side = FH_BID};
        bool other = false;
        const uint8_t *past = way_level(e, c, &l->market, w, at, &one, &l->latest, &other);
        if (UNLIKELY(past == NULL)) {
            l->other = first && other;
            if (l->other || (past = way_odd(e, c, l->market, w, at, &one, &l->latest)) == NULL)
                return NULL;
        }
        if (LIKELY(!one.nothing)) {
            if (w->sided && one.side == FH_ASK) {
                if (!way_aside(s, w, aside++, &one))
                    return NULL;
            } else if (!way_keep(e, w, count++, &one.level, one.id)) {
                return NULL;
            }
        }
        at = past;
        if (UNLIKELY(*at != ','))
            break;
    }
    l->bids = count - e->level_count;
    for (uint32_t i = 0; i < aside; i++)
        if (!way_keep(e, w, count++, &s->aside[i], w->by_id ? s->aside_ids[i] : 0))
            return NULL;
    e->level_count = count;
    return *at == ']' ? at + 1 : NULL;
}

/* The list at `at`: past it, or NULL. */
static inline const uint8_t *way_read(engine *e, cursor *c, const level_way *w, const uint8_t *at, way_list *l)
{
    if (UNLIKELY(at[0] != '['))
        return NULL;
    if (at[1] == ']')
        return at + 2;
    if (UNLIKELY(w->count == 0)) { /* none was ever seen */
        l->other = true;
        return NULL;
    }
    return w->pairs != WAY_NO_PAIRS ? way_pairs(e, c, w, at + 1, l) : way_steps(e, c, w, at + 1, l);
}

#endif
