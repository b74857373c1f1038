# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The C floor of the decode benchmark. See floor.h."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free

from shm.contract cimport fh_slot

cdef extern from "floor.h":
    ctypedef struct floor_level:
        int64_t price, size
    ctypedef struct floor_side:
        floor_level *levels
        unsigned count
    ctypedef struct floor_book:
        floor_side bids, asks
        bint begun
        unsigned price_places, size_places
        uint64_t last, quoted, traded
    ctypedef struct unix_clock:
        pass
    void clock_open(unix_clock *c)
    ctypedef struct floor_feed:
        unix_clock clock
        fh_slot *ring
        uint64_t mask, next, levels, refused, copies, gaps
        floor_book *books
    int FLOOR_BOOKS, FLOOR_PADDING, CURSOR_PADDING
    ctypedef bint (*floor_decoder)(floor_feed *f, const char *frame)
    floor_decoder floor_find(const char *venue)
    void floor_frame(floor_feed *f, floor_decoder decode, const char *frame, size_t length)
    const char *floor_symbol(floor_feed *f, const char *p, char close, floor_book **book)
    bint floor_binance_snapshot(floor_feed *f, const char *symbol, const char *p)

PADDING = CURSOR_PADDING


cdef class Floor:
    """One venue's feed of the floor: a ring of `slots` (a power of two) and its books."""

    cdef floor_feed *f
    cdef floor_decoder decode

    def __cinit__(self, str venue, Py_ssize_t slots=1 << 17):
        self.decode = floor_find(venue.encode())
        if self.decode == NULL:
            raise ValueError(f"no floor for {venue}")
        if slots <= 0 or slots & (slots - 1):
            raise ValueError("slots is not a power of two")
        self.f = <floor_feed *>calloc(1, sizeof(floor_feed))
        if self.f == NULL:
            raise MemoryError
        self.f.ring = <fh_slot *>calloc(slots, 64)
        if self.f.ring == NULL:
            raise MemoryError
        self.f.mask = slots - 1
        clock_open(&self.f.clock)

    def __dealloc__(self):
        cdef int i
        if self.f != NULL:
            for i in range(FLOOR_BOOKS):
                free(self.f.books[i].bids.levels)
                free(self.f.books[i].asks.levels)
            free(self.f.ring)
            free(self.f)

    @property
    def levels(self):
        return self.f.levels

    @property
    def records(self):
        return self.f.next

    def depth(self):
        """Levels in all books: to see that it did the work."""
        return sum(self.f.books[i].bids.count + self.f.books[i].asks.count
                   for i in range(FLOOR_BOOKS))

    def book(self, bytes symbol):
        """Bids and asks, each best first, as whole numbers; and the places of prices and of sizes."""
        cdef bytes padded = bytes(FLOOR_PADDING) + symbol + bytes(FLOOR_PADDING)
        cdef floor_book *b
        floor_symbol(self.f, PyBytes_AS_STRING(padded) + FLOOR_PADDING, 0, &b)
        bids = [(b.bids.levels[i].price, b.bids.levels[i].size) for i in range(b.bids.count)]
        asks = [(b.asks.levels[i].price, b.asks.levels[i].size) for i in range(b.asks.count)]
        return bids[::-1], asks[::-1], b.price_places, b.size_places

    def counters(self):
        """What came of frames that changed nothing, and numbers that were missing."""
        return {"refused": self.f.refused, "copies": self.f.copies, "gaps": self.f.gaps}

    def begin(self):
        """Another session: every book begins anew, and so do all numbers."""
        cdef int i
        for i in range(FLOOR_BOOKS):
            self.f.books[i].begun = False
            self.f.books[i].last = self.f.books[i].quoted = self.f.books[i].traded = 0

    def snapshot(self, bytes symbol, bytes body):
        """The answer of Binance that a book begins from."""
        cdef bytes padded = bytes(FLOOR_PADDING) + symbol + bytes(FLOOR_PADDING)
        cdef bytes answer = body + bytes(PADDING)
        if not floor_binance_snapshot(self.f, PyBytes_AS_STRING(padded) + FLOOR_PADDING, answer):
            raise ValueError(f"no snapshot of {symbol.decode()}")

    def feed(self, list frames):
        """Frames, each with PADDING bytes behind it."""
        for frame in frames:
            floor_frame(self.f, self.decode, PyBytes_AS_STRING(<bytes>frame),
                        PyBytes_GET_SIZE(frame) - CURSOR_PADDING)
