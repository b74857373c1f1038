/* Several connections that bring the same stream: rotation (make before break) and redundancy.
 *
 * Of every message the first copy counts. Book messages are told apart by the venue's numbers
 * (continuity.h), trades by their ids (those that count nothing: named_trades.h), quotes, statistics and announced liquidations by number or by the
 * venue's clock: another connection's that is not newer is a copy, or older than what is known already.
 * None of these numbers is believed for ever: see OLD_NS.
 */
#ifndef FEEDHANDLER_ENGINE_MERGE_H
#define FEEDHANDLER_ENGINE_MERGE_H

#include "types.h"

/* A hole that another connection has not filled in this time is a gap. */
#define AHEAD_NS INT64_C(500000000)
/* Nothing but old messages for so long is no dull moment: the venue has started its numbers over, or one
 * of them was wrong. What other connections bring may be old for longer: they are behind. */
#define OLD_NS INT64_C(1000000000)
#define OLD_MERGED_NS INT64_C(2000000000)
/* An id that is lower by more is no old copy: the venue has started its ids over. */
#define TRADES_RESET (INT64_C(1) << 20)

/* ---- who feeds an instrument ----------------------------------------------------------------- */

static inline uint64_t connection_bit(int index)
{
    return index >= 0 && index < CONNECTIONS ? UINT64_C(1) << index : 0;
}

static inline bool market_others(const market *m, int index)
{
    return (m->feeders & ~connection_bit(index)) != 0;
}

/* Has the connection brought all that is in the book, or will it? See RULE_TIME. */
static inline bool market_step(const engine *e, const market *m, bool own)
{
    return (m->feeders & e->connection->bit) != 0 || (own && m->feeders == 0);
}

static inline void market_fed(market *m, int index)
{
    m->owner = index;
    m->feeders |= connection_bit(index);
    m->ahead_ns = m->old_ns = 0;
}

/* Nothing in the messages of its book tells what is a copy. */
static inline bool market_unnumbered(const market *m)
{
    return m->has_book && m->sequence.rule == RULE_NONE && m->sequence.base != BASE_EVERY;
}

static inline void lead_forget(lead *l) { l->at = l->old_ns = 0; }

/* Nobody is in step with it any more. */
static inline void market_forget_feeders(market *m)
{
    m->feeders = 0;
    m->ahead_ns = m->old_ns = 0;
    m->recents = 0;
    lead_forget(&m->quote_leads[0]);
    lead_forget(&m->quote_leads[1]);
    lead_forget(&m->liquidation_lead);
    for (int field = 0; field < FH_STAT_END; field++)
        lead_forget(&m->stat_leads[field]);
}

/* Look at it again when time has passed: see engine_overdue. */
static inline void market_time(engine *e, market *m)
{
    if (m->timed)
        return;
    m->timed = true;
    m->timed_next = e->timed;
    e->timed = m;
}

/* By how much later than usual is what it gets, if a connection of it is known to read late? */
static inline int64_t market_behind(const engine *e, const market *m)
{
    int64_t most = 0;
    for (uint64_t left = m->feeders; left; left &= left - 1) {
        const struct connection *c = e->rows[__builtin_ctzll(left)];
        if (c != NULL && c->behind_ns > most)
            most = c->behind_ns;
    }
    return most;
}

/* Is it longer than that ago? Also where the clock was set back since: nobody knows how long it is then, and a book
 * must not wait for what is left of an hour. */
static inline bool time_is_up(int64_t since, int64_t now, int64_t limit)
{
    return now - since > limit || now - since < -OLD_NS;
}

/* Has nobody brought what is missing in time, or has all that came been old for too long? */
COLD bool market_overdue(const engine *e, const market *m, int64_t now)
{
    int64_t behind = market_behind(e, m);
    int64_t old = market_others(m, m->owner) ? OLD_MERGED_NS : OLD_NS;
    return (m->ahead_ns && time_is_up(m->ahead_ns, now, AHEAD_NS + behind)) ||
           (m->old_ns && time_is_up(m->old_ns, now, old + behind));
}

/* A connection is ahead of the book. True: nobody has brought what is missing in time. */
COLD bool market_ahead(engine *e, market *m, int index)
{
    m->feeders &= ~connection_bit(index);
    market_time(e, m);
    if (m->ahead_ns == 0)
        m->ahead_ns = e->receive_ns;
    return market_overdue(e, m, e->receive_ns);
}

/* A message that is older than the book was dropped. True: for too long now. One that ends where the book
 * is shows that the stream has come so far. */
static bool market_old(engine *e, market *m, const message *msg)
{
    const continuity *c = &m->sequence;
    if (msg->numbers.numbered ? msg->numbers.final >= c->last : msg->exchange_ns >= c->last_ns) {
        m->old_ns = 0;
        return false;
    }
    market_time(e, m);
    if (m->old_ns == 0)
        m->old_ns = e->receive_ns;
    return market_overdue(e, m, e->receive_ns);
}

/* ---- who was first --------------------------------------------------------------------------- */

static inline void recent_add(market *m, int64_t id, int64_t receive_ns, int connection)
{
    m->recent[m->recents++ % RECENT] = (recent){id, receive_ns, connection};
}

/* The copy of a book message came: whoever brought it first has won by so much. */
static inline void recent_copy(engine *e, const market *m, int64_t id, int connection)
{
    const recent *first = NULL;
    for (uint32_t i = 1; i <= RECENT && i <= m->recents; i++) {
        const recent *r = &m->recent[(m->recents - i) % RECENT];
        if (r->id < id)
            break;
        first = r; /* if none has this id: the oldest known, and the lead is at least that */
        if (r->id == id)
            break;
    }
    if (first == NULL || first->connection == connection || !connection_bit(first->connection))
        return;
    struct connection *winner = e->rows[first->connection];
    if (winner != NULL)
        winner->leads[winner->wins++ % LEADS_KEPT] = e->receive_ns - first->receive_ns;
}

static int lead_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median of the newest leads; 0: it has never won. */
static inline int64_t connection_lead(const connection *c)
{
    int64_t sorted[LEADS_KEPT];
    size_t count = c->wins < LEADS_KEPT ? (size_t)c->wins : LEADS_KEPT;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = c->leads[i];
    qsort(sorted, count, sizeof *sorted, lead_order);
    return sorted[count / 2];
}

/* ---- trades, quotes, statistics --------------------------------------------------------------- */

/* The id is far below the newest one: has the venue started over, or was that one wrong? It was, if what
 * comes behind it on its own connection says so, or if it is of long ago. What is known of higher ids is
 * forgotten then. */
COLD void trades_below(trade_window *w, int64_t id, int connection, int64_t now)
{
    if (w->newest - id <= TRADES_RESET && connection != w->newest_from &&
        now - w->newest_ns <= OLD_MERGED_NS)
        return; /* a connection that is behind */
    for (size_t at = 0; at < TRADES_KEPT; at++)
        if (w->ids[at] > id)
            w->ids[at] = 0;
    w->newest = 0;
}

/* Is the trade the last one, not one that another connection's newer ones have overtaken? */
static inline bool trade_last(const market *m, int64_t id, int connection, int64_t now)
{
    const trade_window *w = m->trades;
    return id <= 0 || w == NULL || id >= w->newest || connection == w->newest_from ||
           now - w->newest_ns > OLD_MERGED_NS;
}

/* Has another connection brought this trade? Otherwise it is remembered. The connections may be up
 * to TRADES_KEPT ids apart; what is further behind is taken for known. */
static inline bool trade_copy(market *m, int64_t id, int connection, int64_t now)
{
    trade_window *w = m->trades;
    if (id <= 0)
        return false; /* the venue numbers them not */
    if (UNLIKELY(w == NULL)) {
        if ((w = (trade_window *)calloc(1, sizeof *w)) == NULL)
            return false;
        m->trades = w;
    }
    if (UNLIKELY(w->newest - id >= TRADES_KEPT))
        trades_below(w, id, connection, now);
    size_t at = (size_t)id % TRADES_KEPT;
    if (w->ids[at] >= id && w->from[at] != (int16_t)connection)
        return true;
    if (id >= w->ids[at]) {
        w->ids[at] = id;
        w->from[at] = (int16_t)connection;
    }
    if (id > w->newest) {
        w->newest = id;
        w->newest_ns = now;
        w->newest_from = connection;
    }
    return false;
}

/* Older than the newest of its series: for how long has nothing else come? */
COLD bool lead_old(lead *l, const connection *from, int64_t now)
{
    int64_t patience = l->connection == from->index ? OLD_NS : OLD_MERGED_NS;
    if (l->old_ns == 0)
        l->old_ns = now;
    return now - l->old_ns <= patience + from->behind_ns;
}

/* Is it no news, since another connection was there before, or, of a series that is in `order`, since its
 * own was further? `at` 0: the venue says no time. */
static inline bool lead_copy(lead *l, int64_t at, const connection *from, bool order, int64_t now)
{
    bool other = l->connection != from->index;
    if (UNLIKELY(at <= l->at) && at != 0) {
        if (at == l->at) {
            l->old_ns = 0;
            if (other)
                return true;
        } else if ((other || order) && lead_old(l, from, now)) {
            return true;
        }
    }
    l->connection = from->index;
    l->at = at;
    l->old_ns = 0;
    return false;
}

#endif
