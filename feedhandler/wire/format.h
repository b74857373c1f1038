/* A scaled integer as canonical decimal text: no exponent, no trailing zeros. */
#ifndef FEEDHANDLER_WIRE_FORMAT_H
#define FEEDHANDLER_WIRE_FORMAT_H

#include "decimal.h"

enum { FORMAT_BYTES = 48 }; /* sign, 19 digits, point, up to 18 places, slack */

/* Returns the length; `exponent` within DECIMAL_EXPONENT_MIN..MAX. Not NUL-terminated. */
static inline size_t decimal_format(int64_t value, int exponent, uint8_t *out)
{
    uint8_t digits[FORMAT_BYTES];
    uint8_t *at = digits + sizeof digits, *o = out;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value == 0) {
        *o = '0';
        return 1;
    }
    while (exponent < 0 && rest % 10 == 0) {
        rest /= 10;
        exponent++;
    }
    if (value < 0)
        *o++ = '-';
    int places = -exponent, written = 0;
    do { /* from the last digit; at least one stands before the point */
        *--at = (uint8_t)('0' + rest % 10);
        rest /= 10;
        if (++written == places)
            *--at = '.';
    } while (rest != 0 || written <= places);
    size_t length = (size_t)(digits + sizeof digits - at);
    memcpy(o, at, length);
    o += length;
    for (; exponent > 0; exponent--)
        *o++ = '0';
    return (size_t)(o - out);
}

#endif
