/* JSON strings: where they end, that they are UTF-8, and their escapes. */
#ifndef FEEDHANDLER_WIRE_STRINGS_H
#define FEEDHANDLER_WIRE_STRINGS_H

#include "position.h"

/* High bit of every byte that ends the plain run of a string: quote, backslash, control, non-ASCII.
 * Bytes after the first hit may be wrong (borrows), the first never is. */
ALWAYS_INLINE uint64_t string_stops(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    return ((quote - ones) | (slash - ones) | (word - ones * 0x20) | word) & high;
}

static inline int hex_value(uint8_t b)
{
    if (b >= '0' && b <= '9')
        return b - '0';
    b |= 0x20;
    return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* Four hex digits at `at`; -1 when they are not there. */
static inline int32_t hex4(const uint8_t *at, const uint8_t *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Length of the UTF-8 sequence that starts here, 0 when it is not one. */
static inline int utf8_length(const uint8_t *at, const uint8_t *end)
{
    uint8_t lead = at[0];
    ptrdiff_t room = end - at;
    if (lead < 0xc2)
        return 0;
    if (lead < 0xe0)
        return room >= 2 && (at[1] & 0xc0) == 0x80 ? 2 : 0;
    if (lead < 0xf0) {
        if (room < 3 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80)
            return 0;
        if (lead == 0xe0 && at[1] < 0xa0) /* overlong */
            return 0;
        if (lead == 0xed && at[1] >= 0xa0) /* surrogate */
            return 0;
        return 3;
    }
    if (lead > 0xf4 || room < 4 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80 ||
        (at[3] & 0xc0) != 0x80)
        return 0;
    if ((lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] >= 0x90))
        return 0;
    return 4;
}

/* The code point of the escape at `*at` (past the backslash); moves past it; -1 when it is none. */
static inline int32_t escape_read(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    if (p == end)
        return -1;
    int32_t code;
    switch (*p++) {
    case '"': code = '"'; break;
    case '\\': code = '\\'; break;
    case '/': code = '/'; break;
    case 'b': code = '\b'; break;
    case 'f': code = '\f'; break;
    case 'n': code = '\n'; break;
    case 'r': code = '\r'; break;
    case 't': code = '\t'; break;
    case 'u':
        code = hex4(p, end);
        if (code < 0)
            return -1;
        p += 4;
        if (code >= 0xd800 && code < 0xe000) {
            if (code >= 0xdc00 || end - p < 6 || p[0] != '\\' || p[1] != 'u')
                return -1;
            int32_t low = hex4(p + 2, end);
            if (low < 0xdc00 || low > 0xdfff)
                return -1;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
        }
        break;
    default: return -1;
    }
    *at = p;
    return code;
}

/* The careful walk to the closing quote, from `c->at` inside a string. Sets `escaped` if any. */
COLD const uint8_t *string_end_slow(cursor *c, bool *escaped)
{
    const uint8_t *at = c->at;
    for (;;) {
        if (at == c->end) {
            cursor_fail_at(c, WIRE_END, at);
            return NULL;
        }
        uint8_t b = *at;
        if (b == '"')
            return at;
        if (b == '\\') {
            const uint8_t *next = at + 1;
            if (escape_read(&next, c->end) < 0) {
                cursor_fail_at(c, next == c->end ? WIRE_END : WIRE_ESCAPE, at);
                return NULL;
            }
            *escaped = true;
            at = next;
        } else if (b < 0x20) {
            cursor_fail_at(c, WIRE_STRING, at);
            return NULL;
        } else if (b < 0x80) {
            at++;
        } else {
            int length = utf8_length(at, c->end);
            if (length == 0) {
                cursor_fail_at(c, WIRE_UTF8, at);
                return NULL;
            }
            at += length;
        }
    }
}

/* The closing quote of the string whose first byte is at `c->at`; NULL with the error set. */
ALWAYS_INLINE const uint8_t *string_end(cursor *c, bool *escaped)
{
    const uint8_t *at = c->at;
    *escaped = false;
    while (LIKELY(c->end - at >= 8)) {
        uint64_t stops = string_stops(load8(at));
        if (stops != 0) {
            at += __builtin_ctzll(stops) >> 3;
            if (LIKELY(*at == '"'))
                return at;
            break;
        }
        at += 8;
    }
    c->at = at;
    return string_end_slow(c, escaped);
}

/* Unescape `length` valid bytes; the result is never longer. Returns its length. */
static inline size_t unescape(const uint8_t *at, size_t length, uint8_t *out)
{
    const uint8_t *end = at + length;
    uint8_t *o = out;
    while (at < end) {
        if (*at != '\\') {
            *o++ = *at++;
            continue;
        }
        at++;
        int32_t code = escape_read(&at, end);
        if (code < 0x80) {
            *o++ = (uint8_t)code;
        } else if (code < 0x800) {
            *o++ = (uint8_t)(0xc0 | code >> 6);
            *o++ = (uint8_t)(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
            *o++ = (uint8_t)(0xe0 | code >> 12);
            *o++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
            *o++ = (uint8_t)(0x80 | (code & 0x3f));
        } else {
            *o++ = (uint8_t)(0xf0 | code >> 18);
            *o++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
            *o++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
            *o++ = (uint8_t)(0x80 | (code & 0x3f));
        }
    }
    return (size_t)(o - out);
}

/* Make an escaped text plain, in the spare buffer. The frame's length bounds what one pass over it
 * can need; a decoder reads a text at most twice (once more after a deferred symbol). */
COLD void text_unescape(cursor *c, text *t)
{
    enum { SLACK = 64 }; /* fast paths look past a text */
    spare *s = c->spare;
    size_t want = 2 * (size_t)(c->end - c->begin) + 2 * SLACK;
    if (s->room < want && c->spare_used == 0) { /* once used in a frame it cannot move any more */
        uint8_t *bytes = (uint8_t *)realloc(s->bytes, want);
        if (bytes != NULL) {
            memset(bytes, 0, want);
            s->bytes = bytes;
            s->room = want;
        }
    }
    if (s->room < c->spare_used + t->length + SLACK) {
        CURSOR_FAIL(c, WIRE_MEMORY);
        return;
    }
    uint8_t *out = s->bytes + c->spare_used;
    t->length = (uint32_t)unescape(t->at, t->length, out);
    t->at = out;
    t->escaped = false;
    c->spare_used += t->length;
}

/* A string, `c->at` on its opening quote. The text is plain. */
ALWAYS_INLINE bool cursor_string_here(cursor *c, text *out)
{
    bool escaped;
    c->at++;
    const uint8_t *begin = c->at;
    const uint8_t *close = string_end(c, &escaped);
    if (UNLIKELY(close == NULL))
        return false;
    out->at = begin;
    out->length = (uint32_t)(close - begin);
    out->type = TEXT_STRING;
    out->escaped = escaped;
    c->at = close + 1;
    if (UNLIKELY(escaped)) {
        text_unescape(c, out);
        return c->error == WIRE_OK;
    }
    return true;
}

/* Bytes up to here may be read: a fast path may look past a text. */
ALWAYS_INLINE const uint8_t *text_limit(const cursor *c, const text *t)
{
    bool framed = t->at >= c->begin && t->at < c->end;
    return LIKELY(framed) ? c->limit : t->at + t->length;
}

#endif
