/* What is kept of the last messages of an instrument, to tell copies and who was first: see merge.h. */
#ifndef FEEDHANDLER_ENGINE_COPIES_H
#define FEEDHANDLER_ENGINE_COPIES_H

#include <stdint.h>

/* The last messages that a book took, for telling who brought them first. */
enum { RECENT = 8 };
typedef struct recent {
    int64_t id, receive_ns;
    int connection;
} recent;

/* The ids of the last trades, each at its low bits, and who brought it. */
enum { TRADES_KEPT = 2048 };
typedef struct trade_window {
    int64_t ids[TRADES_KEPT];
    int16_t from[TRADES_KEPT];
    int64_t newest, newest_ns; /* the highest, and when it came */
    int newest_from;
} trade_window;

/* Trades whose ids are names and count nothing: the last ones in the order in which they came, each with
 * the one before it of the same bucket. `count`: how many have come, the newest being that. */
enum { NAMES_KEPT = 2048, NAME_BUCKETS = 1024 };
typedef struct trade_name {
    int64_t id, at; /* `at`: the venue's time */
    uint32_t before;
} trade_name;
typedef struct trade_names {
    trade_name kept[NAMES_KEPT];
    uint32_t buckets[NAME_BUCKETS];
    uint32_t count;
    int64_t newest, newest_ns; /* the latest time of the venue's, and when it came */
} trade_names;

/* How far the newest of a series is, by the venue's number or clock, and who brought it; since when nothing
 * but older ones have come (0: not so). */
typedef struct lead {
    int64_t at, old_ns;
    int connection;
} lead;

#endif
