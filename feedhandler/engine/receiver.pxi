# What a socket brings, from the moment that its WebSocket is open: see _engine.pyi.

cdef enum:
    RECEIVE_BYTES = 256 * 1024  # room at first, and again when a long frame is done with
    MIN_ROOM = 4096


cdef uint8_t *_room(uint8_t *data, size_t room):
    """So many bytes, also beyond those of `data`, with what may be read before and behind; NULL: there are none."""
    block = <uint8_t *>realloc(data - DECIMAL_BEFORE if data != NULL else NULL,
                               DECIMAL_BEFORE + room + CURSOR_PADDING)
    return block + DECIMAL_BEFORE if block != NULL else NULL


cdef bytes _payload(const ws_frame *frame):
    return PyBytes_FromStringAndSize(<const char *>frame.payload, frame.length)


cdef class _Native:
    pass  # a native class has a native base first


cdef class Receiver(_Native, BufferedProtocol):
    """The buffered protocol of one session."""

    cdef Connection connection
    cdef object listener, before
    cdef uint8_t *data
    cdef size_t room, start, end, wanted, longest
    cdef bint parts, muted, over

    def __cinit__(self, Connection connection not None, listener, before, size_t longest):
        self.data = _room(NULL, RECEIVE_BYTES)
        if self.data == NULL:
            raise MemoryError
        self.room = RECEIVE_BYTES
        self.connection = connection
        self.listener = listener
        self.before = before
        self.longest = longest

    def __dealloc__(self):
        if self.data != NULL:
            free(self.data - DECIMAL_BEFORE)

    def mute(self):
        self.muted = True

    def get_buffer(self, Py_ssize_t size_hint):
        if self.room - self.end < MIN_ROOM or self.wanted > self.room:
            self._resize(max(self.wanted, self.end + MIN_ROOM))
        elif self.end == 0 and self.room > RECEIVE_BYTES:
            self._resize(RECEIVE_BYTES)
        return PyMemoryView_FromMemory(<char *>self.data + self.end, self.room - self.end,
                                       PyBUF_WRITE)

    cdef int _resize(self, size_t room) except -1:
        cdef uint8_t *data = _room(self.data, room)
        if data == NULL:
            raise MemoryError
        self.data = data
        self.room = room
        return 0

    def buffer_updated(self, Py_ssize_t count):
        self.end += count
        if self.over:
            self.end = 0
            return
        try:
            self.connection.engine._check()
            self._frames()
        except Exception as error:
            self.start = self.end
            self.listener.on_failed(error)
        if self.connection.engine.e.writer.base != NULL:
            engine_wake(&self.connection.engine.e)
        if self.start:
            self.end -= self.start
            memmove(self.data, self.data + self.start, self.end)
            self.start = 0

    cdef int _frames(self) except -1:
        cdef ws_frame frame
        cdef size_t head
        cdef int bits
        self.wanted = 0
        while True:
            head = ws_head(self.data + self.start, self.end - self.start, &frame)
            if head == 0:
                return 0
            if frame.wrong != NULL:
                return self._refuse((<bytes>frame.wrong).decode())
            if frame.length > self.longest:
                return self._refuse(None)
            if self.end - self.start - head < frame.length:
                self.wanted = head + frame.length
                return 0
            self.start += head + frame.length
            if frame.fin and not self.parts and frame.kind < WS_CLOSE and frame.kind:
                if self.muted:
                    continue
                bits = engine_feed_within(&self.connection.engine.e, &self.connection.c,
                                          <uint8_t *>frame.payload, frame.length, 0, False)
                if bits & (FEED_CONTROL | FEED_ATTENTION | FEED_MALFORMED | FEED_GAP):
                    self._tell(self.listener.on_special, (bits, _payload(&frame)))
            else:
                if frame.kind < WS_CLOSE:
                    self.parts = not frame.fin
                self._tell(self.listener.on_frame, (frame.kind, frame.fin, _payload(&frame)))

    cdef int _tell(self, told, tuple what) except -1:
        """What Python has to do with a frame; a mistake there costs that frame alone."""
        engine_flush(&self.connection.engine.e)
        try:
            told(*what)
        except Exception as error:
            self.listener.on_failed(error)
        return 0

    cdef int _refuse(self, text) except -1:
        """Nothing that comes after this can be read."""
        self.over = True
        self.start = self.end
        self.listener.on_refused(text)
        return 0

    def eof_received(self):
        return self.before.eof_received()

    def connection_lost(self, error):
        before = self.before
        self.over = True
        before.connection_lost(error)
        # Listener, protocol and transport know each other, and nobody collects cycles here.
        self.listener = self.before = None

    def pause_writing(self):
        self.before.pause_writing()

    def resume_writing(self):
        self.before.resume_writing()
