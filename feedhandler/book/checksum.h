/* The checksum of a book: CRC-32 over its best levels as a text that its venue prescribes.
 *
 * What is prescribed is a rule, as data. From one message to the next few of the levels change, so that of
 * each its own part is kept: the remainder of its text, and how long that is (crc.h makes the whole of
 * them). What is kept is looked at beside the level that it was made from, price and size: it cannot be
 * of another book than the one that is there.
 */
#ifndef FEEDHANDLER_BOOK_CHECKSUM_H
#define FEEDHANDLER_BOOK_CHECKSUM_H

#include "../wire/number_text.h"
#include "book.h"
#include "crc.h"

enum checksum_order {
    CHECKSUM_PAIRS, /* bid, ask, bid, ask; a side that has run out is skipped */
    CHECKSUM_ASKS,  /* all asks, then all bids */
    CHECKSUM_BIDS,  /* all bids, then all asks */
    CHECKSUM_ORDERS
};

enum {
    CHECKSUM_LEVELS = 50,                       /* a side, at most */
    CHECKSUM_SPARE = 7,                         /* parts that left the best levels, and may come back */
    CHECKSUM_TEXT = 2 * (NUMBER_ROOM + 1) + 1, /* more than a level's text has */
};

typedef struct checksum_rule {
    uint8_t levels; /* a side; 0: the venue has no checksum */
    uint8_t order;  /* CHECKSUM_* */
    uint8_t number; /* NUMBER_*: how prices and sizes are written */
    uint8_t separator; /* between all numbers; 0: nothing */
    bool signed_asks;  /* the sizes of asks are negative */
    bool signed_result; /* sent as the int32 of the same bits */
} checksum_rule;

/* A venue's, with what it takes to be quick. */
typedef struct checksum {
    checksum_rule rule;
    bool multiplies;
    uint32_t begin[2]; /* before the first level of a book; of one without levels */
    crc_tables crc;
    uint32_t power[];
} checksum;

/* NULL: no memory. */
static inline checksum *checksum_open(const checksum_rule *rule)
{
    size_t powers = 2 * (size_t)rule->levels * CHECKSUM_TEXT + 1;
    checksum *c = (checksum *)calloc(1, sizeof *c + powers * sizeof *c->power);
    if (c == NULL)
        return NULL;
    c->rule = *rule;
    c->multiplies = crc_multiplies();
    crc_prepare(&c->crc);
    crc_powers(&c->crc, c->power, powers);
    /* every level's text begins with a separator; that of the first is taken back here */
    c->begin[1] = 0xffffffffu;
    c->begin[0] = c->begin[1];
    if (rule->separator)
        c->begin[0] = crc_back(c->begin[1] ^ c->crc.table[0][rule->separator], 8);
    return c;
}

/* ---- the parts of one book ------------------------------------------------------------------------- */

typedef struct __attribute__((aligned(16))) checksum_part {
    level of; /* size 0: of none */
    uint32_t remainder, length;
} checksum_part;

typedef struct checksum_side {
    uint32_t count;
    checksum_part parts[CHECKSUM_LEVELS + CHECKSUM_SPARE]; /* from the best */
} checksum_side;

/* What a level's text begins with, up to its size: prices come back. */
typedef struct checksum_head {
    int64_t price;
    uint32_t remainder, length; /* length 0: of none */
} checksum_head;

enum { CHECKSUM_HEADS = 128 };

/* The exponents of a book's integers, and of the last decimals that its venue writes. */
typedef struct checksum_scale {
    int price, size, price_written, size_written;
} checksum_scale;

typedef struct checksum_book {
    checksum_side sides[2];
    checksum_head heads[2][CHECKSUM_HEADS];
    checksum_scale scale;
    number_way price, size;
} checksum_book;

/* The same integers are other numbers now. */
COLD void checksum_rescale(const checksum *c, checksum_book *k, const checksum_scale *scale)
{
    memset(k, 0, sizeof *k);
    k->scale = *scale;
    k->price = number_way_of(c->rule.number, scale->price, scale->price_written);
    k->size = number_way_of(c->rule.number, scale->size, scale->size_written);
}

/* The beginning of a level's text, in front of which there are 8 bytes. Past its end. */
static uint8_t *head_text(const checksum *c, const checksum_book *k, int64_t price, bool ask, uint8_t *o)
{
    memset(o - 8, 0, 8);
    *o = c->rule.separator;
    o += c->rule.separator != 0;
    o = number_text(o, price, &k->price);
    *o = c->rule.separator;
    o += c->rule.separator != 0;
    *o = '-';
    return o + (ask && c->rule.signed_asks);
}

static __attribute__((noinline)) void head_make(const checksum *c, const checksum_book *k, int64_t price,
                                                bool ask, checksum_head *out)
{
    uint8_t text[8 + CHECKSUM_TEXT], *begin = text + 8, *end = head_text(c, k, price, ask, begin);
    *out = (checksum_head){price, crc_remainder(&c->crc, begin, end), (uint32_t)(end - begin)};
}

COLD void part_make_long(const checksum *c, const checksum_book *k, const level *l, bool ask,
                         checksum_part *out)
{
    uint8_t text[8 + CHECKSUM_TEXT], *begin = text + 8;
    uint8_t *end = number_text(head_text(c, k, l->price, ask, begin), l->size, &k->size);
    *out = (checksum_part){*l, crc_remainder(&c->crc, begin, end), (uint32_t)(end - begin)};
}

ALWAYS_INLINE void part_make(const checksum *c, checksum_book *k, const level *l, bool ask,
                             checksum_part *out)
{
    checksum_head *head = &k->heads[ask][(uint64_t)l->price * 0x9e3779b97f4a7c15u >> 57];
    number_packed size;
    if (UNLIKELY(!number_pack(l->size, &k->size, &size))) {
        part_make_long(c, k, l, ask, out);
        return;
    }
    if (UNLIKELY(head->price != l->price || head->length == 0))
        head_make(c, k, l->price, ask, head);
    const uint32_t *power = c->power + size.length;
    crc_sum sum = LIKELY(c->multiplies) ? crc_times(&head->remainder, power, true)
                                        : crc_times(&head->remainder, power, false);
    uint64_t word = size.words[1] ^ crc_sum_word(sum);
    if (size.words[0])
        word ^= crc_eight(&c->crc, size.words[0]);
    out->of = *l;
    out->remainder = crc_eight(&c->crc, word);
    out->length = head->length + size.length;
}

ALWAYS_INLINE bool part_is(const checksum_part *p, const level *l)
{
    return ((p->of.price ^ l->price) | (p->of.size ^ l->size)) == 0;
}

enum { PARTS_AT_ONCE = 4 };

/* How many parts from here on are those of the levels before `l`, from the best on. */
#ifdef SIXTEEN
ALWAYS_INLINE __m128i part_equals(const checksum_part *p, const level *l)
{
    return _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)(const void *)&p->of),
                           sixteen_load((const uint8_t *)l));
}

ALWAYS_INLINE uint32_t parts_same(const checksum_part *p, const level *l)
{
    __m128i first = _mm_packs_epi32(part_equals(p, l - 1), part_equals(p + 1, l - 2));
    __m128i second = _mm_packs_epi32(part_equals(p + 2, l - 3), part_equals(p + 3, l - 4));
    unsigned same = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(first, second)); /* four bits each */
    return (uint32_t)__builtin_ctz(~same) / 4;
}
#else
ALWAYS_INLINE uint32_t parts_same(const checksum_part *p, const level *l)
{
    uint32_t same = 0;
    while (same < PARTS_AT_ONCE && part_is(p + same, l - 1 - same))
        same++;
    return same;
}
#endif

/* The level at this depth is not what it was: what is kept moves with the levels. */
static __attribute__((noinline)) void side_part(const checksum *c, checksum_book *k, uint32_t depth,
                                                const level *l, bool ask)
{
    checksum_side *kept = &k->sides[ask];
    checksum_part *p = &kept->parts[depth];
    uint32_t gone = 0, behind = kept->count > depth ? kept->count - depth : 0;
    while (gone < behind && price_better(p[gone].of.price, l->price, ask))
        gone++;
    if (gone) {
        memmove(p, p + gone, (behind - gone) * sizeof *p);
        for (uint32_t i = behind - gone; i < behind; i++)
            p[i].of.size = 0;
        kept->count -= gone;
        behind -= gone;
    }
    if (behind && p->of.price == l->price) {
        if (p->of.size == l->size)
            return;
    } else {
        uint32_t room = (uint32_t)c->rule.levels + CHECKSUM_SPARE - depth;
        memmove(p + 1, p, (behind < room ? behind : room - 1) * sizeof *p);
        kept->count += behind < room;
    }
    part_make(c, k, l, ask, p);
}

/* The best levels' parts, made anew where the level is another one. How many there are. */
ALWAYS_INLINE uint32_t side_parts(const checksum *c, checksum_book *k, const book_side *s, bool ask)
{
    uint32_t count = s->count < c->rule.levels ? s->count : c->rule.levels;
    const level *l = count ? s->levels + s->count : NULL; /* past the one to look at */
    checksum_side *kept = &k->sides[ask];
    for (uint32_t depth = 0; depth < count; depth++, l--) {
        if (LIKELY(depth + PARTS_AT_ONCE <= s->count)) {
            uint32_t same = parts_same(kept->parts + depth, l);
            if (LIKELY(same == PARTS_AT_ONCE)) { /* by constants: the next need not wait for `same` */
                depth += PARTS_AT_ONCE - 1;
                l -= PARTS_AT_ONCE - 1;
                continue;
            }
            depth += same;
            l -= same;
            if (depth >= count)
                break;
        } else if (part_is(kept->parts + depth, l - 1)) {
            continue;
        }
        side_part(c, k, depth, l - 1, ask);
    }
    return count;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

typedef struct checksum_walk {
    const uint32_t *power; /* of the bytes that are behind */
    crc_sum sum;
} checksum_walk;

/* One part before those that were added already. */
ALWAYS_INLINE void walk_add(checksum_walk *w, const checksum_part *p, bool multiplies)
{
    w->sum = crc_sum_add(w->sum, crc_times(&p->remainder, w->power, multiplies));
    w->power += p->length;
}

/* From the last part to the first. */
ALWAYS_INLINE uint32_t parts_crc(const checksum *c, const checksum_book *k, const uint32_t count[2],
                                 bool multiplies)
{
    checksum_walk w = {c->power, crc_sum_of(0)};
    uint32_t bids = count[0], asks = count[1];
    const checksum_part *bid = k->sides[0].parts + bids, *ask = k->sides[1].parts + asks;
    if (c->rule.order == CHECKSUM_PAIRS) {
        for (; bids > asks; bids--)
            walk_add(&w, --bid, multiplies);
        for (; asks > bids; asks--)
            walk_add(&w, --ask, multiplies);
#pragma GCC unroll 5
        for (; bids > 0; bids--) {
            walk_add(&w, --ask, multiplies);
            walk_add(&w, --bid, multiplies);
        }
    } else {
        for (; c->rule.order == CHECKSUM_BIDS && asks > 0; asks--)
            walk_add(&w, --ask, multiplies);
        for (; bids > 0; bids--)
            walk_add(&w, --bid, multiplies);
        for (; asks > 0; asks--)
            walk_add(&w, --ask, multiplies);
    }
    w.sum = crc_sum_add(w.sum, crc_times(&c->begin[w.power == c->power], w.power, multiplies));
    return crc_of_sum(&c->crc, w.sum);
}

/* As the venue sends it. */
static inline int64_t checksum_of(const checksum *c, checksum_book *k, const book *b,
                                  const checksum_scale *scale)
{
    if (UNLIKELY(k->price.from == 0 || memcmp(&k->scale, scale, sizeof *scale) != 0))
        checksum_rescale(c, k, scale);
    const uint32_t count[2] = {side_parts(c, k, &b->bids, false), side_parts(c, k, &b->asks, true)};
    uint32_t crc = LIKELY(c->multiplies) ? parts_crc(c, k, count, true) : parts_crc(c, k, count, false);
    return c->rule.signed_result ? (int64_t)(int32_t)crc : (int64_t)crc;
}

#endif
