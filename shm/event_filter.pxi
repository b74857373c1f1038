# Which ring records a reader is handed: of kinds and instruments asked for, and not known already.

ctypedef struct Skip:
    # Records up to these are already in the state that was handed out from the cells.
    uint64_t book, quote, state

ctypedef struct EventFilter:
    uint64_t kinds              # bit by kind
    uint8_t *wanted             # by instrument; NULL: all
    uint32_t resolved           # rows of the directory that `wanted` covers
    Skip *skip                  # by instrument; NULL: nothing to skip
    uint64_t skip_until         # past this nothing is skipped
    uint32_t capacity           # of wanted and skip


cdef void _filter_clear(EventFilter *filter) noexcept:
    """Of any segment: no instruments, nothing to skip. The kinds stay."""
    free(filter.wanted)
    free(filter.skip)
    filter.wanted = NULL
    filter.skip = NULL
    filter.skip_until = 0
    filter.resolved = 0


cdef int _filter_open(EventFilter *filter, uint32_t capacity, bint select) except -1:
    """For a segment of so many instruments. `select`: none is wanted until it is marked."""
    _filter_clear(filter)
    filter.capacity = capacity
    if select:
        filter.wanted = <uint8_t *>calloc(capacity, 1)
        if filter.wanted == NULL:
            raise MemoryError()
    return 0


cdef int _filter_skip_none(EventFilter *filter) except -1:
    """Room to note what is in a state that will be handed out; nothing yet."""
    if filter.skip == NULL:
        filter.skip = <Skip *>malloc(filter.capacity * sizeof(Skip))
        if filter.skip == NULL:
            raise MemoryError()
    memset(filter.skip, 0, filter.capacity * sizeof(Skip))
    filter.skip_until = 0
    return 0


cdef inline bint _filter_wants(const EventFilter *filter, const fh_slot *slot, uint64_t n) noexcept:
    if slot.kind >= 64 or not filter.kinds >> slot.kind & 1:
        return False
    cdef uint32_t id = slot.instrument
    if filter.wanted != NULL and (id >= filter.capacity or not filter.wanted[id]):
        return False
    if FH_UNLIKELY(n <= filter.skip_until) and id < filter.capacity:
        if slot.kind == FH_KIND_LEVEL or slot.kind == FH_KIND_CLEAR:
            return n > filter.skip[id].book
        if (slot.kind == FH_KIND_QUOTE or slot.kind == FH_KIND_STAT
                or slot.kind == FH_KIND_DEFINITION):
            return n > filter.skip[id].quote
        if slot.kind == FH_KIND_STATE:
            return n > filter.skip[id].state
    return True
