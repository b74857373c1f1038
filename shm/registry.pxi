# A reader's row in the registry: who reads, and how far. Only people look at it.

@cython.final
@cython.no_gc_clear  # the row is given back in the mapping that `segment` holds
cdef class _Registration:
    """A row that is this process's until this is dropped; a forked child leaves it to its parent."""
    cdef Segment segment
    cdef fh_reader_row *row
    cdef int pid

    def __dealloc__(self):
        if self.row != NULL and self.pid == getpid():
            fh_store32_release(&self.row.pid, 0)

    cdef void note(self, uint64_t next, uint64_t lost, uint64_t overruns) noexcept:
        if self.pid != getpid():
            return
        fh_store64(&self.row.cursor, next)
        fh_store64(&self.row.lost, lost)
        fh_store64(&self.row.overruns, overruns)
        fh_storei64(&self.row.updated_ns, fh_coarse_ns())


cdef _Registration _registered(Segment segment, bytes name, start_ticks_of):
    """A row for this process; None: all are taken, or this reader may not write there."""
    cdef _Registration made
    cdef fh_reader_row *row
    cdef uint32_t i, pid
    if segment.readers == NULL:
        return None
    for i in range(<uint32_t>FH_READERS):
        row = <fh_reader_row *>(<unsigned char *>segment.readers + FH_READERS_ROWS) + i
        pid = fh_load32(&row.pid)
        if pid & FH_READER_CLAIMED:
            if start_ticks_of(pid & ~FH_READER_CLAIMED):
                continue  # it lives, and has the row in a moment
        elif pid != 0 and start_ticks_of(pid) == fh_load64(&row.start_ticks):
            continue
        row = fh_reader_claim_row(row, pid)
        if row != NULL:
            _sign(row, segment.epoch, name, start_ticks_of(getpid()))
            made = _Registration.__new__(_Registration)
            made.segment = segment
            made.row = row
            made.pid = getpid()
            return made
    return None


cdef int _sign(fh_reader_row *row, uint64_t epoch, bytes name, uint64_t start_ticks) except -1:
    """Fill a row that was claimed; the pid last."""
    cdef uint64_t[8] padded
    memset(padded, 0, sizeof(padded))
    memcpy(padded, <const char *>name, min(len(name), 63))
    fh_store64(&row.start_ticks, start_ticks)
    fh_store64(&row.epoch, epoch)
    fh_store64(&row.cursor, 0)
    fh_store64(&row.lost, 0)
    fh_store64(&row.overruns, 0)
    fh_storei64(&row.updated_ns, fh_coarse_ns())
    fh_words_in(<fh_word *>row.name, <const fh_word *>padded, 8)
    fh_store32_release(&row.pid, <uint32_t>getpid())
    return 0
