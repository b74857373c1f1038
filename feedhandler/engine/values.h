/* What is found in a frame as values: prices and sizes in their instrument's scale, times, numbers. Bare or
 * quoted is the same. */
#ifndef FEEDHANDLER_ENGINE_VALUES_H
#define FEEDHANDLER_ENGINE_VALUES_H

#include "decode.h"
#include "found.h"

static bool value_scaled(engine *e, cursor *c, market *m, bool price, const text *t, int64_t *out)
{
    const uint8_t *stop = t->at;
    if (t->type != TEXT_NUMBER && t->type != TEXT_STRING) {
        text_fail(c, WIRE_TYPE, t);
        return false;
    }
    if (text_present(t) && number_scaled(e, m, price, t->at, text_limit(c, t), &stop, out) &&
        stop == t->at + t->length)
        return true;
    if (!c->error)
        cursor_fail_at(c, WIRE_DECIMAL, stop ? stop : t->at);
    return false;
}

static void value_price(engine *e, cursor *c, market *m, const text *t, int64_t *out)
{
    if (value_scaled(e, c, m, true, t, out) && !price_possible(m, *out))
        text_fail(c, WIRE_RANGE, t);
}

/* A number of the frame, if it has it. */
static bool value_number(cursor *c, const found *f, int role, int64_t least, int64_t *out)
{
    const text *t = found_text(f, role);
    if (t != NULL)
        text_number(c, t, least, out);
    return t != NULL;
}

/* ---- times ---------------------------------------------------------------------------------------- */

/* A venue's time as unix ns, in the unit that it is declared in; 0: it says none; an error: it cannot be. */
static int64_t value_time(const engine *e, cursor *c, int role, const text *t)
{
    int64_t ns = 0, value;
    bool read, ahead = false;
    switch (role) {
    case ROLE_TIME_S:
    case ROLE_SENT_S: read = time_decimal(t, 1000000000, &ns); break;
    case ROLE_TIME_US:
    case ROLE_SENT_US: read = time_decimal(t, 1000, &ns); break;
    case ROLE_TIME_NS:
    case ROLE_SENT_NS: read = time_decimal(t, 1, &ns); break;
    case ROLE_TIME_ISO:
    case ROLE_SENT_ISO: read = time_iso(t, &ns); break;
    default: /* of what is too large for milliseconds the magnitude tells the unit: venues offer several */
        if (text_integer(t, &value))
            ahead = !(read = value == 0 || time_read(e, value, &ns)) && value > 0;
        else
            read = time_decimal(t, 1000000, &ns);
    }
    if (read && ns == 0)
        return 0;
    if (read && ns > 0 &&
        (ns <= e->receive_ns + TIME_AHEAD_NS || ns <= fh_now_ns() + TIME_AHEAD_NS))
        return ns;
    text_fail(c, ahead || (read && ns > 0) ? WIRE_AHEAD : WIRE_RANGE, t);
    return 0;
}

#define TIME_ROLES                                                                            \
    ((uint64_t)1 << ROLE_TIME_MS | (uint64_t)1 << ROLE_TIME_S | (uint64_t)1 << ROLE_TIME_US | \
     (uint64_t)1 << ROLE_TIME_NS | (uint64_t)1 << ROLE_TIME_ISO)
#define SENT_ROLES                                                                            \
    ((uint64_t)1 << ROLE_SENT_MS | (uint64_t)1 << ROLE_SENT_S | (uint64_t)1 << ROLE_SENT_US | \
     (uint64_t)1 << ROLE_SENT_NS | (uint64_t)1 << ROLE_SENT_ISO)

/* The time of one of these roles, here or in what surrounds it; 0: there is none. */
static int64_t found_time(const engine *e, cursor *c, const found *f, uint64_t roles)
{
    for (; f; f = f->outer)
        if (f->has & roles) {
            int role = __builtin_ctzll(f->has & roles);
            return value_time(e, c, role, &f->text[role]);
        }
    return 0;
}

/* When it was so, and when it was sent. */
static void found_times(const engine *e, cursor *c, const found *f, message *msg)
{
    msg->sent_ns = found_time(e, c, f, SENT_ROLES);
    int64_t time = found_time(e, c, f, TIME_ROLES);
    msg->exchange_ns = time ? time : msg->sent_ns;
}

/* ---- sequences ------------------------------------------------------------------------------------ */

/* `least`: that its last one may be. */
static void found_numbers(const engine *e, cursor *c, const found *f, message *msg, int64_t least)
{
    sequence *s = &msg->numbers;
    if (e->rules.rule == RULE_TIME && msg->channel == CHANNEL_BOOK) {
        s->first = s->final = found_time(e, c, f, TIME_ROLES);
        s->numbered = true;
        if (s->final == 0 && !c->error)
            CURSOR_FAIL(c, WIRE_MISSING);
        return;
    }
    bool previous = value_number(c, f, ROLE_PREVIOUS, 0, &s->previous) ||
                    value_number(c, f, ROLE_PREVIOUS_SIGNED, -1, &s->previous);
    s->first = previous ? s->previous + 1 : 0;
    value_number(c, f, ROLE_FIRST, 0, &s->first);
    s->numbered = value_number(c, f, ROLE_FINAL, found_text(f, ROLE_FIRST) ? s->first : least, &s->final);
    value_number(c, f, ROLE_PLACE, 1, &s->place);
}

/* A quote goes by the place in the book that it is of, where it says that too. */
static void quote_numbers(const engine *e, cursor *c, const shape *s, const found *f, message *msg)
{
    found_numbers(e, c, f, msg, 0);
    msg->anew = s->flags & FRAME_ANEW && msg->numbers.final == 1;
    if (msg->numbers.numbered && msg->numbers.place)
        msg->numbers.final = msg->numbers.place;
}

/* ---- instruments ---------------------------------------------------------------------------------- */

/* What the frame, or this row of it, is about; NULL: none of ours, or an error. */
static market *found_market(engine *e, cursor *c, const found *f)
{
    const text *symbol = found_text(f, ROLE_SYMBOL), *channel = found_text(f, ROLE_CHANNEL);
    int64_t number = 0;
    if (symbol)
        return engine_market(e, symbol);
    if (channel == NULL) {
        if (!c->error)
            CURSOR_FAIL(c, WIRE_MISSING);
        return NULL;
    }
    if (!text_integer(channel, &number)) {
        text_fail(c, WIRE_RANGE, channel);
        return NULL;
    }
    const bound *b = channel_find(e->connection, number);
    if (b == NULL)
        e->unknown++;
    return b ? b->market : NULL;
}

#endif
