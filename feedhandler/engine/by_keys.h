/* Statistics, read key by key: of what a ticker says any part may be missing, in any frame.
 *
 * Paths do not fit such frames: a venue that sends what changed alone has a skeleton for each set of keys. So
 * the keys of an object are kept in the order in which they came first, each with what its shape says of it.
 * Where one was found the next one is looked for behind it first: in the frames of most venues it is there. A
 * key that is new is found in the shape, and remembered if the frame turns out to be of it.
 *
 * This is the general reader in one pass over the document, without a tape: what stands in the holes is handed
 * to the same functions. What it does not understand at once (another shape, an error of any kind, the
 * surroundings of rows behind them) is left to the general reader, from the start of the frame.
 */
#ifndef FEEDHANDLER_ENGINE_BY_KEYS_H
#define FEEDHANDLER_ENGINE_BY_KEYS_H

#include "shaped_rows.h"
#include "usual.h"

enum { KEYS_KEPT = 48, KEY_BYTES = 32, KEY_LISTS = 6, KEY_UNKNOWN = 64 };

/* `"name":` as it stands in frames; `node` NULL: nobody needs what it has. */
typedef struct kept_key {
    uint64_t word[4], mask[4];
    const uint8_t *node;
    uint8_t length, flags, which, list; /* which of the shape's keys; the list of the object behind it */
    uint8_t role; /* of a hole */
    bool scalar;  /* what stands behind it, as far as anybody needs it */
} kept_key;

typedef struct key_list {
    const uint8_t *node; /* of the object */
    uint64_t needed;     /* those of its keys that have to come */
    uint32_t count;
    kept_key keys[KEYS_KEPT];
} key_list;

typedef struct key_lists {
    bool rows_last; /* what surrounds its rows stands behind them */
    uint32_t count;
    key_list lists[KEY_LISTS];
} key_lists;

/* One frame that is read so. */
typedef struct key_walk {
    engine *e;
    cursor *c;
    const shape *shape;
    key_lists *kept;
    found outer, row;
    cursor rows;      /* where they begin, if they are read last */
    uint8_t row_list; /* of the object of a row; KEY_LISTS: there are no rows */
    uint64_t before;  /* what was known around the rows when they came */
    uint32_t stats_before;
    bool failed;
} key_walk;

/* ---- what is remembered --------------------------------------------------------------------------- */

static uint8_t keys_list(key_walk *w, const uint8_t *node)
{
    key_lists *k = w->kept;
    for (uint32_t i = 0; i < k->count; i++)
        if (k->lists[i].node == node)
            return (uint8_t)i;
    if (k->count == KEY_LISTS || *node != SHAPE_OBJECT) {
        w->failed = true;
        return 0;
    }
    key_list *l = &k->lists[k->count];
    const uint8_t *keys = node + 2;
    l->node = node;
    l->needed = 0;
    l->count = 0;
    for (int which = 0; which < node[1]; which++) {
        shape_key key = shape_key_next(&keys);
        bool never = *key.node == SHAPE_HOLE && key.node[1] == ROLE_NEVER;
        if (!never && !(key.flags & KEY_OPTIONAL))
            l->needed |= (uint64_t)1 << which;
    }
    return (uint8_t)k->count++;
}

/* What the shape says of this key. */
static kept_key key_new(key_walk *w, const key_list *l, const text *name)
{
    kept_key k = {.which = KEY_UNKNOWN, .scalar = true};
    const uint8_t *keys = l->node + 2;
    for (int which = 0; which < l->node[1]; which++) {
        shape_key key = shape_key_next(&keys);
        if (key.length != name->length || memcmp(key.name, name->at, name->length) != 0)
            continue;
        k.node = key.node;
        k.flags = key.flags;
        k.which = (uint8_t)which;
        k.scalar = *key.node == SHAPE_HOLE;
        k.role = k.scalar ? key.node[1] : 0;
        if (*key.node == SHAPE_OBJECT)
            k.list = keys_list(w, key.node);
        else if (*key.node == SHAPE_ROWS)
            k.list = keys_list(w, key.node + 1);
        break;
    }
    return k;
}

/* Only what stands in the frame byte for byte. */
static void key_keep(const cursor *c, key_list *l, kept_key k, const text *name)
{
    size_t length = name->length + 3;
    if (name->escaped || length > KEY_BYTES || name->at <= c->begin || name->at + name->length >= c->end ||
        name->at[-1] != '"' || name->at[name->length] != '"' || name->at[name->length + 1] != ':')
        return;
    uint8_t bytes[KEY_BYTES] = {0}, mask[KEY_BYTES] = {0};
    for (size_t i = 0; i < length; i++) {
        bytes[i] = name->at[(ptrdiff_t)i - 1];
        mask[i] = 0xff;
    }
    for (int i = 0; i < KEY_BYTES / 8; i++) {
        k.word[i] = load8(bytes + 8 * i);
        k.mask[i] = load8(mask + 8 * i);
    }
    k.length = (uint8_t)length;
    l->count = l->count == KEYS_KEPT ? 0 : l->count;
    l->keys[l->count++] = k;
}

ALWAYS_INLINE bool key_here(const uint8_t *at, const kept_key *k)
{
    if (LIKELY(((load8(at) ^ k->word[0]) & k->mask[0]) != 0))
        return false;
    uint64_t differ = (load8(at + 8) ^ k->word[1]) & k->mask[1];
    if (k->length > 16)
        differ |= ((load8(at + 16) ^ k->word[2]) & k->mask[2]) | ((load8(at + 24) ^ k->word[3]) & k->mask[3]);
    return differ == 0;
}

/* ---- values --------------------------------------------------------------------------------------- */

static void keys_object(key_walk *w, uint8_t list, found *f);

/* Is this the list of the object still? */
static inline bool keys_known(const key_walk *w, uint8_t list, const uint8_t *node)
{
    return list < w->kept->count && w->kept->lists[list].node == node;
}

/* One row: what it says is a message, or several. */
static void keys_row(key_walk *w)
{
    engine *e = w->e;
    cursor *c = w->c;
    const shape *s = w->shape;
    found_begin(&w->row, &w->outer, true);
    keys_object(w, w->row_list, &w->row);
    const found *f = &w->row;
    const text *symbol = found_text(f, ROLE_SYMBOL);
    if (w->failed || c->error || symbol == NULL) {
        w->failed = true;
        return;
    }
    market *m = symbol_find(e, symbol->at, symbol->length);
    if (m == NULL) {
        w->failed |= e->auto_add; /* nothing is added before the frame is known to be whole */
        e->unknown++;
        return;
    }
    const uint8_t *at = c->at;
    c->at = c->end; /* as the general reader has it: an error that has no place of its own is there */
    ENGINE_ITEM(e, c, shaped_row_read(e, c, s, f, m));
    c->at = at;
}

static void keys_rows(key_walk *w)
{
    cursor *c = w->c;
    cursor_array(c);
    while (!w->failed && cursor_item(c))
        keys_row(w);
}

/* What is nested, or is no hole. */
static __attribute__((noinline)) void keys_value(key_walk *w, const kept_key *k, found *f)
{
    cursor *c = w->c;
    const uint8_t *node = k->node;
    text said;
    if (*node == SHAPE_OBJECT) {
        if (keys_known(w, k->list, node) && cursor_peek(c) == '{')
            keys_object(w, k->list, f);
        else
            w->failed = true;
        return;
    }
    if (*node == SHAPE_ROWS) {
        w->failed |= f != &w->outer || w->row_list != KEY_LISTS || cursor_peek(c) != '[' ||
                     !keys_known(w, k->list, node + 1);
        w->row_list = k->list;
        w->rows = *c;
        w->before = f->has;
        w->stats_before = f->stats;
        if (w->failed)
            return;
        if (w->kept->rows_last)
            cursor_skip(c);
        else
            keys_rows(w);
        return;
    }
    cursor_scalar(c, &said);
    if (k->flags & KEY_OPTIONAL && text_empty(&said))
        return;
    if (*node == SHAPE_TEXT) {
        w->failed |= !text_fits(node + 1, &said, f, 0);
    } else if (*node == SHAPE_LITERAL) {
        size_t around = node[2] == '"';
        w->failed |= (said.type == TEXT_STRING) != (around != 0) || said.type == TEXT_NESTED ||
                     said.length != node[1] - 2 * around || memcmp(said.at, node + 2 + around, said.length) != 0;
    } else {
        w->failed = true;
    }
}

/* What stands in a hole. */
ALWAYS_INLINE void keys_hole(key_walk *w, const kept_key *k, const text *said, found *f)
{
    if (k->role >= ROLE_STAT) {
        w->failed |= said->type == TEXT_NESTED;
        if (LIKELY(f->stats < FOUND_STATS)) {
            f->stat[f->stats].role = k->role;
            f->stat[f->stats++].text = *said;
        }
        return;
    }
    if (k->role == ROLE_SKIP ||
        (k->flags & KEY_OPTIONAL && UNLIKELY(text_empty(said)) && !hole_tells(k->node)))
        return;
    w->failed |= said->type == TEXT_NESTED || k->role == ROLE_NEVER || !found_put(f, k->role, said, 0) ||
                 (k->role == ROLE_SYMBOL && (said->type != TEXT_STRING || said->length == 0));
}

/* The key at `at`, as one that was seen; NULL: it was not. */
ALWAYS_INLINE const kept_key *keys_seen(const key_list *l, const uint8_t *at, uint32_t *next)
{
    for (uint32_t n = l->count, i = *next; n--; i++) {
        i = i < l->count ? i : 0;
        if (key_here(at, &l->keys[i])) {
            *next = i + 1;
            return &l->keys[i];
        }
    }
    return NULL;
}

static void keys_object(key_walk *w, uint8_t list, found *f)
{
    cursor *c = w->c;
    key_list *l = &w->kept->lists[list];
    uint64_t seen = 0;
    uint32_t next = 0;
    text name, said;
    if (!cursor_object(c)) {
        w->failed = true;
        return;
    }
    while (LIKELY(!w->failed)) {
        const uint8_t *at = c->at;
        const kept_key *k = NULL;
        kept_key unknown;
        if (LIKELY(c->fresh || *at == ','))
            k = keys_seen(l, at + !c->fresh, &next);
        if (LIKELY(k != NULL)) {
            at += !c->fresh + k->length;
            c->fresh = false;
            if (k->scalar && LIKELY(usual_scalar(&at, c->end, &said))) {
                c->at = at;
                if (k->node == NULL)
                    continue;
                w->failed |= seen >> k->which & 1;
                seen |= (uint64_t)1 << k->which;
                keys_hole(w, k, &said, f);
                continue;
            }
            c->at = at;
        } else {
            if (!cursor_key(c, &name))
                break;
            unknown = key_new(w, l, &name);
            key_keep(c, l, unknown, &name);
            next = l->count;
            k = &unknown;
        }
        if (k->node != NULL) {
            w->failed |= seen >> k->which & 1; /* a key that comes twice */
            seen |= (uint64_t)1 << k->which;
        }
        if (!k->scalar) {
            keys_value(w, k, f);
            continue;
        }
        cursor_scalar(c, &said);
        if (k->node != NULL)
            keys_hole(w, k, &said, f);
    }
    w->failed |= c->error || (l->needed & ~seen) != 0;
}

/* ---- frames --------------------------------------------------------------------------------------- */

/* Is it a frame of this shape, and what does it say? */
static bool keys_of(engine *e, cursor *c, const shape *s, key_lists *kept)
{
    key_walk w;
    w.e = e;
    w.c = c;
    w.shape = s;
    w.kept = kept;
    w.row_list = KEY_LISTS;
    w.failed = false;
    found_begin(&w.outer, NULL, true);
    uint8_t list = keys_list(&w, s->node);
    if (w.failed || cursor_peek(c) != '{')
        return false;
    keys_object(&w, list, &w.outer);
    if (w.failed || !cursor_finish(c))
        return false;
    if (w.row_list == KEY_LISTS) {
        market *m = found_market(e, c, &w.outer);
        if (m != NULL) {
            engine_about_quote(e, m);
            ENGINE_ITEM(e, c, shaped_row_read(e, c, s, &w.outer, m));
        }
        return !c->error && !e->out_of_memory;
    }
    if (kept->rows_last) {
        *c = w.rows;
        keys_rows(&w);
        return !w.failed && !c->error && !e->out_of_memory;
    }
    kept->rows_last = w.outer.has != w.before || w.outer.stats != w.stats_before;
    return !kept->rows_last && !c->error && !e->out_of_memory;
}

/* The keys of this shape that were seen; NULL: no memory, or it cannot be read so. */
static key_lists *keys_kept(shaped *all, uint32_t i)
{
    if (all->keys == NULL)
        all->keys = (key_lists **)calloc(all->count, sizeof *all->keys);
    if (all->keys != NULL && all->keys[i] == NULL)
        all->keys[i] = (key_lists *)calloc(1, sizeof **all->keys);
    return all->keys ? all->keys[i] : NULL;
}

/* True: it is the frame of a ticker, and was read. Else nothing of it has been seen. */
static __attribute__((noinline)) bool keys_read(engine *e, cursor *c)
{
    shaped *all = e->shaped;
    const uint32_t unknown = e->unknown;
    for (uint32_t n = 0, i = all->ticker; n < all->count; n++, i++) {
        i = i < all->count ? i : 0;
        const shape *s = &all->shapes[i];
        key_lists *kept = s->kind == SHAPE_TICKER && *s->node == SHAPE_OBJECT && !s->follows ? keys_kept(all, i) : NULL;
        if (kept == NULL)
            continue;
        uint32_t lists = kept->count, counts[KEY_LISTS];
        for (uint32_t k = 0; k < KEY_LISTS; k++)
            counts[k] = kept->lists[k].count;
        engine_no_book(e);
        if (LIKELY(keys_of(e, c, s, kept))) {
            all->ticker = i;
            return true;
        }
        kept->count = lists; /* what was new in it is forgotten */
        for (uint32_t k = 0; k < lists; k++)
            kept->lists[k].count = counts[k];
        e->unknown = unknown;
        e->out_of_memory = false;
        engine_rewind(e, c);
    }
    return false;
}

#endif
