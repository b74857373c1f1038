# cython: language_level=3, binding=True, boundscheck=False, wraparound=False
"""What is known of instruments beside their books: a row each time that it has changed."""

import numpy as np

from libc.stdint cimport INT64_MIN, int8_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, realloc

cdef enum:
    TRADE = 3
    LIQUIDATION = 4
    QUOTE = 5
    STAT = 6
    LAST_FLAG = 2
    MORE = 16
    STATS = 17           # those of shm.Stat are fields by their numbers
    LAST_PRICE = 17
    BID_PRICE = 18       # bid's price and size, then ask's
    FIELDS = 22

_FIELDS = FIELDS
cdef int64_t _NONE = INT64_MIN

ctypedef struct Known:
    int64_t value[FIELDS]
    int8_t exponent[FIELDS]
    bint quoted          # it has a channel of best bids and offers: the book says nothing
    bint changed, told


cdef class Tickers:
    """`fields`: those that a row is made for, by number; `every`: also when a quote repeats them."""

    cdef Known *known
    cdef Py_ssize_t count
    cdef uint8_t wanted[FIELDS]
    cdef bint every
    cdef bint liquidations

    def __init__(self, fields, *, bint every=False, bint liquidations=True):
        for field in fields:
            if not 0 < field < _FIELDS:
                raise ValueError(f"field {field}: 1 to {_FIELDS - 1}")
            self.wanted[<int>field] = 1
        self.every = every
        self.liquidations = liquidations

    def __dealloc__(self):
        free(self.known)

    cdef int need(self, Py_ssize_t count) except -1:
        cdef Py_ssize_t at
        cdef int field
        if count <= self.count:
            return 0
        cdef Known *known = <Known *>realloc(self.known, count * sizeof(Known))
        if known == NULL:
            raise MemoryError()
        self.known = known
        for at in range(self.count, count):
            for field in range(FIELDS):
                known[at].value[field] = _NONE
                known[at].exponent[field] = 0
            known[at].quoted = known[at].changed = known[at].told = False
        self.count = count
        return 0

    cdef void put(self, Known *k, int field, int64_t value, int8_t exponent) noexcept nogil:
        if value == _NONE:
            exponent = 0
        if self.wanted[field] and (
            k.value[field] != value or k.exponent[field] != exponent
        ):
            k.changed = True
        k.value[field] = value
        k.exponent[field] = exponent

    def apply(self, rows, which, tops=None):
        """(places of the records that end a message that changed something, values[row, field],
        exponents[row, field]); a value that is not known is NONE.

        `tops`: what `Tops(1)` made of the same records: the best bid and offer of instruments that
        have no channel of them.
        """
        cdef const uint32_t[::1] instrument = np.ascontiguousarray(which, np.uint32)
        cdef const uint8_t[::1] kind = np.ascontiguousarray(rows["kind"])
        cdef const uint8_t[::1] flags = np.ascontiguousarray(rows["flags"])
        cdef const uint8_t[::1] side = np.ascontiguousarray(rows["side"])
        cdef const int64_t[::1] price = np.ascontiguousarray(rows["price"])
        cdef const int64_t[::1] size = np.ascontiguousarray(rows["size"])
        cdef const int8_t[::1] price_exponent = np.ascontiguousarray(rows["price_exponent"])
        cdef const int8_t[::1] size_exponent = np.ascontiguousarray(rows["size_exponent"])
        cdef const uint32_t[::1] aux = np.ascontiguousarray(rows["aux"])
        cdef Py_ssize_t at, count = len(rows), used = 0, top = 0, tops_count = 0
        cdef const int64_t[::1] top_at
        cdef const int64_t[:, :, :, ::1] top_level
        cdef const int8_t[:, ::1] top_exponent
        if tops is not None:
            top_at, top_level, top_exponent = tops
            tops_count = top_at.shape[0]
        if instrument.shape[0] != count:
            raise ValueError(f"{count} records, and {instrument.shape[0]} numbers")
        self.need(int(np.max(which)) + 1 if count else 0)
        room = int(np.count_nonzero(rows["flags"] & LAST_FLAG))
        places = np.empty(room, np.int64)
        values = np.empty((room, FIELDS), np.int64)
        exponents = np.empty((room, FIELDS), np.int8)
        cdef int64_t[::1] place = places
        cdef int64_t[:, ::1] value = values
        cdef int8_t[:, ::1] exponent = exponents
        cdef Known *k
        cdef int field, a_side
        with nogil:
            for at in range(count):
                k = &self.known[instrument[at]]
                if kind[at] == STAT:
                    if 0 < aux[at] < STATS:
                        self.put(k, <int>aux[at], price[at], <int8_t>size[at])
                elif kind[at] == TRADE or (kind[at] == LIQUIDATION and self.liquidations):
                    self.put(k, LAST_PRICE, price[at], price_exponent[at])
                elif kind[at] == QUOTE:
                    k.quoted = True
                    k.told = True
                    field = BID_PRICE + 2 * (side[at] != 0)
                    self.put(k, field, price[at], price_exponent[at])
                    self.put(k, field + 1, _NONE if price[at] == _NONE else size[at],
                             size_exponent[at])
                while top < tops_count and top_at[top] <= at:
                    if top_at[top] == at and not k.quoted:
                        for a_side in range(2):
                            field = BID_PRICE + 2 * a_side
                            self.put(k, field, top_level[top, a_side, 0, 0], top_exponent[top, 0])
                            self.put(k, field + 1, top_level[top, a_side, 0, 1],
                                     top_exponent[top, 1])
                    top += 1
                if not flags[at] & LAST_FLAG or flags[at] & MORE:
                    continue
                if k.changed or (self.every and k.told):
                    place[used] = at
                    for field in range(FIELDS):
                        value[used, field] = k.value[field]
                        exponent[used, field] = k.exponent[field]
                    used += 1
                k.changed = k.told = False
        return places[:used], values[:used], exponents[:used]
