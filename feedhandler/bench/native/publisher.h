/* The writer of the hop benchmark: one record a message, in native loops.
 *
 * A record's exchange_ns is the CLOCK_MONOTONIC time when the message was due, so that a reader's clock
 * minus it is the whole way; its venue_sequence counts from 1.
 */
#ifndef FEEDHANDLER_BENCH_PUBLISHER_H
#define FEEDHANDLER_BENCH_PUBLISHER_H

#include "feedhandler_shm.h"

static inline int64_t publisher_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void publisher_message(fh_writer *w, uint64_t number, int64_t stamp)
{
    fh_message_begin_at(w, 0, 0, 0, stamp, stamp, number, stamp);
    fh_message_add(w, FH_KIND_LEVEL, FH_BID, (int64_t)number, 1, 0);
    fh_message_end(w);
    fh_publish(w);
}

/* A message every `interval_ns`, never early; readers are woken after each. */
static void publisher_paced(fh_writer *w, uint64_t count, int64_t interval_ns)
{
    int64_t due = publisher_now();
    for (uint64_t i = 1; i <= count; i++) {
        due += interval_ns;
        int64_t now;
        while ((now = publisher_now()) < due) {}
        publisher_message(w, i, due);
        fh_wake(w);
    }
}

/* `bursts` times `size` messages at once, every `interval_ns`; readers are woken after each burst.
 * took[i]: nanoseconds that burst i took its writer. */
static void publisher_bursts(fh_writer *w, uint64_t bursts, uint64_t size, int64_t interval_ns,
                             int64_t *took)
{
    int64_t due = publisher_now();
    for (uint64_t i = 0; i < bursts; i++) {
        due += interval_ns;
        int64_t begin;
        while ((begin = publisher_now()) < due) {}
        for (uint64_t k = 1; k <= size; k++)
            publisher_message(w, i * size + k, begin);
        fh_wake(w);
        took[i] = publisher_now() - begin;
    }
}

#endif
