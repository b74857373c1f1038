"""Shared-memory objects of a venue as the writer sees them: names, the lock, create, retire.

The writer's lock is an open-file-description lock (`F_OFD_SETLK`, Linux) on the control object, not
`flock(2)`: both are released by the kernel when the writer dies, at whatever instruction, but with
this one a reader can *ask* whether a writer lives (`F_OFD_GETLK`) without ever taking the lock,
even for an instant, and so can never be in the way of a writer that starts. The lock has an open
file description of its own that nothing is mapped through, since a mapping would keep it alive in
forked children; a child closes its copy.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import struct
import time
import uuid
import weakref
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np
import posix_ipc  # type: ignore[import-not-found]

from shm import _native
from shm.errors import (
    BadGeometry,
    BadName,
    DamagedSegment,
    NoRoom,
    PermissionDenied,
    VersionMismatch,
    WriterRunning,
)

DIRECTORY = Path("/dev/shm")
DEFAULT_NAMESPACE = "feedhandler"
CONTROL_MODE = 0o660
DATA_MODE = 0o640
_NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")
_FLOCK = struct.Struct("hhqqi4x")  # struct flock on 64-bit Linux: type, whence, start, len, pid


def check_name(what: str, name: str) -> str:
    """`name` itself, or :class:`BadName`: 1 to 48 of letters, digits, `-` and `_`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadName(f"{what} {name!r}: 1 to 48 letters, digits, '-' or '_' are allowed")
    return name


def default_namespace() -> str:
    """FEEDHANDLER_NAMESPACE, or "feedhandler"."""
    return os.environ.get("FEEDHANDLER_NAMESPACE") or DEFAULT_NAMESPACE


def control_name(namespace: str, venue: str) -> str:
    return f"/{check_name('namespace', namespace)}.{check_name('venue', venue)}"


def data_name(namespace: str, venue: str, epoch: int) -> str:
    return f"{control_name(namespace, venue)}.{epoch}"


class ObjectName(NamedTuple):
    """A shared-memory object of ours, taken apart. `epoch` None: the control object."""

    namespace: str
    venue: str
    epoch: int | None

    @property
    def path(self) -> str:
        """As shm_open takes it, with the leading slash."""
        base = f"/{self.namespace}.{self.venue}"
        return base if self.epoch is None else f"{base}.{self.epoch}"


def objects(namespace: str, venue: str | None = None) -> list[ObjectName]:
    """The objects of a namespace (of one venue of it) that are in /dev/shm now, sorted."""
    found = []
    for entry in DIRECTORY.iterdir():
        parts = entry.name.split(".")
        if len(parts) not in (2, 3) or parts[0] != namespace or venue not in (None, parts[1]):
            continue
        if not all(_NAME.fullmatch(part) for part in parts):
            continue
        if len(parts) == 3 and not parts[2].isdecimal():
            continue
        found.append(ObjectName(parts[0], parts[1], int(parts[2]) if len(parts) == 3 else None))
    return sorted(found, key=lambda name: (name.venue, name.epoch or 0))


def unlink(path: str) -> None:
    """Remove a shared-memory name if it is there. Mappings stay valid."""
    try:
        posix_ipc.unlink_shared_memory(path)
    except posix_ipc.ExistentialError:
        pass
    except posix_ipc.PermissionsError:
        raise PermissionDenied(f"{path}: this user may not remove it") from None
    except OSError as error:  # a folder
        raise PermissionDenied(f"{path}: {error.strerror}") from None


def boot_id() -> bytes:
    """This boot's identity, 16 bytes: memory of another boot is nobody's."""
    return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip()).bytes


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 if there is none. Tells reused pids."""
    try:
        about = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(about[about.rindex(b")") + 2 :].split()[19])


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


def _open(path: str, flags: int = 0, mode: int = 0o600) -> int:
    """A descriptor, read and write. Raises posix_ipc's errors."""
    fd = int(posix_ipc.SharedMemory(path, flags, mode=mode).fd)
    if flags:
        os.fchmod(fd, mode)  # whatever the umask is
    return fd


class _Control(NamedTuple):
    fd: int
    lock_fd: int


def _lock_control(namespace: str, venue: str) -> _Control:
    """The control object, ready and locked by us; two descriptors."""
    path = control_name(namespace, venue)
    while True:
        try:
            fd = _open(path, posix_ipc.O_CREX, CONTROL_MODE)
        except posix_ipc.ExistentialError:
            try:
                fd = _open(path)
            except posix_ipc.ExistentialError:
                continue  # removed between the two
            except posix_ipc.PermissionsError:
                raise PermissionDenied(f"{path}: this user may not write it") from None
            except (OSError, ValueError, posix_ipc.Error) as error:  # a directory, a link
                raise _strange(path, str(error)) from None
        lock_fd = -1
        try:
            _check_ours(path, fd)
            lock_fd = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
            if not _insist(lock_fd, fd):
                raise _running(venue, fd)
            if not is_current(path, fd):
                raise FileNotFoundError
            _check_control(path, namespace, venue, fd)
        except FileNotFoundError:  # its writer closed and removed it meanwhile
            _close(fd, lock_fd)
            continue
        except BaseException:
            _close(fd, lock_fd)
            raise
        return _Control(fd, lock_fd)


def _check_ours(path: str, fd: int) -> None:
    """Refuse a control object of somebody else: who owns it can take it from under the feed."""
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise _strange(path, "no plain file")
    if found.st_uid != os.geteuid():
        raise PermissionDenied(
            f"{path}: its owner is user {found.st_uid}, this is user {os.geteuid()}; the feed of a "
            "venue must always be run by the same user: remove it, or use another namespace"
        )
    if found.st_mode & 0o7777 != CONTROL_MODE:
        os.fchmod(fd, CONTROL_MODE)


def _strange(path: str, what: str) -> DamagedSegment:
    return DamagedSegment(f"{path} is no shared memory ({what}); remove it", "type")


def _insist(lock_fd: int, fd: int) -> bool:
    """Take the lock. If the writer that it should belong to is dead, it is only being cleaned."""
    for _ in range(50):
        if take_lock(lock_fd):
            return True
        if _writer(fd):
            return False
        time.sleep(0.01)
    return False


def _close(*fds: int) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def is_current(path: str, fd: int) -> bool:
    """Whether the name still means the object that is open at `fd`."""
    try:
        there = (DIRECTORY / path[1:]).stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(fd)
    return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)


def _running(venue: str, fd: int) -> WriterRunning:
    pid = _writer(fd)
    who = f"process {pid}" if pid else "a process that just started"
    return WriterRunning(f"{venue}: {who} is already the writer of this venue", pid)


def _writer(fd: int) -> int:
    """The process that the control object names as writer if it lives, else 0."""
    if os.fstat(fd).st_size < _native.CONTROL_BYTES:
        return 0
    control = _control(fd)
    pid = int(control["writer_pid"])
    return pid if pid and start_ticks(pid) == int(control["writer_start_ticks"]) else 0


def _control(fd: int) -> np.void:
    """A copy of the control object's header: a structured scalar."""
    dtype = _native.DTYPES["control"]
    row: np.void = np.frombuffer(os.pread(fd, dtype.itemsize, 0), dtype=dtype)[0]
    return row


def _check_control(path: str, namespace: str, venue: str, fd: int) -> None:
    """Fill a control object that nobody filled yet; refuse one of another version."""
    if os.fstat(fd).st_size < _native.CONTROL_BYTES:
        _reserve(fd, _native.CONTROL_BYTES, path)
    control = _control(fd)
    if int(control["magic"]) == 0:
        _native.format_control(fd, venue.encode(), namespace.encode(), boot_id())
        return
    if int(control["magic"]) != _native.MAGIC_CONTROL:
        raise DamagedSegment(
            f"{path} is not a control object of feedhandler; `feedhandler clean` removes it",
            "control.magic",
        )
    theirs = (int(control["version_major"]), int(control["version_minor"]))
    if theirs == _native.VERSION and int(control["layout_hash"]) != _native.LAYOUT_HASH:
        raise DamagedSegment(
            f"{path}: layout_hash differs though the version is the same; "
            "`feedhandler clean` removes it",
            "control.layout_hash",
        )
    if theirs[0] != _native.VERSION[0]:
        raise VersionMismatch(
            f"{path} was made by version {theirs[0]}.{theirs[1]} of the contract, this is "
            f"{_native.VERSION[0]}.{_native.VERSION[1]}; `feedhandler clean` removes it",
            theirs,
            _native.VERSION,
        )


def _reserve(fd: int, size: int, path: str) -> None:
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


class WriterSegment:
    """A venue's shared memory, held by its writer: the objects, the lock and the :class:`Writer`.

    A context manager; leaving it is `close()`. If the process just dies, the kernel releases the
    lock, readers see it, and the next writer or `clean` removes what is left.

    The same writer may go over to a new epoch: `successor()` makes one that no reader knows of yet,
    to be filled beside this one, and `succeed()` puts it in this one's place.
    """

    def __init__(self, writer: _native.Writer, control: _Control) -> None:
        self.writer = writer
        self.venue: str = writer.venue
        self.namespace: str = writer.namespace
        self.epoch: int = writer.epoch
        self._lock_fd = control.lock_fd
        self._pid = os.getpid()
        _held.add(self)

    @property
    def path(self) -> str:
        """The name of the data object."""
        return data_name(self.namespace, self.venue, self.epoch)

    def successor(
        self, *, instruments: int, depth: int, ring_slots: int, connections: int
    ) -> _native.Writer:
        """A writer of a new epoch, empty, that is not announced; for `succeed`, or for `abandon`.

        Raises :class:`NoRoom`, :class:`BadGeometry`.
        """
        _check_geometry(instruments, depth, ring_slots, connections)
        fd = _open(control_name(self.namespace, self.venue))
        try:
            return _new_epoch(
                fd, self.namespace, self.venue, instruments, depth, ring_slots, connections, False
            )
        finally:
            os.close(fd)

    def succeed(self, writer: _native.Writer) -> None:
        """Go over to what `successor` made: readers attach to it from now on.

        Those of the old epoch are told at once that it is over. Its writer may still be written to;
        nobody reads that.
        """
        old = ObjectName(self.namespace, self.venue, self.epoch)
        writer.announce()
        self.writer, self.epoch = writer, writer.epoch
        _retire(old)

    def abandon(self, writer: _native.Writer) -> None:
        """What `successor` made is not wanted after all."""
        unlink(data_name(self.namespace, self.venue, writer.epoch))

    def close(self, *, keep: bool = False) -> None:
        """Stop in order: last record, state CLOSED(STOPPED), readers told and woken, names removed.

        `keep=True` leaves both objects for inspection. Harmless when called twice, and in a child.
        """
        if self._lock_fd < 0 or self._pid != os.getpid():
            return
        self.writer.close()
        if not keep:
            unlink(self.path)
            unlink(control_name(self.namespace, self.venue))
        self._release()

    def _release(self) -> None:
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def __enter__(self) -> WriterSegment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._release()


_held: weakref.WeakSet[WriterSegment] = weakref.WeakSet()


def _forget_in_child() -> None:
    for segment in list(_held):
        segment._release()
        segment.writer._forget()


os.register_at_fork(after_in_child=_forget_in_child)


def _check_geometry(instruments: int, depth: int, ring_slots: int, connections: int) -> None:
    for what, value, low, high in (
        ("instruments", instruments, 1, 1 << 20),
        ("depth", depth, 1, 10_000),
        ("ring_slots", ring_slots, 16, 1 << 28),
        ("connections", connections, 1, 1 << 16),
    ):
        if not low <= value <= high:
            raise BadGeometry(f"{what} = {value}: {low} to {high} is allowed")
    if ring_slots & (ring_slots - 1):
        raise BadGeometry(f"ring_slots = {ring_slots}: a power of two is needed")


def create(
    venue: str,
    *,
    namespace: str = DEFAULT_NAMESPACE,
    instruments: int = 2048,
    depth: int = 50,
    ring_slots: int = 131072,
    connections: int = 64,
    replay: bool = False,
) -> WriterSegment:
    """Become the writer of a venue: a new epoch, empty, attached to by readers from now on.

    `instruments`: rows of the directory and of the cells; `depth`: levels a side in a book cell;
    `ring_slots`: records in the ring, a power of two; `connections`: rows of the connection table.
    A predecessor's memory is never repaired, only marked superseded and unlinked.

    Raises :class:`WriterRunning` (names its pid), :class:`NoRoom`, :class:`VersionMismatch`,
    :class:`PermissionDenied`, :class:`BadName`, :class:`BadGeometry`.
    """
    check_name("venue", venue)
    check_name("namespace", namespace)
    _check_geometry(instruments, depth, ring_slots, connections)
    control = _lock_control(namespace, venue)
    try:
        _native.claim_control(control.fd, os.getpid(), start_ticks(os.getpid()))
        writer = _new_epoch(
            control.fd, namespace, venue, instruments, depth, ring_slots, connections, replay
        )
        writer.announce()
        for old in objects(namespace, venue):
            if old.epoch is not None and old.epoch != writer.epoch:
                _retire(old)
        return WriterSegment(writer, control)
    except BaseException:
        os.close(control.lock_fd)
        raise
    finally:
        os.close(control.fd)


def _new_epoch(
    control_fd: int,
    namespace: str,
    venue: str,
    instruments: int,
    depth: int,
    ring_slots: int,
    connections: int,
    replay: bool,
) -> _native.Writer:
    """A data object, filled and ready, which nothing names yet."""
    total = _native.geometry(instruments, depth, ring_slots, connections)[1]
    # Microseconds, so that epochs never repeat even when the control object was removed between.
    named = int(_control(control_fd)["epoch"])
    if named >= 1 << 63:
        raise DamagedSegment(
            f"{control_name(namespace, venue)}: epoch is {named}; `feedhandler clean` removes it",
            "control.epoch",
        )
    epoch = max(named + 1, time.time_ns() // 1000)
    while True:
        path = data_name(namespace, venue, epoch)
        try:
            fd = _open(path, posix_ipc.O_CREX, DATA_MODE)
            break
        except posix_ipc.ExistentialError:
            epoch += 1
    try:
        _reserve(fd, total, path)
        writer = _native.Writer(
            fd,
            control_fd,
            venue=venue,
            namespace=namespace,
            epoch=epoch,
            instruments=instruments,
            depth=depth,
            ring_slots=ring_slots,
            connections=connections,
            replay=replay,
            boot_id=boot_id(),
            start_ticks=start_ticks(os.getpid()),
        )
        writer.ready()
    except BaseException:
        unlink(path)
        raise
    finally:
        os.close(fd)
    return writer


def _retire(old: ObjectName) -> None:
    """Tell the readers of an epoch that it is over, and remove its name."""
    try:
        fd = _open(old.path)
    except posix_ipc.ExistentialError:
        return
    except posix_ipc.PermissionsError:  # another user's: its readers see the control object
        pass
    else:
        try:
            if os.fstat(fd).st_size >= _native.HEADER_BYTES:
                _native.supersede(fd)
        finally:
            os.close(fd)
    with contextlib.suppress(PermissionDenied):
        unlink(old.path)
