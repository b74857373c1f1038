# cython: language_level=3, binding=True
"""The shared table of budgets (`budget_table.h`) over a writable buffer."""

import mmap

from libc.stdint cimport int64_t, uint64_t

from shm.guard cimport fh_guard_add, fh_guard_broken, fh_guard_drop

cdef extern from "budget_table.h" nogil:
    enum:
        FHB_ROWS
        FHB_NAME
    ctypedef struct fhb_row:
        char name[96]
    ctypedef struct fhb_table:
        fhb_row rows[512]
    int fhb_open(fhb_table *t)
    int64_t fhb_take(fhb_table *t, const char *name, size_t length, int64_t now, int64_t cost,
                     int64_t tolerance, int dry)
    int64_t fhb_spend(fhb_table *t, const char *name, size_t length, int64_t now, int64_t cost)
    int64_t fhb_hold(fhb_table *t, const char *name, size_t length, int64_t now, int64_t until,
                     int64_t full, uint64_t why)

cdef extern from *:
    """
    static inline int64_t fhb_word(fhb_table *t, int row, int word) {
        fhb_row *r = &t->rows[row];
        switch (word) {
        case 0: return (int64_t)atomic_load(&r->key);
        case 1: return atomic_load(&r->tat);
        case 2: return atomic_load(&r->until);
        default: return (int64_t)atomic_load(&r->why);
        }
    }
    """
    int64_t fhb_word(fhb_table *t, int row, int word) nogil

SIZE = sizeof(fhb_table)
ROWS = FHB_ROWS


cdef class Table:
    cdef object _owner
    cdef unsigned char[::1] _bytes
    cdef fhb_table *_table
    cdef int _guard

    def __cinit__(self):
        self._guard = -1

    def __init__(self, buffer):
        self._bytes = buffer
        if self._bytes.shape[0] != sizeof(fhb_table):
            raise ValueError(
                f"{self._bytes.shape[0]} bytes, a table of budgets has {sizeof(fhb_table)}")
        self._owner = buffer
        self._table = <fhb_table *>&self._bytes[0]
        if not fhb_open(self._table):
            raise ValueError("not a table of budgets of this version")
        if isinstance(buffer, mmap.mmap):
            self._guard = fh_guard_add(
                self._table, sizeof(fhb_table), mmap.PROT_READ | mmap.PROT_WRITE)

    def __dealloc__(self):
        fh_guard_drop(self._guard)

    @property
    def broken(self):
        return self._guard >= 0 and fh_guard_broken(self._guard)

    cdef int64_t _full(self, int64_t answer) except -1:
        if answer < 0:
            raise MemoryError("every row of the table of budgets is in use")
        return answer

    def take(self, bytes name, int64_t now, int64_t cost, int64_t tolerance):
        return self._full(
            fhb_take(self._table, name, len(name), now, cost, tolerance, 0))

    def wait(self, bytes name, int64_t now, int64_t cost, int64_t tolerance):
        return fhb_take(self._table, name, len(name), now, cost, tolerance, 1)

    def spend(self, bytes name, int64_t now, int64_t cost):
        self._full(fhb_spend(self._table, name, len(name), now, cost))

    def hold(self, bytes name, int64_t now, int64_t until, int64_t full, uint64_t why):
        self._full(fhb_hold(self._table, name, len(name), now, until, full, why))

    def rows(self):
        cdef int row
        found = []
        for row in range(FHB_ROWS):
            if fhb_word(self._table, row, 0):
                name = bytes(self._table.rows[row].name[:FHB_NAME]).split(b"\0")[0]
                found.append((name.decode("utf-8", "replace"), fhb_word(self._table, row, 1),
                              fhb_word(self._table, row, 2), fhb_word(self._table, row, 3)))
        return found
