/* How good the data of a book was: counted where it happens, from the engine's start on. Whoever keeps it
 * takes differences.
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
    int64_t heard;      /* the last number that came, of a book that is lost; 0: not known */
} quality;

enum { QUALITY_FIELDS = offsetof(quality, heard) / sizeof(int64_t) };

/* How many numbers are missing between `last` and a message; 0: nobody knows, or none is. */
static inline int64_t numbers_missing(const continuity *c, int64_t last, const sequence *came)
{
    if (came == NULL || !came->numbered || (c->rule != RULE_NEXT && c->rule != RULE_RANGE))
        return 0;
    int64_t missing = (c->rule == RULE_NEXT ? came->final : came->first) - last - 1;
    return missing > 0 ? missing : 0;
}

/* There is a hole behind `last`; `came`: the numbers behind it; NULL: nobody knows. */
static inline void quality_gap(quality *q, const continuity *c, int64_t last, const sequence *came)
{
    int64_t missing = numbers_missing(c, last, came);
    q->gaps++;
    q->missing += missing;
    q->unsized += missing == 0;
    q->heard = missing ? came->final : 0;
}

/* A message of a book that is lost, and that waits for another base: does it follow the one before? */
static inline void quality_ignored(quality *q, const continuity *c, const sequence *came)
{
    if (q->heard == 0)
        return;
    q->missing += numbers_missing(c, q->heard, came);
    if (came->final > q->heard) /* else it was overtaken */
        q->heard = came->final;
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
