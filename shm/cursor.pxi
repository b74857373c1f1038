# The event ring as one reader follows it: whole messages, filtered, counted.

cdef enum:
    _BATCH = 4096   # records: a poll hands out no more than this, rounded up to a whole message


cdef class Cursor:
    """A place in the ring. `shm.Events` adds names, sleeping, asyncio and re-attaching."""

    cdef readonly Segment segment
    cdef readonly uint64_t delivered    # ring records handed out
    cdef readonly uint64_t filtered     # ring records passed over: not asked for, or in the state
    cdef readonly uint64_t lost         # ring records overwritten before they were read
    cdef readonly uint64_t overruns     # how often
    cdef bint resync
    cdef int want_state                 # 1: asked for at the start; 2: after an overrun;
                                        # 3: none, but the start is inside a split message
    cdef uint64_t next                  # the next record to read: the start of a message, always
    cdef uint64_t seen                  # `published` when the last poll looked
    cdef EventFilter filter
    cdef EventRows rows
    cdef bint busy                      # somebody is inside, or sleeps in iteration
    cdef bint unfinished                # the last message that is there has no end
    cdef _Registration registered       # in the readers' object of `segment`, or None
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        _rows_are(&self.rows, False)

    def __dealloc__(self):
        _filter_clear(&self.filter)
        free(self.rows.at)

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
        self.filter.kinds = kinds
        self.resync = resync
        _rows_are(&self.rows, raw)

    def _open(self, Segment segment, bint select):
        """Take a segment, its ring from the first record on. `select`: only wanted instruments."""
        self.registered = None
        self.want_state = 0
        _filter_open(&self.filter, segment.capacity, select)
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
        for id in self._resolve(segment, self.filter.resolved):
            self.filter.wanted[<uint32_t>id] = 1
        self.filter.resolved = count
        return 0

    def _start_now(self):
        cdef uint64_t at = 0
        if not _joins(self.segment, self.next, &at):
            self.want_state = 3
        self.next = at + 1

    def _start_state(self):
        self.want_state = 1

    def _start_at(self, uint64_t first):
        self.next = _message_from(self.segment, first)

    def _start_oldest(self):
        self.next = _oldest_message(self.segment)

    @property
    def raw(self):
        return self.rows.raw

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
        if self.filter.wanted != NULL:
            count = segment.count()
            if count != self.filter.resolved:
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

    cdef object _batch(self, size_t count):
        if FH_UNLIKELY(self.registered is not None):
            self._note()
        return _rows_array(&self.rows, count)

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
            if _filter_wants(&self.filter, &slot, n):
                _event_row(&self.rows, segment, count, &slot)
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
        if not _joins(segment, self.next, &at):
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
        if not _joins(segment, self.next, &at):
            if segment.gone() is None:
                return None
            at = fh_load64_acquire(&segment.header.published)
        if self.want_state == 3:
            self.want_state = 0
            self.next = at + 1
            return None
        _filter_skip_none(&self.filter)
        if self.want_state == 2:
            self.lost += at + 1 - self.next
        self.next = at + 1
        count = segment.count()
        for id in range(count):
            if self.filter.wanted == NULL or self.filter.wanted[id]:
                filled = _state_rows(&self.rows, &self.filter, segment, id, filled)
        self.want_state = 0
        return self._batch(filled) if filled else None

    # ---- sleeping ----

    def _wait(self, int64_t timeout_ns):
        """Sleep until something may be there, at most `timeout_ns`. False: there is no segment."""
        cdef Segment segment = self.segment
        if segment is None:
            return False
        segment.wait(self.seen, timeout_ns)
        return True
