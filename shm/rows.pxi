# Rows of the memory, made from fields.

cdef class _Row:
    """One contiguous buffer, held for the time of a call."""
    cdef Py_buffer view
    cdef bint held

    def __cinit__(self, array, Py_ssize_t size):
        PyObject_GetBuffer(array, &self.view, PyBUF_SIMPLE)
        self.held = True
        if self.view.len != size:
            raise ValueError(f"{self.view.len} bytes, not {size}")

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


def _fill(structure, fields, defaults):
    """A 0-d structured array from a mapping, or from a structured scalar of the same dtype."""
    dtype = DTYPES[structure]
    if isinstance(fields, (np.void, np.ndarray)) and fields.dtype == dtype:
        return np.array(fields, dtype=dtype)
    row = np.zeros((), dtype=dtype)
    for name, value in defaults.items():
        row[name] = value
    for name, value in fields.items():
        if name not in dtype.names or name == "stamp" or name.startswith("reserved"):
            raise ValueError(f"{structure} has no field {name!r}")
        if isinstance(value, str):
            value = value.encode()
            if len(value) >= dtype[name].itemsize:
                raise ValueError(
                    f"{name}: {value!r} is longer than {dtype[name].itemsize - 1} bytes")
        row[name] = value
    return row


cdef dict _QUOTE_DEFAULTS = {
    **{n: FH_NONE for n in ("bid_price", "ask_price", "last_price")},
    **{n: NAN for n in (
        "mark", "index", "underlying", "bid_iv", "ask_iv", "mark_iv", "delta", "gamma", "vega",
        "theta", "rho", "funding", "open_interest", "volume", "predicted_funding")},
}
