/* Deltas that wait for their base: a bounded queue of decoded messages in one block of memory.
 *
 * The chain in it is always whole (see continuity_chains), so that a snapshot either reaches its head
 * or is too old. Past the bound the oldest go first.
 */
#ifndef FEEDHANDLER_BOOK_BACKLOG_H
#define FEEDHANDLER_BOOK_BACKLOG_H

#include "continuity.h"
#include "side.h"

typedef struct waiting {
    sequence numbers;
    int64_t exchange_ns, sent_ns, receive_ns;
    uint32_t connection;
    uint32_t count, first_count; /* levels; of the side that came first */
    uint8_t first_side, precision;
    bool has_checksum;
    int64_t checksum;
    level levels[];
} waiting;

typedef struct backlog {
    uint8_t *bytes;
    size_t room, head, tail; /* head..tail is in use */
    size_t last;             /* the newest message */
    uint32_t messages;
} backlog;

static inline size_t waiting_bytes(uint32_t count)
{
    return sizeof(waiting) + (size_t)count * sizeof(level);
}

static inline waiting *backlog_head(const backlog *b)
{
    return b->messages ? (waiting *)(void *)(b->bytes + b->head) : NULL;
}

static inline waiting *backlog_tail(const backlog *b)
{
    return b->messages ? (waiting *)(void *)(b->bytes + b->last) : NULL;
}

static inline void backlog_clear(backlog *b)
{
    b->head = b->tail = b->last = 0;
    b->messages = 0;
}

static inline void backlog_free(backlog *b)
{
    free(b->bytes);
    memset(b, 0, sizeof *b);
}

static inline void backlog_drop(backlog *b)
{
    b->head += waiting_bytes(backlog_head(b)->count);
    if (--b->messages == 0)
        backlog_clear(b);
}

/* Room for one more message of `count` levels; `*dropped` counts what had to go for it. NULL: it
 * alone is past the bound, or memory has run out; the queue is then empty. */
static inline waiting *backlog_add(backlog *b, uint32_t count, size_t bound, uint64_t *dropped)
{
    size_t bytes = waiting_bytes(count);
    while (b->messages && b->tail - b->head + bytes > bound) {
        backlog_drop(b);
        ++*dropped;
    }
    if (bytes > bound) {
        ++*dropped;
        return NULL;
    }
    if (b->room - b->tail < bytes && b->head > 0) {
        memmove(b->bytes, b->bytes + b->head, b->tail - b->head);
        b->tail -= b->head;
        b->last -= b->head;
        b->head = 0;
    }
    if (b->room - b->tail < bytes) {
        size_t room = b->room ? b->room : 4096;
        while (room < b->tail + bytes)
            room *= 2;
        uint8_t *grown = (uint8_t *)realloc(b->bytes, room);
        if (grown == NULL) {
            *dropped += b->messages + 1;
            backlog_clear(b);
            return NULL;
        }
        b->bytes = grown;
        b->room = room;
    }
    waiting *w = (waiting *)(void *)(b->bytes + b->tail);
    b->last = b->tail;
    b->tail += bytes;
    b->messages++;
    w->count = count;
    return w;
}

#endif
