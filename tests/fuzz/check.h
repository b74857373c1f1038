/* What all fuzz targets share: copies that end where they end, and checks that say what was wrong. */
#ifndef FEEDHANDLER_FUZZ_CHECK_H
#define FEEDHANDLER_FUZZ_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition, ...)                                                   \
    do {                                                                        \
        if (!(condition)) {                                                     \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);     \
            fprintf(stderr, __VA_ARGS__);                                       \
            fputc('\n', stderr);                                                \
            abort();                                                            \
        }                                                                       \
    } while (0)

/* Of `size` bytes and not one more: what is read past it is found. Free it. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = (uint8_t *)malloc(size ? size : 1);
    CHECK(copy != NULL, "no memory");
    if (size)
        memcpy(copy, data, size);
    return copy;
}

/* The bytes that hexadecimal digits say, up to the first that is none. Free them. */
static inline unsigned char *hex_bytes(const char *digits, size_t *length)
{
    static const char known[] = "0123456789abcdef";
    unsigned char *out = (unsigned char *)malloc(strlen(digits) / 2 + 1);
    CHECK(out != NULL, "no memory");
    const char *high, *low;
    for (*length = 0; digits[0] && digits[1] && (high = strchr(known, digits[0])) != NULL &&
                      (low = strchr(known, digits[1])) != NULL; digits += 2)
        out[(*length)++] = (unsigned char)((high - known) << 4 | (low - known));
    return out;
}

#endif
