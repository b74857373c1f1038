# Any cell, record and count as it is, of live memory or of dead.

SLOTS = np.dtype({
    "names": [*DTYPES["slot"].names, "sequence", "status"],
    "formats": [DTYPES["slot"][name] for name in DTYPES["slot"].names] + ["<u8", "u1"],
    "offsets": [DTYPES["slot"].fields[name][1] for name in DTYPES["slot"].names] + [64, 72],
    "itemsize": 80,
})
READ_OK = FH_READ_OK
READ_EMPTY = FH_READ_EMPTY
READ_BUSY = FH_READ_BUSY
READ_LAPPED = FH_READ_LAPPED


cdef tuple _cell_copy(Segment segment, str region, uint32_t row):
    """(status, copy of the cell's current copy as bytes, or b"")."""
    cdef const fh_region *where
    cdef size_t copy
    if region == "directory":
        where = &segment.plan.directory
        copy = sizeof(fh_instrument)
    elif region == "quotes":
        where = &segment.plan.quotes
        copy = sizeof(fh_quote)
    elif region == "books":
        where = &segment.plan.books
        copy = segment.book_bytes
    elif region == "connections":
        where = &segment.plan.connections
        copy = sizeof(fh_connection)
    else:
        raise ValueError(region)
    if row >= where.count:
        raise IndexError(f"{region} has {where.count} rows")
    cdef fh_word *memory = <fh_word *>malloc(copy)
    if memory == NULL:
        raise MemoryError()
    try:
        status = fh_latch_read(
            <const fh_word *>(segment.base + where.offset + <uint64_t>row * where.stride),
            copy, memory, copy // 8)
        segment.check()
        return status, (<char *>memory)[:copy] if status == FH_READ_OK else b""
    finally:
        free(memory)


cdef object _ring_copy(Segment segment, uint64_t first, uint64_t count):
    """Slots by sequence: SLOTS rows, with what each place holds now and its status."""
    cdef Py_buffer view
    cdef uint64_t n
    cdef const fh_word *slot
    cdef fh_word *out
    cdef uint8_t *status
    cdef int found
    rows = np.zeros(count, SLOTS)
    if count == 0:
        return rows
    PyObject_GetBuffer(rows, &view, PyBUF_WRITABLE)
    out = <fh_word *>view.buf
    for n in range(first, first + count):
        slot = <const fh_word *>&segment.ring_[n & segment.mask]
        found = fh_slot_read(segment.ring_, segment.mask, n, <fh_slot *>out)
        if found != FH_READ_OK:
            fh_words_out(slot, out, 8)  # as it is, whatever it is
        out[8] = n
        status = <uint8_t *>(out + 9)
        status[0] = found
        out += 10
    PyBuffer_Release(&view)
    segment.check()
    return rows


cdef list _counters(Segment segment):
    cdef int i
    counters = [fh_load64(&segment.header.counters[i]) for i in range(FH_COUNTERS)]
    segment.check()
    return counters


cdef list _histogram(Segment segment, uint32_t row):
    cdef const fh_region *where = &segment.plan.histograms
    cdef int i
    if row >= where.count:
        raise IndexError(f"{where.count} histograms")
    cdef const uint64_t *buckets = <const uint64_t *>(
        segment.base + where.offset + <uint64_t>row * where.stride)
    found = [fh_load64(buckets + i) for i in range(FH_HISTOGRAM_BUCKETS)]
    segment.check()
    return found
