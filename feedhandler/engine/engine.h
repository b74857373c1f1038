/* The engine's verbs: create, add an instrument, feed a frame, take a snapshot, set a state. */
#ifndef FEEDHANDLER_ENGINE_ENGINE_H
#define FEEDHANDLER_ENGINE_ENGINE_H

#include "../wire/websocket.h"
#include "decode.h"
#include "terms.h"

#include "../venues/decoders.h"

/* ---- life ---------------------------------------------------------------------------------------- */

static inline const fh_decoder *decoder_find(const char *name)
{
    for (size_t i = 0; i < sizeof fh_decoders / sizeof *fh_decoders; i++)
        if (strcmp(fh_decoders[i].name, name) == 0)
            return &fh_decoders[i];
    return NULL;
}

static inline bool engine_open(engine *e, fh_writer *w, const fh_decoder *decoder)
{
    memset(e, 0, sizeof *e);
    e->writer = w;
    e->decoder = decoder;
    e->room = w->instruments;
    e->markets = (market **)calloc(e->room ? e->room : 1, sizeof *e->markets);
    crc_prepare(&e->crc);
    clock_open(&e->clock);
    return e->markets != NULL && symbol_reserve(e) && /* and arrays that are never NULL */
           ARRAY_RESERVE(e, e->messages, e->message_count, e->message_room, 1) &&
           ARRAY_RESERVE(e, e->levels, e->level_count, e->level_room, 1) &&
           ARRAY_RESERVE(e, e->stats, e->stat_count, e->stat_room, 1);
}

static inline void engine_close(engine *e)
{
    for (uint32_t i = 0; e->markets && i < e->room; i++) {
        if (e->markets[i] == NULL)
            continue;
        book_free(&e->markets[i]->book);
        backlog_free(&e->markets[i]->backlog);
        backlog_free(&e->markets[i]->since);
        free(e->markets[i]->trades);
        free(e->markets[i]);
    }
    free(e->markets);
    free(e->table);
    free(e->messages);
    free(e->levels);
    free(e->stats);
    free(e->attention);
    free(e->spare.bytes);
    free(e->frame);
    memset(e, 0, sizeof *e);
}

/* Publish a directory entry (its exponents of generation 0 filled in). NULL: full, or no memory. */
static market *engine_add(engine *e, fh_instrument *entry, bool has_book)
{
    market *m = (market *)calloc(1, sizeof *m);
    int64_t id;
    if (m == NULL || !symbol_reserve(e)) {
        free(m);
        e->out_of_memory = true;
        return NULL;
    }
    entry->has_book = has_book;
    entry->precision = 0;
    entry->definition = 1;
    id = fh_directory_add(e->writer, entry);
    if (id < 0) {
        free(m);
        return NULL;
    }
    m->id = (uint32_t)id;
    m->entry = *entry;
    m->symbol_length = symbol_plain(entry->symbol);
    m->price_exponent = entry->price_exponents[0];
    m->size_exponent = entry->size_exponents[0];
    m->pairs = 1;
    m->price_scale = decimal_scale_of(m->price_exponent);
    m->size_scale = decimal_scale_of(m->size_exponent);
    m->has_book = has_book;
    m->signed_prices = entry->kind == FH_INSTRUMENT_COMBO ||
                       (entry->kind == FH_INSTRUMENT_UNKNOWN && e->decoder->spreads);
    m->owner = NO_CONNECTION;
    m->quote_leads[0].connection = m->quote_leads[1].connection = NO_CONNECTION;
    m->liquidation_lead.connection = NO_CONNECTION;
    for (int field = 0; field < FH_STAT_END; field++)
        m->stat_leads[field].connection = NO_CONNECTION;
    m->sequence = e->rules;
    m->book.bids.dirty = m->book.asks.dirty = m->drawn[0] = m->drawn[1] = RANGE_EMPTY;
    side_unknown(&m->book.bids, false);
    side_unknown(&m->book.asks, true);
    m->quote.bid_price = m->quote.ask_price = m->quote.last_price = FH_NONE;
    for (uint32_t field = 1; field < FH_STAT_END; field++)
        *quote_field(&m->quote, field) = __builtin_nan("");
    market_defined(m);
    e->markets[m->id] = m;
    symbol_insert(e, m);
    market_show(e, m, true);
    engine_show(e); /* the cells can be read from now on: NONE, nothing in them */
    return m;
}

/* ---- frames -------------------------------------------------------------------------------------- */

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
    if (e->subject) { /* this book has missed something, unless another connection brings it */
        if (e->rules.rule != RULE_NONE && market_others(e->subject, e->connection->index))
            e->subject->feeders &= ~connection_bit(e->connection->index);
        else if (e->subject->has_book && e->subject->sequence.phase != PHASE_EMPTY)
            market_lose(e, e->subject, FH_STATE_STALE, FH_REASON_MALFORMED);
        else if (e->subject->has_book && e->subject->state == FH_STATE_SYNCING &&
                 market_state(e, e->subject, FH_STATE_STALE, FH_REASON_MALFORMED))
            market_show(e, e->subject, true); /* it may have been the first full book */
        return;
    }
    if (e->rules.rule != RULE_NONE || e->rules.base == BASE_EVERY)
        return; /* the chain will find the hole; or the next message is whole again */
    for (uint32_t i = 0; i < e->room; i++) { /* nothing else would: every book may have missed it */
        market *m = e->markets[i];
        if (m && m->has_book && m->owner == e->connection->index &&
            m->sequence.phase != PHASE_EMPTY)
            market_lose(e, m, FH_STATE_STALE, FH_REASON_MALFORMED);
    }
}

static inline void engine_begin(engine *e, connection *from, int64_t receive_ns)
{
    e->connection = from;
    e->receive_ns = receive_ns ? receive_ns : clock_now(&e->clock);
    e->subject = NULL;
    e->book_frame = true;
    e->unknown = 0;
    e->odd = WIRE_OK;
    e->message_count = e->level_count = e->stat_count = 0;
    e->short_of = NULL;
    e->out_of_memory = false;
    e->written = false;
    e->holding = true;
}

enum { HELD_FRAMES = 16 }; /* read in a few microseconds */

/* Let all be seen that was fed without `wake`. */
static inline void engine_flush(engine *e)
{
    fh_writer *w = e->writer;
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
    e->holding = false;
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

/* Start a cursor on the engine's copy of a payload, with room on both sides. */
static inline void engine_cursor(engine *e, cursor *c, const void *payload, size_t length)
{
    if (UNLIKELY(e->frame_room < DECIMAL_BEFORE + length + CURSOR_PADDING)) {
        size_t room = 2 * length + 4096;
        uint8_t *frame = (uint8_t *)realloc(e->frame, room);
        if (frame == NULL) {
            cursor_start(c, payload, length, &e->spare);
            CURSOR_FAIL(c, WIRE_MEMORY);
            return;
        }
        e->frame = frame;
        e->frame_room = room;
    }
    uint8_t *frame = e->frame + DECIMAL_BEFORE;
    memcpy(frame, payload, length);
    cursor_pad(frame + length);
    cursor_start(c, frame, length, &e->spare);
    cursor_padded(c);
}

/* `wake`: the last frame of what was received at once. After frames without it comes one with it, or
 * engine_wake; before anything else is done with the memory, engine_flush. */
static int engine_feed(engine *e, connection *from, const void *payload, size_t length,
                       int64_t receive_ns, bool wake)
{
    cursor c;
    engine_begin(e, from, receive_ns ? receive_ns : e->batch_ns);
    e->batch_ns = wake || receive_ns ? 0 : e->receive_ns; /* what is read at once was received at once */
    from->frames++;
    from->bytes += length;
    from->last_receive_ns = e->receive_ns;
    fh_counter_add(e->writer, FH_COUNTER_FRAMES, 1);
    fh_counter_add(e->writer, FH_COUNTER_BYTES, length);
    engine_cursor(e, &c, payload, length);
    int result = e->decoder->decode(e, &c);
    if (UNLIKELY(c.error || e->out_of_memory)) {
        engine_malformed(e, &c, "frame");
        return engine_end(e, FEED_MALFORMED, wake);
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
        fh_counter_add(e->writer, FH_COUNTER_MESSAGES, e->message_count);
        size_t share = LIKELY(e->message_count == 1) ? length : length / e->message_count;
        for (uint32_t i = 0; i < e->message_count; i++) {
            e->messages[i].market->load += share;
            message_apply(e, &e->messages[i]);
        }
    }
    if (result & FEED_CONTROL)
        fh_counter_add(e->writer, FH_COUNTER_CONTROL, 1);
    return engine_end(e, result, wake);
}

/* ---- from outside ---------------------------------------------------------------------------------- */

/* False: refused, since only a book itself says that it is LIVE. */
static bool engine_set_state(engine *e, market *m, int state, int reason)
{
    if (state == FH_STATE_LIVE && m->has_book)
        return false;
    e->receive_ns = fh_now_ns();
    m->dumb = 0;
    if (state != FH_STATE_LIVE) {
        continuity_lose(&m->sequence);
        market_unfed(m);
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
            book_gap(e, m);
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

/* The connection is gone. Books that another connection feeds as well just change hands. */
static bool market_disconnected(engine *e, market *m, int index, int reason)
{
    if (m->sequence.phase != PHASE_EMPTY)
        backlog_clear(&m->backlog); /* held of one that is ahead: it may have been this one */
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
    backlog_clear(&m->backlog);
    return true;
}

#include "answer.h"

#endif
