# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The writer of the hop benchmark. See publisher.h."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint64_t

from shm.contract cimport fh_writer

cdef extern from "publisher.h":
    void publisher_paced(fh_writer *w, uint64_t count, int64_t interval_ns) nogil
    void publisher_bursts(fh_writer *w, uint64_t bursts, uint64_t size, int64_t interval_ns,
                          int64_t *took) nogil


def paced(object capsule, uint64_t count, int64_t interval_ns):
    cdef fh_writer *w = <fh_writer *>PyCapsule_GetPointer(capsule, "feedhandler.writer")
    with nogil:
        publisher_paced(w, count, interval_ns)


def bursts(object capsule, uint64_t size, int64_t interval_ns, int64_t[::1] took):
    cdef fh_writer *w = <fh_writer *>PyCapsule_GetPointer(capsule, "feedhandler.writer")
    cdef uint64_t count = took.shape[0]
    if count == 0:
        return
    with nogil:
        publisher_bursts(w, count, size, interval_ns, &took[0])
