"""What lies in a namespace: every object, whose it is, and whether its writer lives."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from shm.attach import read_struct
from shm.dev_shm import DIRECTORY, objects, open_fd
from shm.errors import DamagedSegment, ShmError
from shm.identity import start_ticks
from shm.object_names import ObjectName, Part, check_name, control_name, default_namespace
from shm.writer_lock import locked


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One shared-memory object. `epoch`: of a data object, else None."""

    namespace: str
    venue: str
    part: Part
    epoch: int | None
    path: str  #: as shm_open takes it
    bytes: int
    mode: int
    current: bool  #: the epoch that the control object names; of a control object, always
    locked: bool  #: a writer holds this venue's lock
    writer_pid: int  #: 0: not known
    writer_alive: bool  #: that very process (by its start ticks) runs
    error: str  #: why it could not be read; "" if it could


def read_head(fd: int, structure: str) -> np.void | None:
    """A copy of an object's head; None: it is too short to have one."""
    try:
        return read_struct(fd, structure)
    except DamagedSegment:
        return None


def writer_of(row: np.void | None) -> tuple[int, bool]:
    """(the process that a head names as the writer, whether that very process runs)."""
    if row is None:
        return 0, False
    pid, ticks = int(row["writer_pid"]), int(row["writer_start_ticks"])
    return pid, pid != 0 and start_ticks(pid) == ticks


def _info(name: ObjectName, current: int | None, held: bool) -> ObjectInfo | None:
    try:
        stat = (DIRECTORY / name.path[1:]).stat()
    except FileNotFoundError:
        return None
    pid, alive, error = 0, False, ""
    try:
        fd = open_fd(name.path)
    except FileNotFoundError:
        return None
    except ShmError as problem:
        error = str(problem)
    else:
        try:
            structure = {"control": "control", "data": "header"}.get(name.part)
            if structure is not None:
                row = read_head(fd, structure)
                pid, alive = writer_of(row)
                error = "" if row is not None else "too short for its header"
        finally:
            os.close(fd)
    return ObjectInfo(
        namespace=name.namespace,
        venue=name.venue,
        part=name.part,
        epoch=name.epoch,
        path=name.path,
        bytes=stat.st_size,
        mode=stat.st_mode & 0o7777,
        current=name.epoch is None or name.epoch == current,
        locked=held,
        writer_pid=pid,
        writer_alive=alive,
        error=error,
    )


def list_objects(namespace: str | None = None) -> list[ObjectInfo]:
    """The objects of a namespace, sorted by venue, the control object before its epochs."""
    namespace = check_name("namespace", namespace or default_namespace())
    found = []
    states: dict[str, tuple[int | None, bool]] = {}
    for name in objects(namespace):
        if name.venue not in states:
            states[name.venue] = control_state(namespace, name.venue)
        info = _info(name, *states[name.venue])
        if info is not None:
            found.append(info)
    return found


def control_state(namespace: str, venue: str) -> tuple[int | None, bool]:
    """(the epoch that the control object names or None, whether a writer holds the lock)."""
    try:
        fd = open_fd(control_name(namespace, venue))
    except (FileNotFoundError, ShmError):
        return None, False
    try:
        control = read_head(fd, "control")
        return (int(control["epoch"]) or None if control is not None else None), locked(fd)
    finally:
        os.close(fd)
