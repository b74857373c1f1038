# The reader's half: a mapping, what lies in it, and when its writer is gone.

from libc.stdlib cimport calloc, free, malloc, realloc

cdef extern from *:
    """
    #include <fcntl.h>
    /* 1: somebody holds the writer's lock; 0: nobody; -1: errno. Never takes it. */
    static int fh_lock_held(int fd) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return -1;
        return lock.l_type != F_UNLCK;
    }
    static int64_t fh_coarse_ns(void) { /* a few ns; a few ms coarse */
        struct timespec now;
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    }
    """
    int fh_lock_held(int fd) nogil
    int64_t fh_coarse_ns() nogil

cdef extern from "guard.h" nogil:
    int fh_guard_add(const void *base, size_t size, int protection)
    void fh_guard_drop(int guard)
    bint fh_guard_broken(int guard)

cdef extern from *:
    bint FH_LIKELY(bint x) nogil
    bint FH_UNLIKELY(bint x) nogil

cdef enum:
    _SUSPECT_NS = 300000000   # a heartbeat older than this: ask the lock
    _ASK_NS = 50000000        # not more often than this
    _DEAD_NS = 1000000000     # a heartbeat older than this: nothing is called live

DEAD_NS = _DEAD_NS

cdef object _State = int
cdef object _Reason = int
cdef object _InstrumentKind = int
cdef object _ContractType = int
cdef object _OptionType = int
cdef object _Status = int


def register_enums(state, reason, instrument_kind, contract_type, option_type, status):
    """The enums that attributes are given as; `shm.names` makes them of `names()`."""
    global _State, _Reason, _InstrumentKind, _ContractType, _OptionType, _Status
    _State = state
    _Reason = reason
    _InstrumentKind = instrument_kind
    _ContractType = contract_type
    _OptionType = option_type
    _Status = status


cdef object _member(kind, uint32_t value):
    """An enum's member; the bare number when a newer writer knows more of them."""
    try:
        return kind(value)
    except ValueError:
        return value


cdef str _string(const char *field, size_t size):
    cdef size_t n = 0
    while n < size and field[n]:
        n += 1
    return field[:n].decode("utf-8", "replace")


ctypedef struct Fact:
    # What of a directory row is in every row of a board; 32 bytes, of which a core's cache has room.
    uint64_t head
    double strike
    int64_t expiry_ns
    uint8_t kind, option


@cython.final
cdef class Segment:
    """One data object, mapped read-only, and its control object."""

    cdef const unsigned char *base
    cdef size_t size
    cdef int guard, control_guard
    cdef fh_header plan             # the header as it was checked: what never changes is taken from here
    cdef fh_region readers          # of the control object, as it was checked
    cdef const fh_header *header
    cdef fh_control *control
    cdef uint32_t *sleepers
    cdef int control_fd
    cdef const fh_slot *ring_
    cdef uint64_t mask
    cdef const unsigned char *directory
    cdef const unsigned char *quotes
    cdef const unsigned char *books
    cdef uint32_t directory_stride, quote_stride, book_stride, book_bytes
    cdef readonly uint32_t capacity
    cdef uint32_t rows              # of the directory: the most that were ever seen in use
    cdef readonly uint32_t depth
    cdef readonly uint64_t epoch
    cdef readonly str venue
    cdef readonly str namespace
    cdef fh_instrument *entries     # the directory as last read, by id
    cdef uint64_t *entry_heads      # the cell's head word when it was read
    cdef Fact *facts                # by id, of the row as of `head`
    cdef dict moved                 # symbol -> id here, for instruments of another epoch
    cdef int64_t next_ask_ns
    cdef bint lost                  # `gone()` said so once; it never changes its mind
    cdef object __weakref__

    def __cinit__(self, int data_fd, int control_fd, bint control_writable, bytes header,
                  tuple readers, *, str venue, str namespace):
        cdef int protection = PROT_READ | PROT_WRITE if control_writable else PROT_READ
        self.control_fd = self.guard = self.control_guard = -1
        self.moved = {}
        if <size_t>len(header) != sizeof(fh_header):
            raise ValueError(f"a header of {len(header)} bytes")
        memcpy(&self.plan, <const char *>header, sizeof(fh_header))
        self.size = self.plan.total_bytes
        self.base = <const unsigned char *>_map(data_fd, self.size, PROT_READ, MAP_SHARED)
        self.guard = fh_guard_add(self.base, self.size, PROT_READ)
        if control_fd >= 0:
            self.control = <fh_control *>_map(control_fd, FH_CONTROL_BYTES, protection, MAP_SHARED)
            self.control_guard = fh_guard_add(self.control, FH_CONTROL_BYTES, protection)
            self.sleepers = &self.control.sleepers if control_writable else NULL
            self.control_fd = os.dup(control_fd)
        if readers is not None:
            _region(&self.readers, readers)
        self.header = <const fh_header *>self.base
        self.ring_ = <const fh_slot *>(self.base + self.plan.ring.offset)
        self.mask = self.plan.ring.count - 1
        self.directory = self.base + self.plan.directory.offset
        self.quotes = self.base + self.plan.quotes.offset
        self.books = self.base + self.plan.books.offset
        self.directory_stride = self.plan.directory.stride
        self.quote_stride = self.plan.quotes.stride
        self.book_stride = self.plan.books.stride
        self.depth = self.plan.book_depth
        self.book_bytes = fh_book_copy_bytes(self.depth)
        self.capacity = self.plan.directory.count
        self.epoch = self.plan.epoch
        self.venue = venue
        self.namespace = namespace
        self.entries = <fh_instrument *>calloc(self.capacity, sizeof(fh_instrument))
        self.entry_heads = <uint64_t *>calloc(self.capacity, sizeof(uint64_t))
        self.facts = <Fact *>calloc(self.capacity, sizeof(Fact))
        if self.entries == NULL or self.entry_heads == NULL or self.facts == NULL:
            raise MemoryError()

    def __dealloc__(self):
        fh_guard_drop(self.guard)
        fh_guard_drop(self.control_guard)
        if self.base != NULL:
            munmap(<void *>self.base, self.size)
        if self.control != NULL:
            munmap(self.control, FH_CONTROL_BYTES)
        if self.control_fd >= 0:
            close(self.control_fd)  # the module os may be gone at the interpreter's end
        free(self.entries)
        free(self.entry_heads)
        free(self.facts)

    @property
    def instruments(self):
        return self.count()

    @property
    def published(self):
        return fh_load64_acquire(&self.header.published)

    @property
    def slots(self):
        return self.mask + 1

    @property
    def heartbeat_ns(self):
        return fh_loadi64(&self.header.heartbeat_ns)

    @property
    def venue_state(self):
        return (_member(_State, fh_load32_acquire(&self.header.state)),
                _member(_Reason, fh_load32(&self.header.reason)))

    @property
    def can_wake(self):
        return self.sleepers != NULL

    cdef uint32_t count(self) noexcept:
        cdef uint32_t n = fh_load32_acquire(&self.header.instruments)
        if FH_UNLIKELY(n > self.capacity):
            n = self.capacity
        if FH_UNLIKELY(n > self.rows):
            self.rows = n
        return n

    cdef object no_row(self, uint32_t id):
        """The error about a row that the directory does not have (any more: it only grows)."""
        self.check()
        return self._damaged("instruments") if id < self.rows else IndexError(f"no instrument {id}")

    @property
    def truncated(self):
        return fh_guard_broken(self.guard)

    cdef int check(self) except -1:
        """What was found missing may be missing because the object was truncated."""
        if FH_UNLIKELY(fh_guard_broken(self.guard)):
            raise errors.DamagedSegment(
                f"{self.namespace}.{self.venue} epoch {self.epoch}: total_bytes is {self.size}, but "
                "the object was truncated while it was mapped; restart its writer", "total_bytes")
        return 0

    cdef object _damaged(self, str what):
        self.check()
        return errors.DamagedSegment(
            f"{self.namespace}.{self.venue} epoch {self.epoch}: {what} cannot be read", what)

    cdef fh_instrument *entry(self, uint32_t id) except NULL:
        """The directory's row as it is now. The caller has checked `id` against the capacity."""
        cdef const fh_word *cell = <const fh_word *>(
            self.directory + <uint64_t>id * self.directory_stride)
        cdef uint64_t head = fh_load64_acquire(cell)
        cdef int status
        if head != self.entry_heads[id]:
            status = fh_latch_read(cell, sizeof(fh_instrument), <fh_word *>&self.entries[id],
                                   sizeof(fh_instrument) // 8)
            if status != FH_READ_OK:
                raise self._damaged(f"directory row {id}")
            self.entry_heads[id] = self.entries[id].stamp // 2
        return &self.entries[id]

    cdef const Fact *fact(self, uint32_t id) except NULL:
        """The same for a board's row. The caller has checked `id` against the capacity."""
        cdef Fact *fact = &self.facts[id]
        cdef fh_instrument *entry
        if FH_UNLIKELY(fact.head == 0 or fact.head != fh_load64_acquire(<const fh_word *>(
                self.directory + <uint64_t>id * self.directory_stride))):
            entry = self.entry(id)
            fact.head = self.entry_heads[id]
            fact.strike = entry.strike
            fact.expiry_ns = entry.expiry_ns
            fact.kind = entry.kind
            fact.option = entry.option_type
        return fact

    def gone(self):
        reason = self.why_gone()
        if reason is not None:
            self.lost = True
        elif self.lost:
            reason = "died"  # the next writer has the lock already, and has not said who it is yet
        return reason

    cdef str why_over(self):
        """How the writer said that nothing follows; None: it did not."""
        if not fh_load32_acquire(&self.header.superseded):
            return None
        if (fh_load32(&self.header.state) == <uint32_t>FH_STATE_CLOSED
                and fh_load32(&self.header.reason) == <uint32_t>FH_REASON_STOPPED):
            return "stopped"
        return "superseded"

    cdef str why_gone(self):
        over = self.why_over()
        if over is None:
            over = self.why_dead()
        if over is None:
            self.check()
        return over

    cdef str why_dead(self):
        """What the control object and the lock say."""
        if self.control == NULL:
            return "died"
        if fh_load64_acquire(&self.control.epoch) != self.epoch:
            return "superseded"
        if (fh_load32_acquire(&self.control.writer_pid) != self.plan.writer_pid
                or fh_load64_acquire(&self.control.writer_start_ticks)
                != self.plan.writer_start_ticks):
            return "died"  # another writer is starting
        held = fh_lock_held(self.control_fd)
        if held < 0:
            raise OSError(errno, os.strerror(errno))
        if held:
            return None
        return self.why_over() or "died"  # it may have stopped in order since the first look

    cdef bint suspect(self) noexcept:
        """Whether it is time to ask `gone()`: two loads and a coarse clock."""
        if FH_UNLIKELY(self.lost or fh_load32(&self.header.superseded) != 0):
            return True
        cdef int64_t now = fh_coarse_ns()
        cdef int64_t age = now - fh_loadi64(&self.header.heartbeat_ns)
        if FH_LIKELY(-_SUSPECT_NS < age < _SUSPECT_NS):
            return False
        if -_ASK_NS < self.next_ask_ns - now < _ASK_NS and now < self.next_ask_ns:
            return False
        self.next_ask_ns = now + _ASK_NS - 1
        return True

    cdef int64_t heartbeat_age(self, int64_t now) noexcept:
        cdef int64_t age = now - fh_loadi64(&self.header.heartbeat_ns)
        return age if age >= 0 else -(age + 1)

    def instrument(self, uint32_t row):
        cdef uint32_t id = row
        if id >= self.count():
            raise self.no_row(id)
        cdef fh_instrument *entry = self.entry(id)
        cdef Instrument made = Instrument.__new__(Instrument)
        cdef unsigned precision = entry.precision & 7
        made.id = id
        made.epoch = self.epoch
        made.head = self.entry_heads[id]
        made.venue = self.venue
        made.symbol = _string(entry.symbol, 64)
        made.name = _string(entry.name, 64)
        made.kind = _member(_InstrumentKind, entry.kind)
        made.option = _member(_OptionType, entry.option_type)
        made.contract_type = _member(_ContractType, entry.contract_type)
        made.status = _member(_Status, entry.status)
        made.has_book = entry.has_book != 0
        made.precision = entry.precision
        made.price_exponent = entry.price_exponents[precision]
        made.size_exponent = entry.size_exponents[precision]
        made.price_exponents = tuple([entry.price_exponents[i] for i in range(8)])
        made.size_exponents = tuple([entry.size_exponents[i] for i in range(8)])
        made.tick = entry.tick
        made.lot = entry.lot
        made.contract_size = entry.contract_size
        made.strike = entry.strike
        made.expiry_ns = entry.expiry_ns
        made.base = _string(entry.base, 16)
        made.quote = _string(entry.quote, 16)
        made.settle = _string(entry.settle, 16)
        return made

    def changed(self, Instrument instrument):
        """Whether the instrument's directory row was stored again since it was made."""
        cdef const fh_word *cell = <const fh_word *>(
            self.directory + <uint64_t>instrument.id * self.directory_stride)
        return fh_load64_acquire(cell) != instrument.head

    def names(self, uint32_t first):
        """[(symbol, name)] of the rows from `first` on."""
        cdef uint32_t id
        found = []
        for id in range(first, self.count()):
            entry = self.entry(id)
            found.append((_string(entry.symbol, 64), _string(entry.name, 64)))
        self.check()
        return found

    # ---- inspection: dead memory, live memory ----

    def cell(self, str region, uint32_t row):
        """(status, copy of the cell's current copy as bytes, or b"")."""
        cdef const fh_region *where
        cdef size_t copy
        if region == "directory":
            where = &self.plan.directory
            copy = sizeof(fh_instrument)
        elif region == "quotes":
            where = &self.plan.quotes
            copy = sizeof(fh_quote)
        elif region == "books":
            where = &self.plan.books
            copy = self.book_bytes
        elif region == "connections":
            where = &self.plan.connections
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
                <const fh_word *>(self.base + where.offset + <uint64_t>row * where.stride),
                copy, memory, copy // 8)
            self.check()
            return status, (<char *>memory)[:copy] if status == FH_READ_OK else b""
        finally:
            free(memory)

    def ring(self, uint64_t first, uint64_t count):
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
            slot = <const fh_word *>&self.ring_[n & self.mask]
            found = fh_slot_read(self.ring_, self.mask, n, <fh_slot *>out)
            if found != FH_READ_OK:
                fh_words_out(slot, out, 8)  # as it is, whatever it is
            out[8] = n
            status = <uint8_t *>(out + 9)
            status[0] = found
            out += 10
        PyBuffer_Release(&view)
        self.check()
        return rows

    def counters(self):
        cdef int i
        counters = [fh_load64(&self.header.counters[i]) for i in range(FH_COUNTERS)]
        self.check()
        return counters

    def histogram(self, uint32_t row):
        cdef const fh_region *where = &self.plan.histograms
        cdef int i
        if row >= where.count:
            raise IndexError(f"{where.count} histograms")
        cdef const uint64_t *buckets = <const uint64_t *>(
            self.base + where.offset + <uint64_t>row * where.stride)
        found = [fh_load64(buckets + i) for i in range(FH_HISTOGRAM_BUCKETS)]
        self.check()
        return found

    # ---- the readers' registry ----

    cdef fh_reader_row *register(self, bytes name, start_ticks_of) except? NULL:
        """A row of the registry for this process; NULL if there is none to be had."""
        cdef fh_reader_row *row
        cdef fh_reader_row *claimed
        cdef uint32_t i, pid
        cdef uint64_t[8] padded
        if self.sleepers == NULL:
            return NULL
        memset(padded, 0, sizeof(padded))
        memcpy(padded, <const char *>name, min(len(name), 63))
        for i in range(self.readers.count):
            row = <fh_reader_row *>(<unsigned char *>self.control + self.readers.offset
                                    + <uint64_t>i * self.readers.stride)
            pid = fh_load32(&row.pid)
            if pid & FH_READER_CLAIMED:
                if start_ticks_of(pid & ~FH_READER_CLAIMED):
                    continue  # it lives, and has the row in a moment
            elif pid != 0 and start_ticks_of(pid) == fh_load64(&row.start_ticks):
                continue
            claimed = fh_reader_claim_row(row, pid)
            if claimed != NULL:
                fh_store64(&claimed.start_ticks, start_ticks_of(getpid()))
                fh_store64(&claimed.epoch, self.epoch)
                fh_store64(&claimed.cursor, 0)
                fh_store64(&claimed.lost, 0)
                fh_store64(&claimed.overruns, 0)
                fh_storei64(&claimed.updated_ns, fh_coarse_ns())
                fh_words_in(<fh_word *>claimed.name, <const fh_word *>padded, 8)
                fh_store32_release(&claimed.pid, <uint32_t>getpid())
                return claimed
        return NULL


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
