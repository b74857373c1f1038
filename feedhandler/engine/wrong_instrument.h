/* Whether an answer is another instrument's book. It names none, and its number may be one that the stream
 * reaches; but its prices are not those that messages of this instrument have. */
#ifndef FEEDHANDLER_ENGINE_WRONG_INSTRUMENT_H
#define FEEDHANDLER_ENGINE_WRONG_INSTRUMENT_H

#include "engine.h"

#define FOREIGN_NS INT64_C(60000000000) /* what is older says nothing of today's prices */
#define FOREIGN_TIMES 2.0               /* nearer than so many times the price is near */

typedef struct nearness {
    double bid, ask;
    bool near, far; /* a price that is near the book's, one that is not */
} nearness;

static inline void foreign_judge(nearness *n, double price, int64_t at_ns, int64_t now_ns)
{
    if (!(price > 0) || at_ns < now_ns - FOREIGN_NS || at_ns > now_ns + FOREIGN_NS)
        return;
    if (price * FOREIGN_TIMES >= n->bid && price <= n->ask * FOREIGN_TIMES)
        n->near = true;
    else
        n->far = true;
}

/* The best of both sides, and what the last minute's best bid and offer, trade and mark price, each of a
 * message that names the instrument, have to do with them: something says that it is far, and nothing
 * that it is near. */
static bool answer_foreign(const engine *e, const market *m, const message *msg, const level *levels)
{
    int64_t best[2] = {FH_NONE, FH_NONE};
    for (uint32_t i = 0; i < msg->count; i++) {
        uint8_t side = i < msg->first_count ? msg->first_side : msg->first_side ^ 1;
        int64_t price = levels[i].price;
        if (best[side] == FH_NONE || (side == FH_BID ? price > best[side] : price < best[side]))
            best[side] = price;
    }
    if (best[FH_BID] == FH_NONE || best[FH_ASK] == FH_NONE || best[FH_BID] <= 0)
        return false;
    const fh_quote *q = &m->quote;
    nearness n = {(double)best[FH_BID], (double)best[FH_ASK], false, false};
    if (q->source == FH_SOURCE_QUOTE) {
        foreign_judge(&n, q->bid_price == FH_NONE ? 0 : (double)q->bid_price, q->receive_ns, e->receive_ns);
        foreign_judge(&n, q->ask_price == FH_NONE ? 0 : (double)q->ask_price, q->receive_ns, e->receive_ns);
    }
    foreign_judge(&n, q->last_price == FH_NONE ? 0 : (double)q->last_price, q->last_ns, e->receive_ns);
    double one = fh_value(1, (int8_t)m->price_exponent); /* not a number: there is no mark price */
    foreign_judge(&n, q->mark / one, q->stats_ns, e->receive_ns);
    return n.far && !n.near;
}

#endif
