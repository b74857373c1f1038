/* Frames by their skeleton: each step compares a literal and reads the value behind it.
 *
 * It accepts a part of what the decoder accepts and gives it the same meaning, only sooner. Where a literal
 * is another one than was learned, there may be another step for the place; if there is none, the frame is
 * NEW. Where a value is none of the usual ones (an unknown symbol, a number too long or with too many
 * digits, an escape, an error of any kind) the frame is ODD. Either way the decoder reads it from its start,
 * and nothing of it has been seen.
 *
 * Frames are padded with zeros, which are no part of any token: a step that succeeds ends within the frame,
 * and none looks further than CURSOR_PADDING past where it starts.
 */
#ifndef FEEDHANDLER_ENGINE_READ_H
#define FEEDHANDLER_ENGINE_READ_H

#include "emit_declared.h"
#include "named_trades.h"

enum read_result { READ_DONE, READ_NEW, READ_ODD, READ_GAP /* done, and a number is missing */ };

/* ---- literals ------------------------------------------------------------------------------------ */

ALWAYS_INLINE bool literal_word(const uint8_t *at, const step *s)
{
    return ((load8(at) ^ s->word[0]) & s->mask) == 0;
}

ALWAYS_INLINE bool literal_two(const uint8_t *at, const step *s)
{
    return ((load8(at) ^ s->word[0]) | (load8(at + s->length - 8) ^ s->word[1])) == 0;
}

/* Of more than sixteen bytes. */
ALWAYS_INLINE bool literal_long(const uint8_t *at, const step *s)
{
#ifdef SIXTEEN
    size_t last = s->length - 16u, i = 0;
    __m128i same = _mm_cmpeq_epi8(sixteen_load(at + last), sixteen_load(s->literal + last));
    do {
        const __m128i *literal = (const __m128i *)(const void *)(s->literal + i);
        same = _mm_and_si128(same, _mm_cmpeq_epi8(sixteen_load(at + i), _mm_load_si128(literal)));
    } while ((i += 16) < last);
    return _mm_movemask_epi8(same) == 0xffff;
#else
    uint64_t differ = load8(at + s->length - 8) ^ s->word[1];
    for (size_t i = 0; i + 8 < s->length; i += 8)
        differ |= load8(at + i) ^ load8(s->literal + i);
    return differ == 0;
#endif
}

/* ---- values: each moves `*at` past what it names, or answers false --------------------------------- */

/* A number of any kind that nobody needs. */
ALWAYS_INLINE bool read_number(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *bad, *past = number_end(*at, end, &bad);
    if (UNLIKELY(past == NULL))
        return false;
    *at = past;
    return true;
}

/* Digits, up to what an int64 holds, in a string; another name is `none`. */
ALWAYS_INLINE bool read_id(const uint8_t **at, int64_t *out)
{
    const uint8_t *begin = *at;
    if (UNLIKELY(!usual_string(at)))
        return false;
    text id = {begin, (uint32_t)(*at - begin), TEXT_STRING, false};
    if (LIKELY(id.length > 19) || !text_integer(&id, out) || *out < 0)
        *out = NO_ID;
    return LIKELY(id.length > 0);
}

/* The digits at the end of a string. */
ALWAYS_INLINE bool read_id_tail(const uint8_t **at, int64_t *out)
{
    const uint8_t *begin = *at;
    if (UNLIKELY(!usual_string(at)))
        return false;
    const uint8_t *from = *at;
    while (from > begin && (uint8_t)(from[-1] - '0') < 10)
        from--;
    text id = {from, (uint32_t)(*at - from), TEXT_STRING, false};
    return LIKELY(text_integer(&id, out));
}

/* Any name, in a string. */
ALWAYS_INLINE bool read_id_name(const uint8_t **at, int64_t *out)
{
    const uint8_t *begin = *at;
    if (UNLIKELY(!usual_string(at)))
        return false;
    *out = name_number(begin, (size_t)(*at - begin));
    return LIKELY(*at > begin);
}

ALWAYS_INLINE bool read_side(const step *s, const uint8_t **at, int64_t *out)
{
    uint64_t word = load8(*at);
    for (int side = 0; side < 2; side++)
        if (((word ^ s->say[side]) & s->said_mask[side]) == 0) {
            *at += s->said[side];
            *out = side == 0 ? FH_BUY : FH_SELL;
            return true;
        }
    return false;
}

/* Past anything nested, or NULL. */
COLD const uint8_t *read_nested(cursor *c, const uint8_t *at)
{
    c->at = at;
    cursor_skip(c);
    return c->error ? NULL : c->at;
}

/* In pieces: of a longer memset compilers make "rep stos", which takes longer to start than this. */
ALWAYS_INLINE void slots_clear(int64_t *v)
{
    memset(v, 0, 4 * sizeof *v);
    memset(v + 4, 0, 4 * sizeof *v);
    memset(v + 8, 0, 4 * sizeof *v);
}
_Static_assert(SLOT_PRICE == 12, "what slots_clear clears");

ALWAYS_INLINE bool read_levels(engine *e, cursor *c, market *m, const uint8_t **at, int shape)
{
    if (UNLIKELY((*at)[0] != '['))
        return false;
    if (UNLIKELY((*at)[1] == ']')) { /* many frames have but one side */
        *at += 2;
        return true;
    }
    *at = levels_tight(e, c, m, *at + 1, shape);
    return LIKELY(*at != NULL);
}

/* ---- the readers ----------------------------------------------------------------------------------- */

static const void *const *step_runs, *const *declared_runs; /* where the code of a step is, by reader */

#define DECLARED 0
#include "read_steps.h"
#undef DECLARED
#define DECLARED 1
#include "read_steps.h"
#undef DECLARED

#endif
