/* Messages of venues that are declared by their frames alone, as the general reader makes them. */
#ifndef FEEDHANDLER_ENGINE_EMIT_DECLARED_H
#define FEEDHANDLER_ENGINE_EMIT_DECLARED_H

#include "emit.h"
#include "level_way.h"
#include "shaped_rows.h"

/* ---- values --------------------------------------------------------------------------------------- */

/* A number of any digits, with an exponent if it likes. */
static __attribute__((noinline)) bool declared_number(engine *e, const cursor *c, market *m, bool price,
                                                      const uint8_t **at, int64_t *out)
{
    const uint8_t *past = price ? level_number(*at, &m->price_scale, m->price_exponent, out)
                                : level_number(*at, &m->size_scale, m->size_exponent, out);
    if (UNLIKELY(past == NULL || (*past | 0x20) == 'e' || (uint8_t)(*past - '0') < 10)) {
        const uint8_t *end, *bad;
        if ((uint8_t)(**at - '0') > 9 || (end = number_end(*at, c->end, &bad)) == NULL ||
            !number_scaled(e, m, price, *at, c->limit, &past, out) || past != end || e->short_of)
            return false;
    }
    *at = past;
    return true;
}

static bool declared_price(engine *e, const cursor *c, market *m, const uint8_t **at, int64_t *out)
{
    return declared_number(e, c, m, true, at, out) && *out != 0;
}

static bool declared_size(engine *e, const cursor *c, market *m, const uint8_t **at, int64_t *out)
{
    return declared_number(e, c, m, false, at, out);
}

/* A size below 0 is one of asks, or of a taker who sells. */
static bool declared_amount(engine *e, const cursor *c, market *m, const uint8_t **at, int64_t *out)
{
    bool below = **at == '-';
    *at += below;
    if (!declared_number(e, c, m, false, at, out))
        return false;
    *out = below ? -*out : *out;
    return *out != 0;
}

/* Numbers that were passed before their instrument was known, and where each ended. */
static bool declared_later(engine *e, const cursor *c, const form *f, market *m, int64_t *v, int from, int count)
{
    for (int slot = from; slot < from + count; slot++) {
        const uint8_t *at = c->begin + v[slot], *past = c->begin + v[slot - SLOT_PRICE + SLOT_PRICE_END];
        bool price = ((slot - SLOT_PRICE) & 1) == 0;
        bool read = f->amount && slot == SLOT_SIZE ? declared_amount(e, c, m, &at, &v[slot])
                                                   : declared_number(e, c, m, price, &at, &v[slot]);
        if (!read || at != past || v[slot] == 0)
            return false;
    }
    return true;
}

/* ---- messages ------------------------------------------------------------------------------------- */

/* Lists of levels that were passed before their instrument was known, in the order in which they came. */
static bool declared_lists(engine *e, cursor *c, const form *f, message *msg, int64_t *v, uint32_t begin)
{
    for (int run = 0; run < 2 && f->ways[run]; run++) {
        way_list l = {.market = msg->market};
        const uint8_t *at = way_read(e, c, f->ways[run], c->begin + v[SLOT_LIST + run], &l);
        if (at == NULL)
            return false;
        if (run == 0)
            v[SLOT_LEVELS] = f->ways[0]->sided ? l.bids : e->level_count - begin;
        v[SLOT_LATEST] = run && v[SLOT_LATEST] > l.latest ? v[SLOT_LATEST] : l.latest;
    }
    return true;
}

/* A level that is no list. */
static bool declared_single(engine *e, const form *f, message *msg, const int64_t *v)
{
    int64_t size = v[SLOT_SIZE];
    int side = (int)v[SLOT_SIDE];
    bool removed = f->removes || (f->counts && v[SLOT_COUNT] == 0);
    if (f->counts && UNLIKELY(v[SLOT_COUNT] > NUMBER_MAX))
        return false;
    if (f->amount) {
        side = size < 0 ? FH_ASK : FH_BID;
        size = size < 0 ? -size : size;
    }
    *engine_levels(e, msg, 1) = (level){v[SLOT_PRICE], removed ? 0 : size};
    msg->first_side = (uint8_t)side;
    return true;
}

static bool declared_numbers(const form *f, const int64_t *v, message *msg)
{
    sequence *s = &msg->numbers;
    if (!f->timed)
        return emit_numbers(f, v, s);
    s->first = s->final = v[SLOT_ROW_TIME] ? v[SLOT_ROW_TIME] : v[SLOT_TIME];
    return s->final != 0;
}

static bool declared_book(engine *e, cursor *c, const form *f, message *msg, int64_t *v, uint32_t begin)
{
    if (f->checks)
        message_checksum(e, msg, v[SLOT_CHECKSUM]);
    if (f->kind == SHAPE_CHECKSUM) {
        msg->window = (uint16_t)msg->market->window;
        msg->exchange_ns = msg->exchange_ns ? msg->exchange_ns : msg->market->head.exchange_ns;
        return true;
    }
    if (UNLIKELY(msg->kind == MESSAGE_SNAPSHOT && e->checksum && !msg->market->written_listed))
        return false; /* how many decimals there are is to be seen */
    bool read = f->single ? declared_single(e, f, msg, v)
                          : f->ways[0] == NULL || declared_lists(e, c, f, msg, v, begin);
    if (UNLIKELY(!read || !declared_numbers(f, v, msg)))
        return false;
    msg->count = e->level_count - begin;
    msg->first_count = f->single ? 1 : (uint32_t)v[SLOT_LEVELS];
    if (f->latest && v[SLOT_LATEST] && (msg->exchange_ns == 0 || !f->time_in))
        msg->exchange_ns = v[SLOT_LATEST];
    return message_proven(e, msg);
}

/* A taker who sells has an amount below 0. */
static bool declared_trade(engine *e, const cursor *c, const form *f, message *msg, int64_t *v)
{
    if (f->later && !declared_later(e, c, f, msg->market, v, SLOT_PRICE, 2))
        return false;
    if (f->amount) {
        v[SLOT_SIDE] = v[SLOT_SIZE] < 0 ? FH_SELL : FH_BUY;
        v[SLOT_SIZE] = v[SLOT_SIZE] < 0 ? -v[SLOT_SIZE] : v[SLOT_SIZE];
    }
    if (UNLIKELY(v[SLOT_SIZE] == 0))
        return false;
    return emit_trade(e, NULL, f, msg, v);
}

static bool declared_quote(engine *e, cursor *c, const form *f, message *msg, int64_t *v, uint32_t begin)
{
    if (f->emit == EMIT_TOP)
        return (f->ways[0] == NULL || declared_lists(e, c, f, msg, v, begin)) && emit_top(e, f, msg, v, begin);
    if (f->later && !declared_later(e, c, f, msg->market, v, SLOT_BID, 4))
        return false;
    for (int slot = SLOT_BID; slot <= SLOT_ASK_SIZE; slot++)
        if (UNLIKELY(v[slot] == 0))
            return false;
    return emit_quote(e, f, msg, v);
}

/* A statistic, at once: of its instrument it needs nothing. */
static __attribute__((noinline)) bool declared_stat(engine *e, int role, const uint8_t **at, const uint8_t *end)
{
    message counted; /* that of the row is made at its end */
    text said;
    if (!usual_scalar(at, end, &said))
        return false;
    counted.count = 0;
    engine_stat_of(e, &counted, role, &said);
    return true;
}

/* Where the statistics of this row begin: behind those of the one before. */
static inline uint32_t declared_stats(const engine *e)
{
    for (uint32_t i = e->message_count; i--; )
        if (e->messages[i].kind == MESSAGE_STATS)
            return e->messages[i].levels + e->messages[i].count;
    return 0;
}

/* The best bid and offer of a ticker, as the general reader takes them. */
static bool declared_top(engine *e, cursor *c, const form *f, market *m, const int64_t *v)
{
    found said;
    int sides = __builtin_popcount(f->tops);
    bool quote = f->message.channel == CHANNEL_QUOTE;
    if (m->has_book && !quote && (sides < 4 || !quote_asked(e, m)))
        return true;
    found_begin(&said, NULL, true);
    for (int i = 0; i < 4; i++) {
        const uint8_t *at = c->begin + v[SLOT_BID + i];
        text number;
        if (!(f->tops >> i & 1))
            continue;
        if (!usual_scalar(&at, c->end, &number) || !found_put(&said, ROLE_BID + i, &number, 0))
            return false;
    }
    message *msg = shaped_top(e, c, &said, m, quote ? CHANNEL_QUOTE : CHANNEL_TICKER, !quote && sides < 4);
    emit_time(msg, v);
    return !c->error && !e->short_of;
}

/* One message, or two. */
static bool declared_ticker(engine *e, cursor *c, const form *f, market *m, const int64_t *v)
{
    uint32_t begin = declared_stats(e);
    if ((f->tops || f->message.channel == CHANNEL_QUOTE) && !declared_top(e, c, f, m, v))
        return false;
    message *msg = engine_message(e, m, MESSAGE_STATS, f->message.channel);
    emit_time(msg, v);
    msg->levels = begin;
    msg->count = e->stat_count - begin;
    const uint8_t *at = f->worded ? c->begin + v[SLOT_WORD] : c->begin;
    text word;
    if (f->worded && usual_scalar(&at, c->end, &word))
        message_word(c, msg, &word);
    return !e->out_of_memory && !c->error;
}

static __attribute__((noinline)) bool emit_declared(engine *e, cursor *c, const form *f, message *msg,
                                                    int64_t *v, uint32_t begin)
{
    switch (f->kind) {
    case SHAPE_TRADE:
    case SHAPE_LIQUIDATION: return declared_trade(e, c, f, msg, v);
    case SHAPE_QUOTE: return declared_quote(e, c, f, msg, v, begin);
    default: return declared_book(e, c, f, msg, v, begin);
    }
}

/* A list of levels where it stands; what it came to is in the slots. `*other`: see way_list. */
static __attribute__((noinline)) const uint8_t *declared_levels(engine *e, cursor *c, const step *s,
                                                                market **m, const uint8_t *at, int64_t *v,
                                                                uint32_t begin, bool *other)
{
    way_list l = {.market = *m, .other = *at != '['};
    at = way_read(e, c, s->way, at, &l);
    *other = l.other;
    if (at == NULL || l.market == NULL) /* none, of which each would have named its own */
        return NULL;
    *m = l.market;
    v[s->slot] = s->way->sided ? l.bids : e->level_count - begin;
    v[SLOT_LATEST] = s->slot != SLOT_LEVELS && v[SLOT_LATEST] > l.latest ? v[SLOT_LATEST] : l.latest;
    return at;
}

/* An instrument by the number of its channel, if that is for what the step was learned from. */
static __attribute__((noinline)) bool declared_channel(const engine *e, const step *s, const uint8_t **at,
                                                       market **m, bool *other)
{
    int64_t channel;
    if (!usual_integer(at, &channel))
        return false;
    const bound *b = channel_find(e->connection, channel);
    *other = b && !bound_is(b, (const char *)s->say, strnlen((const char *)s->say, sizeof s->say));
    if (b == NULL || *other)
        return false;
    *m = b->market;
    return true;
}

#endif
