# What of the past is still in the ring: where a time begins in it, and its records as an array.

cdef enum:
    _LOOK_EVERY = 256  # records: of so many one is looked at, to find where a time begins


cdef bint _late(Segment segment, uint64_t n, int64_t from_ns) noexcept:
    """Whether record n was written at that time or later, or nobody can say.

    By when it was written, which goes up: what was received earlier, and had to wait, stands among
    what came later. A delta that is at its bound does not say when that was.
    """
    cdef fh_slot slot
    if fh_slot_read(segment.ring_, segment.mask, n, &slot) != FH_READ_OK:
        return True
    if slot.publish_delta_ns == UINT32_MAX:
        return True
    return slot.receive_ns + <int64_t>slot.publish_delta_ns >= from_ns


def ring_oldest(Segment segment not None):
    cdef uint64_t published = fh_load64_acquire(&segment.header.published)
    if published + 1 == 0:
        raise segment._damaged("published")
    return published - segment.mask if published > segment.mask else 1


def ring_begin(Segment segment not None, uint64_t first, uint64_t last, int64_t from_ns):
    cdef uint64_t n = first
    cdef uint64_t before = first
    while n < last:
        if _late(segment, n, from_ns):
            return before
        before = n + 1
        n += _LOOK_EVERY
    if first > last or not _late(segment, last, from_ns):
        return last + 1
    return before


@cython.final
cdef class _Gathered:
    cdef EventRows rows

    def __dealloc__(self):
        free(self.rows.at)


def ring_rows(Segment segment not None, uint64_t first, uint64_t last, uint64_t kinds,
              wanted, int64_t from_ns, int64_t to_ns):
    cdef _Gathered gathered = _Gathered()
    cdef EventRows *rows = &gathered.rows
    cdef const uint8_t[::1] chosen
    cdef uint32_t known = 0
    cdef fh_slot slot
    cdef size_t count = 0
    cdef uint64_t n = first
    cdef int status = FH_READ_OK
    if wanted is not None:
        chosen = wanted
        known = chosen.shape[0]
    if last > fh_load64_acquire(&segment.header.published):
        raise ValueError(f"record {last} is not published")
    _rows_are(rows, True)
    while n <= last:
        status = fh_slot_read(segment.ring_, segment.mask, n, &slot)
        if FH_UNLIKELY(status != FH_READ_OK):
            break
        n += 1
        if slot.kind >= 64 or not kinds >> slot.kind & 1:
            continue
        if slot.receive_ns < from_ns or slot.receive_ns >= to_ns:
            continue
        if wanted is not None and (slot.instrument >= known or not chosen[slot.instrument]):
            continue
        _event_row(rows, segment, count, &slot)
        count += 1
    if status != FH_READ_OK and status != FH_READ_LAPPED:
        raise segment._damaged(f"ring record {n}")
    segment.check()
    return _rows_array(rows, count), n
