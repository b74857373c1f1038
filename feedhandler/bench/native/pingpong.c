/* The floor of `hop`: two threads on two cores and a cache line each way.
 *
 *   pingpong CPU CPU COUNT FILE
 *
 * Each sees a number in the other's line, reads the clock, answers in its own line. FILE: how long each of
 * the 2 * COUNT ways took, from the clock before the store to the clock after the load, 8 bytes each, ns.
 * Says "done".
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct line { /* alone in its cache line and the one that is fetched with it */
    _Alignas(128) _Atomic uint64_t number;
    _Atomic int64_t stamp;
} line;

static line to_second, to_first;
static uint64_t count;
static int64_t *ways;

static int64_t monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static inline void put(line *to, uint64_t number)
{
    atomic_store_explicit(&to->stamp, monotonic(), memory_order_relaxed);
    atomic_store_explicit(&to->number, number, memory_order_release);
}

static inline int64_t await(line *from, uint64_t number)
{
    while (atomic_load_explicit(&from->number, memory_order_acquire) != number) {}
    return monotonic() - atomic_load_explicit(&from->stamp, memory_order_relaxed);
}

static void *second(void *cpu)
{
    pin(*(int *)cpu);
    for (uint64_t i = 1; i <= count; i++) {
        ways[2 * i - 2] = await(&to_second, i);
        put(&to_first, i);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    int cpu = atoi(argv[2]);
    count = strtoul(argv[3], NULL, 10);
    ways = malloc(2 * count * sizeof *ways);
    if (!ways)
        return 1;
    memset(ways, 1, 2 * count * sizeof *ways); /* no page fault while it counts */
    pthread_t other;
    if (pthread_create(&other, NULL, second, &cpu))
        return 1;
    pin(atoi(argv[1]));
    for (uint64_t i = 1; i <= count; i++) {
        put(&to_second, i);
        ways[2 * i - 1] = await(&to_first, i);
    }
    pthread_join(other, NULL);
    FILE *file = fopen(argv[4], "w");
    if (!file || fwrite(ways, sizeof *ways, 2 * count, file) != 2 * count || fclose(file))
        return 1;
    puts("done");
    return 0;
}
