/* How far a book is known: where the edge of a side comes from, and how it moves.
 *
 * A book that began with the best N levels a side is known as far as the worst of them; updates of levels
 * beyond it are right, but say nothing of those that lie between. So the edge stays where the base ended,
 * while the levels within it come and go.
 *
 *   whole    fewer levels came than there was room for: the venue has no more
 *   window   the venue's channel has its best N levels. What leaves them is taken out and comes back
 *            with them, so that no more than N are known: the edge comes nearer. It goes out again only
 *            where the venue documents that it sends what enters (`kept`); else a new base says more
 */
#ifndef FEEDHANDLER_BOOK_KNOWN_DEPTH_H
#define FEEDHANDLER_BOOK_KNOWN_DEPTH_H

#include "feedhandler_shm.h"

#include "book.h"

/* A full side of a venue that answers with no more than it likes, whatever it was asked for. */
enum { KNOWN_ROUND = 50 };

ALWAYS_INLINE bool side_whole(const book_side *s, bool ask) { return s->edge == EDGE_NONE(ask); }

/* How many levels from the best are known; FH_KNOWN_WHOLE: all that the venue has. */
ALWAYS_INLINE uint32_t side_known(const book_side *s, bool ask)
{
    return side_whole(s, ask) ? FH_KNOWN_WHOLE : s->count - s->beyond;
}

/* Nothing has come yet. */
static inline void side_unknown(book_side *s, bool ask)
{
    s->edge = EDGE_NONE(!ask);
    s->beyond = s->count;
}

/* Known to this price and no further. */
static inline void side_end(book_side *s, bool ask, int64_t edge)
{
    s->edge = edge;
    s->beyond = s->count;
    while (s->beyond && !price_better(edge, s->levels[s->beyond - 1].price, ask))
        s->beyond--;
}

/* Whether a side of a base, with `count` levels where the other one has `other`, may go on behind its
 * last one. `most`: so many were asked for; 0: all. */
static inline bool side_full(uint32_t count, uint32_t other, uint32_t most)
{
    if (most == 0 || count == 0)
        return false;
    return count >= most || (count == other && count % KNOWN_ROUND == 0);
}

static inline void side_base(book_side *s, bool ask, uint32_t most, uint32_t other)
{
    s->beyond = 0;
    s->edge = side_full(s->count, other, most) ? s->levels[0].price : EDGE_NONE(ask);
}

static inline void book_base(book *b, uint32_t most)
{
    uint32_t bids = b->bids.count;
    side_base(&b->bids, false, most, b->asks.count);
    side_base(&b->asks, true, most, bids);
}

/* After a change, in a channel of the best `most` levels. */
static inline void side_window(book_side *s, bool ask, uint32_t most, bool kept)
{
    if (s->count - s->beyond >= most || (kept && s->count >= most)) {
        s->beyond = s->count - most;
        s->edge = s->levels[s->beyond].price;
    } else if (kept) {
        s->beyond = 0;
        s->edge = EDGE_NONE(ask);
    }
}

static inline void book_window(book *b, uint32_t most, bool kept)
{
    side_window(&b->bids, false, most, kept);
    side_window(&b->asks, true, most, kept);
}

#endif
