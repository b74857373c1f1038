/* The checksum of an OKX book: CRC32 over its best 25 levels as text, "bid:size:ask:size:...".
 *
 * A side that has run out is skipped. The text is that of the venue, which writes numbers without
 * trailing zeros, so that the scaled integers give it back exactly.
 */
#ifndef FEEDHANDLER_BOOK_CHECKSUM_H
#define FEEDHANDLER_BOOK_CHECKSUM_H

#include "../wire/format.h"
#include "book.h"

enum { CHECKSUM_LEVELS = 25 };

/* CRC-32 (the reflected 0xEDB88320 of zlib), eight bytes a step. */
typedef struct crc_tables {
    uint32_t table[8][256];
} crc_tables;

static inline void crc_prepare(crc_tables *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        t->table[0][i] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (int i = 0; i < 256; i++)
            t->table[slice][i] =
                t->table[slice - 1][i] >> 8 ^ t->table[0][t->table[slice - 1][i] & 0xff];
}

static inline uint32_t crc32_of(const crc_tables *t, const uint8_t *at, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word = load8(at) ^ crc;
        crc = t->table[7][word & 0xff] ^ t->table[6][word >> 8 & 0xff] ^
              t->table[5][word >> 16 & 0xff] ^ t->table[4][word >> 24 & 0xff] ^
              t->table[3][word >> 32 & 0xff] ^ t->table[2][word >> 40 & 0xff] ^
              t->table[1][word >> 48 & 0xff] ^ t->table[0][word >> 56];
    }
    for (; length > 0; length--)
        crc = crc >> 8 ^ t->table[0][(crc ^ *at++) & 0xff];
    return ~crc;
}

static inline int32_t book_checksum(const book *b, int price_exponent, int size_exponent,
                                    const crc_tables *tables)
{
    uint8_t text[CHECKSUM_LEVELS * 4 * (FORMAT_BYTES + 1)];
    uint8_t *o = text;
    for (uint32_t depth = 0; depth < CHECKSUM_LEVELS; depth++) {
        const book_side *sides[2] = {&b->bids, &b->asks};
        for (int i = 0; i < 2; i++) {
            if (depth >= sides[i]->count)
                continue;
            const level *l = side_at(sides[i], depth);
            o += decimal_format(l->price, price_exponent, o);
            *o++ = ':';
            o += decimal_format(l->size, size_exponent, o);
            *o++ = ':';
        }
    }
    if (o > text)
        o--; /* the last colon */
    return (int32_t)crc32_of(tables, text, (size_t)(o - text));
}

#endif
