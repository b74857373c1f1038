/* Levels into a book and its records out; whether the book is what the venue has; and how it is lost. */
#ifndef FEEDHANDLER_ENGINE_BOOK_WRITE_H
#define FEEDHANDLER_ENGINE_BOOK_WRITE_H

#include "precision.h"

/* ---- losing a book --------------------------------------------------------------------------- */

/* The book is not to be believed any more; say so at once. Heal: by resubscription or request. */
COLD void market_lose(engine *e, market *m, int state, int reason)
{
    if (reason != FH_REASON_GAP)
        quality_leaves(&m->quality, &m->sequence);
    continuity_lose(&m->sequence);
    market_forget_feeders(m);
    m->asked = false;
    bool changed = market_state(e, m, state, reason);
    market_show(e, m, true);
    if (changed && m->has_book)
        fh_counter_add(e->writer, FH_COUNTER_RESYNCS, 1);
    if (m->has_book)
        market_attention(e, m, NEED_RESYNC, reason);
}

/* A message of the book may be missing on this connection, and nothing will show it: what it brings from now
 * on does not continue the book. Another one that is in step does, or else the book is lost. */
COLD void market_missed(engine *e, market *m, int reason)
{
    int index = e->connection->index;
    const waiting *tail = backlog_tail(&m->backlog);
    if (!m->has_book || m->state == FH_STATE_CLOSED)
        return;
    if (tail && tail->connection == (uint32_t)index)
        backlog_clear(&m->backlog);
    if (m->owner != index && !(m->feeders & connection_bit(index)))
        return;
    m->feeders &= ~connection_bit(index);
    if (m->feeders && m->owner == index)
        m->owner = __builtin_ctzll(m->feeders);
    else if (!m->feeders && m->sequence.phase != PHASE_EMPTY)
        market_lose(e, m, FH_STATE_STALE, reason);
}

/* ---- books ----------------------------------------------------------------------------------- */

static void side_cut(engine *e, book_side *s, uint8_t side, uint32_t most)
{
    if (s->count <= most)
        return;
    uint32_t gone = s->count - most;
    for (uint32_t i = gone; i > 0; i--)
        fh_message_add(e->writer, FH_KIND_LEVEL, side, s->levels[i - 1].price, 0, 0);
    memmove(s->levels, s->levels + gone, (size_t)most * sizeof *s->levels);
    s->count = most;
    s->beyond -= s->beyond < gone ? s->beyond : gone;
    s->dirty = range_union(s->dirty, (depth_range){most, UINT32_MAX});
}

/* What is beyond the levels that the venue keeps: it says no more of them, and not that they are gone. */
COLD void book_cut(engine *e, market *m, uint8_t flags)
{
    if (!e->window || (m->book.bids.count <= e->window && m->book.asks.count <= e->window))
        return;
    records_begin(e, m, flags, m->head.exchange_ns, m->head.receive_ns, (uint64_t)m->sequence.place);
    fh_message_sent(e->writer, m->head.sent_ns);
    side_cut(e, &m->book.bids, FH_BID, e->window);
    side_cut(e, &m->book.asks, FH_ASK, e->window);
    fh_message_end(e->writer);
}

/* Ring records of a book message, and the book itself. Room for them was made before the message's number
 * became the book's: what is shown of this book then is of one moment. */
static inline bool book_write(engine *e, market *m, const level *levels, uint32_t count,
                              uint32_t first_count, uint8_t first_side, bool full, uint8_t flags,
                              int64_t exchange_ns, int64_t receive_ns)
{
    uint8_t second_side = first_side ^ 1;
    records_begin(e, m, flags | (full ? FH_FLAG_SNAPSHOT : 0), exchange_ns, receive_ns,
                  (uint64_t)m->sequence.place);
    fh_message_sent(e->writer, m->head.sent_ns);
    if (full) {
        fh_message_add(e->writer, FH_KIND_CLEAR, 0, 0, 0, 0);
        book_clear(&m->book);
    }
    fh_message_levels(e->writer, first_side, (const int64_t *)levels, first_count, count);
    m->head.exchange_ns = exchange_ns;
    m->head.receive_ns = receive_ns;
    if (UNLIKELY(m->deepening))
        deepen_keep(e, m, levels, count, first_count, first_side);
    if (full)
        return book_fill(&m->book, first_side, levels, first_count) &
               book_fill(&m->book, second_side, levels + first_count, count - first_count);
    bool fits = book_set(&m->book, first_side, levels, first_count);
    fits &= book_set(&m->book, second_side, levels + first_count, count - first_count);
    if (m->window)
        book_window(&m->book, m->window, e->keeps_window);
    return fits;
}

/* Does the book have the venue's checksum? */
static __attribute__((noinline)) int book_checked(engine *e, market *m, int64_t checksum)
{
    const checksum_scale scale = {m->price_exponent, m->size_exponent, m->price_written,
                                  m->size_written};
    if (UNLIKELY(m->checked == NULL) &&
        (m->checked = (checksum_book *)calloc(1, sizeof *m->checked)) == NULL)
        return FH_REASON_OVERFLOW; /* no memory */
    if (UNLIKELY(checksum_of(e->checksum, m->checked, &m->book, &scale) != checksum)) {
        fh_counter_add(e->writer, FH_COUNTER_CHECKSUM_BAD, 1);
        return FH_REASON_CHECKSUM;
    }
    fh_counter_add(e->writer, FH_COUNTER_CHECKSUM_OK, 1);
    return FH_REASON_NONE;
}

/* Is the book that was just changed what the venue has? Answers the reason when it is not. */
static inline int book_fault(engine *e, market *m, bool has_checksum, int64_t checksum)
{
    if (has_checksum && e->checksum) {
        int doubt = book_checked(e, m, checksum);
        if (UNLIKELY(doubt != FH_REASON_NONE))
            return doubt;
    }
    if (UNLIKELY(m->keyed.rows) && !e->window && !m->window &&
        m->keyed.count != m->book.bids.count + m->book.asks.count)
        return FH_REASON_MALFORMED; /* two ids of one price: which of their sizes is it? */
    if (UNLIKELY(book_crossed(&m->book))) {
        fh_counter_add(e->writer, FH_COUNTER_CROSSED, 1);
        return FH_REASON_CROSSED;
    }
    return FH_REASON_NONE;
}

/* The end of every change of a book: its state, the cells, visibility. */
static inline void book_settle(engine *e, market *m, int doubt)
{
    if (LIKELY(doubt == FH_REASON_NONE))
        doubt = known_doubt(e, m);
    quote_from_book(e, m, m->head.exchange_ns, m->head.receive_ns);
    if (UNLIKELY(doubt != FH_REASON_NONE)) {
        market_lose(e, m, doubt == FH_REASON_CROSSED ? FH_STATE_CROSSED : FH_STATE_STALE, doubt);
        return;
    }
    if (UNLIKELY(e->polled)) { /* what follows it in the stream is not known: never LIVE */
        continuity_lose(&m->sequence);
        market_state(e, m, FH_STATE_DEGRADED, FH_REASON_DISCONNECTED);
    } else if (UNLIKELY(m->state != FH_STATE_LIVE)) {
        market_state(e, m, FH_STATE_LIVE, FH_REASON_NONE);
        market_attention(e, m, BECAME_LIVE, 0);
    }
    market_show(e, m, true);
}

static inline void market_memory(engine *e, market *m)
{
    e->out_of_memory = true;
    market_lose(e, m, FH_STATE_STALE, FH_REASON_OVERFLOW);
}

/* `came`: the numbers behind the hole; NULL: nobody knows. */
static void book_gap(engine *e, market *m, const sequence *came)
{
    fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
    quality_gap(&m->quality, &m->sequence, m->sequence.last, came,
                e->connection ? e->connection->index : NO_CONNECTION);
    market_lose(e, m, FH_STATE_STALE, FH_REASON_GAP);
}

/* What the ids of its levels stand for. False: the book is lost. */
COLD bool book_keyed(engine *e, market *m, const message *msg, level *levels)
{
    const int64_t *ids = e->ids + msg->levels;
    if (msg->kind != MESSAGE_DELTA)
        keyed_clear(&m->keyed);
    for (uint32_t i = 0; i < msg->count; i++) {
        uint8_t side = i < msg->first_count ? msg->first_side : msg->first_side ^ 1;
        enum keyed_result result = keyed_change(&m->keyed, ids[i], side, &levels[i], FH_NONE);
        if (UNLIKELY(result != KEYED_KNOWN)) {
            if (result == KEYED_FULL)
                market_memory(e, m);
            else
                book_gap(e, m, NULL);
            return false;
        }
    }
    return true;
}

#endif
