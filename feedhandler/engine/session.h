/* What holds for one session of a connection: the numbers that it counts its messages with, and the channels
 * that its acknowledgements have numbered. Both end with it.
 *
 * Some venues number the messages of a connection and not those of a book. A number that is not the next one
 * then says that a message is missing, but not which: any book that this connection alone feeds may have
 * missed it. So may one that repeats or goes back: on one connection nothing overtakes anything, so that the
 * venue has sent what is not its stream. The cheapest right cure is another session.
 */
#ifndef FEEDHANDLER_ENGINE_SESSION_H
#define FEEDHANDLER_ENGINE_SESSION_H

#include "apply_book.h"

COLD void connection_hole(engine *e, int64_t number)
{
    connection *c = e->connection;
    c->expected = (int64_t)((uint64_t)c->number + 1);
    c->came = number;
    fh_counter_add(e->writer, FH_COUNTER_GAPS, 1);
    e->holes.gaps++;
    if (number > c->expected)
        e->holes.missing += number - c->expected;
    else
        e->holes.unsized++;
    for (uint32_t i = 0; i < e->room; i++)
        if (e->markets[i])
            market_missed(e, e->markets[i], FH_REASON_GAP);
}

/* The number of a message that was understood, before what it says is applied. False: it is not the next one,
 * and what may have missed a message is lost; answer FEED_GAP with the rest. */
static inline bool engine_number(engine *e, int64_t number)
{
    connection *c = e->connection;
    bool next = !c->numbered || number == (int64_t)((uint64_t)c->number + 1);
    if (UNLIKELY(!next))
        connection_hole(e, number);
    c->numbered = true;
    c->number = number;
    return next;
}

/* ---- channels ------------------------------------------------------------------------------------ */

enum { BOUND_ROWS = 64, BOUND_MOST = 4096 };

ALWAYS_INLINE uint32_t bound_home(const connection *c, int64_t channel)
{
    return (uint32_t)((uint64_t)channel * 0x9e3779b97f4a7c15u >> 32) & c->bound_mask;
}

/* What the channel is of; NULL: no acknowledgement has said. */
static inline const bound *channel_find(const connection *c, int64_t channel)
{
    if (c->bounds == NULL)
        return NULL;
    for (uint32_t at = bound_home(c, channel); c->bounds[at].market; at = (at + 1) & c->bound_mask)
        if (c->bounds[at].channel == channel)
            return &c->bounds[at];
    return NULL;
}

static inline bool bound_is(const bound *b, const char *word, size_t length)
{
    return length < sizeof b->word && !memcmp(b->word, word, length) && b->word[length] == 0;
}

static void channel_place(connection *c, const bound *b)
{
    uint32_t at = bound_home(c, b->channel);
    while (c->bounds[at].market)
        at = (at + 1) & c->bound_mask;
    c->bounds[at] = *b;
}

static void channel_unbind(connection *c, int64_t channel)
{
    const bound *b = channel_find(c, channel);
    if (b == NULL)
        return;
    uint32_t hole = (uint32_t)(b - c->bounds);
    for (uint32_t at = (hole + 1) & c->bound_mask; c->bounds[at].market; at = (at + 1) & c->bound_mask)
        if (((at - bound_home(c, c->bounds[at].channel)) & c->bound_mask) >= ((at - hole) & c->bound_mask)) {
            c->bounds[hole] = c->bounds[at];
            hole = at;
        }
    c->bounds[hole].market = NULL;
    c->bound_count--;
}

/* False: no memory, or too many. */
static bool channel_bind(connection *c, int64_t channel, market *m, const char *word, size_t length)
{
    bound b = {.channel = channel, .market = m};
    memcpy(b.word, word, length < sizeof b.word ? length : sizeof b.word - 1);
    channel_unbind(c, channel);
    if (c->bound_count >= BOUND_MOST)
        return false;
    if (c->bounds == NULL || 2 * c->bound_count >= c->bound_mask) {
        connection old = {.bounds = c->bounds, .bound_mask = c->bound_mask};
        uint32_t rows = old.bounds ? 2 * (old.bound_mask + 1) : BOUND_ROWS;
        bound *bounds = (bound *)calloc(rows, sizeof *bounds);
        if (bounds == NULL)
            return false;
        c->bounds = bounds;
        c->bound_mask = rows - 1;
        for (uint32_t at = 0; old.bounds && at <= old.bound_mask; at++)
            if (old.bounds[at].market)
                channel_place(c, &old.bounds[at]);
        free(old.bounds);
    }
    channel_place(c, &b);
    c->bound_count++;
    return true;
}

/* So an acknowledgement says. If the number was another instrument's, what comes by it is that one's no more. */
static bool channel_taught(engine *e, connection *c, int64_t channel, market *m, const char *word, size_t length)
{
    const bound *b = channel_find(c, channel);
    if (UNLIKELY(b != NULL && b->market != m)) {
        e->connection = c;
        e->receive_ns = fh_now_ns();
        market_missed(e, b->market, FH_REASON_GAP);
    }
    return channel_bind(c, channel, m, word, length);
}

/* A session begins; also, the connection will have no other one. */
static inline void session_begin(connection *c)
{
    free(c->bounds);
    c->bounds = NULL;
    c->bound_count = 0;
    c->numbered = false;
}

#endif
