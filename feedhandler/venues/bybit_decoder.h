/* Bybit v5, the public topics of spot, linear and inverse.
 *
 *   {"topic":T,"type":"snapshot"|"delta","ts":ms,"data":D,["cts":ms of the matching engine,]["cs":n]}
 *
 * with the keys in any order: spot's "ts" is before its "type", some topics have "type" last.
 *
 *   orderbook.N.SYMBOL      D {"s":"","b":[["price","size"]],"a":[],"u":n,"seq":n}; size 0: removed
 *   publicTrade.SYMBOL      D [{"T":ms,"s":"","S":"Buy"|"Sell","v":size,"p":price,"i":id,"seq":n}]
 *   allLiquidation.SYMBOL   D [{"T":ms,"s":"","S":"Buy"|"Sell","v":size,"p":price}]
 *   tickers.SYMBOL          D {"markPrice":"",...}; of a delta what is absent has not changed
 *
 * "u" counts by one within a topic; 1 is a snapshot whatever its type says. "seq" is of all topics of a
 * symbol together.
 */
#ifndef FEEDHANDLER_VENUES_BYBIT_DECODER_H
#define FEEDHANDLER_VENUES_BYBIT_DECODER_H

#include "bybit_rows.h"

enum bybit_kind {
    BYBIT_UNKNOWN = 0,
    BYBIT_BOOK,
    BYBIT_TOP, /* one level a side, always whole */
    BYBIT_TRADES,
    BYBIT_LIQUIDATIONS,
    BYBIT_TICKER,
};

typedef struct bybit_topic {
    int kind;
    uint16_t window; /* of a book: levels a side */
    bool placed; /* its books have a "seq" */
    text symbol;
} bybit_topic;

/* Of "orderbook.50.BTCUSDT": what it is, and the symbol. */
static bybit_topic bybit_split(const text *name)
{
    bybit_topic topic = {BYBIT_UNKNOWN, 0, true, *name};
    const uint8_t *end = name->at + name->length, *at = name->at;
    if (name->type != TEXT_STRING || name->length == 0)
        return topic;
    const uint8_t *dot = (const uint8_t *)memchr(at, '.', name->length);
    if (dot == NULL)
        return topic;
    text kind = *name;
    kind.length = (uint32_t)(dot - at);
    if (TEXT_IS(&kind, "orderbook")) {
        const uint8_t *digits = dot + 1;
        dot = (const uint8_t *)memchr(digits, '.', (size_t)(end - digits));
        if (dot == NULL)
            return topic;
        for (const uint8_t *digit = digits; (uint8_t)(*digit - '0') < 10; digit++)
            topic.window = (uint16_t)(topic.window * 10 + (*digit - '0'));
        if ((uint8_t)(*digits - '0') < 10) /* not the RPI book */
            topic.kind = dot - digits == 1 && *digits == '1' ? BYBIT_TOP : BYBIT_BOOK;
        const text window = {digits, (uint32_t)(end - digits), 0, false};
        /* the depths of options, which have none */
        topic.placed = !TEXT_STARTS(&window, "25.") && !TEXT_STARTS(&window, "100.");
    } else if (TEXT_IS(&kind, "publicTrade")) {
        topic.kind = BYBIT_TRADES;
    } else if (TEXT_IS(&kind, "allLiquidation")) {
        topic.kind = BYBIT_LIQUIDATIONS;
    } else if (TEXT_IS(&kind, "tickers")) {
        topic.kind = BYBIT_TICKER;
    }
    topic.symbol.at = dot + 1;
    topic.symbol.length = (uint32_t)(end - dot - 1);
    return topic;
}

/* `times`: of an answer, where its "ts" and "cts" go. */
static void bybit_book(engine *e, cursor *c, market *m, bool top, bool placed,
                       uint16_t window, text *times)
{
    message *msg = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    msg->window = window;
    text key, symbol = {0}, id = {0}, place = {0}, other, *sent = &other, *matched = &other;
    if (times != NULL) {
        sent = &times[0];
        matched = &times[1];
    }
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "b") || TEXT_IS(&key, "a"))
            levels_read(e, c, msg, *key.at == 'a' ? FH_ASK : FH_BID, LEVELS_TEXT);
        else
            cursor_scalar(c, TEXT_IS(&key, "u")     ? &id
                             : TEXT_IS(&key, "seq") ? &place
                             : TEXT_IS(&key, "s")   ? &symbol
                             : TEXT_IS(&key, "ts")  ? sent
                             : TEXT_IS(&key, "cts") ? matched
                                                    : &other);
    }
    levels_both(c, msg);
    if (UNLIKELY(symbol.type != TEXT_STRING || symbol_find(e, symbol.at, symbol.length) != m))
        text_fail(c, WIRE_RANGE, &symbol); /* another one's than the topic's */
    text_number(c, &id, placed, &msg->numbers.final);
    msg->numbers.numbered = true;
    if (placed || place.type != TEXT_NONE)
        text_number(c, &place, 1, &msg->numbers.place);
    if (!c->error && top)
        bybit_top(e, msg);
}

/* What is spoilt by a message of this kind that means nothing. */
static inline void bybit_about(engine *e, int kind, market *m)
{
    if (kind == BYBIT_BOOK)
        engine_subject(e, m);
    else if (kind == BYBIT_TOP || kind == BYBIT_TICKER)
        engine_about_quote(e, m);
    else
        engine_no_book(e);
}

static void bybit_data(engine *e, cursor *c, const text *name)
{
    bybit_topic topic = bybit_split(name);
    if (topic.kind != BYBIT_BOOK)
        engine_no_book(e);
    if (topic.kind == BYBIT_UNKNOWN) {
        e->unknown++;
        cursor_skip(c);
        return;
    }
    market *m = engine_market(e, &topic.symbol);
    if (m == NULL) {
        cursor_skip(c);
        return;
    }
    bybit_about(e, topic.kind, m);
    if (topic.kind == BYBIT_BOOK || topic.kind == BYBIT_TOP) {
        ENGINE_ITEM(e, c, bybit_book(e, c, m, topic.kind == BYBIT_TOP, topic.placed, topic.window, NULL));
    } else if (topic.kind == BYBIT_TICKER) {
        ENGINE_ITEM(e, c, bybit_ticker(e, c, m));
    } else {
        cursor_array(c);
        while (cursor_item(c))
            ENGINE_ROW(e, c, bybit_trade(e, c, m, topic.kind == BYBIT_LIQUIDATIONS));
    }
}

/* Data of nobody knows which topic: a book has missed something if it is one's. */
COLD void bybit_orphan(engine *e, cursor data)
{
    text key, symbol = {0}, id = {0}, other;
    cursor_object(&data);
    while (cursor_key(&data, &key))
        cursor_scalar(&data, TEXT_IS(&key, "s") ? &symbol : TEXT_IS(&key, "u") ? &id : &other);
    if (!data.error && id.type != TEXT_NONE && symbol.type == TEXT_STRING) {
        e->book_frame = true;
        engine_subject(e, symbol_find(e, symbol.at, symbol.length));
    }
}

static int bybit_decode(engine *e, cursor *c)
{
    text key, name = {0}, type = {0}, time = {0}, matched = {0}, other;
    bool data = false, waiting = false, answer = false;
    cursor at = *c;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "data")) {
            data = true;
            if (name.type == TEXT_STRING) {
                bybit_data(e, c, &name);
            } else {
                at = *c;
                waiting = true;
                cursor_skip(c);
            }
        } else {
            answer |= TEXT_IS(&key, "op") || TEXT_IS(&key, "success");
            text *out = TEXT_IS(&key, "topic")  ? &name
                        : TEXT_IS(&key, "type") ? &type
                        : TEXT_IS(&key, "ts")   ? &time
                        : TEXT_IS(&key, "cts")  ? &matched
                                                : &other;
            cursor_scalar(c, out);
        }
    }
    if (!cursor_finish(c))
        return FEED_DATA;
    if (name.type != TEXT_STRING) { /* an answer: {"success":true,...,"op":"subscribe"} */
        e->message_count = 0;
        engine_no_book(e);
        if (!answer && (data || name.type != TEXT_NONE)) {
            if (waiting)
                bybit_orphan(e, at);
            CURSOR_FAIL(c, WIRE_MISSING);
        }
        return FEED_CONTROL;
    }
    const bybit_topic topic = bybit_split(&name);
    int kind = topic.kind;
    if (!data && kind == BYBIT_UNKNOWN) {
        e->unknown++;
    } else if (!data) {
        bybit_about(e, kind, symbol_find(e, topic.symbol.at, topic.symbol.length));
        CURSOR_FAIL(c, WIRE_MISSING);
    }
    if (waiting) {
        at.spare_used = c->spare_used;
        bybit_data(e, &at, &name);
        if (at.error)
            cursor_fail_at(c, at.error, at.error_at);
    }
    if (kind == BYBIT_UNKNOWN || c->error)
        return FEED_DATA;
    int64_t sent = text_time(e, c, &time);
    int64_t when = matched.type != TEXT_NONE ? text_time(e, c, &matched) : sent;
    bool snapshot = type.type == TEXT_STRING && TEXT_IS(&type, "snapshot");
    if (!snapshot && kind <= BYBIT_TOP && (type.type != TEXT_STRING || !TEXT_IS(&type, "delta")))
        text_fail(c, WIRE_RANGE, &type);
    if (!snapshot && kind == BYBIT_TOP && e->message_count) {
        e->unknown++; /* the best level was sent as changes once */
        e->message_count = 0;
    }
    bybit_settle(e, when, sent, snapshot);
    return FEED_DATA;
}

/* GET /v5/market/orderbook: {"retCode":0,"result":{"s":"","b":[],"a":[],"ts":ms,"u":n,"seq":n,"cts":ms}} */
static void bybit_snapshot(engine *e, cursor *c, market *m)
{
    text key, other, times[2] = {{0}, {0}};
    bool seen = false;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "result") && !seen) {
            bybit_book(e, c, m, false, true, 0, times);
            seen = true;
        } else {
            cursor_scalar(c, &other);
        }
    }
    if (!c->error && !seen)
        CURSOR_FAIL(c, WIRE_MISSING);
    if (c->error || !e->message_count)
        return;
    message *msg = &e->messages[e->message_count - 1];
    msg->kind = MESSAGE_SNAPSHOT;
    msg->exchange_ns = msg->sent_ns = text_time(e, c, &times[0]);
    if (times[1].type != TEXT_NONE)
        msg->exchange_ns = text_time(e, c, &times[1]);
}

#endif
