/* CRC-32 as zlib has it (the reflected 0xEDB88320), and the CRC of a whole from those of its parts.
 *
 * Without its beginning and its end, where all bits are turned, a CRC is a remainder: it is linear. That
 * of a text is the sum (XOR) of those of its parts, each times x^8 for every byte that follows the part.
 * So a part of which the remainder is known costs one multiplication without carries, not its bytes; and
 * since products of 64 bits can be added up as they are, all of them together are reduced once.
 *
 * x86-64 has had an instruction for that multiplication since 2010; which way is taken is decided when
 * the program runs. Elsewhere it is done by shifts.
 */
#ifndef FEEDHANDLER_BOOK_CRC_H
#define FEEDHANDLER_BOOK_CRC_H

#include "../wire/text.h"

#define CRC_POLYNOMIAL 0xedb88320u

/* Eight bytes a step. */
typedef struct crc_tables {
    uint32_t table[8][256];
} crc_tables;

static inline void crc_prepare(crc_tables *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ CRC_POLYNOMIAL : crc >> 1;
        t->table[0][i] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (int i = 0; i < 256; i++)
            t->table[slice][i] =
                t->table[slice - 1][i] >> 8 ^ t->table[0][t->table[slice - 1][i] & 0xff];
}

/* The remainder of eight bytes, with one of what is before them already added to their first four. */
ALWAYS_INLINE uint32_t crc_eight(const crc_tables *t, uint64_t word)
{
    return t->table[7][word & 0xff] ^ t->table[6][word >> 8 & 0xff] ^ t->table[5][word >> 16 & 0xff] ^
           t->table[4][word >> 24 & 0xff] ^ t->table[3][word >> 32 & 0xff] ^
           t->table[2][word >> 40 & 0xff] ^ t->table[1][word >> 48 & 0xff] ^ t->table[0][word >> 56];
}

/* The remainder of a text up to `end`, before which are seven bytes of 0: they change nothing. */
ALWAYS_INLINE uint32_t crc_remainder(const crc_tables *t, const uint8_t *at, const uint8_t *end)
{
    uint32_t crc = 0;
    for (at = end - ((size_t)(end - at + 7) & ~(size_t)7); at < end; at += 8)
        crc = crc_eight(t, load8(at) ^ crc);
    return crc;
}

/* Divided by x^bits. */
static inline uint32_t crc_back(uint32_t value, int bits)
{
    for (; bits > 0; bits--)
        value = value & 0x80000000u ? (value ^ CRC_POLYNOMIAL) << 1 | 1 : value << 1;
    return value;
}

/* power[n]: what a remainder is multiplied by that n bytes follow, as `crc_sum` takes it: x^(8n - 33),
 * since a product lies one bit too low, and is reduced as if four bytes followed it. */
static inline void crc_powers(const crc_tables *t, uint32_t *power, size_t count)
{
    uint32_t value = crc_back(0x80000000u, 33); /* of 1: the highest power is in the lowest bit */
    for (size_t n = 0; n < count; n++) {
        power[n] = value;
        value = value >> 8 ^ t->table[0][value & 0xff];
    }
}

/* ---- multiplication without carries ---------------------------------------------------------------- */

#if defined(__x86_64__)
#include <emmintrin.h>

typedef __m128i crc_sum; /* in its lower half */

static inline bool crc_multiplies(void) { return __builtin_cpu_supports("pclmul"); }

/* As an instruction by itself: a function for this processor could not be inlined into one for all. */
ALWAYS_INLINE crc_sum crc_product(const uint32_t *a, const uint32_t *b)
{
    crc_sum product = _mm_cvtsi32_si128((int)*a), other = _mm_cvtsi32_si128((int)*b);
    __asm__("pclmulqdq $0, %1, %0" : "+x"(product) : "x"(other));
    return product;
}

ALWAYS_INLINE crc_sum crc_sum_of(uint64_t word) { return _mm_cvtsi64_si128((long long)word); }
ALWAYS_INLINE crc_sum crc_sum_add(crc_sum a, crc_sum b) { return _mm_xor_si128(a, b); }
ALWAYS_INLINE uint64_t crc_sum_word(crc_sum a) { return (uint64_t)_mm_cvtsi128_si64(a); }

#else

typedef uint64_t crc_sum;

static inline bool crc_multiplies(void) { return false; }
ALWAYS_INLINE crc_sum crc_product(const uint32_t *a, const uint32_t *b) { return (void)a, (void)b, 0; }
ALWAYS_INLINE crc_sum crc_sum_of(uint64_t word) { return word; }
ALWAYS_INLINE crc_sum crc_sum_add(crc_sum a, crc_sum b) { return a ^ b; }
ALWAYS_INLINE uint64_t crc_sum_word(crc_sum a) { return a; }

#endif

/* Four bits at a time. */
static inline uint64_t crc_product_shifted(uint32_t a, uint32_t b)
{
    uint64_t times[16], product = 0;
    times[0] = 0;
    times[1] = a;
    for (int i = 2; i < 16; i += 2) {
        times[i] = times[i / 2] << 1;
        times[i + 1] = times[i] ^ a;
    }
    for (int bit = 28; bit >= 0; bit -= 4)
        product = product << 4 ^ times[b >> bit & 15];
    return product;
}

/* `multiplies`: what crc_multiplies says; a constant at the call. */
ALWAYS_INLINE crc_sum crc_times(const uint32_t *a, const uint32_t *b, bool multiplies)
{
    return multiplies ? crc_product(a, b) : crc_sum_of(crc_product_shifted(*a, *b));
}

/* The CRC, with all bits turned at its end. */
ALWAYS_INLINE uint32_t crc_of_sum(const crc_tables *t, crc_sum sum)
{
    return ~crc_eight(t, crc_sum_word(sum));
}

#endif
