/* The floor: the least C that makes slots of these frames and keeps the promises that no feed can do without.
 *
 * It is told each venue's format to the byte: the order of its keys, no white space, no escapes. What it keeps:
 *
 *   valid      every byte is looked at; a frame that is not what it should be is refused
 *   whole      nothing is done for a frame before its last byte: no half of one ever changes a book
 *   exact      numbers are exact in the units of their instrument, which gets finer ones where it has to
 *   its own    the instrument is the one that is named, to the last letter
 *   in step    a message follows what its book has; or it is a copy, which changes nothing, or shows a gap
 *
 * It reads the clock once a frame, keeps a sorted array of levels a side and writes one 64-byte slot a level. It has
 * no states, cells, checksums, statistics or healing, and reads nothing that it was not told of. What the engine
 * costs is measured against this, on the same frames, in the same process. floor_frames.h has the
 * frames, floor_book.h the books, floor_levels.h and floor_values.h what frames are made of.
 */
#ifndef FEEDHANDLER_BENCH_FLOOR_H
#define FEEDHANDLER_BENCH_FLOOR_H

#include "floor_frames.h"

/* Reads one frame. False: it is to be read again, or refused; nothing of it is seen. */
typedef bool (*floor_decoder)(floor_feed *f, const char *frame);

/* By the venue's name; NULL: there is no floor for it. */
static inline floor_decoder floor_find(const char *venue)
{
    static const struct {
        const char *venue;
        floor_decoder decode;
    } known[] = {
        {"binance", floor_binance},
        {"binance-usdm", floor_binance_usdm},
        {"bybit-linear", floor_bybit_linear},
        {"bybit-spot", floor_bybit_spot},
        {"okx", floor_okx},
        {"deribit", floor_deribit},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].venue, venue))
            return known[i].decode;
    return NULL;
}

/* It was not taken: its instruments have finer units now, or it is refused. */
COLD void floor_again(floor_feed *f, floor_decoder decode, const char *frame)
{
    bool taken = false;
    while (f->widened && !taken) {
        f->widened = false;
        f->count = f->trade_count = 0;
        taken = decode(f, frame);
    }
    f->refused += !taken;
}

ALWAYS_INLINE void floor_frame(floor_feed *f, floor_decoder decode, const char *frame, size_t length)
{
    f->now = clock_now(&f->clock);
    f->end = frame + length;
    f->count = f->trade_count = 0;
    f->widened = false;
    if (UNLIKELY(!decode(f, frame)))
        floor_again(f, decode, frame);
    FH_STORE_RELEASE(&f->published, f->next);
}

#endif
