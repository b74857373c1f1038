/* The floor of `api`: the same reads in C, by the contract's header, in native loops.
 *
 * What is read is summed up, so that no compiler leaves it out.
 */
#ifndef FEEDHANDLER_BENCH_READS_H
#define FEEDHANDLER_BENCH_READS_H

#include "feedhandler_shm.h"

static inline int64_t reads_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static volatile uint64_t reads_sink;

static const fh_word *reads_cell(const fh_writer *w, const fh_region *region, uint64_t row)
{
    return (const fh_word *)(w->base + region->offset + row * region->stride);
}

/* A look whether there is anything new: nanoseconds of all `count`. */
static int64_t reads_poll(const fh_writer *w, uint64_t count)
{
    int64_t begin = reads_now();
    uint64_t sum = 0, next = w->next;
    for (uint64_t i = 0; i < count; i++)
        sum += FH_LOAD_ACQUIRE(&w->header->published) >= next;
    reads_sink = sum;
    return reads_now() - begin;
}

/* `records` of the ring's last, one after another. */
static int64_t reads_records(const fh_writer *w, uint64_t records, uint64_t count)
{
    fh_slot slot;
    int64_t begin = reads_now();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t published = FH_LOAD_ACQUIRE(&w->header->published);
        for (uint64_t n = published - records + 1; n <= published; n++)
            if (fh_slot_read(w->ring, w->mask, n, &slot) == FH_READ_OK)
                sum += (uint64_t)slot.price;
    }
    reads_sink = sum;
    return reads_now() - begin;
}

static int64_t reads_quote(const fh_writer *w, uint64_t count)
{
    fh_quote quote;
    int64_t begin = reads_now();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        if (fh_latch_read(reads_cell(w, &w->header->quotes, 0), sizeof quote, (fh_word *)&quote,
                          FH_QUOTE_WORDS) == FH_READ_OK)
            sum += (uint64_t)quote.bid_price;
    reads_sink = sum;
    return reads_now() - begin;
}

/* The head and `levels` a side of a book: two stretches of one copy. */
static int64_t reads_book(const fh_writer *w, uint32_t levels, uint64_t count)
{
    enum { MOST = 1000, HEAD = sizeof(fh_book_head) / 8 };
    fh_word words[HEAD + 4 * MOST];
    if (levels > w->depth || levels > MOST)
        return -1;
    int64_t begin = reads_now();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        const fh_word *cell = reads_cell(w, &w->header->books, 0);
        uint64_t n = FH_LOAD_ACQUIRE(cell);
        const fh_word *copy = cell + FH_CELL_HEAD / 8 + (n & 1) * (w->book_bytes / 8);
        uint64_t stamp = FH_LOAD_ACQUIRE(copy);
        fh_words_out(copy + 1, words + 1, HEAD - 1 + 2 * levels);
        fh_words_out(copy + HEAD + 2 * w->depth, words + HEAD + 2 * levels, 2 * levels);
        FH_FENCE_ACQUIRE();
        if (FH_LOAD(copy) == stamp)
            sum += words[HEAD];
    }
    reads_sink = sum;
    return reads_now() - begin;
}

/* The quote cells of so many instruments, the first ones. */
static int64_t reads_board(const fh_writer *w, uint32_t most, uint64_t count)
{
    fh_quote quote;
    uint32_t rows = FH_LOAD(&w->header->instruments);
    if (rows > most)
        rows = most;
    int64_t begin = reads_now();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        for (uint32_t row = 0; row < rows; row++)
            if (fh_latch_read(reads_cell(w, &w->header->quotes, row), sizeof quote,
                              (fh_word *)&quote, FH_QUOTE_WORDS) == FH_READ_OK)
                sum += (uint64_t)quote.bid_price;
    reads_sink = sum;
    return reads_now() - begin;
}

#endif
