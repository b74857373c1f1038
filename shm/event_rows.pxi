# Rows of the event stream: ring records as a strategy gets them.

ctypedef struct EventRow:
    uint64_t sequence
    uint32_t instrument
    uint8_t kind, flags, side, precision
    int64_t exchange_ns, receive_ns
    uint64_t venue_sequence
    int64_t price, size          # of EVENT a double each, in the same places
    uint32_t publish_delta_ns, aux
    int8_t price_exponent, size_exponent   # RAW_EVENT only, from here on
    uint8_t unused[6]

cdef enum:
    _EVENT_BYTES = 64
    _RAW_EVENT_BYTES = 72

cdef list _EVENT_FIELDS = [
    ("sequence", "<u8"), ("instrument", "<u4"), ("kind", "u1"), ("flags", "u1"), ("side", "u1"),
    ("precision", "u1"), ("exchange_ns", "<i8"), ("receive_ns", "<i8"), ("venue_sequence", "<u8"),
    ("price", "<f8"), ("size", "<f8"), ("publish_delta_ns", "<u4"), ("aux", "<u4"),
]
EVENT = np.dtype(_EVENT_FIELDS)
RAW_EVENT = np.dtype({
    "names": [name for name, _ in _EVENT_FIELDS] + ["price_exponent", "size_exponent"],
    "formats": [
        "<i8" if name in ("price", "size") else kind for name, kind in _EVENT_FIELDS
    ] + ["i1", "i1"],
    "offsets": [EVENT.fields[name][1] for name, _ in _EVENT_FIELDS] + [64, 65],
    "itemsize": _RAW_EVENT_BYTES,
})
assert EVENT.itemsize == _EVENT_BYTES and sizeof(EventRow) == _RAW_EVENT_BYTES


ctypedef struct EventRows:
    # A buffer that rows are gathered in.
    unsigned char *at
    size_t room, row_bytes
    bint raw


cdef void _rows_are(EventRows *rows, bint raw) noexcept:
    rows.raw = raw
    rows.row_bytes = _RAW_EVENT_BYTES if raw else _EVENT_BYTES


cdef int _rows_grow(EventRows *rows, size_t count) except -1:
    cdef size_t room = rows.room if rows.room else 64 * _RAW_EVENT_BYTES
    while room < count * rows.row_bytes:
        room *= 2
    if room > rows.room:
        memory = <unsigned char *>realloc(rows.at, room)
        if memory == NULL:
            raise MemoryError()
        rows.at = memory
        rows.room = room
    return 0


cdef inline int _event_row(EventRows *rows, Segment segment, size_t at, const fh_slot *slot) except -1:
    """One record into row `at` of the buffer."""
    if FH_UNLIKELY((at + 1) * rows.row_bytes > rows.room):
        _rows_grow(rows, at + 1)
    cdef EventRow *row = <EventRow *>(rows.at + at * rows.row_bytes)
    cdef int8_t price_exponent = 0
    cdef int8_t size_exponent = 0
    cdef fh_instrument *entry
    cdef bint scaled = (slot.kind != FH_KIND_STAT and slot.kind != FH_KIND_STATE
                        and slot.kind != FH_KIND_WRITER and slot.kind != FH_KIND_DEFINITION)
    memcpy(row, slot, _EVENT_BYTES)
    row.sequence = slot.stamp // 2
    if scaled and slot.instrument < segment.capacity:
        entry = &segment.entries[slot.instrument]
        if FH_UNLIKELY(segment.entry_heads[slot.instrument] == 0
                       or slot.precision > entry.precision):
            entry = segment.entry(slot.instrument)
        price_exponent = entry.price_exponents[slot.precision & 7]
        size_exponent = entry.size_exponents[slot.precision & 7]
    if rows.raw:
        row.price_exponent = price_exponent
        row.size_exponent = size_exponent
        memset(row.unused, 0, sizeof(row.unused))
        return 0
    cdef double *values = <double *>&row.price
    if FH_LIKELY(scaled):
        if slot.kind == FH_KIND_CLEAR:
            values[0] = NAN
            values[1] = NAN
        else:
            values[0] = fh_value(slot.price, price_exponent)
            values[1] = NAN if slot.price == FH_NONE else fh_value(slot.size, size_exponent)
    elif slot.kind == FH_KIND_STAT:
        values[0] = fh_value(slot.price, <int>slot.size)
        values[1] = NAN
    else:
        values[0] = <double>slot.price
        values[1] = <double>slot.size
    return 0


cdef object _rows_array(const EventRows *rows, size_t count):
    """The first `count` rows as an array of their own."""
    cdef Py_buffer view
    array = _empty(count, RAW_EVENT if rows.raw else EVENT)
    if count:
        PyObject_GetBuffer(array, &view, PyBUF_WRITABLE)
        memcpy(view.buf, rows.at, count * rows.row_bytes)
        PyBuffer_Release(&view)
    return array
