/* Deribit: JSON-RPC notifications.
 *
 *   {"jsonrpc":"2.0","method":"subscription","params":{"channel":C,"data":D}}
 *
 *   book.{i}.{interval}      D {["type":"snapshot"|"change",]"timestamp":ms,"change_id":n,
 *                               ["prev_change_id":n,]"bids":[["new",p,amount]],"asks":[]}
 *   book.{i}.{group}.{depth}.{interval}   D without type, levels [p,amount], a full book every time
 *   ticker.{i}.{interval}, quote.{i}      D an object of numbers
 *   trades.{i}.{interval}, trades.{kind}.{currency}.{interval}   D an array
 *
 * Volatilities are in percent: records keep them so, cells hold fractions.
 */
#ifndef FEEDHANDLER_VENUES_DERIBIT_DECODER_H
#define FEEDHANDLER_VENUES_DERIBIT_DECODER_H

#include "deribit_rows.h"

/* The parts of a channel's name. An instrument's name has no point in it. */
typedef struct deribit_channel {
    text kind, symbol, group;
    int parts;
} deribit_channel;

static inline deribit_channel deribit_split(const text *name)
{
    deribit_channel ch = {0};
    const uint8_t *at = name->at, *end = at + name->length;
    text *parts[3] = {&ch.kind, &ch.symbol, &ch.group};
    while (at <= end) {
        const uint8_t *dot = at < end ? (const uint8_t *)memchr(at, '.', (size_t)(end - at)) : NULL;
        if (dot == NULL)
            dot = end;
        if (ch.parts < 3)
            *parts[ch.parts] = (text){at, (uint32_t)(dot - at), TEXT_STRING, false};
        ch.parts++;
        at = dot + 1;
    }
    return ch;
}

/* The first change of a book that was just listed follows number 0; of any other book none does. */
static inline bool deribit_new(const market *m)
{
    return m->book.bids.count == 0 && m->book.asks.count == 0;
}

static void deribit_book(engine *e, cursor *c, market *m, bool grouped, bool rounded, bool answer)
{
    message *msg = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    text key, type = {0}, id = {0}, previous = {0}, time = {0}, named = {0}, other;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        uint8_t side = FH_BID;
        switch (key.length) {
        case 4:
            if (KEY_IS(&key, "bids")) {
            levels:
                if (grouped)
                    levels_read(e, c, msg, side, LEVELS_NUMBER);
                else
                    levels_read(e, c, msg, side, LEVELS_VERB);
                continue;
            }
            if (KEY_IS(&key, "asks")) {
                side = FH_ASK;
                goto levels;
            }
            if (KEY_IS(&key, "type")) {
                cursor_scalar(c, &type);
                continue;
            }
            break;
        case 9:
            if (KEY_IS(&key, "timestamp")) {
                cursor_scalar(c, &time);
                continue;
            }
            if (KEY_IS(&key, "change_id")) {
                cursor_scalar(c, &id);
                continue;
            }
            break;
        case 15:
            if (KEY_IS(&key, "instrument_name")) {
                cursor_scalar(c, &named);
                continue;
            }
            break;
        case 14:
            if (KEY_IS(&key, "prev_change_id")) {
                cursor_scalar(c, &previous);
                continue;
            }
            break;
        }
        cursor_scalar(c, &other);
    }
    levels_both(c, msg);
    if (UNLIKELY(named.type != TEXT_STRING || symbol_find(e, named.at, named.length) != m))
        text_fail(c, WIRE_RANGE, &named); /* another one's than the channel's */
    text_number(c, &id, 1, &msg->numbers.final);
    msg->numbers.numbered = true;
    msg->exchange_ns = text_time(e, c, &time);
    bool change = type.type == TEXT_STRING && TEXT_IS(&type, "change");
    if (!change && type.type != TEXT_NONE && (type.type != TEXT_STRING || !TEXT_IS(&type, "snapshot")))
        text_fail(c, WIRE_RANGE, &type);
    if (change || previous.type != TEXT_NONE)
        text_id(c, &previous, &msg->numbers.previous);
    msg->numbers.first = msg->numbers.previous + 1;
    if (answer || (type.type == TEXT_STRING && !change) || msg->numbers.previous == 0)
        msg->kind = MESSAGE_SNAPSHOT;
    if (change && msg->numbers.previous == 0 && !deribit_new(m))
        text_fail(c, WIRE_RANGE, &previous);
    if (grouped && !answer)
        msg->kind = MESSAGE_FULL;
    msg->rounded = rounded;
}

/* What is spoilt by a message of this channel that means nothing. */
static inline void deribit_about(engine *e, const deribit_channel *ch, market *m)
{
    if (TEXT_IS(&ch->kind, "book"))
        engine_subject(e, m);
    else if (TEXT_IS(&ch->kind, "ticker") || TEXT_IS(&ch->kind, "quote"))
        engine_about_quote(e, m);
    else
        engine_no_book(e);
}

static void deribit_data(engine *e, cursor *c, const text *name)
{
    deribit_channel ch = deribit_split(name);
    bool book = TEXT_IS(&ch.kind, "book"), ticker = TEXT_IS(&ch.kind, "ticker");
    deribit_about(e, &ch, NULL);
    if (TEXT_IS(&ch.kind, "trades")) {
        cursor_array(c);
        while (cursor_item(c))
            ENGINE_ROW(e, c, deribit_trade(e, c));
        return;
    }
    if (!book && !ticker && !TEXT_IS(&ch.kind, "quote")) {
        if (TEXT_IS(&ch.kind, "instrument") || TEXT_IS(&ch.kind, "platform_state"))
            e->told = true;
        else
            e->unknown++;
        cursor_skip(c);
        return;
    }
    market *m = engine_market(e, &ch.symbol);
    if (m == NULL) {
        cursor_skip(c);
        return;
    }
    e->subject = m;
    if (book)
        ENGINE_ITEM(e, c, deribit_book(e, c, m, ch.parts > 3, !TEXT_IS(&ch.group, "none"), false));
    else
        ENGINE_ITEM(e, c, deribit_ticker(e, c, m, ticker));
}

/* Data of nobody knows which channel: a book has missed something if it is one's. */
COLD void deribit_orphan(engine *e, cursor data)
{
    text key, symbol = {0}, id = {0}, other;
    cursor_object(&data);
    while (cursor_key(&data, &key))
        cursor_scalar(&data, TEXT_IS(&key, "instrument_name") ? &symbol
                             : TEXT_IS(&key, "change_id")     ? &id
                                                              : &other);
    if (!data.error && id.type != TEXT_NONE && symbol.type == TEXT_STRING)
        engine_subject(e, symbol_find(e, symbol.at, symbol.length));
    else
        engine_no_book(e);
}

/* The rest of "params"; `name` is its channel, if that has come. */
static void deribit_params(engine *e, cursor *c, text name, bool *data_seen)
{
    text key, other;
    cursor data;
    bool waiting = false;
    if (name.type == TEXT_NONE) {
        if (cursor_peek(c) != '{') {
            cursor_scalar(c, &other);
            return;
        }
        cursor_object(c);
    } else if (name.type == TEXT_STRING && USUAL(c, ",\"data\":")) {
        *data_seen = true;
        deribit_data(e, c, &name);
    }
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "channel")) {
            cursor_scalar(c, &name);
        } else if (!TEXT_IS(&key, "data")) {
            cursor_scalar(c, &other);
        } else if (name.type == TEXT_STRING) {
            *data_seen = true;
            deribit_data(e, c, &name);
        } else {
            data = *c;
            waiting = true;
            cursor_skip(c);
        }
    }
    if (c->error)
        return;
    if (waiting && name.type == TEXT_STRING) {
        *data_seen = true;
        data.spare_used = c->spare_used;
        deribit_data(e, &data, &name);
        if (data.error)
            cursor_fail_at(c, data.error, data.error_at);
    } else if (waiting) {
        *data_seen = true;
        deribit_orphan(e, data);
        CURSOR_FAIL(c, WIRE_MISSING);
    } else if (name.type == TEXT_STRING && !*data_seen) {
        deribit_channel ch = deribit_split(&name);
        *data_seen = true; /* it is no answer */
        deribit_about(e, &ch, symbol_find(e, ch.symbol.at, ch.symbol.length));
        CURSOR_FAIL(c, WIRE_MISSING);
    }
}

static int deribit_decode(engine *e, cursor *c)
{
    static const char subscription[] = "subscription";
    text key, method = {0}, name = {0}, other;
    bool data = false;
    engine_say_nothing(e);
    if (USUAL_SCALAR(c, "{\"jsonrpc\":\"2.0\",\"method\":\"subscription\",\"params\":{\"channel\":", &name)) {
        method = (text){(const uint8_t *)subscription, sizeof subscription - 1, TEXT_STRING, false};
        if (!c->error)
            deribit_params(e, c, name, &data);
    } else {
        cursor_object(c);
    }
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "params"))
            deribit_params(e, c, (text){0}, &data);
        else
            cursor_scalar(c, TEXT_IS(&key, "method") ? &method : &other);
    }
    cursor_finish(c);
    bool pushed = method.type == TEXT_STRING && TEXT_IS(&method, "subscription");
    if (data && !pushed && !c->error)
        text_fail(c, WIRE_RANGE, &method); /* market data, and not said to be */
    if (data && !c->error) {
        return e->told ? FEED_CONTROL : FEED_DATA;
    }
    if (c->error)
        return FEED_DATA;
    e->message_count = 0; /* an answer, an error, a heartbeat */
    engine_no_book(e);
    return FEED_CONTROL;
}

/* public/get_order_book: {"result":{"change_id":n,"timestamp":ms,"bids":[[p,amount]],"asks":[]}} */
static void deribit_snapshot(engine *e, cursor *c, market *m)
{
    text key, other;
    bool seen = false;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "result")) {
            deribit_book(e, c, m, true, false, true);
            seen = true;
        } else {
            cursor_scalar(c, &other);
        }
    }
    if (!c->error && !seen)
        CURSOR_FAIL(c, WIRE_MISSING);
}

#endif
