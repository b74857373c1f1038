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

#include "binance_events.h"

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
