/* The hot paths on fixed input, each in a call of `measured`, for callgrind to count.
 *
 * paths FILE [EXTRA [NAME]]: the file says path by path, a line each,
 *
 *   "path NAME DECODER RULE BASE SPREADS SHAPES"   SHAPES in hexadecimal
 *   "names"                                    ids of trades are names
 *   "keeps"                                    what enters and leaves the levels of its books is said
 *   "usual"                                    steps of the usual kind read most of its frames
 *   "cut LEVELS"                               of books, a side; 0: they are not
 *   "silent FRAMES"                            so many of those that are counted make no record
 *   "verify RULE"                              of its checksum, in six numbers
 *   "add SYMBOL PRICE_EXPONENT SIZE_EXPONENT"
 *   "bind NUMBER SYMBOL WORD"                  of a channel that is known by its number
 *   "answer SYMBOL BODY"                       a snapshot that was asked for
 *   "warm FRAME"                               not counted
 *   "FRAME"                                    all that is counted, in one call
 *
 * and says on stdout, a line a call in their order, "NAME\tCOUNT": how many frames (or reads) it was.
 * EXTRA instructions more are spent on each of a path's, of all paths without NAME: a slower program.
 */
#define SEGMENT_INSTRUMENTS 8
#define SEGMENT_DEPTH 20 /* as venues have it unless told otherwise */
#define SEGMENT_SLOTS 65536

#include "../fuzz/segment.h"

#include "../../feedhandler/engine/engine.h"

#define FRAME_ROOM (1u << 20)
#define NOW 1800000000000000000 /* unix ns, after the times of all frames */

typedef struct path {
    char name[64];
    heap_segment segment;
    engine engine;
    connection from;
    uint8_t **frames; /* as they lie in what was received */
    size_t *lengths, count, room, silent;
    uint64_t extra;
    fh_decoder own; /* of frames that are read by their shapes alone */
    uint8_t *shapes;
    size_t shapes_length;
} path;

/* Nothing may be known about it where it is called. */
#define OPAQUE __attribute__((noinline, noclone, noipa))

OPAQUE static void measured(void (*work)(path *), path *p) { work(p); }

OPAQUE static void spend(uint64_t instructions)
{
    for (uint64_t i = 0; i < instructions; i += 3) /* count, compare, branch */
        __asm__ volatile("" : "+r"(i));
}

static void feed(path *p)
{
    for (size_t i = 0; i < p->count; i++) {
        engine_feed_within(&p->engine, &p->from, p->frames[i] + DECIMAL_BEFORE, p->lengths[i], 0, true);
        if (UNLIKELY(p->extra))
            spend(p->extra);
    }
}

/* ---- readers ------------------------------------------------------------------------------------- */

enum { READS = 1000 };

static void read_quotes(path *p)
{
    const fh_word *cell = segment_cell(&p->segment, &p->segment.writer.header->quotes, 0);
    fh_quote quote;
    for (int i = 0; i < READS; i++)
        CHECK(!fh_latch_read(cell, sizeof quote, (fh_word *)&quote, FH_QUOTE_WORDS), "quote");
}

static void read_books(path *p)
{
    const fh_word *cell = segment_cell(&p->segment, &p->segment.writer.header->books, 0);
    fh_word book[(sizeof(fh_book_head) + 32 * SEGMENT_DEPTH) / 8];
    for (int i = 0; i < READS; i++)
        CHECK(!fh_latch_read(cell, p->segment.writer.book_bytes, book, sizeof book / 8), "book");
}

static void read_events(path *p)
{
    uint64_t end = p->segment.writer.next;
    CHECK(end > READS, "%llu records", (unsigned long long)end);
    fh_slot slot;
    for (uint64_t n = end - READS; n < end; n++)
        CHECK(!fh_slot_read(p->segment.writer.ring, SEGMENT_SLOTS - 1, n, &slot), "event");
}

static void count_reads(path *p, const char *name, void (*work)(path *))
{
    measured(work, p);
    printf("%s\t%d\n", name, READS);
}

/* ---- paths --------------------------------------------------------------------------------------- */

static void path_open(path *p, const char *decoder, int rule, int base, int spreads, const char *shapes)
{
    segment_open(&p->segment);
    bool shaped = strcmp(decoder, "shape") == 0;
    p->shapes = hex_bytes(shapes, &p->shapes_length);
    p->own = shaped_decoder_of(p->shapes, p->shapes_length);
    p->own.spreads = spreads;
    CHECK(shaped && engine_open(&p->engine, &p->segment.writer, &p->own), "no %s", decoder);
    engine *e = &p->engine;
    CHECK(shaped_open(e, p->shapes, p->shapes_length), "no memory");
    learn_open(e, p->shapes, p->shapes_length);
    e->rules.rule = (uint8_t)rule;
    e->rules.base = (uint8_t)base;
    e->rows[0] = &p->from;
    e->buffer_bytes = 1 << 20;
    /* One line for ever, from the same instant: neither the hour nor the date is counted. */
    e->clock.ticks = CLOCK_TICKS();
    e->clock.ns = NOW;
    e->clock.rate = 1ull << 32;
    e->clock.span = UINT64_MAX;
}

static void path_end(path *p)
{
    if (p->count == 0)
        return;
    engine *e = &p->engine;
    uint64_t records = p->segment.writer.next;
    measured(feed, p);
    records = p->segment.writer.next - records;
    CHECK(p->from.malformed == 0, "%s: malformed at byte %zu (%s)", p->name, e->error_byte, e->error_about);
    CHECK(p->from.unknown == 0, "%s: unknown symbols", p->name);
    CHECK(records + p->silent >= p->count - p->count / 50, /* a value that has not changed makes none */
          "%s: %llu records of %zu frames", p->name, (unsigned long long)records, p->count);
    for (uint32_t i = 0; i < e->room; i++)
        CHECK(e->markets[i] == NULL || e->markets[i]->sequence.phase == PHASE_EMPTY ||
                  e->markets[i]->state == FH_STATE_LIVE,
              "%s: %s is in state %d", p->name, e->markets[i]->entry.symbol, e->markets[i]->state);
    printf("%s\t%zu\n", p->name, p->count);
    if (strcmp(p->name, "okx book") == 0) { /* a book, a quote and events are there now */
        count_reads(p, "read quote", read_quotes);
        count_reads(p, "read book", read_books);
        count_reads(p, "read events", read_events);
    }
    engine_close(e);
    free(p->shapes);
    segment_close(&p->segment);
    for (size_t i = 0; i < p->count; i++)
        free(p->frames[i]);
    free(p->from.bounds);
    p->count = p->silent = 0;
}

static market *path_market(path *p, const char *symbol)
{
    market *m = symbol_find_any(&p->engine, symbol, strlen(symbol));
    CHECK(m != NULL, "%s: no %s", p->name, symbol);
    return m;
}

static void path_add(path *p, const char *symbol, int price_exponent, int size_exponent)
{
    fh_instrument entry;
    memset(&entry, 0, sizeof entry);
    CHECK(strlen(symbol) < sizeof entry.symbol, "%s is too long", symbol);
    strcpy(entry.symbol, symbol);
    entry.contract_size = 1;
    entry.price_exponents[0] = (int8_t)price_exponent;
    entry.size_exponents[0] = (int8_t)size_exponent;
    CHECK(engine_add(&p->engine, &entry, true) != NULL, "no room for %s", symbol);
}

static void path_frame(path *p, const char *frame, size_t length)
{
    if (p->count == p->room) {
        p->room = 2 * p->room + 256;
        p->frames = (uint8_t **)realloc(p->frames, p->room * sizeof *p->frames);
        p->lengths = (size_t *)realloc(p->lengths, p->room * sizeof *p->lengths);
        CHECK(p->frames && p->lengths, "no memory");
    }
    uint8_t *received = (uint8_t *)calloc(1, DECIMAL_BEFORE + length + CURSOR_PADDING);
    CHECK(received != NULL, "no memory");
    memcpy(received + DECIMAL_BEFORE, frame, length);
    p->lengths[p->count] = length;
    p->frames[p->count++] = received;
}

int main(int argc, char **argv)
{
    static path p;
    static char line[FRAME_ROOM];
    char first[64], decoder[32];
    int one, two, read = 0, n[6];
    FILE *file = argc > 1 ? fopen(argv[1], "re") : NULL;
    CHECK(file != NULL, "paths FILE [EXTRA [NAME]]");
    while (fgets(line, sizeof line, file)) {
        size_t length = strcspn(line, "\n");
        line[length] = 0;
        if (sscanf(line, "path %63[^\t]\t%31s %d %d %d %n", first, decoder, &one, &two, n, &read) == 5) {
            path_end(&p);
            memset(&p.from, 0, sizeof p.from);
            p.from.bit = connection_bit(0);
            strcpy(p.name, first);
            p.extra = argc > 2 && (argc == 3 || !strcmp(argv[3], first)) ? strtoull(argv[2], NULL, 10) : 0;
            path_open(&p, decoder, one, two, n[0], line + read);
        } else if (sscanf(line, "verify %d %d %d %d %d %d", n, n + 1, n + 2, n + 3, n + 4, n + 5) == 6) {
            const checksum_rule rule = {(uint8_t)n[0], (uint8_t)n[1], (uint8_t)n[2], (uint8_t)n[3],
                                        n[4] != 0, n[5] != 0};
            CHECK(engine_verify(&p.engine, &rule), "no memory");
        } else if (strcmp(line, "names") == 0) {
            p.own.names_trades = true;
        } else if (strcmp(line, "usual") == 0) {
            p.own.usual = true;
        } else if (strcmp(line, "keeps") == 0) {
            p.own.keeps_window = true;
        } else if (sscanf(line, "cut %d", &one) == 1) {
            engine_cut(&p.engine, (uint32_t)one);
        } else if (sscanf(line, "silent %d", &one) == 1) {
            p.silent = (size_t)one;
        } else if (sscanf(line, "bind %d %63s %31s", &one, first, decoder) == 3) {
            market *m = path_market(&p, first);
            CHECK(channel_bind(&p.from, one, m, decoder, strlen(decoder)), "no memory");
        } else if (sscanf(line, "add %63s %d %d", first, &one, &two) == 3) {
            path_add(&p, first, one, two);
        } else if (sscanf(line, "answer %63s %n", first, &read) == 1) {
            market *m = path_market(&p, first);
            engine_set_state(&p.engine, m, FH_STATE_SYNCING, FH_REASON_START);
            engine_answer(&p.engine, &p.from, m, line + read, length - (size_t)read, 0);
        } else if (strncmp(line, "warm ", 5) == 0) {
            engine_feed(&p.engine, &p.from, line + 5, length - 5, 0, true);
        } else {
            path_frame(&p, line, length);
        }
    }
    path_end(&p);
    return 0;
}
