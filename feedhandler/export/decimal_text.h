/* Numbers as text, exactly: from integers, never through a double. */
#ifndef FEEDHANDLER_EXPORT_DECIMAL_TEXT_H
#define FEEDHANDLER_EXPORT_DECIMAL_TEXT_H

#include <stdint.h>
#include <string.h>

enum {
    DIGITS_MOST = 20,
    EXPONENT_MOST = 64, /* beyond this a number is written with an exponent of its own */
    DECIMAL_MOST = 3 + DIGITS_MOST + EXPONENT_MOST,
};

static const char PAIRS[201] = "0001020304050607080910111213141516171819"
                               "2021222324252627282930313233343536373839"
                               "4041424344454647484950515253545556575859"
                               "6061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

/* The digits of `value` before `end`, and where they begin. */
static inline char *digits_before(char *end, uint64_t value)
{
    while (value >= 100) {
        const char *pair = PAIRS + 2 * (value % 100);
        value /= 100;
        *--end = pair[1];
        *--end = pair[0];
    }
    if (value >= 10) {
        *--end = PAIRS[2 * value + 1];
        *--end = PAIRS[2 * value];
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

static inline char *unsigned_text(char *to, uint64_t value)
{
    char digits[DIGITS_MOST], *end = digits + DIGITS_MOST, *from = digits_before(end, value);
    size_t count = (size_t)(end - from);
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
    return to + count;
}

static inline char *signed_text(char *to, int64_t value)
{
    if (value < 0) {
        *to++ = '-';
        return unsigned_text(to, 0 - (uint64_t)value);
    }
    return unsigned_text(to, (uint64_t)value);
}

/* value * 10^exponent, in the fewest digits: 1.50 is 1.5, 15.0 is 15. */
static inline char *decimal_text(char *to, int64_t value, int exponent)
{
    if (value == 0) {
        *to++ = '0';
        return to;
    }
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0)
        *to++ = '-';
    while (exponent < 0 && rest % 10 == 0) {
        rest /= 10;
        exponent++;
    }
    if (exponent < -EXPONENT_MOST || exponent > EXPONENT_MOST) {
        to = unsigned_text(to, rest);
        *to++ = 'e';
        return signed_text(to, exponent);
    }
    if (exponent >= 0) {
        to = unsigned_text(to, rest);
        for (; exponent > 0; exponent--)
            *to++ = '0';
        return to;
    }
    char digits[DIGITS_MOST], *end = digits + DIGITS_MOST, *from = digits_before(end, rest);
    int before = (int)(end - from) + exponent; /* digits before the point */
    if (before <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (; before < 0; before++)
            *to++ = '0';
    } else {
        for (; before > 0; before--)
            *to++ = *from++;
        *to++ = '.';
    }
    while (from < end)
        *to++ = *from++;
    return to;
}

#endif
