/* The functions of feedhandler_shm.h, compiled, in every execution: explored SCENARIO [PREEMPTIONS].
 *
 * One writer that writes a few messages, some of them longer than the ring takes as one, and readers that
 * read cells, follow the ring, join it, or sleep until all is read; or a writer that stops at each of its
 * words, and what a reader finds there. Prints runs, states,
 * runs that were cut (`bound.loads`), and what is wrong.
 */
#include "feedhandler_shm.h"

#include "explorer_search.h"

#define HEADER ((fh_header *)arena)
#define READERS ((fh_readers *)(arena + 4096))
#define RING ((fh_slot *)(arena + 16384))
#define CELL ((fh_word *)(arena + 20480))
enum { CELL_WORDS = 3, CELL_BYTES = 8 * CELL_WORDS };

static const int *lengths; /* records of each message; 0 ends it */
static int slots, total, message_count, limit;
static bool wakes, ends, cells, naps, all_read, joined;
static fh_writer writer_of_all;

/* ---- what is written --------------------------------------------------------------------------------- */

/* The message of a record, its place there, and its length. */
static int message_of(uint64_t n, int *at, int *length)
{
    int m = 0, left = (int)n - 1;
    while (left >= lengths[m])
        left -= lengths[m++];
    *at = left;
    *length = lengths[m];
    return m + 1;
}

static uint8_t flags_of(int at, int length)
{
    bool last = at + 1 == length, part = (at + 1) % limit == 0;
    return (uint8_t)((at % limit == 0 ? FH_FLAG_FIRST : 0) | (last || part ? FH_FLAG_LAST : 0) |
                     (part && !last ? FH_FLAG_MORE : 0));
}

static bool is_end(uint64_t n)
{
    int at, length;
    if (n == 0)
        return true;
    message_of(n, &at, &length);
    return at + 1 == length;
}

static void store_cell(uint64_t number)
{
    fh_word words[CELL_WORDS] = {0, number, number + 1000};
    fh_word *copy = fh_latch_begin(CELL, CELL_BYTES);
    fh_words_in(copy + 1, words + 1, CELL_WORDS - 1);
    fh_latch_end(CELL, CELL_BYTES);
}

static void writes(void)
{
    fh_writer *w = &writer_of_all;
    for (int m = 0; lengths[m]; m++) {
        fh_message_begin_at(w, 5, 0, 0, m + 1, 2, (uint64_t)m + 1, 3);
        for (int i = 0; i < lengths[m]; i++) {
            int64_t n = (int64_t)w->next + w->held; /* the sequence that it will have */
            fh_message_add(w, FH_KIND_LEVEL, FH_ASK, 100 + n, 200 + n, 7);
        }
        uint64_t last = fh_message_end(w);
        if (cells)
            store_cell(last);
        fh_publish(w);
        if (wakes)
            fh_wake(w);
    }
    if (ends)
        fh_supersede(HEADER);
}

static void stores_cells(void)
{
    for (int m = 1; m <= message_count; m++)
        store_cell((uint64_t)m);
}

/* ---- readers ----------------------------------------------------------------------------------------- */

static void check_record(const fh_slot *s, uint64_t n)
{
    int at, length, m = message_of(n, &at, &length);
    if (s->stamp != 2 * n || s->price != (int64_t)(100 + n) || s->size != (int64_t)(200 + n) ||
        s->venue_sequence != (uint64_t)m || s->exchange_ns != m || s->instrument != 5 ||
        s->kind != FH_KIND_LEVEL || s->side != FH_ASK || s->flags != flags_of(at, length) ||
        s->aux != 7)
        fail("a torn record");
}

static bool nothing_follows(uint64_t published)
{
    return threads[0].state == DEAD && newest(&HEADER->published, 8) == published;
}

static void follows(void)
{
    const uint64_t mask = (uint64_t)slots - 1;
    uint64_t next = 1, lost = 0;
    while (ends || next <= (uint64_t)total) {
        explored_is(next << 32 | lost);
        uint64_t published = FH_LOAD_ACQUIRE(&HEADER->published);
        if (published < next) {
            if (wakes)
                fh_wait(HEADER, &READERS->sleepers, published, 100000000);
            if (nothing_follows(published))
                return;
            if (ends && FH_LOAD_ACQUIRE(&HEADER->superseded) &&
                FH_LOAD_ACQUIRE(&HEADER->published) < next) {
                if (next <= (uint64_t)total)
                    fail("it ended, and the last record is not there");
                break;
            }
            continue;
        }
        while (next <= published) {
            fh_slot slot;
            explored_is(published << 48 | next << 32 | lost);
            int status = fh_slot_read(RING, mask, next, &slot);
            if (status == FH_READ_OK) {
                check_record(&slot, next++);
                continue;
            }
            if (status != FH_READ_LAPPED)
                fail("a record that is published is not there");
            uint64_t at;
            if (fh_join_try(HEADER, RING, mask, &at)) {
                if (!is_end(at))
                    fail("joined inside a message");
                lost += at + 1 - next;
                next = at + 1;
            } else if (nothing_follows(at)) {
                return;
            }
            break;
        }
    }
    if (next != (uint64_t)total + 1)
        fail("records that nobody wrote");
    all_read |= lost == 0;
}

static void read_cell(uint64_t least, uint64_t most)
{
    fh_word out[CELL_WORDS];
    int status = fh_latch_read(CELL, CELL_BYTES, out, CELL_WORDS);
    if (status == FH_READ_EMPTY ? least > 0 : out[1] < least)
        fail("a cell behind what was seen");
    if (status != FH_READ_EMPTY && (status != FH_READ_OK || out[2] != out[1] + 1000 || out[1] > most))
        fail("a torn cell");
}

static void reads_cells(void)
{
    fh_word out[CELL_WORDS] = {0};
    uint64_t before = 0;
    for (int i = 0; i < 2; i++) {
        explored_is(before);
        int status = fh_latch_read(CELL, CELL_BYTES, out, CELL_WORDS);
        if (status == FH_READ_EMPTY ? before > 0 : out[1] < before)
            fail("a cell goes back");
        if (status != FH_READ_EMPTY &&
            (status != FH_READ_OK || out[2] != out[1] + 1000 || out[0] != 2 * out[1]))
            fail("a torn cell");
        before = status == FH_READ_EMPTY ? 0 : out[1];
    }
    if (threads[0].state == DEAD && newest(CELL, 8) != before)
        fail("not the newest cell");
}

static void joins(void)
{
    for (int i = 0; i < 2; i++) {
        uint64_t at = 0;
        explored_is(1);
        if (fh_join_try(HEADER, RING, (uint64_t)slots - 1, &at)) {
            joined |= at > 0;
            if (!is_end(at))
                fail("joined inside a message");
            explored_is(at << 8 | 2);
            read_cell(at, UINT64_MAX);
        } else if (bound.settled && is_end(at) && !threads[0].passed) {
            fail("no place to join");
        }
    }
}

/* ---- scenarios --------------------------------------------------------------------------------------- */

static void begin_memory(void)
{
    memset(arena, 0, sizeof arena);
    HEADER->ring.offset = (uint64_t)((unsigned char *)RING - arena);
    HEADER->ring.count = (uint32_t)slots;
    fh_writer_open(&writer_of_all, arena, arena, READERS);
    limit = slots / 4;
    hint = &HEADER->pace_ns;
    hinted = naps ? FH_NAP_LEAST_NS : 0;
    declare(&HEADER->published, 8, 1, false);
    declare(&HEADER->wake, 4, 1, false);
    declare(&HEADER->superseded, 4, 1, false);
    declare(&HEADER->counters[FH_COUNTER_WAKES], 8, 1, false);
    declare(&READERS->sleepers, 4, 1, true);
    for (int i = 0; i < slots; i++)
        declare(&RING[i], 8, 8, false);
    declare(CELL, 8, 1, false);
    declare(CELL + FH_CELL_HEAD / 8, 8, 2 * CELL_WORDS, false);
}

static void look_after(void)
{
    for (int i = 1; i < thread_count; i++)
        if (threads[i].state == ASLEEP)
            fail("a wake-up is lost");
}

static const char *run(void (*writer)(void), void (*reader)(void), int readers)
{
    void (*const bodies[THREADS])(void) = {writer, reader, reader};
    total = message_count = 0;
    for (; lengths[message_count]; message_count++)
        total += lengths[message_count];
    return explore(1 + readers, bodies, begin_memory, look_after);
}

/* It stops before each of its words in turn; then everything that it did is there. */
static const char *run_deaths(void (*writer)(void), void (*reader)(void))
{
    const char *wrong = NULL;
    bound.in_turn = bound.settled = true;
    for (bound.dies = 0; !wrong; bound.dies++) {
        wrong = run(writer, reader, 1);
        if (threads[0].state != DEAD)
            break;
    }
    return wrong;
}

static const int three[] = {1, 1, 1, 0}, four[] = {1, 1, 1, 1, 0}, split[] = {1, 3, 2, 0},
                 laps[] = {2, 5, 1, 1, 3, 0}, longer[] = {10, 0}, two[] = {1, 1, 0},
                 one[] = {1, 0};

static const char *scenario(const char *name)
{
    const char *wrong = NULL;
    lengths = three;
    slots = 8;
    bound.in_turn = true;
    if (!strcmp(name, "cells"))
        return run(stores_cells, reads_cells, 1);
    if (!strcmp(name, "cells, four stores")) {
        lengths = four;
        return run(stores_cells, reads_cells, 1);
    }
    if (!strcmp(name, "cells of a dead writer"))
        return run_deaths(stores_cells, reads_cells);
    if (!strcmp(name, "records")) {
        lengths = laps;
        wrong = run(writes, follows, 1);
        return wrong || all_read ? wrong : "nobody can keep up";
    }
    if (!strcmp(name, "a message longer than the ring")) {
        lengths = longer;
        wrong = run(writes, follows, 1);
        return wrong || all_read ? wrong : "nobody can keep up";
    }
    if (!strcmp(name, "records of a dead writer")) {
        lengths = laps;
        wakes = true;
        return run_deaths(writes, follows);
    }
    cells = true;
    if (!strcmp(name, "joins")) {
        lengths = split;
        wrong = run(writes, joins, 1);
        return wrong || joined ? wrong : "nobody can join";
    }
    if (!strcmp(name, "joins of a dead writer")) {
        lengths = split;
        return run_deaths(writes, joins);
    }
    cells = bound.in_turn = false;
    wakes = true;
    slots = 4;
    lengths = two;
    if (!strcmp(name, "sleep"))
        return run(writes, follows, 1);
    if (!strcmp(name, "two sleep, two messages"))
        return run(writes, follows, 2);
    if (!strcmp(name, "nap and sleep")) {
        naps = true;
        return run(writes, follows, 1);
    }
    ends = true;
    if (!strcmp(name, "sleep to the end, two messages"))
        return run(writes, follows, 1);
    lengths = one;
    if (!strcmp(name, "sleep to the end"))
        return run(writes, follows, 1);
    if (!strcmp(name, "nap and sleep to the end")) {
        naps = true;
        return run(writes, follows, 1);
    }
    ends = false;
    if (!strcmp(name, "two sleep"))
        return run(writes, follows, 2);
    return "no such scenario";
}

int main(int count, char **arguments)
{
    bound.dies = -1;
    bound.loads = 400;
    bound.preemptions = count > 2 ? atol(arguments[2]) : -1;
    const char *wrong = count > 1 ? scenario(arguments[1]) : "which scenario?";
    printf("%ld %ld %ld %s\n", runs, states, cuts, wrong ? wrong : "right");
    return 0;
}
