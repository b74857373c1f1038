/* The floor: the least C that turns these frames into slots.
 *
 * It takes the format for granted (compact JSON, this key order, no escapes, no errors), checks
 * nothing, knows no continuity, states or cells. It reads the clock once a frame, since a slot says when
 * it was written; reads every price and size of a book message
 * to an integer, keeps a sorted array of levels and writes one 64-byte slot a level. What the engine
 * costs is measured against this, on the same frames, in the same process.
 */
#ifndef FEEDHANDLER_BENCH_FLOOR_H
#define FEEDHANDLER_BENCH_FLOOR_H

#include "feedhandler_shm.h"

#include "../../book/side.h"

enum { FLOOR_BOOKS = 1024, FLOOR_PLACES = 11 };

typedef struct floor_book {
    book_side bids, asks;
} floor_book;

typedef struct floor_feed {
    fh_slot *ring;
    uint64_t mask, next, levels;
    int64_t now;
    floor_book books[FLOOR_BOOKS];
} floor_feed;

/* digits[.digits], in units of 10^-FLOOR_PLACES (what does not fit wraps: nobody looks). */
ALWAYS_INLINE const char *floor_number(const char *p, int64_t *out)
{
    uint64_t value = 0;
    int places = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    if (*p == '.')
        for (p++; (uint8_t)(*p - '0') < 10; places++)
            value = value * 10 + (uint64_t)(*p++ - '0');
    *out = (int64_t)(value * (uint64_t)decimal_power[FLOOR_PLACES - places]);
    return p;
}

ALWAYS_INLINE const char *floor_integer(const char *p, uint64_t *out)
{
    uint64_t value = 0;
    while ((uint8_t)(*p - '0') < 10)
        value = value * 10 + (uint64_t)(*p++ - '0');
    *out = value;
    return p;
}

/* The symbol up to `close`, to its book by a hash that nobody checks. */
ALWAYS_INLINE const char *floor_symbol(const char *p, char close, uint32_t *book)
{
    uint32_t hash = 2166136261u;
    while (*p != close)
        hash = (hash ^ (uint8_t)*p++) * 16777619u;
    *book = (hash ^ hash >> 15) % FLOOR_BOOKS;
    return p;
}

ALWAYS_INLINE void floor_slot(floor_feed *f, uint32_t book, uint8_t kind, uint8_t side, int64_t price,
                              int64_t size, int64_t time, uint64_t sequence)
{
    uint64_t n = ++f->next;
    fh_word *slot = (fh_word *)&f->ring[n & f->mask];
    FH_STORE(slot, 2 * n - 1);
    FH_FENCE_RELEASE();
    FH_STORE(slot + 1, (uint64_t)book | (uint64_t)kind << 32 | (uint64_t)side << 48);
    FH_STORE(slot + 2, (uint64_t)time);
    FH_STORE(slot + 3, (uint64_t)f->now);
    FH_STORE(slot + 4, sequence);
    FH_STORE(slot + 5, (uint64_t)price);
    FH_STORE(slot + 6, (uint64_t)size);
    FH_STORE(slot + 7, 0);
    FH_STORE_RELEASE(slot, 2 * n);
}

/* "[[...],[...]]" or "[]": `p` past the outer bracket; answers past the closing one. `quoted`: the
 * numbers are strings; `verb`: bytes of a first element to jump over, told by its third letter. */
ALWAYS_INLINE const char *floor_levels(floor_feed *f, const char *p, uint32_t book, bool ask,
                                       bool quoted, bool verb, int64_t time, uint64_t sequence)
{
    book_side *side = ask ? &f->books[book].asks : &f->books[book].bids;
    while (*p == '[') {
        int64_t price, size;
        p += 1;
        if (verb)
            p += p[1] == 'n' ? 6 : 9; /* "new", "change", "delete", */
        p = floor_number(p + quoted, &price) + quoted;
        p = floor_number(p + 1 + quoted, &size) + quoted;
        while (*p != ']')
            p++;
        side_set(side, price, size, ask);
        floor_slot(f, book, FH_KIND_LEVEL, ask, price, size, time, sequence);
        f->levels++;
        p++;
        if (*p == ',')
            p++;
    }
    return p + 1;
}

static inline void floor_clear(floor_feed *f, uint32_t book)
{
    f->books[book].bids.count = 0;
    f->books[book].asks.count = 0;
}

/* {"stream":"...","data":{"e":"depthUpdate","E":ms,"s":"X","U":n,"u":n,"b":[],"a":[]}} and bookTicker,
 * trade, in the same wrapper. */
static inline void floor_binance(floor_feed *f, const char *p)
{
    f->now = fh_now_ns();
    uint64_t time = 0, sequence = 0, other;
    uint32_t book;
    int64_t value[4];
    p = strchr(p + 1, '{') + 1;
    if (p[1] == 'u') { /* "u":n,"s":"X","b":"","B":"","a":"","A":"" */
        p = floor_integer(p + 4, &sequence);
        p = floor_symbol(p + 6, '"', &book);
        for (int i = 0; i < 4; i++)
            p = floor_number(p + 7, &value[i]);
        floor_slot(f, book, FH_KIND_QUOTE, FH_BID, value[0], value[1], 0, sequence);
        floor_slot(f, book, FH_KIND_QUOTE, FH_ASK, value[2], value[3], 0, sequence);
        return;
    }
    if (p[5] == 't') { /* "e":"trade","E":ms,"s":"X","t":n,"p":"","q":"","T":ms,"m":bool */
        p = floor_integer(p + 16, &time);
        p = floor_symbol(p + 6, '"', &book);
        p = floor_integer(p + 6, &sequence);
        p = floor_number(p + 6, &value[0]);
        p = floor_number(p + 7, &value[1]);
        p = floor_integer(p + 6, &time);
        floor_slot(f, book, FH_KIND_TRADE, p[5] == 't', value[0], value[1], (int64_t)time, sequence);
        return;
    }
    p = floor_integer(p + 22, &time);
    p = floor_symbol(p + 6, '"', &book);
    p = floor_integer(p + 6, &other);
    p = floor_integer(p + 5, &sequence);
    p = floor_levels(f, p + 6, book, false, true, false, (int64_t)time, sequence);
    floor_levels(f, p + 6, book, true, true, false, (int64_t)time, sequence);
}

/* {"stream":"...","data":{"e":"depthUpdate","E":ms,"T":ms,"s":"X","U":n,"u":n,"pu":n,"b":[],"a":[]}} and
 * bookTicker, trade, in the same wrapper. */
static inline void floor_binance_usdm(floor_feed *f, const char *p)
{
    f->now = fh_now_ns();
    uint64_t time, sequence, other;
    uint32_t book;
    int64_t value[4];
    p = strchr(p + 1, '{') + 6;
    if (*p == 'b') { /* "e":"bookTicker","u":n,"s":"X","b":"","B":"","a":"","A":"","T":ms,"E":ms */
        p = floor_integer(p + 16, &sequence);
        p = floor_symbol(p + 6, '"', &book);
        for (int i = 0; i < 4; i++)
            p = floor_number(p + 7, &value[i]);
        p = floor_integer(p + 6, &time);
        floor_slot(f, book, FH_KIND_QUOTE, FH_BID, value[0], value[1], (int64_t)time, sequence);
        floor_slot(f, book, FH_KIND_QUOTE, FH_ASK, value[2], value[3], (int64_t)time, sequence);
        return;
    }
    if (*p == 't') { /* "e":"trade","E":ms,"T":ms,"s":"X","t":n,"p":"","q":"","X":"MARKET","m":bool */
        p = floor_integer(p + 11, &other);
        p = floor_integer(p + 5, &time);
        p = floor_symbol(p + 6, '"', &book);
        p = floor_integer(p + 6, &sequence);
        p = floor_number(p + 6, &value[0]);
        p = floor_number(p + 7, &value[1]);
        p = strchr(p + 7, ':');
        floor_slot(f, book, FH_KIND_TRADE, p[1] == 't', value[0], value[1], (int64_t)time, sequence);
        return;
    }
    p = floor_integer(p + 17, &other);
    p = floor_integer(p + 5, &time);
    p = floor_symbol(p + 6, '"', &book);
    p = floor_integer(p + 6, &other);
    p = floor_integer(p + 5, &sequence);
    p = floor_integer(p + 6, &other);
    p = floor_levels(f, p + 6, book, false, true, false, (int64_t)time, sequence);
    floor_levels(f, p + 6, book, true, true, false, (int64_t)time, sequence);
}

/* {"arg":{"channel":"books","instId":"X"},"action":"update","data":[{"asks":[],"bids":[],"ts":"ms",...}]}
 * The time is behind the levels: it is not looked for. */
static inline void floor_okx(floor_feed *f, const char *p)
{
    f->now = fh_now_ns();
    uint32_t book;
    p = strchr(p + 19, ',') + 11;
    p = floor_symbol(p, '"', &book);
    p += 13;
    if (*p == 's')
        floor_clear(f, book);
    p = strchr(p, '[') + 10;
    p = floor_levels(f, p, book, true, true, false, 0, 0);
    floor_levels(f, p + 9, book, false, true, false, 0, 0);
}

/* {"topic":"orderbook.N.X","type":"delta","ts":ms,"data":{"s":"X","b":[],"a":[],...}...}, publicTrade with
 * an array; of spot "ts" is before "type", and trades have other keys. */
ALWAYS_INLINE void floor_bybit(floor_feed *f, const char *p, bool spot)
{
    f->now = fh_now_ns();
    uint64_t time, sequence, other;
    uint32_t book;
    if (p[10] == 'o') {
        p = floor_symbol(strchr(p + 20, '.') + 1, '"', &book);
        const char *kind = p + 10;
        if (spot) {
            p = floor_integer(p + 7, &time);
            kind = p + 9;
        } else {
            p = floor_integer(kind + (*kind == 's' ? 15 : 12), &time);
        }
        if (*kind == 's')
            floor_clear(f, book);
        p = floor_levels(f, strchr(p, '[') + 1, book, false, true, false, (int64_t)time, 0);
        floor_levels(f, p + 6, book, true, true, false, (int64_t)time, 0);
        return;
    }
    for (p = strchr(p, '[') + 1; *p == '{'; p += *p == ',') {
        int64_t price, size;
        bool sold;
        if (spot) { /* {"i":"","T":ms,"p":"","v":"","S":"Buy","seq":n,"s":"X",... */
            p = floor_integer(p + 6, &other);
            p = floor_integer(p + 6, &time);
            p = floor_number(p + 6, &price);
            p = floor_number(p + 7, &size);
            sold = p[7] == 'S';
            p = floor_integer(p + (sold ? 19 : 18), &sequence);
            p = floor_symbol(p + 6, '"', &book);
        } else { /* "T":ms,"s":"X","S":"Buy","v":"","p":"","L":"","i":UUID,"BT":b,"RPI":b,"seq":n */
            p = floor_integer(p + 5, &time);
            p = floor_symbol(p + 6, '"', &book);
            sold = p[7] == 'S';
            p = floor_number(p + (sold ? 18 : 17), &size);
            p = floor_number(p + 7, &price);
            p = strchr(p + 7, '"') + 62;
            p = floor_integer(p + (*p == 't' ? 11 : 12), &sequence);
        }
        floor_slot(f, book, FH_KIND_TRADE, sold, price, size, (int64_t)time, sequence);
        p = strchr(p, '}') + 1;
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
 * "timestamp":ms,["prev_change_id":n,]"instrument_name":"X","change_id":n,"bids":[],"asks":[]}}} */
static inline void floor_deribit(floor_feed *f, const char *p)
{
    f->now = fh_now_ns();
    uint64_t time, sequence;
    uint32_t book;
    p = floor_symbol(p + 67, '.', &book);
    p = strchr(p, '{') + 9;
    if (*p == 's') {
        floor_clear(f, book);
        p += 2;
    }
    p = floor_integer(p + 20, &time);
    p = strstr(p, "\"change_id\":");
    p = floor_integer(p + 12, &sequence);
    p = floor_levels(f, p + 9, book, false, false, true, (int64_t)time, sequence);
    floor_levels(f, p + 9, book, true, false, true, (int64_t)time, sequence);
}

/* A Binance depth snapshot, to start the book from. */
static inline void floor_binance_snapshot(floor_feed *f, const char *symbol, const char *p)
{
    uint32_t book;
    floor_symbol(symbol, 0, &book);
    floor_clear(f, book);
    p = strstr(p, "\"bids\":[") + 8;
    p = floor_levels(f, p, book, false, true, false, 0, 0);
    floor_levels(f, p + 9, book, true, true, false, 0, 0);
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
