/* Whether a book stands still while other channels of its instrument show that it moves.
 *
 * A book that says nothing may be quiet, or its stream may be dead. What is newer tells them apart: a best bid
 * and offer of the book's own numbers (Binance, Bybit, OKX full books), one of the venue's clock alone (the
 * tickers of Deribit and OKX, Deribit's quotes), or trades. If it is not what the book says, the book has
 * changed since. Its message may be on its way, gathered for a time, or on another connection: so it has
 * some looks. Best levels that went away and came back while a venue gathered are no
 * change: what agrees with the book ends the suspicion.
 */
#ifndef FEEDHANDLER_ENGINE_FROZEN_H
#define FEEDHANDLER_ENGINE_FROZEN_H

#include "quote.h"

#define NEWER_NS INT64_C(500000000) /* by the venue's clock: what clocks of two channels may differ by */
enum { PATIENCE = 4, PATIENCE_MAX = 240 };

enum verdict { VERDICT_NOTHING, VERDICT_AGREES, VERDICT_DIFFERS };

static inline enum verdict top_judge(const market *m, const level *top)
{
    const level *best[2] = {side_best(&m->book.bids), side_best(&m->book.asks)};
    for (int side = 0; side < 2; side++) {
        int64_t price = best[side] ? best[side]->price : FH_NONE, size = best[side] ? best[side]->size : 0;
        if (top[side].price != price || top[side].size != size)
            return VERDICT_DIFFERS;
    }
    return VERDICT_AGREES;
}

/* What is newer than the book, whose last message was received `then`, says of it. */
static enum verdict frozen_judge(const market *m, int64_t then)
{
    const fh_quote *q = &m->quote;
    const level shown[2] = {{q->bid_price, q->bid_size}, {q->ask_price, q->ask_size}};
    if (q->source == FH_SOURCE_QUOTE && q->receive_ns > then &&
        (int64_t)q->venue_sequence > m->sequence.place)
        return top_judge(m, shown);
    if (m->head.exchange_ns == 0)
        return VERDICT_NOTHING;
    if (m->heard_ns > then && m->heard_at > m->head.exchange_ns + NEWER_NS)
        return top_judge(m, m->heard);
    const level *bid = side_best(&m->book.bids), *ask = side_best(&m->book.asks);
    bool traded = m->activity[CHANNEL_TRADES] > then && q->last_price != FH_NONE &&
                  q->last_ns > m->head.exchange_ns + NEWER_NS;
    if (traded && ((bid && q->last_price < bid->price) || (ask && q->last_price > ask->price)))
        return VERDICT_DIFFERS; /* a trade within the best says nothing */
    return VERDICT_NOTHING;
}

/* A look, a few times a second. True: the book stands still, and should not. */
static bool market_frozen(market *m)
{
    int64_t then = m->activity[CHANNEL_BOOK];
    if (m->head.receive_ns > then)
        then = m->head.receive_ns; /* an answer */
    if (then != m->looked_ns)
        m->looks = 0;
    m->looked_ns = then;
    if (m->state != FH_STATE_LIVE || !m->has_book) {
        m->looks = 0;
        return false;
    }
    enum verdict verdict = frozen_judge(m, then);
    m->looks = verdict == VERDICT_AGREES ? 0 : m->looks + (verdict == VERDICT_DIFFERS || m->looks);
    if (m->looks <= PATIENCE + m->patience)
        return false;
    m->looks = 0;
    return true;
}

/* It was right, and only quiet: more is needed to suspect it again. */
static inline void market_quiet(market *m)
{
    int more = 2 * m->patience + PATIENCE;
    m->patience = (uint8_t)(more < PATIENCE_MAX ? more : PATIENCE_MAX);
}

#endif
