# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: binding=False, embedsignature=False
"""Arrow capsules of numpy columns, without pyarrow. See `_arrow.pyi`, and `arrow.h` for the lifetimes."""

from cpython.buffer cimport PyBUF_STRIDED_RO, PyBuffer_Release, PyObject_GetBuffer
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.ref cimport Py_INCREF, PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

cdef extern from "arrow.h" nogil:
    ctypedef struct arrow_column:
        const uint8_t *at
        ptrdiff_t stride
        char name[40]
        char format[12]
        uint8_t width, null
        bint bits
        int32_t *codes
        size_t coded
        int32_t *offsets
        char *text
        int64_t words
    ctypedef struct arrow_table:
        size_t columns
        arrow_column column[1]
    struct ArrowSchema:
        void (*release)(ArrowSchema *) noexcept nogil
    struct ArrowArray:
        int64_t length
        void (*release)(ArrowArray *) noexcept nogil
    struct ArrowArrayStream:
        int (*get_next)(ArrowArrayStream *, ArrowArray *) noexcept nogil
        void (*release)(ArrowArrayStream *) noexcept nogil
    int _ROWS "ARROW_ROWS"
    int _NEVER "ARROW_NEVER"
    int _ZERO "ARROW_ZERO"
    int _NONE "ARROW_NONE"
    int _NAN "ARROW_NAN"
    arrow_table *arrow_table_new(size_t columns)
    void arrow_table_drop(arrow_table *t)
    int arrow_schema_make(ArrowSchema *out, arrow_table *t)
    int arrow_stream_make(ArrowArrayStream *out, arrow_table *t, size_t count, void *owner,
                          void (*let_go)(void *) noexcept)

cdef extern from *:
    """
    /* Called from any thread, with or without the interpreter's lock. At the interpreter's end nobody
     * can take it any more; the memory goes with the process. */
    static void fh_arrow_let_go(void *owner) {
        if (!Py_IsInitialized()) return;
    #if PY_VERSION_HEX >= 0x030D0000
        if (Py_IsFinalizing()) return;
    #else
        if (_Py_IsFinalizing()) return;
    #endif
        PyGILState_STATE state = PyGILState_Ensure();
        Py_DECREF((PyObject *)owner);
        PyGILState_Release(state);
    }
    """
    void fh_arrow_let_go(void *owner) noexcept nogil

NULLS = {"never": _NEVER, "zero": _ZERO, "none": _NONE, "nan": _NAN}
ROWS = _ROWS


cdef class _Held:
    """The buffers that a table's columns are read from."""
    cdef Py_buffer *views
    cdef size_t count

    def __cinit__(self, size_t columns):
        self.views = <Py_buffer *>malloc((columns + 1) * sizeof(Py_buffer))
        if self.views == NULL:
            raise MemoryError()

    def __dealloc__(self):
        cdef size_t i
        for i in range(self.count):
            PyBuffer_Release(&self.views[i])
        free(self.views)


cdef int _text(char *field, size_t room, str value) except -1:
    raw = value.encode()
    if <size_t>len(raw) >= room:
        raise ValueError(f"{value!r} is longer than {room - 1} bytes")
    memset(field, 0, room)
    memcpy(field, <const char *>raw, len(raw))
    return 0


cdef int _dictionary(arrow_column *c, codes, words) except -1:
    """`codes`: the word's number by value, -1: none."""
    cdef size_t i
    cdef size_t at = 0
    c.coded = len(codes)
    c.words = len(words)
    raw = [word.encode() for word in words]
    c.codes = <int32_t *>malloc((c.coded + 1) * sizeof(int32_t))
    c.offsets = <int32_t *>malloc((<size_t>c.words + 1) * sizeof(int32_t))
    c.text = <char *>malloc(sum(map(len, raw)) + 1)
    if c.codes == NULL or c.offsets == NULL or c.text == NULL:
        raise MemoryError()
    for i in range(c.coded):
        c.codes[i] = codes[i]
        if c.codes[i] >= c.words:
            raise ValueError(f"word {c.codes[i]} of {c.words}")
    for i in range(<size_t>c.words):
        c.offsets[i] = <int32_t>at
        memcpy(c.text + at, <const char *>raw[i], len(raw[i]))
        at += len(raw[i])
    c.offsets[c.words] = <int32_t>at
    return 0


cdef int _column(arrow_column *c, _Held held, column, Py_ssize_t count) except -1:
    name, values, format, null, codes, words = column
    cdef Py_buffer *view = &held.views[held.count]
    PyObject_GetBuffer(values, view, PyBUF_STRIDED_RO)
    held.count += 1
    if view.ndim != 1 or view.shape[0] != count:
        raise ValueError(f"{name}: not {count} values")
    if view.itemsize not in (1, 4, 8):
        raise ValueError(f"{name}: values of {view.itemsize} bytes")
    _text(c.name, sizeof(c.name), name)
    _text(c.format, sizeof(c.format), format)
    c.at = <const uint8_t *>view.buf
    c.stride = view.strides[0]
    c.width = view.itemsize
    c.null = NULLS[null]
    c.bits = format == "b"
    if codes is not None:
        _dictionary(c, codes, words)
    return 0


cdef arrow_table *_table(_Held held, columns, Py_ssize_t count) except NULL:
    cdef arrow_table *t = arrow_table_new(len(columns))
    cdef size_t i = 0
    if t == NULL:
        raise MemoryError()
    try:
        for column in columns:
            _column(&t.column[i], held, column, count)
            i += 1
    except BaseException:
        arrow_table_drop(t)
        raise
    return t


cdef void _drop_stream(object capsule) noexcept:
    cdef ArrowArrayStream *s = <ArrowArrayStream *>PyCapsule_GetPointer(
        capsule, "arrow_array_stream")
    if s.release != NULL:
        s.release(s)
    free(s)


cdef void _drop_schema(object capsule) noexcept:
    cdef ArrowSchema *s = <ArrowSchema *>PyCapsule_GetPointer(capsule, "arrow_schema")
    if s.release != NULL:
        s.release(s)
    free(s)


def stream(columns, Py_ssize_t count):
    cdef _Held held = _Held(len(columns))
    cdef arrow_table *t = _table(held, columns, count)
    cdef ArrowArrayStream *s = <ArrowArrayStream *>malloc(sizeof(ArrowArrayStream))
    if s == NULL or arrow_stream_make(s, t, count, <void *>held, fh_arrow_let_go):
        free(s)
        arrow_table_drop(t)
        raise MemoryError()
    Py_INCREF(held)
    return PyCapsule_New(s, "arrow_array_stream", _drop_stream)


def schema(columns, Py_ssize_t count):
    cdef _Held held = _Held(len(columns))
    cdef arrow_table *t = _table(held, columns, count)
    cdef ArrowSchema *s = <ArrowSchema *>malloc(sizeof(ArrowSchema))
    if s == NULL or arrow_schema_make(s, t):
        free(s)
        arrow_table_drop(t)
        raise MemoryError()
    arrow_table_drop(t)  # the schema has its own hold
    return PyCapsule_New(s, "arrow_schema", _drop_schema)


def drain(capsule):
    cdef ArrowArrayStream *s = <ArrowArrayStream *>PyCapsule_GetPointer(
        capsule, "arrow_array_stream")
    cdef ArrowArray batch
    cdef int failed = 0
    cdef int64_t rows = 0
    with nogil:
        while s.release != NULL:
            failed = s.get_next(s, &batch)
            if failed or batch.release == NULL:
                break
            rows += batch.length
            batch.release(&batch)
    if failed:
        raise MemoryError()
    return rows
