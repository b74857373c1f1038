/* What the fields of one event of Binance amount to. */
#ifndef FEEDHANDLER_VENUES_BINANCE_EVENTS_H
#define FEEDHANDLER_VENUES_BINANCE_EVENTS_H

#include "../engine/levels.h"

typedef struct binance_order {
    text s, S, p, q, T;
} binance_order;

typedef struct binance_event {
    union {
        struct {
            text e, E, T, s, U, u, pu, p, q, t, m, b, B, a, A, i, r, X;
        };
        text fields[18];
    };
    binance_order order; /* of "o", if `ordered` */
    bool ordered;
    bool not_ours; /* of a depthUpdate: its symbol */
    message *depth;
    deferred levels;
    int inner; /* it had a "data": what that was */
} binance_event;

/* The market of an event that must name one. */
static inline market *binance_market(engine *e, cursor *c, const binance_event *v)
{
    if (LIKELY(v->s.type == TEXT_STRING))
        return engine_market(e, &v->s);
    text_fail(c, WIRE_TYPE, &v->s);
    return NULL;
}

static void binance_depth(engine *e, cursor *c, binance_event *v)
{
    if (v->depth == NULL) {
        if (v->not_ours)
            return;
        market *m = binance_market(e, c, v);
        if (m == NULL)
            return;
        engine_subject(e, m);
        v->depth = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    }
    levels_recall(e, c, v->depth, &v->levels, LEVELS_TEXT);
    message *msg = v->depth;
    if (c->error)
        return;
    if (v->b.type != TEXT_NONE || v->a.type != TEXT_NONE) /* no array: levels would be missed */
        cursor_fail_at(c, WIRE_TYPE, v->b.type != TEXT_NONE ? v->b.at : v->a.at);
    else
        levels_both(c, msg);
    msg->numbers.numbered = true;
    text_id(c, &v->U, &msg->numbers.first);
    text_number(c, &v->u, msg->numbers.first, &msg->numbers.final);
    if (v->pu.type != TEXT_NONE || e->rules.rule == RULE_PREVIOUS)
        text_number(c, &v->pu, -1, &msg->numbers.previous); /* -1: the first one ever */
    msg->sent_ns = text_time(e, c, &v->E);
    msg->exchange_ns = v->T.type != TEXT_NONE ? text_time(e, c, &v->T) : msg->sent_ns; /* spot has no T */
}

/* Futures: what the insurance fund or the deleveraging took over is no trade of the market. */
static inline bool binance_print(const text *kind)
{
    return kind->type != TEXT_STRING || (!TEXT_IS(kind, "INSURANCE_FUND") &&
                                         !TEXT_IS(kind, "ADL") && !TEXT_IS(kind, "NA"));
}

static void binance_trade(engine *e, cursor *c, const binance_event *v)
{
    bool aggregate = v->e.length != 5;
    const text *number = aggregate ? &v->a : &v->t;
    int64_t id = 0;
    if (!binance_print(&v->X))
        return;
    market *m = binance_market(e, c, v);
    if (m == NULL)
        return;
    if (!aggregate || number->type != TEXT_NONE) /* some copies have no "a" */
        text_id(c, number, &id);
    if (v->m.type != TEXT_TRUE && v->m.type != TEXT_FALSE)
        text_fail(c, WIRE_TYPE, &v->m);
    int64_t sent = text_time(e, c, &v->E);
    engine_trade(e, c, m, &v->p, &v->q, v->m.type == TEXT_TRUE ? FH_SELL : FH_BUY, id,
                 v->T.type != TEXT_NONE ? text_time(e, c, &v->T) : sent, false);
    e->messages[e->message_count - 1].sent_ns = sent;
}

/* The price is that of the order: its average is not on the tick. */
static void binance_liquidation(engine *e, cursor *c, const binance_event *v)
{
    const binance_order *o = &v->order;
    if (!v->ordered || (!TEXT_IS(&o->S, "BUY") && !TEXT_IS(&o->S, "SELL"))) {
        CURSOR_FAIL(c, WIRE_MISSING);
        return;
    }
    if (o->s.type != TEXT_STRING) {
        text_fail(c, WIRE_TYPE, &o->s);
        return;
    }
    market *m = engine_market(e, &o->s);
    text_time(e, c, &v->E);
    if (m != NULL)
        engine_liquidation(e, c, m, &o->p, &o->q, o->S.length == 3 ? FH_BUY : FH_SELL,
                           text_time(e, c, o->T.type != TEXT_NONE ? &o->T : &v->E));
}

/* Is an event that does not say its kind spot's bookTicker? No other one has these. */
static inline bool binance_top(const binance_event *v)
{
    return v->B.type != TEXT_NONE || v->A.type != TEXT_NONE ||
           (v->u.type != TEXT_NONE && v->U.type == TEXT_NONE);
}

/* What the fields of one event amount to. */
static int binance_emit(engine *e, cursor *c, binance_event *v, bool wrapped)
{
    market *m;
    if (TEXT_IS(&v->e, "depthUpdate")) {
        binance_depth(e, c, v);
        return FEED_DATA;
    }
    for (int side = 0; side < 2; side++) /* an array, where only a depthUpdate has any */
        if (UNLIKELY(v->levels.kept[side]))
            *(side == FH_ASK ? &v->a : &v->b) = (text){v->levels.at[side].at, 0, TEXT_NESTED, false};
    bool named = v->e.type == TEXT_STRING && v->e.length > 0;
    if (TEXT_IS(&v->e, "bookTicker") || (!named && binance_top(v))) {
        engine_no_book(e);
        if ((m = binance_market(e, c, v)) == NULL)
            return FEED_DATA;
        engine_about_quote(e, m);
        message *msg = engine_quote(e, c, m, &v->b, &v->B, &v->a, &v->A, CHANNEL_QUOTE);
        text_number(c, &v->u, 1, &msg->numbers.final);
        msg->numbers.numbered = true;
        bool timed = v->T.type != TEXT_NONE || v->E.type != TEXT_NONE;
        if (!named && (timed || v->e.type != TEXT_NONE))
            text_fail(c, WIRE_TYPE, &v->e);
        if (named) { /* spot's has neither a name nor a time */
            msg->sent_ns = text_time(e, c, &v->E);
            msg->exchange_ns = text_time(e, c, &v->T);
        }
        return FEED_DATA;
    }
    if (!named && v->U.type == TEXT_NONE && v->s.type != TEXT_NONE) { /* an event, it does not say which */
        engine_no_book(e);
        text_fail(c, WIRE_TYPE, &v->e);
        return FEED_DATA;
    }
    if (TEXT_IS(&v->e, "trade") || TEXT_IS(&v->e, "aggTrade")) {
        engine_no_book(e);
        binance_trade(e, c, v);
        return FEED_DATA;
    }
    if (TEXT_IS(&v->e, "forceOrder")) {
        engine_no_book(e);
        binance_liquidation(e, c, v);
        return FEED_DATA;
    }
    if (TEXT_IS(&v->e, "markPriceUpdate")) {
        engine_no_book(e);
        if ((m = binance_market(e, c, v)) != NULL) {
            message *msg = engine_message(e, m, MESSAGE_STATS, CHANNEL_TICKER);
            msg->exchange_ns = msg->sent_ns = text_time(e, c, &v->E);
            engine_stat(e, msg, FH_STAT_MARK, &v->p, 0);
            engine_stat(e, msg, FH_STAT_INDEX, &v->i, 0);
            engine_stat(e, msg, FH_STAT_FUNDING, &v->r, 0);
        }
        return FEED_DATA;
    }
    if (v->U.type != TEXT_NONE) { /* of no other event: changes of a book */
        text_fail(c, WIRE_RANGE, &v->e);
        return FEED_DATA;
    }
    engine_no_book(e);
    if (TEXT_IS(&v->e, "serverShutdown") || (v->e.type == TEXT_NONE && !wrapped))
        return FEED_CONTROL; /* an answer to a request: {"result":null,"id":1}, {"error":...} */
    e->unknown++;
    return FEED_DATA;
}

#endif
