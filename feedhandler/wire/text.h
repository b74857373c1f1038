/* Spans of bytes: how the wire is named without being copied.
 *
 * A text points into the received frame (or, when it held escapes, into the cursor's spare buffer).
 * It is never NUL-terminated. Comparison with a literal is a length and a word or two.
 */
#ifndef FEEDHANDLER_WIRE_TEXT_H
#define FEEDHANDLER_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define COLD static __attribute__((noinline, cold, unused))

enum text_type {
    TEXT_NONE = 0, /* the key did not come */
    TEXT_STRING,
    TEXT_NUMBER,
    TEXT_NULL,
    TEXT_TRUE,
    TEXT_FALSE,
    TEXT_NESTED, /* an object or array, skipped */
};

typedef struct text {
    const uint8_t *at;
    uint32_t length;
    uint8_t type;
    bool escaped; /* still holds backslashes */
} text;

ALWAYS_INLINE uint64_t load8(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word; /* little-endian hosts only: the shared memory says so too */
}

ALWAYS_INLINE bool text_equals(const text *t, const char *literal, size_t length)
{
    return t->length == length && memcmp(t->at, literal, length) == 0;
}

/* With a literal, the compiler turns the comparison into words. */
#define TEXT_IS(t, literal) text_equals((t), "" literal, sizeof(literal) - 1)
/* For use inside a switch over the length: the length is known to match. */
#define KEY_IS(t, literal) (memcmp((t)->at, "" literal, sizeof(literal) - 1) == 0)

ALWAYS_INLINE bool text_starts(const text *t, const char *literal, size_t length)
{
    return t->length >= length && memcmp(t->at, literal, length) == 0;
}
#define TEXT_STARTS(t, literal) text_starts((t), "" literal, sizeof(literal) - 1)

#endif
