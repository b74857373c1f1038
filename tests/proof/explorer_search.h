/* Every execution of threads on the memory of explorer.h, within bounds.
 *
 * Depth first over all choices: who runs, what a load returns, where a store goes; each run begins anew. Runs
 * that come to a state that was there before end: of a thread that is what its loads returned so far, or,
 * where it says so (`explored_is`), a number that it depends on.
 */
#ifndef FEEDHANDLER_EXPLORER_SEARCH_H
#define FEEDHANDLER_EXPLORER_SEARCH_H

#include "explorer.h"

static uint64_t *known;
static size_t known_room, known_count;

static bool known_add(uint64_t key)
{
    key |= key == 0;
    if (2 * known_count >= known_room) {
        uint64_t *old = known;
        size_t room = known_room;
        known_room = room ? 4 * room : 1 << 16;
        known = (uint64_t *)calloc(known_room, sizeof *known);
        known_count = 0;
        for (size_t i = 0; i < room; i++)
            if (old[i])
                known_add(old[i]);
        free(old);
    }
    size_t at = (key * 0x9E3779B97F4A7C15ull) >> 20 & (known_room - 1);
    for (; known[at]; at = (at + 1) & (known_room - 1))
        if (known[at] == key)
            return false;
    known[at] = key;
    known_count++;
    return true;
}

static uint64_t view_key(uint64_t key, const view *v)
{
    for (int i = 0; i < (place_count + 7) / 8; i++) {
        uint64_t some;
        memcpy(&some, v->at + 8 * i, 8);
        key = mix(key, some);
    }
    return key;
}

static uint64_t state_key(void)
{
    uint64_t key = mix((uint64_t)(bound.preemptions < 0 ? 0 : preempted * THREADS + last), 7);
    for (int i = 0; i < thread_count; i++) {
        const thread *t = &threads[i];
        key = mix(mix(mix(key, (uint64_t)t->state), t->begun), t->trail);
        key = view_key(view_key(view_key(key, &t->now), &t->pending), &t->released);
    }
    for (int i = 0; i < place_count; i++) {
        key = mix(key, (uint64_t)places[i].offset << 8 | (uint64_t)places[i].count);
        for (int n = 1; n < places[i].count; n++)
            key = view_key(mix(key, places[i].stores[n].value), &places[i].stores[n].seen);
    }
    return view_key(view_key(key, &fences), &bucket);
}

static int next_thread(void)
{
    int able[THREADS], count = 0;
    thread *first = &threads[0];
    if (bound.dies >= 0 && first->state == RUNS && first->passed >= bound.dies)
        first->state = DEAD;
    for (int i = 0; i < thread_count; i++)
        if (threads[i].state == RUNS)
            able[count++] = i;
    if (count == 0)
        return -1;
    if (bound.in_turn)
        return able[0];
    bool able_to_go_on = last >= 0 && threads[last].state == RUNS;
    if (able_to_go_on && bound.preemptions >= 0 && preempted >= bound.preemptions)
        return last;
    int who = able[choose(count)];
    preempted += able_to_go_on && who != last;
    return who;
}

/* Every execution; what is wrong with one of them, or NULL. `begin` fills the arena and names what several
 * threads store to, `over` looks at a run that has come to its end. */
static const char *explore(int count, void (*const bodies[])(void), void (*begin)(void),
                           void (*over)(void))
{
    known_room = known_count = 0;
    free(known);
    known = NULL;
    prefix = 0;
    verdict = NULL;
    for (;;) {
        depth = 0;
        running = 0;
        last = -1;
        preempted = 0;
        cut = false;
        for (int i = 0; i < place_count; i++)
            place_of[places[i].offset / 4] = 0;
        place_count = 0;
        memset(&fences, 0, sizeof fences);
        memset(&bucket, 0, sizeof bucket);
        memset(threads, 0, sizeof threads);
        thread_count = count;
        for (int i = 0; i < count; i++)
            threads[i].body = bodies[i];
        begin();
        for (runs++;;) {
            if (depth == prefix && !known_add(state_key()))
                break;
            int who = next_thread();
            if (who < 0) {
                if (_setjmp(scheduler) == 0)
                    over();
                break;
            }
            resume(last = who);
            if (verdict || cut)
                break;
        }
        cuts += cut;
        if (verdict)
            break;
        while (prefix && choices[prefix - 1].pick + 1 == choices[prefix - 1].of)
            prefix--;
        if (prefix == 0)
            break;
        choices[prefix - 1].pick++;
    }
    states += (long)known_count;
    return verdict;
}

#endif
