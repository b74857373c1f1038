"""An epoch of a venue's memory: how big it is, how it is made, and how the one before ends."""

from __future__ import annotations

import contextlib
import os
import time
from typing import NamedTuple

import numpy as np

from shm._native import HEADER_BYTES, Writer, supersede, withdraw
from shm._native import geometry as sizes
from shm.control_object import read_control, share
from shm.dev_shm import create_object, open_fd, reserve, unlink
from shm.errors import BadGeometry, DamagedSegment, PermissionDenied
from shm.identity import boot_id, start_ticks
from shm.object_names import ObjectName, data_name

DATA_MODE = 0o640
_CLOCK_BACK_US = 3600 * 1_000_000  # a clock that was put back by more than this is not believed in


class Geometry(NamedTuple):
    """Rows of the directory and of the cells, levels a side in a book cell, records in the ring,
    rows of the connection table."""

    instruments: int
    depth: int
    ring_slots: int
    connections: int


def check_geometry(geometry: Geometry) -> None:
    """Raises :class:`BadGeometry`."""
    for what, value, low, high in (
        ("instruments", geometry.instruments, 1, 1 << 20),
        ("depth", geometry.depth, 1, 10_000),
        ("ring_slots", geometry.ring_slots, 16, 1 << 28),
        ("connections", geometry.connections, 1, 1 << 16),
    ):
        if not low <= value <= high:
            raise BadGeometry(f"{what} = {value}: {low} to {high} is allowed")
    if geometry.ring_slots & (geometry.ring_slots - 1):
        raise BadGeometry(f"ring_slots = {geometry.ring_slots}: a power of two is needed")


def new_epoch(
    control_fd: int,
    readers_fd: int,
    namespace: str,
    venue: str,
    geometry: Geometry,
    *,
    group: int = -1,
    replay: bool = False,
    mirror: int = 0,
) -> Writer:
    """A data object, filled and ready, which nothing names yet. `mirror`: the epoch that it is of
    on another host; 0: it is one of its own."""
    total = sizes(*geometry)[1]
    # Microseconds, so that epochs never repeat even when the control object was removed between.
    now = time.time_ns() // 1000
    control = read_control(control_fd)
    named = int(control["epoch"])
    epoch = max(named + 1, now) if named < now + _CLOCK_BACK_US else now  # else it is damage
    epoch = mirror or epoch
    if epoch == named:  # a mirror's that was killed: nobody attaches to this one before it is shown
        withdraw(control_fd)
    while True:
        path = data_name(namespace, venue, epoch)
        try:
            fd = create_object(path, DATA_MODE)
            break
        except FileExistsError:
            if mirror:  # what a mirror left that was killed
                retire(ObjectName(namespace, venue, epoch, "data"))
            else:
                epoch += 1
    try:
        share(fd, DATA_MODE, group)
        reserve(fd, total, path)
        writer = Writer(
            fd,
            control_fd,
            readers_fd,
            venue=venue,
            namespace=namespace,
            epoch=epoch,
            **geometry._asdict(),
            replay=replay,
            boot_id=boot_id(),
            start_ticks=start_ticks(os.getpid()),
            earlier=_earlier(control, epoch),
            mirror=mirror != 0,
        )
        writer.ready()
    except BaseException:
        unlink(path)
        raise
    finally:
        os.close(fd)
    return writer


def _earlier(control: np.void, epoch: int) -> list[int]:
    """The epochs before this one, newest first, as far as the control object can be believed."""
    found: list[int] = []
    for each in (control["epoch"], *control["earlier"]):
        if not 0 < int(each) < (found[-1] if found else epoch):
            break
        found.append(int(each))
    return found


def retire(old: ObjectName) -> None:
    """Tell the readers of an epoch that it is over, and remove its name.

    What is no plain file of this user is left as it is: no reader believes it, and whoever owns it
    could take it from under us while we write to it.
    """
    try:
        fd = open_fd(old.path, writable=True)
    except (FileNotFoundError, PermissionDenied, DamagedSegment):
        return
    try:
        found = os.fstat(fd)
        if found.st_uid != os.geteuid():
            return
        if found.st_size >= HEADER_BYTES:
            supersede(fd)
    finally:
        os.close(fd)
    with contextlib.suppress(PermissionDenied):
        unlink(old.path)
