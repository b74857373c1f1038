/* Random books, changed at random: their checksum by parts, with the instruction and without it, is that
 * of their whole text, bit by bit. */
#include "feedhandler_shm.h"

#include "feedhandler/book/checksum.h"

enum { TURNS = 20000 };

static uint64_t state = 88172645463325252u;

static uint32_t dice(uint32_t sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % sides;
}

static uint32_t bitwise(const uint8_t *at, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (; length > 0; length--) {
        crc ^= *at++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ CRC_POLYNOMIAL : crc >> 1;
    }
    return ~crc;
}

static uint8_t *say(uint8_t *o, const level *l)
{
    o += decimal_format(l->price, -2, o);
    *o++ = ':';
    o += decimal_format(l->size, -8, o);
    *o++ = ':';
    return o;
}

int main(void)
{
    static uint8_t text[1 << 16];
    static checksum_book kept[2];
    const checksum_rule rule = {25, CHECKSUM_PAIRS, NUMBER_PLAIN, ':', false, false};
    const checksum_scale scale = {-2, -8, -2, -8};
    checksum *ways[2] = {checksum_open(&rule), checksum_open(&rule)};
    book b;
    memset(&b, 0, sizeof b);
    book_clear(&b);
    ways[1]->multiplies = false;
    for (int turn = 0; turn < TURNS; turn++) {
        if (dice(500) == 0)
            book_clear(&b);
        for (uint32_t n = dice(6); n > 0; n--) {
            bool ask = dice(2);
            level l = {5000 + (ask ? 1 : -1) * (int64_t)(1 + dice(60)),
                       dice(3) ? (int64_t)dice(1u << dice(31)) * (1 + dice(1000000)) : 0};
            book_set(&b, ask, &l, 1);
        }
        uint8_t *o = text;
        for (uint32_t depth = 0; depth < 25; depth++) {
            if (depth < b.bids.count)
                o = say(o, side_at(&b.bids, depth));
            if (depth < b.asks.count)
                o = say(o, side_at(&b.asks, depth));
        }
        uint32_t whole = bitwise(text, (size_t)(o - text - (o > text)));
        for (int way = 0; way < 2; way++)
            if (checksum_of(ways[way], &kept[way], &b, &scale) != (int64_t)whole) {
                printf("turn %d, way %d\n", turn, way);
                return 1;
            }
    }
    book_free(&b);
    free(ways[0]);
    free(ways[1]);
    printf("ok %d\n", TURNS);
    return 0;
}
