# Memory that may be truncated while it is mapped.

cdef extern from "shm/guard.h" nogil:
    int fh_guard_add(const void *base, size_t size, int protection)
    void fh_guard_drop(int guard)
    bint fh_guard_broken(int guard)
