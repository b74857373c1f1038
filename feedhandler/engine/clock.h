/* The time of day, from the processor's own counter where that can be trusted.
 *
 * Two readings a frame (received, published) through clock_gettime are a good part of what a small frame
 * costs. The counter is read in a third of the time; it becomes unix time by a line through real
 * readings. The line holds for CLOCK_SPAN ticks (a fraction of a millisecond), then a real reading
 * starts a new one, so that it is never further off than the clock can drift in that time.
 *
 * It is trusted only where the kernel itself keeps time by it, and only while two lines in a row agree on
 * its rate: when the clock is stepped, or slewed hard, when the machine slept or moved, real readings are
 * taken until it runs evenly again. Elsewhere every reading is a real one.
 */
#ifndef FEEDHANDLER_ENGINE_CLOCK_H
#define FEEDHANDLER_ENGINE_CLOCK_H

#include "feedhandler_shm.h"

#include <stdio.h>

#include "../wire/text.h"

#if defined(__x86_64__)
enum { CLOCK_SPAN = 1 << 19 };
#define CLOCK_TICKS() __builtin_ia32_rdtsc()
#else
enum { CLOCK_SPAN = 0 };
#define CLOCK_TICKS() ((uint64_t)0)
#endif

enum { CLOCK_LINE = 1 << 17, CLOCK_READING = 1 << 9, CLOCK_TRIES = 3, CLOCK_AGREES = 10 };

typedef struct unix_clock {
    uint64_t ticks, span; /* the line's start, and how far it holds: 0 = not trusted */
    int64_t ns;
    uint64_t rate; /* nanoseconds a tick, times 2^32 */
    bool steady;   /* the kernel's own clock source */
} unix_clock;

static inline void clock_open(unix_clock *c)
{
    char source[16] = "";
    memset(c, 0, sizeof *c);
    FILE *file = CLOCK_SPAN ? fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re")
                            : NULL;
    if (file == NULL)
        return;
    c->steady = fgets(source, sizeof source, file) != NULL && strcmp(source, "tsc\n") == 0;
    fclose(file);
}

/* A real reading; a new line where one is due. */
COLD int64_t clock_real(unix_clock *c)
{
    uint64_t before, after, ticks;
    int64_t ns;
    if (!c->steady)
        return fh_now_ns();
    for (int tries = 0;; tries++) {
        before = CLOCK_TICKS();
        ns = fh_now_ns();
        after = CLOCK_TICKS();
        if (after - before < CLOCK_READING)
            break;
        if (tries == CLOCK_TRIES) {
            c->span = 0; /* interrupted again and again: no line through this */
            return ns;
        }
    }
    ticks = before + (after - before) / 2;
    if (c->ticks != 0 && ticks - c->ticks < CLOCK_LINE)
        return ns; /* too near for a rate */
    unsigned __int128 rate = 0;
    if (c->ticks != 0 && ticks > c->ticks && ns > c->ns)
        rate = ((unsigned __int128)(uint64_t)(ns - c->ns) << 32) / (ticks - c->ticks);
    if (rate >> 40)
        rate = 0;
    uint64_t now = (uint64_t)rate, apart = now > c->rate ? now - c->rate : c->rate - now;
    c->span = now != 0 && apart <= c->rate >> CLOCK_AGREES ? CLOCK_SPAN : 0;
    c->rate = now;
    c->ticks = ticks;
    c->ns = ns;
    return ns;
}

ALWAYS_INLINE int64_t clock_now(unix_clock *c)
{
    uint64_t past = CLOCK_TICKS() - c->ticks;
    if (LIKELY(past < c->span))
        return c->ns + (int64_t)(past * c->rate >> 32);
    return clock_real(c);
}

#endif
