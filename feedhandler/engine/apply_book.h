/* A book message, through continuity, into the book and out to shared memory. */
#ifndef FEEDHANDLER_ENGINE_APPLY_BOOK_H
#define FEEDHANDLER_ENGINE_APPLY_BOOK_H

#include "uncross.h"

/* Keep a delta until what lies before it comes. */
static void book_keep(engine *e, market *m, const message *msg)
{
    const waiting *tail = backlog_tail(&m->backlog);
    uint64_t dropped = 0;
    uint32_t connection = (uint32_t)e->connection->index;
    bool based = continuity_based(&m->sequence); /* the book itself misses nothing */
    enum quality_place place = PLACE_NO_HOLE;
    if (!based)
        place = quality_lost(&m->quality, &m->sequence, &msg->numbers, (int)connection);
    if (place == PLACE_HOLE)
        fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
    if (UNLIKELY(msg->keyed))
        return; /* what its ids stand for is not known without the base: that has to come in the stream */
    if (tail && continuity_buffered(&m->sequence, &tail->numbers, &msg->numbers) &&
        (tail->connection != connection ||
         (tail->numbers.final == msg->numbers.final && m->sequence.rule != RULE_TIME))) {
        fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
        return;
    }
    if (tail && tail->connection == connection &&
        continuity_overtaken(&m->sequence, &backlog_head(&m->backlog)->numbers, &msg->numbers))
        return;
    if (tail && !continuity_chains(&m->sequence, &tail->numbers, &msg->numbers)) {
        if (!based && place == PLACE_NO_HOLE) { /* the numbers begin anew */
            fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
            quality_unsized(&m->quality);
        }
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
        bool step = !held || (m->feeders & connection_bit((int)w->connection)) != 0;
        enum continuity_action action = continuity_delta(&m->sequence, &w->numbers, !held, held, step);
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
            m->quality.applied++;
            if (!book_write(e, m, w->levels, w->count, w->first_count, w->first_side, false,
                            engine_flags(e) | FH_FLAG_REPLAY, w->exchange_ns, w->receive_ns))
                return FH_REASON_OVERFLOW;
            book_cut(e, m, engine_flags(e) | FH_FLAG_REPLAY);
            if (held) {
                market_fed(m, (int)w->connection);
                recent_add(m, w->numbers.final, w->receive_ns, (int)w->connection);
            }
            if (w->has_checksum || m->backlog.messages == 1)
                doubt = book_fault(e, m, w->has_checksum, w->checksum);
        } else { /* older than the base: however many, they are no sign that ids were reset */
            fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
            m->sequence.duplicates = 0;
            if (held && m->sequence.rule == RULE_TIME)
                m->feeders |= connection_bit((int)w->connection);
        }
        backlog_drop(&m->backlog);
    }
    return doubt;
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
    quality_based(&m->quality, &m->sequence);
    doubt = book_join(e, m, doubt, held, &gap);
    m->asked = false;
    if (gap) {
        book_gap(e, m, backlog_head(&m->backlog) ? &backlog_head(&m->backlog)->numbers : NULL);
        return;
    }
    if (doubt == FH_REASON_NONE && book_crossed(&m->book)) /* all that was buffered was older */
        doubt = FH_REASON_CROSSED;
    if (doubt != FH_REASON_NONE)
        backlog_clear(&m->backlog); /* it leads to this book again */
    book_settle(e, m, doubt);
}

/* Write a full book, and how far it reaches. */
static bool book_write_full(engine *e, market *m, const message *msg, level *levels)
{
    bool every = msg->kind == MESSAGE_FULL;
    if (UNLIKELY(msg->keyed) && !book_keyed(e, m, msg, levels))
        return false;
    if (msg->kind == MESSAGE_SNAPSHOT)
        fh_counter_add(e->writer, FH_COUNTER_SNAPSHOTS, 1);
    m->quality.applied += every;
    m->head.sent_ns = msg->sent_ns;
    bool fits = e->decoder->uncrosses
                    ? book_write_uncrossed(e, m, levels, msg->count, msg->first_count, msg->first_side, true,
                                           engine_flags(e), msg->exchange_ns, e->receive_ns)
                    : book_write(e, m, levels, msg->count, msg->first_count, msg->first_side, true,
                                 engine_flags(e), msg->exchange_ns, e->receive_ns);
    if (!fits) {
        market_memory(e, m);
        return false;
    }
    book_cut(e, m, engine_flags(e));
    known_based(e, m, every ? 1 : e->asked ? e->asked : e->window ? e->window : msg->window,
                every || (m->window && e->keeps_window));
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
    const waiting *head = backlog_head(&m->backlog), *tail = backlog_tail(&m->backlog);
    if (head && continuity_missed(&m->sequence, &head->numbers)) {
        continuity_lose(&m->sequence);
        fh_counter_add(e->writer, FH_COUNTER_STALE_SNAPSHOTS, 1);
        market_attention(e, m, SNAPSHOT_TOO_OLD, head->numbers.first);
        return;
    }
    if (tail == NULL || !continuity_confirmed(&m->sequence, &tail->numbers))
        return;
    market_fed(m, (int)tail->connection);
    book_based(e, m, FH_REASON_NONE, false);
}

/* `unusual`: constant at the call, for what most venues do not have: see engine.unusual. */
ALWAYS_INLINE void message_book_of(engine *e, const message *msg, bool unusual)
{
    market *m = msg->market;
    level *levels = e->levels + msg->levels;
    enum continuity_action action;
    int connection = e->connection->index;
    bool own = m->owner == connection || m->owner == NO_CONNECTION;
    bool others = market_others(m, connection);
    bool based = continuity_based(&m->sequence);
    int64_t id = msg->numbers.numbered ? msg->numbers.final : msg->exchange_ns;

    e->fed_levels += msg->count;
    e->connection->levels += msg->count;
    m->window = unusual && e->window ? e->window : msg->window;
    if (UNLIKELY(!levels_rescale(m, msg->precision, levels, msg->count))) {
        market_unfit(e, m);
        return;
    }
    engine_make_room(e, UNLIKELY(m->backlog.messages) || (unusual && e->decoder->uncrosses) ? SIZE_MAX
                         : unusual && e->window ? 2 * (size_t)msg->count /* as many may fall out */
                                                : msg->count);
    if (msg->kind == MESSAGE_DELTA) {
        m->incremental = true;
        action = continuity_delta(&m->sequence, &msg->numbers, own, others,
                                  !unusual || market_step(e, m, own));
    } else if (msg->kind == MESSAGE_SNAPSHOT) {
        m->incremental = true;
        action = continuity_snapshot(&m->sequence, &msg->numbers, own);
    } else {
        action = continuity_full(&m->sequence, &msg->numbers, msg->exchange_ns, own);
    }
    switch (action) {
    case ACTION_APPLY:
        market_fed(m, connection);
        m->quality.applied++;
        m->head.sent_ns = msg->sent_ns;
        recent_add(m, id, e->receive_ns, connection);
        if (msg->count == 0 && !msg->has_checksum && !m->backlog.messages) {
            if (UNLIKELY(m->probe_ns))
                quote_from_book(e, m, m->head.exchange_ns, e->receive_ns);
            market_show(e, m, true); /* a keep-alive: only the number moves */
            return;
        }
        if (unusual && msg->keyed && !book_keyed(e, m, msg, levels))
            return;
        bool fits = unusual && e->decoder->uncrosses
                        ? book_write_uncrossed(e, m, levels, msg->count, msg->first_count, msg->first_side,
                                               false, engine_flags(e), msg->exchange_ns, e->receive_ns)
                        : book_write(e, m, levels, msg->count, msg->first_count, msg->first_side, false,
                                     engine_flags(e), msg->exchange_ns, e->receive_ns);
        if (UNLIKELY(!fits)) {
            market_memory(e, m);
            return;
        }
        if (unusual)
            book_cut(e, m, engine_flags(e));
        int doubt = book_fault(e, m, msg->has_checksum, msg->checksum);
        if (UNLIKELY(m->backlog.messages))
            doubt = book_follow(e, m, doubt);
        book_settle(e, m, doubt);
        return;
    case ACTION_REPLACE:
        if (UNLIKELY(m->sequence.rule == RULE_NONE) && msg->kind == MESSAGE_SNAPSHOT)
            m->feeders = 0; /* nothing tells how far the others are from here */
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
            book_gap(e, m, NULL);
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
        book_gap(e, m, &msg->numbers);
        if (continuity_buffers(&m->sequence))
            book_buffer(e, m, msg);
        return;
    case ACTION_BUFFER:
        if (unusual && m->sequence.rule == RULE_TIME && m->backlog.messages &&
            (int)backlog_tail(&m->backlog)->connection != connection) {
            fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1); /* one connection is heard */
            return;
        }
        m->owner = connection;
        if (m->state == FH_STATE_NONE) {
            market_state(e, m, FH_STATE_SYNCING, FH_REASON_START);
            market_show(e, m, true);
        }
        book_buffer(e, m, msg);
        book_confirm(e, m);
        return;
    default:
        if (quality_lost(&m->quality, &m->sequence, &msg->numbers, connection) == PLACE_HOLE)
            fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
        m->owner = connection;
        return;
    }
}

COLD void message_book_unusual(engine *e, const message *msg) { message_book_of(e, msg, true); }

static inline void message_book(engine *e, const message *msg)
{
    if (UNLIKELY(e->unusual))
        message_book_unusual(e, msg);
    else
        message_book_of(e, msg, false);
}

#endif
