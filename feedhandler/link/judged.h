/* What a mirror knows, and by that whether a message is one for it: looked at to its last byte, nothing is written.
 *
 * Who may publish can say what is not so. But nothing that he says may be out of bounds, or be added to something and
 * wrap, or have records skipped: then one message would be wrong for good.
 */
#ifndef FEEDHANDLER_LINK_JUDGED_H
#define FEEDHANDLER_LINK_JUDGED_H

#include "wire.h"

typedef struct link_mirror {
    fh_writer *writer;
    link_shadow shadow;
    fh_word *cell; /* to change a copy of one */
    uint64_t epoch, lost;
    uint32_t state, reason; /* what every book is called instead; 0: what the source calls it */
    int64_t since_ns;
    char detail[128];
} link_mirror;

static void link_mirror_close(link_mirror *m)
{
    link_shadow_close(&m->shadow);
    free(m->cell);
    m->cell = NULL;
}

static bool link_mirror_open(link_mirror *m, fh_writer *writer, uint64_t epoch, uint32_t connections)
{
    memset(m, 0, sizeof *m);
    m->writer = writer;
    m->epoch = epoch;
    if (!link_shadow_open(&m->shadow, writer->instruments, writer->depth, connections))
        return false;
    m->cell = (fh_word *)calloc(m->shadow.size[LINK_BOOKS], 8);
    return m->cell != NULL;
}

/* ---- a message, looked at */

typedef struct link_message {
    const link_head *head;
    const fh_word *records;
    const unsigned char *runs;
    const unsigned char *images, *end;
} link_message;

static inline uint32_t link_run_at(const link_message *message, uint32_t i)
{
    uint64_t two = ((const fh_word *)message->runs)[i / 2];
    return (uint32_t)(i & 1 ? two >> 32 : two);
}

/* One image of a message, its parts found. */
typedef struct link_found {
    const link_image *head;
    const link_span *spans;
    const fh_word *words;
} link_found;

/* The image at `at`, and where the next one begins; NULL: it is not whole. */
static const unsigned char *link_find(const unsigned char *at, const unsigned char *end, link_found *found)
{
    if ((size_t)(end - at) < sizeof(link_image))
        return NULL;
    found->head = (const link_image *)at;
    at += sizeof(link_image);
    size_t spans = link_padded((size_t)found->head->spans * sizeof(link_span));
    if ((size_t)(end - at) < spans)
        return NULL;
    found->spans = (const link_span *)at;
    at += spans;
    found->words = (const fh_word *)at;
    size_t words = 0;
    for (uint32_t i = 0; i < found->head->spans; i++)
        words += found->spans[i].count;
    return (size_t)(end - at) / 8 < words ? NULL : at + words * 8;
}

/* A word of a cell as an image makes it. */
static fh_word link_becomes(const link_found *found, const fh_word *before, uint32_t word)
{
    const fh_word *words = found->words;
    for (uint32_t i = 0; i < found->head->spans; i++) {
        const link_span *span = &found->spans[i];
        if (span->at <= word && word < span->at + span->count)
            return words[word - span->at];
        words += span->count;
    }
    return found->head->flags & LINK_WHOLE ? 0 : before[word];
}

/* Nothing true is beyond, not even a clock that begins in 1970; and sums of what is below stay within 64 bits. */
#define LINK_MOST_NS (INT64_C(1) << 61)
#define LINK_MOST_HOPS 1024
#define LINK_LATEST_NS (INT64_C(1) << 62)
#define LINK_LAST (UINT64_C(1) << 62) /* no record is beyond */

/* What the header of a source may say: numbers that are added to, and words that readers know. */
static bool link_wrong_venue(const link_found *found, const fh_word *before)
{
    link_venue v;
    for (uint32_t i = 1; i < offsetof(link_venue, instruments) / 8; i++)
        ((fh_word *)&v)[i] = link_becomes(found, before, i);
    return v.state >= FH_STATE_END || v.reason >= FH_REASON_END || v.verdict > LINK_SILENT ||
           v.hops > LINK_MOST_HOPS || v.clock_offset_ns > LINK_MOST_NS || v.clock_offset_ns < -LINK_MOST_NS ||
           v.clock_error_ns < 0 || v.clock_error_ns > LINK_MOST_NS || v.late_ns < -LINK_MOST_NS ||
           v.late_ns > LINK_MOST_NS;
}

/* A byte of a cell as an image makes it. */
static uint8_t link_byte(const link_found *found, const fh_word *before, size_t at)
{
    return (uint8_t)(link_becomes(found, before, (uint32_t)(at / 8)) >> at % 8 * 8);
}

static const char *link_wrong_image(const link_mirror *m, const link_found *found, uint32_t *rows)
{
    const link_image *image = found->head;
    if (image->region >= LINK_REGIONS || image->row >= m->shadow.rows[image->region])
        return "an image of a cell that this memory has not";
    uint32_t size = m->shadow.size[image->region], before = 1;
    for (uint32_t i = 0; i < image->spans; i++) {
        const link_span *span = &found->spans[i];
        if (span->at < before || !span->count || span->at + span->count > size)
            return "an image with words that its cell has not";
        before = span->at + span->count;
    }
    if (image->stored == 0 || image->stored > UINT64_MAX / 2)
        return "an image of a cell that was never stored";
    uint64_t have = *link_stamp(&m->shadow, image->region, image->row);
    if (!(image->flags & LINK_WHOLE) && image->base != have)
        return "a change of a cell whose former state did not come";
    const fh_word *cell = link_cell(&m->shadow, image->region, image->row);
    if (image->region == LINK_BOOKS) {
        uint64_t counts = link_becomes(found, cell, offsetof(fh_book_head, bids) / 8);
        if ((counts & 0xffff) > m->shadow.depth || (counts >> 16 & 0xffff) > m->shadow.depth)
            return "a book with more levels than this memory has";
        if (link_byte(found, cell, offsetof(fh_book_head, state)) >= FH_STATE_END ||
            link_byte(found, cell, offsetof(fh_book_head, reason)) >= FH_REASON_END)
            return "a book with a state that is none";
    } else if (image->region == LINK_QUOTES) {
        if (link_byte(found, cell, offsetof(fh_quote, state)) >= FH_STATE_END ||
            link_byte(found, cell, offsetof(fh_quote, reason)) >= FH_REASON_END)
            return "a quote with a state that is none";
    } else if (image->region == LINK_DIRECTORY) {
        if ((uint32_t)link_becomes(found, cell, offsetof(fh_instrument, id) / 8) != image->row)
            return "a row of the directory that is another one";
        if (image->row > *rows)
            return "a row of the directory before those above it";
        *rows = image->row == *rows ? *rows + 1 : *rows;
    } else if (image->region == LINK_VENUE && link_wrong_venue(found, cell)) {
        return "a header with what no header has";
    }
    return NULL;
}

static const char *link_wrong_records(const link_message *message, uint32_t rows)
{
    const link_head *head = message->head;
    const fh_word *record = message->records;
    uint64_t count = 0, present = 0;
    bool open = false;
    for (uint32_t i = 0; i < head->runs; i++) {
        uint32_t run = link_run_at(message, i);
        count += run & ~LINK_ABSENT;
        present += run & LINK_ABSENT ? 0 : run;
        if (!(run & ~LINK_ABSENT))
            return "an empty run of records";
    }
    if (head->first == 0 || head->last + 1 - head->first != count || present != head->records)
        return "records that are not as many as it says";
    if (head->until > LINK_LAST || head->first > head->until + 1 || head->last > head->until)
        return "records beyond the last one that it says there is";
    if (head->last != head->until && (head->kind == LINK_BATCH || head->flags & LINK_END))
        return "records that end before the last one that it says there is";
    for (uint32_t i = 0; i < head->records; i++, record += LINK_RECORD_WORDS) {
        uint32_t instrument = (uint32_t)record[0];
        uint8_t kind = (uint8_t)(record[0] >> 32), flags = (uint8_t)(record[0] >> 40);
        if (instrument != FH_NO_INSTRUMENT && instrument >= rows)
            return "a record of an instrument that the directory has not";
        if (kind == 0 || !(flags & FH_FLAG_FIRST) != open)
            return "messages that are not whole";
        open = !(flags & FH_FLAG_LAST);
    }
    return open ? "messages that are not whole" : NULL;
}

/* What is wrong with a message of this memory's geometry; NULL: nothing, and its parts are found. */
static const char *link_wrong(const link_mirror *m, const unsigned char *bytes, size_t size, link_message *message)
{
    const link_head *head = message->head = (const link_head *)bytes;
    if (size < sizeof *head || size % 8 || head->magic != LINK_MAGIC)
        return "no message of this kind";
    if (head->wire != LINK_WIRE)
        return "another version of the format";
    if (head->bytes != size)
        return "another length than it says";
    if (head->kind != LINK_BATCH && head->kind != LINK_REPAIR)
        return "neither a batch nor a repair";
    size_t left = size - sizeof *head, records = (size_t)head->records * LINK_RECORD_WORDS * 8;
    if (head->number == 0 || head->epoch != m->epoch)
        return "of another epoch";
    if (head->sent_ns < 0 || head->sent_ns > LINK_LATEST_NS)
        return "sent at a time that is none";
    if (left < records || left - records < link_padded((size_t)head->runs * 4))
        return "shorter than its records";
    message->records = (const fh_word *)(head + 1);
    message->runs = bytes + sizeof *head + records;
    message->images = message->runs + link_padded((size_t)head->runs * 4);
    message->end = bytes + size;
    const unsigned char *at = message->images;
    uint32_t rows = FH_LOAD(&m->writer->header->instruments);
    for (uint32_t i = 0; i < head->images; i++) {
        link_found found;
        at = link_find(at, message->end, &found);
        if (at == NULL)
            return "shorter than its images";
        const char *wrong = link_wrong_image(m, &found, &rows);
        if (wrong)
            return wrong;
    }
    if (at != message->end)
        return "longer than its images";
    if (head->kind == LINK_BATCH && head->first > m->writer->next)
        return "a batch with records whose former ones did not come";
    return link_wrong_records(message, rows);
}

#endif
