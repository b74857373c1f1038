/* Snapshots that were asked for: the base of a book, or a deeper one under a book in step. */
#ifndef FEEDHANDLER_ENGINE_SNAPSHOT_H
#define FEEDHANDLER_ENGINE_SNAPSHOT_H

#include "wrong_instrument.h"

/* Decode the answer. False: it is none. */
static bool answer_read(engine *e, connection *from, market *m, const void *payload, size_t length,
                        int64_t receive_ns)
{
    cursor c;
    engine_begin(e, from, receive_ns);
    e->book_frame = false; /* a bad answer harms no book: it is asked for again */
    engine_cursor(e, &c, engine_copy(e, payload, length), length);
    ENGINE_ITEM(e, &c, e->decoder->snapshot(e, &c, m));
    if (cursor_finish(&c) && !e->out_of_memory)
        return true;
    engine_malformed(e, &c, "snapshot");
    return false;
}

static int engine_answer(engine *e, connection *from, market *m, const void *payload, size_t length,
                         int64_t receive_ns)
{
    if (!answer_read(e, from, m, payload, length, receive_ns)) {
        m->asked = false; /* the next delta asks once more */
        return engine_end(e, FEED_MALFORMED, true);
    }
    if (e->message_count == 0)
        return engine_end(e, FEED_DATA, true); /* it could not be widened to fit; the state says so */
    const message *msg = &e->messages[0];
    if (!e->polled && answer_foreign(e, m, msg, e->levels + msg->levels)) {
        fh_counter_add(e->writer, FH_COUNTER_STALE_SNAPSHOTS, 1);
        market_attention(e, m, FOREIGN, msg->numbers.final);
        return engine_end(e, FEED_DATA, true);
    }
    const waiting *head = backlog_head(&m->backlog), *tail = backlog_tail(&m->backlog);
    bool based = continuity_based(&m->sequence);
    engine_make_room(e, SIZE_MAX);
    int action = continuity_answer(&m->sequence, &msg->numbers, head ? &head->numbers : NULL,
                                   tail ? &tail->numbers : NULL);
    if (action == ACTION_CLAIM && e->polled)
        action = ACTION_REPLACE; /* nobody will confirm it: it says so of itself */
    switch (action) {
    case ACTION_TOO_OLD:
        fh_counter_add(e->writer, FH_COUNTER_STALE_SNAPSHOTS, 1);
        market_attention(e, m, SNAPSHOT_TOO_OLD, head->numbers.first);
        break;
    case ACTION_REPLACE:
        if (tail && !based) /* the last that brought some of it is still there, or it would be gone */
            market_fed(m, m->sequence.rule == RULE_TIME ? (int)tail->connection : m->owner);
        e->fed_levels += msg->count;
        book_replace(e, m, msg, e->levels + msg->levels, based);
        break;
    case ACTION_CLAIM:
        e->fed_levels += msg->count;
        book_claim(e, m, msg, e->levels + msg->levels);
        break;
    default:
        fh_counter_add(e->writer, FH_COUNTER_DUPLICATES, 1);
        if (m->sequence.phase == PHASE_CLAIMED && msg->numbers.final == m->sequence.last)
            market_attention(e, m, UNCONFIRMED, msg->numbers.final); /* it stands still */
    }
    return engine_end(e, FEED_DATA, true);
}

/* Under a book in step, a base of a message that it has: see deepen.h. */
static enum deepen_result book_deepen(engine *e, market *m, const message *msg, const level *levels)
{
    book deep = {0}, *ours = &m->book;
    book_clear(&deep);
    bool fits = book_fill(&deep, msg->first_side, levels, msg->first_count);
    fits &= book_fill(&deep, msg->first_side ^ 1, levels + msg->first_count,
                      msg->count - msg->first_count);
    book_base(&deep, e->asked);
    for (waiting *w; fits && (w = backlog_head(&m->since)) != NULL; backlog_drop(&m->since)) {
        if (w->numbers.final <= msg->numbers.final)
            continue;
        fits &= book_set(&deep, w->first_side, w->levels, w->first_count);
        fits &= book_set(&deep, w->first_side ^ 1, w->levels + w->first_count,
                         w->count - w->first_count);
        if (m->window)
            book_window(&deep, m->window, e->keeps_window);
    }
    deepen_end(m);
    bool agrees = deepen_agrees(&ours->bids, &deep.bids, false) &&
                  deepen_agrees(&ours->asks, &deep.asks, true);
    size_t most = (size_t)deep.bids.count + deep.asks.count + ours->bids.beyond + ours->asks.beyond;
    level *changes = (level *)malloc((most + 1) * sizeof *changes);
    fits &= changes != NULL;
    if (fits && agrees) {
        uint32_t bids = deepen_side(&ours->bids, &deep.bids, false, changes);
        uint32_t count = bids + deepen_side(&ours->asks, &deep.asks, true, changes + bids);
        engine_make_room(e, SIZE_MAX);
        if (count)
            fits = book_write(e, m, changes, count, bids, FH_BID, false,
                              engine_flags(e) | FH_FLAG_REPLAY, m->head.exchange_ns,
                              m->head.receive_ns);
        deepen_edge(&ours->bids, &deep.bids, false);
        deepen_edge(&ours->asks, &deep.asks, true);
        known_arm(e, m);
        market_show(e, m, true);
    }
    free(changes);
    book_free(&deep);
    if (!fits)
        market_memory(e, m);
    return agrees ? DEEPEN_DONE : DEEPEN_OTHER;
}

/* A deeper base for a book that is in step, of what was asked for after `deepen_begin`. */
static enum deepen_result engine_deepen(engine *e, connection *from, market *m, const void *payload,
                                        size_t length)
{
    if (!answer_read(e, from, m, payload, length, 0)) {
        engine_end(e, FEED_MALFORMED, true);
        return DEEPEN_MALFORMED;
    }
    enum deepen_result result = DEEPEN_OLD;
    if (e->message_count && m->deepening && continuity_based(&m->sequence) &&
        m->precision == m->since_precision && e->messages[0].numbers.numbered) {
        const message *msg = &e->messages[0];
        result = msg->numbers.final > m->sequence.last ? DEEPEN_AHEAD
                 : msg->numbers.final < m->since_id    ? DEEPEN_OLD
                                                       : DEEPEN_DONE;
        if (result == DEEPEN_DONE)
            result = book_deepen(e, m, msg, e->levels + msg->levels);
    }
    if (result == DEEPEN_OLD)
        deepen_end(m);
    engine_end(e, FEED_DATA, true);
    return result;
}

#endif
