/* Times as venues write them: decimals of a unit, or ISO 8601. */
#ifndef FEEDHANDLER_ENGINE_TIME_TEXT_H
#define FEEDHANDLER_ENGINE_TIME_TEXT_H

#include "types.h"

/* Digits, and decimals if there are any, of a unit of so many ns. What is finer than a ns is dropped. */
static bool time_decimal(const text *t, int64_t unit, int64_t *ns)
{
    const uint8_t *at = t->at, *end = at + t->length;
    int64_t value = 0;
    if (at == end || !text_present(t))
        return false;
    for (; at < end && (uint8_t)(*at - '0') < 10; at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return false;
    if (at == t->at || __builtin_mul_overflow(value, unit, &value))
        return false;
    if (at < end) {
        if (*at++ != '.' || at == end)
            return false;
        for (; at < end; at++) {
            if ((uint8_t)(*at - '0') > 9)
                return false;
            unit /= 10;
            if (__builtin_add_overflow(value, unit * (*at - '0'), &value))
                return false;
        }
    }
    *ns = value;
    return true;
}

/* Exactly so many digits. */
static bool time_digits(const uint8_t **at, const uint8_t *end, int count, int *out)
{
    *out = 0;
    for (; count--; ++*at) {
        if (*at == end || (uint8_t)(**at - '0') > 9)
            return false;
        *out = *out * 10 + (**at - '0');
    }
    return true;
}

static bool time_sign(const uint8_t **at, const uint8_t *end, const char *signs)
{
    if (*at == end || **at == 0 || strchr(signs, **at) == NULL)
        return false;
    ++*at;
    return true;
}

/* Days since 1970 of a day of the Gregorian calendar. */
static inline int64_t time_days(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* 2026-11-22T10:00:00[.123456789][Z|+00:00] */
static bool time_iso(const text *t, int64_t *ns)
{
    const uint8_t *at = t->at, *end = at + t->length;
    int year, month, day, hour, minute, second, away = 0, west = 0, hours, minutes;
    if (t->type != TEXT_STRING || !time_digits(&at, end, 4, &year) || !time_sign(&at, end, "-") ||
        !time_digits(&at, end, 2, &month) || !time_sign(&at, end, "-") ||
        !time_digits(&at, end, 2, &day) || !time_sign(&at, end, "Tt ") ||
        !time_digits(&at, end, 2, &hour) || !time_sign(&at, end, ":") ||
        !time_digits(&at, end, 2, &minute) || !time_sign(&at, end, ":") ||
        !time_digits(&at, end, 2, &second))
        return false;
    if ((year < 1970 && year != 1) || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
        minute > 59 || second > 60)
        return false;
    int64_t unit = 1000000000, part = 0;
    if (at < end && *at == '.') {
        const uint8_t *from = ++at;
        for (; at < end && (uint8_t)(*at - '0') < 10; at++)
            part += (unit /= 10) * (*at - '0');
        if (at == from)
            return false;
    }
    if (at < end && (*at == '+' || *at == '-')) {
        west = *at++ == '-';
        if (!time_digits(&at, end, 2, &hours) || !time_sign(&at, end, ":") ||
            !time_digits(&at, end, 2, &minutes) || hours > 23 || minutes > 59)
            return false;
        away = (hours * 60 + minutes) * (west ? 1 : -1);
    } else if (at < end && !time_sign(&at, end, "Zz")) {
        return false;
    }
    int64_t minutes_since = (time_days(year, month, day) * 24 + hour) * 60 + minute + away;
    *ns = year == 1 ? 0 : (minutes_since * 60 + second) * 1000000000 + part; /* 0001-01-01: none */
    return at == end;
}

#endif
