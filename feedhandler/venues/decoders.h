/* The registry: one line a decoder. A venue may share another's (Binance's products do). */
#ifndef FEEDHANDLER_VENUES_DECODERS_H
#define FEEDHANDLER_VENUES_DECODERS_H

#include "binance_decoder.h"
#include "bybit_decoder.h"
#include "deribit_decoder.h"
#include "okx_decoder.h"

static const fh_decoder fh_decoders[] = {
    {"binance", binance_decode, binance_snapshot},
    {"bybit", bybit_decode, bybit_snapshot},
    {"deribit", deribit_decode, deribit_snapshot},
    {"okx", okx_decode, okx_snapshot},
};

#define DECODERS (sizeof fh_decoders / sizeof *fh_decoders)

#endif
