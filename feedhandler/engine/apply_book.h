/* A book message, through continuity, into the book and out to shared memory. */
#ifndef FEEDHANDLER_ENGINE_APPLY_BOOK_H
#define FEEDHANDLER_ENGINE_APPLY_BOOK_H

#include "precision.h"

/* ---- losing a book --------------------------------------------------------------------------- */

/* The book is not to be believed any more; say so at once. Heal: by resubscription or request. */
COLD void market_lose(engine *e, market *m, int state, int reason)
{
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

/* ---- books ----------------------------------------------------------------------------------- */

static inline void records_levels(engine *e, uint8_t side, const level *levels, uint32_t count)
{
    if (count)
        fh_message_run(e->writer, FH_KIND_LEVEL, side, &levels->price, count);
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
    if (full) {
        fh_message_add(e->writer, FH_KIND_CLEAR, 0, 0, 0, 0);
        book_clear(&m->book);
    }
    records_levels(e, first_side, levels, first_count);
    records_levels(e, second_side, levels + first_count, count - first_count);
    fh_message_end(e->writer);
    m->head.exchange_ns = exchange_ns;
    m->head.receive_ns = receive_ns;
    if (UNLIKELY(m->deepening))
        deepen_keep(e, m, levels, count, first_count, first_side);
    bool fits = book_set(&m->book, first_side, levels, first_count);
    fits &= book_set(&m->book, second_side, levels + first_count, count - first_count);
    if (m->window && !full)
        book_window(&m->book, m->window, e->decoder->keeps_window);
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

/* Keep a delta until what lies before it comes. */
static void book_keep(engine *e, market *m, const message *msg)
{
    const waiting *tail = backlog_tail(&m->backlog);
    uint64_t dropped = 0;
    uint32_t connection = (uint32_t)e->connection->index;
    if (tail && continuity_buffered(&m->sequence, &tail->numbers, &msg->numbers) &&
        (tail->connection != connection || tail->numbers.final == msg->numbers.final)) {
        fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
        return;
    }
    if (tail && !continuity_chains(&m->sequence, &tail->numbers, &msg->numbers)) {
        if (!continuity_based(&m->sequence)) /* else the book itself misses nothing */
            fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
        fh_counter_add(e->writer, FH_COUNTER_BUFFER_DROPPED, m->backlog.messages);
        backlog_clear(&m->backlog);
    }
    waiting *w = backlog_add(&m->backlog, msg->count, e->buffer_bytes, &dropped);
    if (dropped)
        fh_counter_add(e->writer, FH_COUNTER_BUFFER_DROPPED, dropped);
    if (w != NULL) {
        w->numbers = msg->numbers;
        w->exchange_ns = msg->exchange_ns;
        w->sent_ns = msg->sent_ns;
        w->receive_ns = e->receive_ns;
        w->connection = connection;
        w->first_count = msg->first_count;
        w->first_side = msg->first_side;
        w->precision = msg->precision;
        w->has_checksum = msg->has_checksum;
        w->checksum = msg->checksum;
        if (msg->count)
            memcpy(w->levels, e->levels + msg->levels, (size_t)msg->count * sizeof(level));
        fh_counter_add(e->writer, FH_COUNTER_BUFFERED, 1);
    }
}

/* Keep it, and ask for the base. */
static void book_buffer(engine *e, market *m, const message *msg)
{
    book_keep(e, m, msg);
    if (!m->asked) {
        m->asked = true;
        market_attention(e, m, NEED_SNAPSHOT, msg->numbers.numbered ? msg->numbers.first : 0);
    }
}

/* Apply what was buffered on top of the book. Answers the doubt about the result; *gap: the base just
 * taken is lost again (it cannot be by the numbers alone, but a second base may come early). `held`:
 * the book was in step, and these are of a connection that is ahead of it: they wait on if they must. */
static int book_join(engine *e, market *m, int doubt, bool held, bool *gap)
{
    waiting *w;
    while (doubt == FH_REASON_NONE && (w = backlog_head(&m->backlog)) != NULL) {
        enum continuity_action action = continuity_delta(&m->sequence, &w->numbers, !held, held);
        if (action == ACTION_AHEAD)
            return doubt;
        if (action == ACTION_GAP) {
            *gap = true;
            return doubt;
        }
        if (action == ACTION_APPLY) {
            if (!levels_rescale(m, w->precision, w->levels, w->count))
                return FH_REASON_PRECISION;
            m->head.sent_ns = w->sent_ns;
            if (!book_write(e, m, w->levels, w->count, w->first_count, w->first_side, false,
                            engine_flags(e) | FH_FLAG_REPLAY, w->exchange_ns, w->receive_ns))
                return FH_REASON_OVERFLOW;
            if (held) {
                market_fed(m, (int)w->connection);
                recent_add(m, w->numbers.final, w->receive_ns, (int)w->connection);
            }
            if (w->has_checksum || m->backlog.messages == 1)
                doubt = book_fault(e, m, w->has_checksum, w->checksum);
        } else { /* older than the base: however many, they are no sign that ids were reset */
            fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
            m->sequence.duplicates = 0;
        }
        backlog_drop(&m->backlog);
    }
    return doubt;
}

static void book_gap(engine *e, market *m)
{
    fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
    market_lose(e, m, FH_STATE_STALE, FH_REASON_GAP);
}

/* The other connection has come so far: what was held of the one that is ahead may follow now. */
COLD int book_follow(engine *e, market *m, int doubt)
{
    bool gap = false;
    return book_join(e, m, doubt, true, &gap);
}

/* The full book that was written last is the base: apply what waits for it. `held`: see book_join. */
static void book_based(engine *e, market *m, int doubt, bool held)
{
    bool gap = false;
    doubt = book_join(e, m, doubt, held, &gap);
    m->asked = false;
    if (gap) {
        book_gap(e, m);
        return;
    }
    if (doubt == FH_REASON_NONE && book_crossed(&m->book)) /* all that was buffered was older */
        doubt = FH_REASON_CROSSED;
    if (doubt != FH_REASON_NONE)
        backlog_clear(&m->backlog); /* it leads to this book again */
    book_settle(e, m, doubt);
}

/* Write a full book, and how far it reaches. */
static bool book_write_full(engine *e, market *m, const message *msg, const level *levels)
{
    bool every = msg->kind == MESSAGE_FULL;
    if (msg->kind == MESSAGE_SNAPSHOT)
        fh_counter_add(e->writer, FH_COUNTER_SNAPSHOTS, 1);
    m->head.sent_ns = msg->sent_ns;
    if (!book_write(e, m, levels, msg->count, msg->first_count, msg->first_side, true,
                    engine_flags(e), msg->exchange_ns, e->receive_ns)) {
        market_memory(e, m);
        return false;
    }
    known_based(e, m, every ? 1 : e->asked ? e->asked : msg->window,
                every || (m->window && e->decoder->keeps_window));
    return true;
}

/* A full book that continuity has let through. `held`: see book_join. */
static void book_replace(engine *e, market *m, const message *msg, level *levels, bool held)
{
    if (!book_write_full(e, m, msg, levels))
        return;
    int doubt = FH_REASON_NONE;
    if (m->backlog.messages == 0 || msg->has_checksum)
        doubt = book_fault(e, m, msg->has_checksum, msg->checksum);
    book_based(e, m, doubt, held);
}

/* A full book that was asked for, and that the stream has not reached: shown, and not LIVE. What is
 * buffered stays, for this one or for another. */
static void book_claim(engine *e, market *m, const message *msg, level *levels)
{
    if (!book_write_full(e, m, msg, levels))
        return;
    if (m->quote.source != FH_SOURCE_QUOTE)
        quote_from_book(e, m, msg->exchange_ns, e->receive_ns);
    m->asked = true;
    market_state(e, m, FH_STATE_SYNCING, FH_REASON_UNCONFIRMED);
    market_attention(e, m, UNCONFIRMED, msg->numbers.final);
    market_show(e, m, true);
}

/* One more delta waits: does it show that the stream has come to the claimed book? */
static inline void book_confirm(engine *e, market *m)
{
    const waiting *tail = backlog_tail(&m->backlog);
    if (tail == NULL || !continuity_confirmed(&m->sequence, &tail->numbers))
        return;
    market_fed(m, (int)tail->connection);
    book_based(e, m, FH_REASON_NONE, false);
}

static inline void message_book(engine *e, const message *msg)
{
    market *m = msg->market;
    level *levels = e->levels + msg->levels;
    enum continuity_action action;
    int connection = e->connection->index;
    bool own = m->owner == connection || m->owner == NO_CONNECTION;
    bool others = market_others(m, connection);
    bool based = continuity_based(&m->sequence);
    int64_t id = msg->numbers.numbered ? msg->numbers.final : msg->exchange_ns;

    fh_counter_add(e->writer, FH_COUNTER_LEVELS, msg->count);
    e->connection->levels += msg->count;
    m->window = msg->window;
    if (UNLIKELY(!levels_rescale(m, msg->precision, levels, msg->count))) {
        market_unfit(e, m);
        return;
    }
    engine_make_room(e, UNLIKELY(m->backlog.messages) ? SIZE_MAX : msg->count);
    if (msg->kind == MESSAGE_DELTA) {
        m->incremental = true;
        action = continuity_delta(&m->sequence, &msg->numbers, own, others);
    } else if (msg->kind == MESSAGE_SNAPSHOT) {
        m->incremental = true;
        action = continuity_snapshot(&m->sequence, &msg->numbers, own);
    } else {
        action = continuity_full(&m->sequence, &msg->numbers, msg->exchange_ns, own);
    }
    switch (action) {
    case ACTION_APPLY:
        market_fed(m, connection);
        m->head.sent_ns = msg->sent_ns;
        recent_add(m, id, e->receive_ns, connection);
        if (msg->count == 0 && !msg->has_checksum && !m->backlog.messages) {
            if (UNLIKELY(m->probe_ns))
                quote_from_book(e, m, m->head.exchange_ns, e->receive_ns);
            market_show(e, m, true); /* a keep-alive: only the number moves */
            return;
        }
        if (UNLIKELY(!book_write(e, m, levels, msg->count, msg->first_count, msg->first_side, false,
                                 engine_flags(e), msg->exchange_ns, e->receive_ns))) {
            market_memory(e, m);
            return;
        }
        int doubt = book_fault(e, m, msg->has_checksum, msg->checksum);
        if (UNLIKELY(m->backlog.messages))
            doubt = book_follow(e, m, doubt);
        book_settle(e, m, doubt);
        return;
    case ACTION_REPLACE:
        market_fed(m, connection);
        recent_add(m, id, e->receive_ns, connection);
        if (msg->kind == MESSAGE_SNAPSHOT)
            quote_forget(m);
        const waiting *head = backlog_head(&m->backlog);
        if (head && !based && !continuity_joins(&m->sequence, &msg->numbers, &head->numbers))
            backlog_clear(&m->backlog); /* of other numbers */
        book_replace(e, m, msg, levels, based);
        return;
    case ACTION_DUPLICATE:
        fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
        if (msg->numbers.numbered || msg->kind == MESSAGE_FULL)
            m->feeders |= connection_bit(connection);
        if (msg->kind != MESSAGE_SNAPSHOT && others)
            recent_copy(e, m, id, connection);
        if (UNLIKELY(market_old(e, m, msg)))
            book_gap(e, m);
        return;
    case ACTION_AHEAD:
        if (!market_ahead(e, m, connection)) {
            if (continuity_buffers(&m->sequence))
                book_keep(e, m, msg);
            else
                fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
            return;
        }
        __attribute__((fallthrough));
    case ACTION_GAP:
        book_gap(e, m);
        if (continuity_buffers(&m->sequence))
            book_buffer(e, m, msg);
        return;
    case ACTION_BUFFER:
        m->owner = connection;
        if (m->state == FH_STATE_NONE) {
            market_state(e, m, FH_STATE_SYNCING, FH_REASON_START);
            market_show(e, m, true);
        }
        book_buffer(e, m, msg);
        book_confirm(e, m);
        return;
    default: m->owner = connection; return;
    }
}

#endif
