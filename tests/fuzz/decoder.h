/* The target of a venue's decoder: a stream of frames into two engines, of which the second gets the
 * same documents with white space between all tokens, and learns nothing: it never takes the paths for the
 * shape that the venue usually sends, and reads no frame by its skeleton.
 *
 * A line of the input is a frame. One that begins with '>' comes on the second connection, one with '?'
 * and a digit answers a request for that market's book; '!' is no frame: "!=SYMBOL" adds an instrument
 * that has no book, other letters after it are events.
 *
 * After each line: both engines agree; books are sorted, without empty levels, and not crossed while
 * LIVE; a frame that was refused has changed no book that is still LIVE; the cells hold what the engine
 * has; all that was written is published, in whole messages.
 */
#ifndef FEEDHANDLER_FUZZ_DECODER_H
#define FEEDHANDLER_FUZZ_DECODER_H

#include "segment.h"

#include "../../feedhandler/engine/engine.h"
#include "../../feedhandler/engine/shaped_decode.h"

typedef struct bench {
    heap_segment segment;
    engine engine;
    connection connections[2], rest;
    uint64_t seen; /* records checked */
    uint64_t sums[SEGMENT_INSTRUMENTS];
    uint8_t precisions[SEGMENT_INSTRUMENTS]; /* that those are of */
} bench;

typedef struct venue_facts {
    const fh_decoder *decoder;
    fh_decoder own; /* of one that is read by its shapes alone */
    int rule, base;
    bool rest_join;
    checksum_rule checksum;
    uint8_t *shapes;
    size_t shapes_length;
} venue_facts;

static venue_facts the_venue;

static void bench_open(bench *b, bool learns)
{
    memset(b, 0, sizeof *b);
    segment_open(&b->segment);
    CHECK(engine_open(&b->engine, &b->segment.writer, the_venue.decoder), "no memory");
    engine *e = &b->engine;
    CHECK(shaped_open(e, the_venue.shapes, the_venue.shapes_length), "no memory");
    if (learns)
        learn_open(e, the_venue.shapes, the_venue.shapes_length);
    e->rules.rule = (uint8_t)the_venue.rule;
    e->rules.base = (uint8_t)the_venue.base;
    e->rules.rest_join = the_venue.rest_join;
    engine_cut(e, 0);
    CHECK(!the_venue.checksum.levels || engine_verify(e, &the_venue.checksum), "no memory");
    e->auto_add = true;
    e->buffer_bytes = 4096;
    for (int i = 0; i < 2; i++) {
        b->connections[i].index = i;
        e->rows[i] = &b->connections[i];
    }
    b->rest.index = -1;
}

static void bench_close(bench *b)
{
    engine_close(&b->engine);
    segment_close(&b->segment);
}

/* ---- what must hold ---------------------------------------------------------------------------- */

static uint64_t side_sum(const book_side *s, uint64_t sum)
{
    for (uint32_t i = 0; i < s->count; i++)
        sum = (sum ^ (uint64_t)s->levels[i].price) * 0x100000001b3u + (uint64_t)s->levels[i].size;
    return sum;
}

static uint64_t book_sum(const market *m)
{
    return side_sum(&m->book.asks, side_sum(&m->book.bids, (uint64_t)m->precision)) | 1;
}

static void check_side(const book_side *s, bool ask)
{
    CHECK(s->count <= s->room, "%u levels in room for %u", s->count, s->room);
    for (uint32_t i = 0; i < s->count; i++) {
        CHECK(s->levels[i].size > 0, "a level of size %lld", (long long)s->levels[i].size);
        CHECK(i == 0 || price_better(s->levels[i].price, s->levels[i - 1].price, ask), "not sorted");
    }
}

static void check_cell_side(const fh_word *words, uint16_t used, const book_side *s, bool ask)
{
    CHECK(used == cell_levels(s->count, side_known(s, ask), SEGMENT_DEPTH), "%u levels in use", used);
    for (uint32_t depth = 0; depth < used; depth++) {
        const level *l = side_at(s, depth);
        CHECK(words[2 * depth] == (uint64_t)l->price && words[2 * depth + 1] == (uint64_t)l->size,
              "level %u of the cell is not the book's", depth);
    }
}

static void check_cells(const bench *b, const market *m)
{
    const heap_segment *s = &b->segment;
    fh_quote quote;
    fh_word book[(sizeof(fh_book_head) + 32 * SEGMENT_DEPTH) / 8];
    const fh_book_head *head = (const fh_book_head *)book;
    int status = fh_latch_read(segment_cell(s, &s->writer.header->quotes, m->id), sizeof quote,
                               (fh_word *)&quote, sizeof quote / 8);
    CHECK(status == FH_READ_OK, "quote cell %u: %d", m->id, status);
    for (size_t word = 1; word < sizeof quote / 8; word++)
        CHECK(word == QUOTE_DATA_WORD /* as of the last store */ ||
                  ((fh_word *)&quote)[word] == ((const fh_word *)&m->quote)[word],
              "the cell's quote is not the engine's in word %zu", word);
    CHECK(quote.state == m->state && quote.reason == m->reason, "state %d in the cell, %d in the engine",
          quote.state, m->state);
    if (!m->has_book)
        return;
    status = fh_latch_read(segment_cell(s, &s->writer.header->books, m->id), s->writer.book_bytes, book,
                           sizeof book / 8);
    CHECK(status == FH_READ_OK, "book cell %u: %d", m->id, status);
    CHECK(head->state == m->state, "state %d in the cell, %d in the engine", head->state, m->state);
    check_cell_side(book + sizeof *head / 8, head->bids, &m->book.bids, false);
    check_cell_side(book + sizeof *head / 8 + 2 * SEGMENT_DEPTH, head->asks, &m->book.asks, true);
}

static void check_records(bench *b)
{
    const fh_header *header = b->segment.writer.header;
    uint64_t published = header->published;
    CHECK(published == b->segment.writer.next - 1, "%llu written, %llu published",
          (unsigned long long)b->segment.writer.next - 1, (unsigned long long)published);
    bool joined = published - b->seen <= SEGMENT_SLOTS, first = true; /* due now */
    if (!joined)
        b->seen = published - SEGMENT_SLOTS;
    for (uint64_t n = b->seen + 1; n <= published; n++) {
        fh_slot slot;
        int status = fh_slot_read(b->segment.writer.ring, SEGMENT_SLOTS - 1, n, &slot);
        CHECK(status == FH_READ_OK, "record %llu: %d", (unsigned long long)n, status);
        CHECK(slot.kind > 0 && slot.kind < FH_KIND_END, "kind %d", slot.kind);
        CHECK(slot.instrument < header->instruments, "instrument %u", slot.instrument);
        CHECK(slot.side <= 1, "side %d", slot.side);
        CHECK(!joined || !(slot.flags & FH_FLAG_FIRST) == !first, "record %llu: flags %d",
              (unsigned long long)n, slot.flags);
        first = slot.flags & FH_FLAG_LAST;
        joined |= first;
    }
    CHECK(first, "the last message has no end");
    b->seen = published;
}

static void check_bench(bench *b, int result, size_t length)
{
    engine *e = &b->engine;
    if (result & FEED_MALFORMED)
        CHECK(e->error_byte <= length, "an error at byte %zu of %zu", e->error_byte, length);
    for (uint32_t i = 0; i < e->room; i++) {
        const market *m = e->markets[i];
        if (m == NULL)
            continue;
        check_side(&m->book.bids, false);
        check_side(&m->book.asks, true);
        bool live = m->has_book && m->state == FH_STATE_LIVE;
        CHECK(!live || !book_crossed(&m->book), "LIVE, and crossed");
        uint64_t sum = book_sum(m);
        bool refused = result & FEED_MALFORMED && !e->odd; /* else other rows of it stand */
        if (live && refused && b->sums[i] && b->precisions[i] == m->precision)
            CHECK(sum == b->sums[i], "a refused frame has changed a LIVE book");
        b->sums[i] = sum;
        b->precisions[i] = m->precision;
        if (!e->held) /* else its cells are as they were when all was shown the last time */
            check_cells(b, m);
    }
    if (!e->held)
        check_records(b);
    CHECK(b->segment.writer.header->published == e->shown, "what is held is published");
}

static void check_alike(const engine *a, const engine *b)
{
    for (uint32_t i = 0; i < a->room; i++) {
        const market *m = a->markets[i], *o = b->markets[i];
        CHECK((m == NULL) == (o == NULL), "only one knows instrument %u", i);
        if (m == NULL)
            continue;
        CHECK(m->state == o->state && m->reason == o->reason, "state %d(%d), spaced %d(%d)", m->state,
              m->reason, o->state, o->reason);
        CHECK(m->sequence.last == o->sequence.last && m->sequence.phase == o->sequence.phase,
              "at %lld, spaced at %lld", (long long)m->sequence.last, (long long)o->sequence.last);
        CHECK(m->price_exponent == o->price_exponent && m->size_exponent == o->size_exponent, "scales");
        CHECK(book_sum(m) == book_sum(o), "books differ");
        CHECK(m->quote.last_price == o->quote.last_price && m->quote.bid_price == o->quote.bid_price &&
                  m->quote.ask_size == o->quote.ask_size,
              "quotes differ");
    }
}

/* ---- the same document with white space --------------------------------------------------------- */

/* A space after every token of a valid document. Free it. */
static uint8_t *spaced(const uint8_t *frame, size_t length, size_t *out_length)
{
    uint8_t *out = (uint8_t *)malloc(2 * length + 1), *o = out;
    CHECK(out != NULL, "no memory");
    bool string = false;
    for (size_t i = 0; i < length; i++) {
        *o++ = frame[i];
        if (string && frame[i] == '\\')
            *o++ = frame[++i];
        else if (frame[i] == '"')
            string = !string;
        if (!string && memchr("{}[]:,\"", frame[i], 7))
            *o++ = ' ';
    }
    *out_length = (size_t)(o - out);
    return out;
}

/* ---- lines --------------------------------------------------------------------------------------- */

enum { ANSWER = 256 }; /* and the market's row: kinds of lines beside the characters that begin them */

static int bench_frame(bench *b, int kind, const uint8_t *frame, size_t length, int64_t now, bool wake)
{
    if (kind == '<' || kind == '>')
        return engine_feed(&b->engine, &b->connections[kind == '>'], frame, length, now, wake);
    market *m = b->engine.markets[kind - ANSWER];
    return m ? engine_answer(&b->engine, &b->rest, m, frame, length, now) : 0;
}

/* Where a frame lies in what was received: behind it more of the same, before it digits. */
static int bench_within(bench *b, int kind, const uint8_t *line, size_t length, int64_t now, bool wake)
{
    if (kind != '<' && kind != '>')
        return bench_frame(b, kind, line, length, now, wake);
    uint8_t *received = (uint8_t *)malloc(DECIMAL_BEFORE + length + CURSOR_PADDING);
    CHECK(received != NULL, "no memory");
    uint8_t *frame = received + DECIMAL_BEFORE, *behind = frame + length;
    memset(received, '7', DECIMAL_BEFORE);
    memcpy(frame, line, length);
    for (size_t i = 0; i < CURSOR_PADDING; i++)
        behind[i] = length ? line[(length / 2 + i) % length] : '7';
    uint8_t next = *behind;
    int result = engine_feed_within(&b->engine, &b->connections[kind == '>'], frame, length, now, wake);
    CHECK(*behind == next && memcmp(frame, line, length) == 0, "what was received has changed");
    free(received);
    return result;
}

static void bench_event(bench *b, uint8_t what)
{
    engine *e = &b->engine;
    market *m = e->markets[what / 8 % SEGMENT_INSTRUMENTS];
    switch (what % 8) {
    case 0:
    case 1:
        for (uint32_t i = 0; i < e->room; i++)
            if (e->markets[i])
                market_disconnected(e, e->markets[i], what % 8, FH_REASON_DISCONNECTED);
        break;
    case 2:
        if (m)
            engine_set_state(e, m, FH_STATE_SYNCING, FH_REASON_START);
        break;
    case 3:
        if (m)
            engine_set_state(e, m, FH_STATE_STALE, FH_REASON_AUDIT);
        break;
    case 4:
    case 5:
        if (m)
            market_adopt(m, what % 8 - 4);
        break;
    case 6: e->polled = !e->polled; break;
    default: engine_overdue(e, e->receive_ns + 1000000000); break;
    }
}

static void bench_add(bench *b, const uint8_t *symbol, size_t length)
{
    fh_instrument entry;
    memset(&entry, 0, sizeof entry);
    if (length == 0 || length > SYMBOL_BYTES || memchr(symbol, 0, length) ||
        symbol_find_any(&b->engine, symbol, length))
        return;
    memcpy(entry.symbol, symbol, length);
    engine_add(&b->engine, &entry, false);
}

static void decoder_line(bench *raw, bench *other, const uint8_t *line, size_t length, int64_t now)
{
    int kind = length && memchr(">?!", *line, 3) ? *line : '<', result;
    cursor valid;
    if (kind != '<') {
        line++;
        length--;
    }
    if (kind == '?') {
        kind = ANSWER + (length ? *line - (*line >= '0' ? '0' : 0) : 0) % SEGMENT_INSTRUMENTS;
        line += length > 0;
        length -= length > 0;
    }
    if (kind == '!' && length && *line == '=') {
        bench_add(raw, line + 1, length - 1);
        bench_add(other, line + 1, length - 1);
        check_bench(raw, 0, 0);
    } else if (kind == '!') {
        for (size_t i = 0; i < length && i < 4; i++) {
            bench_event(raw, line[i]);
            bench_event(other, line[i]);
        }
        check_bench(raw, 0, 0);
    } else {
        uint8_t *frame = exact_copy(line, length);
        result = bench_within(raw, kind, frame, length, now, length % 4 == 0); /* others wait for it */
        check_bench(raw, result, length);
        if (document_valid(frame, length, &valid)) {
            size_t longer;
            uint8_t *wide = spaced(frame, length, &longer);
            int again = bench_frame(other, kind, wide, longer, now, true);
            CHECK(!(result & FEED_MALFORMED) == !(again & FEED_MALFORMED),
                  "refused only one of a frame and its spaced copy: %d, %d", result, again);
            free(wide);
        } else {
            bench_frame(other, kind, frame, length, now, true);
        }
        free(frame);
    }
    check_alike(&raw->engine, &other->engine);
}

static void decoder_input(const uint8_t *data, size_t size)
{
    bench raw, other;
    bench_open(&raw, true);
    bench_open(&other, false);
    int64_t now = 1700000000000000000;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = (const uint8_t *)memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at;
        decoder_line(&raw, &other, data + at, length, now += 1000000);
        at += length + 1;
    }
    engine_wake(&raw.engine);
    check_bench(&raw, 0, 0);
    bench_close(&raw);
    bench_close(&other);
}

#endif
