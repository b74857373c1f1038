/* Rows of a table as an Arrow C stream (https://arrow.apache.org/docs/format/CStreamInterface.html).
 *
 * The columns of a table are described once (`arrow_table`): where each one's values are, how far apart,
 * what of them is null, and of dictionaries the words. A stream hands them out in batches of
 * ARROW_ROWS rows. A batch is memory of its own, and outlives stream and rows; what batches share, the
 * words, is counted and goes with the last of them. Nothing here needs Python: whoever has the rows says
 * by `let_go` how they are given back.
 *
 * Null, as asked for: a 0 (no such time), FH_NONE (no price), NaN, or a value without a word.
 */
#ifndef FEEDHANDLER_ARROW_H
#define FEEDHANDLER_ARROW_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- the interface: as the specification prints it ---- */

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* ---- a table ---- */

enum { ARROW_ROWS = 65536 };
enum arrow_null { ARROW_NEVER, ARROW_ZERO, ARROW_NONE, ARROW_NAN };

typedef struct arrow_column {
    const uint8_t *at; /* the first value */
    ptrdiff_t stride;
    char name[40], format[12]; /* of a dictionary: of its indices, "i" */
    uint8_t width;             /* bytes of a value: 1, 4, 8 */
    uint8_t null;
    bool bits; /* one byte a value here, one bit a value there */
    /* of a dictionary: which word stands for which value (-1: none), and the words one after another */
    int32_t *codes;
    size_t coded;
    int32_t *offsets; /* words + 1 of them */
    char *text;
    int64_t words;
} arrow_column;

typedef struct arrow_table {
    size_t held; /* by streams, schemas and batches */
    size_t columns;
    arrow_column column[];
} arrow_table;

static arrow_table *arrow_table_new(size_t columns)
{
    arrow_table *t = (arrow_table *)calloc(1, sizeof *t + columns * sizeof *t->column);
    if (t != NULL) {
        t->held = 1;
        t->columns = columns;
    }
    return t;
}

static void arrow_table_hold(arrow_table *t) { __atomic_fetch_add(&t->held, 1, __ATOMIC_RELAXED); }

static void arrow_table_drop(arrow_table *t)
{
    if (t == NULL || __atomic_fetch_sub(&t->held, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    for (size_t i = 0; i < t->columns; i++) {
        free(t->column[i].codes);
        free(t->column[i].offsets);
        free(t->column[i].text);
    }
    free(t);
}

/* ---- its schema ---- */

/* A node and all below it is one block, which the root releases; a consumer may move any child out, so
 * that each is a block of its own. `held`: the table that names and formats are in. */
static void arrow_schema_release(struct ArrowSchema *s)
{
    for (int64_t i = 0; i < s->n_children; i++) {
        if (s->children[i]->release != NULL)
            s->children[i]->release(s->children[i]);
        free(s->children[i]);
    }
    if (s->dictionary != NULL) {
        if (s->dictionary->release != NULL)
            s->dictionary->release(s->dictionary);
        free(s->dictionary);
    }
    free(s->children);
    arrow_table_drop((arrow_table *)s->private_data);
    s->release = NULL;
}

static void arrow_schema_begin(struct ArrowSchema *s, arrow_table *t, const char *format, const char *name,
                               int64_t flags)
{
    memset(s, 0, sizeof *s);
    s->format = format;
    s->name = name;
    s->flags = flags;
    s->release = arrow_schema_release;
    s->private_data = t;
    arrow_table_hold(t);
}

/* 0, or ENOMEM with nothing left behind. */
static int arrow_schema_make(struct ArrowSchema *out, arrow_table *t)
{
    arrow_schema_begin(out, t, "+s", "", 0);
    out->children = (struct ArrowSchema **)calloc(t->columns ? t->columns : 1, sizeof *out->children);
    for (size_t i = 0; out->children != NULL && i < t->columns; i++) {
        const arrow_column *c = &t->column[i];
        struct ArrowSchema *child = (struct ArrowSchema *)malloc(sizeof *child);
        if (child == NULL)
            break;
        out->children[out->n_children++] = child;
        arrow_schema_begin(child, t, c->format, c->name,
                           c->null || c->codes ? ARROW_FLAG_NULLABLE : 0);
        if (c->codes == NULL)
            continue;
        child->dictionary = (struct ArrowSchema *)malloc(sizeof *child->dictionary);
        if (child->dictionary == NULL)
            break;
        arrow_schema_begin(child->dictionary, t, "u", "", 0);
    }
    if (out->children != NULL && (size_t)out->n_children == t->columns &&
        (t->columns == 0 || t->column[t->columns - 1].codes == NULL ||
         out->children[t->columns - 1]->dictionary != NULL))
        return 0;
    out->release(out);
    return ENOMEM;
}

/* ---- a batch ---- */

typedef struct arrow_node {
    const void *buffers[3];
    void *own[2];       /* of the buffers: what goes with this array */
    arrow_table *words; /* of a dictionary's words */
} arrow_node;

static void arrow_array_release(struct ArrowArray *a)
{
    arrow_node *node = (arrow_node *)a->private_data;
    for (int64_t i = 0; i < a->n_children; i++) {
        if (a->children[i]->release != NULL)
            a->children[i]->release(a->children[i]);
        free(a->children[i]);
    }
    if (a->dictionary != NULL) {
        if (a->dictionary->release != NULL)
            a->dictionary->release(a->dictionary);
        free(a->dictionary);
    }
    free(a->children);
    free(node->own[0]);
    free(node->own[1]);
    arrow_table_drop(node->words);
    free(node);
    a->release = NULL;
}

static int arrow_array_begin(struct ArrowArray *a, int64_t length, int64_t buffers)
{
    memset(a, 0, sizeof *a);
    arrow_node *node = (arrow_node *)calloc(1, sizeof *node);
    if (node == NULL)
        return ENOMEM;
    a->length = length;
    a->n_buffers = buffers;
    a->buffers = node->buffers;
    a->private_data = node;
    a->release = arrow_array_release;
    return 0;
}

static void *arrow_memory(size_t bytes) { return aligned_alloc(64, (bytes / 64 + 1) * 64); }

static inline uint64_t arrow_bits_of(const arrow_column *c, const uint8_t *at)
{
    uint64_t value = 0;
    if (c->width == 1)
        return *at;
    if (c->width == 4) {
        uint32_t half;
        memcpy(&half, at, 4);
        return half;
    }
    memcpy(&value, at, 8);
    return value;
}

static inline bool arrow_is_null(const arrow_column *c, uint64_t value)
{
    switch (c->null) {
    case ARROW_ZERO: return value == 0;
    case ARROW_NONE: return value == (uint64_t)INT64_MIN;
    case ARROW_NAN: return (value & INT64_MAX) > 0x7FF0000000000000ull;
    default: return false;
    }
}

/* Values `first` to `first + count` of one column; `valid`: a bit each, to be cleared for a null. */
static int64_t arrow_values(const arrow_column *c, size_t first, size_t count, uint8_t *out, uint8_t *valid)
{
    const uint8_t *at = c->at + (ptrdiff_t)first * c->stride;
    int64_t nulls = 0;
    for (size_t i = 0; i < count; i++, at += c->stride) {
        uint64_t value = arrow_bits_of(c, at);
        bool null = arrow_is_null(c, value);
        if (c->codes != NULL) {
            int32_t code = value < c->coded ? c->codes[value] : -1;
            null = null || code < 0;
            code = null ? 0 : code;
            memcpy(out + 4 * i, &code, 4);
        } else if (c->bits) {
            out[i / 8] |= (uint8_t)((value != 0) << i % 8);
        } else if (c->width == 8) {
            memcpy(out + 8 * i, &value, 8);
        } else if (c->width == 4) {
            uint32_t half = (uint32_t)value;
            memcpy(out + 4 * i, &half, 4);
        } else {
            out[i] = (uint8_t)value;
        }
        if (null) {
            valid[i / 8] &= (uint8_t)~(1u << i % 8);
            nulls++;
        }
    }
    return nulls;
}

static int arrow_column_make(struct ArrowArray *out, arrow_table *t, const arrow_column *c, size_t first,
                             size_t count)
{
    if (arrow_array_begin(out, (int64_t)count, 2))
        return ENOMEM;
    arrow_node *node = (arrow_node *)out->private_data;
    size_t bytes = c->codes ? 4 * count : c->bits ? (count + 7) / 8 : c->width * count;
    node->own[0] = arrow_memory((count + 7) / 8);
    node->own[1] = arrow_memory(bytes);
    if (node->own[0] == NULL || node->own[1] == NULL)
        return ENOMEM;
    memset(node->own[0], 0xFF, (count + 7) / 8);
    if (c->bits)
        memset(node->own[1], 0, bytes);
    out->null_count = arrow_values(c, first, count, (uint8_t *)node->own[1], (uint8_t *)node->own[0]);
    node->buffers[0] = out->null_count ? node->own[0] : NULL;
    node->buffers[1] = node->own[1];
    if (c->codes == NULL)
        return 0;
    struct ArrowArray *words = (struct ArrowArray *)malloc(sizeof *words);
    if (words == NULL)
        return ENOMEM;
    if (arrow_array_begin(words, c->words, 3)) {
        free(words);
        return ENOMEM;
    }
    out->dictionary = words;
    node = (arrow_node *)words->private_data;
    node->words = t;
    arrow_table_hold(t);
    node->buffers[1] = c->offsets;
    node->buffers[2] = c->text;
    return 0;
}

/* Rows `first` to `first + count`: 0, or ENOMEM with nothing left behind. */
static int arrow_batch_make(struct ArrowArray *out, arrow_table *t, size_t first, size_t count)
{
    if (arrow_array_begin(out, (int64_t)count, 1))
        return ENOMEM;
    out->children = (struct ArrowArray **)calloc(t->columns ? t->columns : 1, sizeof *out->children);
    for (size_t i = 0; out->children != NULL && i < t->columns; i++) {
        struct ArrowArray *child = (struct ArrowArray *)calloc(1, sizeof *child);
        if (child == NULL)
            break;
        out->children[out->n_children++] = child;
        if (arrow_column_make(child, t, &t->column[i], first, count))
            break;
        if (i + 1 == t->columns)
            return 0;
    }
    if (out->children != NULL && t->columns == 0)
        return 0;
    out->release(out);
    return ENOMEM;
}

/* ---- the stream ---- */

typedef struct arrow_rows {
    arrow_table *table;
    size_t count, next;
    void *owner;
    void (*let_go)(void *owner);
} arrow_rows;

static int arrow_stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    return arrow_schema_make(out, ((arrow_rows *)s->private_data)->table);
}

static int arrow_stream_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    arrow_rows *rows = (arrow_rows *)s->private_data;
    size_t left = rows->count - rows->next;
    memset(out, 0, sizeof *out);
    if (left == 0)
        return 0; /* released: the end */
    left = left < ARROW_ROWS ? left : ARROW_ROWS;
    int failed = arrow_batch_make(out, rows->table, rows->next, left);
    rows->next += failed ? 0 : left;
    return failed;
}

static const char *arrow_stream_error(struct ArrowArrayStream *s)
{
    (void)s;
    return "no memory for a batch"; /* nothing else can go wrong */
}

static void arrow_stream_release(struct ArrowArrayStream *s)
{
    arrow_rows *rows = (arrow_rows *)s->private_data;
    arrow_table_drop(rows->table);
    if (rows->let_go != NULL)
        rows->let_go(rows->owner);
    free(rows);
    s->release = NULL;
}

/* Takes over the hold on the table, and `owner` with `let_go`; on failure neither. */
static int arrow_stream_make(struct ArrowArrayStream *out, arrow_table *t, size_t count, void *owner,
                             void (*let_go)(void *))
{
    arrow_rows *rows = (arrow_rows *)malloc(sizeof *rows);
    if (rows == NULL)
        return ENOMEM;
    *rows = (arrow_rows){t, count, 0, owner, let_go};
    *out = (struct ArrowArrayStream){arrow_stream_schema, arrow_stream_next, arrow_stream_error,
                                     arrow_stream_release, rows};
    return 0;
}

#endif
