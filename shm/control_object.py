"""The control object: made or found, checked, and locked by who becomes the writer."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import numpy as np

from shm import _native
from shm.dev_shm import create_object, is_current, open_fd, reserve
from shm.errors import DamagedSegment, PermissionDenied, VersionMismatch, WriterRunning
from shm.identity import boot_id, start_ticks
from shm.object_names import control_name
from shm.writer_lock import take_lock

CONTROL_MODE = 0o660


class LockedControl(NamedTuple):
    """The control object, and the descriptor through which its lock is held."""

    fd: int
    lock_fd: int


def lock_control(namespace: str, venue: str) -> LockedControl:
    """The control object, ready and locked by us; two descriptors."""
    path = control_name(namespace, venue)
    while True:
        try:
            fd = create_object(path, CONTROL_MODE)
        except FileExistsError:
            try:
                fd = open_fd(path, writable=True)
            except FileNotFoundError:
                continue  # removed between the two
            except DamagedSegment as error:  # a directory, a link
                raise DamagedSegment(f"{error}: remove it", "type") from None
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
        return LockedControl(fd, lock_fd)


def _check_ours(path: str, fd: int) -> None:
    """Refuse a control object of somebody else: who owns it can take it from under the feed."""
    found = os.fstat(fd)
    if found.st_uid != os.geteuid():
        raise PermissionDenied(
            f"{path}: its owner is user {found.st_uid}, this is user {os.geteuid()}; the feed of a "
            "venue must always be run by the same user: remove it, or use another namespace"
        )
    if found.st_mode & 0o7777 != CONTROL_MODE:
        os.fchmod(fd, CONTROL_MODE)


def _insist(lock_fd: int, fd: int) -> bool:
    """Take the lock. If the writer that it should belong to is dead, it is only being cleaned."""
    for _ in range(50):
        if take_lock(lock_fd):
            return True
        if _living_writer(fd):
            return False
        time.sleep(0.01)
    return False


def _close(*fds: int) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def _running(venue: str, fd: int) -> WriterRunning:
    pid = _living_writer(fd)
    who = f"process {pid}" if pid else "a process that just started"
    return WriterRunning(f"{venue}: {who} is already the writer of this venue", pid)


def _living_writer(fd: int) -> int:
    """The process that the control object names as writer if it lives, else 0."""
    if os.fstat(fd).st_size < _native.CONTROL_BYTES:
        return 0
    control = read_control(fd)
    pid = int(control["writer_pid"])
    return pid if pid and start_ticks(pid) == int(control["writer_start_ticks"]) else 0


def read_control(fd: int) -> np.void:
    """A copy of the control object's header: a structured scalar."""
    dtype = _native.DTYPES["control"]
    row: np.void = np.frombuffer(os.pread(fd, dtype.itemsize, 0), dtype=dtype)[0]
    return row


def _check_control(path: str, namespace: str, venue: str, fd: int) -> None:
    """Fill a control object that nobody filled yet; refuse one of another version."""
    if os.fstat(fd).st_size < _native.CONTROL_BYTES:
        reserve(fd, _native.CONTROL_BYTES, path)
    control = read_control(fd)
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
