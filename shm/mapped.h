/* A mapped segment, for native code of other rooms that reads it: `Segment.capsule()` of Python has one. */
#ifndef FEEDHANDLER_MAPPED_H
#define FEEDHANDLER_MAPPED_H

#include "feedhandler_shm.h"

typedef struct fh_mapped {
    const unsigned char *base;
    const fh_header *header; /* as it is now */
    const fh_header *plan;   /* as it was checked: where things lie */
    const fh_slot *ring;
    uint64_t mask;
} fh_mapped;

#endif
