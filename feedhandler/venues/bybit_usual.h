/* Bybit's usual frames: see bybit_decoder.h for what they mean. */
#ifndef FEEDHANDLER_VENUES_BYBIT_USUAL_H
#define FEEDHANDLER_VENUES_BYBIT_USUAL_H

#include "../engine/usual.h"

/* ---- of both readers ------------------------------------------------------------------------- */

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

/* ---- the usual ones -------------------------------------------------------------------------- */

typedef struct bybit_head {
    int64_t time, sent; /* ns */
    bool spot, snapshot;
} bybit_head;

/* From behind the topic up to the data. Spot says the time first. */
ALWAYS_INLINE bool bybit_usual_head(const engine *e, const uint8_t **past, bybit_head *head)
{
    const uint8_t *at = *past;
    head->spot = USUAL_MAYBE(at, "\",\"ts\":");
    if (head->spot ? !USUAL_TIME(at, &head->time) || !USUAL_NEXT(at, ",\"type\":\"")
                   : !USUAL_NEXT(at, "\",\"type\":\""))
        return false;
    head->snapshot = USUAL_MAYBE(at, "snapshot");
    if (!head->snapshot && !USUAL_NEXT(at, "delta"))
        return false;
    if (head->spot ? !USUAL_NEXT(at, "\"")
                   : !USUAL_NEXT(at, "\",\"ts\":") || !USUAL_TIME(at, &head->time))
        return false;
    head->sent = head->time;
    *past = at;
    return USUAL_NEXT(*past, ",\"data\":");
}

/* `at` is past "orderbook.". */
ALWAYS_INLINE bool bybit_usual_book(engine *e, cursor *c, const uint8_t **past)
{
    const uint8_t *at = *past;
    int64_t final, place;
    bybit_head head;
    market *m, *named;
    if ((uint8_t)(*at - '0') > 9)
        return false;
    bool top = at[0] == '1' && at[1] == '.';
    uint16_t window = 0;
    for (; (uint8_t)(*at - '0') < 10; at++)
        window = (uint16_t)(window * 10 + (*at - '0'));
    if (!USUAL_NEXT(at, ".") || !usual_market(e, &at, '"', &m) || !bybit_usual_head(e, &at, &head) ||
        (top && !head.snapshot))
        return false;
    if (top)
        engine_about_quote(e, m);
    else
        engine_subject(e, m);
    message *msg = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    if (!USUAL_NEXT(at, "{\"s\":\"") || !usual_market(e, &at, '"', &named) || named != m ||
        !USUAL_NEXT(at, "\",\"b\":") || !usual_levels(e, c, &at, msg, FH_BID, LEVELS_TEXT) ||
        !USUAL_NEXT(at, ",\"a\":") || !usual_levels(e, c, &at, msg, FH_ASK, LEVELS_TEXT) ||
        !USUAL_NEXT(at, ",\"u\":") || !USUAL_INTEGER(at, &final) ||
        !USUAL_NEXT(at, ",\"seq\":") || !USUAL_INTEGER(at, &place) || !USUAL_NEXT(at, "}") ||
        (USUAL_MAYBE(at, ",\"cts\":") && !USUAL_TIME(at, &head.time)) ||
        final < 1 || final > NUMBER_MAX || place < 1 || place > NUMBER_MAX)
        return false;
    msg->numbers = (sequence){0, final, 0, true, place};
    msg->window = window;
    if (top)
        bybit_top(e, msg);
    bybit_settle(e, head.time, head.sent, head.snapshot);
    *past = at;
    return true;
}

/* Spot's ids have nineteen digits. */
ALWAYS_INLINE bool bybit_usual_id(const uint8_t **at, int64_t *out)
{
    if (!usual_integer(at, out))
        return false;
    for (; (uint8_t)(**at - '0') < 10; ++*at)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, **at - '0', out))
            return false;
    return true;
}

ALWAYS_INLINE bool bybit_usual_side(const uint8_t **at, uint8_t *side)
{
    *side = USUAL_MAYBE(*at, "Buy\"") ? FH_BUY : FH_SELL;
    return *side == FH_BUY || USUAL_NEXT(*at, "Sell\"");
}

typedef struct bybit_print {
    level trade;
    int64_t id, time;
    market *market;
    uint8_t side;
} bybit_print;

ALWAYS_INLINE bool bybit_usual_spot_print(engine *e, const uint8_t **past, bybit_print *out)
{
    const uint8_t *at = *past;
    int64_t place;
    if (!USUAL_NEXT(at, "{\"i\":\"") || !bybit_usual_id(&at, &out->id) ||
        !USUAL_NEXT(at, "\",\"T\":") || !USUAL_TIME(at, &out->time) ||
        !USUAL_NEXT(at, ",\"p\":\""))
        return false;
    const uint8_t *price = at; /* the market is said behind its numbers */
    if (!usual_string(&at) || !USUAL_NEXT(at, "\",\"v\":\""))
        return false;
    const uint8_t *size = at;
    if (!usual_string(&at) ||
        !USUAL_NEXT(at, "\",\"S\":\"") || !bybit_usual_side(&at, &out->side) ||
        !USUAL_NEXT(at, ",\"seq\":") || !USUAL_INTEGER(at, &place) ||
        !USUAL_NEXT(at, ",\"s\":\"") || !usual_market(e, &at, '"', &out->market) ||
        !usual_price(out->market, &price, &out->trade.price) || *price != '"' ||
        !usual_size(out->market, &size, &out->trade.size) || *size != '"')
        return false;
    *past = at + 1;
    return true;
}

/* The id is a UUID, and says nothing: the number is that of the place. */
ALWAYS_INLINE bool bybit_usual_future_print(engine *e, const uint8_t **past, bybit_print *out)
{
    const uint8_t *at = *past;
    if (!USUAL_NEXT(at, "{\"T\":") || !USUAL_TIME(at, &out->time) ||
        !USUAL_NEXT(at, ",\"s\":\"") || !usual_market(e, &at, '"', &out->market) ||
        !USUAL_NEXT(at, "\",\"S\":\"") || !bybit_usual_side(&at, &out->side) ||
        !USUAL_NEXT(at, ",\"v\":\"") || !usual_size(out->market, &at, &out->trade.size) ||
        !USUAL_NEXT(at, "\",\"p\":\"") || !usual_price(out->market, &at, &out->trade.price) ||
        !USUAL_NEXT(at, "\",\"L\":\"") || !usual_string(&at) || !USUAL_NEXT(at, "\",\"i\":\""))
        return false;
    const uint8_t *id = at;
    if (!usual_string(&at) || at - id != 36 || id[8] != '-' ||
        !USUAL_NEXT(at, "\",\"BT\":false,\"RPI\":"))
        return false;
    if ((!USUAL_MAYBE(at, "false") && !USUAL_NEXT(at, "true")) ||
        !USUAL_NEXT(at, ",\"seq\":") || !USUAL_INTEGER(at, &out->id))
        return false;
    *past = at;
    return true;
}

/* `at` is past "publicTrade.". */
ALWAYS_INLINE bool bybit_usual_trades(engine *e, const uint8_t **past)
{
    const uint8_t *at = *past;
    bybit_head head;
    market *m;
    if (!usual_market(e, &at, '"', &m) || !bybit_usual_head(e, &at, &head) || !USUAL_NEXT(at, "["))
        return false;
    engine_no_book(e);
    do {
        bybit_print print;
        if (head.spot ? !bybit_usual_spot_print(e, &at, &print) ||
                            !USUAL_NEXT(at, ",\"BT\":false,\"RPI\":") ||
                            (!USUAL_MAYBE(at, "false") && !USUAL_NEXT(at, "true"))
                      : !bybit_usual_future_print(e, &at, &print))
            return false;
        message *msg = engine_message(e, print.market, MESSAGE_TRADE, CHANNEL_TRADES);
        *engine_levels(e, msg, 1) = print.trade;
        msg->first_side = print.side;
        msg->numbers.final = print.id;
        msg->exchange_ns = print.time;
        if (!USUAL_NEXT(at, "}"))
            return false;
    } while (USUAL_MAYBE(at, ","));
    bybit_settle(e, head.time, head.sent, head.snapshot);
    *past = at;
    return USUAL_NEXT(*past, "]");
}

static bool bybit_usual(engine *e, cursor *c)
{
    const uint8_t *at = c->at;
    if (!USUAL_NEXT(at, "{\"topic\":\""))
        return false;
    bool read = USUAL_MAYBE(at, "orderbook.") ? bybit_usual_book(e, c, &at)
                                              : USUAL_MAYBE(at, "publicTrade.") &&
                                                    bybit_usual_trades(e, &at);
    if (!read || !USUAL_NEXT(at, "}"))
        return false;
    c->at = at;
    return at == c->end;
}

#endif
