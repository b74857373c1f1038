/* What goes over the link: messages of records and of what changed in cells. docs/mirror.md has the format.
 *
 *   head, 88 bytes | records, 56 bytes each | runs, u32 each, padded to 8 | images
 *   an image: head, 24 bytes | spans, 4 bytes each, padded to 8 | words, 8 bytes each
 *
 * All of it is little-endian and begins at multiples of 8 bytes. A record is a slot of the ring without its stamp.
 */
#ifndef FEEDHANDLER_LINK_WIRE_H
#define FEEDHANDLER_LINK_WIRE_H

#include "feedhandler_shm.h"

#include <stdbool.h>
#include <stdlib.h>

#define LINK_MAGIC UINT32_C(0x4b4c4846) /* "FHLK" */
#define LINK_WIRE 1
#define LINK_RECORD_WORDS 7
#define LINK_ABSENT UINT32_C(0x80000000) /* a run of records that this stream does not carry */

enum link_kind { LINK_BATCH = 1, LINK_REPAIR = 2 };
enum link_flag { LINK_END = 1 }; /* the last message of a repair */
enum link_image_flag { LINK_WHOLE = 1 }; /* words that no span names are 0 */
enum link_region {
    LINK_DIRECTORY,
    LINK_QUOTES,
    LINK_BOOKS,
    LINK_CONNECTIONS,
    LINK_HISTOGRAMS,
    LINK_VENUE,
    LINK_REGIONS
};

typedef struct link_head {
    uint32_t magic;
    uint16_t wire;
    uint8_t kind, flags;
    uint64_t life;   /* of whoever publishes: another one knows nothing of what this one sent */
    uint64_t epoch;
    uint64_t number; /* of a batch in its stream, from 1; a repair makes whole all up to that one */
    uint64_t first, last; /* records; none: last is first - 1 */
    uint64_t until;  /* the last record of all up to `number` */
    uint64_t since;  /* of a repair: the batch after which something was missing */
    int64_t sent_ns;
    uint32_t bytes;  /* of all of it */
    uint32_t records, runs, images;
} link_head;

typedef struct link_image {
    uint8_t region, flags;
    uint16_t spans;
    uint32_t row;
    uint64_t base, stored; /* how often the source has stored that cell: then, and now */
} link_image;

typedef struct link_span {
    uint16_t at, count; /* words, from the cell's second one: the first is its stamp */
} link_span;

enum link_verdict { LINK_LIVES, LINK_STOPPED, LINK_SUPERSEDED, LINK_DIED, LINK_SILENT };

/* What the header of the source says, as one more cell. */
typedef struct link_venue {
    uint64_t stamp;
    uint32_t state, reason;
    int64_t state_ns, last_receive_ns;
    uint32_t verdict, hops; /* of the memory that is served: 0 is a feed's own */
    int64_t clock_offset_ns, clock_error_ns, late_ns;
    uint32_t instruments, connection_rows;
    uint64_t counters[FH_COUNTERS];
    char detail[128], source[128];
} link_venue;

FH_STATIC_ASSERT(sizeof(link_head) == 88, "head");
FH_STATIC_ASSERT(sizeof(link_image) == 24, "image");
FH_STATIC_ASSERT(sizeof(link_venue) % 8 == 0, "venue");

static inline size_t link_padded(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

/* ---- cells as they were last sent, or last came */

typedef struct link_shadow {
    uint32_t rows[LINK_REGIONS], first[LINK_REGIONS]; /* `first`: of all rows of all regions */
    uint32_t size[LINK_REGIONS];                      /* words of a cell */
    size_t begin[LINK_REGIONS];
    uint32_t depth;
    fh_word *words;
    uint64_t *stamps;  /* by row: as the source counts */
    uint64_t *numbers; /* by row: the batch that brought it */
} link_shadow;

static bool link_shadow_open(link_shadow *s, uint32_t instruments, uint32_t depth, uint32_t connections)
{
    const uint32_t rows[LINK_REGIONS] = {instruments, instruments, instruments, connections, FH_HISTOGRAMS, 1};
    const uint32_t bytes[LINK_REGIONS] = {sizeof(fh_instrument), sizeof(fh_quote), fh_book_copy_bytes(depth),
                                          sizeof(fh_connection), 8 + 8 * FH_HISTOGRAM_BUCKETS,
                                          sizeof(link_venue)};
    uint32_t all = 0;
    size_t words = 0;
    memset(s, 0, sizeof *s);
    s->depth = depth;
    for (int region = 0; region < LINK_REGIONS; region++) {
        s->rows[region] = rows[region];
        s->size[region] = bytes[region] / 8;
        s->first[region] = all;
        s->begin[region] = words;
        all += rows[region];
        words += (size_t)rows[region] * s->size[region];
    }
    s->words = (fh_word *)calloc(words, 8);
    s->stamps = (uint64_t *)calloc(all, sizeof *s->stamps);
    s->numbers = (uint64_t *)calloc(all, sizeof *s->numbers);
    return s->words && s->stamps && s->numbers;
}

static void link_shadow_close(link_shadow *s)
{
    free(s->words);
    free(s->stamps);
    free(s->numbers);
    memset(s, 0, sizeof *s);
}

static inline fh_word *link_cell(const link_shadow *s, int region, uint32_t row)
{
    return s->words + s->begin[region] + (size_t)row * s->size[region];
}

static inline uint64_t *link_stamp(const link_shadow *s, int region, uint32_t row)
{
    return &s->stamps[s->first[region] + row];
}

static inline uint64_t *link_number(const link_shadow *s, int region, uint32_t row)
{
    return &s->numbers[s->first[region] + row];
}

#endif
