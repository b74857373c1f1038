# Whether a writer lives.

from libc.stdint cimport int64_t

from shm.contract cimport fh_control, fh_header

cdef extern from "shm/liveness.h" nogil:
    int FH_DEAD_NS
    int FH_WRITER_LIVES, FH_WRITER_STOPPED, FH_WRITER_SUPERSEDED
    int64_t fh_coarse_ns()
    int64_t fh_age(int64_t now, int64_t then)
    int64_t fh_heartbeat_age(const fh_header *header, int64_t now)
    bint fh_suspect(const fh_header *header, int64_t *next_ask_ns)
    int fh_writer_gone(const fh_header *header, const fh_control *control, const fh_header *plan,
                       int lock)
