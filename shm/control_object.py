"""What a process takes hold of to become a venue's writer: the lock, then the control object."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import numpy as np

from shm._native import (
    CONTROL_BYTES,
    DTYPES,
    LAYOUT_HASH,
    MAGIC_CONTROL,
    VERSION,
    claim_control,
    format_control,
)
from shm.dev_shm import (
    create_object,
    is_current,
    open_fd,
    open_our_object,
    reserve,
    unlink,
)
from shm.errors import DamagedSegment, PermissionDenied, VersionMismatch, WriterRunning
from shm.identity import boot_id, start_ticks
from shm.object_names import control_name, lock_name
from shm.writer_lock import locked, take_lock

CONTROL_MODE = 0o640
LOCK_MODE = 0o600  # who may open it may lock it


class LockedControl(NamedTuple):
    """The control object, and the descriptors that hold the lock and the sign of life."""

    fd: int
    lock_fd: int
    life_fd: int


def lock_control(namespace: str, venue: str, group: int = -1) -> LockedControl:
    """Become the writer; three descriptors. `group`: whose members may read; -1: as it comes.

    Raises :class:`WriterRunning`, :class:`PermissionDenied`, :class:`DamagedSegment`,
    :class:`VersionMismatch`.
    """
    lock_fd = _hold_lock(namespace, venue)
    try:
        fd, life_fd = _take_control(namespace, venue, group)
        return LockedControl(fd, lock_fd, life_fd)
    except BaseException:
        unlink(lock_name(namespace, venue))
        os.close(lock_fd)
        raise


def _hold_lock(namespace: str, venue: str) -> int:
    """The lock object, locked by us, under its name."""
    path = lock_name(namespace, venue)
    while True:
        try:
            fd = create_object(path, LOCK_MODE)
        except FileExistsError:
            try:
                fd = open_our_object(path, LOCK_MODE)
            except FileNotFoundError:
                continue  # removed between the two
        try:
            if not _insist(fd, namespace, venue):
                raise _running(namespace, venue)
            if is_current(path, fd):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # its writer closed and removed it meanwhile


def _insist(lock_fd: int, namespace: str, venue: str) -> bool:
    """Take the lock. If the writer that it should belong to is dead, it is only being cleaned."""
    for _ in range(50):
        if take_lock(lock_fd):
            return True
        if _living_writer(namespace, venue):
            return False
        time.sleep(0.01)
    return False


def _take_control(namespace: str, venue: str, group: int) -> tuple[int, int]:
    """The control object, ours and whole, with our sign of life on it. We hold the lock."""
    path = control_name(namespace, venue)
    for _ in range(20):
        made, life_fd = True, -1
        try:
            fd = create_object(path, LOCK_MODE)  # nobody else opens it before it is locked
        except FileExistsError:
            fd, made = open_our_object(path), False
        try:
            check_version(path, fd)
            life_fd = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
            if not locked(fd):
                _fill(path, namespace, venue, fd)
                # before the sign of life, which would be taken for that of the dead writer it names
                claim_control(fd, os.getpid(), start_ticks(os.getpid()))
            if take_lock(life_fd):
                share(fd, CONTROL_MODE, group)
                return fd, life_fd
            if locked(fd):  # by a writer that does not know of the lock object
                raise _running(namespace, venue)
        except BaseException:
            if made:
                unlink(path)
            _close(fd, life_fd)
            raise
        _close(fd, life_fd)
        unlink(path)  # readers hold locks on it: let them
    raise PermissionDenied(f"{path}: somebody locks it as soon as it is made")


def share(fd: int, mode: int, group: int) -> None:
    """Give an object its mode, and its group if there is to be one. Raises PermissionDenied."""
    try:
        if group >= 0 and os.fstat(fd).st_gid != group:
            os.fchown(fd, -1, group)
        if os.fstat(fd).st_mode & 0o7777 != mode:
            os.fchmod(fd, mode)
    except PermissionError:
        raise PermissionDenied(
            f"group {group}: this user is no member of it, and may not give it anything"
        ) from None


def _close(*fds: int) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def _running(namespace: str, venue: str) -> WriterRunning:
    pid = _living_writer(namespace, venue)
    who = f"process {pid}" if pid else "a process that just started"
    return WriterRunning(f"{venue}: {who} is already the writer of this venue", pid)


def _living_writer(namespace: str, venue: str) -> int:
    """The process that the control object names as writer if it lives, else 0."""
    try:
        fd = open_fd(control_name(namespace, venue))
    except (FileNotFoundError, PermissionDenied, DamagedSegment):
        return 0
    try:
        if os.fstat(fd).st_size < CONTROL_BYTES:
            return 0
        control = read_control(fd)
    finally:
        os.close(fd)
    pid = int(control["writer_pid"])
    return pid if pid and start_ticks(pid) == int(control["writer_start_ticks"]) else 0


def read_control(fd: int) -> np.void:
    """A copy of the control object's header: a structured scalar."""
    dtype = DTYPES["control"]
    row: np.void = np.frombuffer(os.pread(fd, dtype.itemsize, 0), dtype=dtype)[0]
    return row


def check_version(path: str, fd: int) -> None:
    """Refuse a control object of another version, or what is none; an empty one is fine."""
    if os.fstat(fd).st_size < CONTROL_BYTES:
        return
    control = read_control(fd)
    if int(control["magic"]) == 0:
        return
    if int(control["magic"]) != MAGIC_CONTROL:
        raise DamagedSegment(
            f"{path} is not a control object of feedhandler; `feedhandler clean` removes it",
            "control.magic",
        )
    theirs = (int(control["version_major"]), int(control["version_minor"]))
    if theirs == VERSION and int(control["layout_hash"]) != LAYOUT_HASH:
        raise DamagedSegment(
            f"{path}: layout_hash differs though the version is the same; "
            "`feedhandler clean` removes it",
            "control.layout_hash",
        )
    if theirs[0] != VERSION[0]:
        raise VersionMismatch(
            f"{path} was made by version {theirs[0]}.{theirs[1]} of the contract, this is "
            f"{VERSION[0]}.{VERSION[1]}; `feedhandler clean` removes it",
            theirs,
            VERSION,
        )


def _fill(path: str, namespace: str, venue: str, fd: int) -> None:
    """Fill a control object that nobody filled yet, or that somebody damaged."""
    if os.fstat(fd).st_size < CONTROL_BYTES:
        reserve(fd, CONTROL_BYTES, path)
    format_control(fd, venue.encode(), namespace.encode(), boot_id())
