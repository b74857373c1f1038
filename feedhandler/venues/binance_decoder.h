/* Binance: spot, and the futures that speak the same words.
 *
 *   {"e":"depthUpdate","E":ms,"s":"BTCUSDT","U":first,"u":final[,"pu":previous],"b":[["p","q"]],"a":[]}
 *   {"e":"trade"|"aggTrade","E":ms,"s":"BTCUSDT","t"|"a":id,"p":"","q":"","T":ms,"m":buyer is maker}
 *   {["e":"bookTicker",]"u":id,"s":"BTCUSDT","b":"","B":"","a":"","A":""}
 *   {"e":"markPriceUpdate","s":"","p":mark,"i":index,"r":funding}             (futures)
 *
 * bare, or in {"stream":"btcusdt@depth","data":...}. Depth and bookTicker count in one id space.
 */
#ifndef FEEDHANDLER_VENUES_BINANCE_DECODER_H
#define FEEDHANDLER_VENUES_BINANCE_DECODER_H

#include "../engine/decode.h"

typedef struct binance_event {
    text e, E, T, s, U, u, pu, p, q, t, m, b, B, a, A, i, r;
    message *depth;
    deferred levels;
    int inner; /* it had a "data": what that was */
} binance_event;

static int binance_data(engine *e, cursor *c);

/* "b" and "a": levels in a depthUpdate, else a price or an id. */
ALWAYS_INLINE void binance_side(engine *e, cursor *c, binance_event *v, uint8_t side, text *scalar)
{
    if (cursor_peek(c) != '[') {
        cursor_scalar(c, scalar);
        return;
    }
    if (v->depth == NULL && v->s.type == TEXT_STRING && TEXT_IS(&v->e, "depthUpdate")) {
        market *m = engine_market(e, &v->s);
        if (m != NULL) {
            engine_subject(e, m);
            v->depth = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
        } else {
            v->s.type = TEXT_NULL; /* counted once: not asked for again */
        }
    }
    if (LIKELY(v->depth != NULL))
        levels_read(e, c, v->depth, side, LEVELS_TEXT);
    else
        levels_defer(&v->levels, c, side);
}

static void binance_depth(engine *e, cursor *c, binance_event *v)
{
    if (v->depth == NULL) {
        market *m = v->s.type == TEXT_STRING ? engine_market(e, &v->s) : NULL;
        if (m == NULL) {
            if (v->s.type == TEXT_NONE)
                CURSOR_FAIL(c, WIRE_MISSING);
            return;
        }
        engine_subject(e, m);
        v->depth = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    }
    levels_recall(e, c, v->depth, &v->levels, LEVELS_TEXT);
    message *msg = v->depth;
    msg->numbers.numbered = true;
    text_id(c, &v->U, &msg->numbers.first);
    text_id(c, &v->u, &msg->numbers.final);
    if (v->pu.type != TEXT_NONE)
        text_id(c, &v->pu, &msg->numbers.previous);
    else if (e->rules.rule == RULE_PREVIOUS)
        CURSOR_FAIL(c, WIRE_MISSING);
    msg->exchange_ns = text_time(&v->E);
}

/* What the fields of one event amount to. */
static int binance_emit(engine *e, cursor *c, binance_event *v, bool wrapped)
{
    int64_t id = 0;
    market *m;
    if (TEXT_IS(&v->e, "depthUpdate")) {
        binance_depth(e, c, v);
        return FEED_DATA;
    }
    if (TEXT_IS(&v->e, "bookTicker") ||
        (v->e.type == TEXT_NONE && v->s.type && v->b.type && v->B.type && v->a.type && v->A.type)) {
        engine_no_book(e);
        if ((m = engine_market(e, &v->s)) != NULL) {
            message *msg = engine_quote(e, c, m, &v->b, &v->B, &v->a, &v->A, CHANNEL_QUOTE);
            text_id(c, &v->u, &msg->numbers.final);
            msg->numbers.numbered = true;
            msg->exchange_ns = text_time(v->T.type ? &v->T : &v->E);
        }
        return FEED_DATA;
    }
    if (TEXT_IS(&v->e, "trade") || TEXT_IS(&v->e, "aggTrade")) {
        engine_no_book(e);
        if ((m = engine_market(e, &v->s)) != NULL) {
            text_id(c, v->e.length == 5 ? &v->t : &v->a, &id);
            engine_trade(e, c, m, &v->p, &v->q, v->m.type == TEXT_TRUE ? FH_SELL : FH_BUY, id,
                         text_time(v->T.type ? &v->T : &v->E), false);
        }
        return FEED_DATA;
    }
    if (TEXT_IS(&v->e, "markPriceUpdate")) {
        engine_no_book(e);
        if ((m = engine_market(e, &v->s)) != NULL) {
            message *msg = engine_message(e, m, MESSAGE_STATS, CHANNEL_TICKER);
            msg->exchange_ns = text_time(&v->E);
            engine_stat(e, msg, FH_STAT_MARK, &v->p, 0);
            engine_stat(e, msg, FH_STAT_INDEX, &v->i, 0);
            engine_stat(e, msg, FH_STAT_FUNDING, &v->r, 0);
        }
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
    memset(v, 0, sizeof *v);
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (LIKELY(key.length == 1)) {
            switch (*key.at) {
            case 'e': cursor_scalar(c, &v->e); continue;
            case 'E': cursor_scalar(c, &v->E); continue;
            case 'T': cursor_scalar(c, &v->T); continue;
            case 's': cursor_scalar(c, &v->s); continue;
            case 'U': cursor_scalar(c, &v->U); continue;
            case 'u': cursor_scalar(c, &v->u); continue;
            case 'p': cursor_scalar(c, &v->p); continue;
            case 'q': cursor_scalar(c, &v->q); continue;
            case 't': cursor_scalar(c, &v->t); continue;
            case 'm': cursor_scalar(c, &v->m); continue;
            case 'b': binance_side(e, c, v, FH_BID, &v->b); continue;
            case 'a': binance_side(e, c, v, FH_ASK, &v->a); continue;
            case 'B': cursor_scalar(c, &v->B); continue;
            case 'A': cursor_scalar(c, &v->A); continue;
            case 'i': cursor_scalar(c, &v->i); continue;
            case 'r': cursor_scalar(c, &v->r); continue;
            }
        } else if (TEXT_IS(&key, "pu")) {
            cursor_scalar(c, &v->pu);
            continue;
        } else if (UNLIKELY(TEXT_IS(&key, "data"))) {
            v->inner = binance_data(e, c);
            continue;
        }
        cursor_scalar(c, &other);
    }
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
    return result;
}

/* The "data" of a wrapper: an event, or an array of them. */
static int binance_data(engine *e, cursor *c)
{
    int result = FEED_DATA;
    if (cursor_peek(c) != '[')
        return binance_event_read(e, c, true);
    cursor_array(c);
    while (cursor_item(c))
        result |= binance_event_read(e, c, true);
    return result;
}

static int binance_decode(engine *e, cursor *c)
{
    const cursor start = *c;
    text key, other;
    int result = FEED_CONTROL;

    cursor_object(c);
    for (bool first = true; cursor_key(c, &key); first = false) {
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

/* {"lastUpdateId":id,["E":ms,"T":ms,]"bids":[["p","q"]],"asks":[]} */
static void binance_snapshot(engine *e, cursor *c, market *m)
{
    message *msg = engine_message(e, m, MESSAGE_SNAPSHOT, CHANNEL_BOOK);
    text key, id = {0}, time = {0}, other;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "bids"))
            levels_read(e, c, msg, FH_BID, LEVELS_TEXT);
        else if (TEXT_IS(&key, "asks"))
            levels_read(e, c, msg, FH_ASK, LEVELS_TEXT);
        else if (TEXT_IS(&key, "lastUpdateId"))
            cursor_scalar(c, &id);
        else
            cursor_scalar(c, TEXT_IS(&key, "E") ? &time : &other);
    }
    if (!c->error && msg->runs == 0) /* an error message, not a book */
        CURSOR_FAIL(c, WIRE_MISSING);
    text_id(c, &id, &msg->numbers.final);
    msg->numbers.numbered = true;
    msg->exchange_ns = text_time(&time);
}

#endif
