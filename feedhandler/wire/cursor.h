/* A JSON cursor: next key, string, scalar, skip. Not a parser: nothing is built.
 *
 * It accepts any valid JSON (white space, escapes, any key order, nesting down to CURSOR_DEPTH inside
 * a skipped value) and refuses everything else, naming the byte. It never reads at or past `end`;
 * the payload need not be NUL-terminated. Strings are checked to be UTF-8, and escaped surrogates
 * to come in pairs.
 *
 * Errors are sticky: after the first one every `cursor_key` and `cursor_item` answers "no more", so a
 * decoder's loops run out by themselves and it looks at `error` once, at the end.
 *
 *     cursor_object(c);                       the value here must be an object
 *     while (cursor_key(c, &key)) {           for each of its keys ...
 *         if (TEXT_IS(&key, "bids")) {        ... exactly one value must be consumed:
 *             cursor_array(c);
 *             while (cursor_item(c)) ...
 *         } else
 *             cursor_skip(c);
 *     }
 *
 * A cursor is a plain value: copying it remembers a position, assigning the copy goes back there.
 */
#ifndef FEEDHANDLER_WIRE_CURSOR_H
#define FEEDHANDLER_WIRE_CURSOR_H

#include "skip.h"

ALWAYS_INLINE bool cursor_open(cursor *c, uint8_t bracket)
{
    uint8_t b = cursor_peek(c);
    if (UNLIKELY(b != bracket)) {
        if (!c->error) { /* another type: valid JSON or not decides which error it is */
            const uint8_t *at = c->at;
            cursor_skip(c);
            if (!c->error)
                cursor_fail_at(c, WIRE_TYPE, at);
        }
        return false;
    }
    c->at++;
    c->fresh = true;
    return true;
}

ALWAYS_INLINE bool cursor_object(cursor *c) { return cursor_open(c, '{'); }
ALWAYS_INLINE bool cursor_array(cursor *c) { return cursor_open(c, '['); }

/* True: `c->at` is before an item or key. False: past the closing bracket, or an error. */
ALWAYS_INLINE bool cursor_more(cursor *c, uint8_t close)
{
    uint8_t b = cursor_peek(c);
    bool fresh = c->fresh;
    c->fresh = false;
    if (b == ',' && !fresh) {
        c->at++;
        return true;
    }
    if (b == close) {
        c->at++;
        return false;
    }
    if (LIKELY(fresh))
        return !c->error;
    if (!c->error)
        CURSOR_FAIL(c, WIRE_UNEXPECTED);
    return false;
}

ALWAYS_INLINE bool cursor_item(cursor *c) { return cursor_more(c, ']'); }

/* A key in the usual shape: no space, no escape, shorter than eight bytes or in two steps. */
ALWAYS_INLINE bool cursor_key_fast(cursor *c, text *key)
{
    const uint8_t *at = c->at, *end = c->limit;
    if (UNLIKELY(end - at < 12))
        return false;
    if (!c->fresh) {
        if (UNLIKELY(*at != ','))
            return false;
        at++;
    }
    if (UNLIKELY(*at != '"'))
        return false;
    at++;
    uint64_t stops = string_stops(load8(at));
    uint32_t length = 0;
    if (stops == 0) {
        length = 8;
        if (UNLIKELY(end - at < 18))
            return false;
        stops = string_stops(load8(at + 8));
        if (UNLIKELY(stops == 0))
            return false;
    }
    length += (uint32_t)__builtin_ctzll(stops) >> 3;
    if (UNLIKELY(at[length] != '"' || at[length + 1] != ':'))
        return false;
    *key = (text){at, length, TEXT_STRING, false};
    c->at = at + length + 2;
    c->fresh = false;
    return true;
}

static __attribute__((noinline)) bool cursor_key_slow(cursor *c, text *key)
{
    if (!cursor_more(c, '}'))
        return false;
    if (UNLIKELY(cursor_peek(c) != '"')) {
        if (!c->error)
            CURSOR_FAIL(c, WIRE_UNEXPECTED);
        return false;
    }
    if (UNLIKELY(!cursor_string_here(c, key)))
        return false;
    if (UNLIKELY(cursor_peek(c) != ':')) {
        if (!c->error)
            CURSOR_FAIL(c, WIRE_UNEXPECTED);
        return false;
    }
    c->at++;
    return true;
}

ALWAYS_INLINE bool cursor_key(cursor *c, text *key)
{
    return LIKELY(cursor_key_fast(c, key)) || cursor_key_slow(c, key);
}

/* Any value: a scalar is kept as its text (strings unescaped), anything nested is skipped. */
static __attribute__((noinline)) void cursor_scalar_slow(cursor *c, text *out)
{
    uint8_t b = cursor_peek(c);
    const uint8_t *begin = c->at;
    out->type = TEXT_NONE;
    if (b == '"') {
        cursor_string_here(c, out);
        return;
    }
    if (UNLIKELY(c->error))
        return;
    if (b == '{' || b == '[') {
        cursor_skip_nested(c);
        out->type = TEXT_NESTED;
    } else {
        if (!cursor_skip_scalar(c, b))
            return;
        out->type = b == 'n' ? TEXT_NULL : b == 't' ? TEXT_TRUE : b == 'f' ? TEXT_FALSE : TEXT_NUMBER;
    }
    out->at = begin;
    out->length = (uint32_t)(c->at - begin);
    out->escaped = false;
}

ALWAYS_INLINE void cursor_scalar(cursor *c, text *out)
{
    const uint8_t *at = c->at, *end = c->limit, *stop;
    if (LIKELY(end - at >= 10)) {
        if (*at == '"') { /* a plain string */
            uint64_t stops = string_stops(load8(at + 1));
            stop = at + 1;
            while (stops == 0 && LIKELY(end - stop >= 17)) {
                stop += 8;
                stops = string_stops(load8(stop));
            }
            if (LIKELY(stops != 0)) {
                stop += __builtin_ctzll(stops) >> 3;
                if (LIKELY(*stop == '"')) {
                    *out = (text){at + 1, (uint32_t)(stop - at - 1), TEXT_STRING, false};
                    c->at = stop + 1;
                    return;
                }
            }
        } else if ((uint8_t)(*at - '1') < 9) { /* an integer of less than 16 digits */
            uint64_t stops = digit_stops(load8(at) ^ 0x3030303030303030u);
            stop = at;
            if (stops == 0 && LIKELY(end - at >= 18)) {
                stop += 8;
                stops = digit_stops(load8(stop) ^ 0x3030303030303030u);
            }
            if (LIKELY(stops != 0)) {
                stop += __builtin_ctzll(stops) >> 3;
                if (LIKELY(*stop == ',' || *stop == '}' || *stop == ']')) {
                    *out = (text){at, (uint32_t)(stop - at), TEXT_NUMBER, false};
                    c->at = stop;
                    return;
                }
            }
        }
    }
    cursor_scalar_slow(c, out);
}

/* Past exactly these bytes, if they are next. A decoder may spell how its venue begins a frame; at the first
 * surprise it goes on key by key, from there. Only whole tokens may be spelled, ending in ':'. */
ALWAYS_INLINE bool cursor_literal(cursor *c, const char *literal, size_t length)
{
    if (UNLIKELY((size_t)(c->limit - c->at) < length) || memcmp(c->at, literal, length) != 0)
        return false;
    c->at += length;
    c->fresh = false;
    return true;
}
#define USUAL(c, literal) cursor_literal((c), "" literal, sizeof(literal) - 1)

ALWAYS_INLINE bool cursor_usual(cursor *c, const char *literal, size_t length, text *out)
{
    if (!cursor_literal(c, literal, length))
        return false;
    cursor_scalar(c, out);
    return true;
}
#define USUAL_SCALAR(c, literal, out) cursor_usual((c), "" literal, sizeof(literal) - 1, (out))

/* Call after the document: only white space may follow. */
ALWAYS_INLINE bool cursor_finish(cursor *c)
{
    if (LIKELY(!c->error)) {
        c->at = space_skip(c->at, c->end);
        if (UNLIKELY(c->at != c->end))
            CURSOR_FAIL(c, WIRE_TRAILING);
    }
    return !c->error;
}

/* Is the whole payload one valid document? */
COLD bool document_valid(const void *payload, size_t length, cursor *c)
{
    cursor_start(c, payload, length, NULL);
    cursor_skip(c);
    return cursor_finish(c);
}

#endif
