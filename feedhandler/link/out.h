/* A message as it is written: a buffer that grows, records and images one behind the other. */
#ifndef FEEDHANDLER_LINK_OUT_H
#define FEEDHANDLER_LINK_OUT_H

#include "wire.h"

typedef struct link_out {
    unsigned char *bytes;
    size_t used, room;
    uint32_t *runs, run_count, run_room;
    uint32_t records, images;
    bool full; /* there was no memory for it */
} link_out;

static void link_out_close(link_out *o)
{
    free(o->bytes);
    free(o->runs);
    memset(o, 0, sizeof *o);
}

static void link_out_begin(link_out *o)
{
    o->used = sizeof(link_head);
    o->run_count = o->records = o->images = 0;
    o->full = false;
}

/* Room for so many more bytes; where they begin. NULL: there is none. */
static inline unsigned char *link_room(link_out *o, size_t more)
{
    if (FH_UNLIKELY(o->used + more > o->room)) {
        size_t room = o->room ? o->room : 1 << 16;
        while (room < o->used + more)
            room *= 2;
        unsigned char *bytes = (unsigned char *)realloc(o->bytes, room);
        if (bytes == NULL) {
            o->full = true;
            return NULL;
        }
        o->bytes = bytes;
        o->room = room;
    }
    return o->bytes + o->used;
}

static void link_run(link_out *o, uint32_t count, uint32_t absent)
{
    if (o->run_count && (o->runs[o->run_count - 1] & LINK_ABSENT) == absent) {
        o->runs[o->run_count - 1] += count;
        return;
    }
    if (o->run_count == o->run_room) {
        uint32_t room = o->run_room ? 2 * o->run_room : 64;
        uint32_t *runs = (uint32_t *)realloc(o->runs, room * sizeof *runs);
        if (runs == NULL) {
            o->full = true;
            return;
        }
        o->runs = runs;
        o->run_room = room;
    }
    o->runs[o->run_count++] = count | absent;
}

/* After the last record, before the first image. */
static void link_out_runs(link_out *o)
{
    size_t size = link_padded((size_t)o->run_count * 4);
    fh_word *at = (fh_word *)link_room(o, size);
    if (at == NULL)
        return;
    for (uint32_t i = 0; i < o->run_count; i += 2)
        at[i / 2] = o->runs[i] | (i + 1 < o->run_count ? (uint64_t)o->runs[i + 1] << 32 : 0);
    o->used += size;
}

/* The next word from `at` on that is another one. Most are not, so four are looked at together. */
static inline uint32_t link_differs(const fh_word *now, const fh_word *was, uint32_t at, uint32_t size)
{
    for (; at + 4 <= size; at += 4)
        if ((now[at] ^ was[at]) | (now[at + 1] ^ was[at + 1]) | (now[at + 2] ^ was[at + 2]) |
            (now[at + 3] ^ was[at + 3]))
            break;
    while (at < size && now[at] == was[at])
        at++;
    return at;
}

/* The words of a cell that differ from those before, `was`. `whole`: which were zeros. */
static void link_out_image(link_out *o, int region, uint32_t row, uint64_t base, uint64_t stamp, bool whole,
                           const fh_word *now, const fh_word *was, uint32_t size)
{
    const size_t most = sizeof(link_image) + link_padded((size_t)size * 2 + 4) + (size_t)size * 8;
    unsigned char *to = link_room(o, most);
    if (to == NULL)
        return;
    link_image *head = (link_image *)to;
    link_span *spans = (link_span *)(head + 1);
    uint32_t count = 0, words = 0, at = 1;
    while ((at = link_differs(now, was, at, size)) < size) {
        uint32_t begin = at;
        while (at < size && now[at] != was[at])
            at++;
        spans[count++] = (link_span){(uint16_t)begin, (uint16_t)(at - begin)};
    }
    if (count & 1)
        spans[count] = (link_span){0, 0};
    fh_word *word = (fh_word *)(to + sizeof *head + link_padded((size_t)count * sizeof *spans));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < spans[i].count; j++)
            word[words++] = now[spans[i].at + j];
    *head = (link_image){(uint8_t)region, whole ? LINK_WHOLE : 0, (uint16_t)count, row, whole ? 0 : base, stamp};
    o->used = (size_t)((unsigned char *)(word + words) - o->bytes);
    o->images++;
}

/* The head, once all else is there. The size of the message; 0: there was no memory for it. */
static size_t link_out_end(link_out *o, link_head head)
{
    if (o->full || link_room(o, 0) == NULL || o->used > UINT32_MAX)
        return 0;
    head.magic = LINK_MAGIC;
    head.wire = LINK_WIRE;
    head.bytes = (uint32_t)o->used;
    head.records = o->records;
    head.runs = o->run_count;
    head.images = o->images;
    *(link_head *)o->bytes = head;
    return o->used;
}

#endif
