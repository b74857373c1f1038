"""The file of one venue and day (UTC): a head, a row a minute, a row an instrument.

`quality/<namespace>/<venue>/<day>` in $FEEDHANDLER_STATE (or $XDG_STATE_HOME/feedhandler, or
~/.local/state/feedhandler). Rows are known by symbols, so that another process of the venue goes on
where the one before was cut off.

It is written, never mapped: a full disk, or somebody who cuts the file off, is an error that can be
told then, and not the end of the process (SIGBUS) for which the file is the least of its tasks.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from shm.object_names import check_name

MAGIC: Final = b"FHQUAL01"
MINUTES: Final = 1440
DAY_NS: Final = 86_400_000_000_000
LATE_NS: Final = 2_000_000_000  #: who is silent for longer says nothing of the time between
MOST_ROWS: Final = 1 << 16
KEPT: Final = 35  #: days; older files are removed
_HEAD_BYTES: Final = 4096

HEAD: Final = np.dtype(
    {
        "names": [
            *("magic", "rows", "day_ns", "updated_ns", "began_ns", "hole_gaps"),
            *("hole_missing", "hole_unsized", "counters", "proof"),
        ],
        "formats": ["S8", *["<i8"] * 7, ("<i8", (64,)), "S64"],
        "itemsize": _HEAD_BYTES,
    }
)
#: what came in a minute, and how much of it books were LIVE, in ns, summed over books
MINUTE: Final = np.dtype(
    [(name, "<i8") for name in ("gaps", "missing", "unsized", "heals", "live_ns", "carried_ns")]
)
#: as the engine has them: see `Engine.quality`
COUNTED: Final = (
    *("live_ns", "live_since", "heals", "gaps", "missing", "unsized", "applied"),
    *("suspects", "suspect_ns"),
)
ROW: Final = np.dtype(
    [("symbol", "S64"), ("carried_ns", "<i8"), ("carried_since", "<i8")]
    + [(name, "<i8") for name in COUNTED]
)


def day_of(ns: int) -> date:
    """The day of an instant, UTC."""
    return datetime.fromtimestamp(ns // 10**9, UTC).date()


def begin_of(day: date) -> int:
    """When a day begins, unix ns."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9


def directory(namespace: str, venue: str) -> Path:
    """Where the days of a venue are."""
    check_name("namespace", namespace)
    check_name("venue", venue)
    named = os.environ.get("FEEDHANDLER_STATE")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    root = Path(named) if named else Path(base) / "feedhandler"
    return root / "quality" / namespace / venue


def days(namespace: str, venue: str) -> list[date]:
    """The days there are, oldest first."""
    found = []
    with suppress(OSError):
        for path in directory(namespace, venue).iterdir():
            with suppress(ValueError):
                found.append(date.fromisoformat(path.name))
    return sorted(found)


class DayFile:
    """What is in it: `head`, `minutes` and `rows`."""

    def __init__(self, raw: npt.NDArray[np.uint8]) -> None:
        self.raw = raw
        begin = _HEAD_BYTES + MINUTES * MINUTE.itemsize
        self.head: npt.NDArray[Any] = raw[:_HEAD_BYTES].view(HEAD)
        self.minutes: npt.NDArray[Any] = raw[_HEAD_BYTES:begin].view(MINUTE)
        self.rows: npt.NDArray[Any] = raw[begin:].view(ROW)

    @property
    def used(self) -> int:
        """Rows that have an instrument."""
        return max(0, min(int(self.head["rows"][0]), len(self.rows)))


def _bytes(rows: int) -> int:
    return _HEAD_BYTES + MINUTES * MINUTE.itemsize + rows * ROW.itemsize


class DayWriter:
    """A day's file, held by the only one that writes it: `file`, in memory, until it is stored."""

    def __init__(self, namespace: str, venue: str, day: date, rows: int) -> None:
        """With what is there of that day, and room for `rows` at least. Raises OSError, also where
        another process has it."""
        self._fd = -1
        folder = directory(namespace, venue)
        folder.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(folder / day.isoformat(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OSError(f"{folder / day.isoformat()}: another process keeps it") from None
            there = read_day(namespace, venue, day)
            self.file = DayFile(np.zeros(_bytes(rows), np.uint8))
            if there is not None:
                if len(there.rows) > rows:
                    self.file = DayFile(np.zeros(_bytes(len(there.rows)), np.uint8))
                self.file.raw[: len(there.raw)] = there.raw
            self.file.head["day_ns"], self.file.head["magic"] = begin_of(day), MAGIC
            os.ftruncate(self._fd, len(self.file.raw))
            self.store(0, self.file.used, range(MINUTES))
            for old in days(namespace, venue)[:-KEPT]:
                with suppress(OSError):
                    (folder / old.isoformat()).unlink()
        except BaseException:
            self.close()
            raise

    def store(self, first: int, last: int, minutes: range) -> None:
        """Write rows from `first` up to `last`, some minutes, and the head. Raises OSError."""
        begin = _bytes(0)
        places = (
            (begin + first * ROW.itemsize, begin + last * ROW.itemsize),
            (
                _HEAD_BYTES + minutes.start * MINUTE.itemsize,
                _HEAD_BYTES + minutes.stop * MINUTE.itemsize,
            ),
            (0, _HEAD_BYTES),  # the last: what it counts is there then
        )
        for at, end in places:
            written = os.pwrite(self._fd, self.file.raw[at:end].data, at)
            if written < end - at:
                raise OSError(errno.ENOSPC, "the disk is full")

    def mark(self, now: int) -> None:
        """Its writer was well then. Raises OSError."""
        self.file.head["updated_ns"] = now
        assert HEAD.fields is not None
        os.pwrite(self._fd, now.to_bytes(8, "little"), HEAD.fields["updated_ns"][1])

    def grow(self, rows: int) -> None:
        """Room for that many rows; `file` is another one then. Raises OSError."""
        larger = DayFile(np.zeros(_bytes(rows), np.uint8))
        larger.raw[: len(self.file.raw)] = self.file.raw
        os.ftruncate(self._fd, len(larger.raw))
        self.file = larger

    def close(self) -> None:
        """Nothing is written any more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


def read_day(namespace: str, venue: str, day: date) -> DayFile | None:
    """A copy of what is there; None: nothing of that day is."""
    try:
        raw = np.fromfile(directory(namespace, venue) / day.isoformat(), np.uint8)
    except OSError:
        return None
    whole = _bytes(max(0, (len(raw) - _bytes(0)) // ROW.itemsize))
    if len(raw) < _bytes(0) or raw[:8].tobytes() != MAGIC:
        return None
    file = DayFile(raw[:whole])
    return file if file.head["day_ns"][0] == begin_of(day) else None
