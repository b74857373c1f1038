/* How deep a book is known, told and renewed.
 *
 * A base with the best N levels wears thin as the price eats into it (known_depth.h). Before that shows,
 * WORN asks for another one. It is older than the stream by the time it is here, so what is applied from
 * the request on is kept and put on top of it; the book takes from the result what lies beyond its own
 * edge, as any change of levels, and stays LIVE and in step. A book of which nothing is known any more on
 * one side is lost: its best price could be any.
 */
#ifndef FEEDHANDLER_ENGINE_DEEPEN_H
#define FEEDHANDLER_ENGINE_DEEPEN_H

#include "quote.h"

enum deepen_result {
    DEEPEN_DONE = 0,
    DEEPEN_AHEAD, /* the stream has not come so far: hand it in again */
    DEEPEN_OLD,   /* it does not reach what was kept, or nothing was: ask again */
    DEEPEN_OTHER, /* it is of another book, or ours is wrong: ask again, and let the audit judge */
    DEEPEN_MALFORMED,
};

/* Too few: of `levels` that a side had when it was new. A quarter of them, and twice what readers see,
 * but never so much that a new base would be too few at once. */
static inline uint32_t known_thin(const engine *e, uint32_t levels)
{
    uint32_t few = levels / 4 > 2 * e->writer->depth ? levels / 4 : 2 * e->writer->depth;
    few = few < levels / 2 ? few : levels / 2;
    return few ? few : 1;
}

static void known_arm(engine *e, market *m)
{
    const book_side *sides[2] = {&m->book.bids, &m->book.asks};
    for (int side = 0; side < 2; side++)
        m->thin[side] = known_thin(e, side_whole(sides[side], side) ? m->window : sides[side]->count);
}

/* After a base. `most`: how many levels a side it could have; 0: all. `renewed`: by every message. */
static void known_based(engine *e, market *m, uint32_t most, bool renewed)
{
    book_base(&m->book, most);
    m->deepening = false;
    if (renewed)
        m->thin[0] = m->thin[1] = 0;
    else
        known_arm(e, m);
}

/* Answers the reason when nothing of a side is known any more. */
COLD int known_worn(engine *e, market *m)
{
    const book_side *sides[2] = {&m->book.bids, &m->book.asks};
    for (int side = 0; side < 2; side++) {
        uint32_t known = side_known(sides[side], side);
        if (known >= m->thin[side])
            continue;
        if (known == 0)
            return FH_REASON_NO_SNAPSHOT;
        m->thin[side] = 1; /* said once */
        market_attention(e, m, WORN, known);
    }
    return FH_REASON_NONE;
}

/* After a change of levels. */
static inline int known_doubt(engine *e, market *m)
{
    if (LIKELY(side_known(&m->book.bids, false) >= m->thin[FH_BID] &&
               side_known(&m->book.asks, true) >= m->thin[FH_ASK]))
        return FH_REASON_NONE;
    return known_worn(e, m);
}

/* ---- another base under a book that is in step ------------------------------------------------- */

static inline void deepen_end(market *m)
{
    m->deepening = false;
    backlog_clear(&m->since);
}

/* A deeper base is being asked for. */
static void deepen_begin(market *m)
{
    deepen_end(m);
    if (!continuity_based(&m->sequence) || m->sequence.rule == RULE_NONE)
        return;
    m->deepening = true;
    m->since_id = m->sequence.last;
    m->since_precision = m->precision;
}

/* These levels were applied meanwhile. */
COLD void deepen_keep(engine *e, market *m, const level *levels, uint32_t count,
                      uint32_t first_count, uint8_t first_side)
{
    const waiting *tail = backlog_tail(&m->since);
    uint64_t dropped = 0;
    if (m->sequence.last < (tail ? tail->numbers.final : m->since_id)) { /* they start over */
        deepen_end(m);
        return;
    }
    waiting *w = backlog_add(&m->since, count, e->buffer_bytes, &dropped);
    if (w == NULL || dropped) {
        deepen_end(m);
        return;
    }
    w->numbers.final = m->sequence.last;
    w->first_count = first_count;
    w->first_side = first_side;
    if (count)
        memcpy(w->levels, levels, (size_t)count * sizeof *levels);
}

/* Whether `deep` is of the same book: of the levels that are known of ours it has most. A level may have
 * changed and changed back unmentioned within a message that the snapshot is in the midst of. */
static bool deepen_agrees(const book_side *s, const book_side *deep, bool ask)
{
    uint32_t same = 0, i = s->count, j = deep->count;
    while (i > s->beyond && j > 0) {
        const level *a = &s->levels[i - 1], *b = &deep->levels[j - 1];
        same += a->price == b->price && a->size == b->size;
        i -= !price_better(b->price, a->price, ask);
        j -= !price_better(a->price, b->price, ask);
    }
    return 2 * same >= s->count - s->beyond - (i - s->beyond);
}

/* What `deep` has beyond the edge of our side, and we not, or otherwise: appended to `out`. */
static uint32_t deepen_side(const book_side *s, const book_side *deep, bool ask, level *out)
{
    uint32_t count = 0, ours = s->beyond, theirs = deep->count;
    if (side_whole(s, ask) || !price_better(s->edge, deep->edge, ask))
        return 0;
    while (theirs && !price_better(s->edge, deep->levels[theirs - 1].price, ask))
        theirs--;
    while (ours || theirs) {
        const level *a = ours ? &s->levels[ours - 1] : NULL;
        const level *b = theirs ? &deep->levels[theirs - 1] : NULL;
        if (b == NULL || (a && price_better(a->price, b->price, ask))) {
            if (!price_better(deep->edge, a->price, ask))
                out[count++] = (level){a->price, 0};
            ours--;
        } else {
            bool same = a && a->price == b->price;
            if (!same || a->size != b->size)
                out[count++] = *b;
            ours -= same;
            theirs--;
        }
    }
    return count;
}

/* The side reaches as far as `deep` does now. */
static void deepen_edge(book_side *s, const book_side *deep, bool ask)
{
    if (!side_whole(s, ask) && price_better(s->edge, deep->edge, ask))
        side_end(s, ask, deep->edge);
}

#endif
