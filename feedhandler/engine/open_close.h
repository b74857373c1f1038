/* The life of an engine: it is opened, and closed. */
#ifndef FEEDHANDLER_ENGINE_OPEN_CLOSE_H
#define FEEDHANDLER_ENGINE_OPEN_CLOSE_H

#include "shaped.h"
#include "skeleton.h"
#include "symbols.h"

static inline bool engine_open(engine *e, fh_writer *w, const fh_decoder *decoder)
{
    memset(e, 0, sizeof *e);
    e->writer = w;
    e->decoder = decoder;
    e->keeps_window = decoder->keeps_window;
    e->room = w->instruments;
    e->markets = (market **)calloc(e->room ? e->room : 1, sizeof *e->markets);
    clock_open(&e->clock);
    return e->markets != NULL && symbol_reserve(e) && /* and arrays that are never NULL */
           ARRAY_RESERVE(e, e->messages, e->message_count, e->message_room, 1) &&
           ARRAY_RESERVE(e, e->levels, e->level_count, e->level_room, 1) &&
           ARRAY_RESERVE(e, e->stats, e->stat_count, e->stat_room, 1);
}

/* Books are verified by this rule from now on. False: no memory. */
static inline bool engine_verify(engine *e, const checksum_rule *rule)
{
    free(e->checksum);
    e->checksum = checksum_open(rule);
    return e->checksum != NULL;
}

/* The venue's rules are set. It keeps so many levels a side, and does not say which leave them; 0: it keeps
 * them all, or it says so. */
static inline void engine_cut(engine *e, uint32_t window)
{
    e->window = window;
    e->keeps_window = window || e->decoder->keeps_window;
    e->unusual = window || e->rules.rule == RULE_TIME || e->decoder->uncrosses;
    for (uint32_t i = 0; i < e->room; i++)
        if (e->markets[i] != NULL)
            e->markets[i]->window = window;
}

static inline void engine_close(engine *e)
{
    learn_close(e);
    shaped_close(e);
    for (uint32_t i = 0; e->markets && i < e->room; i++) {
        if (e->markets[i] == NULL)
            continue;
        book_free(&e->markets[i]->book);
        backlog_free(&e->markets[i]->backlog);
        backlog_free(&e->markets[i]->since);
        keyed_free(&e->markets[i]->keyed);
        free(e->markets[i]->trades);
        free(e->markets[i]->names);
        free(e->markets[i]->checked);
        free(e->markets[i]);
    }
    free(e->markets);
    free(e->table);
    free(e->messages);
    free(e->levels);
    free(e->ids);
    free(e->stats);
    free(e->attention);
    free(e->spare.bytes);
    free(e->frame);
    free(e->checksum);
    memset(e, 0, sizeof *e);
}

#endif
