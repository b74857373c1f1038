/* OKX v5.
 *
 *   {"arg":{"channel":C,"instId":I},["action":"snapshot"|"update",]"data":[D, ...]}
 *
 *   books, books-l2-tbt, books50-l2-tbt   D {"asks":[["px","sz","0","n"]],"bids":[],"ts":"ms",
 *                                            ["checksum":n,]["seqId":n,"prevSeqId":n]}
 *   books5, bbo-tbt                       the same, a full book every time
 *   trades, trades-all                    D {"instId","tradeId","px","sz","side","ts"}
 *   tickers, mark-price, funding-rate, open-interest, opt-summary, index-tickers
 *
 * Frames of before 2022-08 have no seqId: their books are guarded by the checksum alone. Since
 * 2026-06-23 the checksum is always 0: then by the seqId alone. A frame with neither is refused.
 */
#ifndef FEEDHANDLER_VENUES_OKX_DECODER_H
#define FEEDHANDLER_VENUES_OKX_DECODER_H

#include "okx_rows.h"

enum { OKX_WINDOW = 400, OKX_WINDOW_50 = 50 }; /* levels a side */

enum okx_kind { OKX_UNKNOWN = 0, OKX_TOLD, OKX_BOOKS, OKX_FULL, OKX_TRADES, OKX_STATS, OKX_INDEX };

static int okx_kind(const text *channel)
{
    if (TEXT_IS(channel, "books") || TEXT_IS(channel, "books-l2-tbt") ||
        TEXT_IS(channel, "books50-l2-tbt"))
        return OKX_BOOKS;
    if (TEXT_IS(channel, "books5") || TEXT_IS(channel, "bbo-tbt"))
        return OKX_FULL;
    if (TEXT_IS(channel, "trades") || TEXT_IS(channel, "trades-all"))
        return OKX_TRADES;
    if (TEXT_IS(channel, "tickers") || TEXT_IS(channel, "mark-price") ||
        TEXT_IS(channel, "opt-summary") || TEXT_IS(channel, "funding-rate") ||
        TEXT_IS(channel, "open-interest"))
        return OKX_STATS;
    if (TEXT_IS(channel, "instruments") || TEXT_IS(channel, "status"))
        return OKX_TOLD;
    return TEXT_IS(channel, "index-tickers") ? OKX_INDEX : OKX_UNKNOWN;
}

static void okx_book(engine *e, cursor *c, market *m, int kind, uint16_t window)
{
    message *msg = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    msg->window = window;
    text key, time = {0}, id = {0}, previous = {0}, checksum = {0}, other;
    int64_t value = 0;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "asks")) {
            levels_read(e, c, msg, FH_ASK, LEVELS_TEXT);
            continue;
        }
        if (TEXT_IS(&key, "bids")) {
            levels_read(e, c, msg, FH_BID, LEVELS_TEXT);
            continue;
        }
        text *out = TEXT_IS(&key, "ts")          ? &time
                    : TEXT_IS(&key, "checksum")  ? &checksum
                    : TEXT_IS(&key, "prevSeqId") ? &previous
                    : TEXT_IS(&key, "seqId")     ? &id
                                                 : &other;
        cursor_scalar(c, out);
    }
    levels_both(c, msg);
    msg->exchange_ns = text_time(e, c, &time);
    if (checksum.type != TEXT_NONE && text_integer(&checksum, &value) && value != 0) {
        msg->has_checksum = true;
        msg->checksum = value;
    }
    if (id.type != TEXT_NONE || previous.type != TEXT_NONE) {
        text_id(c, &id, &msg->numbers.final);
        msg->numbers.numbered = true;
        msg->numbers.previous = -1;
        if (kind == OKX_BOOKS || previous.type != TEXT_NONE)
            text_number(c, &previous, -1, &msg->numbers.previous);
        msg->numbers.first = msg->numbers.previous + 1;
    }
    if (kind == OKX_FULL)
        msg->kind = MESSAGE_FULL;
    else if (!msg->numbers.numbered && !msg->has_checksum && !c->error)
        CURSOR_FAIL(c, WIRE_MISSING);
}

static inline bool okx_acts(const text *action)
{
    return action->type == TEXT_STRING && (TEXT_IS(action, "snapshot") || TEXT_IS(action, "update"));
}

/* What the action says, which may come behind the levels: a snapshot is a book, an update is changes, and
 * has something that it follows. */
static void okx_settle(engine *e, cursor *c, const text *action)
{
    bool snapshot = action->type == TEXT_STRING && TEXT_IS(action, "snapshot");
    for (uint32_t i = 0; i < e->message_count; i++) {
        message *msg = &e->messages[i];
        if (msg->kind != MESSAGE_DELTA)
            continue;
        if (snapshot)
            msg->kind = MESSAGE_SNAPSHOT;
        else if (action->type != TEXT_STRING || !TEXT_IS(action, "update"))
            text_fail(c, WIRE_RANGE, action);
        else if (msg->numbers.numbered && msg->numbers.previous < 0 && !c->error)
            cursor_fail_at(c, WIRE_RANGE, c->end);
    }
}

typedef struct okx_arg {
    text channel, symbol;
} okx_arg;

/* What is spoilt by a message of this kind that means nothing. Answers the instrument of its channel. */
static inline market *okx_about(engine *e, int kind, const okx_arg *arg)
{
    market *m =
        arg->symbol.type == TEXT_STRING ? symbol_find(e, arg->symbol.at, arg->symbol.length) : NULL;
    if (kind == OKX_BOOKS || kind == OKX_FULL)
        engine_subject(e, m);
    else if (kind == OKX_STATS && TEXT_IS(&arg->channel, "tickers"))
        engine_about_quote(e, m);
    else
        engine_no_book(e);
    return m;
}

static void okx_data(engine *e, cursor *c, const okx_arg *arg)
{
    int kind = okx_kind(&arg->channel);
    bool book = kind == OKX_BOOKS || kind == OKX_FULL, tickers = TEXT_IS(&arg->channel, "tickers");
    market *m = okx_about(e, kind, arg);
    if (m == NULL && book)
        engine_subject(e, m = engine_market(e, &arg->symbol));
    if (kind == OKX_UNKNOWN)
        e->unknown++;
    else if (kind == OKX_TOLD)
        e->told = true;
    /* an index is not an instrument, unless somebody made it one */
    if (kind == OKX_UNKNOWN || kind == OKX_TOLD || (m == NULL && (book || kind == OKX_INDEX))) {
        cursor_skip(c);
        return;
    }
    bool rows = false;
    uint16_t window = 0;
    if (kind == OKX_BOOKS)
        window = TEXT_IS(&arg->channel, "books50-l2-tbt") ? OKX_WINDOW_50 : OKX_WINDOW;
    cursor_array(c);
    for (; cursor_item(c); rows = true) {
        if (kind == OKX_BOOKS || kind == OKX_FULL)
            ENGINE_ITEM(e, c, okx_book(e, c, m, kind, window));
        else if (kind == OKX_TRADES)
            ENGINE_ROW(e, c, okx_trade(e, c, m));
        else
            ENGINE_ROW(e, c, okx_stats(e, c, m, tickers));
    }
    if (!rows && !c->error)
        CURSOR_FAIL(c, WIRE_MISSING); /* a push of nothing */
}

static void okx_arg_read(cursor *c, okx_arg *arg)
{
    text key, other;
    if (cursor_peek(c) != '{') {
        cursor_scalar(c, &other);
        return;
    }
    cursor_object(c);
    while (cursor_key(c, &key))
        cursor_scalar(c, TEXT_IS(&key, "channel")  ? &arg->channel
                         : TEXT_IS(&key, "instId") ? &arg->symbol
                                                   : &other);
}

static int okx_decode(engine *e, cursor *c)
{
    okx_arg arg = {{0}, {0}};
    text key, action = {0}, other;
    bool event = false, waiting = false, data = false, named = false;
    cursor at;
    engine_say_nothing(e);
    if (c->end - c->at == 4 && memcmp(c->at, "pong", 4) == 0) { /* their heartbeat is not JSON */
        c->at = c->end;
        return FEED_CONTROL;
    }
    const cursor start = *c;
    if (USUAL_SCALAR(c, "{\"arg\":{\"channel\":", &arg.channel) &&
        USUAL_SCALAR(c, ",\"instId\":", &arg.symbol) && USUAL(c, "}")) {
        named = true;
        USUAL_SCALAR(c, ",\"action\":", &action);
        if (arg.channel.type == TEXT_STRING && USUAL(c, ",\"data\":")) {
            data = true;
            okx_data(e, c, &arg);
        }
    } else {
        if (!c->error)
            *c = start;
        arg = (okx_arg){{0}, {0}};
        named = false;
        cursor_object(c);
    }
    while (cursor_key(c, &key)) {
        if (TEXT_IS(&key, "arg")) {
            named = true;
            okx_arg_read(c, &arg);
        } else if (TEXT_IS(&key, "data")) {
            data = true;
            if (arg.channel.type == TEXT_STRING && !event) {
                okx_data(e, c, &arg);
            } else {
                at = *c;
                waiting = true;
                cursor_skip(c);
            }
        } else if (TEXT_IS(&key, "event") || TEXT_IS(&key, "table")) { /* "table": of v3 */
            event = true;
            cursor_scalar(c, &other);
        } else {
            cursor_scalar(c, TEXT_IS(&key, "action") ? &action : &other);
        }
    }
    if (!cursor_finish(c))
        return FEED_DATA;
    if (event || !data || arg.channel.type != TEXT_STRING) {
        e->message_count = 0;
        if (!event && !data && arg.channel.type == TEXT_STRING) { /* a push without data */
            okx_about(e, okx_kind(&arg.channel), &arg);
            CURSOR_FAIL(c, WIRE_MISSING);
            return FEED_CONTROL;
        }
        engine_no_book(e);
        if (!event && data && (named || okx_acts(&action))) /* or one of nobody knows what */
            CURSOR_FAIL(c, WIRE_MISSING);
        return FEED_CONTROL;
    }
    if (waiting) {
        at.spare_used = c->spare_used;
        okx_data(e, &at, &arg);
        if (at.error)
            cursor_fail_at(c, at.error, at.error_at);
    }
    if (!c->error)
        okx_settle(e, c, &action);
    return e->told ? FEED_CONTROL : FEED_DATA;
}

/* GET /api/v5/market/books: {"code":"0","data":[{"asks":[],"bids":[],"ts":"ms"[,"seqId":n]}]} */
static void okx_snapshot(engine *e, cursor *c, market *m)
{
    text key, other;
    bool seen = false;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        if (!TEXT_IS(&key, "data")) {
            cursor_scalar(c, &other);
            continue;
        }
        cursor_array(c);
        while (cursor_item(c)) {
            if (seen) {
                cursor_skip(c);
                continue;
            }
            seen = true;
            okx_book(e, c, m, OKX_FULL, 0);
        }
    }
    if (c->error)
        return;
    if (!seen) {
        CURSOR_FAIL(c, WIRE_MISSING);
        return;
    }
    message *msg = &e->messages[e->message_count - 1];
    msg->kind = MESSAGE_SNAPSHOT;
    if (!msg->numbers.numbered && !msg->has_checksum)
        CURSOR_FAIL(c, WIRE_MISSING); /* nothing can be joined to it */
}

#endif
