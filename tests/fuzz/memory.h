/* The target of the readers of memory: a small segment, damaged by the input (an offset of two bytes and
 * eight bytes that are put there, again and again), read whole. Nothing outside it is touched, nothing
 * takes for ever, and what is called whole has the stamp that it must have. */
#ifndef FEEDHANDLER_FUZZ_MEMORY_H
#define FEEDHANDLER_FUZZ_MEMORY_H

#include "segment.h"

static heap_segment the_segment; /* filled once */

static void memory_open(void)
{
    segment_open(&the_segment);
    fh_writer *w = &the_segment.writer;
    for (uint32_t i = 0; i < SEGMENT_INSTRUMENTS; i++) {
        fh_instrument entry = {0};
        fh_quote quote = {0};
        fh_book_head head = {0};
        entry.symbol[0] = (char)('A' + i);
        fh_directory_add(w, &entry);
        for (int store = 0; store < 3; store++) {
            fh_quote_store(w, i, &quote);
            FH_STORE(fh_book_begin(w, i, &head), 7);
            fh_book_end(w, i);
        }
    }
    for (int i = 0; i < 3 * SEGMENT_SLOTS; i++) {
        fh_message_begin_at(w, 0, 0, 0, 1, 2, 3, 4);
        for (int record = 0; record < 1 + i % 3; record++)
            fh_message_add(w, FH_KIND_LEVEL, FH_BID, i, 1, 0);
        fh_message_end(w);
    }
    fh_publish(w);
}

static void check_latch(const fh_word *cell, size_t copy)
{
    fh_word out[256];
    int status = fh_latch_read(cell, copy, out, copy / 8);
    if (status == FH_READ_OK)
        CHECK(out[0] % 2 == 0 && out[0] != 0, "stamp %llu", (unsigned long long)out[0]);
}

static void memory_input(const uint8_t *data, size_t size)
{
    if (the_segment.data == NULL)
        memory_open();
    heap_segment s = the_segment;
    const fh_header *layout = the_segment.writer.header;
    s.data = exact_copy(the_segment.data, s.size);
    uint32_t row = size ? data[size - 1] % SEGMENT_INSTRUMENTS : 0; /* damage costs a million tries */
    for (; size >= 10; data += 10, size -= 10) {
        size_t at = (size_t)(data[0] | data[1] << 8) * 8 % (s.size / 8 * 8);
        memcpy(s.data + at, data + 2, 8);
    }
    check_latch(segment_cell(&s, &layout->directory, row), sizeof(fh_instrument));
    check_latch(segment_cell(&s, &layout->quotes, row), sizeof(fh_quote));
    check_latch(segment_cell(&s, &layout->books, row), fh_book_copy_bytes(SEGMENT_DEPTH));
    const fh_slot *ring = (const fh_slot *)(s.data + layout->ring.offset);
    const fh_header *header = (const fh_header *)s.data;
    uint64_t at, published = FH_LOAD(&header->published);
    fh_join_try(header, ring, SEGMENT_SLOTS - 1, &at);
    for (uint64_t n = published - SEGMENT_SLOTS, i = 0; i < 2 * SEGMENT_SLOTS; n++, i++) {
        fh_slot slot;
        if (fh_slot_read(ring, SEGMENT_SLOTS - 1, n, &slot) != FH_READ_OK)
            continue;
        CHECK(slot.stamp == 2 * n, "record %llu has stamp %llu", (unsigned long long)n,
              (unsigned long long)slot.stamp);
        fh_value(slot.price, (int)slot.size);
        fh_value(slot.price, (int)slot.aux);
    }
    free(s.data);
}

#endif
