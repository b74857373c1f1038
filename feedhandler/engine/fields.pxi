# Fields of directory rows, filled from Python: what does not fit is an error.

cdef int _bands(fh_instrument *entry, bands) except -1:
    """Of ticks by price."""
    cdef double last = 0
    if len(bands) > FH_BANDS:
        raise ValueError(f"{len(bands)} bands of ticks: {FH_BANDS} at most")
    entry.bands = len(bands)
    for i, (begin, tick) in enumerate(bands):
        if not begin > last or not tick > 0:
            raise ValueError(f"bands of ticks have to ascend: {bands}")
        entry.band_from[i] = last = begin
        entry.band_tick[i] = tick
    return 0


cdef int _field(char *field, size_t size, str value) except -1:
    cdef bytes encoded = value.encode()
    if <size_t>len(encoded) >= size:
        raise ValueError(f"{value!r} is longer than {size - 1} bytes")
    memcpy(field, <const char *>encoded, len(encoded))
    return 0


cdef int _status(int status) except -1:
    if not 0 <= status < FH_STATUS_END:
        raise ValueError(f"no such status: {status}")
    return status
