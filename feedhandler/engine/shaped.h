/* What the general reader keeps of a venue: its shapes, and the tape of the frame that is read. */
#ifndef FEEDHANDLER_ENGINE_SHAPED_H
#define FEEDHANDLER_ENGINE_SHAPED_H

#include "levels.h"
#include "route.h"
#include "values.h"

enum { ALTERNATIVES = 8 }; /* shapes whose rows may be in one frame */

struct key_lists;

/* Is what it is of data, of which Python is told, too? */
static inline bool shape_tells(const shape *s) { return (s->flags & FRAME_TELLS) != 0; }

typedef struct shaped {
    shape *shapes;
    uint32_t count;
    struct key_lists **keys; /* of each shape that is read by its keys: see by_keys.h */
    uint32_t ticker;         /* the last shape that was */
    bool by_keys;            /* there are such shapes */
    tape tape;
    int64_t *ids; /* of the levels of the message that is read */
    uint32_t id_room;
    bool numbers;  /* frames have a number of the connection */
    bool numbered; /* the frame that is read has it */
    bool checks;   /* checksums come by themselves */
    bool told;     /* some data is for Python, too */
} shaped;

/* A checksum of 0 has been given up, where there is something else that tells of a loss. */
static inline void message_checksum(const engine *e, message *msg, int64_t value)
{
    msg->has_checksum = value != 0 || e->rules.rule == RULE_NONE;
    msg->checksum = value;
}

/* Does the message of a book have what its venue's losses are told by? */
static inline bool message_proven(const engine *e, const message *msg)
{
    const shaped *k = e->shaped;
    bool checked = msg->has_checksum && e->checksum;
    if (msg->kind == MESSAGE_FULL || msg->numbers.numbered || checked)
        return true;
    return e->rules.rule == RULE_NONE && (!e->checksum || k->checks || k->numbers);
}

/* The table outlives the engine. False: no memory. */
static bool shaped_open(engine *e, const void *table, size_t length)
{
    const uint8_t *begin = (const uint8_t *)table, *at = begin;
    shape one;
    shaped *k = e->shaped = (shaped *)calloc(1, sizeof *k);
    if (k == NULL)
        return false;
    while (shape_next(&at, begin + length, &one))
        k->count++;
    k->shapes = (shape *)calloc(k->count + 1, sizeof *k->shapes);
    if (k->shapes == NULL)
        return false;
    at = begin;
    for (uint32_t i = 0; i < k->count; i++) {
        shape_next(&at, begin + length, &k->shapes[i]);
        k->numbers |= k->shapes[i].kind == SHAPE_NUMBER;
        k->checks |= k->shapes[i].kind == SHAPE_CHECKSUM;
        k->by_keys |= k->shapes[i].kind == SHAPE_TICKER;
        k->told |= shape_tells(&k->shapes[i]);
        k->shapes[i].follows = shape_has(k->shapes[i].node, ROLE_INDEX_NAME);
        uint32_t first = 0;
        while (first < i && !shape_levels_alike(&k->shapes[first], &k->shapes[i]))
            first++;
        k->shapes[i].alike = &k->shapes[first];
    }
    k->by_keys &= !k->numbers && !k->told; /* they would have to be read beside */
    return true;
}

/* How most levels are written: what steps expect. */
static uint8_t shapes_numbers(const void *table, size_t length)
{
    const uint8_t *at = (const uint8_t *)table, *end = at + length;
    shape one;
    while (shape_next(&at, end, &one))
        if (one.layout == LEVELS_NUMBER || one.layout == LEVELS_VERB)
            return TEXT_NUMBER;
    return TEXT_STRING;
}

static inline void shaped_close(engine *e)
{
    if (e->shaped == NULL)
        return;
    tape_free(&e->shaped->tape);
    for (uint32_t i = 0; e->shaped->keys && i < e->shaped->count; i++)
        free(e->shaped->keys[i]);
    free(e->shaped->keys);
    free(e->shaped->shapes);
    free(e->shaped->ids);
    free(e->shaped);
    e->shaped = NULL;
}

static inline bool shape_books(const shape *s)
{
    return s->kind == SHAPE_BOOK || s->kind == SHAPE_SNAPSHOT || s->kind == SHAPE_FULL ||
           s->kind == SHAPE_ANSWER || s->kind == SHAPE_CHECKSUM;
}

/* Is it read beside whatever else a frame is, or only where it was asked for, or where it is nothing else? */
static inline bool shape_beside(const shape *s)
{
    return s->kind == SHAPE_NUMBER || s->kind == SHAPE_ANSWER || s->kind >= SHAPE_OTHER;
}

#endif
