/* A venue whose books may be crossed, and that says how they are to be uncrossed: there is no one book, and
 * what is old is removed late.
 *
 * Of two levels that cross, the one that was said earlier goes. Of two that were said in one message the
 * smaller size is taken off the larger one. A book that was not crossed before is crossed by what has just come:
 * so it is known which of two levels is the older one, without a number for each. What went is not in the book
 * until the venue says it again. Readers see it in the message that it follows from.
 */
#ifndef FEEDHANDLER_ENGINE_UNCROSS_H
#define FEEDHANDLER_ENGINE_UNCROSS_H

#include "book_write.h"

/* Of a message that goes on. */
static void records_levels(engine *e, uint8_t side, const level *levels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fh_message_add(e->writer, FH_KIND_LEVEL, side, levels[i].price, levels[i].size, 0);
}

/* Is this level of a message's? */
static bool level_said_in(const level *levels, uint32_t count, int64_t price)
{
    for (uint32_t i = 0; i < count; i++)
        if (levels[i].price == price && levels[i].size)
            return true;
    return false;
}

static bool uncross_set(engine *e, market *m, uint8_t side, int64_t price, int64_t size)
{
    const level one = {price, size};
    records_levels(e, side, &one, 1);
    return book_set(&m->book, side, &one, 1);
}

/* `full`: all of the book was said at once. */
static bool book_uncross(engine *e, market *m, const level *bids, uint32_t bid_count, const level *asks,
                         uint32_t ask_count, bool full)
{
    bool fits = true;
    while (book_crossed(&m->book)) {
        const level bid = *side_best(&m->book.bids), ask = *side_best(&m->book.asks);
        bool bid_new = full || level_said_in(bids, bid_count, bid.price);
        bool ask_new = full || level_said_in(asks, ask_count, ask.price);
        int64_t both = bid_new != ask_new ? 0 : bid.size < ask.size ? bid.size : ask.size;
        if (both ? bid.size == both : ask_new)
            fits &= uncross_set(e, m, FH_BID, bid.price, 0);
        else if (both)
            fits &= uncross_set(e, m, FH_BID, bid.price, bid.size - both);
        if (both ? ask.size == both : bid_new)
            fits &= uncross_set(e, m, FH_ASK, ask.price, 0);
        else if (both)
            fits &= uncross_set(e, m, FH_ASK, ask.price, ask.size - both);
    }
    return fits;
}

/* As book_write, and uncrossed in the same message. */
COLD bool book_write_uncrossed(engine *e, market *m, const level *levels, uint32_t count, uint32_t first_count,
                               uint8_t first_side, bool full, uint8_t flags, int64_t exchange_ns,
                               int64_t receive_ns)
{
    const level *second = levels + first_count;
    uint32_t second_count = count - first_count;
    uint8_t second_side = first_side ^ 1;
    bool bids_first = first_side == FH_BID;
    records_begin(e, m, flags | (full ? FH_FLAG_SNAPSHOT : 0), exchange_ns, receive_ns,
                  (uint64_t)m->sequence.place);
    fh_message_sent(e->writer, m->head.sent_ns);
    if (full) {
        fh_message_add(e->writer, FH_KIND_CLEAR, 0, 0, 0, 0);
        book_clear(&m->book);
    }
    records_levels(e, first_side, levels, first_count);
    records_levels(e, second_side, second, second_count);
    m->head.exchange_ns = exchange_ns;
    m->head.receive_ns = receive_ns;
    bool fits = full ? book_fill(&m->book, first_side, levels, first_count) &
                           book_fill(&m->book, second_side, second, second_count)
                     : book_set(&m->book, first_side, levels, first_count) &
                           book_set(&m->book, second_side, second, second_count);
    fits &= book_uncross(e, m, bids_first ? levels : second, bids_first ? first_count : second_count,
                         bids_first ? second : levels, bids_first ? second_count : first_count, full);
    fh_message_end(e->writer);
    return fits;
}

#endif
