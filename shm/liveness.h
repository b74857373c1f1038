/* Whether a segment's writer lives: what its heartbeat, its header, the control object and its lock say. */
#ifndef FEEDHANDLER_LIVENESS_H
#define FEEDHANDLER_LIVENESS_H

#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "feedhandler_shm.h"

enum {
    FH_SUSPECT_NS = 300000000, /* a heartbeat older than this: ask the lock */
    FH_ASK_NS = 50000000,      /* not more often than this */
    FH_DEAD_NS = 1000000000,   /* a heartbeat older than this: nothing is called live */
};

enum { FH_WRITER_LIVES, FH_WRITER_STOPPED, FH_WRITER_SUPERSEDED, FH_WRITER_DIED };

static int64_t fh_coarse_ns(void) { /* a few ns; a few ms coarse */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* How far a time is from now. One that lies ahead is of before the clock was set back, and nothing says how long
 * ago that was: it must not pass for young. */
static inline int64_t fh_age(int64_t now, int64_t then) {
    int64_t age = (int64_t)((uint64_t)now - (uint64_t)then);
    return age >= 0 ? age : -(age + 1);
}

static inline int64_t fh_heartbeat_age(const fh_header *header, int64_t now) {
    return fh_age(now, FH_LOAD(&header->heartbeat_ns));
}

/* Whether it is time to ask `fh_writer_gone`: two loads and a coarse clock. `next_ask_ns` is the reader's. */
static inline int fh_suspect(const fh_header *header, int64_t *next_ask_ns) {
    if (FH_LOAD(&header->superseded)) return 1;
    int64_t now = fh_coarse_ns(), age = now - FH_LOAD(&header->heartbeat_ns), wait;
    if (__builtin_expect(-FH_SUSPECT_NS < age && age < FH_SUSPECT_NS, 1)) return 0;
    wait = *next_ask_ns - now;
    if (0 < wait && wait < FH_ASK_NS) return 0;
    *next_ask_ns = now + FH_ASK_NS - 1;
    return 1;
}

/* 1: the writer holds its lock on the control object; 0: nobody; -1: errno. Never takes it. What a read lock
 * would meet is a write lock, and that can only be had by who may write the object: any reader may hold
 * a read lock on it, which says nothing. */
static int fh_lock_held(int fd) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return -1;
    return lock.l_type != F_UNLCK;
}

/* How the writer said that nothing follows; FH_WRITER_LIVES: it did not. */
static inline int fh_why_over(const fh_header *header) {
    if (!FH_LOAD_ACQUIRE(&header->superseded)) return FH_WRITER_LIVES;
    if (FH_LOAD(&header->state) == FH_STATE_CLOSED && FH_LOAD(&header->reason) == FH_REASON_STOPPED)
        return FH_WRITER_STOPPED;
    return FH_WRITER_SUPERSEDED;
}

/* What the control object (NULL: there is none) and the lock on it say of the writer of `plan`, a copy of
 * the header that was checked; -1: errno. */
static inline int fh_why_dead(const fh_header *header, const fh_control *control, const fh_header *plan,
                              int lock) {
    if (!control) return FH_WRITER_DIED;
    if (FH_LOAD_ACQUIRE(&control->epoch) != plan->epoch) return FH_WRITER_SUPERSEDED;
    if (FH_LOAD_ACQUIRE(&control->writer_pid) != plan->writer_pid ||
        FH_LOAD_ACQUIRE(&control->writer_start_ticks) != plan->writer_start_ticks)
        return FH_WRITER_DIED; /* another writer is starting */
    int held = fh_lock_held(lock);
    if (held < 0) return -1;
    if (held) return FH_WRITER_LIVES;
    int over = fh_why_over(header); /* it may have stopped in order since the first look */
    return over ? over : FH_WRITER_DIED;
}

/* FH_WRITER_LIVES, or how it ended; -1: errno. A system call. */
static inline int fh_writer_gone(const fh_header *header, const fh_control *control, const fh_header *plan,
                                 int lock) {
    int over = fh_why_over(header);
    return over ? over : fh_why_dead(header, control, plan, lock);
}

#endif
