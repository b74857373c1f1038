"""The lock on the control object that makes a process the writer of a venue.

It is an open-file-description lock (`F_OFD_SETLK`, Linux) on the control object, not
`flock(2)`: both are released by the kernel when the writer dies, at whatever instruction, but with
this one a reader can *ask* whether a writer lives (`F_OFD_GETLK`) without ever taking the lock,
even for an instant, and so can never be in the way of a writer that starts. The lock has an open
file description of its own that nothing is mapped through, since a mapping would keep it alive in
forked children; a child closes its copy.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

_FLOCK = struct.Struct("hhqqi4x")  # struct flock on 64-bit Linux: type, whence, start, len, pid


def locked(fd: int) -> bool:
    """Whether some process holds the writer's lock on the control object. Never takes it."""
    request = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, request)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


def take_lock(fd: int) -> bool:
    """Take the writer's lock for this descriptor's open file; False: another one has it."""
    request = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, request)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
