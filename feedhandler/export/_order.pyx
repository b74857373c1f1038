# cython: language_level=3, binding=True, boundscheck=False, wraparound=False
"""Events in the order of two clocks: which are written once, and which twice."""

from libc.stdint cimport int32_t

#: What an event in the written order counts for: the exchange, the reader, or both.
EXCHANGE = 1
LOCAL = 2


def merged(const int32_t[::1] by_exchange not None, const int32_t[::1] rank not None,
           Py_ssize_t exchange, Py_ssize_t local, int32_t[::1] event not None,
           signed char[::1] clock not None):
    """Go on from the places (exchange, local), as far as `event` has room; returns (written,
    exchange, local).

    `by_exchange[i]`: the event that is i-th by the exchange's clock, numbered by the reader's;
    `rank`: the other way round. Each event is there once for both clocks if its turn comes in both
    at the same time, else once for each.
    """
    cdef Py_ssize_t count = by_exchange.shape[0], room = event.shape[0], used = 0
    cdef int32_t first
    if rank.shape[0] != count or clock.shape[0] != room:
        raise ValueError("arrays of different lengths")
    with nogil:
        while used < room and (exchange < count or local < count):
            if local < count and rank[local] < exchange:      # the exchange's clock had it before
                event[used] = <int32_t>local
                clock[used] = 2
                local += 1
            elif exchange < count and by_exchange[exchange] < local:
                event[used] = by_exchange[exchange]
                clock[used] = 1
                exchange += 1
            else:
                first = by_exchange[exchange]
                if first == local:
                    event[used] = first
                    clock[used] = 3
                    exchange += 1
                    local += 1
                elif first - local >= rank[local] - exchange:  # it was long on its way
                    event[used] = first
                    clock[used] = 1
                    exchange += 1
                else:
                    event[used] = <int32_t>local
                    clock[used] = 2
                    local += 1
            used += 1
    return used, exchange, local
