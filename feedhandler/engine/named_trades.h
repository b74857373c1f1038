/* Trades whose ids are names: a hash, which tells one trade from another and counts nothing.
 *
 * What has the id and the time of one of the last NAMES_KEPT is that trade, whoever brings it: the copy of
 * another connection, or the past told again to a new subscription. Any other is a new one, also with a
 * lower id. Which one is the last is told by the venue's clock.
 */
#ifndef FEEDHANDLER_ENGINE_NAMED_TRADES_H
#define FEEDHANDLER_ENGINE_NAMED_TRADES_H

#include "merge.h"

/* What stands for a name that is no number, such as a UUID: a hash (FNV-1a) of 53 bits, so that every reader's
 * double holds it, never 0. */
ALWAYS_INLINE int64_t name_number(const uint8_t *at, size_t length)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    hash = (hash ^ hash >> 32) & ((UINT64_C(1) << 53) - 1);
    return hash ? (int64_t)hash : 1;
}

static inline uint32_t *named_bucket(trade_names *n, int64_t id)
{
    return &n->buckets[((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> 54];
}

/* Is it the last one by the venue's clock? A clock that has gone back is believed after a while. */
static inline bool named_last(const market *m, int64_t at, int64_t now)
{
    const trade_names *n = m->names;
    return at == 0 || n == NULL || at >= n->newest || now - n->newest_ns > OLD_MERGED_NS;
}

/* Is it one of those that are known? Otherwise it is remembered, in the place of the oldest. */
static inline bool named_copy(market *m, int64_t id, int64_t at, bool last, int64_t now)
{
    if (id <= 0)
        return false; /* it has no name */
    if (UNLIKELY(m->names == NULL) &&
        (m->names = (trade_names *)calloc(1, sizeof *m->names)) == NULL)
        return false;
    trade_names *n = m->names;
    uint32_t *bucket = named_bucket(n, id);
    /* what is further back than NAMES_KEPT has been overwritten */
    for (uint32_t one = *bucket; one != 0 && n->count - one < NAMES_KEPT;) {
        const trade_name *known = &n->kept[one % NAMES_KEPT];
        if (known->id == id && known->at == at)
            return true;
        one = known->before;
    }
    n->count++;
    n->kept[n->count % NAMES_KEPT] = (trade_name){id, at, *bucket};
    *bucket = n->count;
    if (last && at != 0) {
        n->newest = at;
        n->newest_ns = now;
    }
    return false;
}

#endif
