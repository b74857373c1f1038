/* The target of the decimal readers: the first byte is the exponent, the rest a text. Every reader must
 * say of it what a slow one says that knows nothing but the grammar and schoolbook digits. */
#ifndef FEEDHANDLER_FUZZ_DECIMAL_H
#define FEEDHANDLER_FUZZ_DECIMAL_H

#include <ctype.h>

#include "check.h"

#include "../../feedhandler/wire/decimal_exponent.h"

typedef struct school {
    size_t length;   /* of the number that the text begins with; 0: it is none */
    bool negative;
    char digits[64]; /* the significant ones */
    int count;       /* of them; 64 and more: too many for anything */
    long exponent;   /* of the last of them */
} school;

static size_t run_of_digits(const char *at) { return strspn(at, "0123456789"); }

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?, all of `text`. */
static bool school_read(const char *text, school *s)
{
    memset(s, 0, sizeof *s);
    const char *at = text;
    s->negative = *at == '-';
    at += s->negative;
    size_t whole = run_of_digits(at), part = 0;
    if (whole == 0 || (whole > 1 && *at == '0'))
        return false;
    const char *digits = at;
    at += whole;
    if (*at == '.') {
        part = run_of_digits(at + 1);
        if (part == 0)
            return false;
        at += 1 + part;
    }
    const char *end = at;
    if (*at == 'e' || *at == 'E') {
        bool down = at[1] == '-';
        at += 1 + (at[1] == '+' || at[1] == '-');
        size_t length = run_of_digits(at);
        if (length == 0)
            return false;
        long value = 0;
        for (size_t i = 0; i < length; i++)
            value = value < 10000000 ? value * 10 + (at[i] - '0') : value;
        s->exponent = down ? -value : value;
        at += length;
    }
    if (*at)
        return false;
    s->length = (size_t)(at - text);
    s->exponent -= (long)part;
    long zeros = 0;
    for (at = digits; at < end; at++) {
        if (*at == '.')
            continue;
        if (*at == '0') {
            zeros += s->count > 0;
            continue;
        }
        for (; zeros > 0; zeros--)
            if (s->count < 64)
                s->digits[s->count++] = '0';
        if (s->count < 64)
            s->digits[s->count++] = *at;
    }
    s->exponent += zeros; /* those at the end */
    return true;
}

/* The value at an exponent, as decimal_scaled must answer. */
static int school_scaled(const school *s, int exponent, int64_t *value, int *needed)
{
    __int128 number = 0;
    *value = 0;
    if (s->count == 0)
        return DECIMAL_OK;
    for (int i = 0; i < s->count && i < 30; i++)
        number = number * 10 + (s->digits[i] - '0');
    if (s->count > 19 || number > INT64_MAX || s->exponent > 100000 || s->exponent < -100000)
        return DECIMAL_OVERFLOW;
    if (s->exponent < exponent) {
        *needed = (int)s->exponent;
        return s->exponent < DECIMAL_EXPONENT_MIN ? DECIMAL_OVERFLOW : DECIMAL_PRECISION;
    }
    for (long i = s->exponent; i > exponent; i--) {
        number *= 10;
        if (number > INT64_MAX)
            return DECIMAL_OVERFLOW;
    }
    *value = (int64_t)(s->negative ? -number : number);
    return DECIMAL_OK;
}

static void check_scaled(const uint8_t *text, size_t length, const school *s, bool number, int exponent)
{
    int64_t value = 0, right = 0;
    int needed = 0, must_need = 0;
    const uint8_t *stop = NULL;
    int result = decimal_scaled(text, text + length, exponent, &value, &stop, &needed);
    CHECK(stop >= text && stop <= text + length, "it stopped outside the text");
    if (!number) {
        CHECK(result == DECIMAL_SYNTAX || stop != text + length, "%.*s is no number", (int)length, text);
        return;
    }
    int due = school_scaled(s, exponent, &right, &must_need);
    CHECK(result == due, "%.*s at %d: %d, not %d", (int)length, text, exponent, result, due);
    CHECK(stop == text + length, "%.*s: it stopped early", (int)length, text);
    if (due == DECIMAL_OK)
        CHECK(value == right, "%.*s at %d: %lld, not %lld", (int)length, text, exponent,
              (long long)value, (long long)right);
    if (due == DECIMAL_PRECISION)
        CHECK(needed == must_need, "%.*s needs %d, not %d", (int)length, text, must_need, needed);
}

/* The readers that look further than the text: what follows decides whether they may answer. */
static void check_plain(const uint8_t *text, size_t length, const school *s, bool number, int exponent)
{
    uint8_t room[DECIMAL_BEFORE + 128 + 64], *padded = room + DECIMAL_BEFORE;
    int64_t values[3] = {0}, right = 0;
    int needed;
    decimal_scale scale = decimal_scale_of(exponent);
    if (length > 128)
        return;
    memset(room, '7', DECIMAL_BEFORE); /* what stands before a number is no part of it */
    memset(padded, 0, 128 + 64);
    memcpy(padded, text, length);
    const uint8_t *past[3] = {scale.plain ? decimal_plain(padded, &scale, &values[0]) : NULL,
                              decimal_long(padded, exponent, &values[1]),
                              decimal_raised(padded, exponent, &values[2])};
    for (int i = 0; i < 3; i++) {
        if (past[i] != padded + length)
            continue;
        CHECK(number && !s->negative, "%.*s is no plain number", (int)length, text);
        CHECK(school_scaled(s, exponent, &right, &needed) == DECIMAL_OK && values[i] == right,
              "%.*s at %d: reader %d has %lld", (int)length, text, exponent, i, (long long)values[i]);
    }
}

static void check_integer(const uint8_t *text, size_t length)
{
    struct text field = {text, (uint32_t)length, TEXT_NUMBER, false};
    int64_t value = 0;
    char plain[24];
    if (!text_integer(&field, &value))
        return;
    CHECK(length < sizeof plain, "%zu digits", length);
    memcpy(plain, text, length);
    plain[length] = 0;
    CHECK(strtoll(plain, NULL, 10) == value, "%s is not %lld", plain, (long long)value);
}

static void decimal_input(const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    int exponent = DECIMAL_EXPONENT_MIN + data[0] % (DECIMAL_EXPONENT_MAX - DECIMAL_EXPONENT_MIN + 1);
    size_t length = size - 1;
    char *plain = (char *)malloc(length + 1);
    CHECK(plain != NULL, "no memory");
    memcpy(plain, data + 1, length);
    plain[length] = 0;
    school s;
    bool number = strlen(plain) == length && school_read(plain, &s);
    uint8_t *text = exact_copy(data + 1, length);
    check_scaled(text, length, &s, number, exponent);
    check_plain(text, length, &s, number, exponent);
    check_integer(text, length);
    const uint8_t *stop;
    decimal natural;
    if (number && decimal_natural(text, text + length, &natural, &stop) == DECIMAL_OK)
        CHECK(decimal_double(natural.mantissa, natural.exponent) == 0 || natural.mantissa, "zero");
    free(text);
    free(plain);
}

#endif
