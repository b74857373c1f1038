/* feedhandler_attach.h - attach to a venue's shared memory, for C11 and C++17.
 *
 *     fh_feed feed;
 *     char why[FH_WHY_BYTES];
 *     if (fh_attach(&feed, "feedhandler", "deribit", why) != FH_ATTACHED) { puts(why); return; }
 *     ... fh_slot_read(feed.ring, feed.mask, n, &slot), fh_cell(&feed, &feed.plan.quotes, row) ...
 *     if (fh_gone(&feed)) { fh_detach(&feed); ... attach again ... }
 *
 * Every check of docs/memory.md is here: whose object it is, its kind and mode, version, boot, and where
 * its parts lie, which is taken from a copy of the header that was checked. A process that maps memory
 * which somebody may truncate guards itself besides (docs/memory.md, Damaged memory).
 */
#ifndef FEEDHANDLER_ATTACH_H
#define FEEDHANDLER_ATTACH_H

#include "feedhandler_shm.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define FH_WHY_BYTES 256

/* NOT_READY: no such venue, or no writer runs: try again. REFUSED: damaged, of another version, or of a user
 * whose feeds are not believed. */
enum fh_attached { FH_ATTACHED, FH_NOT_READY, FH_REFUSED };

typedef struct fh_feed {
    fh_header plan;            /* the header as it was checked: where things lie */
    const fh_header *header;   /* as it is now: published, superseded, heartbeat_ns, ... */
    const fh_control *control;
    uint32_t *sleepers;        /* for fh_wait; NULL: this user cannot ask to be woken */
    const unsigned char *data;
    const fh_slot *ring;
    uint64_t mask;
    size_t size;
    int control_fd;
} fh_feed;

/* Whose feed is believed: FEEDHANDLER_OWNER's, a name or a number; else one's own, or root's. Anybody may
 * make an object under a feed's name. */
static inline int fh_believed(uid_t owner) {
    const char *named = getenv("FEEDHANDLER_OWNER");
    if (!named || !*named) return owner == geteuid() || owner == 0;
    char *end;
    unsigned long number = strtoul(named, &end, 10);
    if (*end == 0) return number == owner;
    const struct passwd *user = getpwnam(named);
    return user && user->pw_uid == owner;
}

/* Whether the writer holds its lock on the control object. Asks, never takes it: what a read lock would
 * meet is a write lock, and that its owner alone can have. */
static inline int fh_writer_lives(int control_fd) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(control_fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static inline int fh_why(char *why, enum fh_attached how, const char *what, const char *text) {
    snprintf(why, FH_WHY_BYTES, "%s: %s", what, text);
    return how;
}

static inline int fh_is_this_boot(const char *boot_id) {
    char text[64], now[16];
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(text, sizeof text, file)) text[0] = 0;
    if (file) fclose(file);
    size_t digits = 0;
    memset(now, 0, sizeof now);
    for (const char *at = text; *at && digits < 32; at++) {
        const char *found = strchr("0123456789abcdef", *at);
        if (!found) continue;
        now[digits / 2] = (char)(now[digits / 2] << 4 | (found - "0123456789abcdef"));
        digits++;
    }
    return digits == 32 && memcmp(now, boot_id, 16) == 0;
}

static inline const char *fh_check_identity(uint16_t major, uint16_t minor, uint64_t layout_hash,
                                            const char *boot_id) {
    if (major != FH_VERSION_MAJOR) return "another major version of the contract";
    if (minor == FH_VERSION_MINOR && layout_hash != fh_layout_hash())
        return "the layout differs though the version is the same";
    return fh_is_this_boot(boot_id) ? NULL : "of another boot of this machine";
}

static inline int fh_region_fits(const fh_region *r, uint64_t least, uint64_t size) {
    return r->count >= 1 && r->stride >= least && r->stride % 8 == 0 && r->offset % 64 == 0 &&
           r->offset >= FH_HEADER_BYTES && r->offset <= size &&
           r->count <= (size - r->offset) / r->stride;
}

/* What is wrong with a copy of a header; NULL: nothing. `*what` is the field. */
static inline const char *fh_check_header(const fh_header *h, uint64_t size, uint64_t epoch,
                                          const char **what) {
    const char *wrong = fh_check_identity(h->version_major, h->version_minor, h->layout_hash, h->boot_id);
    *what = "data object";
    if (wrong) return wrong;
    if (h->epoch != epoch) return "of another epoch";
    *what = "total_bytes";
    if (h->total_bytes != size) return "is not the object's size";
    *what = "book_depth";
    if (h->book_depth < 1 || h->book_depth > 10000) return "1 to 10000";
    *what = "directory";
    if (!fh_region_fits(&h->directory, fh_cell_stride(sizeof(fh_instrument)), size))
        return "does not fit into the object";
    *what = "quotes";
    if (!fh_region_fits(&h->quotes, fh_cell_stride(sizeof(fh_quote)), size) ||
        h->quotes.count < h->directory.count)
        return "does not fit into the object, or has fewer rows than the directory";
    *what = "books";
    if (!fh_region_fits(&h->books, fh_cell_stride(fh_book_copy_bytes(h->book_depth)), size) ||
        h->books.count < h->directory.count)
        return "does not fit into the object, or has fewer rows than the directory";
    *what = "ring";
    if (!fh_region_fits(&h->ring, sizeof(fh_slot), size) || h->ring.stride != sizeof(fh_slot) ||
        (h->ring.count & (h->ring.count - 1)))
        return "is not a power of two of 64-byte slots inside the object";
    return NULL;
}

/* A plain file of this owner, who alone may write it. */
static inline const char *fh_check_file(const struct stat *file, uid_t owner) {
    if (!S_ISREG(file->st_mode) || file->st_mode & (S_IWGRP | S_IWOTH))
        return "mode: no plain file, or others may write it";
    return file->st_uid == owner ? NULL : "owner: is not that of the control object";
}

static inline const void *fh_map(int fd, size_t size, int protection) {
    void *memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* What readers may write. Nothing there is believed. */
static inline uint32_t *fh_open_sleepers(const char *control_name, uid_t owner) {
    char name[160];
    struct stat file;
    fh_readers *readers = NULL;
    snprintf(name, sizeof name, "%s.readers", control_name);
    int fd = shm_open(name, O_RDWR | O_NONBLOCK, 0);
    if (fd < 0) return NULL;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == owner &&
        file.st_size >= FH_READERS_BYTES)
        readers = (fh_readers *)fh_map(fd, FH_READERS_BYTES, PROT_READ | PROT_WRITE);
    close(fd);
    return readers ? &readers->sleepers : NULL;
}

/* Let go of all of it. */
static inline void fh_detach(fh_feed *feed) {
    if (feed->data) munmap((void *)feed->data, feed->size);
    if (feed->control) munmap((void *)feed->control, FH_CONTROL_BYTES);
    if (feed->sleepers)
        munmap((unsigned char *)feed->sleepers - offsetof(fh_readers, sleepers), FH_READERS_BYTES);
    if (feed->control_fd >= 0) close(feed->control_fd);
    memset(feed, 0, sizeof *feed);
    feed->control_fd = -1;
}

static inline int fh_attach_data(fh_feed *feed, const char *name, int fd, uid_t owner, uint64_t epoch,
                                 char *why) {
    struct stat file;
    const char *wrong, *what = name;
    if (fd < 0 || fstat(fd, &file) != 0) return fh_why(why, FH_NOT_READY, name, "the writer is starting");
    if ((wrong = fh_check_file(&file, owner)) != NULL) return fh_why(why, FH_REFUSED, name, wrong);
    if (file.st_size < FH_HEADER_BYTES)
        return fh_why(why, FH_REFUSED, name, "total_bytes: shorter than its header");
    feed->size = (size_t)file.st_size;
    feed->data = (const unsigned char *)fh_map(fd, feed->size, PROT_READ); /* stays when the name goes */
    if (!feed->data) return fh_why(why, FH_NOT_READY, name, strerror(errno));
    feed->header = (const fh_header *)feed->data;
    if (FH_LOAD_ACQUIRE(&feed->header->magic) != FH_MAGIC_DATA)
        return fh_why(why, FH_REFUSED, name, "magic: named, but not ready");
    fh_words_out((const fh_word *)feed->header, (fh_word *)&feed->plan, sizeof feed->plan / 8);
    if ((wrong = fh_check_header(&feed->plan, feed->size, epoch, &what)) != NULL)
        return fh_why(why, FH_REFUSED, what, wrong);
    feed->ring = (const fh_slot *)(feed->data + feed->plan.ring.offset);
    feed->mask = feed->plan.ring.count - 1;
    return FH_ATTACHED;
}

static inline int fh_attach_control(fh_feed *feed, const char *name, char *why) {
    struct stat file;
    const char *wrong;
    feed->control_fd = shm_open(name, O_RDONLY | O_NONBLOCK, 0); /* under the name may be a FIFO */
    if (feed->control_fd < 0 || fstat(feed->control_fd, &file) != 0)
        return fh_why(why, FH_NOT_READY, name, "no such venue");
    if (!fh_believed(file.st_uid))
        return fh_why(why, FH_REFUSED, name, "is another user's: FEEDHANDLER_OWNER names whom to believe");
    if ((wrong = fh_check_file(&file, file.st_uid)) != NULL)
        return fh_why(why, FH_REFUSED, "control object", wrong);
    if (file.st_size < FH_CONTROL_BYTES || !fh_writer_lives(feed->control_fd))
        return fh_why(why, FH_NOT_READY, name, "no writer is running");
    feed->control = (const fh_control *)fh_map(feed->control_fd, FH_CONTROL_BYTES, PROT_READ);
    if (!feed->control) return fh_why(why, FH_NOT_READY, name, strerror(errno));
    uint64_t magic = FH_LOAD_ACQUIRE(&feed->control->magic);
    if (magic == 0) return fh_why(why, FH_NOT_READY, name, "the writer is starting");
    if (magic != FH_MAGIC_CONTROL) return fh_why(why, FH_REFUSED, name, "magic: not a control object");
    wrong = fh_check_identity(feed->control->version_major, feed->control->version_minor,
                              feed->control->layout_hash, feed->control->boot_id);
    if (wrong) return fh_why(why, FH_REFUSED, name, wrong);
    uint64_t epoch = FH_LOAD_ACQUIRE(&feed->control->epoch);
    char data_name[160];
    snprintf(data_name, sizeof data_name, "%s.%llu", name, (unsigned long long)epoch);
    int fd = epoch ? shm_open(data_name, O_RDONLY | O_NONBLOCK, 0) : -1;
    int how = fh_attach_data(feed, data_name, fd, file.st_uid, epoch, why);
    if (fd >= 0) close(fd);
    if (how == FH_ATTACHED) feed->sleepers = fh_open_sleepers(name, file.st_uid);
    return how;
}

/* One try. Anything but FH_ATTACHED: `why` says why, and nothing is left open. `space` and `venue`: 1 to 48
 * letters, digits, '-' and '_'. */
static inline int fh_attach(fh_feed *feed, const char *space, const char *venue, char why[FH_WHY_BYTES]) {
    char name[128];
    memset(feed, 0, sizeof *feed);
    snprintf(name, sizeof name, "/%s.%s", space, venue);
    int how = fh_attach_control(feed, name, why);
    if (how != FH_ATTACHED) fh_detach(feed);
    return how;
}

/* Whether the writer of this epoch is gone; after it, all that was published is seen. A system call: ask when
 * nothing new came. */
static inline int fh_gone(const fh_feed *feed) {
    return FH_LOAD_ACQUIRE(&feed->header->superseded) ||
           FH_LOAD_ACQUIRE(&feed->control->epoch) != feed->plan.epoch ||
           !fh_writer_lives(feed->control_fd);
}

/* The cell of a row of `feed.plan.quotes`, `.books`, `.directory`, for fh_latch_read. */
static inline const fh_word *fh_cell(const fh_feed *feed, const fh_region *region, uint32_t row) {
    return (const fh_word *)(feed->data + region->offset + (uint64_t)row * region->stride);
}

#endif
