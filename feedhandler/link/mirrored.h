/* Messages of a source into memory of the same contract: the writer's half of the link.
 *
 * A message is looked at to its last byte before anything is written (`judged.h`). Then rows of the directory are
 * stored, then records, then the other cells; then `published` moves: what a reader finds in a cell is never older
 * than the records that it can see. What the source's cells say is kept besides, since the memory says something else
 * while this mirror is not in step.
 */
#ifndef FEEDHANDLER_LINK_MIRRORED_H
#define FEEDHANDLER_LINK_MIRRORED_H

#include "judged.h"

static void link_store(link_mirror *m, int region, uint32_t row)
{
    fh_writer *w = m->writer;
    const fh_word *words = link_cell(&m->shadow, region, row);
    const fh_region *where = region == LINK_QUOTES ? &w->header->quotes : &w->header->books;
    const uint32_t size = m->shadow.size[region];
    uint8_t state = region == LINK_QUOTES ? ((const fh_quote *)words)->state : ((const fh_book_head *)words)->state;
    if (m->state && state != FH_STATE_NONE && state != FH_STATE_CLOSED) {
        for (uint32_t i = 1; i < size; i++)
            m->cell[i] = words[i];
        fh_quote *q = (fh_quote *)m->cell;
        fh_book_head *b = (fh_book_head *)m->cell;
        if (region == LINK_QUOTES) {
            q->state = (uint8_t)m->state;
            q->reason = (uint8_t)m->reason;
            q->state_ns = m->since_ns;
        } else {
            b->state = (uint8_t)m->state;
            b->reason = (uint8_t)m->reason;
            b->state_ns = m->since_ns;
        }
        words = m->cell;
    }
    fh_word *cell = (fh_word *)(w->base + where->offset + (uint64_t)row * where->stride);
    fh_word *copy = fh_latch_begin(cell, (size_t)size * 8);
    fh_words_in(copy + 1, words + 1, size - 1);
    fh_latch_end(cell, (size_t)size * 8);
}

/* What the header says of the venue: what the source's does, or why that is not to be believed now. */
static void link_store_venue(link_mirror *m)
{
    fh_header *h = m->writer->header;
    const link_venue *v = (const link_venue *)link_cell(&m->shadow, LINK_VENUE, 0);
    bool ours = m->state && v->state != FH_STATE_CLOSED;
    FH_STORE(&h->state_ns, ours ? m->since_ns : v->state_ns);
    fh_words_in((fh_word *)h->detail, (const fh_word *)(ours ? m->detail : v->detail), sizeof v->detail / 8);
    FH_STORE(&h->reason, ours ? m->reason : v->reason);
    FH_STORE_RELEASE(&h->state, ours ? m->state : v->state);
    FH_STORE(&h->last_receive_ns, v->last_receive_ns);
    for (int i = 0; i < FH_COUNTERS; i++)
        if (i != FH_COUNTER_WAKES)
            FH_STORE(&h->counters[i], v->counters[i]);
}

static void link_store_any(link_mirror *m, int region, uint32_t row)
{
    fh_writer *w = m->writer;
    const fh_word *words = link_cell(&m->shadow, region, row);
    switch (region) {
    case LINK_DIRECTORY:
        fh_directory_update(w, row, (const fh_instrument *)words);
        if (row == FH_LOAD(&w->header->instruments))
            FH_STORE_RELEASE(&w->header->instruments, row + 1);
        break;
    case LINK_QUOTES:
    case LINK_BOOKS: link_store(m, region, row); break;
    case LINK_CONNECTIONS: fh_connection_store(w, row, (const fh_connection *)words); break;
    case LINK_HISTOGRAMS: {
        const fh_region *where = &w->header->histograms;
        uint64_t *buckets = (uint64_t *)(w->base + where->offset + (uint64_t)row * where->stride);
        for (int i = 0; i < FH_HISTOGRAM_BUCKETS; i++)
            FH_STORE(buckets + i, words[i + 1]);
        break;
    }
    default: link_store_venue(m);
    }
}

static void link_take_images(link_mirror *m, const link_message *message, bool directory)
{
    const unsigned char *at = message->images;
    for (uint32_t i = 0; i < message->head->images; i++) {
        link_found found;
        at = link_find(at, message->end, &found);
        if (at == NULL)
            return; /* it was looked at */
        const link_image *image = found.head;
        if ((image->region == LINK_DIRECTORY) != directory)
            continue;
        fh_word *words = link_cell(&m->shadow, image->region, image->row);
        if (image->flags & LINK_WHOLE)
            memset(words, 0, (size_t)m->shadow.size[image->region] * 8);
        const fh_word *from = found.words;
        for (uint32_t j = 0; j < image->spans; j++)
            for (uint32_t k = 0; k < found.spans[j].count; k++)
                words[found.spans[j].at + k] = *from++;
        *link_stamp(&m->shadow, image->region, image->row) = image->stored;
        link_store_any(m, image->region, image->row);
    }
}

/* Records up to there are not to be had. Readers find their places as if they were being written over. */
static void link_skip(link_mirror *m, uint64_t to)
{
    fh_writer *w = m->writer;
    uint64_t slots = w->mask + 1, n = to > slots && w->next < to - slots ? to - slots : w->next;
    for (; n < to; n++)
        fh_slot_lose(w->ring, w->mask, n);
    w->next = to;
}

/* A message that was looked at; a repair's may begin beyond the next record. `counts`: what is skipped is lost. */
static void link_apply(link_mirror *m, const link_message *message, bool counts)
{
    fh_writer *w = m->writer;
    const link_head *head = message->head;
    const fh_word *record = message->records;
    const uint64_t absent = FH_NO_INSTRUMENT | (uint64_t)FH_KIND_ABSENT << 32 |
                            (uint64_t)(FH_FLAG_FIRST | FH_FLAG_LAST) << 40;
    link_take_images(m, message, true);
    if (head->first > w->next) {
        m->lost += counts ? head->first - w->next : 0;
        link_skip(m, head->first);
    }
    uint64_t n = head->first;
    for (uint32_t i = 0; i < head->runs; i++) {
        uint32_t run = link_run_at(message, i), count = run & ~LINK_ABSENT;
        for (uint32_t j = 0; j < count; j++, n++) {
            if (n < w->next) {
                record += run & LINK_ABSENT ? 0 : LINK_RECORD_WORDS;
            } else if (run & LINK_ABSENT) {
                fh_slot_write(w->ring, w->mask, n, absent, 0, 0, 0, 0, 0, 0);
            } else {
                fh_slot_write(w->ring, w->mask, n, record[0], (int64_t)record[1], (int64_t)record[2], record[3],
                              (int64_t)record[4], (int64_t)record[5], record[6]);
                record += LINK_RECORD_WORDS;
            }
        }
    }
    bool some = n > w->next;
    w->next = some ? n : w->next;
    link_take_images(m, message, false);
    fh_publish(w);
    if (some) {
        w->publish_ns = fh_now_ns();
        fh_wake(w);
    }
}

/* Every book is called so from now on; state 0: as the source calls it. */
static void link_call(link_mirror *m, uint32_t state, uint32_t reason, int64_t since_ns)
{
    bool same = m->state == state && m->reason == reason;
    m->state = state;
    m->reason = reason;
    m->since_ns = since_ns;
    link_store_venue(m);
    if (same)
        return;
    for (int region = LINK_QUOTES; region <= LINK_BOOKS; region++)
        for (uint32_t row = 0; row < m->shadow.rows[region]; row++)
            if (*link_stamp(&m->shadow, region, row))
                link_store(m, region, row);
}

#endif
