/* What the quote cell's bid and ask are of: the book, or a quicker channel that is ahead of it.
 *
 * Both count in the same numbers, and a number that is wrong must not be believed for long. A quote is ahead
 * of the book until the book has reached its number, and for QUOTE_NS at most: then the book is shown,
 * whatever the numbers say. A message of the book that came later than that and has not reached it proves
 * the numbers wrong: quotes are not shown then, until the book has reached one of them in time. The oldest
 * quote that the book has not reached, the probe, is what that is found out by. A full book in the stream
 * begins anew. A quote whose prices are far from those of a book that speaks is not shown: it is another
 * instrument's, or the book comes there in a moment.
 */
#ifndef FEEDHANDLER_ENGINE_QUOTE_H
#define FEEDHANDLER_ENGINE_QUOTE_H

#include "publish.h"

#define QUOTE_NS INT64_C(1000000000)

/* Their numbers may have begun anew. */
static inline void quote_forget(market *m)
{
    lead_forget(&m->quote_leads[1]);
    m->probe_ns = 0;
    m->doubted = false;
}

/* There is a probe, and the book has changed, with a message received `then`: does what the cell shows stay
 * ahead of it? */
COLD bool quote_ahead(market *m, int64_t then, int64_t now)
{
    int64_t place = m->sequence.place, shown = (int64_t)m->quote.venue_sequence;
    bool ahead = m->quote.source == FH_SOURCE_QUOTE && shown > place;
    if (place >= m->probe) {
        if (then - m->probe_ns <= QUOTE_NS)
            m->doubted = false;
        m->probe = shown;
        m->probe_ns = ahead ? m->quote.receive_ns : 0;
    } else if (then - m->probe_ns > QUOTE_NS) {
        m->doubted = true;
        m->probe_ns = 0;
        ahead = false;
    }
    return ahead && now - m->quote.receive_ns <= QUOTE_NS;
}

/* The book was changed, by a message received then. */
static inline void quote_from_book(const engine *e, market *m, int64_t exchange_ns,
                                   int64_t receive_ns)
{
    if (UNLIKELY(m->probe_ns) && quote_ahead(m, receive_ns, e->receive_ns))
        return;
    fh_quote *q = &m->quote;
    const level *bid = side_best(&m->book.bids), *ask = side_best(&m->book.asks);
    q->bid_price = bid ? bid->price : FH_NONE;
    q->bid_size = bid ? bid->size : 0;
    q->ask_price = ask ? ask->price : FH_NONE;
    q->ask_size = ask ? ask->size : 0;
    q->exchange_ns = exchange_ns;
    q->sent_ns = m->head.sent_ns;
    q->receive_ns = receive_ns;
    q->venue_sequence = (uint64_t)m->sequence.place;
    q->source = FH_SOURCE_BOOK;
}

/* Are bid and ask within a quarter of those of a book that has spoken within QUOTE_NS? */
static inline bool quote_near(const engine *e, const market *m, const level *top)
{
    const level *bid = side_best(&m->book.bids), *ask = side_best(&m->book.asks);
    if (bid == NULL || ask == NULL || bid->price <= 0 || e->receive_ns - m->head.receive_ns > QUOTE_NS)
        return true;
    int64_t low = bid->price - bid->price / 4, high = ask->price + ask->price / 4;
    for (int side = 0; side < 2; side++)
        if (top[side].price != FH_NONE && (top[side].price < low || top[side].price > high))
            return false;
    return true;
}

/* The bid is not below the ask, or a side is empty. True: it is to be dropped. A venue that matches orders as
 * they come cannot mean it. Where it gathers them (auctions), and of options and combinations, whose best may
 * be that of others, there is no best bid and offer then. */
COLD bool quote_crossed(engine *e, market *m, level *top)
{
    if (top[0].price == FH_NONE || top[1].price == FH_NONE)
        return false;
    bool continuous = m->entry.status == FH_STATUS_ACTIVE || m->entry.status == FH_STATUS_POST_ONLY;
    bool single = m->entry.kind != FH_INSTRUMENT_OPTION && m->entry.kind != FH_INSTRUMENT_COMBO;
    if (continuous && single) {
        e->crossed = m;
        return true;
    }
    top[0] = top[1] = (level){FH_NONE, 0};
    return m->has_book; /* which knows better */
}

/* What has no number the cell does not show beside a book; but it may show that the book stands still. */
static inline void quote_heard(const engine *e, market *m, const message *msg, const level *top)
{
    m->heard[0] = top[0];
    m->heard[1] = top[1];
    m->heard_at = msg->exchange_ns;
    m->heard_ns = e->receive_ns;
}

/* Is it of use to read the best bid and offer of a ticker, beside a book? Of one that has said nothing for a
 * while. */
static inline bool quote_asked(const engine *e, const market *m)
{
    return m->state == FH_STATE_LIVE && e->receive_ns - m->activity[CHANNEL_BOOK] > QUOTE_NS / 2;
}

/* A quote that is news: is the cell to show it? */
static inline bool quote_shown(engine *e, market *m, const message *msg, const level *top)
{
    int64_t number = msg->numbers.final;
    if (!m->has_book) /* two channels, one of them without numbers: by the venue's clock */
        return msg->numbers.numbered || msg->exchange_ns >= m->quote.exchange_ns ||
               msg->exchange_ns == 0 || e->receive_ns - m->quote.receive_ns > QUOTE_NS;
    if (!msg->numbers.numbered) {
        quote_heard(e, m, msg, top);
        return false;
    }
    bool based = continuity_based(&m->sequence);
    if (based && number <= m->sequence.place) {
        m->doubted = false; /* the book was there first */
        return false;
    }
    if (based && UNLIKELY(!quote_near(e, m, top)))
        return false;
    if (!based || m->probe_ns == 0) {
        m->probe = number;
        m->probe_ns = e->receive_ns;
    }
    market_time(e, m);
    return !based || !m->doubted;
}

static inline void quote_take(engine *e, market *m, const message *msg, const level *top)
{
    fh_quote *q = &m->quote;
    q->bid_price = top[0].price;
    q->bid_size = top[0].size;
    q->ask_price = top[1].price;
    q->ask_size = top[1].size;
    q->exchange_ns = msg->exchange_ns;
    q->sent_ns = msg->sent_ns;
    q->receive_ns = e->receive_ns;
    if (msg->numbers.numbered)
        q->venue_sequence = (uint64_t)msg->numbers.final;
    q->source = FH_SOURCE_QUOTE;
}

/* Is the cell to show the book when the quote that it shows is too old? */
static inline bool quote_waits(const market *m)
{
    return m->has_book && m->quote.source == FH_SOURCE_QUOTE;
}

/* Time has passed, and the book has not reached the quote that is shown. True: the book is shown now. */
static inline bool quote_over(engine *e, market *m, int64_t now)
{
    if (!quote_waits(m) || !continuity_based(&m->sequence) ||
        !time_is_up(m->quote.receive_ns, now, QUOTE_NS))
        return false;
    m->probe_ns = 0;
    quote_from_book(e, m, m->head.exchange_ns, m->head.receive_ns);
    market_show(e, m, false);
    return true;
}

#endif
