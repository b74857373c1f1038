/* Each venue's frames, as the floor is told of them. What it does with what they say is in floor_book.h. */
#ifndef FEEDHANDLER_BENCH_FLOOR_FRAMES_H
#define FEEDHANDLER_BENCH_FLOOR_FRAMES_H

#include "floor_levels.h"

/* What stands between values, and values, at `p`; from a function that answers whether the frame was taken. */
#define PAST(literal)                        \
    do {                                     \
        if (UNLIKELY(!FLOOR_IS(p, literal))) \
            return false;                    \
        p += sizeof literal - 1;             \
    } while (0)
#define TAKE(read)                           \
    do {                                     \
        if (UNLIKELY((p = (read)) == NULL))  \
            return false;                    \
    } while (0)
#define AFTER(literal, read)                 \
    do {                                     \
        static uint8_t lasted; /* here */    \
        PAST(literal);                       \
        const char *from = p;                \
        TAKE(read);                          \
        p = floor_as_long(from, p, &lasted); \
    } while (0)
#define EITHER(one, other, is_one)         \
    do {                                   \
        (is_one) = FLOOR_IS(p, one);       \
        if (is_one)                        \
            p += sizeof one - 1;           \
        else                               \
            PAST(other);                   \
    } while (0)

/* "b":"bid","B":"its size","a":"ask","A":"its size", from the first digit to the last one. */
ALWAYS_INLINE bool floor_top(floor_feed *f, floor_book *b, const char **at, int64_t *value)
{
    const char *p = *at;
    TAKE(floor_text(f, b, p, true, &value[0]));
    AFTER("\",\"B\":\"", floor_text(f, b, p, false, &value[1]));
    AFTER("\",\"a\":\"", floor_text(f, b, p, true, &value[2]));
    AFTER("\",\"A\":\"", floor_text(f, b, p, false, &value[3]));
    *at = p;
    return true;
}

/* {"stream":"...","data":{"e":"depthUpdate","E":ms,"s":"X","U":n,"u":n,"b":[],"a":[]}} and bookTicker,
 * trade, in the same wrapper. */
static bool floor_binance(floor_feed *f, const char *p)
{
    uint64_t first, number;
    int64_t time, value[4];
    floor_book *b;
    AFTER("{\"stream\":\"", floor_string(p, '"'));
    PAST("\",\"data\":{\"");
    if (*p == 'u') { /* "u":n,"s":"X","b":"","B":"","a":"","A":"" */
        AFTER("u\":", floor_integer(p, &number));
        AFTER(",\"s\":\"", floor_symbol(f, p, '"', &b));
        PAST("\",\"b\":\"");
        if (UNLIKELY(!floor_top(f, b, &p, value) || !FLOOR_IS(p, "\"}}") || p + 3 != f->end))
            return false;
        return floor_quote(f, b, value, 0, number);
    }
    PAST("e\":\"");
    if (*p == 't') { /* "e":"trade","E":ms,"s":"X","t":n,"p":"","q":"","T":ms,"m":bool,"M":true */
        floor_trade *t = f->trades;
        AFTER("trade\",\"E\":", floor_time(p, &time));
        AFTER(",\"s\":\"", floor_symbol(f, p, '"', &b));
        AFTER("\",\"t\":", floor_integer(p, &t->number));
        AFTER(",\"p\":\"", floor_text(f, b, p, true, &t->price));
        AFTER("\",\"q\":\"", floor_text(f, b, p, false, &t->size));
        AFTER("\",\"T\":", floor_time(p, &t->time));
        PAST(",\"m\":");
        EITHER("true", "false", t->sold);
        PAST(",\"M\":true}}");
        t->sequence = t->number;
        f->trade_count = 1;
        return p == f->end && floor_traded(f, b);
    }
    AFTER("depthUpdate\",\"E\":", floor_time(p, &time));
    AFTER(",\"s\":\"", floor_symbol(f, p, '"', &b));
    AFTER("\",\"U\":", floor_integer(p, &first));
    AFTER(",\"u\":", floor_integer(p, &number));
    AFTER(",\"b\":[", floor_levels(f, b, p, FLOOR_TEXT));
    uint32_t bids = f->count;
    AFTER(",\"a\":[", floor_levels(f, b, p, FLOOR_TEXT));
    PAST("}}");
    return p == f->end && floor_changes(f, b, false, bids, false, time, first - 1, number);
}

/* {"stream":"...","data":{"e":"depthUpdate","E":ms,"T":ms,"s":"X","U":n,"u":n,"pu":n,"b":[],"a":[]}} and
 * bookTicker, trade, in the same wrapper. */
static bool floor_binance_usdm(floor_feed *f, const char *p)
{
    uint64_t number, other, previous;
    int64_t time, sent, value[4];
    floor_book *b;
    AFTER("{\"stream\":\"", floor_string(p, '"'));
    PAST("\",\"data\":{\"e\":\"");
    if (*p == 'b') { /* "e":"bookTicker","u":n,"s":"X","b":"","B":"","a":"","A":"","T":ms,"E":ms */
        AFTER("bookTicker\",\"u\":", floor_integer(p, &number));
        AFTER(",\"s\":\"", floor_symbol(f, p, '"', &b));
        PAST("\",\"b\":\"");
        if (UNLIKELY(!floor_top(f, b, &p, value)))
            return false;
        AFTER("\",\"T\":", floor_time(p, &time));
        AFTER(",\"E\":", floor_time(p, &sent));
        PAST("}}");
        return p == f->end && floor_quote(f, b, value, time, number);
    }
    if (*p == 't') { /* "e":"trade","E":ms,"T":ms,"s":"X","t":n,"p":"","q":"","X":"MARKET","m":bool */
        floor_trade *t = f->trades;
        AFTER("trade\",\"E\":", floor_time(p, &sent));
        AFTER(",\"T\":", floor_time(p, &t->time));
        AFTER(",\"s\":\"", floor_symbol(f, p, '"', &b));
        AFTER("\",\"t\":", floor_integer(p, &t->number));
        AFTER(",\"p\":\"", floor_text(f, b, p, true, &t->price));
        AFTER("\",\"q\":\"", floor_text(f, b, p, false, &t->size));
        AFTER("\",\"X\":\"", floor_string(p, '"'));
        PAST("\",\"m\":");
        EITHER("true", "false", t->sold);
        PAST("}}");
        t->sequence = t->number;
        f->trade_count = 1;
        return p == f->end && floor_traded(f, b);
    }
    AFTER("depthUpdate\",\"E\":", floor_time(p, &sent));
    AFTER(",\"T\":", floor_time(p, &time));
    AFTER(",\"s\":\"", floor_symbol(f, p, '"', &b));
    AFTER("\",\"U\":", floor_integer(p, &other));
    AFTER(",\"u\":", floor_integer(p, &number));
    AFTER(",\"pu\":", floor_integer(p, &previous));
    AFTER(",\"b\":[", floor_levels(f, b, p, FLOOR_SHORT));
    uint32_t bids = f->count;
    AFTER(",\"a\":[", floor_levels(f, b, p, FLOOR_SHORT));
    PAST("}}");
    return p == f->end && floor_changes(f, b, false, bids, false, time, previous, number);
}

/* A signed number that nobody needs, or -1, which stands for none. */
ALWAYS_INLINE const char *floor_signed(const char *p, uint64_t *out)
{
    return floor_integer(p + (*p == '-'), out);
}

/* {"arg":{"channel":"books","instId":"X"},"action":"update","data":[{"asks":[],"bids":[],"ts":"ms",
 * "checksum":n,"seqId":n,"prevSeqId":n}]}, or the last two the other way round. */
static bool floor_okx(floor_feed *f, const char *p)
{
    uint64_t number, previous, other;
    int64_t time;
    floor_book *b;
    bool whole;
    AFTER("{\"arg\":{\"channel\":\"", floor_string(p, '"'));
    AFTER("\",\"instId\":\"", floor_symbol(f, p, '"', &b));
    PAST("\"},\"action\":\"");
    EITHER("snapshot", "update", whole);
    AFTER("\",\"data\":[{\"asks\":[", floor_levels(f, b, p, FLOOR_ORDERS));
    uint32_t asks = f->count;
    AFTER(",\"bids\":[", floor_levels(f, b, p, FLOOR_ORDERS));
    AFTER(",\"ts\":\"", floor_time(p, &time));
    AFTER("\",\"checksum\":", floor_signed(p, &other));
    if (FLOOR_IS(p, ",\"seqId\":")) {
        TAKE(floor_integer(p + 9, &number));
        AFTER(",\"prevSeqId\":", floor_signed(p, &previous));
    } else {
        AFTER(",\"prevSeqId\":", floor_signed(p, &previous));
        AFTER(",\"seqId\":", floor_integer(p, &number));
    }
    PAST("}]}");
    return p == f->end && floor_changes(f, b, whole, asks, true, time, previous, number);
}

/* {"T":ms,"s":"X","S":"Buy","v":"","p":"","L":"","i":UUID,"BT":b,"RPI":b,"seq":n} */
ALWAYS_INLINE bool floor_bybit_linear_trade(floor_feed *f, floor_book *b, const char **at, floor_trade *t)
{
    const char *p = *at;
    bool flag;
    AFTER("{\"T\":", floor_time(p, &t->time));
    AFTER(",\"s\":\"", floor_same(b, p));
    PAST("\",\"S\":\"");
    EITHER("Sell", "Buy", t->sold);
    AFTER("\",\"v\":\"", floor_text(f, b, p, false, &t->size));
    AFTER("\",\"p\":\"", floor_text(f, b, p, true, &t->price));
    AFTER("\",\"L\":\"", floor_string(p, '"'));
    AFTER("\",\"i\":\"", floor_string(p, '"'));
    PAST("\",\"BT\":");
    EITHER("true", "false", flag);
    PAST(",\"RPI\":");
    EITHER("true", "false", flag);
    AFTER(",\"seq\":", floor_integer(p, &t->sequence));
    t->number = 0;
    *at = p;
    return true;
}

/* {"i":"","T":ms,"p":"","v":"","S":"Buy","seq":n,"s":"X","BT":b,"RPI":b} */
ALWAYS_INLINE bool floor_bybit_spot_trade(floor_feed *f, floor_book *b, const char **at, floor_trade *t)
{
    const char *p = *at;
    bool flag;
    AFTER("{\"i\":\"", floor_id(p, &t->number));
    AFTER("\",\"T\":", floor_time(p, &t->time));
    AFTER(",\"p\":\"", floor_text(f, b, p, true, &t->price));
    AFTER("\",\"v\":\"", floor_text(f, b, p, false, &t->size));
    PAST("\",\"S\":\"");
    EITHER("Sell", "Buy", t->sold);
    AFTER("\",\"seq\":", floor_integer(p, &t->sequence));
    AFTER(",\"s\":\"", floor_same(b, p));
    PAST("\",\"BT\":");
    EITHER("true", "false", flag);
    PAST(",\"RPI\":");
    EITHER("true", "false", flag);
    *at = p;
    return true;
}

/* {"topic":"orderbook.N.X","type":"delta","ts":ms,"data":{"s":"X","b":[],"a":[],"u":n,"seq":n},"cts":ms}, and
 * publicTrade with an array; of spot "ts" is before "type", and trades have other keys. */
ALWAYS_INLINE bool floor_bybit(floor_feed *f, const char *p, bool spot)
{
    uint64_t number, other;
    int64_t time, sent;
    floor_book *b;
    bool whole;
    PAST("{\"topic\":\"");
    if (*p == 'o') {
        AFTER("orderbook.", floor_integer(p, &other));
        AFTER(".", floor_symbol(f, p, '"', &b));
        if (spot) {
            AFTER("\",\"ts\":", floor_time(p, &sent));
            PAST(",\"type\":\"");
        } else {
            PAST("\",\"type\":\"");
        }
        EITHER("snapshot", "delta", whole);
        PAST("\"");
        if (!spot)
            AFTER(",\"ts\":", floor_time(p, &sent));
        AFTER(",\"data\":{\"s\":\"", floor_same(b, p));
        AFTER("\",\"b\":[", floor_levels(f, b, p, FLOOR_TEXT));
        uint32_t bids = f->count;
        AFTER(",\"a\":[", floor_levels(f, b, p, FLOOR_TEXT));
        AFTER(",\"u\":", floor_integer(p, &number));
        AFTER(",\"seq\":", floor_integer(p, &other));
        AFTER("},\"cts\":", floor_time(p, &time));
        PAST("}");
        return p == f->end && floor_changes(f, b, whole, bids, false, time, number - 1, number);
    }
    AFTER("publicTrade.", floor_symbol(f, p, '"', &b));
    if (spot) {
        AFTER("\",\"ts\":", floor_time(p, &sent));
        PAST(",\"type\":\"snapshot\",\"data\":[");
    } else {
        AFTER("\",\"type\":\"snapshot\",\"ts\":", floor_time(p, &sent));
        PAST(",\"data\":[");
    }
    for (;; p++) {
        floor_trade *t = &f->trades[f->trade_count];
        if (UNLIKELY(f->trade_count == FLOOR_TRADES || !(spot ? floor_bybit_spot_trade(f, b, &p, t)
                                                              : floor_bybit_linear_trade(f, b, &p, t))))
            return false;
        f->trade_count++;
        PAST("}");
        if (*p != ',')
            break;
    }
    PAST("]}");
    return p == f->end && floor_traded(f, b);
}

static bool floor_bybit_linear(floor_feed *f, const char *p) { return floor_bybit(f, p, false); }

static bool floor_bybit_spot(floor_feed *f, const char *p) { return floor_bybit(f, p, true); }

/* {"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.X.raw","data":{"type":"change",
 * "timestamp":ms,["prev_change_id":n,]"instrument_name":"X","change_id":n,"bids":[],"asks":[]}}}, and as
 * it is sent since 2026: {"timestamp":ms,"type":"change","change_id":n,"instrument_name":"X","bids":[],
 * "asks":[][,"prev_change_id":n]}. */
static bool floor_deribit(floor_feed *f, const char *p)
{
    floor_book *b;
    uint64_t number, previous = 0;
    int64_t time = 0;
    bool whole, live;
    PAST("{\"jsonrpc\":\"2.0\",\"method\":\"subscription\",");
    AFTER("\"params\":{\"channel\":\"book.", floor_symbol(f, p, '.', &b));
    TAKE(floor_string(p, '"'));
    PAST("\",\"data\":{");
    live = FLOOR_IS(p, "\"timestamp\":");
    if (live) {
        AFTER("\"timestamp\":", floor_time(p, &time));
        PAST(",");
    }
    PAST("\"type\":\"");
    EITHER("snapshot", "change", whole);
    if (live) {
        AFTER("\",\"change_id\":", floor_integer(p, &number));
        AFTER(",\"instrument_name\":\"", floor_same(b, p));
        PAST("\"");
    } else {
        AFTER("\",\"timestamp\":", floor_time(p, &time));
        if (!whole)
            AFTER(",\"prev_change_id\":", floor_integer(p, &previous));
        AFTER(",\"instrument_name\":\"", floor_same(b, p));
        AFTER("\",\"change_id\":", floor_integer(p, &number));
    }
    AFTER(",\"bids\":[", floor_levels(f, b, p, FLOOR_VERB));
    uint32_t bids = f->count;
    AFTER(",\"asks\":[", floor_levels(f, b, p, FLOOR_VERB));
    if (live && !whole)
        AFTER(",\"prev_change_id\":", floor_integer(p, &previous));
    PAST("}}}");
    return p == f->end && floor_changes(f, b, whole, bids, false, time, previous, number);
}

/* {"lastUpdateId":n,...,"bids":[],"asks":[]} */
static bool floor_binance_answer(floor_feed *f, floor_book *b, const char *p)
{
    uint64_t number;
    f->count = 0;
    f->widened = false;
    AFTER("{\"lastUpdateId\":", floor_integer(p, &number));
    p = strstr(p, "\"bids\":[") + 8;
    TAKE(floor_levels(f, b, p, FLOOR_TEXT));
    uint32_t bids = f->count;
    AFTER(",\"asks\":[", floor_levels(f, b, p, FLOOR_TEXT));
    return floor_changes(f, b, true, bids, false, 0, 0, number);
}

/* A Binance depth snapshot, to start the book from: `symbol` as padded as frames are. */
static inline bool floor_binance_snapshot(floor_feed *f, const char *symbol, const char *p)
{
    floor_book *b;
    bool taken;
    if (floor_symbol(f, symbol, 0, &b) == NULL)
        return false;
    do
        taken = floor_binance_answer(f, b, p);
    while (!taken && f->widened);
    return taken;
}

#undef PAST
#undef TAKE
#undef AFTER
#undef EITHER

#endif
