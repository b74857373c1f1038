/* Where a cursor stands in a payload, and what went wrong there. See cursor.h. */
#ifndef FEEDHANDLER_WIRE_POSITION_H
#define FEEDHANDLER_WIRE_POSITION_H

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
    WIRE_CROSSED,   /* a best bid that is not below the best ask */
    WIRE_AHEAD,     /* a time that is days ahead of this host's clock */
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

/* A zero follows the frame, which is no part of anything: fast paths work to its very end. And CURSOR_PADDING bytes
 * from there on can be read. */
enum { CURSOR_PADDING = 128 };

static inline void cursor_padded(cursor *c) { c->limit = c->end + CURSOR_PADDING; }

COLD void cursor_fail_at(cursor *c, int error, const uint8_t *at)
{
    if ((uintptr_t)at - (uintptr_t)c->begin > (size_t)(c->end - c->begin))
        at = c->at; /* in a text that was unescaped to elsewhere: past it */
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
        "a best bid that is not below the best ask",
        "a time more than a day ahead of this host's clock",
        "more levels than a frame may have, or no memory",
    };
    return error >= 0 && error < WIRE_ERRORS ? words[error] : "unknown error";
}

#endif
