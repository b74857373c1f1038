# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: binding=False, embedsignature=False
"""Books made again from records, in native code. See `_books.pyi`."""

from collections import namedtuple
from hashlib import blake2b

import numpy as np

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport INT64_MAX, INT64_MIN, int8_t, int64_t, uint8_t, uint32_t, uint64_t

from shm._native import RAW_EVENT
from shm.names import Flag, Kind

cdef extern from "books.h" nogil:
    ctypedef struct rebuilt_level:
        int64_t price, size
    ctypedef struct rebuilt_side:
        rebuilt_level *levels
        uint32_t count
        int64_t limit
    ctypedef struct rebuilt_book:
        rebuilt_side sides[2]
        uint64_t sequence, venue_sequence, joined
        int64_t exchange_ns, receive_ns
        int8_t price_exponent, size_exponent
        uint8_t begun, fault
    ctypedef struct rebuilt_books:
        rebuilt_book **at
        uint32_t room
        uint64_t bad
    ctypedef struct rebuilt_fields:
        size_t sequence, instrument, kind, side, exchange_ns, receive_ns, venue_sequence, price, size
        size_t price_exponent, size_exponent, base
        int has_base
    rebuilt_book *rebuilt_find(const rebuilt_books *all, uint32_t instrument)
    rebuilt_book *rebuilt_make(rebuilt_books *all, uint32_t instrument)
    void rebuilt_forget(rebuilt_books *all, uint32_t instrument)
    void rebuilt_free(rebuilt_books *all)
    void rebuilt_begin(rebuilt_book *b, int price_exponent, int size_exponent, int64_t bid_limit,
                       int64_t ask_limit)
    void rebuilt_set(rebuilt_book *b, uint8_t side, int64_t price, int64_t size, int price_exponent,
                     int size_exponent)
    uint32_t rebuilt_known(const rebuilt_side *s, bint ask)
    bint rebuilt_scaled(int64_t *value, int source, int target)
    uint64_t rebuilt_apply(rebuilt_books *all, const uint8_t *row, size_t count, ptrdiff_t stride,
                           const rebuilt_fields *f)

RECORD = np.dtype({
    "names": [*RAW_EVENT.names, "base", "epoch"],
    "formats": [RAW_EVENT.fields[name][0] for name in RAW_EVENT.names] + ["u1", "<u8"],
    "offsets": [RAW_EVENT.fields[name][1] for name in RAW_EVENT.names] + [66, 72],
    "itemsize": 80,
})
_FAULTS = (
    None, "more levels than a book can have", "no memory", "no exponents hold all of its levels")

Rebuilt = namedtuple("Rebuilt", (
    "instrument", "sequence", "venue_sequence", "exchange_ns", "receive_ns", "price_exponent",
    "size_exponent", "bids", "asks", "bids_known", "asks_known"))

cdef int _CLEAR = Kind.CLEAR
cdef int _LEVEL = Kind.LEVEL
cdef int _SNAPSHOT = Flag.SNAPSHOT
cdef int _LAST = Flag.LAST
cdef int _MORE = Flag.MORE
cdef int64_t _NONE = INT64_MIN


cdef size_t _place(dtype, str name, str kind) except? 0:
    """Where a field is; the field has to be what the native code takes it for."""
    field = dtype.fields.get(name) if dtype.fields is not None else None
    if field is None or field[0] != np.dtype(kind):
        raise TypeError(f"rows have no {name} ({kind}): {dtype}")
    return field[1]


cdef void _top(const rebuilt_book *b, int64_t *out) noexcept:
    """Best bid and ask with their sizes, and the exponents; NONE: there is none, or it is not known."""
    cdef int side
    cdef const rebuilt_side *s
    for side in range(2):
        s = &b.sides[side]
        if s.count == 0 or rebuilt_known(s, side) == 0:
            out[2 * side] = out[2 * side + 1] = _NONE
        else:
            out[2 * side] = s.levels[s.count - 1].price
            out[2 * side + 1] = s.levels[s.count - 1].size
    out[4] = b.price_exponent
    out[5] = b.size_exponent


cdef class Books:
    cdef rebuilt_books all
    cdef rebuilt_fields fields
    cdef object dtype

    def __dealloc__(self):
        rebuilt_free(&self.all)

    cdef int _layout(self, dtype) except -1:
        if dtype is self.dtype:
            return 0
        cdef rebuilt_fields f
        f.sequence = _place(dtype, "sequence", "<u8")
        f.instrument = _place(dtype, "instrument", "<u4")
        f.kind = _place(dtype, "kind", "u1")
        f.side = _place(dtype, "side", "u1")
        f.exchange_ns = _place(dtype, "exchange_ns", "<i8")
        f.receive_ns = _place(dtype, "receive_ns", "<i8")
        f.venue_sequence = _place(dtype, "venue_sequence", "<u8")
        f.price = _place(dtype, "price", "<i8")
        f.size = _place(dtype, "size", "<i8")
        f.price_exponent = _place(dtype, "price_exponent", "i1")
        f.size_exponent = _place(dtype, "size_exponent", "i1")
        f.has_base = "base" in dtype.fields
        f.base = _place(dtype, "base", "u1") if f.has_base else 0
        self.fields = f
        self.dtype = dtype
        return 0

    def apply(self, rows):
        self._layout(rows.dtype)
        if rows.ndim != 1:
            raise TypeError(f"rows in {rows.ndim} dimensions")
        cdef size_t count = len(rows)
        cdef uint64_t taken = 0
        if count == 0:
            return 0
        cdef ptrdiff_t stride = rows.strides[0]
        cdef const uint8_t *at = <const uint8_t *><size_t>rows.ctypes.data
        with nogil:
            taken = rebuilt_apply(&self.all, at, count, stride, &self.fields)
        return taken

    def tops(self, rows):
        self._layout(rows.dtype)
        if rows.ndim != 1:
            raise TypeError(f"rows in {rows.ndim} dimensions")
        cdef size_t flags = _place(rows.dtype, "flags", "u1")
        cdef size_t count = len(rows)
        cdef size_t i
        cdef size_t filled = 0
        cdef ptrdiff_t stride = rows.strides[0] if count else 0
        cdef const uint8_t *at = <const uint8_t *><size_t>rows.ctypes.data
        cdef rebuilt_book *b
        made = np.empty((count, 7), np.int64)
        cdef int64_t[:, ::1] out = made
        # of an instrument what was told last: bid, its size, ask, its size, both exponents
        ids = rows["instrument"]
        before = np.full((int(ids.max(initial=0)) + 1 if count else 1, 6), _NONE, np.int64)
        cdef int64_t[:, ::1] last = before
        cdef uint32_t id
        cdef int64_t top[6]
        cdef int k
        if len(before) > 1 << 24:
            raise ValueError(f"instrument {len(before) - 1}: a directory has no such row")
        for instrument in np.flatnonzero(np.bincount(ids, minlength=1)) if count else ():
            b = rebuilt_find(&self.all, instrument)
            if b != NULL and b.begun and not b.fault:
                _top(b, &last[instrument, 0])
        for i in range(count):
            rebuilt_apply(&self.all, at, 1, stride, &self.fields)
            id = (<const uint32_t *>(at + self.fields.instrument))[0]
            if at[flags] & _LAST and not at[flags] & _MORE:
                b = rebuilt_find(&self.all, id)
                if b != NULL and b.begun and not b.fault:
                    _top(b, top)
                    for k in range(6):
                        if top[k] != last[id, k]:
                            break
                    else:
                        k = 6
                    if k < 6:
                        out[filled, 0] = i
                        for k in range(6):
                            out[filled, k + 1] = last[id, k] = top[k]
                        filled += 1
            at += stride
        return made[:filled]

    def join(self, instrument, bids, asks, *, sequence, price_exponent, size_exponent, bid_limit=None,
             ask_limit=None, venue_sequence=0, exchange_ns=0, receive_ns=0):
        cdef rebuilt_book *b = rebuilt_make(&self.all, instrument)
        if b == NULL:
            raise ValueError(f"instrument {instrument}: a directory has no such row")
        rebuilt_begin(b, price_exponent, size_exponent, _NONE if bid_limit is None else bid_limit,
                      _NONE if ask_limit is None else ask_limit)
        cdef int64_t price, size
        for side, levels in enumerate((bids, asks)):
            for price, size in levels:
                rebuilt_set(b, side, price, size, price_exponent, size_exponent)
        b.sequence = b.joined = sequence
        b.venue_sequence = venue_sequence
        b.exchange_ns = exchange_ns
        b.receive_ns = receive_ns

    def forget(self, instrument):
        rebuilt_forget(&self.all, instrument)

    def clear(self):
        rebuilt_free(&self.all)

    @property
    def bad(self):
        return self.all.bad

    def instruments(self):
        cdef uint32_t i
        return [i for i in range(self.all.room) if self.all.at[i] != NULL and self.all.at[i].begun
                and not self.all.at[i].fault]

    def faults(self):
        cdef uint32_t i
        return {i: _FAULTS[self.all.at[i].fault] for i in range(self.all.room)
                if self.all.at[i] != NULL and self.all.at[i].fault}

    def __contains__(self, instrument):
        return self._find(instrument) != NULL

    cdef rebuilt_book *_find(self, instrument) except? NULL:
        """NULL: there is none, or it cannot be told."""
        if not 0 <= instrument < 1 << 32:
            return NULL
        cdef rebuilt_book *b = rebuilt_find(&self.all, instrument)
        return b if b != NULL and b.begun and not b.fault else NULL

    cdef rebuilt_book *_book(self, instrument) except NULL:
        cdef rebuilt_book *b = self._find(instrument)
        if b == NULL:
            why = self.faults().get(instrument, "none has begun")
            raise KeyError(f"no book of instrument {instrument}: {why}")
        return b

    cdef object _side(self, const rebuilt_side *s, size_t count):
        array = np.empty((count, 2), np.int64)
        cdef int64_t[:, ::1] out = array
        cdef size_t i
        for i in range(count):
            out[i, 0] = s.levels[s.count - 1 - i].price
            out[i, 1] = s.levels[s.count - 1 - i].size
        return array

    def levels(self, instrument, depth=None):
        cdef rebuilt_book *b = self._book(instrument)
        sides = []
        for side in range(2):
            count = b.sides[side].count
            sides.append(self._side(&b.sides[side], count if depth is None else min(count, depth)))
        return tuple(sides)

    def known(self, instrument):
        cdef rebuilt_book *b = self._book(instrument)
        return (None if b.sides[0].limit == INT64_MIN else rebuilt_known(&b.sides[0], False),
                None if b.sides[1].limit == INT64_MAX else rebuilt_known(&b.sides[1], True))

    def book(self, instrument, depth=None):
        bids, asks = self.levels(instrument, depth)
        cdef rebuilt_book *b = self._book(instrument)
        return Rebuilt(instrument, b.sequence, b.venue_sequence, b.exchange_ns, b.receive_ns,
                       b.price_exponent, b.size_exponent, bids, asks, *self.known(instrument))

    def digest(self, instrument, bids, asks, price_exponent, size_exponent):
        cdef rebuilt_book *b = self._book(instrument)
        return (self._digest(b, 0, bids, price_exponent, size_exponent),
                self._digest(b, 1, asks, price_exponent, size_exponent))

    cdef object _digest(self, rebuilt_book *b, int side, size_t count, int price_exponent, int size_exponent):
        if count > b.sides[side].count:
            return None
        array = self._side(&b.sides[side], count)
        cdef int64_t[:, ::1] out = array
        cdef size_t i
        if price_exponent != b.price_exponent or size_exponent != b.size_exponent:
            for i in range(count):
                if not (rebuilt_scaled(&out[i, 0], b.price_exponent, price_exponent)
                        and rebuilt_scaled(&out[i, 1], b.size_exponent, size_exponent)):
                    return None
        return digest_of(array)

    def base(self, instrument, sequence, *, epoch=0, receive_ns=None):
        cdef rebuilt_book *b = self._book(instrument)
        cdef size_t bids = b.sides[0].count
        cdef size_t asks = b.sides[1].count
        rows = np.zeros(1 + bids + asks, RECORD)
        rows["sequence"] = sequence
        rows["instrument"] = instrument
        rows["kind"] = _LEVEL
        rows["flags"] = _SNAPSHOT
        rows["exchange_ns"] = b.exchange_ns
        rows["receive_ns"] = b.receive_ns if receive_ns is None else receive_ns
        rows["venue_sequence"] = b.venue_sequence
        rows["price_exponent"] = b.price_exponent
        rows["size_exponent"] = b.size_exponent
        rows["base"] = 1
        rows["epoch"] = epoch
        rows["kind"][0] = _CLEAR
        rows["price"][0] = b.sides[0].limit
        rows["size"][0] = _NONE if b.sides[1].limit == INT64_MAX else b.sides[1].limit
        levels = np.concatenate((self._side(&b.sides[0], bids), self._side(&b.sides[1], asks)))
        rows["price"][1:] = levels[:, 0]
        rows["size"][1:] = levels[:, 1]
        rows["side"][1 + bids:] = 1
        return rows


def digest_of(levels):
    return int.from_bytes(blake2b(np.ascontiguousarray(levels, "<i8").tobytes()).digest()[:8], "little")
