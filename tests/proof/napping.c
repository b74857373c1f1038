/* What a reader that is about to sleep does, and what the writer says of its pace: one thread, no clock. */
#include <stdint.h>

#define FH_KILL_POINTS "napping_words.h"
#include "feedhandler_shm.h"

static fh_header header;
static fh_readers readers;
static struct result {
    int64_t naps, longest_ns, shortest_ns; /* how many, and of what length */
    int64_t told;                          /* a nap in which the writer was told that somebody sleeps */
    int64_t slack_ns;                      /* the most that the kernel might have made more of a nap */
    int64_t waits, wakes;                  /* calls of the kernel */
} result;
static int64_t news_at, end_at;

long napped(const struct timespec *time)
{
    int64_t slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    result.naps++;
    if (result.longest_ns < time->tv_nsec)
        result.longest_ns = time->tv_nsec;
    if (result.naps == 1 || result.shortest_ns > time->tv_nsec)
        result.shortest_ns = time->tv_nsec;
    if (result.slack_ns < slack)
        result.slack_ns = slack;
    result.told |= readers.sleepers;
    header.published += result.naps == news_at;
    header.superseded |= result.naps == end_at;
    return 0;
}

long called(int operation, const struct timespec *until)
{
    (void)until;
    *(operation == FUTEX_WAIT_BITSET ? &result.waits : &result.wakes) += 1;
    return -1;
}

/* A reader that has seen all; something comes in its nap number `news`, the writer ends in number `end`. */
const struct result *waits(uint32_t pace_ns, int64_t timeout_ns, int64_t news, int64_t end)
{
    memset(&result, 0, sizeof result);
    memset(&header, 0, sizeof header);
    memset(&readers, 0, sizeof readers);
    header.pace_ns = pace_ns;
    header.published = 7;
    news_at = news;
    end_at = end;
    fh_wait(&header, &readers.sleepers, 7, timeout_ns);
    result.told |= (int64_t)readers.sleepers << 1; /* at the end */
    return &result;
}

/* What the writer says after batches that were published at these times. */
uint32_t pace_after(const int64_t *times, int count)
{
    static fh_writer w;
    memset(&header, 0, sizeof header);
    memset(&readers, 0, sizeof readers);
    fh_writer_open(&w, &header, &header, &readers);
    for (int i = 0; i < count; i++) {
        w.publish_ns = times[i];
        fh_wake(&w);
    }
    return header.pace_ns;
}
