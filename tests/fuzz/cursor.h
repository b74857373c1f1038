/* The target of the JSON cursor: any bytes. Skipping the document and walking through all of it must
 * come to the same verdict, in a buffer that ends where the document ends and in a padded one. */
#ifndef FEEDHANDLER_FUZZ_CURSOR_H
#define FEEDHANDLER_FUZZ_CURSOR_H

#include "check.h"

#include "../../feedhandler/wire/cursor.h"

enum { WALK_DEPTH = 300 };

/* Every key, item and text; the sum of their bytes. */
static uint64_t cursor_walk(cursor *c, int depth, uint64_t sum)
{
    text t;
    uint8_t b = cursor_peek(c);
    if (c->error || depth > WALK_DEPTH)
        return sum;
    if (b == '{') {
        cursor_object(c);
        while (cursor_key(c, &t)) {
            for (uint32_t i = 0; i < t.length; i++)
                sum = (sum ^ t.at[i]) * 0x100000001b3u;
            sum = cursor_walk(c, depth + 1, sum);
        }
    } else if (b == '[') {
        cursor_array(c);
        while (cursor_item(c))
            sum = cursor_walk(c, depth + 1, sum ^ 1);
    } else {
        cursor_scalar(c, &t);
        if (!c->error)
            for (uint32_t i = 0; i < t.length; i++)
                sum = (sum ^ t.at[i]) * 0x100000001b3u;
    }
    return sum;
}

static int nesting(const uint8_t *data, size_t size)
{
    int depth = 0, most = 0;
    for (size_t i = 0; i < size; i++) {
        depth += (data[i] == '{') + (data[i] == '[') - (data[i] == '}') - (data[i] == ']');
        most = depth > most ? depth : most;
    }
    return most;
}

static void cursor_input(const uint8_t *data, size_t size)
{
    uint8_t *exact = exact_copy(data, size), *padded = (uint8_t *)malloc(size + CURSOR_PADDING);
    CHECK(padded != NULL, "no memory");
    memcpy(padded, data, size);
    memset(padded + size, "\"1}]"[size % 4], CURSOR_PADDING); /* of the next frame: it says nothing of this one */
    padded[size] = 0;
    spare rooms[2] = {{NULL, 0}, {NULL, 0}};
    cursor skipped, walked[2];
    bool valid = document_valid(exact, size, &skipped);
    CHECK(valid || (skipped.error_at >= exact && skipped.error_at <= exact + size), "an error outside");
    if (nesting(data, size) < CURSOR_DEPTH) { /* the walker's stack has another bound */
        uint64_t sums[2];
        for (int i = 0; i < 2; i++) {
            cursor *c = &walked[i];
            cursor_start(c, i ? padded : exact, size, &rooms[i]);
            if (i)
                cursor_padded(c);
            sums[i] = cursor_walk(c, 0, 0);
            CHECK(cursor_finish(c) == valid, "skipped: %d, walked (%s): %d at byte %td", skipped.error,
                  i ? "padded" : "exact", c->error, c->error ? c->error_at - c->begin : 0);
        }
        CHECK(!valid || sums[0] == sums[1], "padding changes what is read");
        CHECK(valid || walked[0].error_at - walked[0].begin == walked[1].error_at - walked[1].begin,
              "padding changes where the error is");
    }
    free(rooms[0].bytes);
    free(rooms[1].bytes);
    free(padded);
    free(exact);
}

#endif
