"""One epoch of a venue's memory, read without its writer's help."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from shm._native import (
    CONTROL_BYTES,
    DTYPES,
    MAGIC_DATA,
    READ_BUSY,
    READ_EMPTY,
    READ_LAPPED,
    READ_OK,
    Instrument,
    Segment,
    histogram_floors,
)
from shm.attach import (
    check_header,
    check_identity,
    no_such_venue,
    read_struct,
    text,
    venues,
)
from shm.dev_shm import objects, open_fd
from shm.errors import DamagedSegment, NoSuchVenue, NotReady, ShmError
from shm.listing import control_state, read_head, writer_of
from shm.names import Counter, Histogram
from shm.object_names import (
    check_name,
    control_name,
    data_name,
    default_namespace,
)
from shm.owners import believed, check_believed

SLOT_STATUS: Mapping[int, str] = MappingProxyType(
    {
        READ_OK: "ok",
        READ_EMPTY: "empty",
        READ_BUSY: "busy",
        READ_LAPPED: "lapped",
    }
)


def _plain(row: np.void) -> dict[str, Any]:
    """A structure as Python values, without its stamp and reserved bytes."""
    names = row.dtype.names or ()
    plain: dict[str, Any] = {}
    for name in names:
        if name == "stamp" or name.startswith("reserved"):
            continue
        value = row[name]
        if isinstance(value, bytes):
            plain[name] = value.hex() if name == "boot_id" else text(value)
        elif isinstance(value, np.void):
            plain[name] = _plain(value)
        else:
            plain[name] = value.tolist()
    return plain


@dataclass(frozen=True, slots=True)
class LatencyHistogram:
    """One histogram: log-linear buckets, exact below 16 ns, within 12.5 % above."""

    name: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Values counted."""
        return sum(self.counts)

    def percentile(self, share: float) -> int:
        """The value, in ns, that `share` (0 to 1) of the values do not exceed: a bucket's upper
        end, 0 when it is empty."""
        total = self.total
        if not total:
            return 0
        wanted = max(1.0, share * total)
        floors = histogram_floors()
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return floors[bucket + 1] - 1 if bucket + 1 < len(floors) else floors[bucket]
        return floors[-1]


class Memory:
    """One epoch of a venue, mapped read-only: live, superseded or left by a dead writer.

    Made by :func:`open_memory`. `epoch`, `path`, `segment` (its native half).
    """

    def __init__(self, segment: Segment, path: str, data_fd: int) -> None:
        self.segment = segment
        self.path = path
        self.venue = segment.venue
        self.namespace = segment.namespace
        self.epoch = segment.epoch
        self._fd = data_fd

    def close(self) -> None:
        """Give the descriptor back; the mapping goes with the last reference."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def writer(self) -> str:
        """ "alive", "stopped" (in order), "died" or "superseded"."""
        return self.segment.gone() or "alive"

    def header(self) -> dict[str, Any]:
        """The header as Python values, by field; regions as {offset, stride, count}."""
        plain = _plain(read_struct(self._fd, "header"))
        del plain["counters"]
        return plain

    def control(self) -> np.void | None:
        """The control object, if it is there and is one."""
        try:
            fd = open_fd(control_name(self.namespace, self.venue))
        except (FileNotFoundError, ShmError):
            return None
        try:
            return read_head(fd, "control")
        finally:
            os.close(fd)

    @property
    def writer_alive(self) -> bool:
        """Whether the process that made this epoch runs, whatever the control object says."""
        return writer_of(read_struct(self._fd, "header"))[1]

    def counters(self) -> dict[str, int]:
        """The venue's counters by name, in lower case."""
        values = self.segment.counters()
        return {counter.name.lower(): values[counter] for counter in Counter}

    def histograms(self) -> dict[str, LatencyHistogram]:
        """The latency histograms by name, in lower case."""
        return {
            histogram.name.lower(): LatencyHistogram(
                histogram.name.lower(), tuple(self.segment.histogram(histogram))
            )
            for histogram in Histogram
        }

    def instruments(self) -> list[Instrument]:
        """The directory."""
        return [self.segment.instrument(row) for row in range(self.segment.instruments)]

    @property
    def connection_rows(self) -> int:
        """Rows of the connection table in use. Raises :class:`shm.DamagedSegment`."""
        header = read_struct(self._fd, "header")
        rows, there = int(header["connection_rows"]), int(header["connections"]["count"])
        if rows > there:
            raise DamagedSegment(
                f"{self.path}: connection_rows is {rows}, of {there}", "connection_rows"
            )
        return rows

    def connections(self) -> list[dict[str, Any]]:
        """The connection table: one dict a row in use, by the header's field names."""
        rows = []
        for row in range(self.connection_rows):
            status, raw = self.segment.cell("connections", row)
            if status == READ_OK:
                values = np.frombuffer(raw, dtype=DTYPES["connection"])[0]
                rows.append(_plain(values))
        return rows

    def quote(self, row: int) -> dict[str, Any] | None:
        """A quote cell by the header's field names, integers unscaled; None: never stored."""
        status, raw = self.segment.cell("quotes", row)
        if status == READ_EMPTY:
            return None
        if status != READ_OK:
            raise DamagedSegment(f"{self.path}: quote cell {row} cannot be read", "quotes")
        return _plain(np.frombuffer(raw, dtype=DTYPES["quote"])[0])

    def quotes(self) -> npt.NDArray[np.void]:
        """All quote cells, a row an instrument: the header's fields, integers unscaled.

        One that was never stored, or cannot be read, has `stamp` 0 and nothing else.
        """
        dtype = DTYPES["quote"]
        blank = bytes(dtype.itemsize)
        cells = [self.segment.cell("quotes", row) for row in range(self.segment.instruments)]
        raw = b"".join(raw if status == READ_OK else blank for status, raw in cells)
        return np.frombuffer(raw, dtype=dtype)

    def book(
        self, row: int
    ) -> tuple[dict[str, Any], npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
        """A book cell: (head by field, bids, asks), (n, 2) scaled integers; None: never stored."""
        status, raw = self.segment.cell("books", row)
        if status == READ_EMPTY:
            return None
        if status != READ_OK:
            raise DamagedSegment(f"{self.path}: book cell {row} cannot be read", "books")
        dtype = DTYPES["book"]
        head = _plain(np.frombuffer(raw, dtype=dtype, count=1)[0])
        levels = np.frombuffer(raw, dtype=np.int64, offset=dtype.itemsize).reshape(2, -1, 2)
        return head, levels[0, : head["bids"]].copy(), levels[1, : head["asks"]].copy()

    def slots(self, first: int, last: int) -> npt.NDArray[np.void]:
        """The places of ring records `first` to `last`, both included, raw, as they are now.

        Fields of `_native.SLOTS`: the slot's own, its `sequence` asked for, and `status` (u1, see
        `SLOT_STATUS`); unless that is "ok" the fields are whatever lies there. Raises ValueError
        for more records than the ring holds.
        """
        count = last - first + 1
        if first < 1 or not 0 <= count <= self.segment.slots:
            raise ValueError(f"{first}:{last}: from 1, at most {self.segment.slots} records")
        return self.segment.ring(first, count)


def epochs(venue: str, *, namespace: str | None = None) -> list[int]:
    """The epochs of a venue that have a data object, oldest first."""
    namespace = check_name("namespace", namespace or default_namespace())
    return [name.epoch for name in objects(namespace, venue) if name.epoch is not None]


def open_memory(venue: str, *, namespace: str | None = None, epoch: int | None = None) -> Memory:
    """Map an epoch of a venue (None: the control object's, or else the newest), dead or alive.

    Raises :class:`shm.NoSuchVenue`, :class:`shm.VersionMismatch`, :class:`shm.DamagedSegment`,
    :class:`shm.NotReady` (its magic was never stored), :class:`shm.PermissionDenied`.
    """
    namespace = check_name("namespace", namespace or default_namespace())
    check_name("venue", venue)
    there = epochs(venue, namespace=namespace)
    if epoch is None:
        current = control_state(namespace, venue)[0]
        epoch = current if current in there else max(there, default=None)
    if epoch is None:
        if venue in venues(namespace):
            raise NotReady(f"{venue} has no memory: its writer stopped, or never started")
        raise no_such_venue(namespace, venue)
    path = data_name(namespace, venue, epoch)
    control_fd = data_fd = -1
    try:
        data_fd = open_fd(path)
        owner = os.fstat(data_fd).st_uid
        check_believed(owner, believed(), path)
        header = read_struct(data_fd, "header")
        check_identity(header, path, MAGIC_DATA, namespace, venue)
        check_header(header, os.fstat(data_fd).st_size, path)
        if int(header["epoch"]) != epoch:
            raise DamagedSegment(f"{path}: epoch is {int(header['epoch'])}", "epoch")
        control_fd = _control_fd(namespace, venue)
        segment = Segment(
            data_fd,
            control_fd,
            -1,
            header.tobytes(),
            venue=venue,
            namespace=namespace,
            owner=owner,
        )
        memory, data_fd = Memory(segment, path, data_fd), -1
        return memory
    except FileNotFoundError:
        raise NoSuchVenue(f"{path} is not there", venues(namespace)) from None
    finally:
        for fd in (control_fd, data_fd):
            if fd >= 0:
                os.close(fd)


def _control_fd(namespace: str, venue: str) -> int:
    """The control object if it is there and has its size, else -1."""
    try:
        fd = open_fd(control_name(namespace, venue))
    except (FileNotFoundError, ShmError):
        return -1
    if os.fstat(fd).st_size < CONTROL_BYTES:
        os.close(fd)
        return -1
    return fd
