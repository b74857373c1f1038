/* Frames: what is fed to the engine, and when it is shown. */
#ifndef FEEDHANDLER_ENGINE_ENGINE_H
#define FEEDHANDLER_ENGINE_ENGINE_H

#include "../wire/websocket.h"
#include "by_keys.h"
#include "learn.h"
#include "open_close.h"
#include "shaped_decode.h"

COLD void engine_error(engine *e, int error, const cursor *c, const uint8_t *at, const char *about)
{
    fh_counter_add(e->writer, FH_COUNTER_MALFORMED, 1);
    e->connection->malformed++;
    e->error = error ? error : WIRE_MEMORY;
    e->error_byte = at ? (size_t)(at - c->begin) : 0;
    strncpy(e->error_about, e->subject ? e->subject->entry.symbol : about, sizeof e->error_about - 1);
}

/* The best bid and offer of an instrument without a book did not come: what is known of them is old. */
COLD void quote_lose(engine *e, market *m)
{
    if (m->has_book || m->state == FH_STATE_CLOSED)
        return;
    if (market_others(m, e->connection->index)) {
        m->feeders &= ~connection_bit(e->connection->index);
        return;
    }
    m->quote.bid_price = m->quote.ask_price = FH_NONE;
    m->quote.bid_size = m->quote.ask_size = 0;
    m->quote.source = FH_SOURCE_NONE;
    market_state(e, m, FH_STATE_STALE, FH_REASON_MALFORMED);
    market_show(e, m, false);
}

COLD void engine_malformed(engine *e, const cursor *c, const char *about)
{
    engine_error(e, c->error, c, c->error_at, about);
    if (!e->book_frame) {
        if (e->subject)
            quote_lose(e, e->subject);
        return;
    }
    bool shows = e->rules.rule != RULE_NONE && e->rules.rule != RULE_TIME; /* a hole in the numbers */
    if (e->subject) { /* this book has missed something, unless another connection brings it */
        market *m = e->subject;
        bool begun = m->sequence.phase != PHASE_EMPTY;
        if (!shows)
            market_missed(e, m, FH_REASON_MALFORMED);
        else if (market_others(m, e->connection->index))
            m->feeders &= ~connection_bit(e->connection->index);
        else if (m->has_book && begun)
            market_lose(e, m, FH_STATE_STALE, FH_REASON_MALFORMED);
        if (!begun && m->has_book && m->state == FH_STATE_SYNCING &&
            market_state(e, m, FH_STATE_STALE, FH_REASON_MALFORMED))
            market_show(e, m, true); /* it may have been the first full book */
        return;
    }
    if (shows || e->rules.base == BASE_EVERY)
        return; /* the chain will find the hole; or the next message is whole again */
    for (uint32_t i = 0; i < e->room; i++) /* nothing else would: every book may have missed it */
        if (e->markets[i])
            market_missed(e, e->markets[i], FH_REASON_MALFORMED);
}

static inline void engine_begin(engine *e, connection *from, int64_t receive_ns)
{
    e->connection = from;
    e->receive_ns = receive_ns ? receive_ns : clock_now(&e->clock);
    e->subject = NULL;
    e->book_frame = true;
    e->unknown = 0;
    e->odd = WIRE_OK;
    e->crossed = NULL;
    e->message_count = e->level_count = e->stat_count = 0;
    e->short_of = NULL;
    e->out_of_memory = false;
    e->written = false;
}

enum { HELD_FRAMES = 16 }; /* read in a few microseconds */
enum { FRAME_SPARE = 1 << 20 }; /* bytes that the copy of a frame may have too many */

/* What was fed, to the counters: once for frames that come at once. */
static inline void engine_count(engine *e)
{
    _Static_assert(FH_COUNTER_BYTES == FH_COUNTER_FRAMES + 1 && FH_COUNTER_MESSAGES == FH_COUNTER_LEVELS + 1, "two");
    fh_counter_add_two(e->writer, FH_COUNTER_FRAMES, e->fed_frames, e->fed_bytes);
    fh_counter_add_two(e->writer, FH_COUNTER_LEVELS, e->fed_levels, e->fed_messages);
    e->fed_frames = e->fed_bytes = e->fed_levels = e->fed_messages = 0;
}

/* Let all be seen that was fed without `wake`. */
static inline void engine_flush(engine *e)
{
    fh_writer *w = e->writer;
    if (e->fed_frames | e->fed_levels)
        engine_count(e);
    if (e->held)
        engine_show(e);
    if (e->held_frames && !e->replay && w->publish_ns > e->receive_ns)
        fh_histogram_add(w, FH_HISTOGRAM_RECEIVE_PUBLISH, (uint64_t)(w->publish_ns - e->receive_ns),
                         e->held_frames);
    e->held_frames = 0;
}

/* Wake who sleeps, if anything was published since the last time. */
static inline void engine_wake(engine *e)
{
    e->batch_ns = 0;
    engine_flush(e);
    if (e->unwoken) {
        e->unwoken = false;
        fh_wake(e->writer);
    }
}

/* Show what was written and wake sleepers, unless more frames follow at once; what the caller should
 * know. */
static inline int engine_end(engine *e, int result, bool wake)
{
    fh_writer *w = e->writer;
    e->held_frames += e->written;
    if (wake)
        engine_wake(e);
    else if (e->held_frames >= HELD_FRAMES || w->next - 1 - e->shown >= w->limit / 2)
        engine_flush(e);
    if (e->unknown) {
        result |= FEED_UNKNOWN;
        fh_counter_add(e->writer, FH_COUNTER_UNKNOWN, 1);
        e->connection->unknown++;
    }
    if (UNLIKELY(e->attention_count))
        result |= FEED_ATTENTION;
    return result;
}

/* Room for a copy of so many bytes; much less than there is after a frame that was much longer, whose
 * memory would otherwise be kept for good. What its texts were made plain in is as long. */
COLD bool engine_frame_room(engine *e, size_t need)
{
    size_t room = need + (need < FRAME_SPARE ? need : FRAME_SPARE) / 2;
    if (room < e->frame_room) {
        free(e->spare.bytes);
        e->spare = (spare){0};
    }
    uint8_t *frame = (uint8_t *)realloc(e->frame, room);
    if (frame == NULL)
        return false;
    e->frame = frame;
    e->frame_room = room;
    return true;
}

/* A copy of a payload that can be read where it lies, as engine_feed_here has it; NULL: no memory. */
static inline const uint8_t *engine_copy(engine *e, const void *payload, size_t length)
{
    size_t need = DECIMAL_BEFORE + length + CURSOR_PADDING;
    if (UNLIKELY(e->frame_room - need > FRAME_SPARE) && !engine_frame_room(e, need))
        return NULL;
    uint8_t *frame = e->frame + DECIMAL_BEFORE;
    memcpy(frame, payload, length);
    frame[length] = 0;
    return frame;
}

/* Start a cursor on a frame that lies so; NULL: there was no memory for it. */
static inline void engine_cursor(engine *e, cursor *c, const uint8_t *frame, size_t length)
{
    e->here = frame;
    cursor_start(c, frame, frame ? length : 0, &e->spare);
    if (LIKELY(frame != NULL))
        cursor_padded(c);
    else
        CURSOR_FAIL(c, WIRE_MEMORY);
}

/* Is it data that changes nothing, but may count? */
static inline bool frame_means_nothing(const engine *e, const cursor *c, int result)
{
    return (result & ~FEED_GAP) == FEED_DATA &&
           e->message_count == 0 && !c->error && !e->out_of_memory && !e->odd && !e->unknown;
}

/* Is it statistics, of which skeletons are kept? */
static inline bool frame_is_ticker(const engine *e, const cursor *c)
{
    return e->message_count && e->skeletons.tickers <= TICKERS_KEPT && !c->error &&
           !e->out_of_memory && !e->odd && !e->unknown;
}

/* Of a venue that is declared by its frames, and by none of its steps. `usual`, `declared`: why not. */
static __attribute__((noinline)) int frame_read_on(engine *e, cursor *c, enum read_result usual,
                                                   enum read_result declared)
{
    bool learns = usual_padded(c) && e->skeletons.shapes_length;
    bool keyed = learns && e->shaped->by_keys && keys_read(e, c);
    int result = keyed ? FEED_DATA : e->decoder->decode(e, c);
    learns &= !(result & FEED_CONTROL); /* Python is to be told of the next one like it, too */
    bool once = usual == READ_NEW || declared == READ_NEW;
    if (e->message_count && e->messages[e->message_count - 1].kind != MESSAGE_STATS && !c->error &&
        !e->out_of_memory) {
        e->connection->slow++;
        if (once && learns && !e->odd && !e->unknown)
            engine_learn(e, c, usual == READ_NEW, declared == READ_NEW);
    } else if (declared == READ_NEW && learns && (frame_means_nothing(e, c, result) || frame_is_ticker(e, c))) {
        engine_learn(e, c, false, true);
    }
    return result;
}

/* By its skeleton, or by its decoder; then it may be learned from. */
static inline int frame_read(engine *e, cursor *c)
{
    enum read_result read = READ_NEW, declared = READ_NEW;
    step *root = e->skeletons.root;
    if (LIKELY(root != NULL && usual_padded(c))) {
        read = read_usual(e, c, root);
        if (LIKELY(read == READ_DONE))
            return FEED_DATA;
        engine_rewind(e, c);
    }
    if (e->skeletons.declared && usual_padded(c)) {
        declared = read_declared(e, c, e->skeletons.declared);
        if (LIKELY(declared == READ_DONE || declared == READ_GAP))
            return declared == READ_DONE ? FEED_DATA : FEED_DATA | FEED_GAP;
        engine_rewind(e, c);
    }
    if (e->shaped)
        return frame_read_on(e, c, read, declared);
    int result = e->decoder->decode(e, c);
    if (e->message_count && e->messages[e->message_count - 1].kind != MESSAGE_STATS && !c->error &&
        !e->out_of_memory) {
        e->connection->slow++;
        if (read == READ_NEW && e->skeletons.shapes_length && !e->odd && !e->unknown && usual_padded(c))
            engine_learn(e, c, true, false);
    }
    return result;
}

/* A frame, where it lies: DECIMAL_BEFORE bytes before it and CURSOR_PADDING behind it can be read, and the first of
 * those is 0, which is no part of any token. NULL: there was no memory for a copy of it.
 *
 * `wake`: the last frame of what was received at once. After frames without it comes one with it, or
 * engine_wake; before anything else is done with the memory, engine_flush. */
static int engine_feed_here(engine *e, connection *from, const uint8_t *frame, size_t length,
                            int64_t receive_ns, bool wake)
{
    cursor c;
    engine_begin(e, from, receive_ns ? receive_ns : e->batch_ns);
    e->batch_ns = wake || receive_ns ? 0 : e->receive_ns; /* what is read at once was received at once */
    from->frames++;
    from->bytes += length;
    from->last_receive_ns = e->receive_ns;
    e->fed_frames++;
    e->fed_bytes += length;
    engine_cursor(e, &c, frame, length);
    int result = frame_read(e, &c);
    if (UNLIKELY(c.error || e->out_of_memory)) {
        engine_malformed(e, &c, "frame");
        return engine_end(e, FEED_MALFORMED | (result & FEED_GAP), wake);
    }
    if (UNLIKELY(e->odd)) {
        engine_error(e, e->odd, &c, e->odd_at, "row");
        if (e->subject)
            quote_lose(e, e->subject);
        result |= FEED_MALFORMED;
    }
    if (e->message_count) {
        /* on the way: since it was sent, not since it was so, which may be a batch ago */
        const message *first = &e->messages[0];
        int64_t left_ns = first->sent_ns ? first->sent_ns : first->exchange_ns;
        if (left_ns > 0 && e->receive_ns - left_ns < from->late_ns)
            from->late_ns = e->receive_ns - left_ns;
        if (left_ns > 0 && e->receive_ns > left_ns && !e->replay)
            fh_histogram_add(e->writer, FH_HISTOGRAM_EXCHANGE_RECEIVE,
                             (uint64_t)(e->receive_ns - left_ns), 1);
        e->fed_messages += e->message_count;
        size_t share = LIKELY(e->message_count == 1) ? length : length / e->message_count;
        for (uint32_t i = 0; i < e->message_count; i++) {
            e->messages[i].market->load += share;
            message_apply(e, &e->messages[i]);
        }
        if (UNLIKELY(e->crossed)) {
            e->subject = e->crossed;
            engine_error(e, WIRE_CROSSED, &c, NULL, "quote");
            quote_lose(e, e->crossed);
            result |= FEED_MALFORMED;
        }
    }
    if (result & FEED_CONTROL)
        fh_counter_add(e->writer, FH_COUNTER_CONTROL, 1);
    return engine_end(e, result, wake);
}

/* The same of one within what was received: the byte behind it is put aside meanwhile. */
static inline int engine_feed_within(engine *e, connection *from, uint8_t *frame, size_t length,
                                     int64_t receive_ns, bool wake)
{
    uint8_t next = frame[length];
    frame[length] = 0;
    int result = engine_feed_here(e, from, frame, length, receive_ns, wake);
    frame[length] = next;
    return result;
}

/* And of a payload that may lie anywhere. */
static inline int engine_feed(engine *e, connection *from, const void *payload, size_t length,
                              int64_t receive_ns, bool wake)
{
    return engine_feed_here(e, from, engine_copy(e, payload, length), length, receive_ns, wake);
}

#include "without_frame.h"
#include "snapshot.h"

#endif
