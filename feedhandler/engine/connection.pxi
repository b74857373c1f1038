# What one connection brings, and what is known of it.

cdef enum:
    BATCH_BYTES = 4096  # of feed_all: what a busy socket has at once, at the least


cdef class Connection:
    """What arrives on one connection."""

    cdef connection c
    cdef Engine engine

    def __dealloc__(self):
        session_begin(&self.c)

    @property
    def frames(self):
        return self.c.frames

    @property
    def bytes(self):
        return self.c.bytes

    @property
    def levels(self):
        return self.c.levels

    @property
    def malformed(self):
        return self.c.malformed

    @property
    def unknown(self):
        return self.c.unknown

    @property
    def slow(self):
        return self.c.slow

    @property
    def last_receive_ns(self):
        return self.c.last_receive_ns

    @property
    def behind_ns(self):
        return self.c.behind_ns

    @behind_ns.setter
    def behind_ns(self, int64_t value):
        self.c.behind_ns = value

    def take_late_ns(self):
        cdef int64_t late = self.c.late_ns
        self.c.late_ns = INT64_MAX
        return None if late == INT64_MAX else late

    @property
    def wins(self):
        return self.c.wins

    @property
    def lead_p50_ns(self):
        return connection_lead(&self.c)

    def begin(self):
        session_begin(&self.c)

    def bind(self, int64_t channel, instrument, str word):
        cdef bytes encoded = word.encode()
        if not 0 < len(encoded) < 16 or b"\0" in encoded:
            raise ValueError(f"the word of a channel has 1 to 15 bytes: {word!r}")
        if not channel_taught(&self.engine.e, &self.c, channel, self.engine._market(instrument),
                              PyBytes_AS_STRING(encoded), len(encoded)):
            raise MemoryError("too many channels on one connection")
        engine_wake(&self.engine.e)

    def unbind(self, int64_t channel):
        channel_unbind(&self.c, channel)

    @property
    def hole(self):
        return self.c.expected, self.c.came

    def feed(self, payload, int64_t receive_ns=0, bint wake=True):
        cdef Py_buffer view
        cdef int result
        self.engine._check()
        if PyBytes_CheckExact(payload):
            result = engine_feed(&self.engine.e, &self.c, PyBytes_AS_STRING(payload),
                                 PyBytes_GET_SIZE(payload), receive_ns, wake)
        else:
            PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
            result = engine_feed(&self.engine.e, &self.c, view.buf, view.len, receive_ns, wake)
            PyBuffer_Release(&view)
        engine_flush(&self.engine.e)  # nobody knows what the caller does next
        return result

    def flush(self):
        self.engine._check()
        engine_wake(&self.engine.e)

    def receiver(self, listener, before, size_t longest):
        return Receiver(self, listener, before, longest)

    def feed_all(self, list payloads, Py_ssize_t padding=0):
        """Feed each of a list of bytes, now; the bits that any of them gave. For benchmarks."""
        cdef int result = 0
        cdef bint here = padding >= CURSOR_PADDING
        cdef size_t batch = 0
        cdef Py_ssize_t length
        cdef const uint8_t *at
        self.engine._check()
        for payload in payloads:
            if not PyBytes_CheckExact(payload) or PyBytes_GET_SIZE(payload) < padding:
                engine_wake(&self.engine.e)
                raise TypeError(f"feed_all takes a list of bytes, {padding} of them behind each")
            at = <const uint8_t *>PyBytes_AS_STRING(payload)
            length = PyBytes_GET_SIZE(payload) - padding
            batch += length
            if here and at[length] == 0:  # before it is the object's head
                result |= engine_feed_here(&self.engine.e, &self.c, at, length, 0, batch >= BATCH_BYTES)
            else:
                result |= engine_feed(&self.engine.e, &self.c, at, length, 0, batch >= BATCH_BYTES)
            if batch >= BATCH_BYTES:
                batch = 0
        engine_wake(&self.engine.e)
        return result
