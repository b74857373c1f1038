/* Where the parts of a string with holes end.
 *
 * A symbol may have in it what is written behind it: then only the rest says where it ends. If the rest does not
 * say it, nobody knows which instrument is meant.
 */
#ifndef FEEDHANDLER_ENGINE_TEXT_CUTS_H
#define FEEDHANDLER_ENGINE_TEXT_CUTS_H

#include "shape.h"

static bool digits_only(const uint8_t *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)(at[i] - '0') > 9)
            return false;
    return true;
}

/* Where the bytes of a part begin at the earliest; NULL: nowhere. */
static const uint8_t *part_seek(const uint8_t *at, const uint8_t *end, const uint8_t *part)
{
    size_t length = part[1];
    for (; (size_t)(end - at) >= length; at++)
        if (memcmp(at, part + 2, length) == 0)
            return at;
    return NULL;
}

enum { TEXT_PARTS = 256, CUTS_TRIED = 256 };

typedef struct text_cuts {
    const uint8_t *begin, *end;
    const uint8_t *ends[TEXT_PARTS], *found[TEXT_PARTS];
    const uint8_t *symbol_from, *symbol_to; /* of the one that was found */
    uint32_t tried;
    bool near; /* each part ends where what is behind it comes first */
    bool fits, doubt;
} text_cuts;

/* All parts are there. */
static bool cuts_done(text_cuts *k, const uint8_t *node)
{
    const uint8_t *from = NULL, *to = NULL;
    int parts = *node++;
    for (int i = 0; i < parts; node += *node == 0 ? 2 + node[1] : 3, i++)
        if (*node != 0 && node[1] == ROLE_SYMBOL) {
            from = i ? k->ends[i - 1] : k->begin;
            to = k->ends[i];
        }
    k->doubt = k->fits && (from != k->symbol_from || to != k->symbol_to);
    if (!k->fits)
        memcpy(k->found, k->ends, (size_t)parts * sizeof *k->ends);
    k->fits = true;
    k->symbol_from = from;
    k->symbol_to = to;
    return k->doubt;
}

/* From the part `which` on, which is at `part`. True: no more is to be known. */
static bool cuts_find(text_cuts *k, const uint8_t *node, const uint8_t *part, int which, const uint8_t *at)
{
    if (which == *node)
        return at == k->end && cuts_done(k, node);
    if (++k->tried > CUTS_TRIED)
        return k->doubt = true;
    if (*part == 0) {
        size_t length = part[1];
        k->ends[which] = at + length;
        return (size_t)(k->end - at) >= length && memcmp(at, part + 2, length) == 0 &&
               cuts_find(k, node, part + 2 + length, which + 1, at + length);
    }
    int role = part[1];
    bool last = which + 1 == *node, any = role == ROLE_SYMBOL || role == ROLE_SKIP;
    const uint8_t *next = part + 3, *past = last ? k->end : part_seek(at, k->end, next);
    for (; past != NULL; past = last || !any || k->near ? NULL : part_seek(past + 1, k->end, next)) {
        size_t length = (size_t)(past - at);
        bool digits = role == ROLE_DIGITS || role == ROLE_WINDOW || role == ROLE_CHANNEL;
        if (length == 0 || (digits && !digits_only(at, length)) ||
            (role == ROLE_WINDOW && length == 1 && *at < '2') || /* one level is a quote */
            (role == ROLE_WORD && memchr(at, '.', length) != NULL))
            continue;
        k->ends[which] = past;
        if (cuts_find(k, node, next, which + 1, past))
            return true;
    }
    return false;
}

static void cuts_make(text_cuts *k, const uint8_t *node, const text *t, bool near)
{
    k->begin = t->at; /* and not the arrays, which are long */
    k->end = t->at + t->length;
    k->tried = 0;
    k->near = near;
    k->fits = k->doubt = false;
    if (t->type == TEXT_STRING)
        cuts_find(k, node, node + 1, 0, k->begin);
}

#endif
