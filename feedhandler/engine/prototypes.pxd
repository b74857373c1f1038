# The engine for Cython: its headers, and those of the rooms below.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from feedhandler.book.side cimport book_side, level
from shm.contract cimport fh_instrument, fh_writer

cdef extern from "feedhandler/engine/engine.h" nogil:
    ctypedef struct book_t "book":
        book_side bids, asks
    ctypedef struct sequence:
        int64_t first, final, previous
        bint numbered
        int64_t place
    ctypedef struct continuity:
        uint8_t rule, base, phase
        bint rest_join
        int64_t last, place
    int QUALITY_FIELDS
    ctypedef struct quality_numbers "quality":
        int64_t gaps, missing, unsized
    enum: INDEX_BYTES
    ctypedef struct market:
        uint32_t id
        fh_instrument entry
        int price_exponent, size_exponent
        uint8_t state, reason, precision, word_length, index_length
        char *word
        char *index_name
        bint has_book
        int price_written, size_written
        bint written_listed
        continuity sequence
        book_t book
        uint64_t feeders, load
        int64_t *activity
        uint64_t *brought
        uint32_t pending
        int64_t *details
        bint deepening
        quality_numbers quality
    ctypedef struct connection:
        int index
        uint64_t bit
        uint64_t frames, bytes, levels, malformed, unknown, slow, wins
        int64_t last_receive_ns, late_ns, behind_ns, expected, came
    ctypedef struct fh_decoder:
        const char *name
        uint8_t numbers
        bint spreads, keeps_window, names_trades, uncrosses, usual
    ctypedef struct engine:
        fh_writer *writer
        continuity rules
        quality_numbers holes
        bint auto_add, replay, polled
        uint32_t asked
        size_t buffer_bytes
        market **markets
        uint32_t room
        connection **rows
        uint32_t *attention
        uint32_t attention_count
        int error
        size_t error_byte
        char *error_about
    ctypedef struct spare:
        uint8_t *bytes
        size_t room
    ctypedef struct cursor:
        const uint8_t *at
        const uint8_t *begin
        const uint8_t *end
        const uint8_t *error_at
        int error
    ctypedef struct text:
        const uint8_t *at
        uint32_t length
        uint8_t type
    int TEXT_STRING
    int ATTENTION_END, CONNECTIONS
    int FEED_DATA, FEED_CONTROL, FEED_MALFORMED, FEED_UNKNOWN, FEED_ATTENTION, FEED_GAP
    int C_RULE_NONE "RULE_NONE", C_RULE_PREVIOUS "RULE_PREVIOUS"
    int C_RULE_RANGE "RULE_RANGE", C_RULE_NEXT "RULE_NEXT"
    int C_RULE_TIME "RULE_TIME", RULE_END
    int C_BASE_STREAM "BASE_STREAM", C_BASE_REQUEST "BASE_REQUEST"
    int C_BASE_EVERY "BASE_EVERY", BASE_END
    int C_NEED_RESYNC "NEED_RESYNC", C_NEED_SNAPSHOT "NEED_SNAPSHOT"
    int C_SNAPSHOT_TOO_OLD "SNAPSHOT_TOO_OLD", C_BECAME_LIVE "BECAME_LIVE"
    int C_WIDENED "WIDENED", C_ADDED "ADDED", C_UNCONFIRMED "UNCONFIRMED", C_STATED "STATED"
    int C_WORN "WORN", C_FOREIGN "FOREIGN"
    int C_DEEPEN_DONE "DEEPEN_DONE", C_DEEPEN_AHEAD "DEEPEN_AHEAD"
    int C_DEEPEN_OLD "DEEPEN_OLD", C_DEEPEN_OTHER "DEEPEN_OTHER"
    int C_DEEPEN_MALFORMED "DEEPEN_MALFORMED"
    int C_CHANNEL_BOOK "CHANNEL_BOOK", C_CHANNEL_TRADES "CHANNEL_TRADES"
    int C_CHANNEL_TICKER "CHANNEL_TICKER", C_CHANNEL_QUOTE "CHANNEL_QUOTE", CHANNELS
    int C_CHANNEL_LIQUIDATIONS "CHANNEL_LIQUIDATIONS", C_CHANNEL_MARK "CHANNEL_MARK"
    int C_CHANNEL_FUNDING "CHANNEL_FUNDING", C_CHANNEL_INTEREST "CHANNEL_INTEREST"
    int C_CHANNEL_GREEKS "CHANNEL_GREEKS", C_CHANNEL_VOLUME "CHANNEL_VOLUME"
    int C_CHANNEL_INDEX "CHANNEL_INDEX"
    int SYMBOL_BYTES, DECIMAL_EXPONENT_MIN, DECIMAL_EXPONENT_MAX
    int DECIMAL_OK, DECIMAL_SYNTAX, DECIMAL_PRECISION, DECIMAL_OVERFLOW
    bint engine_open(engine *e, fh_writer *w, const fh_decoder *decoder)
    const fh_decoder shaped_decoder
    bint shaped_open(engine *e, const void *table, size_t length)
    fh_decoder shaped_decoder_of(const void *table, size_t length)
    ctypedef struct checksum_rule:
        uint8_t levels, order, number, separator
        bint signed_asks, signed_result
    int CHECKSUM_LEVELS, CHECKSUM_ORDERS, NUMBER_STYLES
    int C_CHECKSUM_PAIRS "CHECKSUM_PAIRS", C_CHECKSUM_ASKS "CHECKSUM_ASKS"
    int C_CHECKSUM_BIDS "CHECKSUM_BIDS"
    int C_NUMBER_PLAIN "NUMBER_PLAIN", C_NUMBER_WRITTEN "NUMBER_WRITTEN"
    int C_NUMBER_DIGITS "NUMBER_DIGITS", C_NUMBER_SCRIPT "NUMBER_SCRIPT"
    bint engine_verify(engine *e, const checksum_rule *rule)
    void engine_cut(engine *e, uint32_t window)
    void engine_close(engine *e)
    bint channel_taught(engine *e, connection *c, int64_t channel, market *m, const char *word, size_t length)
    void channel_unbind(connection *c, int64_t channel)
    void session_begin(connection *c)
    void learn_open(engine *e, const void *shapes, size_t length)
    market *engine_add(engine *e, fh_instrument *entry, bint has_book)
    market *symbol_find_any(engine *e, const void *symbol, size_t length)
    int DECIMAL_BEFORE, CURSOR_PADDING
    int engine_feed_within(engine *e, connection *c, uint8_t *frame, size_t length,
                           int64_t receive_ns, bint wake)
    int engine_feed_here(engine *e, connection *c, const uint8_t *frame, size_t length,
                         int64_t receive_ns, bint wake)
    int engine_feed(engine *e, connection *c, const void *payload, size_t length,
                    int64_t receive_ns, bint wake)
    void engine_wake(engine *e)
    void engine_flush(engine *e)
    int engine_answer(engine *e, connection *c, market *m, const void *payload, size_t length,
                      int64_t receive_ns)
    uint32_t engine_redefine(engine *e, market *m, const fh_instrument *terms)
    int engine_deepen(engine *e, connection *c, market *m, const void *payload, size_t length)
    void deepen_begin(market *m)
    uint32_t side_known(const book_side *s, bint ask)
    bint side_full(uint32_t count, uint32_t other, uint32_t most)
    bint side_whole(const book_side *s, bint ask)
    bint engine_set_state(engine *e, market *m, int state, int reason)
    bint market_silent(engine *e, market *m, int channel, int reason)
    bint market_disconnected(engine *e, market *m, int index, int reason)
    void quality_forgets(quality_numbers *q)
    void market_adopt(market *m, int index)
    bint market_confirm(engine *e, market *m)
    void engine_look_begin(engine *e)
    market *engine_look(engine *e, bint *frozen)
    const level *side_best(const book_side *s)
    uint64_t connection_bit(int index)
    void market_quiet(market *m)
    uint32_t engine_overdue(engine *e, int64_t now)
    int64_t connection_lead(const connection *c)
    const char *wire_error_words(int error)
    void cursor_start(cursor *c, const void *payload, size_t length, spare *s)
    void cursor_skip(cursor *c)
    void cursor_scalar(cursor *c, text *out)
    bint cursor_finish(cursor *c)
    int decimal_scaled(const uint8_t *at, const uint8_t *limit, int exponent, int64_t *value,
                       const uint8_t **stop, int *needed)
    ctypedef struct ws_frame:
        const uint8_t *payload
        uint64_t length
        uint8_t kind
        bint fin
        const char *wrong
    int WS_CLOSE
    size_t ws_head(const uint8_t *at, size_t there, ws_frame *out)
    size_t decimal_format(int64_t value, int exponent, uint8_t *out)
    int continuity_delta(continuity *c, const sequence *s, bint own, bint others, bint step)
    int continuity_snapshot(continuity *c, const sequence *s, bint own)
    int continuity_answer(continuity *c, const sequence *s, const sequence *head,
                          const sequence *tail)
    bint continuity_confirmed(continuity *c, const sequence *tail)
    bint continuity_missed(const continuity *c, const sequence *head)
    bint continuity_based(const continuity *c)
    int continuity_full(continuity *c, const sequence *s, int64_t exchange_ns, bint own)
    bint continuity_chains(const continuity *c, const sequence *tail, const sequence *s)
