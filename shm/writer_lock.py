"""The locks of a venue's writer: one makes it the only one, one shows readers that it lives.

Both are open-file-description locks (`F_OFD_SETLK`, Linux): the kernel releases them when the
writer dies, at whatever instruction, and unlike `flock(2)` they can be *asked* about
(`F_OFD_GETLK`) without being taken, even for an instant: who asks is never in the way.

A lock that others may open, they may also hold, if only for reading. So what decides who is the
writer is the lock object, which only its user can open; the lock on the control object, which
every reader opens, is nothing but the sign of life. It is a write lock, which only that user can
have: readers ask for that, and what they themselves hold says nothing.

Nothing is mapped through a locked description, since a mapping would keep the lock alive in forked
children; a child closes its copy.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

_FLOCK = struct.Struct("hhqqi4x")  # struct flock on 64-bit Linux: type, whence, start, len, pid


def locked(fd: int) -> bool:
    """Whether some process holds a write lock on the object. Never takes it."""
    request = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, request)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def take_lock(fd: int) -> bool:
    """Take the write lock for this descriptor's open file; False: another one has some lock."""
    request = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, request)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
