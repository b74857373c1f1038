"""What lies in /dev/shm: found, created, opened, given its memory, removed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import posix_ipc  # type: ignore[import-not-found]

from shm.errors import DamagedSegment, NoRoom, PermissionDenied
from shm.object_names import ObjectName, parse
from shm.permissions import whose

DIRECTORY = Path("/dev/shm")
_ORDER = ("control", "data", "readers", "lock")


def objects(namespace: str, venue: str | None = None) -> list[ObjectName]:
    """The objects of a namespace (of one venue of it) that are there now, sorted."""
    found = []
    for entry in DIRECTORY.iterdir():
        name = parse(entry.name)
        if name is not None and name.namespace == namespace and venue in (None, name.venue):
            found.append(name)
    return sorted(found, key=lambda name: (name.venue, _ORDER.index(name.part), name.epoch or 0))


def create_object(path: str, mode: int) -> int:
    """A new object, empty: its descriptor, read and write. Raises FileExistsError, OSError."""
    try:
        fd = int(posix_ipc.SharedMemory(path, posix_ipc.O_CREX, mode=mode).fd)
    except posix_ipc.ExistentialError:
        raise FileExistsError(path) from None
    os.fchmod(fd, mode)  # whatever the umask is
    return fd


def open_fd(path: str, *, writable: bool = False) -> int:
    """A descriptor of an object that is there.

    Not by `shm_open`, which waits for ever where somebody left a FIFO under the name. Raises
    FileNotFoundError, :class:`PermissionDenied`, :class:`DamagedSegment` ("type": no plain file).
    """
    flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(DIRECTORY / path[1:], flags)
    except FileNotFoundError:
        raise
    except PermissionError:
        cure = "be in a group that the feed names (its key `group`), or be that user"
        text = f"{path}: permission denied: {whose(DIRECTORY / path[1:])}: {cure}"
        raise PermissionDenied(text) from None
    except OSError as error:  # a directory, a link, a socket
        raise DamagedSegment(f"{path} is no shared memory: {error.strerror}", "type") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise DamagedSegment(f"{path} is no shared memory", "type")
    return fd


def open_our_object(path: str, mode: int | None = None) -> int:
    """A descriptor to write of an object that is this user's; `mode`: put right if it is another.

    Whose object it is can take it from under the feed, so somebody else's is refused. Raises
    FileNotFoundError, :class:`PermissionDenied`, :class:`DamagedSegment`.
    """
    try:
        fd = open_fd(path, writable=True)
    except DamagedSegment as error:  # a directory, a link
        raise DamagedSegment(f"{error}: remove it", "type") from None
    found = os.fstat(fd)
    if found.st_uid != os.geteuid():
        os.close(fd)
        raise PermissionDenied(
            f"{path}: its owner is user {found.st_uid}, this is user {os.geteuid()}; the feed of a "
            "venue must always be run by the same user: remove it, or use another namespace"
        )
    if mode is not None and found.st_mode & 0o7777 != mode:
        os.fchmod(fd, mode)
    return fd


def is_current(path: str, fd: int) -> bool:
    """Whether the name still means the object that is open at `fd`."""
    try:
        there = (DIRECTORY / path[1:]).stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(fd)
    return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)


def reserve(fd: int, size: int, path: str) -> None:
    """Give an object its memory now, all of it. Raises :class:`NoRoom`."""
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        room = os.statvfs(DIRECTORY)
        free = room.f_bavail * room.f_frsize
        raise NoRoom(
            f"{path} needs {size / 2**20:.1f} MiB, /dev/shm has {free / 2**20:.1f} MiB free: "
            "remove stale objects (`feedhandler clean`), ask for fewer instruments, less depth or "
            "a smaller ring, or enlarge it (`mount -o remount,size=... /dev/shm`; of a "
            "container: --shm-size)",
            size,
            free,
        ) from None


def unlink(path: str) -> None:
    """Remove a shared-memory name if it is there. Mappings stay valid."""
    try:
        posix_ipc.unlink_shared_memory(path)
    except posix_ipc.ExistentialError:
        pass
    except posix_ipc.PermissionsError:
        text = f"{path}: this user may not remove it: {whose(DIRECTORY / path[1:])}"
        raise PermissionDenied(text) from None
    except OSError as error:  # a folder
        raise PermissionDenied(f"{path}: {error.strerror}") from None
