# The engine: its instruments, their states, what they need of Python.

_COUNTERS = (
    "frames", "bytes", "levels", "messages", "control", "malformed", "unknown", "gaps",
    "checksum_bad", "checksum_ok", "crossed", "precision", "duplicates", "resyncs", "snapshots",
    "buffered", "buffer_dropped", "trades", "connects", "disconnects", "resubscribes",
    "rest_requests", "rest_errors", "stale_snapshots", "wakes", "rejected",
    "audits", "audit_bad", "splits", "behind",
)


def full_sides(uint32_t bids, uint32_t asks, uint32_t asked):
    return side_full(bids, asks, asked), side_full(asks, bids, asked)


cdef class Engine:
    cdef engine e
    cdef bint opened
    cdef connection rest
    cdef object writer
    cdef object capsule
    cdef Decoder decoder  # which has the frames
    cdef dict connections

    def __cinit__(self, writer, Decoder decoder not None, *, int rule, int base, bint rest_join=False,
                  checksum=None, bint auto_add=False, bint replay=False,
                  Py_ssize_t buffer_bytes=8 << 20, uint32_t window=0):
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
                self.capsule, b"feedhandler.writer"), decoder.decoder):
            raise MemoryError
        self.decoder = decoder
        self._shapes(PyBytes_AS_STRING(decoder.frames), len(decoder.frames))
        self.e.rules.rule = rule
        self.e.rules.base = base
        self.e.rules.rest_join = rest_join
        self.e.auto_add = auto_add
        self.e.replay = replay
        self.e.buffer_bytes = buffer_bytes
        engine_cut(&self.e, window)
        self.connections = {}
        memset(&self.rest, 0, sizeof(connection))
        self.rest.index = -1
        if checksum is not None:
            self._verify(*checksum)

    cdef int _shapes(self, const char *table, size_t length) except -1:
        if self.decoder.decoder == &self.decoder.own and not shaped_open(&self.e, table, length):
            raise MemoryError
        if self.decoder.learned:
            learn_open(&self.e, table, length)
        return 0

    def cut(self, uint32_t window):
        self._check()
        engine_cut(&self.e, window)

    def _verify(self, int levels, int order, int number, str separator, bint signed_asks,
                bint signed_result):
        cdef checksum_rule rule
        if not 0 < levels <= CHECKSUM_LEVELS:
            raise ValueError(f"a checksum over {levels} levels a side: 1 to {CHECKSUM_LEVELS}")
        if not 0 <= order < CHECKSUM_ORDERS:
            raise ValueError(f"order {order} is none of CHECKSUM_*")
        if not 0 <= number < NUMBER_STYLES:
            raise ValueError(f"number {number} is none of NUMBER_*")
        if len(separator) > 1 or not separator.isascii() or separator == "\0":
            raise ValueError(f"a separator is one character, or none: {separator!r}")
        rule.levels = levels
        rule.order = order
        rule.number = number
        rule.separator = ord(separator) if separator else 0
        rule.signed_asks = signed_asks
        rule.signed_result = signed_result
        if not engine_verify(&self.e, &rule):
            raise MemoryError

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
        return symbol_find_any(&self.e, PyBytes_AS_STRING(encoded), len(encoded))

    def add_instrument(self, str symbol, *, str name="", int kind=0, int price_exponent=0,
                       int size_exponent=0, double tick=0.0, double lot=0.0,
                       double contract_size=1.0, int contract_type=0, double strike=0.0,
                       int64_t expiry_ns=0, int option=0, str base="", str quote="",
                       str settle="", int status=0, bint has_book=True, written=None, bands=()):
        cdef fh_instrument entry
        cdef market *m = self._find(symbol)
        cdef int exponent  # else Cython takes it for a truth value
        cdef int price_written = 0, size_written = 0
        self._check()
        if m != NULL:
            return m.id
        if not symbol or "\0" in symbol:
            raise ValueError("a symbol is not empty and has no NUL")
        for exponent in (price_exponent, size_exponent):
            if not DECIMAL_EXPONENT_MIN <= exponent <= DECIMAL_EXPONENT_MAX:
                raise ValueError(f"exponent {exponent} is not within "
                                 f"{DECIMAL_EXPONENT_MIN}..{DECIMAL_EXPONENT_MAX}")
        if written is not None:
            price_written, size_written = written
            if not 0 <= price_written <= -DECIMAL_EXPONENT_MIN >= size_written >= 0:
                raise ValueError(f"decimals {written} are not within 0..{-DECIMAL_EXPONENT_MIN}")
        memset(&entry, 0, sizeof(entry))
        _field(entry.symbol, 64, symbol)
        _field(entry.name, 64, name)
        _field(entry.base, 16, base)
        _field(entry.quote, 16, quote)
        _field(entry.settle, 16, settle)
        entry.kind = kind
        entry.option_type = option
        entry.contract_type = contract_type
        entry.status = _status(status)
        entry.price_exponents[0] = price_exponent
        entry.size_exponents[0] = size_exponent
        entry.tick = tick
        _bands(&entry, bands)
        entry.lot = lot
        entry.contract_size = contract_size
        entry.strike = strike
        entry.expiry_ns = expiry_ns
        m = engine_add(&self.e, &entry, has_book)
        if m == NULL:
            raise MemoryError(f"the directory is full: {self.e.writer.instruments} instruments")
        if written is not None:
            m.price_written, m.size_written = -price_written, -size_written
            m.written_listed = True
        return m.id

    def redefine(self, instrument, *, int kind, double tick, double lot, double contract_size,
                 int contract_type, double strike, int64_t expiry_ns, int option, int status,
                 str name, str base, str quote, str settle, bands=()):
        cdef market *m = self._market(instrument)
        cdef fh_instrument terms
        cdef uint32_t changes
        memset(&terms, 0, sizeof(terms))
        _field(terms.name, 64, name)
        _field(terms.base, 16, base)
        _field(terms.quote, 16, quote)
        _field(terms.settle, 16, settle)
        terms.kind = kind
        terms.option_type = option
        terms.contract_type = contract_type
        terms.status = _status(status)
        terms.tick = tick
        _bands(&terms, bands)
        terms.lot = lot
        terms.contract_size = contract_size
        terms.strike = strike
        terms.expiry_ns = expiry_ns
        changes = engine_redefine(&self.e, m, &terms)
        if changes:
            engine_wake(&self.e)
        return changes

    def set_status(self, instrument, int status):
        cdef market *m = self._market(instrument)
        cdef fh_instrument terms = m.entry
        terms.status = _status(status)
        if engine_redefine(&self.e, m, &terms):
            engine_wake(&self.e)

    def follow(self, instrument, str index):
        cdef market *m = self._market(instrument)
        _field(m.index_name, INDEX_BYTES, index)
        m.index_length = <uint8_t>len(index.encode())

    def status(self, instrument):
        return self._market(instrument).entry.status

    def word(self, instrument):
        cdef market *m = self._market(instrument)
        return (<bytes>m.word[:m.word_length]).decode("utf-8", "replace")

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
        c.c.bit = connection_bit(index)
        c.c.late_ns = INT64_MAX
        c.engine = self
        self.connections[index] = c
        if index < CONNECTIONS:
            self.e.rows[index] = &c.c
        return c

    def snapshot(self, instrument, payload, int64_t receive_ns=0, *, bint polled=False,
                 uint32_t levels=0):
        cdef market *m = self._market(instrument)
        cdef Py_buffer view
        cdef int result
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        self.e.polled = polled
        self.e.asked = levels
        result = engine_answer(&self.e, &self.rest, m, view.buf, view.len, receive_ns)
        self.e.polled = False
        self.e.asked = 0
        PyBuffer_Release(&view)
        return result

    def deepen(self, instrument, payload=None, *, uint32_t levels=0):
        cdef market *m = self._market(instrument)
        cdef Py_buffer view
        cdef int result
        if payload is None:
            deepen_begin(m)
            return DEEPEN_AHEAD if m.deepening else DEEPEN_OLD
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        self.e.asked = levels
        result = engine_deepen(&self.e, &self.rest, m, view.buf, view.len)
        self.e.asked = 0
        PyBuffer_Release(&view)
        return result

    def known(self, instrument):
        cdef market *m = self._market(instrument)
        return _known(&m.book.bids, False), _known(&m.book.asks, True)

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

    def silent(self, instrument, int channel, int reason):
        if not 0 <= channel < CHANNELS or not 0 <= reason < FH_REASON_END:
            raise ValueError(f"no such channel or reason: {channel}, {reason}")
        return bool(market_silent(&self.e, self._market(instrument), channel, reason))

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

    def begun(self, instrument):
        quality_forgets(&self._market(instrument).quality)

    def confirm(self, instrument):
        return market_confirm(&self.e, self._market(instrument))

    def overdue(self, int64_t now_ns=0):
        self._check()
        return engine_overdue(&self.e, now_ns or fh_now_ns())

    def quality(self, rows):
        self._check()
        return _quality(&self.e, rows)

    def look(self):
        self._check()
        engine_look_begin(&self.e)

    def looked(self, Py_ssize_t most):
        self._check()
        return _looked(&self.e, most)

    def heard(self, instrument, int channel):
        if not 0 <= channel < CHANNELS:
            raise ValueError(f"no such channel: {channel}")
        return self._market(instrument).activity[channel]

    def best(self, instrument):
        cdef market *m = self._market(instrument)
        cdef const level *bid
        cdef const level *ask
        if m.state != FH_STATE_LIVE:
            return None
        bid, ask = side_best(&m.book.bids), side_best(&m.book.asks)
        return ((bid.price, bid.size) if bid != NULL else ()) + (
            (ask.price, ask.size) if ask != NULL else ())

    def following(self, int connection, rows, since, int64_t quiet_ns):
        cdef market *m
        cdef uint64_t bit = connection_bit(connection)
        cdef int64_t at, now_ns = fh_now_ns()
        out = []
        for row in rows:
            m = self._market(row)
            at = since.get(row, now_ns)
            if now_ns - at >= quiet_ns and m.activity[CHANNEL_BOOK] < at:
                market_adopt(m, connection)
            if m.feeders & bit:
                out.append(row)
        return out

    def quiet(self, instrument):
        market_quiet(self._market(instrument))

    def state(self, instrument):
        cdef market *m = self._market(instrument)
        return m.state, m.reason

    def activity(self):
        return _activity(&self.e)

    def brought(self):
        return _brought(&self.e)

    def load(self):
        return _load(&self.e)

    def book(self, instrument):
        cdef market *m = self._market(instrument)
        return (_side(&m.book.bids), _side(&m.book.asks), m.sequence.place, m.price_exponent,
                m.size_exponent)

    def counters(self):
        return {name: self.e.writer.counters[i] for i, name in enumerate(_COUNTERS)}

    def last_error(self):
        if not self.e.error:
            return ""
        return (f"{self.e.error_about.decode(errors='replace')}: "
                f"{wire_error_words(self.e.error).decode()} at byte {self.e.error_byte}")
