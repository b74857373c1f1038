/* What was read of a frame by its skeleton, as the messages that its decoder would make of it. */
#ifndef FEEDHANDLER_ENGINE_EMIT_H
#define FEEDHANDLER_ENGINE_EMIT_H

#include "skeleton.h"
#include "usual.h"

#define NO_ID INT64_MIN

/* 2..NUMBER_MAX: 0 and 1 begin something anew at more than one venue, and mean more than a number. */
ALWAYS_INLINE bool number_usual(int64_t value) { return (uint64_t)value - 2 <= (uint64_t)NUMBER_MAX - 2; }

/* When it was so at the venue, as near as the frame says, and when it was sent. */
ALWAYS_INLINE void emit_time(message *msg, const int64_t *v)
{
    msg->sent_ns = v[SLOT_SENT];
    msg->exchange_ns = v[SLOT_ROW_TIME] ? v[SLOT_ROW_TIME] : v[SLOT_TIME] ? v[SLOT_TIME] : v[SLOT_SENT];
}

/* A book's numbers. */
ALWAYS_INLINE bool emit_numbers(const form *f, const int64_t *v, sequence *numbers)
{
    if (f->previous && UNLIKELY(!number_usual((int64_t)((uint64_t)v[SLOT_PREVIOUS] + 1)) &&
                                !(v[SLOT_PREVIOUS] == -1 && f->message.kind == MESSAGE_SNAPSHOT)))
        return false;
    if (UNLIKELY(numbers->numbered && !number_usual(v[SLOT_FINAL])))
        return false;
    if (f->still && UNLIKELY(v[SLOT_PREVIOUS] == v[SLOT_FINAL]))
        return false;
    if (f->first && UNLIKELY(v[SLOT_FIRST] > v[SLOT_FINAL]))
        return false;
    if (f->place && UNLIKELY(v[SLOT_PLACE] < 1 || v[SLOT_PLACE] > NUMBER_MAX))
        return false;
    numbers->first += f->follows ? v[SLOT_PREVIOUS] : v[SLOT_FIRST];
    numbers->final = v[SLOT_FINAL];
    numbers->previous += v[SLOT_PREVIOUS];
    numbers->place += v[SLOT_PLACE];
    return true;
}

ALWAYS_INLINE bool emit_book(engine *e, const form *f, message *msg, const int64_t *v, uint32_t begin)
{
    if (UNLIKELY(!emit_numbers(f, v, &msg->numbers)))
        return false;
    msg->has_checksum = v[SLOT_CHECKSUM] != 0;
    msg->checksum = v[SLOT_CHECKSUM];
    msg->count = e->level_count - begin;
    msg->first_count = (uint32_t)v[SLOT_LEVELS];
    return LIKELY(msg->numbers.numbered || msg->has_checksum);
}

/* A quote goes by the place in the book that it is of, where it says that too. */
ALWAYS_INLINE void emit_place(message *msg)
{
    if (msg->numbers.numbered && msg->numbers.place)
        msg->numbers.final = msg->numbers.place;
}

/* A whole book of one level a side, as a quote. */
ALWAYS_INLINE bool emit_top(engine *e, const form *f, message *msg, const int64_t *v, uint32_t begin)
{
    level top[2] = {{FH_NONE, 0}, {FH_NONE, 0}};
    const level *levels = e->levels + begin;
    uint32_t first = (uint32_t)v[SLOT_LEVELS], count = e->level_count - begin;
    if (first > 0 && levels[0].size != 0)
        top[msg->first_side] = levels[0];
    if (count > first && levels[first].size != 0)
        top[msg->first_side ^ 1] = levels[first];
    if (UNLIKELY(!emit_numbers(f, v, &msg->numbers)))
        return false;
    emit_place(msg);
    msg->first_count = first;
    e->level_count = begin;
    level *both = engine_levels(e, msg, 2);
    both[0] = top[0];
    both[1] = top[1];
    return true;
}

/* A number that was passed before its instrument was known. */
ALWAYS_INLINE bool emit_later(const cursor *c, market *m, bool price, const int64_t *v, int64_t *out)
{
    int slot = price ? SLOT_PRICE : SLOT_SIZE;
    const uint8_t *at = c->begin + v[slot];
    bool read = price ? usual_price(m, &at, out) : usual_size(m, &at, out);
    return LIKELY(read && at == c->begin + v[slot - SLOT_PRICE + SLOT_PRICE_END]);
}

/* `c` NULL: its price and size are in the slots. */
ALWAYS_INLINE bool emit_trade(engine *e, const cursor *c, const form *f, message *msg, const int64_t *v)
{
    level *trade = engine_levels(e, msg, 1);
    int64_t id = v[SLOT_ID];
    if (c && f->later && UNLIKELY(!emit_later(c, msg->market, true, v, &trade->price) ||
                                  !emit_later(c, msg->market, false, v, &trade->size)))
        return false;
    if (c == NULL || !f->later)
        *trade = (level){v[SLOT_PRICE], v[SLOT_SIZE]};
    if (f->id_or_place)
        id = id == NO_ID ? v[SLOT_PLACE] : id;
    else if (c && UNLIKELY(id > NUMBER_MAX))
        return false;
    msg->first_side = (uint8_t)v[SLOT_SIDE];
    msg->numbers.final = id;
    return true;
}

ALWAYS_INLINE bool emit_quote(engine *e, const form *f, message *msg, const int64_t *v)
{
    level *top = engine_levels(e, msg, 2);
    top[FH_BID] = (level){v[SLOT_BID], v[SLOT_BID_SIZE]};
    top[FH_ASK] = (level){v[SLOT_ASK], v[SLOT_ASK_SIZE]};
    if (UNLIKELY(!emit_numbers(f, v, &msg->numbers)))
        return false;
    emit_place(msg);
    return true;
}

/* See emit_declared.h. */
static bool declared_ticker(engine *e, cursor *c, const form *f, market *m, const int64_t *v);
static bool emit_declared(engine *e, cursor *c, const form *f, message *msg, int64_t *v, uint32_t begin);

/* False: the frame says what only the decoder understands. */
ALWAYS_INLINE bool emit_message(engine *e, cursor *c, const form *f, market *m, int64_t *v, uint32_t begin,
                                bool declared)
{
    if (declared && f->kind == SHAPE_TICKER)
        return declared_ticker(e, c, f, m, v);
    if (UNLIKELY(!ARRAY_RESERVE(e, e->messages, e->message_count, e->message_room, e->message_count + 1)))
        return false;
    message *msg = &e->messages[e->message_count++];
    *msg = f->message;
    msg->market = m;
    msg->precision = m->precision;
    msg->levels = begin;
    emit_time(msg, v);
    if (declared)
        return emit_declared(e, c, f, msg, v, begin);
    switch (f->emit) {
    case EMIT_BOOK: return emit_book(e, f, msg, v, begin);
    case EMIT_TOP: return emit_top(e, f, msg, v, begin);
    case EMIT_TRADE: return emit_trade(e, c, f, msg, v);
    default: return emit_quote(e, f, msg, v);
    }
}

/* Times that came behind the rows. */
static inline void emit_times(engine *e, const int64_t *v)
{
    for (uint32_t i = 0; i < e->message_count; i++) {
        message *msg = &e->messages[i];
        msg->sent_ns = v[SLOT_SENT];
        if (msg->exchange_ns == 0)
            msg->exchange_ns = v[SLOT_TIME] ? v[SLOT_TIME] : v[SLOT_SENT];
    }
}

#endif
