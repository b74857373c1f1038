/* Arrays of levels: the bulk of all bytes, read in the shape that a venue always sends, or in any. */
#ifndef FEEDHANDLER_ENGINE_LEVELS_H
#define FEEDHANDLER_ENGINE_LEVELS_H

#include "../wire/decimal_exponent.h"
#include "decode.h"

enum levels_shape {
    LEVELS_TEXT,   /* ["price","size"] */
    LEVELS_NUMBER, /* [price,size] */
    LEVELS_VERB,   /* ["new"|"change"|"delete",price,size] */
    LEVELS_FOUR,   /* ["price","size","0","orders"], of which two are ignored */
};

#define LEVELS_QUOTED(shape) ((shape) == LEVELS_TEXT || (shape) == LEVELS_FOUR)

/* Where a value ends that began at `from`. What follows it need not wait for that, which takes most of the time of
 * a small frame: it goes on from where the value ended the last time, and that is only found to be so. */
ALWAYS_INLINE const uint8_t *as_long(const uint8_t *from, const uint8_t *past, uint8_t *lasted)
{
    const uint8_t *guessed = from + *lasted, *next = guessed;
    __asm__("" : "+r"(next)); /* the compiler must not know that it is `past`, which has to be waited for */
    if (LIKELY(past == guessed))
        return next;
    *lasted = (uint8_t)(past - from);
    return past;
}

/* A number of a level, at least 48 bytes of which, and DECIMAL_BEFORE before it, can be read: past it,
 * or NULL. */
ALWAYS_INLINE const uint8_t *level_number(const uint8_t *at, const decimal_scale *scale, int exponent,
                                          int64_t *out)
{
    const uint8_t *past = LIKELY(scale->plain) ? decimal_plain(at, scale, out) : NULL;
    return LIKELY(past != NULL) ? past : decimal_long(at, exponent, out);
}

/* The same, digit by digit: sooner where numbers have few. */
ALWAYS_INLINE const uint8_t *level_digits(const uint8_t *at, const decimal_scale *scale, int exponent, int64_t *out)
{
#ifdef SIXTEEN
    const uint8_t *p = at, *point;
    uint64_t value = 0;
    unsigned places = 0;
    for (; (uint8_t)(*p - '0') < 10; p++)
        value = value * 10 + (uint8_t)(*p - '0');
    point = p;
    if (*p == '.') {
        for (p++; (uint8_t)(*p - '0') < 10; p++)
            value = value * 10 + (uint8_t)(*p - '0');
        places = (unsigned)(p - point) - 1;
        if (UNLIKELY(places == 0))
            return NULL;
    }
    if (LIKELY(point != at && (*at != '0' || point == at + 1) && places <= scale->places && p - at <= 16 &&
               scale->plain &&
               !__builtin_mul_overflow((int64_t)value, decimal_power[scale->places - places], out)))
        return p;
#endif
    return level_number(at, scale, exponent, out);
}

/* Are these the next two bytes? In one comparison. */
#define TWO_ARE(at, first, second) ((uint16_t)load8(at) == ((first) | (second) << 8))

/* Past one level in the very shape that the venue sends, or NULL: then anything may be there. `at`: of a
 * padded frame, in which no token goes on past the end. */
ALWAYS_INLINE const uint8_t *level_fast(market *m, const uint8_t *at, int shape, level *out)
{
    const bool few = shape == LEVELS_VERB;
    bool delete = false;
    if (shape == LEVELS_VERB) {
        uint64_t word = load8(at);
        if (word == 0x65676e616863225bu) { /* ["change */
            if (UNLIKELY(!TWO_ARE(at + 8, '"', ',')))
                return NULL;
            at += 10;
        } else if ((word & 0xffffffffffffff) == 0x2c2277656e225b) { /* ["new", */
            at += 7;
        } else if (word == 0x6574656c6564225bu) { /* ["delete */
            if (UNLIKELY(!TWO_ARE(at + 8, '"', ',')))
                return NULL;
            at += 10;
            delete = true;
        } else {
            return NULL;
        }
    } else if (LEVELS_QUOTED(shape)) {
        if (UNLIKELY(!TWO_ARE(at, '[', '"')))
            return NULL;
        at += 2;
    } else {
        if (UNLIKELY(*at++ != '['))
            return NULL;
    }
    const uint8_t *price = at;
    at = few ? level_digits(at, &m->price_scale, m->price_exponent, &out->price)
             : level_number(at, &m->price_scale, m->price_exponent, &out->price);
    if (UNLIKELY(at == NULL || out->price == 0))
        return NULL;
    if (!few)
        at = as_long(price, at, &m->price_length);
    if (LEVELS_QUOTED(shape)) {
        if (UNLIKELY(!TWO_ARE(at, '"', ',') || at[2] != '"'))
            return NULL;
        at += 3;
    } else if (UNLIKELY(*at++ != ',')) {
        return NULL;
    }
    const uint8_t *size = at;
    at = few ? level_digits(at, &m->size_scale, m->size_exponent, &out->size)
             : level_number(at, &m->size_scale, m->size_exponent, &out->size);
    if (LEVELS_QUOTED(shape)) {
        if (UNLIKELY(at == NULL))
            return NULL;
    } else if (UNLIKELY(at == NULL || *at != ']')) { /* sizes of a million and more, 1.0002e6 */
        at = decimal_raised(size, m->size_exponent, &out->size);
        if (at == NULL)
            return NULL;
    }
    if (delete)
        out->size = 0;
    if (!LEVELS_QUOTED(shape))
        return LIKELY(*at == ']') ? at + 1 : NULL;
    if (shape == LEVELS_TEXT)
        return LIKELY(TWO_ARE(at, '"', ']')) ? at + 2 : NULL;
    if (UNLIKELY((load8(at) & 0xffffffffffffff) != 0x222c2230222c22)) /* ","0"," */
        return NULL;
    at += 7;
    do {
        if (UNLIKELY((uint8_t)(*at - '0') > 9))
            return NULL;
    } while (*++at != '"');
    return LIKELY(at[1] == ']') ? at + 2 : NULL;
}

/* The verb of a level: false: it is none. */
static bool level_verb(cursor *c, bool *delete)
{
    text verb;
    if (!cursor_item(c))
        return false;
    cursor_scalar(c, &verb);
    *delete = verb.type == TEXT_STRING && TEXT_IS(&verb, "delete");
    if (verb.type == TEXT_STRING && (*delete || TEXT_IS(&verb, "new") || TEXT_IS(&verb, "change")))
        return true;
    text_fail(c, WIRE_DECIMAL, &verb);
    return false;
}

/* One level, `c` before it, in any valid JSON. Nothing may be left out: of four fields, fewer would mean
 * something else. */
static __attribute__((noinline)) void level_slow(engine *e, cursor *c, market *m, int shape, level *out)
{
    text field;
    bool delete = false;
    int values = 0;
    cursor_array(c);
    const uint8_t *begin = c->at;
    if (shape == LEVELS_VERB && !c->error && !level_verb(c, &delete)) {
        if (!c->error)
            cursor_fail_at(c, WIRE_MISSING, begin);
        return;
    }
    for (; cursor_item(c); values++) {
        cursor_scalar(c, &field);
        if (c->error)
            return;
        if (values == 0) {
            text_price(e, c, m, &field, &out->price);
        } else if (values == 1) {
            text_scaled(e, c, m, false, &field, &out->size);
            if (!c->error && out->size < 0)
                cursor_fail_at(c, WIRE_RANGE, field.at);
        }
    }
    int least = shape == LEVELS_FOUR ? 4 : 2;
    if (!c->error && (values < least || (values > least && !LEVELS_QUOTED(shape))))
        cursor_fail_at(c, WIRE_MISSING, begin);
    if (delete)
        out->size = 0;
}

/* A level that is not in the shape, read in place: past it, or NULL where the frame has to be read again. */
COLD const uint8_t *level_odd(engine *e, cursor *c, market *m, const uint8_t *at, int shape, level *out)
{
    c->at = at;
    level_slow(e, c, m, shape, out);
    return c->error || e->short_of ? NULL : c->at;
}

/* Levels one after the other, without a cursor: past their closing bracket, or NULL. `at` is past the
 * opening one; there is at least one. */
ALWAYS_INLINE const uint8_t *levels_tight(engine *e, cursor *c, market *m, const uint8_t *at, int shape)
{
    level *out = e->levels + e->level_count, *room = e->levels + e->level_room;
    for (;; at++, out++) {
        if (UNLIKELY(out == room)) {
            uint32_t count = (uint32_t)(out - e->levels);
            if (!LEVELS_RESERVE(e, count + 1))
                return NULL;
            out = e->levels + count;
            room = e->levels + e->level_room;
        }
        const uint8_t *past = level_fast(m, at, shape, out);
        if (UNLIKELY(past == NULL) && (past = level_odd(e, c, m, at, shape, out)) == NULL)
            return NULL;
        at = past;
        if (UNLIKELY(*at != ','))
            break;
    }
    e->level_count = (uint32_t)(out + 1 - e->levels);
    return LIKELY(*at == ']') ? at + 1 : NULL;
}

#endif
