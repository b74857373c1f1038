/* What readers in C call, and no module of this package does. */
#include <stdint.h>

#define FH_KILL_POINTS "joining_words.h"
#include "feedhandler_shm.h"

/* At look number `at` at `published` it becomes `value`; `looks`: how many there were. */
uint64_t join_point(fh_header *header, const fh_slot *ring, uint64_t mask, uint64_t at, uint64_t value,
                    uint64_t *looks)
{
    the_word = &header->published;
    the_look = at;
    the_value = value;
    the_looks = 0;
    uint64_t found = fh_join_point(header, ring, mask);
    *looks = the_looks;
    return found;
}

void *claim(fh_readers *readers, uint32_t row, uint32_t stale) { return fh_reader_claim(readers, row, stale); }
