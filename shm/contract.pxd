# The contract for Cython: the header that readers and writers share.

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "feedhandler_shm.h" nogil:
    ctypedef uint64_t fh_word
    ctypedef struct fh_region:
        uint64_t offset
        uint32_t stride
        uint32_t count
    ctypedef struct fh_slot:
        uint64_t stamp
        uint32_t instrument
        uint8_t kind, flags, side, precision
        int64_t exchange_ns, receive_ns
        uint64_t venue_sequence
        int64_t price, size
        uint32_t publish_delta_ns, aux
    ctypedef struct fh_quote:
        uint64_t stamp, ring_sequence, venue_sequence
        int64_t exchange_ns, receive_ns, publish_ns
        uint8_t state, reason
        int8_t price_exponent, size_exponent
        uint8_t last_side, precision, source, status
        int64_t bid_price, bid_size, ask_price, ask_size, last_price, last_size, last_ns
        double mark, index, underlying, bid_iv, ask_iv, mark_iv
        double delta, gamma, vega, theta, rho, funding, open_interest
        int64_t stats_ns, state_ns, data_ns, sent_ns
        uint32_t definition
        double volume, predicted_funding
        int64_t next_funding_ns
    ctypedef struct fh_book_head:
        uint64_t stamp, ring_sequence, venue_sequence
        int64_t exchange_ns, receive_ns, publish_ns
        uint8_t state, reason
        int8_t price_exponent, size_exponent
        uint8_t precision, status
        uint16_t bids, asks
        uint32_t definition
        int64_t state_ns
        uint32_t bids_total, asks_total, bids_known, asks_known
        int64_t sent_ns
    ctypedef struct fh_instrument:
        uint64_t stamp
        uint32_t id
        uint8_t kind, option_type, contract_type, status, precision, has_book, bands
        uint32_t definition
        int8_t price_exponents[8]
        int8_t size_exponents[8]
        double tick, lot, contract_size, strike
        int64_t expiry_ns
        char symbol[64]
        char name[64]
        char base[16]
        char quote[16]
        char settle[16]
        double band_from[12]
        double band_tick[12]
    ctypedef struct fh_connection:
        uint64_t stamp
    ctypedef struct fh_header:
        uint64_t magic
        uint16_t version_major, version_minor
        uint32_t header_bytes
        uint64_t layout_hash, total_bytes
        char boot_id[16]
        uint64_t epoch, writer_start_ticks
        int64_t created_ns
        uint32_t writer_pid, book_depth, replay
        char venue[64]
        char space[64]
        fh_region directory, quotes, books, connections, histograms, ring
        uint64_t earlier[12]
        uint64_t published
        uint32_t wake, pace_ns
        int64_t heartbeat_ns
        uint32_t state, reason
        int64_t state_ns
        uint32_t superseded, instruments, connection_rows
        int64_t last_receive_ns
        char detail[128]
        uint64_t counters[64]
        uint32_t mirror
        int64_t clock_offset_ns, clock_error_ns, late_ns, heard_ns
        uint64_t lost, repaired
        char source[128]
        char link[128]
    ctypedef struct fh_control:
        uint64_t magic
        uint16_t version_major, version_minor
        uint32_t header_bytes
        uint64_t layout_hash, total_bytes
        char boot_id[16]
        char venue[64]
        char space[64]
        uint64_t epoch
        uint64_t earlier[12]
        uint32_t writer_pid
        uint64_t writer_start_ticks
    ctypedef struct fh_readers:
        uint64_t magic
        uint32_t sleepers
    ctypedef struct fh_reader_row:
        uint32_t pid
        uint64_t start_ticks, epoch, cursor, lost, overruns
        int64_t updated_ns
        char name[64]
    ctypedef struct fh_writer:
        unsigned char *base
        fh_header *header
        fh_control *control
        uint32_t *sleepers
        uint64_t next
        uint64_t *counters
        uint32_t depth, instruments

    const uint16_t FH_VERSION_MAJOR, FH_VERSION_MINOR
    const uint64_t FH_MAGIC_DATA, FH_MAGIC_CONTROL, FH_MAGIC_READERS
    const int FH_HEADER_BYTES, FH_CONTROL_BYTES, FH_READERS_BYTES, FH_READERS_ROWS, FH_READERS
    const int FH_COUNTERS, FH_HISTOGRAMS
    const uint32_t FH_READER_CLAIMED
    const int FH_HISTOGRAM_BUCKETS, FH_PRECISIONS, FH_BANDS, FH_EARLIER, FH_QUOTE_WORDS, FH_CELL_HEAD
    const int FH_WAKE_NEXT, FH_WAKE_AGAIN_NS
    const int FH_PACE_MOST_NS, FH_NAP_BELOW_NS, FH_NAP_LEAST_NS, FH_NAPS
    const uint32_t FH_NO_INSTRUMENT
    const int64_t FH_NONE
    const uint32_t FH_KNOWN_WHOLE
    const char *FH_LAYOUT
    const int FH_KIND_WRITER, FH_KIND_STAT, FH_KIND_STATE, FH_KIND_CLEAR
    const int FH_KIND_LEVEL, FH_KIND_TRADE, FH_KIND_LIQUIDATION, FH_KIND_QUOTE, FH_KIND_DEFINITION, FH_KIND_ABSENT
    const int FH_STATUS_ACTIVE, FH_SOURCE_QUOTE
    const int FH_STATE_LIVE, FH_STATE_CLOSED, FH_REASON_STOPPED
    const int FH_STATE_END, FH_REASON_END, FH_STATUS_END
    const int FH_COUNTER_END, FH_HISTOGRAM_END
    const int FH_FLAG_FIRST, FH_FLAG_LAST, FH_FLAG_SNAPSHOT, FH_FLAG_REPLAY, FH_FLAG_MORE
    const int FH_READ_OK, FH_READ_EMPTY, FH_READ_BUSY, FH_READ_LAPPED

    uint64_t fh_layout_hash()
    uint32_t fh_cell_stride(uint32_t copy_bytes)
    uint32_t fh_book_copy_bytes(uint32_t depth)
    int64_t fh_now_ns()
    uint64_t fh_load64 "FH_LOAD"(const uint64_t *p)
    int64_t fh_loadi64 "FH_LOAD"(const int64_t *p)
    uint32_t fh_load32 "FH_LOAD"(const uint32_t *p)
    uint64_t fh_load64_acquire "FH_LOAD_ACQUIRE"(const uint64_t *p)
    uint32_t fh_load32_acquire "FH_LOAD_ACQUIRE"(const uint32_t *p)
    void fh_store64 "FH_STORE"(uint64_t *p, uint64_t v)
    void fh_storei64 "FH_STORE"(int64_t *p, int64_t v)
    void fh_store32 "FH_STORE"(uint32_t *p, uint32_t v)
    void fh_store64_release "FH_STORE_RELEASE"(uint64_t *p, uint64_t v)
    void fh_store32_release "FH_STORE_RELEASE"(uint32_t *p, uint32_t v)
    void fh_words_in(fh_word *shared, const fh_word *source, size_t words)
    void fh_words_out(const fh_word *shared, fh_word *to, size_t words)
    int fh_latch_read(const fh_word *cell, size_t copy_bytes, fh_word *out, size_t words)

    void fh_writer_open(fh_writer *w, void *data, void *control, void *readers)
    void fh_publish(fh_writer *w)
    void fh_wake(fh_writer *w)
    void fh_message_begin(fh_writer *w, uint32_t instrument, uint8_t precision, uint8_t flags,
                          int64_t exchange_ns, int64_t receive_ns, uint64_t venue_sequence)
    void fh_message_add(fh_writer *w, uint8_t kind, uint8_t side, int64_t price, int64_t size,
                        uint32_t aux)
    uint64_t fh_message_end(fh_writer *w)
    uint32_t fh_sent_after(int64_t exchange_ns, int64_t sent_ns)
    void fh_counter_add(fh_writer *w, unsigned counter, uint64_t n)
    void fh_histogram_add(fh_writer *w, unsigned histogram, uint64_t value, uint64_t times)
    uint64_t fh_histogram_floor(unsigned bucket)
    void fh_quote_store(fh_writer *w, uint32_t instrument, const fh_quote *quote)
    fh_word *fh_book_begin(fh_writer *w, uint32_t instrument, const fh_book_head *head)
    fh_word *fh_book_asks(const fh_writer *w, fh_word *bids)
    void fh_book_end(fh_writer *w, uint32_t instrument)
    void fh_directory_update(fh_writer *w, uint32_t id, const fh_instrument *entry)
    int64_t fh_directory_add(fh_writer *w, fh_instrument *entry)
    void fh_connection_store(fh_writer *w, uint32_t row, const fh_connection *c)
    void fh_supersede(fh_header *header)

    int fh_slot_read(const fh_slot *ring, uint64_t mask, uint64_t n, fh_slot *out)
    uint64_t fh_join_point(const fh_header *header, const fh_slot *ring, uint64_t mask)
    fh_reader_row *fh_reader_claim_row(fh_reader_row *row, uint32_t stale)
    int fh_join_try(const fh_header *header, const fh_slot *ring, uint64_t mask, uint64_t *at)
    double fh_value(int64_t mantissa, int exponent)
    void fh_wait(const fh_header *header, uint32_t *sleepers, uint64_t seen, int64_t timeout_ns)
