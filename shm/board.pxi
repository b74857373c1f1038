# Rows of many instruments at once: the board, and chains of options.

ctypedef struct BoardRow:
    uint32_t instrument, definition
    uint8_t kind, option, state, reason, status, source
    double strike
    int64_t expiry_ns
    double bid, bid_size, ask, ask_size, last, last_size
    double mark, index, underlying, bid_iv, ask_iv, mark_iv
    double delta, gamma, vega, theta, rho, funding, open_interest, volume
    double predicted_funding
    int64_t next_funding_ns
    int64_t last_ns, stats_ns, state_ns, data_ns
    int64_t exchange_ns, sent_ns, receive_ns, publish_ns
    uint64_t venue_sequence, ring_sequence
    int64_t age_ns, stats_age_ns

BOARD = np.dtype([
    ("instrument", "<u4"), ("definition", "<u4"), ("kind", "u1"), ("option", "u1"),
    ("state", "u1"), ("reason", "u1"), ("status", "u1"), ("source", "u1"),
    ("strike", "<f8"), ("expiry_ns", "<i8"),
    *[(name, "<f8") for name in (
        "bid", "bid_size", "ask", "ask_size", "last", "last_size",
        "mark", "index", "underlying", "bid_iv", "ask_iv", "mark_iv",
        "delta", "gamma", "vega", "theta", "rho", "funding", "open_interest",
        "volume", "predicted_funding")],
    *[(name, "<i8") for name in (
        "next_funding_ns", "last_ns", "stats_ns", "state_ns", "data_ns", "exchange_ns", "sent_ns",
        "receive_ns", "publish_ns")],
    ("venue_sequence", "<u8"), ("ring_sequence", "<u8"),
    ("age_ns", "<i8"), ("stats_age_ns", "<i8"),
], align=True)
assert BOARD.itemsize == sizeof(BoardRow)

cdef fh_quote _NO_QUOTE
memset(&_NO_QUOTE, 0, sizeof(_NO_QUOTE))
_NO_QUOTE.bid_price = _NO_QUOTE.ask_price = _NO_QUOTE.last_price = FH_NONE
_NO_QUOTE.mark = _NO_QUOTE.index = _NO_QUOTE.underlying = NAN
_NO_QUOTE.bid_iv = _NO_QUOTE.ask_iv = _NO_QUOTE.mark_iv = NAN
_NO_QUOTE.delta = _NO_QUOTE.gamma = _NO_QUOTE.vega = _NO_QUOTE.theta = _NO_QUOTE.rho = NAN
_NO_QUOTE.funding = _NO_QUOTE.open_interest = _NO_QUOTE.volume = NAN
_NO_QUOTE.predicted_funding = NAN


cdef enum:
    _AHEAD = 12     # cells that are fetched before they are needed
    _LOOKS = 8      # at the heads, until none has moved


cdef extern from *:
    """
    /* The lines of a cell's current copy, soon to be read. A hint: what it finds is not believed. */
    static inline void fh_prefetch(const fh_word *cell, size_t copy_bytes) {
        const fh_word *copy = cell + FH_CELL_HEAD / 8 + (FH_LOAD(cell) & 1) * (copy_bytes / 8);
        for (size_t at = 0; at < copy_bytes / 8; at += 8) __builtin_prefetch(copy + at);
    }
    /* The loop over the words is worth unrolling here, and nowhere else in this module. */
    __attribute__((optimize("unroll-loops")))
    static int fh_quote_read(const fh_word *cell, fh_quote *quote) {
        return fh_latch_read(cell, sizeof *quote, (fh_word *)quote, FH_QUOTE_WORDS);
    }
    """
    int fh_quote_read(const fh_word *cell, fh_quote *quote) nogil
    void fh_prefetch(const fh_word *cell, size_t copy_bytes) nogil
    void prefetch "__builtin_prefetch"(const void *line) nogil


@cython.final
cdef class _Rows:
    """The rows that are being read: whose they are, and where they go."""
    cdef Segment segment
    cdef Py_buffer out
    cdef Py_buffer chosen
    cdef bint held, selected
    cdef uint32_t count
    cdef uint64_t *heads    # of each row's cell, when it was read

    def __cinit__(self, Segment segment, ids):
        self.segment = segment
        cdef uint32_t i
        cdef uint32_t there = segment.count()
        if ids is None:
            self.count = there
        else:
            PyObject_GetBuffer(ids, &self.chosen, PyBUF_SIMPLE)
            self.selected = True
            self.count = self.chosen.len // sizeof(uint32_t)
            for i in range(self.count):
                if self.id(i) >= there:
                    raise segment.no_row(self.id(i))
        self.heads = <uint64_t *>malloc((self.count + 1) * sizeof(uint64_t))
        if self.heads == NULL:
            raise MemoryError()

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.out)
        if self.selected:
            PyBuffer_Release(&self.chosen)
        free(self.heads)

    cdef inline uint32_t id(self, uint32_t i) noexcept:
        return (<uint32_t *>self.chosen.buf)[i] if self.selected else i

    cdef inline const fh_word *cell(self, uint32_t id) noexcept:
        return <const fh_word *>(
            self.segment.quotes + <uint64_t>id * self.segment.quote_stride)

    cdef inline void ask(self, uint32_t i) noexcept:
        """Have the memory of rows to come fetched, as far as it is known where that is."""
        cdef uint32_t id
        if i + _AHEAD < self.count:
            id = self.id(i + _AHEAD)
            prefetch(self.cell(id))
            prefetch(self.segment.directory + <uint64_t>id * self.segment.directory_stride)
        if i + _AHEAD // 2 < self.count:
            fh_prefetch(self.cell(self.id(i + _AHEAD // 2)), sizeof(fh_quote))

    cdef inline int read(self, uint32_t i, int64_t now) except -1:
        cdef fh_quote q
        cdef uint32_t id = self.id(i)
        cdef const Fact *fact = self.segment.fact(id)
        cdef int status = fh_quote_read(self.cell(id), &q)
        cdef BoardRow *row = <BoardRow *>self.out.buf + i
        if FH_UNLIKELY(status != FH_READ_OK):
            if status != FH_READ_EMPTY:
                raise self.segment._damaged(f"quote cell {id}")
            self.segment.check()
            q = _NO_QUOTE
        self.heads[i] = q.stamp // 2
        row.instrument = id
        row.kind = fact.kind
        row.option = fact.option
        row.strike = fact.strike
        row.expiry_ns = fact.expiry_ns
        row.age_ns = fh_age(now, q.data_ns if q.data_ns else q.receive_ns)
        row.stats_age_ns = fh_age(now, q.stats_ns)
        _board_row(row, &q)
        return 0

    cdef bint all_read(self) except -1:
        """Look at all heads again and read those rows that have changed: True if none had.

        Then all rows together are what the writer had stored at one instant. Row j's head was
        loaded with acquire before row i's was looked at again; had the writer replaced row i
        before it stored the j that was read, that second look would have found the newer i. So
        it replaced none before it had stored all. (The double collect of Afek et al., "Atomic
        snapshots of shared memory", J. ACM 40, 1993.)
        """
        cdef uint32_t i
        cdef bint still = True
        for i in range(self.count):
            if FH_UNLIKELY(fh_load64_acquire(self.cell(self.id(i))) != self.heads[i]):
                self.read(i, self.segment.now())
                still = False
        return still


def collect(Segment segment not None, cls, ids=None):
    cdef _Rows rows = _Rows(segment, ids)
    cdef uint32_t i
    cdef int looks = 0
    cdef bint still = False
    cdef uint64_t sequence = fh_load64_acquire(&segment.header.published)
    cdef int64_t begin = segment.now()
    board = cls(rows.count, BOARD)
    if rows.count:
        PyObject_GetBuffer(board, &rows.out, PyBUF_WRITABLE)
        rows.held = True
    for i in range(rows.count):
        rows.ask(i)
        rows.read(i, begin)
    while not still and looks < _LOOKS:
        still = rows.all_read()
        looks += 1
    segment.check()  # no rows: there are none, or no more
    cdef int64_t end = segment.now()
    board.begin_ns = begin
    board.end_ns = end
    board.same_instant = still
    board.sequence = sequence
    board.epoch = segment.epoch
    board.heartbeat_age_ns = segment.heartbeat_age(fh_now_ns())
    return board


cdef inline void _board_row(BoardRow *row, const fh_quote *q) noexcept nogil:
    row.definition = q.definition
    row.status = q.status
    row.source = q.source
    row.state = q.state
    row.reason = q.reason
    row.bid = fh_value(q.bid_price, q.price_exponent)
    row.bid_size = NAN if q.bid_price == FH_NONE else fh_value(q.bid_size, q.size_exponent)
    row.ask = fh_value(q.ask_price, q.price_exponent)
    row.ask_size = NAN if q.ask_price == FH_NONE else fh_value(q.ask_size, q.size_exponent)
    row.last = fh_value(q.last_price, q.price_exponent)
    row.last_size = NAN if q.last_price == FH_NONE else fh_value(q.last_size, q.size_exponent)
    row.mark = q.mark
    row.index = q.index
    row.underlying = q.underlying
    row.bid_iv = q.bid_iv
    row.ask_iv = q.ask_iv
    row.mark_iv = q.mark_iv
    row.delta = q.delta
    row.gamma = q.gamma
    row.vega = q.vega
    row.theta = q.theta
    row.rho = q.rho
    row.funding = q.funding
    row.open_interest = q.open_interest
    row.volume = q.volume
    row.predicted_funding = q.predicted_funding
    row.next_funding_ns = q.next_funding_ns
    row.last_ns = q.last_ns
    row.stats_ns = q.stats_ns
    row.state_ns = q.state_ns
    row.data_ns = q.data_ns
    row.exchange_ns = q.exchange_ns
    row.sent_ns = q.sent_ns
    row.receive_ns = q.receive_ns
    row.publish_ns = q.publish_ns
    row.venue_sequence = q.venue_sequence
    row.ring_sequence = q.ring_sequence
