# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The C floor of the decode benchmark. See floor.h."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free

from shm.contract cimport fh_slot

cdef extern from "floor.h":
    ctypedef struct floor_level:
        pass
    ctypedef struct floor_side:
        floor_level *levels
        unsigned count
    ctypedef struct floor_book:
        floor_side bids, asks
    ctypedef struct unix_clock:
        pass
    void clock_open(unix_clock *c)
    ctypedef struct floor_feed:
        unix_clock clock
        fh_slot *ring
        uint64_t mask, next, levels
        floor_book *books
    int FLOOR_BOOKS, FLOOR_PADDING
    ctypedef void (*floor_decoder)(floor_feed *f, const char *frame)
    floor_decoder floor_find(const char *venue)
    void floor_binance_snapshot(floor_feed *f, const char *symbol, const char *p)

PADDING = FLOOR_PADDING


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

    def snapshot(self, bytes symbol, bytes body):
        cdef bytes padded = bytes(PADDING) + symbol + bytes(PADDING)
        cdef bytes answer = body + bytes(PADDING)
        floor_binance_snapshot(self.f, PyBytes_AS_STRING(padded) + FLOOR_PADDING, answer)

    def feed(self, list frames):
        for frame in frames:
            self.decode(self.f, PyBytes_AS_STRING(<bytes>frame))
