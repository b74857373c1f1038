# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The floor of the api benchmark. See reads.h."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint32_t, uint64_t

from shm.contract cimport fh_writer

cdef extern from "reads.h":
    int64_t reads_poll(const fh_writer *w, uint64_t count) nogil
    int64_t reads_records(const fh_writer *w, uint64_t records, uint64_t count) nogil
    int64_t reads_quote(const fh_writer *w, uint64_t count) nogil
    int64_t reads_book(const fh_writer *w, uint32_t levels, uint64_t count) nogil
    int64_t reads_board(const fh_writer *w, uint32_t most, uint64_t count) nogil


cdef fh_writer *_writer(object capsule) except NULL:
    return <fh_writer *>PyCapsule_GetPointer(capsule, "feedhandler.writer")


def poll(object capsule, uint64_t count):
    return reads_poll(_writer(capsule), count)


def records(object capsule, uint64_t records, uint64_t count):
    return reads_records(_writer(capsule), records, count)


def quote(object capsule, uint64_t count):
    return reads_quote(_writer(capsule), count)


def book(object capsule, uint32_t levels, uint64_t count):
    cdef int64_t took = reads_book(_writer(capsule), levels, count)
    if took < 0:
        raise ValueError(f"{levels} levels: the cell has fewer")
    return took


def board(object capsule, uint32_t most, uint64_t count):
    return reads_board(_writer(capsule), most, count)
