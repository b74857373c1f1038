"""What the C library keeps of memory that is free again: glibc's habits, changed (mallopt(3)).

A process that reads 30 MB once, a list that makes no sense, would have them for good: what was
freed counts as its own until another needs it.
"""

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 1 << 20


def keep_large_apart() -> None:
    """Let what is large be mapped by itself, and unmapped when it is freed; in this process, from
    now on. Without this glibc learns from the first large block to keep those that come after."""
    if (set_option := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Return what is free in small pieces to the system. It takes milliseconds where there is
    much of it."""
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
