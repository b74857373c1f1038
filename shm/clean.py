"""Removing what no writer holds."""

from __future__ import annotations

import os

from shm.attach import open_fd, read_struct
from shm.dev_shm import is_current, objects, unlink
from shm.errors import DamagedSegment, PermissionDenied
from shm.identity import start_ticks
from shm.object_names import ObjectName, check_name, control_name, default_namespace
from shm.writer_lock import locked, take_lock


def clean(namespace: str | None = None, *, dry_run: bool = False) -> list[str]:
    """Remove the objects of a namespace whose venue no writer holds; returns their names.

    While it removes a venue's objects it holds the writer's lock itself, so that no writer can
    start in between. Objects of other users are left alone. `dry_run`: only say what would go.
    """
    namespace = check_name("namespace", namespace or default_namespace())
    gone = []
    for venue in sorted({name.venue for name in objects(namespace)}):
        gone += _clean_venue(namespace, venue, dry_run)
    return gone


def _clean_venue(namespace: str, venue: str, dry_run: bool) -> list[str]:
    path = control_name(namespace, venue)
    try:
        fd = open_fd(path, writable=True)
    except FileNotFoundError:
        return _orphans(namespace, venue, dry_run)
    except PermissionDenied:
        return []
    except DamagedSegment:  # no shared memory at all: no writer can have it
        return _remove(objects(namespace, venue), dry_run)
    try:
        if locked(fd):
            return []
        if not dry_run and not (take_lock(fd) and is_current(path, fd)):
            return []
        found = objects(namespace, venue)
        # The control object last: until then a starting writer finds it locked.
        found.sort(key=lambda name: name.epoch is None)
        return _remove(found, dry_run)
    finally:
        os.close(fd)


def _orphans(namespace: str, venue: str, dry_run: bool) -> list[str]:
    """Data objects without a control object: nobody can find them, but a writer may live on."""
    return _remove([name for name in objects(namespace, venue) if not _written(name)], dry_run)


def _written(name: ObjectName) -> bool:
    try:
        fd = open_fd(name.path)
    except (FileNotFoundError, PermissionDenied):
        return True  # not there, or not ours: leave it
    except DamagedSegment:
        return False
    try:
        header = read_struct(fd, "header")
    except DamagedSegment:
        return False
    finally:
        os.close(fd)
    pid = int(header["writer_pid"])
    return pid != 0 and start_ticks(pid) == int(header["writer_start_ticks"])


def _remove(found: list[ObjectName], dry_run: bool) -> list[str]:
    removed = []
    for name in found:
        if not dry_run:
            try:
                unlink(name.path)
            except PermissionDenied:
                continue
        removed.append(name.path)
    return removed
