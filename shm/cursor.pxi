# The event ring as one reader follows it: whole messages, filtered, counted.

from decimal import Decimal

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
    _BATCH = 4096   # records: a poll hands out no more than this, rounded up to a whole message

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


ctypedef struct Skip:
    # Records up to these are already in the state that was handed out from the cells.
    uint64_t book, quote, state


cdef class Cursor:
    """A place in the ring. `shm.Events` adds names, sleeping, asyncio and re-attaching."""

    cdef readonly Segment segment
    cdef readonly uint64_t delivered    # ring records handed out
    cdef readonly uint64_t filtered     # ring records passed over: not asked for, or in the state
    cdef readonly uint64_t lost         # ring records overwritten before they were read
    cdef readonly uint64_t overruns     # how often
    cdef readonly bint raw
    cdef bint resync
    cdef int want_state                 # 1: asked for at the start; 2: after an overrun;
                                        # 3: none, but the start is inside a split message
    cdef uint64_t next                  # the next record to read: the start of a message, always
    cdef uint64_t seen                  # `published` when the last poll looked
    cdef uint64_t kinds                 # bit by kind
    cdef uint8_t *wanted                # by instrument; NULL: all
    cdef uint32_t resolved              # rows of the directory that `wanted` covers
    cdef Skip *skip                     # by instrument; NULL: nothing to skip
    cdef uint64_t skip_until            # past this nothing is skipped
    cdef uint32_t capacity              # of wanted and skip
    cdef bint busy                      # somebody is inside, or sleeps in iteration
    cdef bint unfinished                # the last message that is there has no end
    cdef _Registration registered       # in the control object of `segment`, or None
    cdef unsigned char *rows
    cdef size_t rows_room, row_bytes
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.row_bytes = _EVENT_BYTES

    def __dealloc__(self):
        free(self.wanted)
        free(self.skip)
        free(self.rows)

    # ---- what shm.Events supplies ----

    def _resolve(self, Segment segment, uint32_t first):
        """Ids of the wanted instruments among the directory's rows from `first` on."""
        raise NotImplementedError

    def _reattach(self):
        """Called by `poll()` while there is no segment: `_open` a newer one if it is there."""
        raise NotImplementedError

    def _lost_writer(self, Segment segment, str reason):
        """The segment is drained and its writer gone: raises WriterLost."""
        raise NotImplementedError

    # ---- set up ----

    def _configure(self, uint64_t kinds, bint raw, bint resync):
        self.kinds = kinds
        self.raw = raw
        self.resync = resync
        self.row_bytes = _RAW_EVENT_BYTES if raw else _EVENT_BYTES

    def _open(self, Segment segment, bint select):
        """Take a segment, its ring from the first record on. `select`: only wanted instruments."""
        self.registered = None
        free(self.wanted)
        free(self.skip)
        self.wanted = NULL
        self.skip = NULL
        self.skip_until = 0
        self.resolved = 0
        self.capacity = segment.capacity
        self.want_state = 0
        if select:
            self.wanted = <uint8_t *>calloc(self.capacity, 1)
            if self.wanted == NULL:
                raise MemoryError()
        self.segment = segment
        self.next = 1
        self.seen = 0

    def _drop(self):
        self.registered = None
        self.segment = None

    def _register(self, bytes name, start_ticks_of):
        """Say in the readers' registry who reads, and how far; False: it is full, or read-only."""
        self.registered = None
        self.registered = _registered(self.segment, name, start_ticks_of)
        if self.registered is None:
            return False
        self._note()
        return True

    cdef void _note(self) noexcept:
        if self.registered is not None:
            self.registered.note(self.next, self.lost, self.overruns)

    cdef int _select(self, Segment segment, uint32_t count) except -1:
        """New instruments in the directory: those that are wanted are marked."""
        first = self.resolved
        for id in self._resolve(segment, first):
            self.wanted[<uint32_t>id] = 1
        self.resolved = count
        return 0

    cdef bint _joins(self, Segment segment, uint64_t *at) except -1:
        """Whether reading may begin after `at`, the last published record; see `fh_join_try`."""
        cdef fh_slot last
        cdef int status
        cdef bint joins = fh_join_try(segment.header, segment.ring_, segment.mask, at)
        if not joins:
            status = fh_slot_read(segment.ring_, segment.mask, at[0], &last)
            if status == FH_READ_EMPTY or status == FH_READ_BUSY:
                raise segment._damaged(f"ring record {at[0]}")  # what is published was written
        if at[0] + 1 < self.next:
            raise segment._damaged("published")  # it went back, or is past all numbers
        return joins

    def _start_now(self):
        cdef uint64_t at = 0
        if not self._joins(self.segment, &at):
            self.want_state = 3
        self.next = at + 1

    def _start_state(self):
        self.want_state = 1

    def _start_at(self, uint64_t first):
        """The first message that begins at `first` or later."""
        cdef fh_slot slot
        cdef uint64_t published = fh_load64_acquire(&self.segment.header.published)
        cdef int status
        if not 1 <= first <= published + 1:
            raise ValueError(f"sequence {first}: 1 to {published + 1} are there")
        while first <= published:
            status = fh_slot_read(self.segment.ring_, self.segment.mask, first, &slot)
            if status != FH_READ_OK or slot.flags & FH_FLAG_FIRST:
                break
            first += 1
        self.next = first

    def _start_oldest(self):
        """The oldest message that is still whole."""
        cdef fh_slot slot
        cdef uint64_t published = fh_load64_acquire(&self.segment.header.published)
        cdef uint64_t n = published - self.segment.mask if published > self.segment.mask else 1
        if published + 1 == 0:
            raise self.segment._damaged("published")
        while n <= published:
            if (fh_slot_read(self.segment.ring_, self.segment.mask, n, &slot) == FH_READ_OK
                    and slot.flags & FH_FLAG_FIRST):
                break
            n += 1
        self.next = n

    @property
    def sequence(self):
        """The next record that will be read."""
        return self.next

    @property
    def lag(self):
        if self.segment is None:
            return 0
        return max(0, self.segment.published + 1 - self.next)

    # ---- poll ----

    def poll(self):
        cdef Segment segment = self.segment
        cdef uint64_t published
        cdef bint suspect = False
        if FH_UNLIKELY(self.busy):
            self._occupied()
        if FH_LIKELY(segment is not None and not self.want_state):
            published = fh_load64_acquire(&segment.header.published)
            self.seen = published
            if FH_LIKELY(published < self.next):
                suspect = segment.suspect()
                if FH_LIKELY(not suspect):
                    return None
        self.busy = True
        try:
            return self._poll(suspect)
        finally:
            self.busy = False

    def _occupy(self, bint on):
        """From `True` to `False` nobody else may read: who iterates sleeps in between."""
        if on and self.busy:
            self._occupied()
        self.busy = on

    def _occupied(self):
        raise errors.ConcurrentUse(
            "another thread or task is reading these events: one at a time may; "
            "let each have its own, from feed.events()")

    cdef object _poll(self, bint suspect):
        cdef Segment segment = self.segment
        cdef uint64_t published
        cdef uint32_t count
        if FH_UNLIKELY(segment is None):
            self._reattach()
            segment = self.segment
            if segment is None:
                return None
        published = fh_load64_acquire(&segment.header.published)
        self.seen = published
        if published < self.next and not self.want_state:
            if FH_UNLIKELY(suspect or segment.suspect()):
                return self._suspect(segment)
            return None
        if self.wanted != NULL:
            count = segment.count()
            if count != self.resolved:
                self._select(segment, count)
        if FH_UNLIKELY(self.want_state):
            return self._state(segment)
        batch = self._read(segment, published)
        if FH_UNLIKELY(self.unfinished and segment.suspect() and segment.gone() is not None
                       and published == fh_load64_acquire(&segment.header.published)):
            raise segment._damaged(f"ring record {self.next}")  # its message never ends
        return batch

    cdef object _suspect(self, Segment segment):
        reason = segment.gone()
        if reason is None:
            return None
        if fh_load64_acquire(&segment.header.published) >= self.next:
            return self._poll(False)  # what it wrote before it went
        return self._lost_writer(segment, reason)

    cdef int _room(self, size_t rows) except -1:
        cdef size_t room = self.rows_room if self.rows_room else 64 * _RAW_EVENT_BYTES
        while room < rows * self.row_bytes:
            room *= 2
        if room > self.rows_room:
            memory = <unsigned char *>realloc(self.rows, room)
            if memory == NULL:
                raise MemoryError()
            self.rows = memory
            self.rows_room = room
        return 0

    cdef inline bint _wants(self, const fh_slot *slot, uint64_t n) noexcept:
        if slot.kind >= 64 or not self.kinds >> slot.kind & 1:
            return False
        cdef uint32_t id = slot.instrument
        if self.wanted != NULL and (id >= self.capacity or not self.wanted[id]):
            return False
        if FH_UNLIKELY(n <= self.skip_until) and id < self.capacity:
            if slot.kind == FH_KIND_LEVEL or slot.kind == FH_KIND_CLEAR:
                return n > self.skip[id].book
            if slot.kind == FH_KIND_QUOTE or slot.kind == FH_KIND_STAT:
                return n > self.skip[id].quote
            if slot.kind == FH_KIND_STATE:
                return n > self.skip[id].state
        return True

    cdef int _row(self, Segment segment, size_t at, const fh_slot *slot) except -1:
        """One record into row `at` of the buffer."""
        if FH_UNLIKELY((at + 1) * self.row_bytes > self.rows_room):
            self._room(at + 1)
        cdef EventRow *row = <EventRow *>(self.rows + at * self.row_bytes)
        cdef int8_t price_exponent = 0
        cdef int8_t size_exponent = 0
        cdef fh_instrument *entry
        cdef bint scaled = (slot.kind != FH_KIND_STAT and slot.kind != FH_KIND_STATE
                            and slot.kind != FH_KIND_WRITER)
        memcpy(row, slot, _EVENT_BYTES)
        row.sequence = slot.stamp // 2
        if scaled and slot.instrument < self.capacity:
            entry = &segment.entries[slot.instrument]
            if FH_UNLIKELY(segment.entry_heads[slot.instrument] == 0
                           or slot.precision > entry.precision):
                entry = segment.entry(slot.instrument)
            price_exponent = entry.price_exponents[slot.precision & 7]
            size_exponent = entry.size_exponents[slot.precision & 7]
        if self.raw:
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

    cdef object _batch(self, size_t count):
        """The first `count` rows as an array of their own."""
        cdef Py_buffer view
        if FH_UNLIKELY(self.registered is not None):
            self._note()
        array = _empty(count, RAW_EVENT if self.raw else EVENT)
        if count:
            PyObject_GetBuffer(array, &view, PyBUF_WRITABLE)
            memcpy(view.buf, self.rows, count * self.row_bytes)
            PyBuffer_Release(&view)
        return array

    cdef object _read(self, Segment segment, uint64_t published):
        cdef fh_slot slot
        cdef uint64_t n = self.next
        cdef size_t count = 0        # rows filled; the first `whole` are of whole messages
        cdef size_t whole = 0
        cdef uint64_t passed = 0     # records of this message that are not wanted
        cdef int status = FH_READ_OK
        self.unfinished = False
        while n <= published:
            status = fh_slot_read(segment.ring_, segment.mask, n, &slot)
            if FH_UNLIKELY(status != FH_READ_OK):
                break
            if self._wants(&slot, n):
                self._row(segment, count, &slot)
                count += 1
            else:
                passed += 1
            n += 1
            if slot.flags & FH_FLAG_LAST:
                self.next = n
                self.delivered += count - whole
                self.filtered += passed
                whole = count
                passed = 0
                if whole >= _BATCH:
                    break
        if whole:
            return self._batch(whole)
        if status == FH_READ_LAPPED:
            return self._overrun(segment)
        if status != FH_READ_OK:
            raise segment._damaged(f"ring record {n}")
        self.unfinished = self.next <= published
        if FH_UNLIKELY(self.registered is not None):
            self._note()  # it got on, though nothing was for it
        return None

    cdef object _overrun(self, Segment segment):
        """Lapped: go on after what is published now, at a place where the cells can be joined."""
        cdef uint64_t at = 0
        cdef uint64_t lost
        if self.resync:
            self.overruns += 1
            self.want_state = 2
            return self._state(segment)
        if not self._joins(segment, &at):
            if segment.gone() is None:
                return None  # inside a message that was split; the next poll tries again
            at = fh_load64_acquire(&segment.header.published)
        lost = at + 1 - self.next
        self.next = at + 1
        self.lost += lost
        self.overruns += 1
        self._note()
        raise errors.Overrun(lost)

    # ---- state from the cells ----

    cdef object _state(self, Segment segment):
        """The wanted instruments' state as records, and the ring from there on: not before a
        message that was split is whole, since its cell is stored only then."""
        cdef uint64_t at = 0
        cdef uint32_t id
        cdef uint32_t count
        cdef size_t filled = 0
        if not self._joins(segment, &at):
            if segment.gone() is None:
                return None
            at = fh_load64_acquire(&segment.header.published)
        if self.want_state == 3:
            self.want_state = 0
            self.next = at + 1
            return None
        if self.skip == NULL:
            self.skip = <Skip *>malloc(self.capacity * sizeof(Skip))
            if self.skip == NULL:
                raise MemoryError()
        memset(self.skip, 0, self.capacity * sizeof(Skip))
        self.skip_until = 0
        if self.want_state == 2:
            self.lost += at + 1 - self.next
        self.next = at + 1
        count = segment.count()
        for id in range(count):
            if self.wanted == NULL or self.wanted[id]:
                filled = self._state_of(segment, id, filled)
        self.want_state = 0
        return self._batch(filled) if filled else None

    cdef size_t _state_of(self, Segment segment, uint32_t id, size_t at) except? 0:
        cdef fh_instrument *entry = segment.entry(id)
        cdef fh_quote q
        cdef fh_book_head *head
        cdef fh_word *memory = NULL
        cdef fh_word *level
        cdef fh_slot slot
        cdef size_t first = at
        cdef int side
        cdef uint32_t i, levels
        cdef int status
        cdef uint64_t newest = 0
        cdef bint has_book = False
        memset(&slot, 0, sizeof(slot))
        slot.instrument = id
        slot.flags = FH_FLAG_SNAPSHOT
        memory = <fh_word *>malloc(segment.book_bytes)
        if memory == NULL:
            raise MemoryError()
        try:
            status = fh_latch_read(
                <const fh_word *>(segment.books + <uint64_t>id * segment.book_stride),
                segment.book_bytes, memory, segment.book_bytes // 8)
            head = <fh_book_head *>memory
            if status == FH_READ_OK:
                if head.bids > segment.depth or head.asks > segment.depth:
                    raise segment._damaged(f"book cell {id}")
                has_book = entry.has_book != 0
                self.skip[id].book = head.ring_sequence
                slot.stamp = 2 * head.ring_sequence
                slot.exchange_ns = head.exchange_ns
                slot.receive_ns = head.receive_ns
                slot.venue_sequence = head.venue_sequence
                slot.precision = head.precision
                newest = head.ring_sequence
            elif status != FH_READ_EMPTY:
                raise segment._damaged(f"book cell {id}")
            else:
                segment.check()
            if has_book:
                if self.kinds >> FH_KIND_CLEAR & 1:
                    slot.kind = FH_KIND_CLEAR
                    self._row(segment, at, &slot)
                    at += 1
                if self.kinds >> FH_KIND_LEVEL & 1:
                    slot.kind = FH_KIND_LEVEL
                    for side in range(2):
                        slot.side = side
                        level = memory + sizeof(fh_book_head) // 8 + side * 2 * segment.depth
                        levels = head.asks if side else head.bids
                        for i in range(levels):
                            slot.price = <int64_t>level[2 * i]
                            slot.size = <int64_t>level[2 * i + 1]
                            self._row(segment, at, &slot)
                            at += 1
                if self.kinds >> FH_KIND_STATE & 1:
                    slot.kind = FH_KIND_STATE
                    slot.side = 0
                    slot.price = head.state
                    slot.size = head.reason
                    self.skip[id].state = head.ring_sequence
                    self._row(segment, at, &slot)
                    at += 1
        finally:
            free(memory)
        status = fh_latch_read(
            <const fh_word *>(segment.quotes + <uint64_t>id * segment.quote_stride),
            sizeof(fh_quote), <fh_word *>&q, sizeof(fh_quote) // 8)
        if status == FH_READ_OK:
            self.skip[id].quote = q.ring_sequence
            slot.stamp = 2 * q.ring_sequence
            slot.exchange_ns = q.exchange_ns
            slot.receive_ns = q.receive_ns
            slot.venue_sequence = q.venue_sequence
            slot.precision = q.precision
            slot.aux = 0
            newest = max(newest, q.ring_sequence)
            if self.kinds >> FH_KIND_QUOTE & 1:
                slot.kind = FH_KIND_QUOTE
                slot.side = 0
                slot.price = q.bid_price
                slot.size = q.bid_size
                self._row(segment, at, &slot)
                slot.side = 1
                slot.price = q.ask_price
                slot.size = q.ask_size
                self._row(segment, at + 1, &slot)
                at += 2
            if self.kinds >> FH_KIND_STAT & 1:
                slot.receive_ns = q.stats_ns
                slot.exchange_ns = 0
                for stat, value in (
                    (1, q.mark), (2, q.index), (3, q.underlying), (4, q.bid_iv), (5, q.ask_iv),
                    (6, q.mark_iv), (7, q.delta), (8, q.gamma), (9, q.vega), (10, q.theta),
                    (11, q.rho), (12, q.funding), (13, q.open_interest),
                ):
                    if value == value and _digits(value, &slot):
                        slot.kind = FH_KIND_STAT
                        slot.side = 0
                        slot.aux = stat
                        self._row(segment, at, &slot)
                        at += 1
                slot.aux = 0
                slot.receive_ns = q.receive_ns
                slot.exchange_ns = q.exchange_ns
            if not has_book and self.kinds >> FH_KIND_STATE & 1:
                slot.kind = FH_KIND_STATE
                slot.side = 0
                slot.price = q.state
                slot.size = q.reason
                self.skip[id].state = q.ring_sequence
                self._row(segment, at, &slot)
                at += 1
        elif status != FH_READ_EMPTY:
            raise segment._damaged(f"quote cell {id}")
        else:
            segment.check()
        self.skip_until = max(self.skip_until, newest)
        if at > first:
            (<EventRow *>(self.rows + first * self.row_bytes)).flags |= FH_FLAG_FIRST
            (<EventRow *>(self.rows + (at - 1) * self.row_bytes)).flags |= FH_FLAG_LAST
        return at

    # ---- sleeping ----

    def _wait(self, int64_t timeout_ns):
        """Sleep until something may be there, at most `timeout_ns`. False: there is no segment."""
        cdef Segment segment = self.segment
        if segment is None:
            return False
        cdef const fh_header *header = segment.header
        cdef uint32_t *sleepers = segment.sleepers
        cdef uint64_t seen = self.seen
        if sleepers == NULL and timeout_ns > 1000000:
            timeout_ns = 1000000  # nobody can be told that we sleep
        with nogil:
            fh_wait(header, sleepers, seen, timeout_ns)
        return True


cdef bint _digits(double value, fh_slot *slot) except -1:
    """The shortest decimal that is this double: mantissa and exponent. False: infinite."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int):
        return False
    mantissa = int("".join(map(str, digits)))
    slot.price = -mantissa if sign else mantissa
    slot.size = exponent
    return True
