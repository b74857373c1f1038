/* A whole value, passed over and checked. */
#ifndef FEEDHANDLER_WIRE_SKIP_H
#define FEEDHANDLER_WIRE_SKIP_H

#include "numbers.h"
#include "strings.h"

/* One scalar that starts with `b` at `c->at`; nothing is kept of it. */
ALWAYS_INLINE bool cursor_skip_scalar(cursor *c, uint8_t b)
{
    const uint8_t *bad, *end;
    bool escaped;
    switch (b) {
    case '"':
        c->at++;
        end = string_end(c, &escaped);
        if (UNLIKELY(end == NULL))
            return false;
        c->at = end + 1;
        return true;
    case 't': return cursor_word(c, "true", 4);
    case 'f': return cursor_word(c, "false", 5);
    case 'n': return cursor_word(c, "null", 4);
    default:
        if (b != '-' && (uint8_t)(b - '0') >= 10) {
            CURSOR_FAIL(c, WIRE_UNEXPECTED);
            return false;
        }
        end = number_end(c->at, c->end, &bad);
        if (UNLIKELY(end == NULL))
            return cursor_number_fail(c, bad);
        c->at = end;
        return true;
    }
}

/* Past `"key" :`, `c->at` anywhere before the quote. */
static inline bool cursor_skip_key(cursor *c)
{
    if (UNLIKELY(cursor_peek(c) != '"')) {
        CURSOR_FAIL(c, WIRE_UNEXPECTED);
        return false;
    }
    if (!cursor_skip_scalar(c, '"'))
        return false;
    if (UNLIKELY(cursor_peek(c) != ':')) {
        CURSOR_FAIL(c, WIRE_UNEXPECTED);
        return false;
    }
    c->at++;
    return true;
}

/* One whole value, checked and dropped. Nesting is a bit stack (1 = object), not recursion. */
static __attribute__((noinline)) void cursor_skip_nested(cursor *c)
{
    uint64_t objects[CURSOR_DEPTH / 64] = {0};
    unsigned depth = 0;
    for (;;) {
        uint8_t b = cursor_peek(c);
        if (b == '{' || b == '[') {
            if (UNLIKELY(depth == CURSOR_DEPTH)) {
                CURSOR_FAIL(c, WIRE_DEPTH);
                return;
            }
            c->at++;
            uint8_t next = cursor_peek(c);
            if (next == b + 2) { /* "{}" or "[]": in ASCII both closers are two past their openers */
                c->at++;
            } else {
                uint64_t bit = (uint64_t)1 << (depth & 63);
                if (b == '{')
                    objects[depth >> 6] |= bit;
                else
                    objects[depth >> 6] &= ~bit;
                depth++;
                if (b == '{' && !cursor_skip_key(c))
                    return;
                if (c->error)
                    return;
                continue;
            }
        } else if (c->error || !cursor_skip_scalar(c, b)) {
            return;
        }
        /* a value is behind us: close what closes, then a comma opens the next */
        for (;;) {
            if (depth == 0)
                return;
            bool object = objects[(depth - 1) >> 6] >> ((depth - 1) & 63) & 1;
            b = cursor_peek(c);
            if (b == ',') {
                c->at++;
                if (object && !cursor_skip_key(c))
                    return;
                break;
            }
            if (b != (object ? '}' : ']')) {
                if (!c->error)
                    CURSOR_FAIL(c, WIRE_UNEXPECTED);
                return;
            }
            c->at++;
            depth--;
        }
    }
}

ALWAYS_INLINE void cursor_skip(cursor *c)
{
    uint8_t b = cursor_peek(c);
    if (b == '{' || b == '[')
        cursor_skip_nested(c);
    else if (LIKELY(!c->error))
        cursor_skip_scalar(c, b);
}

#endif
