/* A memory as C11 permits it under compiled functions, and every execution of a few threads on it.
 *
 * Threads are stacks of one process that hand on a baton before each word, so whatever is between two
 * words is the compiler's code itself. The memory is view-based, as in machine.py and handshake.py: a place
 * is the history of its stores, a thread has a view, the oldest store of each place that it may still read,
 * and a load may return any from there on; stores and fences carry views by their order. A place that
 * several threads store to may take a store before others that its thread does not know of. FUTEX_WAIT
 * compares and queues under a lock, FUTEX_WAKE takes any from the queue under it, and who is woken sees what
 * was done before that.
 *
 * No load is ordered behind a later store of its own thread (load buffering): see handshake.py for why that
 * loses nothing. What is chosen, and how all choices are gone through, is in explorer_search.h.
 */
#ifndef FEEDHANDLER_EXPLORER_H
#define FEEDHANDLER_EXPLORER_H

#include <linux/futex.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { PLACES = 88, STORES = 14, THREADS = 3, STACK = 1 << 16, CHOICES = 4096, ARENA = 1 << 16 };
enum { RUNS = 0, DONE = 1, ASLEEP = 2, DEAD = 3 };

typedef struct view { uint8_t at[PLACES]; } view;
typedef struct made { uint64_t value; view seen; } made;
typedef struct place { uint32_t offset; bool shared; int count; made stores[STORES]; } place;
typedef struct thread {
    void (*body)(void);
    jmp_buf at;
    bool begun;
    int state;
    uint32_t bits;  /* under which it sleeps */
    long passed;    /* words */
    uint64_t trail; /* what its state depends on */
    view now, pending, released;
} thread;

/* ---- what one run may do ------------------------------------------------------------------------- */

static struct {
    bool in_turn;     /* each thread to its end, then the next: all there is if only the first stores */
    bool settled;     /* loads return the newest: nothing is under way any more */
    long dies;        /* the first thread stops before this word of its; -1: never */
    long preemptions; /* at most so many times another runs though this one could; -1: any number */
    long loads;       /* of one thread: a run with more is cut */
} bound;

static unsigned char arena[ARENA] __attribute__((aligned(128)));
static uint16_t place_of[ARENA / 4]; /* index + 1 */
static place places[PLACES];
static int place_count;
static thread threads[THREADS];
static char stacks[THREADS][STACK] __attribute__((aligned(64)));
static int thread_count, running, last;
static long preempted;
static const volatile void *hint; /* a word of which any value is right: loads return this one, no store counts */
static uint64_t hinted;
static view fences, bucket; /* of sequentially consistent fences, and of the futex's lock */
static jmp_buf scheduler;
static const char *verdict;
static bool cut;

static struct { int pick, of; } choices[CHOICES];
static int depth, prefix;
static long runs, states, cuts;

static int choose(int of)
{
    if (of == 1)
        return 0;
    if (depth == CHOICES)
        abort();
    if (depth == prefix) {
        choices[depth].pick = 0;
        choices[depth].of = of;
        prefix++;
    }
    return choices[depth++].pick;
}

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15ull + 0x632BE59BD9B4E019ull;
    return hash ^ hash >> 29;
}

/* ---- threads --------------------------------------------------------------------------------------- */

static void pause_here(void)
{
    if (_setjmp(threads[running].at) == 0)
        _longjmp(scheduler, 1);
}

static void fail(const char *why)
{
    if (verdict == NULL)
        verdict = why;
    _longjmp(scheduler, 1);
}

/* All that the thread's future depends on, besides its view, is where it is and this. */
static void explored_is(uint64_t number) { threads[running].trail = mix(1, number); }

static void begin_body(void)
{
    threads[running].body();
    threads[running].state = DONE;
    _longjmp(scheduler, 1);
}

static void resume(int who)
{
    static ucontext_t context;
    running = who;
    if (_setjmp(scheduler))
        return;
    if (threads[who].begun)
        _longjmp(threads[who].at, 1);
    threads[who].begun = true;
    getcontext(&context);
    context.uc_stack.ss_sp = stacks[who];
    context.uc_stack.ss_size = STACK;
    makecontext(&context, begin_body, 0);
    setcontext(&context);
}

/* ---- memory ---------------------------------------------------------------------------------------- */

static void view_join(view *into, const view *other)
{
    for (int i = 0; i < place_count; i++)
        if (into->at[i] < other->at[i])
            into->at[i] = other->at[i];
}

static int place_at(const volatile void *at, unsigned bytes)
{
    size_t offset = (size_t)((const unsigned char *)at - arena);
    if (offset >= ARENA)
        abort();
    if (place_of[offset / 4] == 0) {
        if (place_count == PLACES)
            abort();
        place *p = &places[place_count];
        p->offset = (uint32_t)offset;
        p->shared = false;
        p->count = 1;
        memset(&p->stores[0], 0, sizeof p->stores[0]);
        memcpy(&p->stores[0].value, arena + offset, bytes); /* as it was when all began */
        place_of[offset / 4] = (uint16_t)++place_count;
    }
    return place_of[offset / 4] - 1;
}

/* A place that there is, in the same order in every run. `shared`: several threads store to it. */
static void declare(const void *at, unsigned bytes, unsigned count, bool shared)
{
    for (unsigned i = 0; i < count; i++)
        places[place_at((const char *)at + i * bytes, bytes)].shared = shared;
}

static uint64_t newest(const void *at, unsigned bytes)
{
    const place *p = &places[place_at(at, bytes)];
    return p->stores[p->count - 1].value;
}

/* Make room for a store before others: what was seen of those is one further on. */
static void place_shift(int where, int at)
{
    view *views[3 * THREADS + 2];
    int count = 0;
    for (int t = 0; t < thread_count; t++) {
        views[count++] = &threads[t].now;
        views[count++] = &threads[t].pending;
        views[count++] = &threads[t].released;
    }
    views[count++] = &fences;
    views[count++] = &bucket;
    for (int i = 0; i < count; i++)
        views[i]->at[where] += views[i]->at[where] >= at;
    place *p = &places[where];
    memmove(p->stores + at + 1, p->stores + at, (size_t)(p->count - at) * sizeof *p->stores);
    for (int i = 0; i < place_count; i++)
        for (int n = 0; n < places[i].count + (i == where); n++)
            if (i != where || n != at)
                places[i].stores[n].seen.at[where] += places[i].stores[n].seen.at[where] >= at;
}

static void passed(thread *t, uint64_t what)
{
    t->passed++;
    t->trail = mix(t->trail, what);
}

static int look(thread *t, int where)
{
    place *p = &places[where];
    int floor = bound.settled ? p->count - 1 : t->now.at[where];
    return t->now.at[where] = (uint8_t)(p->count - 1 - choose(p->count - floor));
}

uint64_t explored_load(const volatile void *at, unsigned bytes, int order)
{
    if (at == hint)
        return hinted;
    pause_here();
    thread *t = &threads[running];
    int where = place_at(at, bytes), seen = look(t, where);
    const made *m = &places[where].stores[seen];
    view_join(order == __ATOMIC_ACQUIRE ? &t->now : &t->pending, &m->seen);
    passed(t, m->value);
    if (t->passed > bound.loads) {
        cut = true;
        if (bound.settled)
            verdict = "a reader waits for a dead writer";
        _longjmp(scheduler, 1);
    }
    return m->value;
}

void explored_store(volatile void *at, unsigned bytes, uint64_t value, int order)
{
    if (at == hint)
        return;
    pause_here();
    thread *t = &threads[running];
    int where = place_at(at, bytes);
    place *p = &places[where];
    int spot = p->count - (p->shared ? choose(p->count - t->now.at[where]) : 0);
    if (p->count == STORES)
        abort();
    if (spot < p->count)
        place_shift(where, spot);
    t->now.at[where] = (uint8_t)spot;
    made *m = &p->stores[spot];
    m->value = bytes == 8 ? value : value & ((1ull << 8 * bytes) - 1);
    m->seen = order == __ATOMIC_RELEASE ? t->now : t->released;
    m->seen.at[where] = (uint8_t)spot;
    p->count++;
    passed(t, value);
}

void explored_fence(int order)
{
    pause_here();
    thread *t = &threads[running];
    if (order != __ATOMIC_RELEASE)
        view_join(&t->now, &t->pending);
    if (order == __ATOMIC_SEQ_CST) {
        view_join(&fences, &t->now);
        t->now = fences;
    }
    if (order != __ATOMIC_ACQUIRE)
        t->released = t->now;
    passed(t, 0);
}

int explored_swap(void) { abort(); }

/* One of those who sleep under one of these bits wakes up; false: there is none. */
static bool wake_one(uint32_t bits)
{
    int able[THREADS], count = 0;
    for (int i = 0; i < thread_count; i++)
        if (threads[i].state == ASLEEP && threads[i].bits & bits)
            able[count++] = i;
    if (count)
        threads[able[choose(count)]].state = RUNS;
    return count != 0;
}

/* With a writer that dies nobody sleeps for ever: there are time-outs. Without, there are none. */
long explored_futex(const volatile uint32_t *word, int operation, uint32_t value,
                    const struct timespec *timeout, uint32_t bits)
{
    pause_here();
    thread *t = &threads[running];
    int where = place_at(word, sizeof *word);
    long result = -1;
    if (operation == FUTEX_WAIT_BITSET && timeout == NULL)
        fail("a sleep without an end");
    view_join(&t->now, &bucket);
    if (operation == FUTEX_WAKE_BITSET) {
        for (result = 0; result < (long)value && wake_one(bits); result++) {}
    } else if (places[where].stores[look(t, where)].value == value && bound.dies < 0) {
        t->state = ASLEEP;
        t->bits = bits;
        result = 0;
    }
    view_join(&bucket, &t->now);
    passed(t, (uint64_t)result);
    if (t->state == ASLEEP) {
        pause_here();
        view_join(&t->now, &bucket);
    }
    return result;
}

#endif
