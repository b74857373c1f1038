/* How good the data of a book was: counted where it happens, from the engine's start on. Whoever keeps it
 * takes differences.
 *
 * Of a book that is lost the venue's numbers are followed on: each hole counts. Which numbers lack for good is known
 * only later, when it has its next base: another connection may bring them, and a number far ahead of all that
 * follows was wrong.
 */
#ifndef FEEDHANDLER_ENGINE_QUALITY_H
#define FEEDHANDLER_ENGINE_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feedhandler_shm.h"

#include "../book/continuity.h"

typedef struct quality {
    int64_t live_ns;    /* LIVE, without the time since live_since */
    int64_t live_since; /* 0: it is not LIVE */
    int64_t heals;      /* times that it was LIVE again */
    int64_t gaps;       /* holes in the venue's numbers */
    int64_t missing;    /* numbers that were in them, where that can be known */
    int64_t unsized;    /* holes of which it cannot */
    int64_t applied;    /* changes of the book */
    int64_t suspects;   /* times that it left LIVE by a fault: it may have been wrong for a while before */
    int64_t suspect_ns; /* for how long at most: from its last message on */

    int64_t heard;    /* of a book that is lost, the last number that came; 0: not known */
    uint64_t lacking; /* those of the LACKING numbers before it that have not come: the lowest bit is the last */
    int64_t earlier;  /* how many before those have not */
    int heard_from;   /* the connection that brought it */
    int64_t passed;   /* the last number that had come when it was known no more */
    int64_t base;     /* of a base that is older than that; 0: it is not */
} quality;

enum { QUALITY_FIELDS = offsetof(quality, heard) / sizeof(int64_t), LACKING = 64 };

/* What a message is to those before it, of a book that is lost. */
enum quality_place { PLACE_UNKNOWN, PLACE_NO_HOLE, PLACE_HOLE };

static inline uint64_t lowest_bits(int64_t count)
{
    return count <= 0 ? 0 : count >= LACKING ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* The bits of the numbers `first` to `final`, which are before `heard`. */
static inline uint64_t lacking_bits(int64_t heard, int64_t first, int64_t final)
{
    return lowest_bits(heard - first) & ~lowest_bits(heard - 1 - final);
}

/* A hole of which nobody knows how much is in it. */
static inline void quality_unsized(quality *q)
{
    q->gaps++;
    q->unsized++;
}

/* Numbers that each message counts by: one, or a range. */
static inline bool quality_sizes(const continuity *c) { return c->rule == RULE_NEXT || c->rule == RULE_RANGE; }

static inline int64_t quality_first(const continuity *c, const sequence *came)
{
    return c->rule == RULE_NEXT ? came->final : came->first;
}

/* `first` to `final` came, after all that has. True: there is a hole before it. */
static inline bool quality_further(quality *q, int64_t first, int64_t final, int connection)
{
    int64_t by = final - q->heard, missing = first - 1 - q->heard;
    q->earlier += __builtin_popcountll(by >= LACKING ? q->lacking : q->lacking >> (LACKING - by));
    q->lacking = by >= LACKING ? 0 : q->lacking << by;
    if (missing > 0) {
        uint64_t bits = lacking_bits(final, q->heard + 1, first - 1);
        q->lacking |= bits;
        q->earlier += missing - __builtin_popcountll(bits);
        q->gaps++;
    }
    q->heard = final;
    q->heard_from = connection;
    return missing > 0;
}

static inline int64_t quality_lacks(const quality *q) { return q->earlier + __builtin_popcountll(q->lacking); }

/* The last number is known no more: what comes next need not follow it. What lacks before it is judged at the next
 * base. */
static inline void quality_forgets(quality *q)
{
    q->earlier = quality_lacks(q);
    q->lacking = 0;
    if (q->heard)
        q->passed = q->heard;
    q->heard = 0;
}

/* Is `number` so far back that the one which showed a hole was wrong? Where each is one more, nothing else leaps
 * so. */
static inline bool quality_leapt(const quality *q, const continuity *c, int64_t number)
{
    int64_t most = q->heard > q->passed ? q->heard : q->passed;
    return c->rule == RULE_NEXT && quality_lacks(q) > LACKING && most - number > LACKING;
}

/* Nobody knows what lacks. */
static inline void quality_wrong(quality *q)
{
    q->unsized++;
    q->lacking = 0;
    q->earlier = q->heard = q->passed = 0;
}

/* A message of a book that is lost came. */
static inline enum quality_place quality_lost(quality *q, const continuity *c, const sequence *came,
                                              int connection)
{
    int64_t first = quality_first(c, came), final = came->final;
    if (!came->numbered || (!quality_sizes(c) && c->rule != RULE_PREVIOUS))
        return PLACE_NO_HOLE;
    if (q->heard == 0) {
        q->heard = final;
        q->heard_from = connection;
        return PLACE_UNKNOWN;
    }
    if (c->rule == RULE_PREVIOUS) {
        bool hole = came->previous > q->heard;
        if (hole)
            quality_unsized(q);
        if (final > q->heard)
            q->heard = final;
        return hole ? PLACE_HOLE : PLACE_NO_HOLE;
    }
    if (final > q->heard)
        return quality_further(q, first, final, connection) ? PLACE_HOLE : PLACE_NO_HOLE;
    if (connection != q->heard_from) { /* what the other one lacked, if it did */
        int64_t most = final - first + 1;
        q->lacking &= ~lacking_bits(q->heard, first, final);
        if (q->heard - final > LACKING)
            q->earlier -= q->earlier < most ? q->earlier : most;
    } else if (quality_leapt(q, c, final)) {
        quality_wrong(q);
        q->heard = final;
        return PLACE_UNKNOWN;
    }
    return PLACE_NO_HOLE;
}

/* There is a hole behind `last`, which ends the book; `came`: the numbers behind it; NULL: nobody knows. Nor does
 * anybody where it is right behind a base that is old. */
static inline void quality_gap(quality *q, const continuity *c, int64_t last, const sequence *came,
                               int connection)
{
    bool known = came != NULL && came->numbered;
    bool sized = known && quality_sizes(c) && came->final > last && (q->base == 0 || q->base != last);
    q->heard = last;
    if (!sized || !quality_further(q, quality_first(c, came), came->final, connection))
        quality_unsized(q);
    q->heard = known ? came->final : 0;
}

/* It leaves its base for another reason than a hole, or has none any more: its numbers go on from there. */
static inline void quality_leaves(quality *q, const continuity *c)
{
    if (continuity_based(c) && c->last > 0)
        q->heard = c->last;
}

/* It has a base: what lacks before it came to nobody. */
static inline void quality_based(quality *q, const continuity *c)
{
    if ((q->heard | q->earlier | q->passed) == 0)
        return; /* it never had another one */
    if (quality_leapt(q, c, c->last))
        quality_wrong(q);
    quality_forgets(q);
    q->missing += q->earlier;
    q->earlier = 0;
    q->base = q->passed > c->last ? c->last : 0;
}

/* Did it leave LIVE since what it showed may have been wrong? */
static inline bool quality_faulty(int reason)
{
    switch (reason) {
    case FH_REASON_GAP:
    case FH_REASON_CHECKSUM:
    case FH_REASON_CROSSED:
    case FH_REASON_DISCONNECTED:
    case FH_REASON_SILENT:
    case FH_REASON_SUBSCRIPTION:
    case FH_REASON_MALFORMED:
    case FH_REASON_HEARTBEAT:
    case FH_REASON_AUDIT:
    case FH_REASON_NO_DATA: return true;
    default: return false;
    }
}

/* The book is in another state. `last_ns`: when its last message was received. */
static inline void quality_state(quality *q, int state, int reason, int64_t now, int64_t last_ns)
{
    if (state == FH_STATE_LIVE) {
        if (q->live_since)
            return;
        q->heals += q->live_ns > 0;
        q->live_since = now;
    } else if (q->live_since) {
        q->live_ns += now > q->live_since ? now - q->live_since : 1;
        q->live_since = 0;
        if (quality_faulty(reason)) {
            q->suspects++;
            q->suspect_ns += last_ns && now > last_ns ? now - last_ns : 0;
        }
    }
}

#endif
