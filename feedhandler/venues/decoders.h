/* The registry of decoders by hand: one line each. */
#ifndef FEEDHANDLER_VENUES_DECODERS_H
#define FEEDHANDLER_VENUES_DECODERS_H

#include "deribit_decoder.h"

static const fh_decoder fh_decoders[] = {
    {"deribit", TEXT_NUMBER, true, deribit_decode, deribit_snapshot, false, false, false},
};

#define DECODERS (sizeof fh_decoders / sizeof *fh_decoders)

static inline const fh_decoder *decoder_find(const char *name)
{
    for (size_t i = 0; i < sizeof fh_decoders / sizeof *fh_decoders; i++)
        if (strcmp(fh_decoders[i].name, name) == 0)
            return &fh_decoders[i];
    return NULL;
}

#endif
