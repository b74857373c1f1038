# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""Records in, memory out. See `_mirror.pyi`; the work is done in `mirror.h`."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stddef cimport size_t
from libc.stdint cimport int8_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from shm.contract cimport FH_PRECISIONS, FH_REASON_END, FH_STATE_END, fh_writer

from shm.errors import NotWriter
from shm.recording._books import RECORD

cdef extern from "records.h" nogil:
    ctypedef struct mirrored_fields "rebuilt_fields":
        size_t sequence, instrument, kind, side, exchange_ns, receive_ns, venue_sequence, price, size
        size_t price_exponent, size_exponent, base
        int has_base
    ctypedef struct mirrored:
        uint8_t kind, status, has_book, precision
        uint32_t definition
        int8_t price_exponents[8]
        int8_t size_exponents[8]
    ctypedef struct mirrored_books "rebuilt_books":
        uint32_t room
    ctypedef struct mirror:
        fh_writer *writer
        mirrored_books books
        mirrored_fields fields
        size_t flags, precision, publish_delta, aux, stride
        uint32_t count
        uint64_t whole, shown, percent
    mirrored *mirror_define(mirror *m, uint32_t instrument)
    void mirror_marked(mirror *m, uint32_t instrument, uint32_t bids, uint32_t asks, uint8_t state,
                       uint8_t reason)
    size_t mirror_play(mirror *m, const uint8_t *row, size_t count, bint recorded)
    bint mirror_begun(const mirror *m, uint32_t instrument)
    void mirror_forget(mirror *m)
    void mirror_show(mirror *m)
    void mirror_wake(mirror *m)
    void mirror_close(mirror *m)


cdef size_t _at(str name) except? 0:
    return RECORD.fields[name][1]


cdef class Mirror:
    cdef mirror m
    cdef object writer
    cdef object capsule

    def __cinit__(self, writer, *, percent=()):
        self.writer = writer
        self.capsule = writer.capsule()
        memset(&self.m, 0, sizeof(self.m))
        self.m.writer = <fh_writer *>PyCapsule_GetPointer(self.capsule, b"feedhandler.writer")
        self.m.whole = self.m.shown = self.m.writer.next - 1
        self.m.stride = RECORD.itemsize
        self.m.flags = _at("flags")
        self.m.precision = _at("precision")
        self.m.publish_delta = _at("publish_delta_ns")
        self.m.aux = _at("aux")
        self.m.fields.sequence = _at("sequence")
        self.m.fields.instrument = _at("instrument")
        self.m.fields.kind = _at("kind")
        self.m.fields.side = _at("side")
        self.m.fields.exchange_ns = _at("exchange_ns")
        self.m.fields.receive_ns = _at("receive_ns")
        self.m.fields.venue_sequence = _at("venue_sequence")
        self.m.fields.price = _at("price")
        self.m.fields.size = _at("size")
        self.m.fields.price_exponent = _at("price_exponent")
        self.m.fields.size_exponent = _at("size_exponent")
        self.m.fields.base = _at("base")
        self.m.fields.has_base = True
        for stat in percent:
            self.m.percent |= <uint64_t>1 << <int>stat

    def __dealloc__(self):
        mirror_close(&self.m)

    cdef int _check(self) except -1:
        if self.m.writer.base == NULL:
            raise NotWriter("this process is a child of the writer: only the writer writes")
        return 0

    def define(self, instrument, *, int kind, int status, uint32_t definition, bint has_book,
               int precision, price_exponents, size_exponents):
        self._check()
        if not 0 <= instrument < self.m.writer.instruments:
            raise IndexError(f"the directory has no row {instrument}")
        cdef mirrored *i = mirror_define(&self.m, instrument)
        if i == NULL:
            raise MemoryError
        i.kind = kind
        i.status = status
        i.definition = definition
        i.has_book = has_book
        i.precision = precision
        for at in range(FH_PRECISIONS):
            i.price_exponents[at] = price_exponents[at] if at < len(price_exponents) else 0
            i.size_exponents[at] = size_exponents[at] if at < len(size_exponents) else 0

    def play(self, rows, *, bint recorded=True):
        self._check()
        if rows.dtype != RECORD or rows.ndim != 1 or (len(rows) > 1 and rows.strides[0] != self.m.stride):
            raise TypeError("rows are an array of RECORD")
        cdef size_t count = len(rows)
        if count == 0:
            return 0
        cdef const uint8_t *at = <const uint8_t *><size_t>rows.ctypes.data
        with nogil:
            count = mirror_play(&self.m, at, count, recorded)
        return count

    cdef int _known(self, instrument) except -1:
        self._check()
        if not 0 <= instrument < self.m.count:
            raise IndexError(f"instrument {instrument} is not defined")
        return 0

    def mark(self, instrument, uint32_t bids_known, uint32_t asks_known, int state, int reason):
        self._known(instrument)
        if not 0 <= state < FH_STATE_END or not 0 <= reason < FH_REASON_END:
            raise ValueError(f"no such state or reason: {state}, {reason}")
        mirror_marked(&self.m, instrument, bids_known, asks_known, state, reason)

    def known(self, instrument):
        self._known(instrument)
        return mirror_begun(&self.m, instrument)

    def forget(self):
        self._check()
        there = [i for i in range(self.m.count) if mirror_begun(&self.m, i)]
        mirror_forget(&self.m)
        return there

    def show(self):
        self._check()
        mirror_show(&self.m)
        mirror_wake(&self.m)

    @property
    def next_sequence(self):
        return self.m.writer.next
