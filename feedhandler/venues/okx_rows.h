/* OKX's trades, tickers and statistics: see okx_decoder.h. */
#ifndef FEEDHANDLER_VENUES_OKX_ROWS_H
#define FEEDHANDLER_VENUES_OKX_ROWS_H

#include "../engine/levels.h"

static void okx_trade(engine *e, cursor *c, market *m)
{
    text key, symbol = {0}, price = {0}, size = {0}, side = {0}, time = {0}, id = {0}, other;
    int64_t number = 0;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = TEXT_IS(&key, "px")        ? &price
                    : TEXT_IS(&key, "sz")      ? &size
                    : TEXT_IS(&key, "side")    ? &side
                    : TEXT_IS(&key, "ts")      ? &time
                    : TEXT_IS(&key, "tradeId") ? &id
                    : TEXT_IS(&key, "instId")  ? &symbol
                                               : &other;
        cursor_scalar(c, out);
    }
    if (c->error)
        return;
    m = engine_row_market(e, c, &symbol, m);
    if (m == NULL)
        return;
    if (!TEXT_IS(&side, "buy") && !TEXT_IS(&side, "sell")) {
        text_fail(c, WIRE_RANGE, &side);
        return;
    }
    text_id(c, &id, &number);
    engine_trade(e, c, m, &price, &size, side.length == 4 ? FH_SELL : FH_BUY, number,
                 text_time(e, c, &time), false);
}

/* "deltaBS", or "deltaBs" as some of their examples have it. */
static inline bool okx_greek(const text *key, const char *name, size_t length)
{
    return key->length == length + 2 && memcmp(key->at, name, length) == 0 &&
           key->at[length] == 'B' && (key->at[length + 1] | 0x20) == 's';
}

/* A row of any of the channels of statistics: their keys do not clash. Of the greeks, those of
 * Black and Scholes are taken: the others are adjusted for being paid in coin. */
static void okx_stats(engine *e, cursor *c, market *m, bool tickers)
{
    text key, other, f[FH_STAT_END], symbol = {0}, time = {0};
    text bid = {0}, bid_size = {0}, ask = {0}, ask_size = {0};
    texts_clear(f, FH_STAT_END);
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = TEXT_IS(&key, "instId")        ? &symbol
                    : TEXT_IS(&key, "ts")          ? &time
                    : TEXT_IS(&key, "bidPx")       ? &bid
                    : TEXT_IS(&key, "bidSz")       ? &bid_size
                    : TEXT_IS(&key, "askPx")       ? &ask
                    : TEXT_IS(&key, "askSz")       ? &ask_size
                    : TEXT_IS(&key, "markPx")      ? &f[FH_STAT_MARK]
                    : TEXT_IS(&key, "idxPx")       ? &f[FH_STAT_INDEX]
                    : TEXT_IS(&key, "fwdPx")       ? &f[FH_STAT_UNDERLYING]
                    : TEXT_IS(&key, "bidVol")      ? &f[FH_STAT_BID_IV]
                    : TEXT_IS(&key, "askVol")      ? &f[FH_STAT_ASK_IV]
                    : TEXT_IS(&key, "markVol")     ? &f[FH_STAT_MARK_IV]
                    : okx_greek(&key, "delta", 5)     ? &f[FH_STAT_DELTA]
                    : okx_greek(&key, "gamma", 5)     ? &f[FH_STAT_GAMMA]
                    : okx_greek(&key, "vega", 4)     ? &f[FH_STAT_VEGA]
                    : okx_greek(&key, "theta", 5)     ? &f[FH_STAT_THETA]
                    : TEXT_IS(&key, "fundingRate") ? &f[FH_STAT_FUNDING]
                    : TEXT_IS(&key, "oi")          ? &f[FH_STAT_OPEN_INTEREST]
                                                   : &other;
        cursor_scalar(c, out);
    }
    if (c->error)
        return;
    m = engine_row_market(e, c, &symbol, m);
    if (m == NULL)
        return;
    /* funding rates have had no time once */
    int64_t exchange_ns = tickers || time.type != TEXT_NONE ? text_time(e, c, &time) : 0;
    if (tickers && (!m->has_book || quote_asked(e, m))) {
        message *quote = engine_quote(e, c, m, &bid, &bid_size, &ask, &ask_size, CHANNEL_TICKER);
        quote->exchange_ns = exchange_ns;
    }
    int channel = tickers                             ? CHANNEL_TICKER
                  : f[FH_STAT_MARK].type              ? CHANNEL_MARK
                  : f[FH_STAT_FUNDING].type           ? CHANNEL_FUNDING
                  : f[FH_STAT_OPEN_INTEREST].type     ? CHANNEL_INTEREST
                                                      : CHANNEL_GREEKS;
    message *msg = engine_message(e, m, MESSAGE_STATS, channel);
    msg->exchange_ns = exchange_ns;
    for (uint32_t field = 1; field < FH_STAT_END; field++)
        engine_stat(e, msg, field, &f[field], 0);
}

#endif
