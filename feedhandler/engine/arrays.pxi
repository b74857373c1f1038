# What Python asks of all instruments, and of a book, as arrays. Copies, all of them.

cdef uint32_t _row_count(engine *e) noexcept:
    """Of an array with a row for each instrument, by its id."""
    cdef uint32_t i
    for i in range(e.room, 0, -1):
        if e.markets[i - 1] != NULL:
            return i
    return 0


cdef object _activity(engine *e):
    cdef uint32_t i, count = _row_count(e)
    cdef int channel
    out = np.zeros((count, CHANNELS), dtype=np.int64)
    cdef int64_t[:, ::1] rows = out
    for i in range(count):
        if e.markets[i] != NULL:
            for channel in range(CHANNELS):
                rows[i, channel] = e.markets[i].activity[channel]
    return out


cdef object _looked(engine *e, Py_ssize_t most):
    """(rows, (rows, CHANNELS) activity, (rows, 2) states and reasons, those that stand still)."""
    cdef market *m
    cdef bint frozen = False
    cdef Py_ssize_t count = 0
    cdef int channel
    rows = np.empty(most, dtype=np.int64)
    activity = np.empty((most, CHANNELS), dtype=np.int64)
    states = np.empty((most, 2), dtype=np.int64)
    cdef int64_t[::1] ids = rows
    cdef int64_t[:, ::1] times = activity
    cdef int64_t[:, ::1] its = states
    still = []
    while count < most:
        m = engine_look(e, &frozen)
        if m == NULL:
            break
        ids[count] = m.id
        for channel in range(CHANNELS):
            times[count, channel] = m.activity[channel]
        its[count, 0], its[count, 1] = m.state, m.reason
        if frozen:
            still.append(m.id)
        count += 1
    return rows[:count], activity[:count], states[:count], still


cdef object _brought(engine *e):
    cdef uint32_t i, count = _row_count(e)
    cdef int channel
    out = np.zeros((count, CHANNELS), dtype=np.uint64)
    cdef uint64_t[:, ::1] rows = out
    for i in range(count):
        if e.markets[i] != NULL:
            for channel in range(CHANNELS):
                rows[i, channel] = e.markets[i].brought[channel]
                e.markets[i].brought[channel] = 0
    return out


cdef object _quality(engine *e, rows):
    """(n, QUALITY_FIELDS) of these rows; 0 where there is none."""
    cdef Py_ssize_t at
    cdef int64_t row
    cdef int field
    ids = np.ascontiguousarray(rows, dtype=np.int64)
    out = np.zeros((len(ids), QUALITY_FIELDS), dtype=np.int64)
    cdef int64_t[::1] wanted = ids
    cdef int64_t[:, ::1] its = out
    for at in range(wanted.shape[0]):
        row = wanted[at]
        if 0 <= row < e.room and e.markets[row] != NULL:
            for field in range(QUALITY_FIELDS):
                its[at, field] = (<const int64_t *>&e.markets[row].quality)[field]
    return out


def holes(Engine of not None):
    of._check()
    return of.e.holes.gaps, of.e.holes.missing, of.e.holes.unsized


cdef object _load(engine *e):
    cdef uint32_t i, count = _row_count(e)
    out = np.zeros(count, dtype=np.uint64)
    cdef uint64_t[::1] rows = out
    for i in range(count):
        if e.markets[i] != NULL:
            rows[i] = e.markets[i].load
    return out


cdef object _side(book_side *side):
    cdef uint32_t i
    out = np.empty((side.count, 2), dtype=np.int64)
    cdef int64_t[:, ::1] rows = out
    for i in range(side.count):
        rows[i, 0] = side.levels[side.count - 1 - i].price
        rows[i, 1] = side.levels[side.count - 1 - i].size
    return out


cdef _known(const book_side *s, bint ask):
    """(levels, the price of the last) that are known; None: all that the venue has."""
    return None if side_whole(s, ask) else (side_known(s, ask), s.edge)
