/* The one continuity state machine: is this message the next one of its book?
 *
 * Pure: no memory, no clock, no shared memory. It is told what arrives and answers with an action;
 * whoever owns the book obeys. All venues' rules are here, as data:
 *
 *   rule PREVIOUS  a delta names its predecessor: previous == last          (Deribit, OKX, ...)
 *        RANGE     a delta covers ids first..final: first == last+1, or, where it joins what others
 *                  have brought, first <= last+1 <= final                    (Binance spot, ...)
 *        NEXT      ids count by one: final == last+1
 *        TIME      the number is the venue's time, in ns: later is next. No hole shows in it
 *        NONE      the venue numbers nothing
 *   base STREAM    a snapshot comes in the stream; to heal, subscribe again
 *        REQUEST   a snapshot is fetched and joined with the deltas buffered meanwhile
 *        EVERY     every message is a full book
 *   rest_join      STREAM, but deltas are buffered as for REQUEST: the snapshot may never come
 *
 *             snapshot                delta in step
 *   EMPTY ----------------> JOINING ----------------> STEP --+
 *     ^ |  (deltas: BUFFER     ^                        ^    | delta in step
 *     | |     or IGNORE)       | the stream reaches it  +----+
 *     | +----> CLAIMED --------+
 *     |  answer   (deltas: BUFFER)
 *     +---- GAP, or the owner calls continuity_lose ---- from any
 *
 * JOINING differs from STEP in one thing: the first delta after a snapshot may begin before it. Levels
 * are absolute, so a delta that covers the snapshot's id is right on top of it.
 *
 * An answer names no instrument, and may come from where the stream is not yet, or never will be. So it is
 * only claimed until a delta shows that the stream has come to its id.
 *
 * Several connections may bring the same stream. `own`: the message is of the one that fed the book
 * last; `others`: another one is in step as well. The first copy of a message is applied, the others
 * are duplicates, and a hole is a gap only if nobody else can fill it.
 *
 * TIME shows no hole, so that what lies between two messages has to be known by other means: each
 * connection brings all that is later than its first. `step`: this one is known to have brought, or to
 * bring, all that is not in the book: something of it was no later than the book. Of another one a
 * later message is ahead of the book, and what waits for a base is of one connection.
 */
#ifndef FEEDHANDLER_BOOK_CONTINUITY_H
#define FEEDHANDLER_BOOK_CONTINUITY_H

#include <stdbool.h>
#include <stdint.h>

enum continuity_rule { RULE_NONE = 0, RULE_PREVIOUS, RULE_RANGE, RULE_NEXT, RULE_TIME, RULE_END };
enum continuity_base { BASE_STREAM = 0, BASE_REQUEST, BASE_EVERY, BASE_END };
enum continuity_phase { PHASE_EMPTY = 0, PHASE_CLAIMED, PHASE_JOINING, PHASE_STEP };

enum continuity_action {
    ACTION_APPLY = 0, /* the next one: apply it */
    ACTION_REPLACE,   /* a full book: it becomes the book; then offer what was buffered */
    ACTION_CLAIM,     /* a full book that the stream has not reached: to be looked at, not believed */
    ACTION_DUPLICATE, /* already in the book: drop it */
    ACTION_BUFFER,    /* no base yet: keep it */
    ACTION_IGNORE,    /* no base yet, and none can be joined: drop it */
    ACTION_GAP,       /* a hole: the base is lost, say so at once */
    ACTION_TOO_OLD,   /* the snapshot ends before the buffer begins: fetch again, keep the buffer */
    ACTION_AHEAD,     /* a hole in this connection's copy: another one in step will bring what is missing */
};

/* A venue resets its ids downwards at maintenance. If the message that says so is lost, all that
 * follows looks old, and a frozen book would call itself live. So many in a row are a gap; so is less of
 * it that goes on for too long, which the owner knows, who has a clock. */
enum { CONTINUITY_DUPLICATES_MAX = 256 };

/* The numbers of one message. `numbered` false: it carries none. `place`: of a venue whose messages
 * have another number beside the one that they count by (Bybit: `seq` beside `u`), which holds for all of
 * its channels and answers: the one that readers are shown; else 0. */
typedef struct sequence {
    int64_t first, final, previous;
    bool numbered;
    int64_t place;
} sequence;

typedef struct continuity {
    uint8_t rule, base;
    bool rest_join;
    uint8_t phase;
    uint32_t duplicates; /* in a row */
    int64_t last;        /* the id of the last message applied */
    int64_t place;       /* what readers are shown of it */
    int64_t last_ns;     /* EVERY: its exchange time */
} continuity;

static inline void continuity_at(continuity *c, const sequence *s)
{
    c->last = s->numbered ? s->final : 0;
    c->place = s->place ? s->place : c->last;
}

static inline bool continuity_buffers(const continuity *c)
{
    return c->base == BASE_REQUEST || c->rest_join;
}

/* Is there a base that the stream continues? */
static inline bool continuity_based(const continuity *c) { return c->phase >= PHASE_JOINING; }

/* The base is gone: silence, a malformed frame, a bad checksum, a crossed book, a lost connection. */
static inline void continuity_lose(continuity *c)
{
    c->phase = PHASE_EMPTY;
    c->duplicates = 0;
    c->last_ns = 0;
}

/* Does `s` follow `last` by the rule? Another connection's messages may be cut at other ids: what
 * covers `last` is right on top of it. */
static inline enum continuity_action continuity_judge(const continuity *c, const sequence *s, bool own,
                                                      bool step)
{
    int64_t last = c->last;
    bool joining = c->phase == PHASE_JOINING || !own;
    switch (c->rule) {
    case RULE_PREVIOUS:
        if (s->previous == last)
            return ACTION_APPLY; /* final == last: keep-alive; final < last: the venue resets its ids */
        if (s->previous == 0 && c->phase == PHASE_STEP)
            return ACTION_GAP; /* it follows nothing: the venue counts anew (Bitget), and says no more */
        if (s->final <= last && s->previous < last)
            return ACTION_DUPLICATE;
        if (joining && s->previous < last)
            return ACTION_APPLY; /* previous < last < final */
        return ACTION_GAP;
    case RULE_RANGE:
        if (c->phase == PHASE_JOINING && last < 0)
            return ACTION_APPLY; /* a new listing: empty, numbered -1, older than every delta */
        if (s->final <= last)
            return ACTION_DUPLICATE;
        /* one that begins before it, of a connection in step: of other numbers */
        return s->first > last + 1 || (!joining && s->first <= last) ? ACTION_GAP : ACTION_APPLY;
    case RULE_NEXT:
        if (s->final <= last)
            return ACTION_DUPLICATE;
        return s->final == last + 1 ? ACTION_APPLY : ACTION_GAP;
    case RULE_TIME:
        /* one connection's second message of a time is another change; another's is a copy */
        if (s->final < last || (s->final == last && !own))
            return ACTION_DUPLICATE;
        return step ? ACTION_APPLY : ACTION_GAP;
    default: return ACTION_APPLY;
    }
}

/* `step`: see TIME, and of no other rule. */
static inline enum continuity_action continuity_delta(continuity *c, const sequence *s, bool own,
                                                      bool others, bool step)
{
    enum continuity_action action = ACTION_APPLY;
    if (!continuity_based(c))
        return c->phase == PHASE_CLAIMED || continuity_buffers(c) ? ACTION_BUFFER : ACTION_IGNORE;
    if (s->numbered) {
        action = continuity_judge(c, s, own, step);
        if (action == ACTION_DUPLICATE && own && ++c->duplicates > CONTINUITY_DUPLICATES_MAX)
            action = ACTION_GAP;
    }
    if (!own && others && (!s->numbered || c->rule == RULE_NONE))
        return ACTION_DUPLICATE; /* nothing tells the copies apart: one connection is heard */
    if (action == ACTION_GAP && others)
        return ACTION_AHEAD;
    if (action == ACTION_APPLY) {
        if (s->numbered)
            continuity_at(c, s);
        c->phase = PHASE_STEP;
        c->duplicates = 0;
    } else if (action == ACTION_GAP) {
        continuity_lose(c);
    }
    return action;
}

/* A full book that came in the stream. `own`: on the connection that feeds the book now; a second
 * connection's snapshot must not take the book back in time. */
static inline enum continuity_action continuity_snapshot(continuity *c, const sequence *s, bool own)
{
    if (continuity_based(c) && !own && s->numbered && s->final <= c->last)
        return ACTION_DUPLICATE;
    continuity_at(c, s);
    c->phase = PHASE_JOINING;
    c->duplicates = 0;
    return ACTION_REPLACE;
}

/* Can deltas from `head` on be joined to a full book `s`? */
static inline bool continuity_joins(const continuity *c, const sequence *s, const sequence *head)
{
    if (!s->numbered || !head->numbered)
        return true;
    switch (c->rule) {
    case RULE_PREVIOUS: return head->previous <= s->final || head->final <= s->final;
    case RULE_RANGE: return s->final < 0 || head->first <= s->final + 1;
    case RULE_NEXT: return head->final <= s->final + 1;
    case RULE_TIME: return head->final <= s->final; /* nothing lies between: the stream was there */
    default: return true;
    }
}

/* Does `s` show that the stream has come to a full book with this id? */
static inline bool continuity_reached(const continuity *c, int64_t id, const sequence *s)
{
    if (!s->numbered || c->rule == RULE_NONE || id < 0)
        return true;
    return s->final >= id || (c->rule == RULE_PREVIOUS && s->previous >= id);
}

/* A full book that was asked for. `head`, `tail`: the first and the last buffered delta, or NULL. */
static inline enum continuity_action continuity_answer(continuity *c, const sequence *s,
                                                       const sequence *head, const sequence *tail)
{
    bool joins = head == NULL || continuity_joins(c, s, head);
    bool reached = tail != NULL && continuity_reached(c, s->final, tail);
    if (continuity_based(c)) { /* in step: of use only if it fills the hole before what is held */
        if (!s->numbered || s->final <= c->last || !joins || !reached)
            return ACTION_DUPLICATE;
    } else if (!joins) {
        return ACTION_TOO_OLD;
    } else if (c->phase == PHASE_CLAIMED && s->numbered &&
               (s->final == c->last || (head && s->final > c->last))) {
        return ACTION_DUPLICATE; /* the stream comes to the one that is there first */
    }
    continuity_at(c, s);
    c->phase = reached ? PHASE_JOINING : PHASE_CLAIMED;
    c->duplicates = 0;
    return reached ? ACTION_REPLACE : ACTION_CLAIM;
}

/* The last buffered delta is now `tail`: is what was claimed confirmed? */
static inline bool continuity_confirmed(continuity *c, const sequence *tail)
{
    if (c->phase != PHASE_CLAIMED || !continuity_reached(c, c->last, tail))
        return false;
    c->phase = PHASE_JOINING;
    return true;
}

/* Does the first buffered delta show that what was claimed is of no use? By the other rules that is a
 * gap when it is applied. */
static inline bool continuity_missed(const continuity *c, const sequence *head)
{
    return c->rule == RULE_TIME && c->phase == PHASE_CLAIMED && head->numbered &&
           head->final > c->last;
}

/* EVERY: each message is the whole book. Older in id and in time: a second connection, behind; not
 * newer, of another connection: its copy. */
static inline enum continuity_action continuity_full(continuity *c, const sequence *s,
                                                     int64_t exchange_ns, bool own)
{
    if (continuity_based(c) && exchange_ns < c->last_ns && (!s->numbered || s->final < c->last))
        return ACTION_DUPLICATE;
    if (continuity_based(c) && !own &&
        (s->numbered ? s->final <= c->last : exchange_ns && exchange_ns <= c->last_ns))
        return ACTION_DUPLICATE;
    continuity_at(c, s);
    c->last_ns = exchange_ns;
    c->phase = PHASE_STEP;
    c->duplicates = 0;
    return ACTION_REPLACE;
}

/* May `s` stand right behind `tail` in the buffer? Otherwise the buffer starts over with it: what is
 * before a hole can only be joined by a snapshot that would not need it. */
static inline bool continuity_chains(const continuity *c, const sequence *tail, const sequence *s)
{
    if (!tail->numbered || !s->numbered)
        return true;
    switch (c->rule) {
    case RULE_PREVIOUS: return s->previous == tail->final && s->final >= s->previous;
    case RULE_RANGE: return s->first <= tail->final + 1 && s->final > tail->final;
    case RULE_NEXT: return s->final == tail->final + 1;
    case RULE_TIME: return s->final >= tail->final;
    default: return true;
    }
}

/* A second connection's copy of what the buffer already holds. */
static inline bool continuity_buffered(const continuity *c, const sequence *tail, const sequence *s)
{
    if (!tail->numbered || !s->numbered || c->rule == RULE_NONE)
        return false;
    if (c->rule == RULE_TIME)
        return true; /* nothing tells whether it is a copy, so that one connection is heard */
    return s->final <= tail->final && (c->rule != RULE_PREVIOUS || s->previous < tail->final) &&
           (c->rule != RULE_PREVIOUS || s->final >= s->previous);
}

/* Does `s` belong right before `head`, the first in the buffer? One that was overtaken: what is buffered
 * stays whole without it, and can be joined to any base that has it. */
static inline bool continuity_overtaken(const continuity *c, const sequence *head, const sequence *s)
{
    if (!head->numbered || !s->numbered)
        return false;
    switch (c->rule) {
    case RULE_PREVIOUS: return s->final == head->previous && s->previous < s->final;
    case RULE_RANGE: return s->final < head->first && s->final + 1 == head->first;
    case RULE_NEXT: return s->final < head->final && s->final + 1 == head->final;
    default: return false;
    }
}

#endif
