# One side of a book for Cython.

from libc.stdint cimport int64_t, uint32_t

cdef extern from "feedhandler/book/side.h" nogil:
    ctypedef struct level:
        int64_t price, size
    ctypedef struct book_side:
        level *levels
        uint32_t count, beyond
        int64_t edge
    void side_free(book_side *s)
