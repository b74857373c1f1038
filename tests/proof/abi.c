/* Prints the contract: versions, sizes, constants, enums, fields. The golden test compares it. */
#include "feedhandler_shm.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME(n, v) printf("  %s = %d\n", #n, (int)(v));
#define FIELD(type, name, offset) printf("  %4d %-10s %s\n", (int)(offset), #type, #name);
#define ENUM(label, list) printf("\nenum %s\n", label); list(NAME)
#define STRUCT(label, fields, size) printf("\nstruct %s %d bytes\n", label, (int)(size)); fields(FIELD)

int main(void) {
    printf("version %d.%d\n", FH_VERSION_MAJOR, FH_VERSION_MINOR);
    printf("layout_hash 0x%016" PRIx64 "\n", fh_layout_hash());
    printf("\nconstants\n");
    printf("  FH_MAGIC_DATA = 0x%016" PRIx64 "\n", (uint64_t)FH_MAGIC_DATA);
    printf("  FH_MAGIC_CONTROL = 0x%016" PRIx64 "\n", (uint64_t)FH_MAGIC_CONTROL);
    printf("  FH_MAGIC_READERS = 0x%016" PRIx64 "\n", (uint64_t)FH_MAGIC_READERS);
    NAME(FH_HEADER_BYTES, FH_HEADER_BYTES)
    NAME(FH_CONTROL_BYTES, FH_CONTROL_BYTES)
    NAME(FH_READERS_BYTES, FH_READERS_BYTES)
    NAME(FH_READERS_ROWS, FH_READERS_ROWS)
    NAME(FH_CELL_HEAD, FH_CELL_HEAD)
    NAME(FH_READERS, FH_READERS)
    NAME(FH_WAKE_NEXT, FH_WAKE_NEXT)
    NAME(FH_WAKE_AGAIN_NS, FH_WAKE_AGAIN_NS)
    NAME(FH_PACE_MOST_NS, FH_PACE_MOST_NS)
    NAME(FH_NAP_BELOW_NS, FH_NAP_BELOW_NS)
    NAME(FH_NAP_LEAST_NS, FH_NAP_LEAST_NS)
    NAME(FH_NAPS, FH_NAPS)
    NAME(FH_COUNTERS, FH_COUNTERS)
    NAME(FH_HISTOGRAMS, FH_HISTOGRAMS)
    NAME(FH_HISTOGRAM_BUCKETS, FH_HISTOGRAM_BUCKETS)
    NAME(FH_PRECISIONS, FH_PRECISIONS)
    NAME(FH_BANDS, FH_BANDS)
    NAME(FH_EARLIER, FH_EARLIER)
    printf("  FH_NO_INSTRUMENT = 0x%08x\n", FH_NO_INSTRUMENT);
    printf("  FH_NONE = %" PRId64 "\n", (int64_t)FH_NONE);
    printf("  FH_KNOWN_WHOLE = %" PRIu32 "\n", (uint32_t)FH_KNOWN_WHOLE);
    printf("  stride of a cell of 256 bytes = %u\n", fh_cell_stride(256));
    printf("  stride of a cell of 320 bytes = %u\n", fh_cell_stride(320));
    printf("  bytes of a book copy of depth 50 = %u\n", fh_book_copy_bytes(50));
    printf("  histogram bucket of 1000000 = %u\n", fh_histogram_bucket(1000000));
    ENUM("kind", FH_KINDS)
    ENUM("state", FH_STATES)
    ENUM("reason", FH_REASONS)
    ENUM("stat", FH_STATS)
    ENUM("counter", FH_COUNTER_NAMES)
    ENUM("histogram", FH_HISTOGRAM_NAMES)
    ENUM("instrument_kind", FH_INSTRUMENT_KINDS)
    ENUM("contract_type", FH_CONTRACT_TYPES)
    ENUM("option_type", FH_OPTION_TYPES)
    ENUM("status", FH_INSTRUMENT_STATUSES)
    ENUM("source", FH_QUOTE_SOURCES)
    ENUM("change", FH_CHANGES)
    ENUM("flag", FH_FLAGS)
    printf("\nenum side\n");
    NAME(BID, FH_BID)
    NAME(ASK, FH_ASK)
    NAME(BUY, FH_BUY)
    NAME(SELL, FH_SELL)
    STRUCT("slot", FH_SLOT_FIELDS, sizeof(fh_slot))
    STRUCT("quote", FH_QUOTE_FIELDS, sizeof(fh_quote))
    STRUCT("book", FH_BOOK_FIELDS, sizeof(fh_book_head))
    STRUCT("instrument", FH_INSTRUMENT_FIELDS, sizeof(fh_instrument))
    STRUCT("connection", FH_CONNECTION_FIELDS, sizeof(fh_connection))
    STRUCT("header", FH_HEADER_FIELDS, sizeof(fh_header))
    STRUCT("control", FH_CONTROL_FIELDS, sizeof(fh_control))
    STRUCT("readers", FH_READERS_FIELDS, sizeof(fh_readers))
    STRUCT("reader", FH_READER_FIELDS, sizeof(fh_reader_row))
    printf("\nlayout\n%s\n", FH_LAYOUT);
    return 0;
}
