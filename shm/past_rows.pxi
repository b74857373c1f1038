# Trades and quotes as tables: rows of records that were read from the ring, or from a recording.

ctypedef struct TradeRow:
    int64_t receive_ns, exchange_ns
    uint32_t instrument
    uint8_t kind, side, flags
    int8_t price_exponent, size_exponent
    double price, size
    int64_t price_scaled, size_scaled
    uint64_t venue_sequence, sequence, epoch

ctypedef struct QuoteRow:
    int64_t receive_ns, exchange_ns
    uint32_t instrument
    uint8_t source, flags
    int8_t price_exponent, size_exponent
    double bid, bid_size, ask, ask_size
    int64_t bid_scaled, bid_size_scaled, ask_scaled, ask_size_scaled
    uint64_t venue_sequence, sequence, epoch

TRADE = np.dtype([
    ("receive_ns", "<i8"), ("exchange_ns", "<i8"), ("instrument", "<u4"), ("kind", "u1"),
    ("side", "u1"), ("flags", "u1"), ("price_exponent", "i1"), ("size_exponent", "i1"),
    ("price", "<f8"), ("size", "<f8"), ("price_scaled", "<i8"), ("size_scaled", "<i8"),
    ("venue_sequence", "<u8"), ("sequence", "<u8"), ("epoch", "<u8"),
], align=True)
QUOTE = np.dtype([
    ("receive_ns", "<i8"), ("exchange_ns", "<i8"), ("instrument", "<u4"), ("source", "u1"),
    ("flags", "u1"), ("price_exponent", "i1"), ("size_exponent", "i1"),
    *[(name, "<f8") for name in ("bid", "bid_size", "ask", "ask_size")],
    *[(name, "<i8") for name in ("bid_scaled", "bid_size_scaled", "ask_scaled", "ask_size_scaled")],
    ("venue_sequence", "<u8"), ("sequence", "<u8"), ("epoch", "<u8"),
], align=True)
assert TRADE.itemsize == sizeof(TradeRow) and QUOTE.itemsize == sizeof(QuoteRow)


@cython.final
cdef class _Records:
    """Rows that begin as those of `EventRow` do, however far apart they are."""
    cdef Py_buffer view
    cdef bint held
    cdef const uint32_t[::1] numbers
    cdef uint32_t known     # how many `numbers` there are
    cdef bint renumbered

    def __cinit__(self, records, numbers):
        for name, (kind, at, *_) in RAW_EVENT.fields.items():
            if records.dtype.fields[name][:2] != (kind, at):
                raise TypeError(f"records with another {name}: {records.dtype}")
        if len(records) and (records.ctypes.data | records.strides[0]) % 8:
            records = self._aligned(records)
        PyObject_GetBuffer(records, &self.view, PyBUF_FORMAT | PyBUF_STRIDED_RO)
        self.held = True
        if self.view.ndim != 1:
            raise TypeError(f"records in {self.view.ndim} dimensions")
        if numbers is not None:
            self.numbers = numbers
            self.known = self.numbers.shape[0]
            self.renumbered = True

    def _aligned(self, records):
        """numpy puts the rows that it joins next to each other, wherever their words are then."""
        made = np.empty(records.shape, RAW_EVENT)
        for name in RAW_EVENT.names:
            made[name] = records[name]
        return made

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    cdef inline const EventRow *at(self, Py_ssize_t i) noexcept:
        return <const EventRow *>(<const char *>self.view.buf + i * self.view.strides[0])

    cdef inline uint32_t instrument(self, uint32_t id) noexcept:
        if not self.renumbered:
            return id
        return self.numbers[id] if id < self.known else FH_NO_INSTRUMENT


cdef class _Made:
    """An array that is filled, of which not all rows may be needed."""
    cdef Py_buffer view
    cdef object array

    def __cinit__(self, count, dtype):
        self.array = np.zeros(count, dtype)
        PyObject_GetBuffer(self.array, &self.view, PyBUF_FORMAT | PyBUF_WRITABLE)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


def trade_rows(records, uint64_t epoch, numbers=None, bint announced=False):
    cdef _Records source = _Records(records, numbers)
    cdef Py_ssize_t count = source.view.shape[0]
    cdef _Made made = _Made(count, TRADE)
    cdef TradeRow *row = <TradeRow *>made.view.buf
    cdef const EventRow *record
    cdef Py_ssize_t i
    cdef size_t filled = 0
    for i in range(count):
        record = source.at(i)
        if record.kind == FH_KIND_LIQUIDATION:
            if record.venue_sequence == 0 and not announced:
                continue  # an order: what it fills are trades of their own
        elif record.kind != FH_KIND_TRADE:
            continue
        row.receive_ns = record.receive_ns
        row.exchange_ns = record.exchange_ns
        row.instrument = source.instrument(record.instrument)
        row.kind = record.kind
        row.side = record.side
        row.flags = record.flags
        row.price_exponent = record.price_exponent
        row.size_exponent = record.size_exponent
        row.price = fh_value(record.price, record.price_exponent)
        row.size = fh_value(record.size, record.size_exponent)
        row.price_scaled = record.price
        row.size_scaled = record.size
        row.venue_sequence = record.venue_sequence
        row.sequence = record.sequence
        row.epoch = epoch
        row += 1
        filled += 1
    return made.array if filled == <size_t>count else made.array[:filled].copy()


cdef void _quote_side(double *value, double *size, int64_t *scaled, int64_t *size_scaled,
                      const EventRow *record) noexcept:
    value[0] = fh_value(record.price, record.price_exponent)
    size[0] = NAN if record.price == FH_NONE else fh_value(record.size, record.size_exponent)
    scaled[0] = record.price
    size_scaled[0] = FH_NONE if record.price == FH_NONE else record.size


def quote_rows(records, uint64_t epoch, numbers=None):
    cdef _Records source = _Records(records, numbers)
    cdef Py_ssize_t count = source.view.shape[0]
    cdef _Made made = _Made(count // 2, QUOTE)
    cdef QuoteRow *row = <QuoteRow *>made.view.buf
    cdef const EventRow *bid
    cdef const EventRow *ask
    cdef Py_ssize_t i = 0
    cdef size_t filled = 0
    while i + 1 < count:
        bid = source.at(i)
        ask = source.at(i + 1)
        i += 1
        if (bid.kind != FH_KIND_QUOTE or ask.kind != FH_KIND_QUOTE or bid.side != 0
                or ask.side != 1 or ask.sequence != bid.sequence + 1):
            continue  # half of one, whose other half was overwritten
        i += 1
        row.receive_ns = bid.receive_ns
        row.exchange_ns = bid.exchange_ns
        row.instrument = source.instrument(bid.instrument)
        row.source = FH_SOURCE_QUOTE
        row.flags = bid.flags | ask.flags
        row.price_exponent = bid.price_exponent
        row.size_exponent = bid.size_exponent
        _quote_side(&row.bid, &row.bid_size, &row.bid_scaled, &row.bid_size_scaled, bid)
        _quote_side(&row.ask, &row.ask_size, &row.ask_scaled, &row.ask_size_scaled, ask)
        row.venue_sequence = bid.venue_sequence
        row.sequence = ask.sequence
        row.epoch = epoch
        row += 1
        filled += 1
    return made.array if filled == <size_t>len(made.array) else made.array[:filled].copy()


def scaled_values(integers, int exponent):
    cdef _Made made = _Made(len(integers), np.float64)
    cdef double *out = <double *>made.view.buf
    cdef const int64_t[:] source = integers
    cdef Py_ssize_t i
    for i in range(source.shape[0]):
        out[i] = fh_value(source[i], exponent)
    return made.array


def event_rows(records, numbers=None):
    cdef _Records source = _Records(records, numbers)
    cdef Py_ssize_t count = source.view.shape[0]
    cdef _Made made = _Made(count, EVENT)
    cdef EventRow *row
    cdef const EventRow *record
    cdef double *values
    cdef Py_ssize_t i
    for i in range(count):
        record = source.at(i)
        row = <EventRow *>(<char *>made.view.buf + i * _EVENT_BYTES)
        values = <double *>&row.price
        row.sequence = record.sequence
        row.instrument = source.instrument(record.instrument)
        row.kind = record.kind
        row.flags = record.flags
        row.side = record.side
        row.precision = record.precision
        row.exchange_ns = record.exchange_ns
        row.receive_ns = record.receive_ns
        row.venue_sequence = record.venue_sequence
        row.publish_delta_ns = record.publish_delta_ns
        row.aux = record.aux
        if record.kind == FH_KIND_CLEAR:
            values[0] = values[1] = NAN
        elif record.kind == FH_KIND_STAT:
            values[0] = fh_value(record.price, <int>record.size)
            values[1] = NAN
        elif record.kind in (FH_KIND_STATE, FH_KIND_WRITER, FH_KIND_DEFINITION):
            values[0] = <double>record.price
            values[1] = <double>record.size
        else:
            values[0] = fh_value(record.price, record.price_exponent)
            values[1] = NAN if record.price == FH_NONE else fh_value(
                record.size, record.size_exponent)
    return made.array
