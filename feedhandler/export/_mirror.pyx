# cython: language_level=3, binding=True, boundscheck=False, wraparound=False
"""The books as whoever reads an export's rows has them: what a reader must be told, and no more."""

import numpy as np

from libc.stdint cimport INT64_MIN, int8_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memset

from feedhandler.book.side cimport book_side, level

cdef extern from "kept_book.h" nogil:
    ctypedef struct kept_book:
        book_side before[2]
        int price_exponent, size_exponent, before_price_exponent
        int shown_price_exponent, shown_size_exponent
        bint in_step, scaled, refilling, touched
    book_side *kept_side(kept_book *k, bint ask)
    void kept_broken(kept_book *k)
    void kept_free(kept_book *k)
    void kept_refill(kept_book *k)
    bint kept_set(kept_book *k, bint ask, level l, int price_exponent, int size_exponent)
    bint kept_has(kept_book *k, bint ask, int64_t price)

cdef enum:
    LEVEL = 1
    CLEAR = 2
    LAST = 2
    SNAPSHOT = 4
    MORE = 16

#: A level of a book as a row: `at` is the place of the record that it came with.
ROW = np.dtype({
    "names": ["at", "price", "size", "which", "price_exponent", "size_exponent", "side", "flags"],
    "formats": ["<i8", "<i8", "<i8", "<u4", "i1", "i1", "u1", "u1"],
    "itemsize": 32,
})

ctypedef struct Row:
    int64_t at, price, size
    uint32_t which
    int8_t price_exponent, size_exponent
    uint8_t side, flags

assert ROW.itemsize == sizeof(Row)

cdef int64_t _NONE = INT64_MIN


cdef class Records:
    """The columns of records that books are made of; `which`: the book's number."""

    cdef const uint32_t[::1] which
    cdef const uint8_t[::1] kind, flags, side
    cdef const int64_t[::1] price, size
    cdef const int8_t[::1] price_exponent, size_exponent
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t books   #: the highest number, and one

    def __init__(self, rows, which):
        self.which = np.ascontiguousarray(which, np.uint32)
        self.kind = np.ascontiguousarray(rows["kind"])
        self.flags = np.ascontiguousarray(rows["flags"])
        self.side = np.ascontiguousarray(rows["side"])
        self.price = np.ascontiguousarray(rows["price"])
        self.size = np.ascontiguousarray(rows["size"])
        self.price_exponent = np.ascontiguousarray(rows["price_exponent"])
        self.size_exponent = np.ascontiguousarray(rows["size_exponent"])
        self.count = self.which.shape[0]
        if len(rows) != self.count:
            raise ValueError(f"{len(rows)} records, and {self.count} numbers of books")
        self.books = int(np.max(which)) + 1 if self.count else 0


cdef class _Books:
    """Books by number, and rows that are gathered."""

    cdef kept_book *books
    cdef Py_ssize_t count
    cdef readonly int64_t dropped   #: records of books that were not in step

    def __dealloc__(self):
        cdef Py_ssize_t at
        for at in range(self.count):
            kept_free(&self.books[at])
        free(self.books)

    cdef int need(self, Py_ssize_t count) except -1:
        if count <= self.count:
            return 0
        cdef kept_book *books = <kept_book *>realloc(self.books, count * sizeof(kept_book))
        if books == NULL:
            raise MemoryError()
        memset(&books[self.count], 0, (count - self.count) * sizeof(kept_book))
        self.books = books
        self.count = count
        return 0

    def broken(self, Py_ssize_t which=-1):
        """A hole: no book is in step until there is a base of it again. -1: of all."""
        cdef Py_ssize_t at
        for at in range(self.count):
            if which in (-1, at):
                kept_broken(&self.books[at])

    def in_step(self):
        """The books that are."""
        return [at for at in range(self.count) if self.books[at].in_step]

    cdef int take(self, Records records) except -1 nogil:
        """LEVEL and CLEAR records into their books; others are passed over."""
        cdef Py_ssize_t at
        cdef kept_book *k
        cdef uint8_t kind, flags
        for at in range(records.count):
            kind = records.kind[at]
            if kind != LEVEL and kind != CLEAR:
                continue
            k = &self.books[records.which[at]]
            flags = records.flags[at]
            if kind == LEVEL and not k.in_step:
                self.dropped += 1
                continue
            if k.refilling and (kind == CLEAR or not flags & SNAPSHOT):
                self.filled(k, records.which[at], at)   # the snapshot before had no end
            if kind == CLEAR:
                kept_refill(k)
            elif kept_set(k, records.side[at] != 0, level(records.price[at], records.size[at]),
                          records.price_exponent[at], records.size_exponent[at]):
                self.changed(k, records, at)
            else:
                kept_broken(k)
                self.dropped += 1
                continue
            if flags & LAST and not flags & MORE:
                if k.refilling:
                    self.filled(k, records.which[at], at)
                self.told(k, records, at)
        return 0

    cdef int filled(self, kept_book *k, uint32_t which, Py_ssize_t at) except -1 nogil:
        """A snapshot is whole."""
        k.refilling = False
        return 0

    cdef int changed(self, kept_book *k, Records records, Py_ssize_t at) except -1 nogil:
        """A level was set."""
        return 0

    cdef int told(self, kept_book *k, Records records, Py_ssize_t at) except -1 nogil:
        """A message is whole."""
        return 0


cdef class Mirror(_Books):
    """Rows for readers that clear a book at a snapshot's first row, and for those that do not.

    A snapshot's rows are its levels, and with size 0 what the reader has besides: so a book is
    right even after two snapshots in a row, or an empty one, or one that is shorter than the book
    before. What comes before there is a base is dropped.
    """

    cdef Row *rows
    cdef Py_ssize_t room, used

    def __dealloc__(self):
        free(self.rows)

    cdef int put(self, Row row) except -1 nogil:
        cdef Row *rows
        if self.used == self.room:
            rows = <Row *>realloc(self.rows, (2 * self.room + 4096) * sizeof(Row))
            if rows == NULL:
                with gil:
                    raise MemoryError()
            self.rows = rows
            self.room = 2 * self.room + 4096
        self.rows[self.used] = row
        self.used += 1
        return 0

    cdef int filled(self, kept_book *k, uint32_t which, Py_ssize_t at) except -1 nogil:
        """What the reader has besides, is gone."""
        cdef int ask
        cdef uint32_t one
        cdef int64_t price
        for ask in range(2):
            one = k.before[ask].count
            while one > 0:
                one -= 1
                price = k.before[ask].levels[one].price
                if not kept_has(k, ask, price):
                    self.put(Row(at, price, 0, which, <int8_t>k.before_price_exponent, 0,
                                 <uint8_t>ask, SNAPSHOT))
            k.before[ask].count = 0
        k.refilling = False
        return 0

    cdef int changed(self, kept_book *k, Records records, Py_ssize_t at) except -1 nogil:
        return self.put(Row(at, records.price[at], records.size[at], records.which[at],
                            records.price_exponent[at], records.size_exponent[at],
                            records.side[at], SNAPSHOT if k.refilling else 0))

    def apply(self, Records records not None):
        """The rows of LEVEL and CLEAR records; others are passed over."""
        self.need(records.books)
        self.used = 0
        with nogil:
            self.take(records)
        return self.taken()

    def whole(self):
        """Every book that is in step as the rows of a snapshot, best first; `at` is -1."""
        cdef Py_ssize_t which
        cdef kept_book *k
        cdef book_side *side
        cdef int ask
        cdef uint32_t one
        self.used = 0
        for which in range(self.count):
            k = &self.books[which]
            if not k.in_step or k.refilling:
                continue
            for ask in range(2):
                side = kept_side(k, ask)
                one = side.count
                while one > 0:
                    one -= 1
                    self.put(Row(-1, side.levels[one].price, side.levels[one].size,
                                 <uint32_t>which, <int8_t>k.price_exponent,
                                 <int8_t>k.size_exponent, <uint8_t>ask, SNAPSHOT))
        return self.taken()

    cdef object taken(self):
        made = np.empty(self.used, ROW)
        cdef unsigned char[::1] view
        if self.used:
            made.view(np.uint8)[:] = np.asarray(
                <unsigned char[:self.used * <Py_ssize_t>sizeof(Row)]><unsigned char *>self.rows)
        return made


cdef class Tops(_Books):
    """The best levels of books: a row each time that a message has changed them."""

    cdef readonly Py_ssize_t depth
    cdef level *shown            # 2 * depth a book: what the last row of it had
    cdef Py_ssize_t shown_books
    cdef int64_t *place          # of the rows that are being made
    cdef level *levels
    cdef int8_t *exponents
    cdef Py_ssize_t used

    def __init__(self, Py_ssize_t depth):
        if depth < 1:
            raise ValueError(f"depth={depth}: at least 1")
        self.depth = depth

    def __dealloc__(self):
        free(self.shown)

    def apply(self, Records records not None):
        """(places of the records with which they changed, levels[row, side, depth, price or size],
        exponents[row, price or size]); a level that is not there has a price and size of NONE."""
        cdef Py_ssize_t at, room = 0
        self.need(records.books)
        self.show_room()
        for at in range(records.count):
            room += records.flags[at] & LAST and records.kind[at] in (LEVEL, CLEAR)
        places = np.empty(room, np.int64)
        levels = np.empty((room, 2, self.depth, 2), np.int64)
        exponents = np.zeros((room, 2), np.int8)
        cdef int64_t[::1] place = places
        cdef int64_t[:, :, :, ::1] level_at = levels
        cdef int8_t[:, ::1] exponent = exponents
        self.used = 0
        if room:
            self.place = &place[0]
            self.levels = <level *>&level_at[0, 0, 0, 0]
            self.exponents = &exponent[0, 0]
        with nogil:
            self.take(records)
        return places[:self.used], levels[:self.used], exponents[:self.used]

    cdef int told(self, kept_book *k, Records records, Py_ssize_t at) except -1 nogil:
        """A row, if the best levels are others."""
        cdef Py_ssize_t stride = 2 * self.depth
        cdef level *drawn = self.levels + self.used * stride
        cdef level *shown = self.shown + records.which[at] * stride
        self.draw(k, drawn)
        if (k.shown_price_exponent == k.price_exponent
                and k.shown_size_exponent == k.size_exponent
                and memcmp(drawn, shown, <size_t>stride * sizeof(level)) == 0):
            return 0
        k.shown_price_exponent = k.price_exponent
        k.shown_size_exponent = k.size_exponent
        self.keep(drawn, shown)
        self.place[self.used] = at
        self.exponents[2 * self.used] = <int8_t>k.price_exponent
        self.exponents[2 * self.used + 1] = <int8_t>k.size_exponent
        self.used += 1
        return 0

    cdef int show_room(self) except -1:
        cdef Py_ssize_t at, stride = 2 * self.depth
        if self.shown_books >= self.count:
            return 0
        cdef level *shown = <level *>realloc(self.shown, self.count * stride * sizeof(level))
        if shown == NULL:
            raise MemoryError()
        for at in range(self.shown_books * stride, self.count * stride):
            shown[at] = level(0, 0)   # what no book has: the first row is always another
        self.shown = shown
        self.shown_books = self.count
        return 0

    cdef void draw(self, kept_book *k, level *to) noexcept nogil:
        cdef int ask
        cdef Py_ssize_t depth
        cdef book_side *side
        for ask in range(2):
            side = kept_side(k, ask)
            for depth in range(self.depth):
                if depth < side.count:
                    to[0] = side.levels[side.count - 1 - depth]
                else:
                    to[0] = level(_NONE, _NONE)
                to += 1

    cdef void keep(self, const level *drawn, level *shown) noexcept nogil:
        cdef Py_ssize_t at
        for at in range(2 * self.depth):
            shown[at] = drawn[at]
