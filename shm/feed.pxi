# The cells of a venue's current epoch, behind `shm.Feed`.

_empty = np.empty
_float64 = np.dtype(np.float64)
_int64 = np.dtype(np.int64)
_uint32 = np.dtype(np.uint32)


cdef enum:
    _BOOK_WORDS = 1024  # of a book cell's copy that is read without asking for memory: depth 253


cdef class FeedBase:
    """The cells of the current epoch. `shm.Feed` adds names, attaching and re-attaching."""

    # Several threads may be here: whatever they share beside `segment` itself belongs to a segment,
    # so that one that goes over to a newer epoch changes nothing for another that is still reading.
    cdef readonly Segment segment
    cdef object __weakref__

    def _set_segment(self, Segment segment):
        self.segment = segment

    def _id_of(self, Segment segment, str symbol):
        """The symbol's id in that epoch, or None. `shm.Feed` knows."""
        raise NotImplementedError

    def _renew(self, str reason):
        """Attach to a newer epoch, or raise WriterLost. `shm.Feed` does."""
        raise NotImplementedError

    def _current(self):
        """The segment, attached to anew if its writer is gone; raises WriterLost."""
        return self.current()

    cdef Segment current(self):
        cdef Segment segment = self.segment
        if FH_LIKELY(segment is not None):
            if FH_LIKELY(not segment.suspect()):
                return segment
            reason = segment.gone()
            if reason is None:
                return segment
            self._renew(reason)
        segment = self.segment
        if segment is None:
            raise errors.ShmError(f"{self.venue}: this feed was closed")
        return segment

    cdef int64_t place(self, Segment segment, Instrument instrument) except -2:
        """The instrument's row in this epoch; -1 if it has none (yet)."""
        if FH_LIKELY(instrument.epoch == segment.epoch):
            if FH_LIKELY(instrument.venue is segment.venue or instrument.venue == segment.venue):
                return instrument.id
        if instrument.venue != segment.venue:
            raise errors.UnknownInstrument(
                f"{instrument.symbol} is an instrument of {instrument.venue}, not {segment.venue}")
        id = segment.moved.get(instrument.symbol)
        if id is None:
            id = self._id_of(segment, instrument.symbol)
            if id is None:
                return -1
            segment.moved[instrument.symbol] = id
        return id

    def _ids(self, Segment segment not None, instruments):
        """Their rows in that epoch, as u4. One that is not there: UnknownInstrument."""
        wanted = [self.instrument(one) if type(one) is str else one for one in instruments]
        cdef Py_ssize_t count = len(wanted)
        cdef Py_ssize_t i
        cdef int64_t id
        cdef Py_buffer view
        ids = _empty(count, _uint32)
        PyObject_GetBuffer(ids, &view, PyBUF_WRITABLE)
        try:
            for i in range(count):
                id = self.place(segment, <Instrument?>wanted[i])
                if id < 0:
                    raise errors.UnknownInstrument(
                        f"{segment.venue} has no instrument {wanted[i].symbol!r} in this epoch yet")
                (<uint32_t *>view.buf)[i] = id
        finally:
            PyBuffer_Release(&view)
        return ids

    def quote(self, instrument, bint raw=False):
        if type(instrument) is str:
            instrument = self.instrument(instrument)
        cdef Instrument wanted = <Instrument?>instrument
        cdef Segment segment = self.current()
        cdef int64_t id = self.place(segment, wanted)
        cdef fh_quote q
        cdef int status = FH_READ_EMPTY
        if id >= 0:
            status = fh_latch_read(
                <const fh_word *>(segment.quotes + <uint64_t>id * segment.quote_stride),
                sizeof(fh_quote), <fh_word *>&q, FH_QUOTE_WORDS)
        if FH_UNLIKELY(status != FH_READ_OK):
            if status != FH_READ_EMPTY:
                raise segment._damaged(f"quote cell {id}")
            segment.check()
            q = _NO_QUOTE
        cdef int64_t now = fh_now_ns()
        cdef Quote quote
        cdef RawQuote rawquote
        cdef _QuoteBase result
        if raw:
            rawquote = RawQuote.__new__(RawQuote)
            rawquote.prices[0] = q.bid_price
            rawquote.prices[1] = q.bid_size
            rawquote.prices[2] = q.ask_price
            rawquote.prices[3] = q.ask_size
            rawquote.prices[4] = q.last_price
            rawquote.prices[5] = q.last_size
            result = rawquote
        else:
            quote = Quote.__new__(Quote)
            quote.bid = fh_value(q.bid_price, q.price_exponent)
            quote.ask = fh_value(q.ask_price, q.price_exponent)
            quote.last = fh_value(q.last_price, q.price_exponent)
            quote.bid_size = NAN if q.bid_price == FH_NONE else fh_value(
                q.bid_size, q.size_exponent)
            quote.ask_size = NAN if q.ask_price == FH_NONE else fh_value(
                q.ask_size, q.size_exponent)
            quote.last_size = NAN if q.last_price == FH_NONE else fh_value(
                q.last_size, q.size_exponent)
            result = quote
        result.fill(&q)
        result.instrument = wanted
        if FH_UNLIKELY(wanted.definition != q.definition or wanted.epoch != segment.epoch):
            result.instrument = segment.defined(id, wanted)
        result.epoch = segment.epoch
        result.age_ns = fh_age(now + fh_loadi64(&segment.header.clock_offset_ns),
                               q.data_ns if q.data_ns else q.receive_ns)
        result.heartbeat_age_ns = segment.heartbeat_age(now)
        return result

    def book(self, instrument, depth=None, bint raw=False):
        if type(instrument) is str:
            instrument = self.instrument(instrument)
        cdef Instrument wanted = <Instrument?>instrument
        cdef Segment segment = self.current()
        cdef int64_t id = self.place(segment, wanted)
        cdef uint32_t most = segment.depth
        if depth is not None:
            if depth < 0:
                raise ValueError(f"depth {depth}")
            if depth > most:
                raise ValueError(f"depth {depth}: book cells of {segment.venue} have {most} levels "
                                 "a side; `depth` in the configuration gives them more")
            most = depth
        cdef size_t head_words = sizeof(fh_book_head) // 8
        cdef size_t words = head_words + 2 * segment.depth + 2 * most
        cdef fh_word here[_BOOK_WORDS]
        cdef fh_word *memory = here
        if FH_UNLIKELY(segment.book_bytes > sizeof(here)):
            memory = <fh_word *>malloc(segment.book_bytes)
            if memory == NULL:
                raise MemoryError()
        try:
            return self._book(segment, wanted, id, most, memory, words, raw)
        finally:
            if FH_UNLIKELY(memory != here):
                free(memory)

    cdef Book _book(self, Segment segment, Instrument wanted, int64_t id, uint32_t most,
                    fh_word *memory, size_t words, bint raw):
        cdef size_t head_words = sizeof(fh_book_head) // 8
        cdef fh_book_head *head = <fh_book_head *>memory
        cdef int status = FH_READ_EMPTY
        if id >= 0:
            status = fh_latch_read(
                <const fh_word *>(segment.books + <uint64_t>id * segment.book_stride),
                segment.book_bytes, memory, words)
        if FH_UNLIKELY(status != FH_READ_OK):
            if status != FH_READ_EMPTY:
                raise segment._damaged(f"book cell {id}")
            segment.check()
            memset(head, 0, sizeof(fh_book_head))
        if head.bids > segment.depth or head.asks > segment.depth:
            raise segment._damaged(f"book cell {id}")
        cdef Book book = RawBook.__new__(RawBook) if raw else Book.__new__(Book)
        cdef fh_word *levels = memory + head_words
        book.bids = _levels(levels, min(most, <uint32_t>head.bids), head, raw)
        book.asks = _levels(levels + 2 * segment.depth, min(most, <uint32_t>head.asks), head, raw)
        cdef int64_t now = fh_now_ns()
        book.instrument = wanted
        if FH_UNLIKELY(wanted.definition != head.definition or wanted.epoch != segment.epoch):
            book.instrument = segment.defined(id, wanted)
        book.epoch = segment.epoch
        book.state_ = head.state
        book.reason_ = head.reason
        book.status_ = head.status
        book.definition = head.definition
        book.exchange_ns = head.exchange_ns
        book.sent_ns = head.sent_ns
        book.receive_ns = head.receive_ns
        book.publish_ns = head.publish_ns
        book.state_ns = head.state_ns
        book.ring_sequence = head.ring_sequence
        book.venue_sequence = head.venue_sequence
        book.price_exponent = head.price_exponent
        book.size_exponent = head.size_exponent
        book.bids_total = head.bids_total
        book.asks_total = head.asks_total
        # A writer that leaves 0 does not say: what it shows is all that can be believed.
        book.known[0] = max(<uint32_t>head.bids, head.bids_known)
        book.known[1] = max(<uint32_t>head.asks, head.asks_known)
        book.age_ns = fh_age(now + fh_loadi64(&segment.header.clock_offset_ns), head.receive_ns)
        book.heartbeat_age_ns = segment.heartbeat_age(now)
        return book


cdef object _levels(const fh_word *levels, uint32_t count, const fh_book_head *head, bint raw):
    """(n, 2) prices and sizes, a copy."""
    array = _empty((count, 2), _int64 if raw else _float64)
    if count == 0:
        return array
    cdef Py_buffer view
    cdef double *out
    cdef uint32_t i
    PyObject_GetBuffer(array, &view, PyBUF_WRITABLE)
    if raw:
        memcpy(view.buf, levels, count * 16)
    else:
        out = <double *>view.buf
        for i in range(count):
            out[2 * i] = fh_value(<int64_t>levels[2 * i], head.price_exponent)
            out[2 * i + 1] = fh_value(<int64_t>levels[2 * i + 1], head.size_exponent)
    PyBuffer_Release(&view)
    return array
