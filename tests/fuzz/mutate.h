/* Mutations that know JSON lines: numbers become odd numbers, strings other strings of the corpus's
 * vocabulary, lines are doubled, dropped and exchanged. For libFuzzer half of its own on top. */
#ifndef FEEDHANDLER_FUZZ_MUTATE_H
#define FEEDHANDLER_FUZZ_MUTATE_H

#include "check.h"

#ifdef FUZZ_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
#endif

static const char *const odd_values[] = {
    "0", "-0", "1", "-1", "00", "0.0", "1e5", "1E-7", "1e400", "-1e-400", "0.1", "0.00000001",
    "99999999", "100000000", "9007199254740993", "9223372036854775807", "-9223372036854775808",
    "9223372036854775808", "18446744073709551616", "99999999999999", "100000000000000",
    "0.000000000000000001", "123456789.123456789123456789", "null", "true", "false", "[]", "{}", "\"\"",
    "\"0\"", "\"\\u0041\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "[[]]", "\"NaN\"", "1.", ".5", "+1", "-",
};

static uint64_t mutate_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Put `length` bytes in place of `old` at `at`, as far as there is room. */
static size_t mutate_replace(uint8_t *data, size_t size, size_t most, size_t at, size_t old,
                             const void *with, size_t length)
{
    if (size - old + length > most)
        return size;
    memmove(data + at + length, data + at + old, size - at - old);
    memcpy(data + at, with, length);
    return size - old + length;
}

/* The next value (a number or a string) at `at` or after it: where, and how long; 0: none. */
static size_t mutate_value(const uint8_t *data, size_t size, size_t *at)
{
    for (size_t i = *at; i < size; i++) {
        size_t end = i + 1;
        if (data[i] == '"') {
            while (end < size && data[end] != '"')
                end += data[end] == '\\' ? 2 : 1;
            if (end >= size)
                return 0;
            *at = i;
            return end + 1 - i;
        }
        if (data[i] == '-' || (data[i] >= '0' && data[i] <= '9')) {
            while (end < size && memchr("0123456789.eE+-", data[end], 15))
                end++;
            *at = i;
            return end - i;
        }
    }
    return 0;
}

static size_t mutate_line(uint8_t *data, size_t size, size_t most, uint64_t *state)
{
    size_t at = mutate_random(state) % size, begin = at, end = at;
    while (begin > 0 && data[begin - 1] != '\n')
        begin--;
    while (end < size && data[end] != '\n')
        end++;
    size_t length = end - begin + (end < size);
    if (mutate_random(state) % 3 == 0)
        return mutate_replace(data, size, most, begin, length, "", 0);
    uint8_t *line = (uint8_t *)malloc(length + 2);
    if (line == NULL)
        return size;
    static const char *const marks[] = {"", "", ">", ">", "?0", "?1", "!0\n", "!1\n", "!2\n", "!7\n"};
    const char *mark = marks[mutate_random(state) % (sizeof marks / sizeof *marks)];
    memcpy(line, data + begin, length);
    size = mutate_replace(data, size, most, begin, 0, line, length);
    size = mutate_replace(data, size, most, begin, 0, mark, strlen(mark));
    free(line);
    return size;
}

static size_t mutate_once(uint8_t *data, size_t size, size_t most, uint64_t *state)
{
    uint8_t byte = (uint8_t)mutate_random(state);
    if (size == 0)
        return mutate_replace(data, size, most, 0, 0, "{", 1);
    size_t at = mutate_random(state) % size, other = mutate_random(state) % size, length;
    switch (mutate_random(state) % 10) {
    case 0: data[at] = byte; return size;
    case 1: data[at] ^= (uint8_t)(1u << byte % 8); return size;
    case 2: return mutate_replace(data, size, most, at, 0, &byte, 1);
    case 3:
        length = 1 + byte % 16;
        return mutate_replace(data, size, most, at, length < size - at ? length : size - at, "", 0);
    case 4:
    case 5:
        return mutate_line(data, size, most, state);
    case 6:
    case 7: { /* an odd value */
        const char *odd = odd_values[mutate_random(state) % (sizeof odd_values / sizeof *odd_values)];
        length = mutate_value(data, size, &at);
        return length ? mutate_replace(data, size, most, at, length, odd, strlen(odd)) : size;
    }
    case 8: { /* a value from elsewhere */
        uint8_t value[64];
        size_t from = mutate_value(data, size, &other);
        length = mutate_value(data, size, &at);
        if (from == 0 || from > sizeof value || length == 0)
            return size;
        memcpy(value, data + other, from);
        return mutate_replace(data, size, most, at, length, value, from);
    }
    default: /* count up or down */
        length = mutate_value(data, size, &at);
        if (length && data[at + length - 1] >= '0' && data[at + length - 1] <= '9')
            data[at + length - 1] = (uint8_t)('0' + (data[at + length - 1] - '0' + (byte & 1 ? 1 : 9)) % 10);
        return size;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (uint64_t i = mutate_random(&state) % 4 + 1; i > 0; i--)
        size = mutate_once(data, size, most, &state);
#ifdef FUZZ_LIBFUZZER
    if (mutate_random(&state) % 2)
        size = LLVMFuzzerMutate(data, size, most);
#endif
    return size;
}

#endif
