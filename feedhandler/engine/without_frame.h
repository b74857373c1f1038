/* What changes markets without a frame: who heals them, time, and connections that are lost. */
#ifndef FEEDHANDLER_ENGINE_WITHOUT_FRAME_H
#define FEEDHANDLER_ENGINE_WITHOUT_FRAME_H

#include "engine.h"
#include "frozen.h"

/* False: refused, since only a book itself says that it is LIVE. */
static bool engine_set_state(engine *e, market *m, int state, int reason)
{
    if (state == FH_STATE_LIVE && m->has_book)
        return false;
    e->receive_ns = fh_now_ns();
    m->dumb = 0;
    if (state != FH_STATE_LIVE) {
        quality_leaves(&m->quality, &m->sequence);
        continuity_lose(&m->sequence);
        market_forget_feeders(m);
        m->asked = false;
        if (state != FH_STATE_SYNCING)
            backlog_clear(&m->backlog);
    }
    market_state(e, m, state, reason);
    market_show(e, m, true);
    engine_wake(e);
    return true;
}

/* The channel that an instrument without a book lives by is silent: nothing else makes it LIVE. */
static bool market_silent(engine *e, market *m, int channel, int reason)
{
    if (m->has_book || m->state == FH_STATE_CLOSED)
        return false;
    int state = m->state == FH_STATE_LIVE ? FH_STATE_STALE : (int)m->state;
    if (m->state != state || m->reason != reason)
        engine_set_state(e, m, state, reason);
    m->dumb = (uint8_t)(channel + 1);
    return true;
}

/* The claimed book is the venue's, as the caller has made sure by other means, while the stream that will
 * continue it has said nothing. False: it is not so. */
static bool market_confirm(engine *e, market *m)
{
    if (m->sequence.phase != PHASE_CLAIMED || m->backlog.messages || !m->feeders)
        return false;
    e->receive_ns = fh_now_ns();
    m->sequence.phase = PHASE_JOINING;
    book_based(e, m, FH_REASON_NONE, false);
    engine_wake(e);
    return m->state == FH_STATE_LIVE;
}

/* Nothing has happened since the connection's subscription began, or since the full book that was
 * asked for after it: what it brings continues the book. */
static void market_adopt(market *m, int index)
{
    if (m->has_book ? m->sequence.phase == PHASE_EMPTY : m->state != FH_STATE_LIVE)
        return;
    if (market_others(m, index) && (m->sequence.rule == RULE_TIME || market_unnumbered(m)))
        return; /* what the others have yet to bring would be taken for a copy */
    m->feeders |= connection_bit(index);
    if (m->owner == NO_CONNECTION)
        m->owner = index;
}

/* What time alone changes. Books that a connection is ahead of, and nobody has brought what is missing, and
 * books of which nothing but old messages came: gaps after all; how many of them there were. And quotes that
 * the book has not reached. */
static uint32_t engine_overdue(engine *e, int64_t now)
{
    uint32_t lost = 0;
    bool shown = false;
    market *next, *m = e->timed;
    if (m == NULL)
        return 0;
    e->timed = NULL;
    e->receive_ns = now;
    for (; m != NULL; m = next) {
        next = m->timed_next;
        m->timed = false;
        if (market_overdue(e, m, now)) {
            const waiting *head = backlog_head(&m->backlog); /* of one that is ahead */
            book_gap(e, m, head ? &head->numbers : NULL);
            lost++;
        }
        shown |= quote_over(e, m, now);
        if (m->ahead_ns || m->old_ns || quote_waits(m))
            market_time(e, m);
    }
    if (lost || shown)
        engine_wake(e);
    return lost;
}

/* The next of those of which something came or changed since the last look, each once a look; NULL: the look
 * is over. `frozen`: it stands still, and should not. What is suspected of that is looked at again. */
static market *engine_look(engine *e, int *frozen)
{
    market *m = e->looking;
    if (m == NULL)
        return NULL;
    e->looking = m->news_next;
    m->news = false;
    *frozen = market_frozen(m);
    if (m->looks || *frozen)
        market_news(e, m);
    return m;
}

static inline void engine_look_begin(engine *e)
{
    if (e->looking != NULL)
        return; /* those of the look before come first */
    e->looking = e->news;
    e->news = NULL;
}

/* Does what waits come from this connection, and would no number show what it misses once it is gone? */
static bool market_waits_blind(const market *m, int index)
{
    const waiting *tail = backlog_tail(&m->backlog);
    bool blind = m->sequence.rule == RULE_TIME || m->sequence.rule == RULE_NONE;
    return blind && tail != NULL && (int)tail->connection == index;
}

/* The connection is gone. Books that another connection feeds as well just change hands. */
static bool market_disconnected(engine *e, market *m, int index, int reason)
{
    /* Held of one that is ahead: it may have been this one. A book that was lost since has no owner yet. */
    if (m->sequence.phase != PHASE_EMPTY || market_waits_blind(m, index))
        backlog_clear(&m->backlog);
    if (m->owner != index && !(m->feeders & connection_bit(index)))
        return false;
    m->feeders &= ~connection_bit(index);
    if (m->feeders) {
        if (m->owner == index)
            m->owner = __builtin_ctzll(m->feeders);
        return false;
    }
    m->owner = NO_CONNECTION;
    if (m->state == FH_STATE_CLOSED)
        return false;
    engine_set_state(e, m, FH_STATE_STALE, reason);
    quality_forgets(&m->quality); /* what it would have brought next lacks nobody */
    backlog_clear(&m->backlog);
    return true;
}

#endif
