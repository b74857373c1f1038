# Objects as they are made: their geometry, and what stands in them before anybody maps them.

def geometry(instruments, depth, ring_slots, connections):
    regions = {}
    cdef uint64_t offset = FH_HEADER_BYTES

    for name, stride, count, align in (
        ("directory", fh_cell_stride(sizeof(fh_instrument)), instruments, 128),
        ("quotes", fh_cell_stride(sizeof(fh_quote)), instruments, 128),
        ("books", fh_cell_stride(fh_book_copy_bytes(depth)), instruments, 128),
        ("connections", fh_cell_stride(sizeof(fh_connection)), connections, 128),
        ("histograms", FH_HISTOGRAM_BUCKETS * 8, FH_HISTOGRAMS, 128),
        ("ring", sizeof(fh_slot), ring_slots, 4096),
    ):
        offset = (offset + <uint64_t>align - 1) // <uint64_t>align * <uint64_t>align
        regions[name] = (offset, stride, count)
        offset += <uint64_t>stride * <uint64_t>count
    return regions, (offset + 4095) // 4096 * 4096


cdef void *_map(int fd, size_t size, int protection, int flags) except NULL:
    cdef void *memory = mmap(NULL, size, protection, flags, fd, 0)
    if memory == MAP_FAILED:
        raise OSError(errno, f"mmap of {size} bytes: {os.strerror(errno)}")
    return memory


cdef void _region(fh_region *region, tuple values):
    region.offset = values[0]
    region.stride = values[1]
    region.count = values[2]


cdef int _text(char *field, size_t size, bytes text) except -1:
    if <size_t>len(text) >= size:
        raise ValueError(f"{text!r} is longer than {size - 1} bytes")
    memset(field, 0, size)
    memcpy(field, <const char *>text, len(text))
    return 0


cdef bint _identify(fh_control *control, bytes venue, bytes space, bytes boot_id) except -1:
    """Whose control object it is, magic last: all before the epoch. Whether it was not so already."""
    cdef fh_control own
    cdef size_t size = <char *>&own.epoch - <char *>&own
    memset(&own, 0, sizeof(own))
    own.magic = FH_MAGIC_CONTROL
    own.version_major = FH_VERSION_MAJOR
    own.version_minor = FH_VERSION_MINOR
    own.header_bytes = sizeof(fh_control)
    own.layout_hash = fh_layout_hash()
    own.total_bytes = FH_CONTROL_BYTES
    memcpy(own.boot_id, <const char *>boot_id, 16)
    _text(own.venue, 64, venue)
    _text(own.space, 64, space)
    if memcmp(control, &own, size) == 0:
        return False
    fh_store64_release(&control.magic, 0)
    memcpy(<char *>control + 8, <char *>&own + 8, size - 8)
    fh_store64_release(&control.magic, FH_MAGIC_CONTROL)
    return True


def format_control(int fd, bytes venue, bytes space, bytes boot_id):
    """Fill a control object that is new, or not as it should be. The caller holds the lock object's
    lock."""
    cdef fh_control *control = <fh_control *>_map(
        fd, FH_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
    try:
        _identify(control, venue, space, boot_id)
    finally:
        munmap(control, FH_CONTROL_BYTES)


def format_readers(int fd):
    """Fill a new readers' object."""
    cdef fh_readers *readers = <fh_readers *>_map(
        fd, FH_READERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
    fh_store64_release(&readers.magic, FH_MAGIC_READERS)
    munmap(readers, FH_READERS_BYTES)


def claim_control(int fd, pid, start_ticks):
    """Say in the control object who the writer is. The caller holds the lock object's lock."""
    cdef fh_control *control = <fh_control *>_map(
        fd, FH_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
    fh_store32_release(&control.writer_pid, <uint32_t>pid)
    fh_store64_release(&control.writer_start_ticks, <uint64_t>start_ticks)
    munmap(control, FH_CONTROL_BYTES)


def withdraw(int fd):
    """Say in the control object that no epoch is there. The caller holds the lock object's lock."""
    cdef fh_control *control = <fh_control *>_map(
        fd, FH_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
    fh_store64_release(&control.epoch, 0)
    munmap(control, FH_CONTROL_BYTES)


def supersede(int fd):
    """Mark the data object open (read and write) at `fd` superseded and wake who sleeps on it."""
    cdef fh_header *header = <fh_header *>_map(
        fd, FH_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
    try:
        if fh_load64_acquire(&header.magic) == FH_MAGIC_DATA:
            fh_supersede(header)
    finally:
        munmap(header, FH_HEADER_BYTES)
