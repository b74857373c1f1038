# cython: language_level=3, boundscheck=False, wraparound=False, binding=False
"""The sending end of the benchmarks' venue. See sender.h."""

from libc.stdint cimport int64_t

import os

cdef extern from "sender.h":
    int sender_blast(int fd, const char *bytes, size_t length) nogil
    int sender_paced(int fd, const char *bytes, const int64_t *offset, const int64_t *due,
                     int64_t *sent, size_t count, int64_t spin_ns) nogil


cdef _check(int error):
    if error:
        raise OSError(error, os.strerror(error))


def blast(int fd, bytes data):
    cdef const char *p = data
    cdef size_t length = len(data)
    cdef int error
    with nogil:
        error = sender_blast(fd, p, length)
    _check(error)


def paced(int fd, bytes data, const int64_t[::1] offsets, const int64_t[::1] due,
          int64_t[::1] sent, int64_t spin_ns):
    cdef const char *p = data
    cdef Py_ssize_t count = due.shape[0]
    cdef int error
    if count == 0:
        return
    if offsets.shape[0] != count + 1 or sent.shape[0] < count or offsets[count] > len(data):
        raise ValueError("offsets, due and sent do not belong together")
    with nogil:
        error = sender_paced(fd, p, &offsets[0], &due[0], &sent[0], count, spin_ns)
    _check(error)
