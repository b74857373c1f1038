"""The readers' registry of a venue: who reads by name, how far behind, and what they lost.

Readers enter themselves (`Feed.events(name=...)`) and keep their own row; no writer looks at it.
"""

from __future__ import annotations

import os
from typing import TypedDict

import numpy as np

from shm._native import DTYPES, READER_CLAIMED, READERS, READERS_BYTES, READERS_ROWS
from shm.attach import no_such_venue, text
from shm.dev_shm import open_fd
from shm.errors import DamagedSegment, ShmError
from shm.identity import start_ticks
from shm.memory import open_memory
from shm.object_names import check_name, default_namespace, readers_name
from shm.owners import believed, check_believed


class Reader(TypedDict):
    """One row of the registry. Counts are of ring records, over all epochs that it read."""

    row: int
    pid: int
    alive: bool  #: that very process runs; if not, the next reader that registers takes its row
    name: str
    epoch: int  #: the writer's start that it reads
    cursor: int  #: the next record that it will read, as of `updated_ns`
    lag: int | None  #: records published and not read; None: it reads an epoch that is over
    lost: int
    overruns: int
    updated_ns: int  #: when it last got on, unix ns: its age is no lag where nothing is published


def readers(venue: str, *, namespace: str | None = None) -> list[Reader]:
    """The registered readers of a venue, dead ones too, by their rows.

    Raises :class:`shm.NoSuchVenue`, :class:`shm.DamagedSegment`, :class:`shm.PermissionDenied`.
    """
    namespace = check_name("namespace", namespace or default_namespace())
    check_name("venue", venue)
    rows = _rows(namespace, venue)
    epoch, published = _newest(namespace, venue)
    found: list[Reader] = []
    for row, entry in enumerate(rows):
        pid = int(entry["pid"])
        if pid == 0 or pid & READER_CLAIMED:
            continue
        cursor = int(entry["cursor"])
        current = int(entry["epoch"]) == epoch
        found.append(
            Reader(
                row=row,
                pid=pid,
                alive=start_ticks(pid) == int(entry["start_ticks"]),
                name=text(entry["name"]),
                epoch=int(entry["epoch"]),
                cursor=cursor,
                lag=max(0, published + 1 - cursor) if current else None,
                lost=int(entry["lost"]),
                overruns=int(entry["overruns"]),
                updated_ns=int(entry["updated_ns"]),
            )
        )
    return found


def _rows(namespace: str, venue: str) -> list[np.void]:
    """Copies of all rows."""
    path = readers_name(namespace, venue)
    try:
        fd = open_fd(path)
    except FileNotFoundError:
        raise no_such_venue(namespace, venue) from None
    try:
        check_believed(os.fstat(fd).st_uid, believed(), path)
        raw = os.pread(fd, READERS_BYTES, 0)
        if len(raw) < READERS_BYTES:
            raise DamagedSegment(f"{path}: its size is {len(raw)}", "total_bytes")
    finally:
        os.close(fd)
    rows = np.frombuffer(raw, DTYPES["reader"], READERS, READERS_ROWS)
    return list(rows)


def _newest(namespace: str, venue: str) -> tuple[int, int]:
    """(the newest epoch that has memory, its last published record); zeros: there is none."""
    try:
        with open_memory(venue, namespace=namespace) as memory:
            return memory.epoch, memory.segment.published
    except ShmError:
        return 0, 0
