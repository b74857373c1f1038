# An instrument's state as events: its cells, as records that a reader can begin with.

from decimal import Decimal


cdef size_t _state_rows(EventRows *rows, EventFilter *filter, Segment segment, uint32_t id,
                        size_t at) except? 0:
    """Its cells as rows from `at` on, and in `filter` what they have in them; where they end."""
    cdef bint has_book = segment.entry(id).has_book != 0
    cdef size_t first = at
    cdef fh_slot slot
    cdef fh_quote quote
    cdef fh_word *book = <fh_word *>malloc(segment.book_bytes)
    if book == NULL:
        raise MemoryError()
    memset(&slot, 0, sizeof(slot))
    slot.instrument = id
    slot.flags = FH_FLAG_SNAPSHOT
    try:
        if _cell_read(segment, "book", id, <const fh_word *>(
                segment.books + <uint64_t>id * segment.book_stride), segment.book_bytes, book):
            at = _book_rows(rows, filter, segment, &slot, book, has_book, at)
        else:
            has_book = False
    finally:
        free(book)
    if _cell_read(segment, "quote", id, <const fh_word *>(
            segment.quotes + <uint64_t>id * segment.quote_stride), sizeof(quote), <fh_word *>&quote):
        at = _quote_rows(rows, filter, segment, &slot, &quote, has_book, at)
    if at > first:
        (<EventRow *>(rows.at + first * rows.row_bytes)).flags |= FH_FLAG_FIRST
        (<EventRow *>(rows.at + (at - 1) * rows.row_bytes)).flags |= FH_FLAG_LAST
    return at


cdef bint _cell_read(Segment segment, str kind, uint32_t id, const fh_word *cell, size_t copy_bytes,
                     fh_word *out) except -1:
    """False: nothing was stored yet."""
    cdef int status = fh_latch_read(cell, copy_bytes, out, copy_bytes // 8)
    if status == FH_READ_OK:
        return True
    if status != FH_READ_EMPTY:
        raise segment._damaged(f"{kind} cell {id}")
    segment.check()
    return False


cdef size_t _book_rows(EventRows *rows, EventFilter *filter, Segment segment, fh_slot *slot,
                       const fh_word *book, bint has_book, size_t at) except? 0:
    """CLEAR, the LEVELs, STATE."""
    cdef const fh_book_head *head = <const fh_book_head *>book
    cdef Skip *skip = &filter.skip[slot.instrument]
    cdef const fh_word *level
    cdef uint32_t i, levels
    cdef int side
    if head.bids > segment.depth or head.asks > segment.depth:
        raise segment._damaged(f"book cell {slot.instrument}")
    slot.stamp = 2 * head.ring_sequence
    slot.exchange_ns = head.exchange_ns
    slot.receive_ns = head.receive_ns
    slot.venue_sequence = head.venue_sequence
    slot.precision = head.precision
    skip.book = head.ring_sequence
    filter.skip_until = max(filter.skip_until, head.ring_sequence)
    if not has_book:
        return at
    slot.aux = fh_sent_after(head.exchange_ns, head.sent_ns)
    if filter.kinds >> FH_KIND_CLEAR & 1:
        slot.kind = FH_KIND_CLEAR
        _event_row(rows, segment, at, slot)
        at += 1
    if filter.kinds >> FH_KIND_LEVEL & 1:
        slot.kind = FH_KIND_LEVEL
        for side in range(2):
            slot.side = side
            level = book + sizeof(fh_book_head) // 8 + side * 2 * segment.depth
            levels = head.asks if side else head.bids
            for i in range(levels):
                slot.price = <int64_t>level[2 * i]
                slot.size = <int64_t>level[2 * i + 1]
                _event_row(rows, segment, at, slot)
                at += 1
    slot.aux = 0
    if filter.kinds >> FH_KIND_STATE & 1:
        skip.state = head.ring_sequence
        at = _state_row(rows, segment, slot, head.state, head.reason, at)
    return at


cdef size_t _quote_rows(EventRows *rows, EventFilter *filter, Segment segment, fh_slot *slot,
                        const fh_quote *q, bint has_book, size_t at) except? 0:
    """QUOTE bid and ask, the STATs, and STATE if there is no book that says it."""
    cdef Skip *skip = &filter.skip[slot.instrument]
    slot.stamp = 2 * q.ring_sequence
    slot.exchange_ns = q.exchange_ns
    slot.receive_ns = q.receive_ns
    slot.venue_sequence = q.venue_sequence
    slot.precision = q.precision
    slot.aux = fh_sent_after(q.exchange_ns, q.sent_ns)
    skip.quote = q.ring_sequence
    filter.skip_until = max(filter.skip_until, q.ring_sequence)
    if filter.kinds >> FH_KIND_QUOTE & 1:
        slot.kind = FH_KIND_QUOTE
        slot.side = 0
        slot.price = q.bid_price
        slot.size = q.bid_size
        _event_row(rows, segment, at, slot)
        slot.side = 1
        slot.price = q.ask_price
        slot.size = q.ask_size
        _event_row(rows, segment, at + 1, slot)
        at += 2
    slot.aux = 0
    if filter.kinds >> FH_KIND_STAT & 1:
        at = _stat_rows(rows, segment, slot, q, at)
    if q.definition and filter.kinds >> FH_KIND_DEFINITION & 1:
        slot.kind = FH_KIND_DEFINITION
        slot.side = 0
        slot.price = q.status
        slot.size = 0  # what was different before is not known here
        slot.aux = q.definition
        _event_row(rows, segment, at, slot)
        slot.aux = 0
        at += 1
    if not has_book and filter.kinds >> FH_KIND_STATE & 1:
        skip.state = q.ring_sequence
        at = _state_row(rows, segment, slot, q.state, q.reason, at)
    return at


cdef size_t _state_row(EventRows *rows, Segment segment, fh_slot *slot, int state, int reason,
                       size_t at) except 0:
    slot.kind = FH_KIND_STATE
    slot.side = 0
    slot.price = state
    slot.size = reason
    _event_row(rows, segment, at, slot)
    return at + 1


cdef size_t _stat_rows(EventRows *rows, Segment segment, fh_slot *slot, const fh_quote *q,
                       size_t at) except? 0:
    """The statistics that there are; the slot's own times and aux are as before."""
    slot.receive_ns = q.stats_ns
    slot.exchange_ns = 0
    for stat, value in (
        (1, q.mark), (2, q.index), (3, q.underlying), (4, q.bid_iv), (5, q.ask_iv),
        (6, q.mark_iv), (7, q.delta), (8, q.gamma), (9, q.vega), (10, q.theta),
        (11, q.rho), (12, q.funding), (13, q.open_interest), (14, q.volume),
        (15, q.predicted_funding),
    ):
        if value == value and _digits(value, slot):
            slot.kind = FH_KIND_STAT
            slot.side = 0
            slot.aux = stat
            _event_row(rows, segment, at, slot)
            at += 1
    if q.next_funding_ns:
        slot.kind = FH_KIND_STAT
        slot.side = 0
        slot.aux = 16
        slot.price = q.next_funding_ns
        slot.size = 0
        _event_row(rows, segment, at, slot)
        at += 1
    slot.aux = 0
    slot.receive_ns = q.receive_ns
    slot.exchange_ns = q.exchange_ns
    return at


cdef bint _digits(double value, fh_slot *slot) except -1:
    """The shortest decimal that is this double: mantissa and exponent. False: infinite."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int):
        return False
    mantissa = int("".join(map(str, digits)))
    slot.price = -mantissa if sign else mantissa
    slot.size = exponent
    return True
