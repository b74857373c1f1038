/* A venue's memory as one stream of messages: the reader's half of the link.
 *
 * A batch has whole messages of the ring, and what they changed: cells are read after `published`, so that they
 * are never older than the records; rows of the directory after the cells, since a row is stored before what is
 * under it. Cells go as differences from what went before, so a copy of that is kept; a repair is made of the copy.
 */
#ifndef FEEDHANDLER_LINK_SOURCE_H
#define FEEDHANDLER_LINK_SOURCE_H

#include "out.h"
#include "shm/mapped.h"

#define LINK_ALWAYS (1ull << FH_KIND_STATE | 1ull << FH_KIND_WRITER | 1ull << FH_KIND_DEFINITION)

enum link_result { LINK_LAPPED = -1, LINK_DAMAGED = -2, LINK_NO_MEMORY = -3 };

typedef struct link_source {
    fh_mapped memory;
    link_shadow shadow;
    link_out out;
    uint64_t life, number, next; /* `next`: the first record that has not been sent */
    uint32_t rows;               /* of the directory: those that were sent */
    uint64_t kinds;              /* by bit: a message without any of these is left out */
    uint8_t *wanted;             /* by row; NULL: all of them */
    uint32_t judged;             /* rows of which `wanted` says something */
    uint8_t *touched;
    uint32_t *list, listed;
    fh_word *cell, *zeros;
} link_source;

static void link_source_close(link_source *s)
{
    link_shadow_close(&s->shadow);
    link_out_close(&s->out);
    free(s->wanted);
    free(s->touched);
    free(s->list);
    free(s->cell);
    free(s->zeros);
    memset(s, 0, sizeof *s);
}

static bool link_source_open(link_source *s, const fh_mapped *memory, uint64_t life, uint64_t kinds, bool choose)
{
    const fh_header *plan = memory->plan;
    uint32_t rows = plan->directory.count, room;
    memset(s, 0, sizeof *s);
    s->memory = *memory;
    s->life = life;
    s->kinds = kinds;
    if (!link_shadow_open(&s->shadow, rows, plan->book_depth, plan->connections.count))
        return false;
    room = s->shadow.size[LINK_BOOKS] > s->shadow.size[LINK_HISTOGRAMS] ? s->shadow.size[LINK_BOOKS]
                                                                        : s->shadow.size[LINK_HISTOGRAMS];
    s->touched = (uint8_t *)calloc(rows, 1);
    s->list = (uint32_t *)calloc(rows, sizeof *s->list);
    s->cell = (fh_word *)calloc(room, 8);
    s->zeros = (fh_word *)calloc(room, 8);
    s->wanted = choose ? (uint8_t *)calloc(rows, 1) : NULL;
    return s->touched && s->list && s->cell && s->zeros && (s->wanted || !choose);
}

static inline bool link_wants(const link_source *s, uint32_t row) { return !s->wanted || s->wanted[row]; }
static inline bool link_has_books(const link_source *s) { return s->kinds >> FH_KIND_LEVEL & 1; }

/* ---- cells */

/* `s->cell` is what the cell is now, counted `stamp`: sent if it is another than was sent last. */
static void link_send(link_source *s, int region, uint32_t row, uint64_t stamp)
{
    link_shadow *was = &s->shadow;
    uint64_t *before = link_stamp(was, region, row);
    fh_word *words = link_cell(was, region, row);
    uint32_t size = was->size[region];
    link_out_image(&s->out, region, row, *before, stamp, *before == 0, s->cell, words, size);
    for (uint32_t i = 1; i < size; i++)
        words[i] = s->cell[i];
    *before = stamp;
    *link_number(was, region, row) = s->number + 1;
}

static int link_latched(link_source *s, int region, const fh_region *where, uint32_t row, size_t copy)
{
    const fh_word *cell = (const fh_word *)(s->memory.base + where->offset + (uint64_t)row * where->stride);
    if (FH_LOAD_ACQUIRE(cell) == *link_stamp(&s->shadow, region, row))
        return 0;
    int status = fh_latch_read(cell, copy, s->cell, copy / 8);
    if (status != FH_READ_OK)
        return status == FH_READ_EMPTY ? 0 : LINK_DAMAGED;
    if (region == LINK_BOOKS) {
        const fh_book_head *head = (const fh_book_head *)s->cell;
        const uint32_t depth = s->shadow.depth, begin = sizeof *head / 8;
        if (head->bids > depth || head->asks > depth)
            return LINK_DAMAGED;
        for (uint32_t i = 2 * head->bids; i < 2 * depth; i++) /* what is there is no data */
            s->cell[begin + i] = 0;
        for (uint32_t i = 2 * head->asks; i < 2 * depth; i++)
            s->cell[begin + 2 * depth + i] = 0;
    }
    link_send(s, region, row, s->cell[0] / 2);
    return 0;
}

static int link_quote_and_book(link_source *s, uint32_t row)
{
    const fh_header *plan = s->memory.plan;
    int wrong = link_latched(s, LINK_QUOTES, &plan->quotes, row, sizeof(fh_quote));
    if (!wrong && link_has_books(s))
        wrong = link_latched(s, LINK_BOOKS, &plan->books, row, (size_t)s->shadow.size[LINK_BOOKS] * 8);
    return wrong;
}

/* A cell that this stream does not carry says so. */
static void link_left_out(link_source *s, uint32_t row, bool quote)
{
    if (quote) {
        fh_quote *q = (fh_quote *)s->cell;
        memset(q, 0, sizeof *q);
        q->state = FH_STATE_CLOSED;
        q->reason = FH_REASON_UNSUBSCRIBED;
        q->bid_price = q->ask_price = q->last_price = FH_NONE;
        double *const none[] = {&q->mark, &q->index, &q->underlying, &q->bid_iv, &q->ask_iv, &q->mark_iv,
                                &q->delta, &q->gamma, &q->vega, &q->theta, &q->rho, &q->funding,
                                &q->open_interest, &q->volume, &q->predicted_funding};
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
            *none[i] = __builtin_nan("");
        link_send(s, LINK_QUOTES, row, 1);
    }
    fh_book_head *b = (fh_book_head *)s->cell;
    memset(s->cell, 0, (size_t)s->shadow.size[LINK_BOOKS] * 8);
    b->state = FH_STATE_CLOSED;
    b->reason = FH_REASON_UNSUBSCRIBED;
    link_send(s, LINK_BOOKS, row, 1);
}

/* Rows of the directory that are new, and that of each touched instrument if it was stored again. */
static int link_directory(link_source *s, bool all)
{
    const fh_header *plan = s->memory.plan;
    uint32_t there = FH_LOAD_ACQUIRE(&s->memory.header->instruments), from = all ? 0 : s->rows;
    if (there > plan->directory.count)
        return LINK_DAMAGED;
    if (s->wanted && there > s->judged)
        there = s->judged;
    for (uint32_t i = 0; !all && i < s->listed; i++)
        if (s->list[i] < s->rows && link_latched(s, LINK_DIRECTORY, &plan->directory, s->list[i],
                                                 sizeof(fh_instrument)))
            return LINK_DAMAGED;
    for (uint32_t row = from; row < there; row++) {
        if (link_latched(s, LINK_DIRECTORY, &plan->directory, row, sizeof(fh_instrument)))
            return LINK_DAMAGED;
        if (row < s->rows)
            continue;
        if (!link_wants(s, row) || !link_has_books(s))
            link_left_out(s, row, !link_wants(s, row));
        s->rows = row + 1;
    }
    return 0;
}

/* ---- what has no stamp of its own */

static void link_compared(link_source *s, int region, uint32_t row)
{
    uint64_t stamp = *link_stamp(&s->shadow, region, row);
    const fh_word *words = link_cell(&s->shadow, region, row);
    bool same = stamp != 0;
    for (uint32_t i = 1; i < s->shadow.size[region] && same; i++)
        same = words[i] == s->cell[i];
    if (!same)
        link_send(s, region, row, stamp + 1);
}

static void link_header(link_source *s, uint32_t verdict)
{
    const fh_header *h = s->memory.header;
    link_venue *v = (link_venue *)s->cell;
    memset(v, 0, sizeof *v);
    v->state = FH_LOAD_ACQUIRE(&h->state);
    v->reason = FH_LOAD(&h->reason);
    v->state_ns = FH_LOAD(&h->state_ns);
    v->last_receive_ns = FH_LOAD(&h->last_receive_ns);
    v->verdict = verdict;
    v->hops = FH_LOAD(&h->mirror);
    v->clock_offset_ns = FH_LOAD(&h->clock_offset_ns);
    v->clock_error_ns = FH_LOAD(&h->clock_error_ns);
    v->late_ns = FH_LOAD(&h->late_ns);
    v->instruments = FH_LOAD(&h->instruments);
    v->connection_rows = FH_LOAD(&h->connection_rows);
    for (int i = 0; i < FH_COUNTERS; i++)
        v->counters[i] = FH_LOAD(&h->counters[i]);
    fh_words_out((const fh_word *)h->detail, (fh_word *)v->detail, sizeof v->detail / 8);
    fh_words_out((const fh_word *)h->source, (fh_word *)v->source, sizeof v->source / 8);
    link_compared(s, LINK_VENUE, 0);
}

static void link_histograms(link_source *s)
{
    const fh_region *where = &s->memory.plan->histograms;
    for (uint32_t row = 0; row < where->count && row < FH_HISTOGRAMS; row++) {
        fh_words_out((const fh_word *)(s->memory.base + where->offset + (uint64_t)row * where->stride),
                     s->cell + 1, FH_HISTOGRAM_BUCKETS);
        link_compared(s, LINK_HISTOGRAMS, row);
    }
}

/* Everything that may have changed without a record. */
static int link_sweep(link_source *s, uint32_t verdict, bool histograms)
{
    const fh_header *h = s->memory.header, *plan = s->memory.plan;
    uint32_t connections = FH_LOAD_ACQUIRE(&h->connection_rows);
    uint32_t done = 0, before;
    do { /* cells of rows that are new come with them */
        before = s->rows;
        for (; done < before; done++)
            if (link_wants(s, done) && link_quote_and_book(s, done))
                return LINK_DAMAGED;
        if (link_directory(s, true))
            return LINK_DAMAGED;
    } while (s->rows > before);
    if (connections > plan->connections.count)
        return LINK_DAMAGED;
    for (uint32_t row = 0; row < connections; row++)
        if (link_latched(s, LINK_CONNECTIONS, &plan->connections, row, sizeof(fh_connection)))
            return LINK_DAMAGED;
    if (histograms)
        link_histograms(s);
    link_header(s, verdict);
    return 0;
}

/* ---- records */

static inline void link_touch(link_source *s, uint32_t row)
{
    if (row >= s->shadow.rows[LINK_QUOTES] || s->touched[row])
        return;
    s->touched[row] = 1;
    s->list[s->listed++] = row;
}

/* Whole messages from `*next` to `last`, about `limit` bytes of them. LAPPED: none, since they are gone. */
static int link_records(link_source *s, link_out *o, uint64_t *next, uint64_t last, size_t limit, bool touch)
{
    const size_t size = LINK_RECORD_WORDS * 8, begin = o->used;
    uint64_t n = *next, kinds = 0;
    uint32_t count = 0; /* of the open message */
    int status = FH_READ_OK;
    fh_slot slot;
    while (n <= last && (count || o->used - begin < limit)) {
        status = fh_slot_read(s->memory.ring, s->memory.mask, n, &slot);
        if (FH_UNLIKELY(status != FH_READ_OK))
            break;
        bool none = slot.instrument == FH_NO_INSTRUMENT;
        if (!none && s->wanted && slot.instrument >= s->judged)
            break; /* somebody has to look whether it is wanted, first */
        fh_word *to = (fh_word *)link_room(o, size);
        if (to == NULL)
            return LINK_NO_MEMORY;
        for (int i = 0; i < LINK_RECORD_WORDS; i++)
            to[i] = ((const fh_word *)&slot)[i + 1];
        o->used += size;
        count++;
        n++;
        kinds |= slot.kind < 64 ? 1ull << slot.kind : 0;
        if (!(slot.flags & FH_FLAG_LAST))
            continue;
        bool wanted = none || (link_wants(s, slot.instrument) && kinds & (s->kinds | LINK_ALWAYS));
        if (wanted)
            o->records += count;
        else
            o->used -= count * size;
        link_run(o, count, wanted ? 0 : LINK_ABSENT);
        if (touch && !none && link_wants(s, slot.instrument))
            link_touch(s, slot.instrument);
        *next = n;
        count = 0;
        kinds = 0;
    }
    o->used -= count * size;
    if (status == FH_READ_OK || (status == FH_READ_LAPPED && o->run_count))
        return 0;
    return status == FH_READ_LAPPED ? LINK_LAPPED : LINK_DAMAGED;
}

static link_head link_head_of(const link_source *s, int kind, uint64_t first, uint64_t last)
{
    link_head head = {0};
    head.kind = (uint8_t)kind;
    head.life = s->life;
    head.epoch = s->memory.plan->epoch;
    head.number = s->number;
    head.first = first;
    head.last = last;
    head.until = s->next - 1;
    head.sent_ns = fh_now_ns();
    return head;
}

/* The next batch into `s->out`: how long it is; 0: there is nothing new; or what is wrong. `beat`: it is sent in
 * any case, and what may have changed without a record goes with it. LAPPED: `next` is to be set. */
static int64_t link_batch(link_source *s, size_t limit, bool beat, uint32_t verdict, bool histograms)
{
    uint64_t published = FH_LOAD_ACQUIRE(&s->memory.header->published), first = s->next, next = first;
    int wrong;
    if (published + 1 < next)
        return LINK_DAMAGED;
    if (published < next && !beat)
        return 0;
    link_out_begin(&s->out);
    s->listed = 0;
    wrong = link_records(s, &s->out, &next, published, limit, true);
    if (wrong || (next == first && !beat))
        goto over;
    link_out_runs(&s->out);
    for (uint32_t i = 0; i < s->listed && !wrong; i++)
        wrong = link_quote_and_book(s, s->list[i]);
    if (!wrong)
        wrong = beat ? link_sweep(s, verdict, histograms) : link_directory(s, false);
over:
    for (uint32_t i = 0; i < s->listed; i++)
        s->touched[s->list[i]] = 0;
    if (wrong || (next == first && !beat))
        return wrong;
    s->next = next;
    s->number++;
    size_t size = link_out_end(&s->out, link_head_of(s, LINK_BATCH, first, next - 1));
    return size ? (int64_t)size : LINK_NO_MEMORY;
}

/* The first message that is there at `from` or later, and is no part of one that began before. */
static uint64_t link_first_message(const link_source *s, uint64_t from)
{
    uint64_t published = FH_LOAD_ACQUIRE(&s->memory.header->published), found = 0;
    bool more = from > 1;
    fh_slot slot;
    for (uint64_t n = from; n <= published; n++) {
        if (fh_slot_read(s->memory.ring, s->memory.mask, n, &slot) != FH_READ_OK) {
            more = true;
            continue;
        }
        if (slot.flags & FH_FLAG_FIRST) {
            if (!more)
                return n;
            found = found ? found : n;
        }
        if (slot.flags & FH_FLAG_LAST)
            more = slot.flags & FH_FLAG_MORE;
    }
    return found ? found : published + 1;
}

/* Where to go on when records are gone before they were sent: a bit after the oldest ones. */
static uint64_t link_go_on(const link_source *s, uint64_t next)
{
    uint64_t published = FH_LOAD_ACQUIRE(&s->memory.header->published), slots = s->memory.mask + 1;
    uint64_t from = published > slots ? published + 1 - slots + slots / 8 : 1;
    return link_first_message(s, from > next ? from : next);
}

/* ---- repairs: what was sent, once more, to who has not got it */

/* Cells that batches after `since` brought, from the place `*row` on (of all rows of all regions), about `limit`
 * bytes. Cells come first, records after them: they are never newer than the cells. */
static bool link_repair_cells(link_source *s, link_out *o, uint64_t since, uint32_t *row, size_t limit)
{
    const link_shadow *was = &s->shadow;
    uint32_t all = was->first[LINK_VENUE] + was->rows[LINK_VENUE];
    int region = 0;
    for (; *row < all && o->used < limit; ++*row) {
        while (region + 1 < LINK_REGIONS && *row >= was->first[region + 1])
            region++;
        if (was->stamps[*row] == 0 || was->numbers[*row] <= since)
            continue;
        uint32_t at = *row - was->first[region];
        link_out_image(o, region, at, 0, was->stamps[*row], true, link_cell(was, region, at), s->zeros,
                       was->size[region]);
    }
    return *row == all;
}

#endif
