# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""Python's face of the engine. See _engine.pyi; the work is done in engine.h."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport (PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize,
                            PyBytes_GET_SIZE)
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport INT64_MAX, int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

from asyncio import BufferedProtocol

import numpy as np

from shm.errors import NotWriter

cdef extern from "engine.h" nogil:
    ctypedef struct fh_writer:
        unsigned char *base
        uint32_t instruments
        uint64_t *counters
    ctypedef struct fh_instrument:
        uint32_t id
        uint8_t kind, option_type, contract_type, status, precision, has_book
        int8_t *price_exponents
        int8_t *size_exponents
        double tick, lot, contract_size, strike
        int64_t expiry_ns
        char *symbol
        char *name
        char *base
        char *quote
        char *settle
    ctypedef struct level:
        int64_t price, size
    ctypedef struct book_side:
        level *levels
        uint32_t count
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
    ctypedef struct market:
        uint32_t id
        fh_instrument entry
        int price_exponent, size_exponent
        uint8_t state, reason, precision
        bint has_book
        continuity sequence
        book_t book
        uint64_t feeders, load
        int64_t *activity
        uint32_t pending
        int64_t *details
    ctypedef struct connection:
        int index
        uint64_t frames, bytes, levels, malformed, unknown, wins
        int64_t last_receive_ns, late_ns, behind_ns
    ctypedef struct fh_decoder:
        const char *name
    ctypedef struct engine:
        fh_writer *writer
        continuity rules
        bint checksum, auto_add, replay, polled
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
    int64_t fh_now_ns()
    int FEED_DATA, FEED_CONTROL, FEED_MALFORMED, FEED_UNKNOWN, FEED_ATTENTION
    int C_RULE_NONE "RULE_NONE", C_RULE_PREVIOUS "RULE_PREVIOUS"
    int C_RULE_RANGE "RULE_RANGE", C_RULE_NEXT "RULE_NEXT", RULE_END
    int C_BASE_STREAM "BASE_STREAM", C_BASE_REQUEST "BASE_REQUEST"
    int C_BASE_EVERY "BASE_EVERY", BASE_END
    int C_NEED_RESYNC "NEED_RESYNC", C_NEED_SNAPSHOT "NEED_SNAPSHOT"
    int C_SNAPSHOT_TOO_OLD "SNAPSHOT_TOO_OLD", C_BECAME_LIVE "BECAME_LIVE"
    int C_WIDENED "WIDENED", C_ADDED "ADDED"
    int C_CHANNEL_BOOK "CHANNEL_BOOK", C_CHANNEL_TRADES "CHANNEL_TRADES"
    int C_CHANNEL_TICKER "CHANNEL_TICKER", C_CHANNEL_QUOTE "CHANNEL_QUOTE", CHANNELS
    int FH_STATE_END, FH_REASON_END
    int SYMBOL_BYTES, DECIMAL_EXPONENT_MIN, DECIMAL_EXPONENT_MAX
    int DECIMAL_OK, DECIMAL_SYNTAX, DECIMAL_PRECISION, DECIMAL_OVERFLOW
    const fh_decoder *fh_decoders
    size_t DECODERS
    const fh_decoder *decoder_find(const char *name)
    bint engine_open(engine *e, fh_writer *w, const fh_decoder *decoder)
    void engine_close(engine *e)
    market *engine_add(engine *e, fh_instrument *entry, bint has_book)
    market *symbol_find(engine *e, const uint8_t *at, size_t length)
    int engine_feed(engine *e, connection *c, const void *payload, size_t length,
                    int64_t receive_ns, bint wake)
    void engine_wake(engine *e)
    int engine_answer(engine *e, connection *c, market *m, const void *payload, size_t length,
                      int64_t receive_ns)
    bint engine_set_state(engine *e, market *m, int state, int reason)
    bint market_disconnected(engine *e, market *m, int index, int reason)
    void market_adopt(market *m, int index)
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
    int continuity_delta(continuity *c, const sequence *s, bint own, bint others)
    int continuity_snapshot(continuity *c, const sequence *s, bint own)
    int continuity_answer(continuity *c, const sequence *s, const sequence *head)
    int continuity_full(continuity *c, const sequence *s, int64_t exchange_ns, bint own)
    bint continuity_chains(const continuity *c, const sequence *tail, const sequence *s)

DATA = FEED_DATA
CONTROL = FEED_CONTROL
MALFORMED = FEED_MALFORMED
UNKNOWN = FEED_UNKNOWN
ATTENTION = FEED_ATTENTION
RULE_NONE = C_RULE_NONE
RULE_PREVIOUS = C_RULE_PREVIOUS
RULE_RANGE = C_RULE_RANGE
RULE_NEXT = C_RULE_NEXT
BASE_STREAM = C_BASE_STREAM
BASE_REQUEST = C_BASE_REQUEST
BASE_EVERY = C_BASE_EVERY
NEED_RESYNC = C_NEED_RESYNC
NEED_SNAPSHOT = C_NEED_SNAPSHOT
SNAPSHOT_TOO_OLD = C_SNAPSHOT_TOO_OLD
BECAME_LIVE = C_BECAME_LIVE
WIDENED = C_WIDENED
ADDED = C_ADDED
CHANNEL_BOOK = C_CHANNEL_BOOK
CHANNEL_TRADES = C_CHANNEL_TRADES
CHANNEL_TICKER = C_CHANNEL_TICKER
CHANNEL_QUOTE = C_CHANNEL_QUOTE

_ACTIONS = ("apply", "replace", "duplicate", "buffer", "ignore", "gap", "too_old", "ahead")
_COUNTERS = (
    "frames", "bytes", "levels", "messages", "control", "malformed", "unknown", "gaps",
    "checksum_bad", "checksum_ok", "crossed", "precision", "duplicates", "resyncs", "snapshots",
    "buffered", "buffer_dropped", "trades", "connects", "disconnects", "resubscribes",
    "rest_requests", "rest_errors", "stale_snapshots", "wakes", "rejected",
    "audits", "audit_bad", "splits", "behind",
)


def decoders():
    return [fh_decoders[i].name.decode() for i in range(DECODERS)]


cdef int _field(char *field, size_t size, str value) except -1:
    cdef bytes encoded = value.encode()
    if <size_t>len(encoded) >= size:
        raise ValueError(f"{value!r} is longer than {size - 1} bytes")
    memcpy(field, <const char *>encoded, len(encoded))
    return 0


cdef enum:
    BATCH_BYTES = 4096  # of feed_all: what a busy socket has at once, at the least


cdef class Connection:
    """What arrives on one connection."""

    cdef connection c
    cdef Engine engine

    @property
    def frames(self):
        return self.c.frames

    @property
    def bytes(self):
        return self.c.bytes

    @property
    def levels(self):
        return self.c.levels

    @property
    def malformed(self):
        return self.c.malformed

    @property
    def unknown(self):
        return self.c.unknown

    @property
    def last_receive_ns(self):
        return self.c.last_receive_ns

    @property
    def behind_ns(self):
        return self.c.behind_ns

    @behind_ns.setter
    def behind_ns(self, int64_t value):
        self.c.behind_ns = value

    def take_late_ns(self):
        cdef int64_t late = self.c.late_ns
        self.c.late_ns = INT64_MAX
        return None if late == INT64_MAX else late

    @property
    def wins(self):
        return self.c.wins

    @property
    def lead_p50_ns(self):
        return connection_lead(&self.c)

    def feed(self, payload, int64_t receive_ns=0, bint wake=True):
        cdef Py_buffer view
        cdef int result
        self.engine._check()
        if PyBytes_CheckExact(payload):
            return engine_feed(&self.engine.e, &self.c, PyBytes_AS_STRING(payload),
                               PyBytes_GET_SIZE(payload), receive_ns, wake)
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        result = engine_feed(&self.engine.e, &self.c, view.buf, view.len, receive_ns, wake)
        PyBuffer_Release(&view)
        return result

    def flush(self):
        self.engine._check()
        engine_wake(&self.engine.e)

    def receiver(self, listener, before, size_t longest):
        return Receiver(self, listener, before, longest)

    def feed_all(self, list payloads):
        """Feed each of a list of bytes, now; the bits that any of them gave. For benchmarks."""
        cdef int result = 0
        cdef size_t batch = 0
        self.engine._check()
        for payload in payloads:
            if not PyBytes_CheckExact(payload):
                engine_wake(&self.engine.e)
                raise TypeError("feed_all takes a list of bytes")
            batch += PyBytes_GET_SIZE(payload)
            result |= engine_feed(&self.engine.e, &self.c, PyBytes_AS_STRING(payload),
                                  PyBytes_GET_SIZE(payload), 0, batch >= BATCH_BYTES)
            if batch >= BATCH_BYTES:
                batch = 0
        engine_wake(&self.engine.e)
        return result


include "receiver.pxi"


cdef class Engine:
    cdef engine e
    cdef bint opened
    cdef connection rest
    cdef object writer
    cdef object capsule
    cdef dict connections

    def __cinit__(self, writer, decoder, *, int rule, int base, bint rest_join=False,
                  bint checksum=True, bint auto_add=False, bint replay=False,
                  Py_ssize_t buffer_bytes=8 << 20):
        cdef const fh_decoder *found = decoder_find(decoder.encode())
        if found == NULL:
            raise ValueError(f"no decoder {decoder!r}; there are {', '.join(decoders())}")
        if not 0 <= rule < RULE_END:
            raise ValueError(f"rule {rule} is none of RULE_*")
        if not 0 <= base < BASE_END:
            raise ValueError(f"base {base} is none of BASE_*")
        if buffer_bytes < 0:
            raise ValueError("buffer_bytes is negative")
        self.writer = writer
        self.capsule = writer.capsule()
        self.opened = True
        if not engine_open(&self.e, <fh_writer *>PyCapsule_GetPointer(
                self.capsule, b"feedhandler.writer"), found):
            raise MemoryError
        self.e.rules.rule = rule
        self.e.rules.base = base
        self.e.rules.rest_join = rest_join
        self.e.checksum = checksum
        self.e.auto_add = auto_add
        self.e.replay = replay
        self.e.buffer_bytes = buffer_bytes
        self.connections = {}
        memset(&self.rest, 0, sizeof(connection))
        self.rest.index = -1

    def __dealloc__(self):
        if self.opened:
            engine_close(&self.e)

    cdef inline int _check(self) except -1:
        """Whatever may write asks first: a child of the writer may not."""
        if self.e.writer.base == NULL:
            raise NotWriter("this process is a child of the writer: only the writer writes")
        return 0

    cdef market *_market(self, instrument) except NULL:
        self._check()
        if not 0 <= instrument < self.e.room or self.e.markets[<uint32_t>instrument] == NULL:
            raise IndexError(f"instrument {instrument} is not of this engine")
        return self.e.markets[<uint32_t>instrument]

    cdef market *_find(self, str symbol):
        cdef bytes encoded = symbol.encode()
        return symbol_find(&self.e, <const uint8_t *>PyBytes_AS_STRING(encoded), len(encoded))

    def add_instrument(self, str symbol, *, str name="", int kind=0, int price_exponent=0,
                       int size_exponent=0, double tick=0.0, double lot=0.0,
                       double contract_size=1.0, int contract_type=0, double strike=0.0,
                       int64_t expiry_ns=0, int option=0, str base="", str quote="",
                       str settle="", bint has_book=True):
        cdef fh_instrument entry
        cdef market *m = self._find(symbol)
        self._check()
        if m != NULL:
            return m.id
        if not symbol or "\0" in symbol:
            raise ValueError("a symbol is not empty and has no NUL")
        for exponent in (price_exponent, size_exponent):
            if not DECIMAL_EXPONENT_MIN <= exponent <= DECIMAL_EXPONENT_MAX:
                raise ValueError(f"exponent {exponent} is not within "
                                 f"{DECIMAL_EXPONENT_MIN}..{DECIMAL_EXPONENT_MAX}")
        memset(&entry, 0, sizeof(entry))
        _field(entry.symbol, 64, symbol)
        _field(entry.name, 64, name)
        _field(entry.base, 16, base)
        _field(entry.quote, 16, quote)
        _field(entry.settle, 16, settle)
        entry.kind = kind
        entry.option_type = option
        entry.contract_type = contract_type
        entry.price_exponents[0] = price_exponent
        entry.size_exponents[0] = size_exponent
        entry.tick = tick
        entry.lot = lot
        entry.contract_size = contract_size
        entry.strike = strike
        entry.expiry_ns = expiry_ns
        m = engine_add(&self.e, &entry, has_book)
        if m == NULL:
            raise MemoryError(f"the directory is full: {self.e.writer.instruments} instruments")
        return m.id

    def instrument_id(self, str symbol):
        cdef market *m = self._find(symbol)
        if m == NULL:
            raise KeyError(symbol)
        return m.id

    def symbols(self):
        return [self.e.markets[i].entry.symbol.decode()
                for i in range(self.e.room) if self.e.markets[i] != NULL]

    def connection(self, int index):
        cdef Connection c
        if index < 0:
            raise IndexError(f"there is no connection {index}")
        found = self.connections.get(index)
        if found is not None:
            return found
        c = Connection.__new__(Connection)
        c.c.index = index
        c.c.late_ns = INT64_MAX
        c.engine = self
        self.connections[index] = c
        if index < CONNECTIONS:
            self.e.rows[index] = &c.c
        return c

    def snapshot(self, instrument, payload, int64_t receive_ns=0, *, bint polled=False):
        cdef market *m = self._market(instrument)
        cdef Py_buffer view
        cdef int result
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        self.e.polled = polled
        result = engine_answer(&self.e, &self.rest, m, view.buf, view.len, receive_ns)
        self.e.polled = False
        PyBuffer_Release(&view)
        return result

    def attention(self):
        cdef market *m
        cdef uint32_t i
        cdef int event
        if self.e.attention_count == 0:
            return []
        out = []
        for i in range(self.e.attention_count):
            m = self.e.markets[self.e.attention[i]]
            for event in range(1, ATTENTION_END):
                if m.pending >> event & 1:
                    out.append((m.id, event, m.details[event]))
            m.pending = 0
        self.e.attention_count = 0
        return out

    def set_state(self, instrument, int state, int reason):
        cdef market *m = self._market(instrument)
        if not 0 <= state < FH_STATE_END or not 0 <= reason < FH_REASON_END:
            raise ValueError(f"no such state or reason: {state}, {reason}")
        if not engine_set_state(&self.e, m, state, reason):
            raise ValueError(f"{m.entry.symbol.decode()}: only the book itself says that it is LIVE")

    def disconnected(self, int connection, int reason):
        if not 0 <= reason < FH_REASON_END:
            raise ValueError(f"no such reason: {reason}")
        self._check()
        return [i for i in range(self.e.room)
                if self.e.markets[i] != NULL
                and market_disconnected(&self.e, self.e.markets[i], connection, reason)]

    def feeders(self, instrument):
        return self._market(instrument).feeders

    def adopt(self, instrument, int connection):
        market_adopt(self._market(instrument), connection)

    def overdue(self):
        self._check()
        return engine_overdue(&self.e, fh_now_ns())

    def state(self, instrument):
        cdef market *m = self._market(instrument)
        return m.state, m.reason

    def activity(self):
        cdef uint32_t i, count = 0
        cdef int channel
        for i in range(self.e.room):
            if self.e.markets[i] != NULL:
                count = i + 1
        out = np.zeros((count, CHANNELS), dtype=np.int64)
        cdef int64_t[:, ::1] rows = out
        for i in range(count):
            if self.e.markets[i] != NULL:
                for channel in range(CHANNELS):
                    rows[i, channel] = self.e.markets[i].activity[channel]
        return out

    def load(self):
        cdef uint32_t i, count = 0
        for i in range(self.e.room):
            if self.e.markets[i] != NULL:
                count = i + 1
        out = np.zeros(count, dtype=np.uint64)
        cdef uint64_t[::1] rows = out
        for i in range(count):
            if self.e.markets[i] != NULL:
                rows[i] = self.e.markets[i].load
        return out

    def book(self, instrument):
        cdef market *m = self._market(instrument)
        bids = _side(&m.book.bids)
        asks = _side(&m.book.asks)
        return bids, asks, m.sequence.place, m.price_exponent, m.size_exponent

    def counters(self):
        return {name: self.e.writer.counters[i] for i, name in enumerate(_COUNTERS)}

    def last_error(self):
        if not self.e.error:
            return ""
        return (f"{self.e.error_about.decode(errors='replace')}: "
                f"{wire_error_words(self.e.error).decode()} at byte {self.e.error_byte}")


cdef _side(book_side *side):
    cdef uint32_t i
    out = np.empty((side.count, 2), dtype=np.int64)
    cdef int64_t[:, ::1] rows = out
    for i in range(side.count):
        rows[i, 0] = side.levels[side.count - 1 - i].price
        rows[i, 1] = side.levels[side.count - 1 - i].size
    return out


# ---- the parts by themselves, for tests -----------------------------------------------------------

def parse_decimal(bytes text, int exponent):
    cdef int64_t value = 0
    cdef const uint8_t *stop = NULL
    cdef int needed = 0
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef int result = decimal_scaled(at, at + len(text), exponent, &value, &stop, &needed)
    if result == DECIMAL_OK and stop == at + len(text):
        return value
    if result == DECIMAL_PRECISION and stop == at + len(text):
        raise ValueError(f"precision: needs exponent {needed}")
    if result == DECIMAL_OVERFLOW and stop == at + len(text):
        raise ValueError("overflow")
    raise ValueError(f"syntax at byte {stop - at}")


def format_decimal(int64_t value, int exponent):
    cdef uint8_t out[64]
    return (<char *>out)[:decimal_format(value, exponent, out)].decode()


def scan_json(payload):
    cdef Py_buffer view
    cdef cursor c
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        cursor_start(&c, view.buf, view.len, NULL)
        cursor_skip(&c)
        if cursor_finish(&c):
            return view.len
        raise ValueError(f"{wire_error_words(c.error).decode()} at byte {c.error_at - c.begin}")
    finally:
        PyBuffer_Release(&view)


def parse_string(payload):
    cdef Py_buffer view
    cdef cursor c
    cdef text out
    cdef spare room
    memset(&room, 0, sizeof(room))
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        cursor_start(&c, view.buf, view.len, &room)
        cursor_scalar(&c, &out)
        if cursor_finish(&c):
            if out.type != TEXT_STRING:
                raise ValueError("not a string")
            return (<const char *>out.at)[:out.length].decode()
        raise ValueError(f"{wire_error_words(c.error).decode()} at byte {c.error_at - c.begin}")
    finally:
        PyBuffer_Release(&view)
        free(room.bytes)


cdef class Continuity:
    """The state machine by itself, without books or memory."""

    cdef continuity c

    def __cinit__(self, *, int rule, int base, bint rest_join=False):
        memset(&self.c, 0, sizeof(self.c))
        self.c.rule = rule
        self.c.base = base
        self.c.rest_join = rest_join

    @property
    def last(self):
        return self.c.last

    @property
    def has_base(self):
        return self.c.phase != 0

    def delta(self, int64_t first, int64_t final, int64_t previous=0, bint numbered=True,
              bint own=True, bint others=False):
        cdef sequence s = sequence(first, final, previous, numbered, 0)
        return _ACTIONS[continuity_delta(&self.c, &s, own, others)]

    def snapshot(self, int64_t final, bint own=True, bint numbered=True):
        cdef sequence s = sequence(0, final, 0, numbered, 0)
        return _ACTIONS[continuity_snapshot(&self.c, &s, own)]

    def answer(self, int64_t final, head=None):
        """`head`: (first, final, previous) of the first buffered delta."""
        cdef sequence s = sequence(0, final, 0, True, 0)
        cdef sequence h
        if head is None:
            return _ACTIONS[continuity_answer(&self.c, &s, NULL)]
        h = sequence(head[0], head[1], head[2], True, 0)
        return _ACTIONS[continuity_answer(&self.c, &s, &h)]

    def full(self, int64_t final, int64_t exchange_ns, bint own=True):
        cdef sequence s = sequence(0, final, 0, True, 0)
        return _ACTIONS[continuity_full(&self.c, &s, exchange_ns, own)]
