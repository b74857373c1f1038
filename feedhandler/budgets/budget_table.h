/* What one user's processes may still spend at each venue host: one small shared table.
 *
 *   offset  object                                       offset  row (128 bytes)
 *        0  magic u64: "FHBUDG" and the version               0  key u64: FNV-1a of the name, 0 = free
 *        8  reserved                                          8  tat i64: when the bucket is full again
 *      128  rows, FHB_ROWS of them                           16  until i64: nothing is granted before
 *                                                            24  why u64: HTTP status of that ban
 *                                                            32  name, 96 bytes, for people
 *
 * Times are nanoseconds of CLOCK_MONOTONIC, which all processes of one boot share; the object does
 * not outlive the boot. All zero is a valid empty table.
 *
 * A budget is a token bucket kept as one number (GCRA, ITU-T I.371): `tat`, the time at which it
 * would be full again. To spend `cost` (the time in which it earns that much) is to move `tat` on by
 * it, and it is granted if `tat` then lies no further ahead than `tolerance` (the time in which the
 * whole bucket fills). One compare-and-swap decides: there is no lock that a process could die or be
 * stopped with, and no state between before and after.
 *
 * A row whose times are past says nothing that an absent one does not, so its place may be taken.
 * Who charged a row and then finds its budget elsewhere charges there too: errors make us slower,
 * never faster. */
#ifndef FEEDHANDLER_BUDGET_TABLE_H
#define FEEDHANDLER_BUDGET_TABLE_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define FHB_MAGIC UINT64_C(0x0001474455424846) /* "FHBUDG", version 1 */
#define FHB_ROWS 512
#define FHB_NAME 96
#define FHB_FULL INT64_C(-1)                         /* every row is in use */
#define FHB_AGES (INT64_C(4) * 86400 * 1000000000)   /* further ahead than this is damage */

typedef struct {
    _Atomic uint64_t key;
    _Atomic int64_t tat;
    _Atomic int64_t until;
    _Atomic uint64_t why;
    char name[FHB_NAME];
} fhb_row;

typedef struct {
    _Atomic uint64_t magic;
    char reserved[120];
    fhb_row rows[FHB_ROWS];
} fhb_table;

_Static_assert(sizeof(fhb_row) == 128, "a row is 128 bytes");
_Static_assert(sizeof(fhb_table) == 128 * (FHB_ROWS + 1), "and so is the head");

/* 1: the table is ours to use; 0: it is another version's, or no table. */
static inline int fhb_open(fhb_table *t) {
    uint64_t found = 0;
    return atomic_compare_exchange_strong(&t->magic, &found, FHB_MAGIC) || found == FHB_MAGIC;
}

static inline uint64_t fhb_key(const char *name, size_t length) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return h ? h : 1;
}

/* A stored time as nanoseconds from now, 0 if past or damaged. */
static inline int64_t fhb_ahead(int64_t at, int64_t now) {
    return at <= now || at - now > FHB_AGES ? 0 : at - now;
}

static inline int fhb_idle(fhb_row *r, int64_t now) {
    return !fhb_ahead(atomic_load(&r->tat), now) && !fhb_ahead(atomic_load(&r->until), now);
}

static inline void fhb_raise(_Atomic int64_t *word, int64_t to, int64_t now) {
    int64_t seen = atomic_load(word);
    while ((seen < to || seen - now > FHB_AGES) && !atomic_compare_exchange_weak(word, &seen, to)) {
    }
}

/* The first row of a budget, from its home on; FHB_FULL if it has none. */
static inline int64_t fhb_find(fhb_table *t, uint64_t key) {
    for (uint64_t i = 0; i < FHB_ROWS; i++) {
        uint64_t at = (key + i) % FHB_ROWS, found = atomic_load(&t->rows[at].key);
        if (found == key)
            return (int64_t)at;
        if (!found)
            break;
    }
    return FHB_FULL;
}

/* Two processes may have taken a row each for one budget: the first row from home is the budget,
 * and takes in what the others were charged. */
static inline void fhb_gather(fhb_table *t, uint64_t key, int64_t at, int64_t now) {
    for (uint64_t i = 0; i < FHB_ROWS; i++) {
        fhb_row *r = &t->rows[(key + i) % FHB_ROWS];
        uint64_t found = atomic_load(&r->key);
        if (!found)
            break;
        if (found == key && r != &t->rows[at]) {
            fhb_raise(&t->rows[at].tat, atomic_load(&r->tat), now);
            fhb_raise(&t->rows[at].until, atomic_load(&r->until), now);
        }
    }
}

/* The row of a budget, taken for it if it has none; FHB_FULL. */
static inline int64_t fhb_row_of(fhb_table *t, const char *name, size_t length, int64_t now) {
    uint64_t key = fhb_key(name, length);
    for (;;) {
        int64_t at = fhb_find(t, key);
        if (at >= 0)
            return at;
        for (uint64_t i = 0; i < FHB_ROWS && at < 0; i++) {
            int64_t here = (int64_t)((key + i) % FHB_ROWS);
            fhb_row *r = &t->rows[here];
            uint64_t found = atomic_load(&r->key);
            if (found && !fhb_idle(r, now))
                continue;
            if (!atomic_compare_exchange_strong(&r->key, &found, key))
                break; /* somebody was faster, perhaps for the same budget: look again */
            memset(r->name, 0, FHB_NAME);
            memcpy(r->name, name, length < FHB_NAME - 1 ? length : FHB_NAME - 1);
            at = here;
        }
        if (at < 0) {
            int free_row = 0;
            for (uint64_t i = 0; i < FHB_ROWS && !free_row; i++)
                free_row = !atomic_load(&t->rows[i].key) || fhb_idle(&t->rows[i], now);
            if (!free_row && fhb_find(t, key) < 0)
                return FHB_FULL;
            continue;
        }
        at = fhb_find(t, key);
        if (at < 0)
            continue; /* already somebody else's again */
        fhb_gather(t, key, at, now);
        return at;
    }
}

/* Spend if it is there. Returns 0, or the nanoseconds until it may be; FHB_FULL. A cost above the
 * tolerance is granted by a full bucket. */
static inline int64_t fhb_take(fhb_table *t, const char *name, size_t length, int64_t now,
                               int64_t cost, int64_t tolerance, int dry) {
    for (;;) {
        int64_t at = dry ? fhb_find(t, fhb_key(name, length)) : fhb_row_of(t, name, length, now);
        if (at < 0)
            return dry ? 0 : FHB_FULL;
        fhb_row *r = &t->rows[at];
        int64_t banned = fhb_ahead(atomic_load(&r->until), now);
        int64_t tat = atomic_load(&r->tat), ahead = fhb_ahead(tat, now);
        int64_t most = cost > tolerance ? 0 : tolerance - cost, wait = ahead - most;
        if (wait < banned)
            wait = banned;
        if (wait > 0 || dry)
            return wait > 0 ? wait : 0;
        if (!atomic_compare_exchange_strong(&r->tat, &tat, now + ahead + cost))
            continue;
        if (fhb_find(t, fhb_key(name, length)) == at)
            return 0;
        at = fhb_row_of(t, name, length, now);
        if (at >= 0)
            fhb_raise(&t->rows[at].tat, now + ahead + cost, now);
        return 0;
    }
}

/* Spend in any case: what had to be sent was sent, and what can wait pays. 0, or FHB_FULL. */
static inline int64_t fhb_spend(fhb_table *t, const char *name, size_t length, int64_t now,
                                int64_t cost) {
    int64_t at = fhb_row_of(t, name, length, now);
    if (at < 0)
        return FHB_FULL;
    int64_t tat = atomic_load(&t->rows[at].tat);
    while (!atomic_compare_exchange_weak(&t->rows[at].tat, &tat, now + fhb_ahead(tat, now) + cost)) {
    }
    return 0;
}

/* Grant nothing before `until`, and then `full - tolerance` of it at once; `until` past: nothing but
 * the latter. 0, or FHB_FULL. */
static inline int64_t fhb_hold(fhb_table *t, const char *name, size_t length, int64_t now,
                               int64_t until, int64_t full, uint64_t why) {
    int64_t at = fhb_row_of(t, name, length, now);
    if (at < 0)
        return FHB_FULL;
    fhb_raise(&t->rows[at].tat, full, now);
    if (until > now) {
        atomic_store(&t->rows[at].why, why);
        fhb_raise(&t->rows[at].until, until, now);
    }
    return 0;
}

#endif
