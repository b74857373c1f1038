/* JSON numbers and the words true, false, null: where they end. Their values: decimal.h. */
#ifndef FEEDHANDLER_WIRE_NUMBERS_H
#define FEEDHANDLER_WIRE_NUMBERS_H

#include "position.h"

/* High bit of each byte that is no digit, given the bytes xor '0'. The first hit is exact. */
ALWAYS_INLINE uint64_t digit_stops(uint64_t word)
{
    return ((word + 0x7676767676767676u) | word) & 0x8080808080808080u;
}

ALWAYS_INLINE const uint8_t *digits_skip(const uint8_t *at, const uint8_t *end)
{
    while (LIKELY(end - at >= 8)) {
        uint64_t stops = digit_stops(load8(at) ^ 0x3030303030303030u);
        if (LIKELY(stops))
            return at + (__builtin_ctzll(stops) >> 3);
        at += 8;
    }
    while (at < end && (uint8_t)(*at - '0') < 10)
        at++;
    return at;
}

/* Past the JSON number that starts at `at`; NULL and the offending byte in `*bad` when it is none. */
static inline const uint8_t *number_end(const uint8_t *at, const uint8_t *end, const uint8_t **bad)
{
    const uint8_t *from;
    if (at < end && *at == '-')
        at++;
    from = at;
    at = digits_skip(at, end);
    if (at == from || (*from == '0' && at - from > 1)) {
        *bad = from;
        return NULL;
    }
    if (at < end && *at == '.') {
        from = ++at;
        at = digits_skip(at, end);
        if (at == from) {
            *bad = at;
            return NULL;
        }
    }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        from = at;
        at = digits_skip(at, end);
        if (at == from) {
            *bad = at;
            return NULL;
        }
    }
    return at;
}

COLD bool cursor_number_fail(cursor *c, const uint8_t *bad)
{
    cursor_fail_at(c, bad == c->end ? WIRE_END : WIRE_NUMBER, bad);
    return false;
}

static inline bool cursor_word(cursor *c, const char *word, size_t length)
{
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) {
        while (c->at < c->end && length && *c->at == (uint8_t)*word) {
            c->at++;
            word++;
            length--;
        }
        CURSOR_FAIL(c, c->at == c->end ? WIRE_END : WIRE_UNEXPECTED);
        return false;
    }
    c->at += length;
    return true;
}

#endif
