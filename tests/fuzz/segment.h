/* A segment in the heap, laid out as shm.segment lays it out: what is touched past it is found. */
#ifndef FEEDHANDLER_FUZZ_SEGMENT_H
#define FEEDHANDLER_FUZZ_SEGMENT_H

#include "feedhandler_shm.h"

#include "check.h"

typedef struct heap_segment {
    uint8_t *data;
    size_t size;
    fh_control control;
    fh_readers readers;
    fh_writer writer;
} heap_segment;

#ifndef SEGMENT_SLOTS /* others may want more */
#define SEGMENT_INSTRUMENTS 6
#define SEGMENT_DEPTH 5
#define SEGMENT_SLOTS 256
#endif

static inline uint64_t segment_region(fh_region *region, uint64_t at, uint32_t stride, uint32_t count,
                                      uint64_t align)
{
    region->offset = (at + align - 1) / align * align;
    region->stride = stride;
    region->count = count;
    return region->offset + (uint64_t)stride * count;
}

static inline void segment_open(heap_segment *s)
{
    fh_header layout;
    memset(&layout, 0, sizeof layout);
    uint64_t end = FH_HEADER_BYTES;
    uint32_t cell = fh_cell_stride(sizeof(fh_quote));
    end = segment_region(&layout.directory, end, fh_cell_stride(sizeof(fh_instrument)),
                         SEGMENT_INSTRUMENTS, 128);
    end = segment_region(&layout.quotes, end, cell, SEGMENT_INSTRUMENTS, 128);
    end = segment_region(&layout.books, end, fh_cell_stride(fh_book_copy_bytes(SEGMENT_DEPTH)),
                         SEGMENT_INSTRUMENTS, 128);
    end = segment_region(&layout.connections, end, fh_cell_stride(sizeof(fh_connection)), 1, 128);
    end = segment_region(&layout.histograms, end, FH_HISTOGRAM_BUCKETS * 8, FH_HISTOGRAMS, 128);
    end = segment_region(&layout.ring, end, sizeof(fh_slot), SEGMENT_SLOTS, 4096);
    layout.book_depth = SEGMENT_DEPTH;
    memset(s, 0, sizeof *s);
    s->size = end;
    s->data = (uint8_t *)aligned_alloc(4096, (end + 4095) / 4096 * 4096);
    CHECK(s->data != NULL, "no memory");
    memset(s->data, 0, end);
    memcpy(s->data, &layout, sizeof layout);
    fh_writer_open(&s->writer, s->data, &s->control, &s->readers);
}

static inline void segment_close(heap_segment *s)
{
    free(s->data);
    memset(s, 0, sizeof *s);
}

static inline const fh_word *segment_cell(const heap_segment *s, const fh_region *region, uint32_t row)
{
    return (const fh_word *)(s->data + region->offset + (uint64_t)row * region->stride);
}

#endif
