# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""Both ends of the link. See `_link.pyi`; the work is done in `source.h` and `mirrored.h`."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from shm.contract cimport fh_writer

from shm.errors import DamagedSegment, NotWriter

cdef extern from "source.h" nogil:
    const int LINK_WIRE, LINK_LAPPED, LINK_DAMAGED, LINK_NO_MEMORY, LINK_REPAIR, LINK_END
    const uint32_t LINK_MAGIC
    ctypedef struct link_head:
        uint32_t magic
        uint16_t wire
        uint8_t kind, flags
        uint64_t life, epoch, number, first, last, until, since
        int64_t sent_ns
        uint32_t bytes, records, runs, images
    ctypedef struct link_out:
        unsigned char *bytes
        size_t used
    ctypedef struct link_source:
        link_out out
        uint64_t number, next
        uint8_t *wanted
        uint32_t judged
    bint link_source_open(link_source *s, const void *memory, uint64_t life, uint64_t kinds,
                          bint choose)
    void link_source_close(link_source *s)
    int64_t link_batch(link_source *s, size_t limit, bint beat, uint32_t verdict, bint histograms)
    uint64_t link_go_on(const link_source *s, uint64_t next)
    uint64_t link_first_message(const link_source *s, uint64_t first)
    void link_out_begin(link_out *o)
    void link_out_close(link_out *o)
    void link_out_runs(link_out *o)
    size_t link_out_end(link_out *o, link_head head)
    bint link_repair_cells(link_source *s, link_out *o, uint64_t since, uint32_t *row, size_t limit)
    int link_records(link_source *s, link_out *o, uint64_t *next, uint64_t last, size_t limit,
                     bint touch)
    link_head link_head_of(const link_source *s, int kind, uint64_t first, uint64_t last)

cdef extern from "mirrored.h" nogil:
    const int LINK_VENUE
    ctypedef struct link_shadow:
        pass
    ctypedef struct link_venue:
        uint32_t state, reason
        int64_t state_ns
        uint32_t verdict, hops
        int64_t clock_offset_ns, clock_error_ns, late_ns
        char source[128]
    ctypedef struct link_mirror:
        fh_writer *writer
        link_shadow shadow
        uint64_t lost
        uint32_t state, reason
        char detail[128]
    ctypedef struct link_message_ "link_message":
        const link_head *head
    bint link_mirror_open(link_mirror *m, fh_writer *writer, uint64_t epoch, uint32_t connections)
    void link_mirror_close(link_mirror *m)
    const char *link_wrong(const link_mirror *m, const unsigned char *data, size_t size,
                           link_message_ *message)
    void link_apply(link_mirror *m, const link_message_ *message, bint counts)
    void link_call(link_mirror *m, uint32_t state, uint32_t reason, int64_t since_ns)
    void *link_cell(const link_shadow *s, int region, uint32_t row)

cdef extern from "attached.h" nogil:
    void link_stay_attached()

WIRE = LINK_WIRE
HEAD_BYTES = sizeof(link_head)

cdef enum:
    _REPAIR_BYTES = 262144  # of a message of a repair


class Lapped(Exception):
    pass


class BadMessage(ValueError):
    pass


cdef int64_t _checked(int64_t result, segment) except -1:
    if segment.truncated or result == LINK_DAMAGED:
        raise DamagedSegment(f"{segment.namespace}.{segment.venue} epoch {segment.epoch}: cannot be served",
                             "ring")
    if result == LINK_NO_MEMORY:
        raise MemoryError
    if result == LINK_LAPPED:
        raise Lapped
    return result


cdef class Attached:
    cdef object callback

    def __init__(self, callback):
        self.callback = callback

    def __call__(self, one):
        link_stay_attached()
        return self.callback(one)


cdef class Source:
    cdef link_source s
    cdef readonly object segment
    cdef object capsule

    def __cinit__(self, segment, *, uint64_t life, uint64_t kinds, bint choose=False, first=None):
        memset(&self.s, 0, sizeof(self.s))
        self.segment = segment
        self.capsule = segment.capsule()
        cdef const void *memory = PyCapsule_GetPointer(self.capsule, b"feedhandler.mapped")
        if not link_source_open(&self.s, memory, life, kinds, choose):
            raise MemoryError
        self.s.next = segment.published + 1 if first is None else first

    def __dealloc__(self):
        link_source_close(&self.s)

    @property
    def number(self):
        return self.s.number

    @property
    def next_sequence(self):
        return self.s.next

    @property
    def judged(self):
        return self.s.judged

    def judge(self, wanted):
        if self.s.wanted == NULL:
            raise ValueError("this stream carries all instruments")
        cdef uint32_t row = self.s.judged
        for one in wanted:
            if row >= self.segment.capacity:
                raise IndexError(f"the directory has no row {row}")
            self.s.wanted[row] = bool(one)
            row += 1
        self.s.judged = row

    def batch(self, size_t limit, *, bint beat=False, uint32_t verdict=0, bint histograms=False):
        cdef int64_t size
        with nogil:
            size = link_batch(&self.s, limit, beat, verdict, histograms)
        if _checked(size, self.segment) == 0:
            return None
        return PyBytes_FromStringAndSize(<char *>self.s.out.bytes, size)

    def go_on(self):
        cdef uint64_t before = self.s.next
        with nogil:
            self.s.next = link_go_on(&self.s, before)
        return self.s.next - before

    def repair(self, uint64_t first, uint64_t since, uint64_t behind):
        cdef link_out out
        cdef link_head head
        cdef uint32_t row = 0
        cdef uint64_t next_ = first
        cdef uint64_t begin
        cdef size_t size = 0
        cdef bint over = False
        cdef int64_t wrong
        if first == 0:
            next_ = link_first_message(&self.s, self.s.next - behind if self.s.next > behind else 1)
        elif first > self.s.next:
            raise ValueError(f"record {first}: the next one is {self.s.next}")
        next_ = min(next_, self.s.next)
        found = []
        memset(&out, 0, sizeof(out))
        try:
            while not over:  # the cells
                link_out_begin(&out)
                with nogil:
                    over = link_repair_cells(&self.s, &out, since, &row, _REPAIR_BYTES)
                    head = link_head_of(&self.s, LINK_REPAIR, next_, next_ - 1)
                    head.since = since
                    head.flags = LINK_END if over and next_ == self.s.next else 0
                    size = link_out_end(&out, head)
                if size == 0:
                    raise MemoryError
                found.append(PyBytes_FromStringAndSize(<char *>out.bytes, size))
            while next_ < self.s.next:
                link_out_begin(&out)
                begin = next_
                with nogil:
                    wrong = link_records(&self.s, &out, &next_, self.s.next - 1, _REPAIR_BYTES, False)
                    if wrong == LINK_LAPPED:
                        begin = next_ = min(link_go_on(&self.s, next_), self.s.next)
                        wrong = 0
                    link_out_runs(&out)
                    head = link_head_of(&self.s, LINK_REPAIR, begin, next_ - 1)
                    head.since = since
                    head.flags = LINK_END if next_ == self.s.next else 0
                    size = link_out_end(&out, head)
                _checked(wrong, self.segment)
                if size == 0:
                    raise MemoryError
                if next_ != begin or head.flags:
                    found.append(PyBytes_FromStringAndSize(<char *>out.bytes, size))
        finally:
            link_out_close(&out)
        return found


def head(data):
    cdef Py_buffer view
    cdef const link_head *at
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if <size_t>view.len < sizeof(link_head):
            raise BadMessage(f"{view.len} bytes: shorter than a head")
        at = <const link_head *>view.buf
        if at.magic != LINK_MAGIC:
            raise BadMessage("no message of this kind")
        if at.wire != LINK_WIRE:
            raise BadMessage(f"version {at.wire} of the format, this is {LINK_WIRE}")
        return (at.kind == LINK_REPAIR, bool(at.flags & LINK_END), at.life, at.epoch, at.number,
                at.first, at.last, at.until, at.since, at.sent_ns)
    finally:
        PyBuffer_Release(&view)


cdef class Mirrored:
    cdef link_mirror m
    cdef object writer
    cdef object capsule

    def __cinit__(self, writer, *, uint32_t connections):
        memset(&self.m, 0, sizeof(self.m))
        self.writer = writer
        self.capsule = writer.capsule()
        cdef fh_writer *to = <fh_writer *>PyCapsule_GetPointer(self.capsule, b"feedhandler.writer")
        if not link_mirror_open(&self.m, to, writer.epoch, connections):
            raise MemoryError

    def __dealloc__(self):
        link_mirror_close(&self.m)

    cdef int _check(self) except -1:
        if self.m.writer.base == NULL or self.writer.closed:
            raise NotWriter("this memory has no writer here any more")
        return 0

    def apply(self, data, *, bint counts=True):
        cdef Py_buffer view
        cdef link_message_ message
        cdef const char *wrong
        self._check()
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            with nogil:
                wrong = link_wrong(&self.m, <const unsigned char *>view.buf, view.len, &message)
                if wrong == NULL:
                    link_apply(&self.m, &message, counts)
        finally:
            PyBuffer_Release(&view)
        if wrong != NULL:
            raise BadMessage((<bytes>wrong).decode())

    def call(self, uint32_t state, uint32_t reason, int64_t since_ns, str detail=""):
        self._check()
        cdef bytes text = detail.encode()[:127]
        memset(self.m.detail, 0, 128)
        for at in range(len(text)):
            self.m.detail[at] = text[at]
        with nogil:
            link_call(&self.m, state, reason, since_ns)

    @property
    def called(self):
        return self.m.state, self.m.reason

    @property
    def lost(self):
        return self.m.lost

    @property
    def next_sequence(self):
        return self.m.writer.next

    @property
    def venue(self):
        cdef const link_venue *v = <const link_venue *>link_cell(&self.m.shadow, LINK_VENUE, 0)
        source = (<const char *>v.source)[:128].split(b"\0")[0].decode(errors="replace")
        return (v.state, v.reason, v.verdict, v.hops, v.clock_offset_ns, v.clock_error_ns, v.late_ns,
                source)
