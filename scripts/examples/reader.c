/* Follow a venue's event ring from another process, in C11.
 *
 *   cc -std=c11 -O2 -I shm/include -o reader scripts/examples/reader.c -lrt
 *   ./reader deribit                     every record from now on, one a line
 *   ./reader deribit --oldest            the same from the oldest record that the ring still has
 *   ./reader deribit --quotes            the best bid and offer whenever a message changes it
 *   ./reader deribit --namespace NAME    another namespace than $FEEDHANDLER_NAMESPACE
 *
 * Whose feed is believed: FEEDHANDLER_OWNER's, a name or a number; else one's own, or root's.
 *
 * Ends when the writer does, after everything that it published. Exit codes: 0 the writer ended,
 * 1 no such venue or not ready, 2 wrong use, 3 damaged memory or another version.
 *
 * A record's line: sequence instrument kind flags side precision exchange_ns receive_ns
 * venue_sequence price size publish_delta_ns aux price_exponent size_exponent.
 */
#include "feedhandler_attach.h"

#include <inttypes.h>
#include <stdbool.h>

enum { EXIT_NOT_READY = 1, EXIT_USE = 2, EXIT_DAMAGED = 3 };
#define ATTACH_TRIES 500 /* of 10 ms */
#define SLEEP_NS 100000000

typedef struct reader {
    fh_feed feed;
    uint64_t next;       /* the sequence that is read next, the start of a message */
    fh_instrument *rows; /* the directory as last read */
    fh_slot *message;    /* the records of a message until its LAST */
    size_t records, room;
} reader;

static _Noreturn void fail(int code, const char *what, const char *detail) {
    fprintf(stderr, "reader: %s: %s\n", what, detail);
    exit(code);
}

static void attach(reader *r, const char *space, const char *venue) {
    char why[FH_WHY_BYTES];
    int how = fh_attach(&r->feed, space, venue, why);
    for (int tries = 1; how == FH_NOT_READY && tries < ATTACH_TRIES; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        how = fh_attach(&r->feed, space, venue, why);
    }
    if (how != FH_ATTACHED) fail(how == FH_REFUSED ? EXIT_DAMAGED : EXIT_NOT_READY, venue, why);
    r->rows = calloc(r->feed.plan.directory.count, sizeof *r->rows);
    if (!r->rows) fail(EXIT_NOT_READY, "directory", "no memory");
}

/* ---- the directory and the cells ---- */

static const fh_instrument *instrument(reader *r, uint32_t id, unsigned precision) {
    fh_instrument *row = &r->rows[id];
    if (row->stamp && precision <= row->precision) return row;
    const fh_word *cell = fh_cell(&r->feed, &r->feed.plan.directory, id);
    if (fh_latch_read(cell, sizeof *row, (fh_word *)row, sizeof *row / 8) != FH_READ_OK)
        fail(EXIT_DAMAGED, "directory", "a row cannot be read");
    return row;
}

static const char *state_name(unsigned state) {
#define STATE_NAME(n, v) [v] = #n,
    static const char *const names[] = {FH_STATES(STATE_NAME)};
    return state < sizeof names / sizeof *names ? names[state] : "UNKNOWN";
}

static void print_quote(reader *r, uint32_t id) {
    const fh_word *cell = fh_cell(&r->feed, &r->feed.plan.quotes, id);
    fh_quote q;
    if (fh_latch_read(cell, sizeof q, (fh_word *)&q, FH_QUOTE_WORDS) != FH_READ_OK) return;
    const fh_instrument *row = instrument(r, id, q.precision);
    int digits = q.price_exponent < 0 ? -q.price_exponent : 0;
    int places = q.size_exponent < 0 ? -q.size_exponent : 0;
    printf("%.64s %.*f %.*f %.*f %.*f %s\n", row->symbol, places,
           fh_value(q.bid_size, q.size_exponent), digits, fh_value(q.bid_price, q.price_exponent),
           digits, fh_value(q.ask_price, q.price_exponent), places,
           fh_value(q.ask_size, q.size_exponent), state_name(q.state));
}

static void print_record(reader *r, const fh_slot *s) {
    int price_exponent = 0, size_exponent = 0;
    bool scaled = s->kind != FH_KIND_STAT && s->kind != FH_KIND_STATE && s->kind != FH_KIND_WRITER &&
                  s->kind != FH_KIND_DEFINITION;
    if (scaled && s->instrument < r->feed.plan.directory.count) {
        const fh_instrument *row = instrument(r, s->instrument, s->precision);
        price_exponent = row->price_exponents[s->precision & (FH_PRECISIONS - 1)];
        size_exponent = row->size_exponents[s->precision & (FH_PRECISIONS - 1)];
    }
    printf("%" PRIu64 " %" PRIu32 " %u %u %u %u %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64
           " %" PRId64 " %" PRIu32 " %" PRIu32 " %d %d\n",
           s->stamp / 2, s->instrument, s->kind, s->flags, s->side, s->precision, s->exchange_ns,
           s->receive_ns, s->venue_sequence, s->price, s->size, s->publish_delta_ns, s->aux,
           price_exponent, size_exponent);
}

/* ---- follow the ring ---- */

static void start(reader *r, bool oldest) {
    uint64_t published = FH_LOAD_ACQUIRE(&r->feed.header->published);
    fh_slot slot;
    if (!oldest) {
        while (!fh_join_try(r->feed.header, r->feed.ring, r->feed.mask, &published) && !fh_gone(&r->feed)) {}
        r->next = published + 1;
        return;
    }
    r->next = published > r->feed.mask ? published - r->feed.mask : 1;
    while (r->next <= published) { /* to the first message that is still whole */
        if (fh_slot_read(r->feed.ring, r->feed.mask, r->next, &slot) == FH_READ_OK &&
            slot.flags & FH_FLAG_FIRST)
            break;
        r->next++;
    }
}

static void keep(reader *r, const fh_slot *slot) {
    if (r->records == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        r->message = realloc(r->message, r->room * sizeof *slot);
        if (!r->message) fail(EXIT_NOT_READY, "message", "no memory");
    }
    r->message[r->records++] = *slot;
}

static void hand_out(reader *r, bool quotes) {
    uint32_t id = r->message[0].instrument;
    if (quotes && id < r->feed.plan.directory.count) print_quote(r, id);
    for (size_t i = 0; !quotes && i < r->records; i++) print_record(r, &r->message[i]);
    r->records = 0;
}

/* Lapped: says how many records are lost, and goes on where the cells could be joined. */
static void overrun(reader *r) {
    uint64_t at = 0;
    while (!fh_join_try(r->feed.header, r->feed.ring, r->feed.mask, &at) && !fh_gone(&r->feed)) {}
    fprintf(stderr, "lost %" PRIu64 "\n", at + 1 - r->next);
    r->next = at + 1;
    r->records = 0;
}

/* Whole messages up to `published`; nothing of a message before its LAST. */
static void read_ring(reader *r, uint64_t published, bool quotes) {
    fh_slot slot;
    for (uint64_t n = r->next; n <= published; n++) {
        int status = fh_slot_read(r->feed.ring, r->feed.mask, n, &slot);
        if (status == FH_READ_LAPPED) {
            overrun(r);
            return;
        }
        if (status != FH_READ_OK) fail(EXIT_DAMAGED, "ring", "a published record is not there");
        keep(r, &slot);
        if (slot.flags & FH_FLAG_LAST) {
            r->next = n + 1;
            hand_out(r, quotes);
        }
    }
    r->records = 0;
}

static void follow(reader *r, bool quotes) {
    for (;;) {
        uint64_t before = r->next, published = FH_LOAD_ACQUIRE(&r->feed.header->published);
        read_ring(r, published, quotes);
        if (r->next != before) {
            fflush(stdout);
        } else if (fh_gone(&r->feed)) {
            if (FH_LOAD_ACQUIRE(&r->feed.header->published) == published) return; /* drained */
        } else {
            fh_wait(r->feed.header, r->feed.sleepers, published,
                    r->feed.sleepers ? SLEEP_NS : SLEEP_NS / 100); /* nobody is told: look often */
        }
    }
}

/* What a namespace or venue may be called: 1 to 48 letters, digits, '-' and '_'. */
static bool is_name(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t length = strspn(text, letters);
    return length >= 1 && length <= 48 && text[length] == 0;
}

int main(int argc, char **argv) {
    const char *venue = NULL, *space = getenv("FEEDHANDLER_NAMESPACE");
    bool oldest = false, quotes = false;
    if (!space || !*space) space = "feedhandler";
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--oldest")) oldest = true;
        else if (!strcmp(argv[i], "--quotes")) quotes = true;
        else if (!strcmp(argv[i], "--namespace") && i + 1 < argc) space = argv[++i];
        else if (argv[i][0] != '-' && !venue) venue = argv[i];
        else fail(EXIT_USE, argv[i], "VENUE [--oldest] [--quotes] [--namespace NAME]");
    }
    if (!venue) fail(EXIT_USE, "no venue", "VENUE [--oldest] [--quotes] [--namespace NAME]");
    if (!is_name(space) || !is_name(venue))
        fail(EXIT_USE, is_name(space) ? venue : space, "1 to 48 letters, digits, '-' or '_'");

    reader r = {0};
    attach(&r, space, venue);
    start(&r, oldest);
    fprintf(stderr, "attached %" PRIu64 " at %" PRIu64 "\n", r.feed.plan.epoch, r.next);
    follow(&r, quotes);
    fprintf(stderr, "the writer ended\n");
    fh_detach(&r.feed);
    free(r.message);
    free(r.rows);
    return 0;
}
