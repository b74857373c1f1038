/* Rows of Bybit's channels: trades, liquidations, tickers. */
#ifndef FEEDHANDLER_VENUES_BYBIT_ROWS_H
#define FEEDHANDLER_VENUES_BYBIT_ROWS_H

#include "../engine/levels.h"

/* The best of each side, of a book of one level. */
static void bybit_top(engine *e, message *msg)
{
    level top[2] = {{FH_NONE, 0}, {FH_NONE, 0}};
    const level *levels = e->levels + msg->levels;
    if (msg->first_count > 0 && levels[0].size != 0)
        top[msg->first_side] = levels[0];
    if (msg->count > msg->first_count && levels[msg->first_count].size != 0)
        top[msg->first_side ^ 1] = levels[msg->first_count];
    e->level_count = msg->levels;
    msg->kind = MESSAGE_QUOTE;
    msg->channel = CHANNEL_QUOTE;
    msg->count = 0;
    level *both = engine_levels(e, msg, 2);
    both[0] = top[0];
    both[1] = top[1];
    msg->anew = msg->numbers.final == 1;
    msg->numbers.final = msg->numbers.place; /* as the book is shown */
}

/* What only the whole document tells: the time, and whether a book is a whole one. */
static void bybit_settle(engine *e, int64_t time, int64_t sent, bool snapshot)
{
    for (uint32_t i = 0; i < e->message_count; i++) {
        message *msg = &e->messages[i];
        if (msg->kind == MESSAGE_DELTA && (snapshot || msg->numbers.final == 1))
            msg->kind = MESSAGE_SNAPSHOT;
        if (msg->exchange_ns == 0)
            msg->exchange_ns = time;
        msg->sent_ns = sent;
    }
}

/* Futures name a trade by a UUID: it is numbered by its place then. */
static int64_t bybit_trade_id(const text *id, const text *place)
{
    int64_t number = 0;
    if (id->type == TEXT_STRING && text_integer(id, &number) && number >= 0)
        return number;
    return place->type != TEXT_NONE && text_integer(place, &number) ? number : 0;
}

static void bybit_trade(engine *e, cursor *c, market *m, bool liquidation)
{
    text key, symbol = {0}, price = {0}, size = {0}, side = {0}, time = {0}, id = {0}, place = {0};
    text other;
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = TEXT_IS(&key, "p")     ? &price
                    : TEXT_IS(&key, "v")   ? &size
                    : TEXT_IS(&key, "S")   ? &side
                    : TEXT_IS(&key, "T")   ? &time
                    : TEXT_IS(&key, "i")   ? &id
                    : TEXT_IS(&key, "s")   ? &symbol
                    : TEXT_IS(&key, "seq") ? &place
                                           : &other;
        cursor_scalar(c, out);
    }
    if (c->error)
        return;
    m = engine_row_market(e, c, &symbol, m);
    if (m == NULL)
        return;
    bool buy = TEXT_IS(&side, "Buy");
    if (!buy && !TEXT_IS(&side, "Sell")) {
        text_fail(c, WIRE_RANGE, &side);
        return;
    }
    if (!liquidation && (id.type != TEXT_STRING || id.length == 0)) {
        text_fail(c, WIRE_TYPE, &id);
        return;
    }
    int64_t when = text_time(e, c, &time);
    if (liquidation) /* the side is the position's: a long one is sold */
        engine_liquidation(e, c, m, &price, &size, buy ? FH_SELL : FH_BUY, when);
    else
        engine_trade(e, c, m, &price, &size, buy ? FH_BUY : FH_SELL, bybit_trade_id(&id, &place), when,
                     false);
}

typedef union bybit_fields {
    struct {
        text bid, bid_size, ask, ask_size, mark, index, funding, interest;
    };
    text all[8];
} bybit_fields;

/* The best bid and offer for those who have no book: what is absent stays as it was. */
static void bybit_ticker_top(engine *e, cursor *c, market *m, const bybit_fields *f)
{
    const text *prices[2] = {&f->bid, &f->ask}, *sizes[2] = {&f->bid_size, &f->ask_size};
    if (!f->bid.type && !f->bid_size.type && !f->ask.type && !f->ask_size.type)
        return;
    message *msg = engine_message(e, m, MESSAGE_QUOTE, CHANNEL_TICKER);
    level *top = engine_levels(e, msg, 2);
    top[FH_BID] = (level){m->quote.bid_price, m->quote.bid_size};
    top[FH_ASK] = (level){m->quote.ask_price, m->quote.ask_size};
    for (int side = 0; side < 2; side++) {
        level said = top[side];
        bool priced = prices[side]->type != TEXT_NONE, sized = sizes[side]->type != TEXT_NONE;
        if (priced && sized) {
            quote_side(e, c, m, prices[side], sizes[side], &top[side]);
            continue;
        }
        if (priced && !quote_number(e, c, m, true, prices[side], &said.price))
            said.size = 0;
        if (sized)
            quote_number(e, c, m, false, sizes[side], &said.size);
        if (!c->error &&
            (said.size < 0 || (priced && said.size > 0 && !price_possible(m, said.price))))
            text_fail(c, WIRE_RANGE, said.size < 0 ? sizes[side] : prices[side]);
        if (said.price == FH_NONE || said.size == 0)
            said = (level){FH_NONE, 0};
        top[side] = said;
    }
}

static void bybit_ticker(engine *e, cursor *c, market *m)
{
    text key, other;
    bybit_fields f;
    texts_clear(f.all, sizeof f.all / sizeof *f.all);
    cursor_object(c);
    while (cursor_key(c, &key)) {
        text *out = TEXT_IS(&key, "bid1Price")      ? &f.bid
                    : TEXT_IS(&key, "bid1Size")     ? &f.bid_size
                    : TEXT_IS(&key, "ask1Price")    ? &f.ask
                    : TEXT_IS(&key, "ask1Size")     ? &f.ask_size
                    : TEXT_IS(&key, "markPrice")    ? &f.mark
                    : TEXT_IS(&key, "indexPrice")   ? &f.index
                    : TEXT_IS(&key, "fundingRate")  ? &f.funding
                    : TEXT_IS(&key, "openInterest") ? &f.interest
                                                    : &other;
        cursor_scalar(c, out);
    }
    if (c->error)
        return;
    if (!m->has_book)
        bybit_ticker_top(e, c, m, &f);
    message *msg = engine_message(e, m, MESSAGE_STATS, CHANNEL_TICKER);
    engine_stat(e, msg, FH_STAT_MARK, &f.mark, 0);
    engine_stat(e, msg, FH_STAT_INDEX, &f.index, 0);
    engine_stat(e, msg, FH_STAT_FUNDING, &f.funding, 0);
    engine_stat(e, msg, FH_STAT_OPEN_INTEREST, &f.interest, 0);
}

#endif
