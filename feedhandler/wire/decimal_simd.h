/* Decimals of up to sixteen bytes at once, without a branch on how their digits lie (x86-64).
 *
 * The number's bytes are loaded so that they end a register; those before the point are taken from a
 * load that ends one byte earlier, which closes the gap that the point leaves. Pairs of digits, of
 * pairs, and of fours are then put together by multiplications in all lanes (after Wojciech Mula,
 * "SIMD-ized parsing of series of integers", http://0x80.pl/articles/simd-parsing-int-sequences.html).
 */
#ifndef FEEDHANDLER_WIRE_DECIMAL_SIMD_H
#define FEEDHANDLER_WIRE_DECIMAL_SIMD_H

#include "power.h"
#include "text.h"

#if defined(__SSE2__) && !defined(WITHOUT_SIXTEEN)
#define SIXTEEN 1
#include <emmintrin.h>

/* The last `count` (0..16) of sixteen bytes. */
ALWAYS_INLINE __m128i sixteen_last(unsigned count)
{
    static const uint8_t mask[32] = {[16 ... 31] = 0xff};
    return _mm_loadu_si128((const __m128i *)(const void *)(mask + count));
}

ALWAYS_INLINE __m128i sixteen_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Sixteen digit values, the first in the lowest byte, to their number. */
ALWAYS_INLINE uint64_t sixteen_value(__m128i digits)
{
    /* a pair is first + 256 x second: the upper byte of its product is 10 x first + second */
    __m128i twos = _mm_srli_epi16(_mm_mullo_epi16(digits, _mm_set1_epi16(10 * 256 + 1)), 8);
    __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(100 | 1 << 16));
    __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(10000 | 1 << 16));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & 0xffffffff) * 100000000 + (both >> 32);
}

/* Which of sixteen bytes less '0' are digits, as bits. */
ALWAYS_INLINE unsigned sixteen_digit_bits(__m128i values)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values));
}

/* `count` (1 to 16) digits that end at `past`, to their number. */
ALWAYS_INLINE uint64_t sixteen_number(const uint8_t *past, unsigned count)
{
    __m128i values = _mm_sub_epi8(sixteen_load(past - 16), _mm_set1_epi8('0'));
    return sixteen_value(_mm_and_si128(values, sixteen_last(count)));
}

/* digits[.digits] of at most fifteen bytes as a number of 10^-places (0..18), 17 bytes before and 16 from
 * there on of which can be read: past it, or NULL for anything else. The caller
 * looks at the byte after it, which tells a longer number, or an exponent. */
ALWAYS_INLINE const uint8_t *sixteen_decimal(const uint8_t *at, unsigned places, int64_t *out)
{
    const __m128i zeros = _mm_set1_epi8('0');
    __m128i kept;
    unsigned digits = sixteen_digit_bits(_mm_sub_epi8(sixteen_load(at), zeros)), stops = digits ^ 0xffff;
    if (UNLIKELY(stops == 0))
        return NULL;
    unsigned whole = (unsigned)__builtin_ctz(stops), there = 0;
    const uint8_t *past = at + whole, *last = past;
    if (UNLIKELY((digits & 1) == 0 || (*at == '0' && (digits & 2)))) /* 012; it need not wait for `whole` */
        return NULL;
    if (*past == '.') {
        stops &= stops - 1;
        if (UNLIKELY(stops == 0))
            return NULL;
        last = past = at + __builtin_ctz(stops);
        there = (unsigned)(past - at) - whole - 1;
        if (UNLIKELY(there == 0))
            return NULL;
        if (there > places) { /* more than it has: those are zeros, or it is not for here */
            unsigned more = there - places;
            __m128i end = _mm_xor_si128(sixteen_load(last - 16), zeros);
            end = _mm_and_si128(end, sixteen_last(more));
            if (UNLIKELY(_mm_movemask_epi8(_mm_cmpeq_epi8(end, _mm_setzero_si128())) != 0xffff))
                return NULL;
            last -= more;
            there = places;
        }
        kept = sixteen_last(there);
        kept = _mm_or_si128(_mm_and_si128(kept, sixteen_load(last - 16)),
                            _mm_andnot_si128(kept, sixteen_load(last - 17)));
    } else {
        kept = sixteen_load(last - 16);
    }
    kept = _mm_and_si128(_mm_sub_epi8(kept, zeros), sixteen_last(whole + there));
    if (UNLIKELY(__builtin_mul_overflow((int64_t)sixteen_value(kept), decimal_power[places - there], out)))
        return NULL;
    return past;
}
#endif

#endif
