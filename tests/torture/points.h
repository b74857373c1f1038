/* The words of feedhandler_shm.h with a point before each, at which a process can be killed, stopped
 * or made to leave; or at which the word itself is left out, which is the mutation of the tests.
 *
 * Compiled into a second shm._native by the tests: -DFH_KILL_POINTS='"/path/to/points.h"'. A point is
 * called "function: operation expression", as in the source (load, acquire, store, release, swap, futex),
 * and is passed a first, second, nth time.
 */
#ifndef FEEDHANDLER_KILL_POINTS_H
#define FEEDHANDLER_KILL_POINTS_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define FH_EXPORT __attribute__((visibility("default"), used))

typedef struct fh_site {
    const char *name;
    unsigned generation; /* what follows was found out in */
    int armed, broken;
} fh_site;

enum { FH_IDLE = 0, FH_TRACE = 1, FH_ARMED = 2, FH_BREAK = 4 };
enum { FH_KILL = 0, FH_STOP = 1, FH_LEAVE = 2 };

static struct {
    int mode;
    unsigned generation;
    char name[256], broken[256]; /* "" of name: any point */
    long countdown;              /* how many times it is still passed */
    int action;
    char *trace;
    size_t used, room;
    uint64_t passed;
    struct { const void *at; uint64_t value; } seen[4096]; /* for words that are not loaded again */
} fh_points;

/* Off; names from now on; at the `nth` pass of `name` from now on do `action`. */
FH_EXPORT void fh_points_off(void) { fh_points.mode &= FH_BREAK; }
FH_EXPORT void fh_points_trace(void) {
    fh_points.used = 0;
    fh_points.mode |= FH_TRACE;
}
FH_EXPORT const char *fh_points_traced(void) { return fh_points.used ? fh_points.trace : ""; }
FH_EXPORT uint64_t fh_points_passed(void) { return fh_points.passed; }
FH_EXPORT void fh_points_arm(const char *name, long nth, int action) {
    snprintf(fh_points.name, sizeof fh_points.name, "%s", name);
    fh_points.countdown = nth;
    fh_points.action = action;
    fh_points.generation++;
    fh_points.mode |= FH_ARMED;
}
/* Leave a word out: a store is not made, a load answers what the last load from there answered. */
FH_EXPORT void fh_points_break(const char *name) {
    snprintf(fh_points.broken, sizeof fh_points.broken, "%s", name);
    fh_points.generation++;
    fh_points.mode |= FH_BREAK;
}

static void fh_point_name(fh_site *site, const char *function, const char *what) {
    char *name = (char *)malloc(256);
    const char *bare = strrchr(function, '.') ? strrchr(function, '.') + 1 : function;
    snprintf(name, 256, "%s: %s", bare, what);
    site->name = name;
}

static void fh_point_note(const char *name) {
    size_t length = strlen(name);
    if (fh_points.used + length + 2 > fh_points.room) {
        fh_points.room = 2 * (fh_points.room + length + 2) + 4096;
        fh_points.trace = (char *)realloc(fh_points.trace, fh_points.room);
    }
    memcpy(fh_points.trace + fh_points.used, name, length);
    memcpy(fh_points.trace + fh_points.used + length, "\n", 2);
    fh_points.used += length + 1;
}

static void fh_point_act(void) {
    fh_points.mode &= ~FH_ARMED;
    if (fh_points.action == FH_LEAVE)
        _exit(7);
    kill(getpid(), fh_points.action == FH_STOP ? SIGSTOP : SIGKILL);
}

/* 1: leave the word out. */
static int fh_point_slow(fh_site *site, const char *function, const char *what) {
    if (site->name == NULL)
        fh_point_name(site, function, what);
    if (site->generation != fh_points.generation) {
        site->generation = fh_points.generation;
        site->armed = fh_points.name[0] == 0 || strcmp(site->name, fh_points.name) == 0;
        site->broken = strcmp(site->name, fh_points.broken) == 0;
    }
    if (fh_points.mode & FH_TRACE)
        fh_point_note(site->name);
    if (fh_points.mode & FH_ARMED && site->armed && --fh_points.countdown <= 0)
        fh_point_act();
    return fh_points.mode & FH_BREAK && site->broken;
}

static inline int fh_point(fh_site *site, const char *function, const char *what) {
    fh_points.passed++;
    return fh_points.mode == FH_IDLE ? 0 : fh_point_slow(site, function, what);
}

static inline uint64_t fh_point_seen(int broken, const volatile void *at, uint64_t value) {
    size_t place = ((uintptr_t)at >> 2) % 4096;
    if (broken && fh_points.seen[place].at == at)
        return fh_points.seen[place].value;
    fh_points.seen[place].at = (const void *)at;
    fh_points.seen[place].value = value;
    return value;
}

#define FH_AT(what) ({ static fh_site fh_site_; fh_point(&fh_site_, __func__, what); })
#define FH_POINT_LOAD(p, order, what)                                                          \
    ({                                                                                         \
        int fh_broken_ = FH_AT(what);                                                          \
        (__typeof__(*(p) + 0))fh_point_seen(fh_broken_, (p), (uint64_t)__atomic_load_n((p), order)); \
    })
#define FH_POINT_STORE(p, v, order, what)                                                      \
    ({                                                                                         \
        if (!FH_AT(what))                                                                      \
            __atomic_store_n((p), (v), order);                                                 \
        (void)0;                                                                               \
    })

#define FH_LOAD(p) FH_POINT_LOAD(p, __ATOMIC_RELAXED, "load " #p)
#define FH_LOAD_ACQUIRE(p) FH_POINT_LOAD(p, __ATOMIC_ACQUIRE, "acquire " #p)
#define FH_STORE(p, v) FH_POINT_STORE(p, v, __ATOMIC_RELAXED, "store " #p " = " #v)
#define FH_STORE_RELEASE(p, v) FH_POINT_STORE(p, v, __ATOMIC_RELEASE, "release " #p " = " #v)
#define FH_SWAP(p, seen, v)                                                                    \
    ({                                                                                         \
        FH_AT("swap " #p " = " #v);                                                            \
        __atomic_compare_exchange_n((p), (seen), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);  \
    })
#define FH_FUTEX(word, operation, value, timeout, bits)                                        \
    ({                                                                                         \
        FH_AT("futex " #operation);                                                            \
        syscall(SYS_futex, (word), (operation), (value), (timeout), NULL, (bits));             \
    })
#define FH_NAP(time)                                                                           \
    ({                                                                                         \
        FH_AT("nap");                                                                          \
        clock_nanosleep(CLOCK_MONOTONIC, 0, (time), NULL);                                     \
    })

#endif
