# cython: language_level=3, binding=True, boundscheck=False, wraparound=False
"""Rows of text out of columns of numbers, in one loop without a Python object in it."""

import numpy as np

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int8_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

cdef extern from "decimal_text.h" nogil:
    enum:
        DECIMAL_MOST
    char *unsigned_text(char *to, uint64_t value)
    char *signed_text(char *to, int64_t value)
    char *decimal_text(char *to, int64_t value, int exponent)

#: No value: an empty field.
NONE = -(1 << 63)

cdef int64_t _NONE = NONE

cdef enum What:
    CONSTANT
    NAMES
    SIGNED
    UNSIGNED
    DECIMAL

ctypedef struct Name:
    const char *text
    size_t length

ctypedef struct Field:
    What what
    const int64_t *values
    const int8_t *exponents
    Name *names
    int64_t count            # of names
    Name constant


cdef class Column:
    """One column of text; made by `constant`, `names`, `integers`, `unsigned` and `decimals`."""

    cdef Field field
    cdef object _kept        # what the pointers lead to
    cdef readonly Py_ssize_t rows   #: -1: of any number of rows
    cdef size_t widest

    def __dealloc__(self):
        free(self.field.names)


cdef Column _column(What what, kept, Py_ssize_t rows, size_t widest):
    cdef Column made = Column.__new__(Column)
    made.field.what = what
    made._kept = kept
    made.rows = rows
    made.widest = widest
    return made


cdef const int64_t *_words(array) except? NULL:
    cdef const int64_t[::1] view = array
    return &view[0] if view.shape[0] else NULL


def constant(bytes text not None):
    """The same text in each row."""
    cdef Column made = _column(CONSTANT, text, -1, PyBytes_GET_SIZE(text))
    made.field.constant.text = PyBytes_AS_STRING(text)
    made.field.constant.length = PyBytes_GET_SIZE(text)
    return made


def names(list table not None, which):
    """`table[which[row]]`; below 0: nothing. The texts must need no quotes."""
    which = np.ascontiguousarray(which, np.int64)
    if len(which) and which.max() >= len(table):
        raise IndexError(f"name {which.max()} of {len(table)}")
    cdef Column made = _column(NAMES, (table, which), len(which), 0)
    cdef bytes text
    cdef Py_ssize_t at
    made.field.values = _words(which)
    made.field.count = len(table)
    made.field.names = <Name *>calloc(max(1, len(table)), sizeof(Name))
    if made.field.names == NULL:
        raise MemoryError()
    for at in range(len(table)):
        text = table[at]
        made.field.names[at].text = PyBytes_AS_STRING(text)
        made.field.names[at].length = PyBytes_GET_SIZE(text)
        made.widest = max(made.widest, <size_t>PyBytes_GET_SIZE(text))
    return made


def integers(values):
    """Whole numbers; NONE: nothing."""
    values = np.ascontiguousarray(values, np.int64)
    cdef Column made = _column(SIGNED, values, len(values), DECIMAL_MOST)
    made.field.values = _words(values)
    return made


def unsigned(values):
    """Whole numbers; 0: nothing."""
    values = np.ascontiguousarray(values, np.uint64).view(np.int64)
    cdef Column made = _column(UNSIGNED, values, len(values), DECIMAL_MOST)
    made.field.values = _words(values)
    return made


def decimals(values, exponents):
    """values * 10^exponents, exactly; NONE: nothing."""
    values = np.ascontiguousarray(values, np.int64)
    exponents = np.ascontiguousarray(np.broadcast_to(exponents, values.shape), np.int8)
    cdef Column made = _column(DECIMAL, (values, exponents), len(values), DECIMAL_MOST)
    cdef const int8_t[::1] view = exponents
    made.field.values = _words(values)
    made.field.exponents = &view[0] if view.shape[0] else NULL
    return made


def lines(list columns not None, Py_ssize_t first, Py_ssize_t last):
    """Rows `first` to before `last` of these columns, with commas between and a line feed at the end."""
    cdef Py_ssize_t width = len(columns), at, row, count = last - first
    cdef size_t most = 0
    cdef Column column
    cdef Field *fields = <Field *>calloc(max(1, width), sizeof(Field))
    cdef bytes made
    cdef char *begin
    cdef char *end
    if fields == NULL:
        raise MemoryError()
    try:
        if not 0 <= first <= last or not width:
            raise ValueError(f"rows {first} to {last} of {width} columns")
        for at in range(width):
            column = columns[at]
            if column.rows != -1 and column.rows < last:
                raise ValueError(f"column {at} has {column.rows} rows, not {last}")
            fields[at] = column.field
            most += column.widest + 1
        made = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>(most * <size_t>count))
        begin = PyBytes_AS_STRING(made)
        with nogil:
            end = begin
            for row in range(first, last):
                for at in range(width):
                    end = _put(end, &fields[at], row)
                    end[0] = b","
                    end += 1
                (end - 1)[0] = b"\n"
        return made[:end - begin]
    finally:
        free(fields)


cdef inline char *_put(char *to, const Field *field, Py_ssize_t row) noexcept nogil:
    cdef const Name *name
    cdef int64_t value
    if field.what == CONSTANT:
        memcpy(to, field.constant.text, field.constant.length)
        return to + field.constant.length
    value = field.values[row]
    if field.what == NAMES:
        if value < 0:
            return to
        name = &field.names[value]
        memcpy(to, name.text, name.length)
        return to + name.length
    if field.what == UNSIGNED:
        return unsigned_text(to, <uint64_t>value) if value != 0 else to
    if value == _NONE:
        return to
    if field.what == SIGNED:
        return signed_text(to, value)
    return decimal_text(to, value, field.exponents[row])
