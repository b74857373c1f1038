/* Deribit's tickers, quotes and trades: see deribit_decoder.h. */
#ifndef FEEDHANDLER_VENUES_DERIBIT_ROWS_H
#define FEEDHANDLER_VENUES_DERIBIT_ROWS_H

#include "../engine/levels.h"

typedef union deribit_fields {
    struct {
        text time, bid, bid_size, ask, ask_size, mark, index, underlying, bid_iv, ask_iv, mark_iv;
        text delta, gamma, vega, theta, rho, funding, interest;
    };
    text all[18];
} deribit_fields;

static void deribit_greeks(cursor *c, deribit_fields *f)
{
    text key, other;
    if (cursor_peek(c) != '{') {
        cursor_scalar(c, &other);
        return;
    }
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = TEXT_IS(&key, "delta")   ? &f->delta
                    : TEXT_IS(&key, "gamma") ? &f->gamma
                    : TEXT_IS(&key, "vega")  ? &f->vega
                    : TEXT_IS(&key, "theta") ? &f->theta
                    : TEXT_IS(&key, "rho")   ? &f->rho
                                             : &other;
        cursor_scalar(c, out);
    }
}

static inline text *deribit_field(deribit_fields *f, const text *key)
{
    switch (key->length) {
    case 6: return KEY_IS(key, "bid_iv") ? &f->bid_iv : KEY_IS(key, "ask_iv") ? &f->ask_iv : NULL;
    case 7: return KEY_IS(key, "mark_iv") ? &f->mark_iv : NULL;
    case 9: return KEY_IS(key, "timestamp") ? &f->time : NULL;
    case 10: return KEY_IS(key, "mark_price") ? &f->mark : KEY_IS(key, "funding_8h") ? &f->funding : NULL;
    case 11: return KEY_IS(key, "index_price") ? &f->index : NULL;
    case 13: return KEY_IS(key, "open_interest") ? &f->interest : NULL;
    case 14:
        return KEY_IS(key, "best_bid_price") ? &f->bid : KEY_IS(key, "best_ask_price") ? &f->ask : NULL;
    case 15:
        return KEY_IS(key, "best_bid_amount")   ? &f->bid_size
               : KEY_IS(key, "best_ask_amount") ? &f->ask_size
                                                : NULL;
    case 16: return KEY_IS(key, "underlying_price") ? &f->underlying : NULL;
    }
    return NULL;
}

/* ticker and quote: a quote is a ticker without statistics. */
static void deribit_ticker(engine *e, cursor *c, market *m, bool ticker)
{
    deribit_fields f;
    text key, other, state = {0};
    texts_clear(f.all, sizeof f.all / sizeof *f.all);
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = deribit_field(&f, &key);
        if (out)
            cursor_scalar(c, out);
        else if (TEXT_IS(&key, "greeks"))
            deribit_greeks(c, &f);
        else if (TEXT_IS(&key, "state"))
            cursor_scalar(c, &state);
        else
            cursor_scalar(c, &other);
    }
    if (c->error)
        return;
    int64_t time = text_time(e, c, &f.time);
    bool quoted = f.bid.type || f.bid_size.type || f.ask.type || f.ask_size.type;
    if (!ticker || (quoted && (!m->has_book || quote_asked(e, m)))) {
        message *msg = engine_quote(e, c, m, &f.bid, &f.bid_size, &f.ask, &f.ask_size,
                                    ticker ? CHANNEL_TICKER : CHANNEL_QUOTE);
        msg->exchange_ns = time;
    }
    if (!ticker)
        return;
    message *msg = engine_message(e, m, MESSAGE_STATS, CHANNEL_TICKER);
    msg->exchange_ns = time;
    message_word(c, msg, &state);
    engine_stat(e, msg, FH_STAT_MARK, &f.mark, 0);
    engine_stat(e, msg, FH_STAT_INDEX, &f.index, 0);
    engine_stat(e, msg, FH_STAT_UNDERLYING, &f.underlying, 0);
    engine_stat(e, msg, FH_STAT_BID_IV, &f.bid_iv, -2);
    engine_stat(e, msg, FH_STAT_ASK_IV, &f.ask_iv, -2);
    engine_stat(e, msg, FH_STAT_MARK_IV, &f.mark_iv, -2);
    engine_stat(e, msg, FH_STAT_DELTA, &f.delta, 0);
    engine_stat(e, msg, FH_STAT_GAMMA, &f.gamma, 0);
    engine_stat(e, msg, FH_STAT_VEGA, &f.vega, 0);
    engine_stat(e, msg, FH_STAT_THETA, &f.theta, 0);
    engine_stat(e, msg, FH_STAT_RHO, &f.rho, 0);
    engine_stat(e, msg, FH_STAT_FUNDING, &f.funding, 0);
    engine_stat(e, msg, FH_STAT_OPEN_INTEREST, &f.interest, 0);
}

/* The digits of an id such as "ETH-48470"; below 0: it is none. */
static inline int64_t deribit_trade_id(const text *id)
{
    text digits = *id;
    int64_t value = 0;
    if (id->type != TEXT_STRING)
        return -1;
    for (uint32_t i = 0; i < id->length; i++)
        if ((uint8_t)(id->at[i] - '0') >= 10) {
            digits.at = id->at + i + 1;
            digits.length = id->length - i - 1;
        }
    return text_integer(&digits, &value) ? value : -1;
}

static void deribit_trade(engine *e, cursor *c)
{
    text key, symbol = {0}, price = {0}, size = {0}, side = {0}, time = {0}, id = {0}, liq = {0}, other;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = TEXT_IS(&key, "price")             ? &price
                    : TEXT_IS(&key, "amount")          ? &size
                    : TEXT_IS(&key, "direction")       ? &side
                    : TEXT_IS(&key, "timestamp")       ? &time
                    : TEXT_IS(&key, "trade_id")        ? &id
                    : TEXT_IS(&key, "instrument_name") ? &symbol
                    : TEXT_IS(&key, "liquidation")     ? &liq
                                                       : &other;
        cursor_scalar(c, out);
    }
    if (symbol.type != TEXT_STRING)
        text_fail(c, WIRE_TYPE, &symbol);
    if (c->error)
        return;
    market *m = engine_market(e, &symbol);
    if (m == NULL)
        return;
    int64_t number = deribit_trade_id(&id);
    if (!TEXT_IS(&side, "buy") && !TEXT_IS(&side, "sell"))
        text_fail(c, WIRE_RANGE, &side);
    if (number < 0)
        text_fail(c, WIRE_RANGE, &id);
    if (c->error)
        return;
    engine_trade(e, c, m, &price, &size, side.length == 4 ? FH_SELL : FH_BUY, number,
                 text_time(e, c, &time), liq.type == TEXT_STRING && liq.length > 0);
}

#endif
