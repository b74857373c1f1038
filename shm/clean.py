"""Removing what no writer holds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from shm.attach import read_struct
from shm.dev_shm import DIRECTORY, is_current, objects, open_fd, unlink
from shm.errors import DamagedSegment, PermissionDenied
from shm.identity import start_ticks
from shm.object_names import (
    ObjectName,
    check_name,
    control_name,
    default_namespace,
    lock_name,
)
from shm.owners import user_name
from shm.writer_lock import locked, take_lock

#: In which order: until the lock goes, a starting writer finds it held.
_LAST = ("data", "readers", "control", "lock")


@dataclass(slots=True)
class Swept:
    """What was removed, by name, and what could not be: name -> why, and who can."""

    removed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def clean(namespace: str | None = None, *, dry_run: bool = False) -> list[str]:
    """Remove the objects of a namespace whose venue no writer holds; returns their names.

    While it removes a venue's objects it holds the writer's lock itself, so that no writer can
    start in between. Objects of other users are left alone. `dry_run`: only say what would go.
    """
    return sweep(namespace, dry_run=dry_run).removed


def sweep(namespace: str | None = None, *, dry_run: bool = False) -> Swept:
    """The same; also says what stands under the feed's names and may not be removed."""
    namespace = check_name("namespace", namespace or default_namespace())
    swept = Swept()
    for venue in sorted({name.venue for name in objects(namespace)}):
        one = sweep_venue(namespace, venue, dry_run=dry_run)
        swept.removed += one.removed
        swept.left |= one.left
    return swept


def sweep_venue(namespace: str, venue: str, *, dry_run: bool = False) -> Swept:
    """One venue's part of it. Never a living writer's, not even that of an older release, which
    holds no lock object, or of one whose control object somebody removed."""
    swept = Swept()
    fd = _hold(lock_name(namespace, venue), dry_run)
    if fd is None:
        return swept
    try:
        alive = _alive(control_name(namespace, venue))
        found = [] if alive else objects(namespace, venue)
        if alive is None:  # nobody can find these, but their writer may live on
            found = [name for name in found if not _written(name)]
        found.sort(key=lambda name: _LAST.index(name.part))
        _remove(found, dry_run, swept)
    finally:
        if fd >= 0:
            os.close(fd)
    return swept


def _hold(path: str, dry_run: bool) -> int | None:
    """The lock object, locked by us, so that no writer starts meanwhile; None: one has it.

    -1: there is none, or somebody else's, with which no writer of this user can have started.
    """
    try:
        fd = open_fd(path, writable=True)
    except (FileNotFoundError, PermissionDenied, DamagedSegment):
        return -1
    if locked(fd) or not (dry_run or (take_lock(fd) and is_current(path, fd))):
        os.close(fd)
        return None
    return fd


def _alive(path: str) -> bool | None:
    """Whether a writer holds the control object; None: there is none."""
    try:
        fd = open_fd(path)
    except FileNotFoundError:
        return None
    except (PermissionDenied, DamagedSegment):  # not ours to look at, or remove; no shared memory
        return False
    try:
        return locked(fd)
    finally:
        os.close(fd)


def _written(name: ObjectName) -> bool:
    """Whether this is a data object whose maker lives."""
    if name.part != "data":
        return False
    try:
        fd = open_fd(name.path)
    except FileNotFoundError:
        return True
    except (DamagedSegment, PermissionDenied):  # no plain file, or somebody else's
        return False
    try:
        header = read_struct(fd, "header")
    except DamagedSegment:
        return False
    finally:
        os.close(fd)
    pid = int(header["writer_pid"])
    return pid != 0 and start_ticks(pid) == int(header["writer_start_ticks"])


def _remove(found: Iterable[ObjectName], dry_run: bool, swept: Swept) -> None:
    for name in found:
        obstacle = _obstacle(name)
        if not obstacle and not dry_run:
            try:
                unlink(name.path)
            except PermissionDenied as error:
                obstacle = str(error)
        if obstacle:
            swept.left[name.path] = obstacle
        else:
            swept.removed.append(name.path)


def _obstacle(name: ObjectName) -> str:
    """Why this user may not remove an object, and who can; "" if he may."""
    try:
        found = (DIRECTORY / name.path[1:]).lstat()
    except FileNotFoundError:
        return ""
    if os.geteuid() not in (0, found.st_uid):  # /dev/shm is sticky: owners remove what is theirs
        return f"it belongs to user {user_name(found.st_uid)}, who can remove it, or root"
    if stat.S_ISDIR(found.st_mode):
        return f"it is a directory: `rm -r {DIRECTORY / name.path[1:]}`"
    return ""
