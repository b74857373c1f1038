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

#include <stdlib.h>

#include "text.h"

enum { CURSOR_DEPTH = 256 };

enum wire_error {
    WIRE_OK = 0,
    WIRE_END,        /* the document stops early */
    WIRE_UNEXPECTED, /* a byte that no JSON has here */
    WIRE_STRING,     /* a raw control character in a string */
    WIRE_ESCAPE,     /* a bad escape, or a lone surrogate */
    WIRE_UTF8,
    WIRE_NUMBER,
    WIRE_DEPTH,
    WIRE_TRAILING,  /* something follows the document */
    WIRE_TYPE,      /* valid JSON, but not the type that this channel has here */
    WIRE_DECIMAL,   /* a string where a number is due, and it is none */
    WIRE_RANGE,     /* a number outside what it stands for: a negative size, an id past int64 */
    WIRE_MISSING,   /* a field without which the message means nothing */
    WIRE_MEMORY,
    WIRE_ERRORS
};

/* Where texts with escapes are unescaped to. Owned by the engine, reused for every frame. */
typedef struct spare {
    uint8_t *bytes;
    size_t room;
} spare;

typedef struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *limit; /* bytes up to here may be loaded (not used): end, or past it when padded */
    const uint8_t *begin;
    const uint8_t *error_at;
    spare *spare;
    size_t spare_used; /* in the cursor, so that going back gives the room back */
    uint8_t error;
    bool fresh; /* just past '{' or '[': no comma is due */
} cursor;

static inline void cursor_start(cursor *c, const void *payload, size_t length, spare *s)
{
    c->begin = c->at = (const uint8_t *)payload;
    c->limit = c->end = c->at + length;
    c->error_at = NULL;
    c->spare = s;
    c->spare_used = 0;
    c->error = WIRE_OK;
    c->fresh = false;
}

/* The frame was copied to where CURSOR_PADDING zero bytes follow it: fast paths work to its very end,
 * since a zero is no part of anything. */
enum { CURSOR_PADDING = 128 };

static inline void cursor_padded(cursor *c) { c->limit = c->end + CURSOR_PADDING; }

/* In pieces: of a longer memset compilers make "rep stos", which takes longer to start than this. */
ALWAYS_INLINE void cursor_pad(uint8_t *end)
{
    memset(end, 0, 32);
    memset(end + 32, 0, 32);
    memset(end + 64, 0, 32);
    memset(end + 96, 0, 32);
}

COLD void cursor_fail_at(cursor *c, int error, const uint8_t *at)
{
    if (c->error == WIRE_OK) {
        c->error = (uint8_t)error;
        c->error_at = at;
    }
    c->at = c->end; /* nothing more is read */
}
#define CURSOR_FAIL(c, e) cursor_fail_at((c), (e), (c)->at)

/* ---- white space ---------------------------------------------------------------------------- */

ALWAYS_INLINE const uint8_t *space_skip(const uint8_t *at, const uint8_t *end)
{
    while (at < end && UNLIKELY(*at <= ' ') && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* The next byte that is not white space, not consumed; 0 at the end (with the error set). */
ALWAYS_INLINE uint8_t cursor_peek(cursor *c)
{
    c->at = space_skip(c->at, c->end);
    if (UNLIKELY(c->at == c->end)) {
        CURSOR_FAIL(c, WIRE_END);
        return 0;
    }
    return *c->at;
}

/* ---- strings -------------------------------------------------------------------------------- */

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

/* ---- numbers and words ---------------------------------------------------------------------- */

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

/* ---- skip ----------------------------------------------------------------------------------- */

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

/* ---- what decoders call ---------------------------------------------------------------------- */

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

/* Past exactly these bytes, if they are next. A decoder spells out the order of keys in which its venue
 * really writes them, a word or two a key; at the first surprise it goes on key by key, from there. Only
 * whole tokens may be spelled, ending in ':'. */
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

static inline const char *wire_error_words(int error)
{
    static const char *const words[WIRE_ERRORS] = {
        "no error",
        "the document stops early",
        "unexpected byte",
        "control character in a string",
        "bad escape in a string",
        "not UTF-8",
        "malformed number",
        "nested too deep",
        "something follows the document",
        "not the type this field has",
        "not a number",
        "value out of range",
        "a required field is missing",
        "out of memory",
    };
    return error >= 0 && error < WIRE_ERRORS ? words[error] : "unknown error";
}

#endif
