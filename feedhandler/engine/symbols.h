/* From a symbol's bytes to its market: open addressing, no deletion (the directory is append-only). */
#ifndef FEEDHANDLER_ENGINE_SYMBOLS_H
#define FEEDHANDLER_ENGINE_SYMBOLS_H

#include "types.h"

enum { SYMBOL_BYTES = 63 };

/* `at`: eight bytes of it can be read, be it shorter. */
static inline uint32_t symbol_hash(const uint8_t *at, size_t length)
{
    uint64_t hash = length * 0x9e3779b97f4a7c15u, last;
    if (length >= 8) { /* the last eight bytes may have been there already */
        for (size_t i = 0; i + 8 < length; i += 8)
            hash = (hash ^ load8(at + i)) * 0xff51afd7ed558ccdu, hash ^= hash >> 32;
        last = load8(at + length - 8);
    } else {
        last = load8(at) & ~(~(uint64_t)0 << (8 * length));
    }
    hash = (hash ^ last) * 0xff51afd7ed558ccdu;
    return (uint32_t)(hash ^ hash >> 29);
}

/* The same. */
ALWAYS_INLINE bool market_named(const market *m, const uint8_t *at, size_t length)
{
    const uint8_t *symbol = (const uint8_t *)m->entry.symbol;
    if (length >= 8) { /* the first eight and the last eight bytes overlap */
        for (size_t i = 0; i + 8 < length; i += 8)
            if (load8(symbol + i) != load8(at + i))
                return false;
        return load8(symbol + length - 8) == load8(at + length - 8) && symbol[length] == 0;
    }
    return ((load8(symbol) ^ load8(at)) & ~(~(uint64_t)0 << (8 * length))) == 0 && symbol[length] == 0;
}

/* Of a text: it is in a frame that is padded, or in the spare room. */
static inline market *symbol_find(engine *e, const uint8_t *at, size_t length)
{
    if (UNLIKELY(length == 0 || length > SYMBOL_BYTES || at[length - 1] == 0))
        return NULL; /* a zero is what a shorter symbol ends with */
    if (e->last_market && market_named(e->last_market, at, length))
        return e->last_market; /* frames come in runs */
    for (uint32_t slot = symbol_hash(at, length);; slot++) {
        uint32_t id = e->table[slot & e->table_mask];
        if (id == 0)
            return NULL;
        if (market_named(e->markets[id - 1], at, length))
            return e->last_market = e->markets[id - 1];
    }
}

/* Of bytes that end anywhere. */
static inline market *symbol_find_any(engine *e, const void *symbol, size_t length)
{
    uint8_t padded[SYMBOL_BYTES + 8] = {0};
    if (length > SYMBOL_BYTES)
        return NULL;
    memcpy(padded, symbol, length);
    return symbol_find(e, padded, length);
}

/* The length of a symbol that stands in JSON as it is, and in a channel's name as one part; else 0. */
static inline uint8_t symbol_plain(const char *symbol)
{
    size_t length = strlen(symbol);
    for (size_t i = 0; i < length; i++)
        if (symbol[i] < ' ' || symbol[i] > '~' || symbol[i] == '"' || symbol[i] == '\\' ||
            symbol[i] == '.')
            return 0;
    return (uint8_t)length;
}

static inline void symbol_insert(engine *e, const market *m)
{
    uint32_t slot = symbol_hash((const uint8_t *)m->entry.symbol, strlen(m->entry.symbol));
    while (e->table[slot & e->table_mask] != 0)
        slot++;
    e->table[slot & e->table_mask] = m->id + 1;
    e->table_used++;
}

/* At most half full, so that a search ends soon. */
static inline bool symbol_reserve(engine *e)
{
    if (e->table && (e->table_used + 1) * 2 <= e->table_mask + 1)
        return true;
    uint32_t size = e->table ? (e->table_mask + 1) * 2 : 1024;
    uint32_t *table = (uint32_t *)calloc(size, sizeof *table);
    if (table == NULL)
        return false;
    free(e->table);
    e->table = table;
    e->table_mask = size - 1;
    e->table_used = 0;
    for (uint32_t i = 0; i < e->room; i++)
        if (e->markets[i])
            symbol_insert(e, e->markets[i]);
    return true;
}

#endif
