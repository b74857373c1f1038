/* Times as venues usually write them, in any unit: see usual.h. */
#ifndef FEEDHANDLER_ENGINE_USUAL_TIME_H
#define FEEDHANDLER_ENGINE_USUAL_TIME_H

#include "usual.h"
#include "values.h"

/* Up to nineteen digits. */
static bool usual_digits(const uint8_t **at, int64_t *out)
{
    uint64_t whole;
    const uint8_t *p = *at;
    unsigned count = sixteen_digits(p, &whole);
    if (UNLIKELY(count == 0 || (count > 1 && *p == '0')))
        return false;
    for (p += count; count < 19 && (uint8_t)(*p - '0') < 10; count++, p++)
        whole = whole * 10 + (uint8_t)(*p - '0');
    *at = p;
    *out = (int64_t)whole;
    return LIKELY(whole <= INT64_MAX && (uint8_t)(*p - '0') > 9);
}

/* Digits, and decimals if there are any, of a unit of so many ns. */
static bool usual_decimal_time(const uint8_t **at, int64_t unit, int64_t *ns)
{
    const uint8_t *p = *at;
    int64_t whole, value;
    if (UNLIKELY(!usual_digits(&p, &whole) || __builtin_mul_overflow(whole, unit, &value)))
        return false;
    if (*p == '.') {
        const uint8_t *from = ++p;
        for (; (uint8_t)(*p - '0') < 10; p++)
            value += (unit /= 10) * (*p - '0');
        if (p == from)
            return false;
    }
    *at = p;
    *ns = value;
    return true;
}

/* The last one is kept: the levels of a frame say the same time. */
static bool usual_iso_time(engine *e, const uint8_t **at, int64_t *ns)
{
    iso_time *last = &e->skeletons.iso;
    text said = {*at, 0, TEXT_STRING, false};
    if (UNLIKELY(!usual_string(at)))
        return false;
    said.length = (uint32_t)(*at - said.at);
    if (said.length == last->length && memcmp(said.at, last->text, said.length) == 0) {
        *ns = last->ns;
        return true;
    }
    if (said.length > sizeof last->text || !time_iso(&said, ns))
        return false;
    memcpy(last->text, said.at, said.length);
    last->length = said.length;
    last->ns = *ns;
    return true;
}

/* A time of this role that can be one. */
static __attribute__((noinline)) bool usual_clock(engine *e, int role, const uint8_t **at, int64_t *ns)
{
    bool read;
    switch (role) {
    case ROLE_TIME_ISO:
    case ROLE_SENT_ISO: read = usual_iso_time(e, at, ns); break;
    case ROLE_TIME_S:
    case ROLE_SENT_S: read = usual_decimal_time(at, 1000000000, ns); break;
    case ROLE_TIME_US:
    case ROLE_SENT_US: read = usual_decimal_time(at, 1000, ns); break;
    case ROLE_TIME_NS:
    case ROLE_SENT_NS: read = usual_decimal_time(at, 1, ns); break;
    default: read = usual_decimal_time(at, 1000000, ns);
    }
    return LIKELY(read && *ns > 0 && *ns <= e->receive_ns + TIME_AHEAD_NS);
}

#endif
