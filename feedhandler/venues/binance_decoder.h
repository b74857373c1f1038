/* Binance: spot, and the futures that speak the same words.
 *
 *   {"e":"depthUpdate","E":ms,"s":"BTCUSDT","U":first,"u":final[,"pu":previous],"b":[["p","q"]],"a":[]}
 *   {"e":"trade"|"aggTrade","E":ms,"s":"BTCUSDT","t"|"a":id,"p":"","q":"","T":ms,"m":buyer is maker}
 *   {["e":"bookTicker",]"u":id,"s":"BTCUSDT","b":"","B":"","a":"","A":""}
 *   {"e":"markPriceUpdate","s":"","p":mark,"i":index,"r":funding}             (futures)
 *   {"e":"forceOrder","E":ms,"o":{"s":"","S":"BUY"|"SELL","q":"","p":"","T":ms}}  (futures)
 *
 * bare, or in {"stream":"btcusdt@depth","data":...}. Depth and bookTicker count in one id space.
 */
#ifndef FEEDHANDLER_VENUES_BINANCE_DECODER_H
#define FEEDHANDLER_VENUES_BINANCE_DECODER_H

#include "binance_usual.h"

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

static int binance_data(engine *e, cursor *c);

/* "b" and "a": levels in a depthUpdate, else a price or an id. */
static inline void binance_side(engine *e, cursor *c, binance_event *v, uint8_t side)
{
    if (cursor_peek(c) != '[') {
        cursor_scalar(c, side == FH_ASK ? &v->a : &v->b);
        return;
    }
    if (v->depth == NULL && !v->not_ours && v->s.type == TEXT_STRING && TEXT_IS(&v->e, "depthUpdate")) {
        market *m = engine_market(e, &v->s);
        if (m != NULL) {
            engine_subject(e, m);
            v->depth = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
        } else {
            v->not_ours = true; /* counted once: not asked for again */
        }
    }
    if (LIKELY(v->depth != NULL))
        levels_read(e, c, v->depth, side, LEVELS_TEXT);
    else
        levels_defer(&v->levels, c, side);
}

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

static void binance_order_read(cursor *c, binance_order *o)
{
    text key, other;
    *o = (binance_order){{0}, {0}, {0}, {0}, {0}};
    cursor_object(c);
    while (cursor_key(c, &key))
        cursor_scalar(c, TEXT_IS(&key, "s")   ? &o->s
                         : TEXT_IS(&key, "S") ? &o->S
                         : TEXT_IS(&key, "p") ? &o->p
                         : TEXT_IS(&key, "q") ? &o->q
                         : TEXT_IS(&key, "T") ? &o->T
                                              : &other);
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

static void binance_object(engine *e, cursor *c, binance_event *v)
{
    text key, other;
    texts_clear(v->fields, sizeof v->fields / sizeof *v->fields);
    v->e.length = 0;
    v->ordered = v->not_ours = false;
    v->depth = NULL;
    v->levels.kept[FH_BID] = v->levels.kept[FH_ASK] = false;
    v->inner = 0;
    if (USUAL_SCALAR(c, "{\"e\":", &v->e)) {
        USUAL_SCALAR(c, ",\"E\":", &v->E);
        USUAL_SCALAR(c, ",\"s\":", &v->s);
        if (USUAL_SCALAR(c, ",\"U\":", &v->U)) {
            USUAL_SCALAR(c, ",\"u\":", &v->u);
            if (USUAL(c, ",\"b\":"))
                binance_side(e, c, v, FH_BID);
            if (USUAL(c, ",\"a\":"))
                binance_side(e, c, v, FH_ASK);
        } else if (USUAL_SCALAR(c, ",\"t\":", &v->t)) {
            USUAL_SCALAR(c, ",\"p\":", &v->p);
            USUAL_SCALAR(c, ",\"q\":", &v->q);
            USUAL_SCALAR(c, ",\"T\":", &v->T);
            USUAL_SCALAR(c, ",\"m\":", &v->m);
        }
    } else if (USUAL_SCALAR(c, "{\"u\":", &v->u)) {
        USUAL_SCALAR(c, ",\"s\":", &v->s);
        if (USUAL(c, ",\"b\":"))
            binance_side(e, c, v, FH_BID);
        USUAL_SCALAR(c, ",\"B\":", &v->B);
        if (USUAL(c, ",\"a\":"))
            binance_side(e, c, v, FH_ASK);
        USUAL_SCALAR(c, ",\"A\":", &v->A);
    } else {
        cursor_object(c);
    }
    while (cursor_key(c, &key)) {
        text *out = &other;
        if (LIKELY(key.length == 1)) {
            switch (*key.at) {
            case 'e': out = &v->e; break;
            case 'E': out = &v->E; break;
            case 'T': out = &v->T; break;
            case 's': out = &v->s; break;
            case 'U': out = &v->U; break;
            case 'u': out = &v->u; break;
            case 'p': out = &v->p; break;
            case 'q': out = &v->q; break;
            case 't': out = &v->t; break;
            case 'm': out = &v->m; break;
            case 'B': out = &v->B; break;
            case 'A': out = &v->A; break;
            case 'i': out = &v->i; break;
            case 'r': out = &v->r; break;
            case 'X': out = &v->X; break;
            case 'o':
                if (cursor_peek(c) == '{') {
                    v->ordered = true;
                    binance_order_read(c, &v->order);
                    continue;
                }
                break;
            case 'b': out = &v->b; break;
            case 'a': out = &v->a; break;
            }
            if (out == &v->a || out == &v->b) {
                binance_side(e, c, v, out == &v->a ? FH_ASK : FH_BID);
                continue;
            }
        } else if (TEXT_IS(&key, "pu")) {
            out = &v->pu;
        } else if (UNLIKELY(TEXT_IS(&key, "data"))) {
            v->inner = binance_data(e, c);
            continue;
        }
        cursor_scalar(c, out);
    }
}

/* The event broke off: which book has missed something? */
COLD void binance_broken(engine *e, const binance_event *v)
{
    if (v->e.type == TEXT_STRING && v->U.type == TEXT_NONE && !TEXT_IS(&v->e, "depthUpdate"))
        engine_no_book(e);
    else if (e->subject == NULL && e->book_frame && v->s.type == TEXT_STRING)
        engine_subject(e, symbol_find(e, v->s.at, v->s.length));
}

static int binance_event_read(engine *e, cursor *c, bool wrapped)
{
    binance_event v;
    int result = FEED_DATA;
    ENGINE_ITEM(e, c, {
        binance_object(e, c, &v);
        if (v.inner)
            result = v.inner;
        else if (!c->error)
            result = binance_emit(e, c, &v, wrapped);
    });
    if (UNLIKELY(c->error))
        binance_broken(e, &v);
    return result;
}

/* The "data" of a wrapper: an event, or an array of them. */
static int binance_data(engine *e, cursor *c)
{
    int result = FEED_DATA;
    if (cursor_peek(c) != '[')
        return binance_event_read(e, c, true);
    cursor_array(c);
    while (cursor_item(c)) {
        item_mark mark = engine_item_begin(e, c);
        result |= binance_event_read(e, c, true);
        if (UNLIKELY(c->error) && !e->book_frame)
            engine_row_odd(e, c, &mark);
    }
    return result;
}

static int binance_decode(engine *e, cursor *c)
{
    const cursor start = *c;
    if (LIKELY(usual_padded(c))) {
        if (LIKELY(binance_usual(e, c)))
            return FEED_DATA;
        engine_rewind(e, c, &start);
    }
    text key, other;
    int result = FEED_CONTROL;

    bool first = !USUAL_SCALAR(c, "{\"stream\":", &other);
    if (first)
        cursor_object(c);
    for (; cursor_key(c, &key); first = false) {
        if (TEXT_IS(&key, "data")) {
            result = binance_data(e, c);
        } else if (first && !TEXT_IS(&key, "stream")) { /* no wrapper, or an odd one */
            *c = start;
            result = binance_event_read(e, c, false);
            break;
        } else {
            cursor_scalar(c, &other);
        }
    }
    cursor_finish(c);
    return result;
}

/* {"lastUpdateId":id,["E":ms,"T":ms,]"bids":[["p","q"]],"asks":[]}; -1: of a new listing, empty */
static void binance_snapshot(engine *e, cursor *c, market *m)
{
    message *msg = engine_message(e, m, MESSAGE_SNAPSHOT, CHANNEL_BOOK);
    text key, id = {0}, time = {0}, sent = {0}, other;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "bids"))
            levels_read(e, c, msg, FH_BID, LEVELS_TEXT);
        else if (TEXT_IS(&key, "asks"))
            levels_read(e, c, msg, FH_ASK, LEVELS_TEXT);
        else if (TEXT_IS(&key, "lastUpdateId"))
            cursor_scalar(c, &id);
        else
            cursor_scalar(c, TEXT_IS(&key, "T") ? &time : TEXT_IS(&key, "E") ? &sent : &other);
    }
    levels_both(c, msg); /* else it is an error message, or not the whole book */
    text_number(c, &id, msg->count ? 0 : -1, &msg->numbers.final);
    msg->numbers.numbered = true;
    if (sent.type != TEXT_NONE) /* spot says no times */
        msg->exchange_ns = msg->sent_ns = text_time(e, c, &sent);
    if (time.type != TEXT_NONE)
        msg->exchange_ns = text_time(e, c, &time);
}

#endif
