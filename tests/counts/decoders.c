/* The decoders, compiled by themselves as feedhandler/venues/_decoders.pyx has them. */
#include "../../feedhandler/venues/decoders.h"

const fh_decoder *paths_decoder(const char *name);
const fh_decoder *paths_decoder(const char *name) { return decoder_find(name); }
