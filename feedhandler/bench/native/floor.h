/* The floor: the least C that turns these frames into slots.
 *
 * It takes the format for granted (compact JSON, these orders of keys, no escapes, no errors), checks
 * nothing, knows no continuity, states or cells. It reads the clock once a frame, since a slot says when
 * it was written; reads every price and size, the time and the number of a frame; keeps a sorted array of
 * levels a side and writes one 64-byte slot a level. What the engine costs is measured against this, on
 * the same frames, in the same process. floor_book.h has what it is made of.
 */
#ifndef FEEDHANDLER_BENCH_FLOOR_H
#define FEEDHANDLER_BENCH_FLOOR_H

#include "floor_book.h"

enum floor_shape { FLOOR_TEXT, FLOOR_SHORT, FLOOR_ORDERS, FLOOR_VERB };

/* A frame's levels: to slots at once if its time and number are known; else when they are. */
typedef struct floor_stamp {
    bool known;
    int64_t time;
    uint64_t sequence;
} floor_stamp;

/* "[[...],[...]]" or "[]" to the book: `p` past the outer bracket; answers past the closing one. */
ALWAYS_INLINE const char *floor_levels(floor_feed *f, const char *p, uint32_t book, bool ask,
                                       enum floor_shape shape, floor_stamp stamp)
{
    bool quoted = shape != FLOOR_VERB;
    floor_side *side = ask ? &f->books[book].asks : &f->books[book].bids;
    floor_level *level = f->read + f->count;
    while (*p == '[') {
        p += 1;
        if (shape == FLOOR_VERB)
            p += p[1] == 'n' ? 6 : 9; /* "new", "change", "delete", */
        if (shape == FLOOR_SHORT || shape == FLOOR_VERB) {
            p = floor_number_short(p + quoted, &level->price) + quoted;
            p = floor_number_short(p + 1 + quoted, &level->size) + quoted;
        } else {
            p = floor_number(p + 1, &level->price) + 1;
            p = floor_number(p + 2, &level->size) + 1;
        }
        if (shape == FLOOR_ORDERS) /* ,"0","3" */
            for (p += 7; *p != ']';)
                p++;
        floor_set(side, level->price, level->size, ask);
        if (stamp.known) {
            floor_slot(f, book, FH_KIND_LEVEL, ask, level->price, level->size, stamp.time, stamp.sequence);
            f->levels++;
        } else {
            level++;
        }
        p++;
        if (*p == ',')
            p++;
    }
    f->count = (uint32_t)(level - f->read);
    return p + 1;
}

/* Those that waited for the time and the number, the first `first` of one side. */
ALWAYS_INLINE void floor_slots(floor_feed *f, uint32_t book, uint32_t first, bool ask, int64_t time,
                               uint64_t sequence)
{
    const floor_level *begin = f->read, *middle = begin + first, *end = begin + f->count;
    for (const floor_level *l = begin; l < end; l++)
        floor_slot(f, book, FH_KIND_LEVEL, l < middle ? ask : !ask, l->price, l->size, time, sequence);
    f->levels += f->count;
    f->count = 0;
}

#define FLOOR_LATER ((floor_stamp){false, 0, 0})

static inline void floor_clear(floor_feed *f, uint32_t book)
{
    f->books[book].bids.count = 0;
    f->books[book].asks.count = 0;
}

/* Four strings, price and size of both sides, from the first digit on: past the last one. */
ALWAYS_INLINE const char *floor_quote(const char *p, int64_t *value)
{
    p = floor_number(p, &value[0]);
    for (int i = 1; i < 4; i++)
        p = floor_number(p + 7, &value[i]);
    return p;
}

ALWAYS_INLINE void floor_quote_slots(floor_feed *f, uint32_t book, const int64_t *value, int64_t time,
                                     uint64_t sequence)
{
    floor_slot(f, book, FH_KIND_QUOTE, FH_BID, value[0], value[1], time, sequence);
    floor_slot(f, book, FH_KIND_QUOTE, FH_ASK, value[2], value[3], time, sequence);
}

/* {"stream":"...","data":{"e":"depthUpdate","E":ms,"s":"X","U":n,"u":n,"b":[],"a":[]}} and bookTicker,
 * trade, in the same wrapper. */
static inline void floor_binance(floor_feed *f, const char *p)
{
    f->now = clock_now(&f->clock);
    uint64_t sequence, other;
    int64_t time, value[4];
    uint32_t book;
    p = floor_next(p + 1, '{') + 1;
    if (p[1] == 'u') { /* "u":n,"s":"X","b":"","B":"","a":"","A":"" */
        p = floor_integer(p + 4, &sequence);
        p = floor_symbol(p + 6, '"', &book);
        floor_quote(p + 7, value);
        floor_quote_slots(f, book, value, 0, sequence);
        return;
    }
    if (p[5] == 't') { /* "e":"trade","E":ms,"s":"X","t":n,"p":"","q":"","T":ms,"m":bool */
        p = floor_symbol(p + 35, '"', &book);
        p = floor_integer(p + 6, &sequence);
        p = floor_number(p + 6, &value[0]);
        p = floor_number(p + 7, &value[1]);
        p = floor_time(p + 6, &time);
        floor_slot(f, book, FH_KIND_TRADE, p[5] == 't', value[0], value[1], time, sequence);
        return;
    }
    p = floor_time(p + 22, &time);
    p = floor_symbol(p + 6, '"', &book);
    p = floor_integer(p + 6, &other);
    p = floor_integer(p + 5, &sequence);
    floor_stamp stamp = {true, time, sequence};
    p = floor_levels(f, p + 6, book, false, FLOOR_TEXT, stamp);
    floor_levels(f, p + 6, book, true, FLOOR_TEXT, stamp);
}

/* {"stream":"...","data":{"e":"depthUpdate","E":ms,"T":ms,"s":"X","U":n,"u":n,"pu":n,"b":[],"a":[]}} and
 * bookTicker, trade, in the same wrapper. */
static inline void floor_binance_usdm(floor_feed *f, const char *p)
{
    f->now = clock_now(&f->clock);
    uint64_t sequence, other;
    int64_t time, value[4];
    uint32_t book;
    p = floor_next(p + 1, '{') + 6;
    if (*p == 'b') { /* "e":"bookTicker","u":n,"s":"X","b":"","B":"","a":"","A":"","T":ms,"E":ms */
        p = floor_integer(p + 16, &sequence);
        p = floor_symbol(p + 6, '"', &book);
        p = floor_quote(p + 7, value);
        floor_time(p + 6, &time);
        floor_quote_slots(f, book, value, time, sequence);
        return;
    }
    if (*p == 't') { /* "e":"trade","E":ms,"T":ms,"s":"X","t":n,"p":"","q":"","X":"MARKET","m":bool */
        p = floor_time(p + 29, &time);
        p = floor_symbol(p + 6, '"', &book);
        p = floor_integer(p + 6, &sequence);
        p = floor_number(p + 6, &value[0]);
        p = floor_number(p + 7, &value[1]);
        p = floor_next(p + 7, ':');
        floor_slot(f, book, FH_KIND_TRADE, p[1] == 't', value[0], value[1], time, sequence);
        return;
    }
    p = floor_time(p + 35, &time);
    p = floor_symbol(p + 6, '"', &book);
    p = floor_integer(p + 6, &other);
    p = floor_integer(p + 5, &sequence);
    p = floor_integer(p + 6, &other);
    floor_stamp stamp = {true, time, sequence};
    p = floor_levels(f, p + 6, book, false, FLOOR_SHORT, stamp);
    floor_levels(f, p + 6, book, true, FLOOR_SHORT, stamp);
}

/* {"arg":{"channel":"books","instId":"X"},"action":"update","data":[{"asks":[],"bids":[],"ts":"ms",
 * "checksum":n,"seqId":n,"prevSeqId":n}]}, or the last two the other way round. */
static inline void floor_okx(floor_feed *f, const char *p)
{
    f->now = clock_now(&f->clock);
    uint32_t book;
    uint64_t sequence, other;
    int64_t time;
    p = floor_next(p + 19, ',') + 11;
    p = floor_symbol(p, '"', &book);
    bool snapshot = p[13] == 's';
    if (snapshot)
        floor_clear(f, book);
    p = floor_levels(f, p + (snapshot ? 40 : 38), book, true, FLOOR_ORDERS, FLOOR_LATER);
    uint32_t asks = f->count;
    p = floor_levels(f, p + 9, book, false, FLOOR_ORDERS, FLOOR_LATER);
    p = floor_time(p + 7, &time) + 13;
    p = floor_integer(p + (*p == '-'), &other) + 2;
    if (*p == 'p')
        p = floor_integer(p + 11 + (p[11] == '-'), &other) + 2;
    floor_integer(p + 7, &sequence);
    floor_slots(f, book, asks, true, time, sequence);
}

/* {"topic":"orderbook.N.X","type":"delta","ts":ms,"data":{"s":"X","b":[],"a":[],...}...}, publicTrade with
 * an array; of spot "ts" is before "type", and trades have other keys. */
ALWAYS_INLINE void floor_bybit(floor_feed *f, const char *p, bool spot)
{
    f->now = clock_now(&f->clock);
    uint64_t sequence;
    int64_t time;
    uint32_t book;
    if (p[10] == 'o') {
        p = floor_symbol(floor_next(p + 20, '.') + 1, '"', &book);
        const char *kind = p + 10;
        if (spot) {
            p = floor_time(p + 7, &time);
            kind = p + 9;
        } else {
            p = floor_time(kind + (*kind == 's' ? 15 : 12), &time);
        }
        if (*kind == 's')
            floor_clear(f, book);
        p = floor_levels(f, floor_next(p, '[') + 1, book, false, FLOOR_TEXT, FLOOR_LATER);
        uint32_t bids = f->count;
        p = floor_levels(f, p + 6, book, true, FLOOR_TEXT, FLOOR_LATER);
        floor_integer(p + 5, &sequence);
        floor_slots(f, book, bids, false, time, sequence);
        return;
    }
    for (p = floor_next(p, '[') + 1; *p == '{'; p += *p == ',') {
        int64_t price, size;
        bool sold;
        if (spot) { /* {"i":"","T":ms,"p":"","v":"","S":"Buy","seq":n,"s":"X",... */
            p = floor_time(floor_next(p + 6, 'T') + 3, &time);
            p = floor_number(p + 6, &price);
            p = floor_number(p + 7, &size);
            sold = p[7] == 'S';
            p = floor_integer(p + (sold ? 19 : 18), &sequence);
            p = floor_symbol(p + 6, '"', &book);
        } else { /* "T":ms,"s":"X","S":"Buy","v":"","p":"","L":"","i":UUID,"BT":b,"RPI":b,"seq":n */
            p = floor_time(p + 5, &time);
            p = floor_symbol(p + 6, '"', &book);
            sold = p[7] == 'S';
            p = floor_number(p + (sold ? 18 : 17), &size);
            p = floor_number(p + 7, &price);
            p = floor_next(p + 7, '"') + 62;
            p = floor_integer(p + (*p == 't' ? 11 : 12), &sequence);
        }
        floor_slot(f, book, FH_KIND_TRADE, sold, price, size, time, sequence);
        p = floor_next(p, '}') + 1;
    }
}

static inline void floor_bybit_linear(floor_feed *f, const char *p)
{
    floor_bybit(f, p, false);
}

static inline void floor_bybit_spot(floor_feed *f, const char *p)
{
    floor_bybit(f, p, true);
}

/* {"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.X.raw","data":{"type":"change",
 * "timestamp":ms,["prev_change_id":n,]"instrument_name":"X","change_id":n,"bids":[],"asks":[]}}}, and as
 * it is sent since 2026: {"timestamp":ms,"type":"change","change_id":n,"instrument_name":"X","bids":[],
 * "asks":[][,"prev_change_id":n]}. */
static inline void floor_deribit(floor_feed *f, const char *p)
{
    f->now = clock_now(&f->clock);
    int64_t time;
    uint64_t sequence;
    uint32_t book;
    const char *name = p + 67;
    p = floor_symbol(name, '.', &book);
    size_t length = (size_t)(p - name);
    p = floor_next(p, '{') + 2;
    bool snapshot;
    if (*p == 't' && p[1] == 'i') {
        p = floor_time(p + 11, &time) + 9;
        snapshot = *p == 's';
        p = floor_integer(p + (snapshot ? 22 : 20), &sequence) + 30 + length;
    } else {
        snapshot = p[7] == 's';
        p = floor_time(p + (snapshot ? 29 : 27), &time) + 2;
        if (!snapshot)
            p = floor_integer(p + 16, &sequence) + 2;
        p = floor_integer(p + 32 + length, &sequence) + 9;
    }
    if (snapshot)
        floor_clear(f, book);
    floor_stamp stamp = {true, time, sequence};
    p = floor_levels(f, p, book, false, FLOOR_VERB, stamp);
    floor_levels(f, p + 9, book, true, FLOOR_VERB, stamp);
}

/* A Binance depth snapshot, to start the book from: `symbol` as padded as frames are. */
static inline void floor_binance_snapshot(floor_feed *f, const char *symbol, const char *p)
{
    uint32_t book;
    floor_symbol(symbol, 0, &book);
    floor_clear(f, book);
    p = strstr(p, "\"bids\":[") + 8;
    floor_stamp stamp = {true, 0, 0};
    p = floor_levels(f, p, book, false, FLOOR_TEXT, stamp);
    floor_levels(f, p + 9, book, true, FLOOR_TEXT, stamp);
}

/* Reads one frame; what follows it is looked at only if the frame is not what it should be. */
typedef void (*floor_decoder)(floor_feed *f, const char *frame);

/* By the venue's name; NULL: there is no floor for it. */
static inline floor_decoder floor_find(const char *venue)
{
    static const struct {
        const char *venue;
        floor_decoder decode;
    } known[] = {
        {"binance", floor_binance},
        {"binance-usdm", floor_binance_usdm},
        {"bybit-linear", floor_bybit_linear},
        {"bybit-spot", floor_bybit_spot},
        {"okx", floor_okx},
        {"deribit", floor_deribit},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].venue, venue))
            return known[i].decode;
    return NULL;
}

#endif
