/* Binance's usual frames: see binance_decoder.h for what they mean. */
#ifndef FEEDHANDLER_VENUES_BINANCE_USUAL_H
#define FEEDHANDLER_VENUES_BINANCE_USUAL_H

#include "../engine/usual.h"

/* Spot's and the futures' depthUpdate: levels. `at` is past "e". */
ALWAYS_INLINE bool binance_usual_depth(engine *e, cursor *c, const uint8_t **past)
{
    const uint8_t *at = *past;
    int64_t time, sent, first, final, previous = 0;
    market *m;
    if (!USUAL_NEXT(at, ",\"E\":") || !USUAL_TIME(at, &sent))
        return false;
    time = sent; /* of spot */
    if ((USUAL_MAYBE(at, ",\"T\":") && !USUAL_TIME(at, &time)) ||
        !USUAL_NEXT(at, ",\"s\":\"") || !usual_market(e, &at, '"', &m) ||
        !USUAL_NEXT(at, "\",\"U\":") || !USUAL_INTEGER(at, &first) ||
        !USUAL_NEXT(at, ",\"u\":") || !USUAL_INTEGER(at, &final))
        return false;
    if (USUAL_MAYBE(at, ",\"pu\":")) {
        if (!USUAL_INTEGER(at, &previous))
            return false;
    } else if (e->rules.rule == RULE_PREVIOUS) {
        return false;
    }
    if (first > final || final > NUMBER_MAX || previous > NUMBER_MAX)
        return false;
    engine_subject(e, m);
    message *msg = engine_message(e, m, MESSAGE_DELTA, CHANNEL_BOOK);
    if (!USUAL_NEXT(at, ",\"b\":") || !usual_levels(e, c, &at, msg, FH_BID, LEVELS_TEXT) ||
        !USUAL_NEXT(at, ",\"a\":") || !usual_levels(e, c, &at, msg, FH_ASK, LEVELS_TEXT))
        return false;
    msg->numbers = (sequence){first, final, previous, true, 0};
    msg->exchange_ns = time;
    msg->sent_ns = sent;
    *past = at;
    return true;
}

/* From "m" on. */
ALWAYS_INLINE bool binance_usual_print(engine *e, const uint8_t **past, market *m, level trade,
                                       int64_t id, int64_t time, int64_t sent)
{
    const uint8_t *at = *past;
    if (id > NUMBER_MAX || !USUAL_NEXT(at, ",\"m\":"))
        return false;
    bool sold = USUAL_MAYBE(at, "true");
    if (!sold && !USUAL_NEXT(at, "false"))
        return false;
    engine_no_book(e);
    message *msg = engine_message(e, m, MESSAGE_TRADE, CHANNEL_TRADES);
    *engine_levels(e, msg, 1) = trade;
    msg->first_side = sold ? FH_SELL : FH_BUY;
    msg->numbers.final = id;
    msg->exchange_ns = time;
    msg->sent_ns = sent;
    *past = at;
    return true;
}

/* trade; of the futures with its time before the symbol. */
ALWAYS_INLINE bool binance_usual_trade(engine *e, const uint8_t **past)
{
    const uint8_t *at = *past;
    int64_t time = 0, sent, id;
    level trade;
    market *m;
    if (!USUAL_NEXT(at, ",\"E\":") || !USUAL_TIME(at, &sent))
        return false;
    bool futures = USUAL_MAYBE(at, ",\"T\":");
    if ((futures && !USUAL_TIME(at, &time)) ||
        !USUAL_NEXT(at, ",\"s\":\"") || !usual_market(e, &at, '"', &m) ||
        !USUAL_NEXT(at, "\",\"t\":") || !USUAL_INTEGER(at, &id) ||
        !USUAL_NEXT(at, ",\"p\":\"") || !usual_price(m, &at, &trade.price) ||
        !USUAL_NEXT(at, "\",\"q\":\"") || !usual_size(m, &at, &trade.size))
        return false;
    if (futures ? !USUAL_NEXT(at, "\",\"X\":\"MARKET\"")
                : !USUAL_NEXT(at, "\",\"T\":") || !USUAL_TIME(at, &time))
        return false;
    if (!binance_usual_print(e, &at, m, trade, id, time, sent))
        return false;
    USUAL_MAYBE(at, ",\"M\":true");
    *past = at;
    return true;
}

/* The futures' aggTrade; "nq" since 2025, "st" since 2026. */
ALWAYS_INLINE bool binance_usual_aggregate(engine *e, const uint8_t **past)
{
    const uint8_t *at = *past;
    int64_t time, sent, id, other;
    level trade;
    market *m;
    if (!USUAL_NEXT(at, ",\"E\":") || !USUAL_TIME(at, &sent) ||
        !USUAL_NEXT(at, ",\"a\":") || !USUAL_INTEGER(at, &id) ||
        !USUAL_NEXT(at, ",\"s\":\"") || !usual_market(e, &at, '"', &m) ||
        !USUAL_NEXT(at, "\",\"p\":\"") || !usual_price(m, &at, &trade.price) ||
        !USUAL_NEXT(at, "\",\"q\":\"") || !usual_size(m, &at, &trade.size) ||
        (USUAL_MAYBE(at, "\",\"nq\":\"") && !usual_string(&at)) ||
        !USUAL_NEXT(at, "\",\"f\":") || !USUAL_INTEGER(at, &other) ||
        !USUAL_NEXT(at, ",\"l\":") || !USUAL_INTEGER(at, &other) ||
        !USUAL_NEXT(at, ",\"T\":") || !USUAL_TIME(at, &time) ||
        !binance_usual_print(e, &at, m, trade, id, time, sent))
        return false;
    *past = at;
    return true;
}

/* bookTicker; that of spot has neither "e" nor a time. `at` is past "u". */
ALWAYS_INLINE bool binance_usual_quote(engine *e, const uint8_t **past, bool futures)
{
    const uint8_t *at = *past;
    int64_t id, time = 0, sent = 0;
    level top[2];
    market *m;
    if (!USUAL_INTEGER(at, &id) ||
        !USUAL_NEXT(at, ",\"s\":\"") || !usual_market(e, &at, '"', &m) ||
        !USUAL_NEXT(at, "\",\"b\":\"") || !usual_price(m, &at, &top[FH_BID].price) ||
        !USUAL_NEXT(at, "\",\"B\":\"") || !usual_size(m, &at, &top[FH_BID].size) ||
        !USUAL_NEXT(at, "\",\"a\":\"") || !usual_price(m, &at, &top[FH_ASK].price) ||
        !USUAL_NEXT(at, "\",\"A\":\"") || !usual_size(m, &at, &top[FH_ASK].size) ||
        !USUAL_NEXT(at, "\""))
        return false;
    if (futures && (!USUAL_NEXT(at, ",\"T\":") || !USUAL_TIME(at, &time) ||
                    !USUAL_NEXT(at, ",\"E\":") || !USUAL_TIME(at, &sent)))
        return false;
    if (id < 1 || id > NUMBER_MAX)
        return false;
    engine_no_book(e);
    message *msg = engine_message(e, m, MESSAGE_QUOTE, CHANNEL_QUOTE);
    level *out = engine_levels(e, msg, 2);
    out[FH_BID] = top[FH_BID];
    out[FH_ASK] = top[FH_ASK];
    msg->numbers.final = id;
    msg->numbers.numbered = true;
    msg->exchange_ns = time;
    msg->sent_ns = sent;
    *past = at;
    return true;
}

static bool binance_usual(engine *e, cursor *c)
{
    const uint8_t *at = c->at;
    bool wrapped = USUAL_MAYBE(at, "{\"stream\":\"");
    if (wrapped && (!usual_string(&at) || !USUAL_NEXT(at, "\",\"data\":")))
        return false;
    bool read =
        USUAL_MAYBE(at, "{\"u\":")                        ? binance_usual_quote(e, &at, false)
        : USUAL_MAYBE(at, "{\"e\":\"trade\"")             ? binance_usual_trade(e, &at)
        : USUAL_MAYBE(at, "{\"e\":\"depthUpdate\"")       ? binance_usual_depth(e, c, &at)
        : USUAL_MAYBE(at, "{\"e\":\"bookTicker\",\"u\":") ? binance_usual_quote(e, &at, true)
        : USUAL_MAYBE(at, "{\"e\":\"aggTrade\"") && binance_usual_aggregate(e, &at);
    if (!read)
        return false;
    USUAL_MAYBE(at, ",\"st\":1");
    if (!USUAL_NEXT(at, "}") || (wrapped && !USUAL_NEXT(at, "}")))
        return false;
    c->at = at;
    return at == c->end;
}

#endif
