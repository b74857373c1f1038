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
#include "feedhandler_shm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { EXIT_NOT_READY = 1, EXIT_USE = 2, EXIT_DAMAGED = 3 };
#define ATTACH_TRIES 500 /* of 10 ms */
#define SLEEP_NS 100000000

typedef struct reader {
    int control_fd;
    const fh_control *control;
    uint32_t *sleepers; /* NULL: the readers' object may not be written, only the time-out wakes */
    const unsigned char *data;
    const fh_header *header; /* as it is now */
    fh_header plan;          /* a copy, checked: from it is taken where things lie */
    const fh_slot *ring;
    uint64_t size, mask, next; /* next: the sequence that is read next, the start of a message */
    fh_instrument *rows;       /* the directory as last read */
    fh_slot *message;          /* the records of a message until its LAST */
    size_t records, room;
} reader;

static _Noreturn void fail(int code, const char *what, const char *detail) {
    fprintf(stderr, "reader: %s: %s\n", what, detail);
    exit(code);
}

/* ---- attach and validate: nothing in the memory is believed before it is checked ---- */

static const void *map(int fd, size_t size, int protection) {
    void *memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) fail(EXIT_NOT_READY, "mmap", strerror(errno));
    return memory;
}

/* Anybody may make an object under a feed's name: whose is believed? */
static bool believed(uid_t owner) {
    const char *named = getenv("FEEDHANDLER_OWNER");
    if (!named || !*named) return owner == geteuid() || owner == 0;
    char *end;
    unsigned long number = strtoul(named, &end, 10);
    const struct passwd *user = *end ? getpwnam(named) : NULL;
    return *end ? user && user->pw_uid == owner : number == owner;
}

/* Plain files of one owner, who alone may write them. */
static void check_files(const struct stat *control, const struct stat *data) {
    if (!S_ISREG(control->st_mode) || control->st_mode & (S_IWGRP | S_IWOTH))
        fail(EXIT_DAMAGED, "control.mode", "no plain file, or others may write it");
    if (!S_ISREG(data->st_mode) || data->st_mode & (S_IWGRP | S_IWOTH))
        fail(EXIT_DAMAGED, "mode", "no plain file, or others may write it");
    if (data->st_uid != control->st_uid)
        fail(EXIT_DAMAGED, "owner", "is not that of the control object");
}

static void check_version(const char *what, uint16_t major, uint16_t minor, uint64_t hash) {
    if (major != FH_VERSION_MAJOR) fail(EXIT_DAMAGED, what, "another major version of the contract");
    if (minor == FH_VERSION_MINOR && hash != fh_layout_hash())
        fail(EXIT_DAMAGED, what, "the layout differs though the version is the same");
}

static void check_region(const char *name, const fh_region *r, uint64_t least, uint64_t size) {
    bool right = r->count >= 1 && r->stride >= least && r->stride % 8 == 0 && r->offset % 64 == 0 &&
                 r->offset >= FH_HEADER_BYTES && r->offset <= size &&
                 r->count <= (size - r->offset) / r->stride;
    if (!right) fail(EXIT_DAMAGED, name, "the region does not fit into the object");
}

static void check_header(const fh_header *h, uint64_t size) {
    check_version("data object", h->version_major, h->version_minor, h->layout_hash);
    if (h->total_bytes != size) fail(EXIT_DAMAGED, "total_bytes", "is not the object's size");
    if (h->book_depth < 1 || h->book_depth > 10000) fail(EXIT_DAMAGED, "book_depth", "1 to 10000");
    check_region("directory", &h->directory, fh_cell_stride(sizeof(fh_instrument)), size);
    check_region("quotes", &h->quotes, fh_cell_stride(sizeof(fh_quote)), size);
    check_region("books", &h->books, fh_cell_stride(fh_book_copy_bytes(h->book_depth)), size);
    check_region("ring", &h->ring, sizeof(fh_slot), size);
    if (h->quotes.count < h->directory.count) fail(EXIT_DAMAGED, "quotes", "fewer than instruments");
    if (h->ring.stride != sizeof(fh_slot) || (h->ring.count & (h->ring.count - 1)))
        fail(EXIT_DAMAGED, "ring", "not a power of two of 64-byte slots");
}

/* Whether the writer holds its lock. Asks, never takes it; what a read lock would meet is a write lock. */
static bool writer_lives(int control_fd) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    return fcntl(control_fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* The word that asks to be woken; NULL: this reader may not write it. Nothing else there is believed. */
static uint32_t *sleepers(const char *space, const char *venue, uid_t owner) {
    char name[128];
    struct stat status;
    fh_readers *readers = NULL;
    snprintf(name, sizeof name, "/%s.%s.readers", space, venue);
    int fd = shm_open(name, O_RDWR | O_NONBLOCK, 0);
    if (fd < 0) return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == owner &&
        status.st_size >= FH_READERS_BYTES)
        readers = (fh_readers *)map(fd, FH_READERS_BYTES, PROT_READ | PROT_WRITE);
    close(fd);
    return readers ? &readers->sleepers : NULL;
}

/* One try; NULL, or why not. A reader that is refused leaves nothing behind. */
static const char *attach(reader *r, const char *space, const char *venue) {
    char name[128];
    struct stat owner, status;
    snprintf(name, sizeof name, "/%s.%s", space, venue);
    int fd = shm_open(name, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) return "no such venue";
    if (fstat(fd, &owner) == 0 && !believed(owner.st_uid))
        fail(EXIT_DAMAGED, name, "is another user's: FEEDHANDLER_OWNER names whom to believe");
    if (owner.st_size < FH_CONTROL_BYTES || !writer_lives(fd)) {
        close(fd);
        return "no writer is running";
    }
    const fh_control *control = (const fh_control *)map(fd, FH_CONTROL_BYTES, PROT_READ);
    uint64_t magic = FH_LOAD_ACQUIRE(&control->magic);
    if (magic && magic != FH_MAGIC_CONTROL) fail(EXIT_DAMAGED, name, "not a control object");
    uint64_t epoch = magic ? FH_LOAD_ACQUIRE(&control->epoch) : 0;
    int data = -1;
    if (epoch) {
        check_version(name, control->version_major, control->version_minor, control->layout_hash);
        snprintf(name, sizeof name, "/%s.%s.%" PRIu64, space, venue, epoch);
        data = shm_open(name, O_RDONLY | O_NONBLOCK, 0);
    }
    bool there = data >= 0 && fstat(data, &status) == 0;
    if (there) check_files(&owner, &status);
    if (!there || status.st_size < FH_HEADER_BYTES) {
        if (data >= 0) close(data);
        munmap((void *)control, FH_CONTROL_BYTES);
        close(fd);
        return "the writer is starting";
    }
    r->control_fd = fd;
    r->control = control;
    r->sleepers = sleepers(space, venue, owner.st_uid);
    r->size = (uint64_t)status.st_size;
    r->data = map(data, r->size, PROT_READ); /* stays valid when the name is removed */
    close(data);
    r->header = (const fh_header *)r->data;
    if (FH_LOAD_ACQUIRE(&r->header->magic) != FH_MAGIC_DATA)
        fail(EXIT_DAMAGED, name, "named, but not ready");
    fh_words_out((const fh_word *)r->header, (fh_word *)&r->plan, sizeof r->plan / sizeof(fh_word));
    check_header(&r->plan, r->size);
    if (r->plan.epoch != epoch) fail(EXIT_DAMAGED, name, "of another epoch");
    r->ring = (const fh_slot *)(r->data + r->plan.ring.offset);
    r->mask = r->plan.ring.count - 1;
    r->rows = calloc(r->plan.directory.count, sizeof *r->rows);
    if (!r->rows) fail(EXIT_NOT_READY, "directory", "no memory");
    return NULL;
}

/* The sign that the writer is gone. Acquire: after it, all that was published is seen. */
static bool gone(const reader *r) {
    return FH_LOAD_ACQUIRE(&r->header->superseded) ||
           FH_LOAD_ACQUIRE(&r->control->epoch) != r->plan.epoch || !writer_lives(r->control_fd);
}

/* ---- the directory and the cells ---- */

static const fh_instrument *instrument(reader *r, uint32_t id, unsigned precision) {
    fh_instrument *row = &r->rows[id];
    if (row->stamp && precision <= row->precision) return row;
    const fh_region *region = &r->plan.directory;
    const fh_word *cell =
        (const fh_word *)(r->data + region->offset + (uint64_t)id * region->stride);
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
    const fh_region *region = &r->plan.quotes;
    const fh_word *cell =
        (const fh_word *)(r->data + region->offset + (uint64_t)id * region->stride);
    fh_quote q;
    if (fh_latch_read(cell, sizeof q, (fh_word *)&q, sizeof q / 8) != FH_READ_OK) return;
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
    if (scaled && s->instrument < r->plan.directory.count) {
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
    uint64_t published = FH_LOAD_ACQUIRE(&r->header->published);
    fh_slot slot;
    if (!oldest) {
        while (!fh_join_try(r->header, r->ring, r->mask, &published) && !gone(r)) {}
        r->next = published + 1;
        return;
    }
    r->next = published > r->mask ? published - r->mask : 1;
    while (r->next <= published) { /* to the first message that is still whole */
        if (fh_slot_read(r->ring, r->mask, r->next, &slot) == FH_READ_OK &&
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
    if (quotes && id < r->plan.directory.count) print_quote(r, id);
    for (size_t i = 0; !quotes && i < r->records; i++) print_record(r, &r->message[i]);
    r->records = 0;
}

/* Lapped: says how many records are lost, and goes on where the cells could be joined. */
static void overrun(reader *r) {
    uint64_t at = 0;
    while (!fh_join_try(r->header, r->ring, r->mask, &at) && !gone(r)) {}
    fprintf(stderr, "lost %" PRIu64 "\n", at + 1 - r->next);
    r->next = at + 1;
    r->records = 0;
}

/* Whole messages up to `published`; nothing of a message before its LAST. */
static void read_ring(reader *r, uint64_t published, bool quotes) {
    fh_slot slot;
    for (uint64_t n = r->next; n <= published; n++) {
        int status = fh_slot_read(r->ring, r->mask, n, &slot);
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
        uint64_t before = r->next, published = FH_LOAD_ACQUIRE(&r->header->published);
        read_ring(r, published, quotes);
        if (r->next != before) {
            fflush(stdout);
        } else if (gone(r)) {
            if (FH_LOAD_ACQUIRE(&r->header->published) == published) return; /* drained */
        } else {
            fh_wait(r->header, r->sleepers, published, SLEEP_NS);
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
    const char *venue = NULL, *space = getenv("FEEDHANDLER_NAMESPACE"), *why = NULL;
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
    for (int tries = 0; tries < ATTACH_TRIES && (why = attach(&r, space, venue)) != NULL; tries++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    if (why) fail(EXIT_NOT_READY, venue, why);
    start(&r, oldest);
    fprintf(stderr, "attached %" PRIu64 " at %" PRIu64 "\n", r.header->epoch, r.next);
    follow(&r, quotes);
    fprintf(stderr, "the writer ended\n");
    free(r.message);
    free(r.rows);
    return 0;
}
