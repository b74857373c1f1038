# The reader's half: a mapping, what lies in it, and when its writer is gone.

from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp

cdef extern from *:
    bint FH_LIKELY(bint x) nogil
    bint FH_UNLIKELY(bint x) nogil

DEAD_NS = FH_DEAD_NS


ctypedef struct Fact:
    # What of a directory row is in every row of a board; 32 bytes, of which a core's cache has room.
    uint64_t head
    double strike
    int64_t expiry_ns
    uint8_t kind, option


cdef bint _regrouped(const fh_instrument *old, const fh_instrument *now) noexcept:
    """Whether it is in another place of another chain."""
    return (old.kind != now.kind or old.option_type != now.option_type or
            old.strike != now.strike or old.expiry_ns != now.expiry_ns or
            memcmp(old.base, now.base, 16 * 3) != 0)  # base, quote, settle


cdef extern from "shm/mapped.h" nogil:
    ctypedef struct fh_mapped:
        const unsigned char *base
        const fh_header *header
        const fh_header *plan
        const fh_slot *ring
        uint64_t mask


@cython.final
cdef class Segment:
    """One data object, mapped read-only, and its control object."""

    cdef const unsigned char *base
    cdef size_t size
    cdef int guard, control_guard, readers_guard
    cdef fh_header plan             # the header as it was checked: what never changes is taken from here
    cdef const fh_header *header
    cdef const fh_control *control
    cdef fh_readers *readers        # NULL: this reader may not write it
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
    cdef readonly int owner         # the user whose feed it is
    cdef fh_instrument *entries     # the directory as last read, by id
    cdef uint64_t *entry_heads      # the cell's head word when it was read
    cdef Fact *facts                # by id, of the row as of `head`
    cdef dict moved                 # symbol -> id here, for instruments of another epoch
    cdef dict newest                # id -> its instrument, where a caller's is of an older definition
    cdef int64_t next_ask_ns
    cdef readonly uint64_t regrouped  # how often a row was found to be of another chain
    cdef bint lost                  # `gone()` said so once; it never changes its mind
    cdef fh_mapped mapped           # for native code of other rooms
    cdef object __weakref__

    def __cinit__(self, int data_fd, int control_fd, int readers_fd, bytes header,
                  *, str venue, str namespace, int owner):
        cdef int both = PROT_READ | PROT_WRITE
        self.control_fd = self.guard = self.control_guard = self.readers_guard = -1
        self.moved = {}
        self.newest = {}
        if <size_t>len(header) != sizeof(fh_header):
            raise ValueError(f"a header of {len(header)} bytes")
        memcpy(&self.plan, <const char *>header, sizeof(fh_header))
        self.size = self.plan.total_bytes
        self.base = <const unsigned char *>_map(data_fd, self.size, PROT_READ, MAP_SHARED)
        self.guard = fh_guard_add(self.base, self.size, PROT_READ)
        if control_fd >= 0:
            self.control = <const fh_control *>_map(
                control_fd, FH_CONTROL_BYTES, PROT_READ, MAP_SHARED)
            self.control_guard = fh_guard_add(self.control, FH_CONTROL_BYTES, PROT_READ)
            self.control_fd = os.dup(control_fd)
        if readers_fd >= 0:
            self.readers = <fh_readers *>_map(readers_fd, FH_READERS_BYTES, both, MAP_SHARED)
            self.readers_guard = fh_guard_add(self.readers, FH_READERS_BYTES, both)
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
        self.owner = owner
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
        fh_guard_drop(self.readers_guard)
        if self.control != NULL:
            munmap(<void *>self.control, FH_CONTROL_BYTES)
        if self.readers != NULL:
            munmap(self.readers, FH_READERS_BYTES)
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
    def earlier(self):
        return tuple(self.plan.earlier[at] for at in range(FH_EARLIER) if self.plan.earlier[at])

    @property
    def created_ns(self):
        return self.plan.created_ns

    @property
    def replay(self):
        return self.plan.replay != 0

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
    def connection_capacity(self):
        return self.plan.connections.count

    @property
    def life(self):
        return self.plan.epoch, self.plan.writer_pid, self.plan.writer_start_ticks, self.plan.created_ns

    @property
    def mirror(self):
        cdef const fh_header *h = self.header
        cdef uint32_t hops = fh_load32_acquire(&h.mirror)
        if hops == 0:
            return None
        cdef char source[128]
        cdef char link[128]
        fh_words_out(<const fh_word *>h.source, <fh_word *>source, 16)
        fh_words_out(<const fh_word *>h.link, <fh_word *>link, 16)
        return {
            "hops": hops,
            "source": _string(source, 128),
            "link": _string(link, 128),
            "late_ns": fh_loadi64(&h.late_ns),
            "heard_ns": fh_loadi64(&h.heard_ns),
            "clock_offset_ns": fh_loadi64(&h.clock_offset_ns),
            "clock_error_ns": fh_loadi64(&h.clock_error_ns),
            "lost": fh_load64(&h.lost),
            "repaired": fh_load64(&h.repaired),
        }

    cdef int64_t now(self) noexcept:
        """The time by the clock of all that is in this memory: a mirror's is its source's."""
        return fh_now_ns() + fh_loadi64(&self.header.clock_offset_ns)

    @property
    def now_ns(self):
        return self.now()

    def capsule(self):
        self.mapped = fh_mapped(self.base, self.header, &self.plan, self.ring_, self.mask)
        capsule = PyCapsule_New(&self.mapped, "feedhandler.mapped", <PyCapsule_Destructor>fh_capsule_free)
        Py_INCREF(self)
        PyCapsule_SetContext(capsule, <void *>self)
        return capsule

    def wait(self, uint64_t seen, int64_t timeout_ns):
        cdef uint32_t *sleepers = self.sleepers()
        if sleepers == NULL and timeout_ns > 1000000:
            timeout_ns = 1000000  # nobody can be told that we sleep
        with nogil:
            fh_wait(self.header, sleepers, seen, timeout_ns)

    cdef uint32_t *sleepers(self) noexcept:
        """The word that asks to be woken; NULL: it may not be written, or somebody truncated it."""
        if self.readers == NULL or FH_UNLIKELY(fh_guard_broken(self.readers_guard)):
            return NULL
        return &self.readers.sleepers

    @property
    def can_wake(self):
        return self.sleepers() != NULL

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
        cdef fh_instrument now
        if head != self.entry_heads[id]:
            status = fh_latch_read(cell, sizeof(fh_instrument), <fh_word *>&now,
                                   sizeof(fh_instrument) // 8)
            if status != FH_READ_OK:
                raise self._damaged(f"directory row {id}")
            if self.entry_heads[id] and _regrouped(&self.entries[id], &now):
                self.regrouped += 1
            self.entries[id] = now
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

    cdef str why_gone(self):
        cdef int end = fh_writer_gone(self.header, self.control, &self.plan, self.control_fd)
        if end < 0:
            raise OSError(errno, os.strerror(errno))
        if end == FH_WRITER_LIVES:
            self.check()
            return None
        if end == FH_WRITER_STOPPED:
            return "stopped"
        return "superseded" if end == FH_WRITER_SUPERSEDED else "died"

    cdef bint suspect(self) noexcept:
        """Whether it is time to ask `gone()`."""
        return FH_UNLIKELY(self.lost) or fh_suspect(self.header, &self.next_ask_ns)

    cdef int64_t heartbeat_age(self, int64_t now) noexcept:
        return fh_heartbeat_age(self.header, now)

    def instrument(self, uint32_t row):
        if row >= self.count():
            raise self.no_row(row)
        return _instrument(self, row)

    cdef Instrument defined(self, int64_t id, Instrument wanted):
        """The instrument under the row's definition now; as it was asked for if it has no row."""
        if id < 0:
            return wanted
        cdef Instrument newest = self.newest.get(id)
        if newest is None or self.changed(newest):
            newest = self.newest[id] = _instrument(self, <uint32_t>id)
        return newest

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

    # ---- for inspection ----

    def cell(self, str region, uint32_t row):
        return _cell_copy(self, region, row)

    def ring(self, uint64_t first, uint64_t count):
        return _ring_copy(self, first, count)

    def counters(self):
        return _counters(self)

    def histogram(self, uint32_t row):
        return _histogram(self, row)
