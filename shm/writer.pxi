# The writer's half: one data object, filled and then fed.

cdef extern from *:
    """
    #define FH_MAP_POPULATE 0x8000
    static void fh_capsule_free(PyObject *capsule) {
        Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule));
    }
    """
    const int FH_MAP_POPULATE
    void fh_capsule_free(PyObject *capsule)


cdef class Writer:
    cdef fh_writer w
    cdef void *data
    cdef size_t data_bytes
    cdef void *control
    cdef void *readers
    cdef int readers_guard
    cdef int pid
    cdef readonly bint closed
    cdef readonly bint mirror
    cdef readonly str venue
    cdef readonly str namespace
    cdef readonly object epoch
    cdef object __weakref__

    def __cinit__(self, int data_fd, int control_fd, int readers_fd, *, str venue, str namespace, epoch,
                  instruments, depth, ring_slots, connections, bint replay, bytes boot_id,
                  start_ticks, earlier=(), bint mirror=False):
        cdef fh_header *header
        regions, total = geometry(instruments, depth, ring_slots, connections)
        self.pid = getpid()
        self.readers_guard = -1
        self.closed = False
        self.mirror = mirror
        self.venue = venue
        self.namespace = namespace
        self.epoch = epoch
        self.control = _map(control_fd, FH_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
        self._map_readers(readers_fd)
        self.data = _map(data_fd, total, PROT_READ | PROT_WRITE, MAP_SHARED | FH_MAP_POPULATE)
        self.data_bytes = total
        header = <fh_header *>self.data
        header.version_major = FH_VERSION_MAJOR
        header.version_minor = FH_VERSION_MINOR
        header.header_bytes = FH_HEADER_BYTES
        header.layout_hash = fh_layout_hash()
        header.total_bytes = total
        memcpy(header.boot_id, <const char *>boot_id, 16)
        header.epoch = epoch
        for at, before in enumerate(earlier[:FH_EARLIER]):
            header.earlier[at] = before
        header.writer_start_ticks = start_ticks
        header.created_ns = fh_now_ns()
        header.writer_pid = self.pid
        header.book_depth = depth
        header.replay = replay
        _text(header.venue, 64, venue.encode())
        _text(header.space, 64, namespace.encode())
        _region(&header.directory, regions["directory"])
        _region(&header.quotes, regions["quotes"])
        _region(&header.books, regions["books"])
        _region(&header.connections, regions["connections"])
        _region(&header.histograms, regions["histograms"])
        _region(&header.ring, regions["ring"])
        header.heartbeat_ns = header.created_ns
        header.state_ns = header.created_ns
        fh_writer_open(&self.w, self.data, self.control, self.readers)

    def __dealloc__(self):
        if self.pid == getpid():  # a child has the same addresses, and perhaps other uses for them
            if self.data != NULL:
                munmap(self.data, self.data_bytes)
            if self.control != NULL:
                munmap(self.control, FH_CONTROL_BYTES)
            self._unmap_readers()

    cdef int _map_readers(self, int fd) except -1:
        """Readers may write this object, and truncate it: the mapping is guarded."""
        self.readers = _map(fd, FH_READERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
        self.readers_guard = fh_guard_add(self.readers, FH_READERS_BYTES, PROT_READ | PROT_WRITE)
        return 0

    cdef void _unmap_readers(self) noexcept:
        fh_guard_drop(self.readers_guard)
        self.readers_guard = -1
        if self.readers != NULL:
            munmap(self.readers, FH_READERS_BYTES)
            self.readers = NULL

    def _forget(self):
        """After a fork, in the child: whatever would write, also past this object, is stopped."""
        self.w.base = NULL  # what the engine looks at
        mprotect(self.data, self.data_bytes, PROT_READ)
        mprotect(self.control, FH_CONTROL_BYTES, PROT_READ)
        mprotect(self.readers, FH_READERS_BYTES, PROT_READ)

    cdef int _check(self) except -1:
        if self.pid != getpid():
            raise errors.NotWriter(
                f"process {getpid()} is a child of the writer {self.pid}: only the writer writes")
        if self.closed:
            raise errors.NotWriter(f"{self.venue}: this writer was closed")
        return 0

    cdef int _instrument(self, instrument) except -1:
        self._check()
        if not 0 <= instrument < fh_load32(&self.w.header.instruments):
            raise IndexError(f"instrument {instrument} is not in the directory")
        return 0

    def ready(self):
        self._check()
        if not self.mirror:  # whose records are all another's
            fh_message_begin(&self.w, FH_NO_INSTRUMENT, 0, 0, 0, fh_now_ns(), 0)
            fh_message_add(&self.w, FH_KIND_WRITER, 0, 1, 0, 0)
            fh_message_end(&self.w)
            fh_publish(&self.w)
        fh_store64_release(&self.w.header.magic, FH_MAGIC_DATA)

    cdef void _remember(self) noexcept:
        """Which epochs were before this one, for the writer that comes next."""
        for at in range(FH_EARLIER):
            fh_store64_release(&self.w.control.earlier[at], self.w.header.earlier[at])

    def announce(self):
        self._check()
        self._remember()
        fh_store64_release(&self.w.control.epoch, self.epoch)

    @property
    def control_epoch(self):
        return fh_load64_acquire(&self.w.control.epoch)

    @property
    def readers_whole(self):
        """Whether the readers' object is still there in its full size, and is one."""
        return (fh_load64_acquire(&(<fh_readers *>self.readers).magic) == FH_MAGIC_READERS
                and not fh_guard_broken(self.readers_guard))

    def readers_renewed(self, int fd):
        """Go over to another readers' object."""
        self._check()
        cdef void *old = self.readers
        cdef int guard = self.readers_guard
        self._map_readers(fd)
        self.w.sleepers = &(<fh_readers *>self.readers).sleepers
        fh_guard_drop(guard)
        munmap(old, FH_READERS_BYTES)

    def identify(self):
        """Put right in the control object whose it is; whether it was wrong."""
        self._check()
        cdef fh_header *header = self.w.header
        return _identify(self.w.control, self.venue.encode(), self.namespace.encode(),
                         header.boot_id[:16])

    def reclaim(self, start_ticks):
        """Put right in the control object what says who the writer is; whether it was wrong."""
        self._check()
        cdef fh_control *control = self.w.control
        if (fh_load64_acquire(&control.epoch) == <uint64_t>self.epoch
                and fh_load32_acquire(&control.writer_pid) == <uint32_t>self.pid
                and fh_load64_acquire(&control.writer_start_ticks) == <uint64_t>start_ticks):
            return False
        fh_store32_release(&control.writer_pid, <uint32_t>self.pid)
        fh_store64_release(&control.writer_start_ticks, <uint64_t>start_ticks)
        self._remember()
        fh_store64_release(&control.epoch, self.epoch)
        return True

    @property
    def next_sequence(self):
        return self.w.next

    @property
    def published(self):
        return fh_load64(&self.w.header.published)

    @property
    def depth(self):
        return self.w.depth

    @property
    def capacity(self):
        return self.w.instruments

    @property
    def instruments(self):
        return fh_load32(&self.w.header.instruments)

    def capsule(self):
        self._check()
        capsule = PyCapsule_New(&self.w, "feedhandler.writer", <PyCapsule_Destructor>fh_capsule_free)
        Py_INCREF(self)
        PyCapsule_SetContext(capsule, <void *>self)
        return capsule

    def message(self, instrument, records, *, flags=0, precision=0, exchange_ns=0, receive_ns=0,
                venue_sequence=0):
        if instrument is None:
            self._check()
            instrument = FH_NO_INSTRUMENT
        else:
            self._instrument(instrument)
        rows = [tuple(record) + (0,) * (5 - len(record)) for record in records]
        cdef int64_t price, size
        cdef uint8_t kind, side
        cdef uint32_t aux
        for kind, side, price, size, aux in rows:
            pass  # the types are right, before the message begins
        fh_message_begin(&self.w, instrument, precision, flags & (FH_FLAG_SNAPSHOT | FH_FLAG_REPLAY),
                         exchange_ns, receive_ns or fh_now_ns(), venue_sequence)
        for kind, side, price, size, aux in rows:
            fh_message_add(&self.w, kind, side, price, size, aux)
        return fh_message_end(&self.w)

    def publish(self):
        self._check()
        fh_publish(&self.w)

    def wake(self):
        self._check()
        fh_wake(&self.w)

    def quote_store(self, instrument, fields):
        self._instrument(instrument)
        row = _fill("quote", fields, _QUOTE_DEFAULTS)
        if not row["publish_ns"]:
            row["publish_ns"] = fh_now_ns()
        cdef _Row buffer = _Row(row, sizeof(fh_quote))
        fh_quote_store(&self.w, instrument, <const fh_quote *>buffer.view.buf)

    def book_store(self, instrument, fields, bids, asks):
        self._instrument(instrument)
        cdef Py_ssize_t depth = self.w.depth
        cdef Py_ssize_t i
        cdef int64_t price, size
        sides = []
        for side in (bids, asks):
            levels = [(int(price), int(size)) for price, size in side]
            sides.append(levels)
        head = dict(fields) if not isinstance(fields, (np.void, np.ndarray)) else fields
        if isinstance(head, dict):
            head.setdefault("bids_total", len(sides[0]))
            head.setdefault("asks_total", len(sides[1]))
            head.setdefault("bids_known", FH_KNOWN_WHOLE)
            head.setdefault("asks_known", FH_KNOWN_WHOLE)
        row = _fill("book", head, {})
        row["bids"] = min(len(sides[0]), depth)
        row["asks"] = min(len(sides[1]), depth)
        if not row["publish_ns"]:
            row["publish_ns"] = fh_now_ns()
        cdef _Row buffer = _Row(row, sizeof(fh_book_head))
        for levels in sides:
            for price, size in levels:
                pass  # the types are right, before the cell is opened
        cdef fh_word *words = fh_book_begin(
            &self.w, instrument, <const fh_book_head *>buffer.view.buf)
        for levels in sides:
            i = 0
            for price, size in levels[:depth]:
                fh_store64(words + 2 * i, <uint64_t>price)
                fh_store64(words + 2 * i + 1, <uint64_t>size)
                i += 1
            while i < depth:
                fh_store64(words + 2 * i, 0)
                fh_store64(words + 2 * i + 1, 0)
                i += 1
            words = fh_book_asks(&self.w, words)
        fh_book_end(&self.w, instrument)

    def directory_add(self, fields):
        self._check()
        row = _fill("instrument", fields, {"contract_size": 1.0, "has_book": 1})
        cdef _Row buffer = _Row(row, sizeof(fh_instrument))
        cdef int64_t row_id = fh_directory_add(&self.w, <fh_instrument *>buffer.view.buf)
        if row_id < 0:
            raise MemoryError(f"the directory is full: {self.w.instruments} instruments")
        return row_id

    def directory_update(self, instrument, fields):
        self._instrument(instrument)
        row = _fill("instrument", fields, {"contract_size": 1.0, "has_book": 1})
        row["id"] = instrument
        cdef _Row buffer = _Row(row, sizeof(fh_instrument))
        fh_directory_update(&self.w, instrument, <const fh_instrument *>buffer.view.buf)

    def connection_store(self, row, **fields):
        self._check()
        if not 0 <= row < self.w.header.connections.count:
            raise IndexError(f"the connection table has {self.w.header.connections.count} rows")
        values = _fill("connection", {"id": row, **fields}, {})
        cdef _Row buffer = _Row(values, sizeof(fh_connection))
        fh_connection_store(&self.w, row, <const fh_connection *>buffer.view.buf)

    def counter_add(self, counter, n=1):
        self._check()
        if not 0 <= counter < FH_COUNTERS:
            raise IndexError(f"there are {FH_COUNTERS} counters")
        fh_counter_add(&self.w, counter, n)

    def counters(self):
        self._check()
        cdef int row
        return [self.w.header.counters[row] for row in range(FH_COUNTERS)]

    def histogram_add(self, histogram, value):
        self._check()
        if not 0 <= histogram < FH_HISTOGRAMS:
            raise IndexError(f"there are {FH_HISTOGRAMS} histograms")
        fh_histogram_add(&self.w, histogram, value if value > 0 else 0, 1)

    def heartbeat(self, int64_t last_receive_ns=0):
        self._check()
        fh_storei64(&self.w.header.heartbeat_ns, fh_now_ns())
        if last_receive_ns:
            fh_storei64(&self.w.header.last_receive_ns, last_receive_ns)

    def set_state(self, state, reason, detail=""):
        self._check()
        cdef char text[128]
        _text(text, 128, detail.encode()[:127])
        if state != fh_load32(&self.w.header.state):
            fh_storei64(&self.w.header.state_ns, fh_now_ns())
        fh_words_in(<fh_word *>self.w.header.detail, <const fh_word *>text, 16)
        fh_store32(&self.w.header.reason, reason)
        fh_store32_release(&self.w.header.state, state)

    def mirrors(self, uint32_t hops, str source, str link, *, int64_t clock_offset_ns, int64_t clock_error_ns,
                int64_t late_ns, int64_t heard_ns, uint64_t lost, uint64_t repaired):
        self._check()
        cdef fh_header *h = self.w.header
        cdef char text[128]
        _text(text, 128, source.encode()[:127])
        fh_words_in(<fh_word *>h.source, <const fh_word *>text, 16)
        _text(text, 128, link.encode()[:127])
        fh_words_in(<fh_word *>h.link, <const fh_word *>text, 16)
        fh_storei64(&h.clock_offset_ns, clock_offset_ns)
        fh_storei64(&h.clock_error_ns, clock_error_ns)
        fh_storei64(&h.late_ns, late_ns)
        fh_storei64(&h.heard_ns, heard_ns)
        fh_store64(&h.lost, lost)
        fh_store64(&h.repaired, repaired)
        fh_store32_release(&h.mirror, hops)

    def over(self):
        self._check()
        fh_supersede(self.w.header)

    def close(self, detail="stopped"):
        if self.closed:
            return
        self._check()
        if not self.mirror:
            fh_message_begin(&self.w, FH_NO_INSTRUMENT, 0, 0, 0, fh_now_ns(), 0)
            fh_message_add(&self.w, FH_KIND_WRITER, 0, 0, 0, 0)
            fh_message_end(&self.w)
        self.set_state(FH_STATE_CLOSED, FH_REASON_STOPPED, detail)
        fh_publish(&self.w)
        fh_supersede(self.w.header)
        self.closed = True
