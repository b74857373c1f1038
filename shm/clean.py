"""Removing what no writer holds."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from shm.attach import read_struct
from shm.dev_shm import DIRECTORY, is_current, objects, open_fd, unlink
from shm.errors import DamagedSegment, PermissionDenied
from shm.identity import start_ticks
from shm.object_names import ObjectName, check_name, control_name, default_namespace
from shm.writer_lock import locked, take_lock


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
        _sweep_venue(namespace, venue, dry_run, swept)
    return swept


def _sweep_venue(namespace: str, venue: str, dry_run: bool, swept: Swept) -> None:
    path = control_name(namespace, venue)
    try:
        fd = open_fd(path, writable=True)
    except FileNotFoundError:  # nobody can find these, but their writer may live on
        orphans = [name for name in objects(namespace, venue) if not _written(name)]
        _remove(orphans, dry_run, swept)
        return
    except PermissionDenied:  # its lock is not ours to look at, so a writer may hold it
        swept.left.update((name.path, _obstacle(name)) for name in objects(namespace, venue))
        return
    except DamagedSegment:  # no shared memory at all: no writer can have it
        _remove(objects(namespace, venue), dry_run, swept)
        return
    try:
        if locked(fd):
            return
        if not dry_run and not (take_lock(fd) and is_current(path, fd)):
            return
        found = objects(namespace, venue)
        # The control object last: until then a starting writer finds it locked.
        found.sort(key=lambda name: name.epoch is None)
        _remove(found, dry_run, swept)
    finally:
        os.close(fd)


def _written(name: ObjectName) -> bool:
    """Whether the process that made a data object lives."""
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
        try:
            owner = pwd.getpwuid(found.st_uid).pw_name
        except KeyError:
            owner = str(found.st_uid)
        return f"it belongs to user {owner}, who can remove it, or root"
    if stat.S_ISDIR(found.st_mode):
        return f"it is a directory: `rm -r {DIRECTORY / name.path[1:]}`"
    return ""
