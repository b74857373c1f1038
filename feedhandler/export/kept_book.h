/* A book that is kept from records, whose exponents may change on the way. */
#ifndef FEEDHANDLER_EXPORT_KEPT_BOOK_H
#define FEEDHANDLER_EXPORT_KEPT_BOOK_H

#include "feedhandler/book/book.h"

typedef struct kept_book {
    book now;
    book_side before[2]; /* of the levels that were there when a snapshot began */
    int price_exponent, size_exponent;
    int before_price_exponent;
    int shown_price_exponent, shown_size_exponent; /* of the levels that were shown last */
    bool in_step;    /* there was a base, and no hole after it */
    bool scaled;     /* the exponents are those of levels */
    bool refilling;  /* within a snapshot */
    bool touched;    /* it changed in this message */
} kept_book;

static inline book_side *kept_side(kept_book *k, bool ask) { return ask ? &k->now.asks : &k->now.bids; }

/* A hole: what there is may be wrong. Levels stay, as whoever reads rows has them, too. */
static inline void kept_broken(kept_book *k) { k->in_step = k->refilling = false; }

static inline void kept_free(kept_book *k)
{
    book_free(&k->now);
    side_free(&k->before[0]);
    side_free(&k->before[1]);
}

static inline bool times_ten(int64_t *value, int times)
{
    for (; times > 0 && *value != 0; times--)
        if (__builtin_mul_overflow(*value, (int64_t)10, value))
            return false;
    return true;
}

/* All levels with finer exponents. False: they do not fit. */
static inline bool kept_rescale(kept_book *k, int price_exponent, int size_exponent)
{
    for (int ask = 0; ask < 2; ask++) {
        book_side *s = kept_side(k, ask);
        for (uint32_t i = 0; i < s->count; i++)
            if (!times_ten(&s->levels[i].price, k->price_exponent - price_exponent) ||
                !times_ten(&s->levels[i].size, k->size_exponent - size_exponent))
                return false;
    }
    k->price_exponent = price_exponent;
    k->size_exponent = size_exponent;
    return true;
}

/* A level in its own exponents. False: the book cannot hold it together with the others. */
static inline bool kept_set(kept_book *k, bool ask, level l, int price_exponent, int size_exponent)
{
    if (!k->scaled) {
        k->price_exponent = price_exponent;
        k->size_exponent = size_exponent;
        k->scaled = true;
    }
    if (UNLIKELY(price_exponent != k->price_exponent || size_exponent != k->size_exponent)) {
        int price = price_exponent < k->price_exponent ? price_exponent : k->price_exponent;
        int size = size_exponent < k->size_exponent ? size_exponent : k->size_exponent;
        if ((price != k->price_exponent || size != k->size_exponent) && !kept_rescale(k, price, size))
            return false;
        if (!times_ten(&l.price, price_exponent - price) || !times_ten(&l.size, size_exponent - size))
            return false;
    }
    return ask ? side_set(&k->now.asks, &l, true) : side_set(&k->now.bids, &l, false);
}

/* A snapshot begins. What was there is kept aside, to see what of it is gone. */
static inline void kept_refill(kept_book *k)
{
    if (!k->refilling) {
        for (int ask = 0; ask < 2; ask++) {
            book_side was = k->before[ask];
            k->before[ask] = *kept_side(k, ask);
            *kept_side(k, ask) = was;
        }
        k->before_price_exponent = k->price_exponent;
    }
    book_clear(&k->now);
    k->scaled = false;
    k->in_step = k->refilling = true;
}

/* Is there a level at that price, which is in the exponents of before the snapshot? */
static inline bool kept_has(kept_book *k, bool ask, int64_t price)
{
    int64_t other = price;
    if (!k->scaled || k->before_price_exponent >= k->price_exponent) {
        if (k->scaled && !times_ten(&other, k->before_price_exponent - k->price_exponent))
            return false;
    } else {
        for (int times = k->price_exponent - k->before_price_exponent; times > 0; times--) {
            if (other % 10 != 0)
                return false;
            other /= 10;
        }
    }
    const book_side *s = kept_side(k, ask);
    uint32_t index = ask ? side_search(s, other, true) : side_search(s, other, false);
    return index > 0 && s->levels[index - 1].price == other;
}

#endif
