# The parts by themselves, for tests: decimals, JSON, strings, the continuity machine.

from libc.stdlib cimport free

_ACTIONS = ("apply", "replace", "claim", "duplicate", "buffer", "ignore", "gap", "too_old", "ahead")


def parse_decimal(bytes text, int exponent):
    cdef int64_t value = 0
    cdef const uint8_t *stop = NULL
    cdef int needed = 0
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(text)
    cdef int result = decimal_scaled(at, at + len(text), exponent, &value, &stop, &needed)
    if result == DECIMAL_OK and stop == at + len(text):
        return value
    if result == DECIMAL_PRECISION and stop == at + len(text):
        raise ValueError(f"precision: needs exponent {needed}")
    if result == DECIMAL_OVERFLOW and stop == at + len(text):
        raise ValueError("overflow")
    raise ValueError(f"syntax at byte {stop - at}")


def format_decimal(int64_t value, int exponent):
    cdef uint8_t out[64]
    return (<char *>out)[:decimal_format(value, exponent, out)].decode()


def scan_json(payload):
    cdef Py_buffer view
    cdef cursor c
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        cursor_start(&c, view.buf, view.len, NULL)
        cursor_skip(&c)
        if cursor_finish(&c):
            return view.len
        raise ValueError(f"{wire_error_words(c.error).decode()} at byte {c.error_at - c.begin}")
    finally:
        PyBuffer_Release(&view)


def parse_string(payload):
    cdef Py_buffer view
    cdef cursor c
    cdef text out
    cdef spare room
    memset(&room, 0, sizeof(room))
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        cursor_start(&c, view.buf, view.len, &room)
        cursor_scalar(&c, &out)
        if cursor_finish(&c):
            if out.type != TEXT_STRING:
                raise ValueError("not a string")
            return (<const char *>out.at)[:out.length].decode()
        raise ValueError(f"{wire_error_words(c.error).decode()} at byte {c.error_at - c.begin}")
    finally:
        PyBuffer_Release(&view)
        free(room.bytes)


cdef class Continuity:
    """The state machine by itself, without books or memory."""

    cdef continuity c

    def __cinit__(self, *, int rule, int base, bint rest_join=False):
        memset(&self.c, 0, sizeof(self.c))
        self.c.rule = rule
        self.c.base = base
        self.c.rest_join = rest_join

    @property
    def last(self):
        return self.c.last

    @property
    def has_base(self):
        return continuity_based(&self.c)

    def delta(self, int64_t first, int64_t final, int64_t previous=0, bint numbered=True,
              bint own=True, bint others=False, bint step=True):
        cdef sequence s = sequence(first, final, previous, numbered, 0)
        return _ACTIONS[continuity_delta(&self.c, &s, own, others, step)]

    def snapshot(self, int64_t final, bint own=True, bint numbered=True):
        cdef sequence s = sequence(0, final, 0, numbered, 0)
        return _ACTIONS[continuity_snapshot(&self.c, &s, own)]

    def answer(self, int64_t final, head=None, tail=None):
        """`head`, `tail`: (first, final, previous) of the first and the last buffered delta."""
        cdef sequence s = sequence(0, final, 0, True, 0)
        cdef sequence h, t
        if head is None:
            return _ACTIONS[continuity_answer(&self.c, &s, NULL, NULL)]
        tail = tail or head
        h = sequence(head[0], head[1], head[2], True, 0)
        t = sequence(tail[0], tail[1], tail[2], True, 0)
        return _ACTIONS[continuity_answer(&self.c, &s, &h, &t)]

    def confirmed(self, int64_t first, int64_t final, int64_t previous=0):
        cdef sequence s = sequence(first, final, previous, True, 0)
        return continuity_confirmed(&self.c, &s)

    def missed(self, int64_t first, int64_t final, int64_t previous=0):
        cdef sequence s = sequence(first, final, previous, True, 0)
        return continuity_missed(&self.c, &s)

    def full(self, int64_t final, int64_t exchange_ns, bint own=True):
        cdef sequence s = sequence(0, final, 0, True, 0)
        return _ACTIONS[continuity_full(&self.c, &s, exchange_ns, own)]
