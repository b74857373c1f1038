/* Trades, liquidations, the best bid and offer, statistics of any layout as messages. */
#ifndef FEEDHANDLER_ENGINE_SHAPED_ROWS_H
#define FEEDHANDLER_ENGINE_SHAPED_ROWS_H

#include "named_trades.h"
#include "shaped_book.h"

/* ---- trades --------------------------------------------------------------------------------------- */

/* The digits at the end of a string. */
static bool id_tail(const text *t, int64_t *out)
{
    text digits = *t;
    for (uint32_t i = 0; i < t->length; i++)
        if ((uint8_t)(t->at[i] - '0') > 9) {
            digits.at = t->at + i + 1;
            digits.length = t->length - i - 1;
        }
    return t->type == TEXT_STRING && text_integer(&digits, out);
}

/* A trade's number; 0: the venue gives it none. */
static int64_t found_id(cursor *c, const found *f)
{
    int64_t id = 0;
    const text *t;
    if ((t = found_text(f, ROLE_ID)) != NULL) { /* it counts nothing: past 2^53 at some venues */
        if (!text_integer(t, &id) || id < 0)
            text_fail(c, WIRE_RANGE, t);
        return id;
    }
    if ((t = found_text(f, ROLE_ID_NAME)) != NULL) {
        if (text_empty(t) || t->type != TEXT_STRING)
            text_fail(c, WIRE_RANGE, t);
        return name_number(t->at, t->length);
    }
    if ((t = found_text(f, ROLE_ID_TAIL)) != NULL && !id_tail(t, &id))
        text_fail(c, WIRE_RANGE, t);
    if ((t = found_text(f, ROLE_ID_OR_PLACE)) != NULL && !(text_integer(t, &id) && id >= 0)) {
        id = 0;
        value_number(c, f, ROLE_PLACE, 0, &id);
    }
    return id;
}

static void shaped_trade_read(engine *e, cursor *c, const shape *s, const found *f, market *m)
{
    bool print = s->kind == SHAPE_TRADE;
    message *msg = engine_message(e, m, print ? MESSAGE_TRADE : MESSAGE_LIQUIDATION,
                                  print ? CHANNEL_TRADES : CHANNEL_LIQUIDATIONS);
    level *trade = engine_levels(e, msg, 1);
    const text *amount = found_text(f, ROLE_AMOUNT), *size = found_text(f, ROLE_SIZE);
    const text *forced = found_text(f, ROLE_FORCED), *price = found_text(f, ROLE_PRICE);
    int side = FH_BUY;
    if ((!price || (!amount && !size)) && !c->error)
        CURSOR_FAIL(c, WIRE_MISSING);
    if (price)
        value_price(e, c, m, price, &trade->price);
    if (amount && value_scaled(e, c, m, false, amount, &trade->size)) {
        side = trade->size < 0 ? FH_SELL : FH_BUY;
        trade->size = trade->size < 0 ? -trade->size : trade->size;
    } else if (size) {
        const text *taker = found_text(f, ROLE_TAKER);
        int which = taker ? word_which(s->words, taker) : -1;
        value_scaled(e, c, m, false, size, &trade->size);
        if (which < 0 && taker)
            text_fail(c, WIRE_RANGE, taker);
        side = which == 0 ? FH_BUY : FH_SELL;
        if (!taker && !c->error)
            CURSOR_FAIL(c, WIRE_MISSING);
    }
    if (!c->error && trade->size <= 0)
        text_fail(c, WIRE_RANGE, amount ? amount : size);
    msg->first_side = (uint8_t)side;
    msg->liquidation = (print && s->flags & FRAME_FORCED) || (forced && !text_empty(forced));
    if (print)
        msg->numbers.final = found_id(c, f);
    found_times(e, c, f, msg);
}

/* ---- the best bid and offer ------------------------------------------------------------------------ */

/* A side of it; `kept`: what does not come is as it was, if not all of it comes. */
static void shaped_side(engine *e, cursor *c, market *m, const text *price, const text *size, bool kept,
                        level *out)
{
    kept &= !price || !size;
    level said = kept ? *out : (level){0, 0};
    bool priced = price && !text_empty(price), sized = size && !text_empty(size);
    if (priced)
        value_scaled(e, c, m, true, price, &said.price);
    if (sized)
        value_scaled(e, c, m, false, size, &said.size);
    if (c->error)
        return;
    if (kept && ((price && !priced) || (size && !sized)))
        said.size = 0; /* it says that there is none */
    if (said.size < 0)
        text_fail(c, WIRE_RANGE, size);
    else if (priced && said.size > 0 && !price_possible(m, said.price))
        text_fail(c, WIRE_RANGE, price);
    else if (!kept && (said.size > 0 ? !priced : priced && said.price != 0))
        text_fail(c, WIRE_RANGE, priced ? price : size);
    *out = said.size == 0 || said.price == FH_NONE ? (level){FH_NONE, 0} : said;
}

static message *shaped_top(engine *e, cursor *c, const found *f, market *m, int channel, bool kept)
{
    message *msg = engine_message(e, m, MESSAGE_QUOTE, channel);
    level *top = engine_levels(e, msg, 2);
    top[FH_BID] = (level){m->quote.bid_price, m->quote.bid_size};
    top[FH_ASK] = (level){m->quote.ask_price, m->quote.ask_size};
    shaped_side(e, c, m, found_text(f, ROLE_BID), found_text(f, ROLE_BID_SIZE), kept, &top[FH_BID]);
    shaped_side(e, c, m, found_text(f, ROLE_ASK), found_text(f, ROLE_ASK_SIZE), kept, &top[FH_ASK]);
    found_times(e, c, f, msg);
    return msg;
}

static void shaped_quote_read(engine *e, cursor *c, const shape *s, const found *f, market *m)
{
    if (s->level)
        shaped_best_read(e, c, s, f, m);
    else
        quote_numbers(e, c, s, f, shaped_top(e, c, f, m, CHANNEL_QUOTE, false));
}

/* ---- statistics ----------------------------------------------------------------------------------- */

static inline int shape_channel(const shape *s)
{
    if (s->flags & FRAME_TOP)
        return CHANNEL_QUOTE;
    return s->apart ? CHANNEL_MARK - 1 + s->apart : CHANNEL_TICKER;
}

static void shaped_ticker_read(engine *e, cursor *c, const shape *s, const found *f, market *m)
{
    int sides = 0;
    for (int role = ROLE_BID; role <= ROLE_ASK_SIZE; role++)
        sides += found_text(f, role) != NULL;
    if (s->flags & FRAME_TOP)
        shaped_top(e, c, f, m, CHANNEL_QUOTE, false);
    else if (sides && (!m->has_book || (sides == 4 && quote_asked(e, m))))
        shaped_top(e, c, f, m, CHANNEL_TICKER, sides < 4);
    message *msg = engine_message(e, m, MESSAGE_STATS, shape_channel(s));
    found_times(e, c, f, msg);
    for (const found *here = f; here; here = here->outer)
        for (uint32_t i = 0; i < here->stats; i++)
            engine_stat_of(e, msg, here->stat[i].role, &here->stat[i].text);
    const text *word = found_text(f, ROLE_STATUS);
    if (word)
        message_word(c, msg, word);
}

static void shaped_row_read(engine *e, cursor *c, const shape *s, const found *f, market *m)
{
    if (s->kind == SHAPE_QUOTE)
        shaped_quote_read(e, c, s, f, m);
    else if (s->kind == SHAPE_TICKER)
        shaped_ticker_read(e, c, s, f, m);
    else
        shaped_trade_read(e, c, s, f, m);
}

#endif
