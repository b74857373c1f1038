/* Decimals with an exponent, 1.0002e6, without going byte by byte. */
#ifndef FEEDHANDLER_WIRE_DECIMAL_EXPONENT_H
#define FEEDHANDLER_WIRE_DECIMAL_EXPONENT_H

#include "decimal.h"

/* digits[.digits]e[+-]digit[digit] of up to nine digits before and after the point, 40 bytes of which can be
 * read, as value x 10^exponent: past it, or NULL for anything else, also where the value has a digit below the
 * exponent. The caller looks at the byte after it. */
static __attribute__((noinline)) const uint8_t *decimal_raised(const uint8_t *at, int exponent, int64_t *out)
{
    uint64_t whole, part = 0;
    unsigned count = sixteen_digits(at, &whole), places = 0;
    if (count == 0 || count > 9 || (count > 1 && *at == '0'))
        return NULL;
    at += count;
    if (*at == '.') {
        places = sixteen_digits(++at, &part);
        if (places == 0 || places > 9)
            return NULL;
        at += places;
    }
    if ((*at | 0x20) != 'e')
        return NULL;
    bool down = *++at == '-';
    at += down || *at == '+';
    int power = *at - '0';
    if ((unsigned)power > 9)
        return NULL;
    if ((uint8_t)(*++at - '0') < 10)
        power = power * 10 + (*at++ - '0');
    int64_t value = (int64_t)whole * decimal_power[places] + (int64_t)part;
    int from = (down ? -power : power) - (int)places;
    return decimal_rescale(value, from, exponent, out) == DECIMAL_OK ? at : NULL;
}

#endif
