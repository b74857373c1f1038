/* Levels and other prices with their sizes, as the floor reads them. */
#ifndef FEEDHANDLER_BENCH_FLOOR_LEVELS_H
#define FEEDHANDLER_BENCH_FLOOR_LEVELS_H

#include "floor_book.h"

enum floor_shape {
    FLOOR_TEXT,   /* ["price","size"] */
    FLOOR_SHORT,  /* the same, with few digits */
    FLOOR_ORDERS, /* ["price","size","0","orders"] */
    FLOOR_VERB,   /* ["new"|"change"|"delete",price,size] */
};

/* One level: past its bracket, or NULL. */
ALWAYS_INLINE const char *floor_level_read(floor_feed *f, floor_book *b, const char *p,
                                           enum floor_shape shape, floor_level *out)
{
    const bool quoted = shape != FLOOR_VERB, digitwise = shape == FLOOR_SHORT || shape == FLOOR_VERB;
    bool deletes = false;
    if (shape == FLOOR_VERB) {
        if (FLOOR_IS(p, "[\"change\",")) {
            p += 10;
        } else if (FLOOR_IS(p, "[\"new\",")) {
            p += 7;
        } else if (FLOOR_IS(p, "[\"delete\",")) {
            p += 10;
            deletes = true;
        } else {
            return NULL;
        }
    } else {
        if (UNLIKELY(!FLOOR_IS(p, "[\"")))
            return NULL;
        p += 2;
    }
    const char *price = p;
    p = digitwise ? floor_number_short(p, b->price_places, &out->price)
                  : floor_number(p, b->price_places, &out->price);
    if (UNLIKELY(p == NULL || *p != (quoted ? '"' : ',')) &&
        (p = floor_number_odd(f, b, true, price, &out->price)) == NULL)
        return NULL;
    if (UNLIKELY(quoted ? !FLOOR_IS(p, "\",\"") : *p != ','))
        return NULL;
    if (!digitwise)
        p = floor_as_long(price, p, &b->price_length);
    const char *size = p += quoted ? 3 : 1;
    p = digitwise ? floor_number_short(p, b->size_places, &out->size)
                  : floor_number(p, b->size_places, &out->size);
    if (UNLIKELY(p == NULL || *p != (quoted ? '"' : ']')) &&
        (p = floor_number_odd(f, b, false, size, &out->size)) == NULL)
        return NULL;
    if (deletes)
        out->size = 0;
    if (shape == FLOOR_ORDERS) {
        if (UNLIKELY(!FLOOR_IS(p, "\",\"0\",\"")))
            return NULL;
        for (p += 7; (uint8_t)(*p - '0') < 10; p++) {}
    }
    if (UNLIKELY(quoted ? !FLOOR_IS(p, "\"]") : *p != ']'))
        return NULL;
    return p + (quoted ? 2 : 1);
}

/* "[...],[...]]" or "]": `p` past the outer bracket; answers past the closing one. */
ALWAYS_INLINE const char *floor_levels(floor_feed *f, floor_book *b, const char *p, enum floor_shape shape)
{
    floor_level *level = f->read + f->count, *room = f->read + FLOOR_LEVELS;
    if (*p == ']')
        return p + 1;
    for (;; p++, level++) {
        if (UNLIKELY(level == room || (p = floor_level_read(f, b, p, shape, level)) == NULL))
            return NULL;
        if (*p != ',')
            break;
    }
    f->count = (uint32_t)(level + 1 - f->read);
    return LIKELY(*p == ']') ? p + 1 : NULL;
}

/* A price or a size in a string, of a trade or of a quote. */
ALWAYS_INLINE const char *floor_text(floor_feed *f, floor_book *b, const char *p, bool price, int64_t *out)
{
    const char *past = floor_number(p, price ? b->price_places : b->size_places, out);
    return LIKELY(past != NULL && *past == '"') ? past : floor_number_odd(f, b, price, p, out);
}

#endif
