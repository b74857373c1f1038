/* An empty side filled at once, as setting its levels one after the other would.
 *
 * Venues send full books best first, which is where an insertion moves all that is there: 46,000 levels
 * took a tenth of a second. Levels in that order are put down backwards; those in any other are sorted.
 */
#ifndef FEEDHANDLER_BOOK_FILL_H
#define FEEDHANDLER_BOOK_FILL_H

#include "side.h"

enum { FILL_LEVELS = 32 }; /* fewer are set one by one */

/* Does each level come behind a better one? */
ALWAYS_INLINE bool fill_in_order(const level *levels, uint32_t count, bool ask)
{
    for (uint32_t i = 1; i < count; i++)
        if (!price_better(levels[i - 1].price, levels[i].price, ask))
            return false;
    return true;
}

/* Worst first; of one price, the later one behind the earlier. `other` has as much room. Answers which of
 * the two has the result. */
static inline level *fill_sorted(level *from, level *other, uint32_t count, bool ask)
{
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t low = 0; low < count; low += 2 * width) {
            uint32_t middle = low + width < count ? low + width : count;
            uint32_t high = middle + width < count ? middle + width : count;
            uint32_t a = low, b = middle;
            for (uint32_t i = low; i < high; i++) {
                bool first = a < middle && (b == high || !price_better(from[a].price, from[b].price, ask));
                other[i] = first ? from[a++] : from[b++];
            }
        }
        level *done = other;
        other = from;
        from = done;
    }
    return from;
}

/* False: nothing was done, and the levels are to be set one by one. The side was cleared. */
COLD bool side_fill(book_side *s, const level *levels, uint32_t count, bool ask)
{
    uint32_t kept = 0;
    if (count > s->room && !side_grow(s, count))
        return false;
    if (fill_in_order(levels, count, ask)) {
        for (uint32_t i = count; i-- > 0;)
            if (levels[i].size != 0)
                s->levels[kept++] = levels[i];
    } else {
        level *both = (level *)malloc(2 * (size_t)count * sizeof *both);
        if (both == NULL)
            return false;
        for (uint32_t i = 0; i < count; i++)
            both[i] = levels[i];
        const level *sorted = fill_sorted(both, both + count, count, ask);
        for (uint32_t i = 0; i < count; i++)
            if ((i + 1 == count || sorted[i + 1].price != sorted[i].price) && sorted[i].size != 0)
                s->levels[kept++] = sorted[i];
        free(both);
    }
    s->count = kept;
    s->dirty = RANGE_ALL;
    return true;
}

#endif
