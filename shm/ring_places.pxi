# Where in the ring reading may begin.

cdef bint _joins(Segment segment, uint64_t next, uint64_t *at) except -1:
    """Whether reading may begin after `at`, the last published record; see `fh_join_try`.

    `next`: what was to be read next, before which nothing can be published last.
    """
    cdef fh_slot last
    cdef int status
    cdef bint joins = fh_join_try(segment.header, segment.ring_, segment.mask, at)
    if not joins:
        status = fh_slot_read(segment.ring_, segment.mask, at[0], &last)
        if status == FH_READ_EMPTY or status == FH_READ_BUSY:
            raise segment._damaged(f"ring record {at[0]}")  # what is published was written
    if at[0] + 1 < next:
        raise segment._damaged("published")  # it went back, or is past all numbers
    return joins


cdef uint64_t _message_from(Segment segment, uint64_t first) except 0:
    """The first message that begins at `first` or later, or where it is no more there."""
    cdef fh_slot slot
    cdef uint64_t published = fh_load64_acquire(&segment.header.published)
    cdef int status
    if not 1 <= first <= published + 1:
        raise ValueError(f"sequence {first}: 1 to {published + 1} are there")
    while first <= published:
        status = fh_slot_read(segment.ring_, segment.mask, first, &slot)
        if status != FH_READ_OK or slot.flags & FH_FLAG_FIRST:
            break
        first += 1
    return first


cdef uint64_t _oldest_message(Segment segment) except 0:
    """The oldest message that is still whole."""
    cdef fh_slot slot
    cdef uint64_t published = fh_load64_acquire(&segment.header.published)
    cdef uint64_t n = published - segment.mask if published > segment.mask else 1
    if published + 1 == 0:
        raise segment._damaged("published")
    while n <= published:
        if (fh_slot_read(segment.ring_, segment.mask, n, &slot) == FH_READ_OK
                and slot.flags & FH_FLAG_FIRST):
            break
        n += 1
    return n
