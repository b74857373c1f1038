/* Another memory's records into this one: the ring as it was there, and the cells that follow from it.
 *
 * Records keep their order, their times and numbers; they are flagged REPLAY. Cells are stored at the end of each
 * message, before it is published. A book cell has what the records make (books.h), as deep as is known; a
 * quote cell shows the book or a quote that is ahead of it by the rules of docs/memory.md, "Book and quote".
 * Rows of a base are cells that came in: they change books, and are no records.
 */
#ifndef FEEDHANDLER_MIRROR_MIRROR_H
#define FEEDHANDLER_MIRROR_MIRROR_H

#include "feedhandler/engine/quote_stat.h"
#include "shm/recording/books.h"

#define MIRROR_QUOTE_NS INT64_C(1000000000)

typedef struct mirrored {
    uint8_t kind, status, has_book, precision;
    uint32_t definition;
    int8_t price_exponents[FH_PRECISIONS], size_exponents[FH_PRECISIONS];
    fh_quote quote;
    fh_book_head head;
    uint32_t known[2]; /* as the feed said last; FH_KNOWN_WHOLE: of the whole side */
    bool defined, dirty, touched, cleared;
    uint8_t quoted; /* sides of a quote in the open message */
    rebuilt_level top[2];
} mirrored;

typedef struct mirror {
    fh_writer *writer;
    rebuilt_books books;
    rebuilt_fields fields;
    size_t flags, precision, publish_delta, aux, stride;
    mirrored *at; /* by instrument: all that the directory has */
    uint32_t count, room, *dirty, dirty_count;
    uint64_t first, whole, shown; /* of the open message; the last record that may be seen; that is */
    bool open, unwoken;
    uint64_t percent; /* bit by FH_STAT_*: records have it in percent, cells as a fraction */
} mirror;

static bool mirror_reserve(mirror *m, uint32_t count)
{
    if (count <= m->room)
        return true;
    uint32_t room = m->room ? m->room : 256;
    while (room < count)
        room *= 2;
    mirrored *at = (mirrored *)realloc(m->at, room * sizeof *at);
    uint32_t *dirty = at ? (uint32_t *)realloc(m->dirty, room * sizeof *dirty) : NULL;
    m->at = at ? at : m->at;
    m->dirty = dirty ? dirty : m->dirty;
    if (at == NULL || dirty == NULL)
        return false;
    memset(m->at + m->room, 0, (room - m->room) * sizeof *at);
    m->room = room;
    return true;
}

static void mirror_close(mirror *m)
{
    rebuilt_free(&m->books);
    free(m->at);
    free(m->dirty);
}

static inline void mirror_dirty(mirror *m, uint32_t instrument)
{
    if (!m->at[instrument].dirty)
        m->dirty[m->dirty_count++] = instrument;
    m->at[instrument].dirty = true;
}

/* A row of the directory is there, or is another one now. */
static mirrored *mirror_define(mirror *m, uint32_t instrument)
{
    if (!mirror_reserve(m, instrument + 1))
        return NULL;
    mirrored *i = &m->at[instrument];
    m->count = instrument >= m->count ? instrument + 1 : m->count;
    if (!i->defined) {
        fh_quote *q = &i->quote;
        quote_says_nothing(q);
        q->bid_price = q->ask_price = q->last_price = FH_NONE;
        i->known[0] = i->known[1] = FH_KNOWN_WHOLE;
        i->defined = true;
    }
    mirror_dirty(m, instrument);
    return i;
}

/* ---- cells ------------------------------------------------------------------------------------------ */

static inline uint32_t mirror_known(const rebuilt_side *s, bool ask)
{
    return s->limit == REBUILT_WHOLE(ask) ? FH_KNOWN_WHOLE : rebuilt_known(s, ask);
}

static inline void mirror_draw(fh_word *words, const rebuilt_side *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const rebuilt_level *l = &s->levels[s->count - 1 - i];
        FH_STORE(words + 2 * i, (uint64_t)l->price);
        FH_STORE(words + 2 * i + 1, (uint64_t)l->size);
    }
}

static void mirror_show_book(mirror *m, uint32_t instrument, mirrored *i)
{
    fh_writer *w = m->writer;
    fh_book_head *h = &i->head;
    const rebuilt_book *b = rebuilt_find(&m->books, instrument);
    uint32_t counts[2] = {0, 0};
    h->bids_total = h->asks_total = h->bids_known = h->asks_known = 0;
    if (b != NULL && b->begun && !b->fault) {
        h->bids_total = b->sides[0].count;
        h->asks_total = b->sides[1].count;
        h->bids_known = mirror_known(&b->sides[0], false);
        h->asks_known = mirror_known(&b->sides[1], true);
        h->price_exponent = b->price_exponent;
        h->size_exponent = b->size_exponent;
        const uint32_t totals[2] = {h->bids_total, h->asks_total}, known[2] = {h->bids_known, h->asks_known};
        for (int side = 0; side < 2; side++) {
            counts[side] = known[side] < w->depth ? known[side] : w->depth;
            counts[side] = totals[side] < counts[side] ? totals[side] : counts[side];
        }
    }
    h->bids = (uint16_t)counts[0];
    h->asks = (uint16_t)counts[1];
    fh_word *words = fh_book_begin(w, instrument, h);
    if (counts[0])
        mirror_draw(words, &b->sides[0], counts[0]);
    if (counts[1])
        mirror_draw(fh_book_asks(w, words), &b->sides[1], counts[1]);
    fh_book_end(w, instrument);
}

/* Store all that has changed, then let the whole messages be seen. */
static void mirror_show(mirror *m)
{
    fh_writer *w = m->writer;
    for (uint32_t at = 0; at < m->dirty_count; at++) {
        uint32_t instrument = m->dirty[at];
        mirrored *i = &m->at[instrument];
        i->dirty = false;
        i->quote.ring_sequence = i->head.ring_sequence = m->whole;
        i->quote.status = i->head.status = i->status;
        i->quote.definition = i->head.definition = i->definition;
        i->quote.precision = i->head.precision = i->precision;
        if (i->has_book)
            mirror_show_book(m, instrument, i);
        fh_quote_store(w, instrument, &i->quote);
    }
    m->dirty_count = 0;
    FH_STORE_RELEASE(&w->header->published, m->whole);
    m->unwoken |= m->whole != m->shown;
    m->shown = m->whole;
}

static inline void mirror_wake(mirror *m)
{
    if (m->unwoken)
        fh_wake(m->writer);
    m->unwoken = false;
}

static inline bool mirror_begun(const mirror *m, uint32_t instrument)
{
    const rebuilt_book *b = rebuilt_find(&m->books, instrument);
    return b != NULL && b->begun && !b->fault;
}

/* Records are missing: no book is what it was. */
static void mirror_forget(mirror *m)
{
    rebuilt_free(&m->books);
    m->open = false;
}

/* ---- what a message says of the quote cell ------------------------------------------------------------ */

/* All of the cell is in one scale; what does not fit is none. */
static void mirror_scale(fh_quote *q, int price, int size)
{
    int64_t *pairs[3][2] = {{&q->bid_price, &q->bid_size}, {&q->ask_price, &q->ask_size},
                            {&q->last_price, &q->last_size}};
    if (q->price_exponent == price && q->size_exponent == size)
        return;
    for (int each = 0; each < 3; each++)
        if (*pairs[each][0] != FH_NONE && (!rebuilt_scaled(pairs[each][0], q->price_exponent, price) ||
                                           !rebuilt_scaled(pairs[each][1], q->size_exponent, size))) {
            *pairs[each][0] = FH_NONE;
            *pairs[each][1] = 0;
        }
    q->price_exponent = (int8_t)price;
    q->size_exponent = (int8_t)size;
}

static void mirror_quote_book(mirrored *i, const rebuilt_book *b)
{
    fh_quote *q = &i->quote;
    mirror_scale(q, b->price_exponent, b->size_exponent);
    int64_t *pairs[2][2] = {{&q->bid_price, &q->bid_size}, {&q->ask_price, &q->ask_size}};
    for (int side = 0; side < 2; side++) {
        const rebuilt_side *s = &b->sides[side];
        *pairs[side][0] = s->count ? s->levels[s->count - 1].price : FH_NONE;
        *pairs[side][1] = s->count ? s->levels[s->count - 1].size : 0;
    }
    q->exchange_ns = i->head.exchange_ns;
    q->sent_ns = i->head.sent_ns;
    q->receive_ns = i->head.receive_ns;
    q->venue_sequence = i->head.venue_sequence;
    q->source = FH_SOURCE_BOOK;
}

/* Are bid and ask within a quarter of those of a book that has spoken lately? */
static bool mirror_near(const mirrored *i, const rebuilt_book *b, int64_t now)
{
    if (!b->sides[0].count || !b->sides[1].count || now - i->head.receive_ns > MIRROR_QUOTE_NS)
        return true;
    int64_t bid = b->sides[0].levels[b->sides[0].count - 1].price, ask = b->sides[1].levels[b->sides[1].count - 1].price;
    for (int side = 0; side < 2 && bid > 0; side++) {
        int64_t price = i->top[side].price;
        if (price != FH_NONE && (price < bid - bid / 4 || price > ask + ask / 4))
            return false;
    }
    return true;
}

static void mirror_quote_own(mirrored *i, const rebuilt_book *b, bool based, uint64_t number, int64_t exchange_ns,
                             int64_t sent_ns, int64_t now, int price, int size)
{
    fh_quote *q = &i->quote;
    bool shown = !i->has_book ? number || exchange_ns == 0 || exchange_ns >= q->exchange_ns ||
                                    now - q->receive_ns > MIRROR_QUOTE_NS
                              : number && !(based && (number <= i->head.venue_sequence || !mirror_near(i, b, now)));
    if (!shown)
        return;
    mirror_scale(q, price, size);
    q->bid_price = i->top[0].price;
    q->bid_size = i->top[0].size;
    q->ask_price = i->top[1].price;
    q->ask_size = i->top[1].size;
    q->exchange_ns = exchange_ns;
    q->sent_ns = sent_ns;
    q->receive_ns = now;
    q->venue_sequence = number ? number : q->venue_sequence;
    q->source = FH_SOURCE_QUOTE;
}

#endif
