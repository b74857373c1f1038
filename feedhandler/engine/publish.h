/* From a market to shared memory: ring records first, then the cells that reflect them.
 *
 * `market_show` is the last step of every change, and `engine_show` of what came at once: the cells are
 * stored, and only then the records made visible, so that who sees a record finds at least as much in the
 * cell. While more frames wait to be read that is put off, for HELD_FRAMES of them at most: a cell that
 * several of them change is stored once.
 */
#ifndef FEEDHANDLER_ENGINE_PUBLISH_H
#define FEEDHANDLER_ENGINE_PUBLISH_H

#include "merge.h"

static inline uint8_t engine_flags(const engine *e) { return e->replay ? FH_FLAG_REPLAY : 0; }

/* Begin a message about `m` in the ring. */
static inline void records_begin(engine *e, market *m, uint8_t flags, int64_t exchange_ns,
                                 int64_t receive_ns, uint64_t venue_sequence)
{
    fh_message_begin_at(e->writer, m->id, m->precision, flags, exchange_ns, receive_ns,
                        venue_sequence, clock_now(&e->clock));
}

/* A message of one record in the ring, or of two, the second of the other side. */
ALWAYS_INLINE void records_short(engine *e, const message *msg, uint8_t kind, uint8_t side, uint64_t venue_sequence,
                                 const level *levels, int count)
{
    const market *m = msg->market;
    fh_message_short(e->writer, m->id, m->precision, engine_flags(e), kind, side, msg->exchange_ns, msg->sent_ns,
                     e->receive_ns, clock_now(&e->clock), venue_sequence, &levels->price, count);
}

/* The words of one side that changed since this copy was last filled, which was two stores ago. */
static inline void cell_draw(fh_word *words, book_side *s, depth_range *drawn, uint32_t depth)
{
    depth_range range = range_union(s->dirty, *drawn);
    *drawn = s->dirty;
    s->dirty = RANGE_EMPTY;
    uint32_t high = range.high < depth ? range.high : depth;
    if (high > s->count)
        high = s->count;
    if (range.low >= high)
        return;
    const level *l = side_at(s, range.low);
    fh_word *to = words + 2 * (size_t)range.low, *end = words + 2 * (size_t)high;
#pragma GCC unroll 4
    for (; to < end; to += 2, l--)
        FH_STORE_TWO(to, (const fh_word *)l);
}

/* The quote cell's words in two parts: what any message may change, and statistics with the time of the
 * state. A copy holds what was stored two stores ago: after a change of the second part, two stores have
 * to write it. */
enum {
    QUOTE_TOP_WORDS = offsetof(fh_quote, mark) / 8, /* from the stamp to the last trade */
    QUOTE_DATA_WORD = offsetof(fh_quote, data_ns) / 8,
    QUOTE_SENT_WORD = offsetof(fh_quote, sent_ns) / 8,
};

static inline void quote_changed_whole(market *m) { m->quote_whole = 2; }

static inline void quote_store_top(fh_writer *w, uint32_t instrument, const fh_quote *q)
{
    fh_word *cell = (fh_word *)(w->quotes + (uint64_t)instrument * w->quote_stride);
    fh_word *copy = fh_latch_begin(cell, sizeof *q);
    fh_words_in(copy + 1, (const fh_word *)q + 1, QUOTE_TOP_WORDS - 1);
    FH_STORE(copy + QUOTE_DATA_WORD, (uint64_t)q->data_ns);
    FH_STORE(copy + QUOTE_SENT_WORD, (uint64_t)q->sent_ns);
    fh_latch_end(cell, sizeof *q);
}

static inline void market_show_quote(engine *e, market *m, uint64_t ring_sequence)
{
    fh_quote *q = &m->quote;
    q->ring_sequence = ring_sequence;
    q->publish_ns = e->writer->publish_ns;
    q->state = m->state;
    q->reason = m->reason;
    q->price_exponent = (int8_t)m->price_exponent;
    q->size_exponent = (int8_t)m->size_exponent;
    q->precision = m->precision;
    if (UNLIKELY(m->quote_whole)) {
        m->quote_whole--;
        fh_quote_store(e->writer, m->id, q);
    } else {
        quote_store_top(e->writer, m->id, q);
    }
}

/* Levels that readers see: none of which it is not known that there is nothing between them. */
ALWAYS_INLINE uint16_t cell_levels(uint32_t total, uint32_t known, uint32_t depth)
{
    uint32_t most = known < depth ? known : depth;
    return (uint16_t)(total < most ? total : most);
}

static inline void market_show_book(engine *e, market *m, uint64_t ring_sequence)
{
    fh_writer *w = e->writer;
    fh_book_head *h = &m->head;
    h->ring_sequence = ring_sequence;
    h->venue_sequence = (uint64_t)m->sequence.place;
    h->publish_ns = w->publish_ns;
    h->state = m->state;
    h->reason = m->reason;
    h->price_exponent = (int8_t)m->price_exponent;
    h->size_exponent = (int8_t)m->size_exponent;
    h->precision = m->precision;
    h->bids_total = m->book.bids.count;
    h->asks_total = m->book.asks.count;
    h->bids_known = side_known(&m->book.bids, false);
    h->asks_known = side_known(&m->book.asks, true);
    h->bids = cell_levels(h->bids_total, h->bids_known, w->depth);
    h->asks = cell_levels(h->asks_total, h->asks_known, w->depth);
    fh_word *bids = fh_book_begin(w, m->id, h);
    cell_draw(bids, &m->book.bids, &m->drawn[0], w->depth);
    cell_draw(fh_book_asks(w, bids), &m->book.asks, &m->drawn[1], w->depth);
    fh_book_end(w, m->id);
}

/* Store the cells of all that has changed, then let the records be seen. */
static inline void engine_show(engine *e)
{
    uint64_t ring_sequence = e->writer->next - 1;
    for (market *m = e->held; m != NULL; m = m->held_next) {
        if (m->held & HELD_BOOK)
            market_show_book(e, m, ring_sequence);
        market_show_quote(e, m, ring_sequence);
        m->held = 0;
    }
    e->held = NULL;
    fh_publish(e->writer);
    e->shown = ring_sequence;
}

/* Its records and its cells are to be seen when all is shown. `book`: the book cell changed too. */
static inline void market_show(engine *e, market *m, bool book)
{
    if (!m->held) {
        m->held_next = e->held;
        e->held = m;
    }
    m->held |= book && m->has_book ? HELD_QUOTE | HELD_BOOK : HELD_QUOTE;
    e->written = e->unwoken = true;
}

/* Before a message of so many records: what is not seen yet must leave it room in the ring. */
static inline void engine_make_room(engine *e, size_t records)
{
    if (UNLIKELY(records >= e->writer->limit / 2) && e->held)
        engine_show(e);
}

/* Write a STATE message (not shown yet). False: it is the state already. */
static inline bool market_state(engine *e, market *m, int state, int reason)
{
    if (m->state == state && m->reason == reason)
        return false;
    m->state = (uint8_t)state;
    m->reason = (uint8_t)reason;
    quality_state(&m->quality, state, reason, e->receive_ns, m->head.receive_ns);
    market_news(e, m);
    records_begin(e, m, engine_flags(e), 0, e->receive_ns, 0);
    fh_message_add(e->writer, FH_KIND_STATE, 0, state, reason, 0);
    fh_message_end(e->writer);
    m->quote.state_ns = m->head.state_ns = e->receive_ns;
    quote_changed_whole(m);
    return true;
}

/* The whole book as CLEAR and levels, best first. */
static inline void market_republish(engine *e, market *m, int64_t exchange_ns, int64_t receive_ns)
{
    engine_make_room(e, (size_t)m->book.bids.count + m->book.asks.count);
    records_begin(e, m, engine_flags(e) | FH_FLAG_SNAPSHOT, exchange_ns, receive_ns,
                  (uint64_t)m->sequence.place);
    fh_message_sent(e->writer, m->head.sent_ns);
    fh_message_add(e->writer, FH_KIND_CLEAR, 0, 0, 0, 0);
    for (uint32_t depth = 0; depth < m->book.bids.count; depth++) {
        const level *l = side_at(&m->book.bids, depth);
        fh_message_add(e->writer, FH_KIND_LEVEL, FH_BID, l->price, l->size, 0);
    }
    for (uint32_t depth = 0; depth < m->book.asks.count; depth++) {
        const level *l = side_at(&m->book.asks, depth);
        fh_message_add(e->writer, FH_KIND_LEVEL, FH_ASK, l->price, l->size, 0);
    }
    fh_message_end(e->writer);
}

#endif
