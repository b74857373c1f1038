"""The file of one venue and day (UTC): a head, a row a minute, a row an instrument; all mapped.

`quality/<namespace>/<venue>/<day>` in $FEEDHANDLER_STATE (or $XDG_STATE_HOME/feedhandler, or
~/.local/state/feedhandler). What is stored is in the file even if its writer is killed in the same
moment. Rows are known by symbols, so that another process of the venue goes on where the one before
was cut off.
"""

from __future__ import annotations

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
    """Mapped; `head`, `minutes` and `rows` are what is in it."""

    def __init__(self, raw: npt.NDArray[np.uint8]) -> None:
        self._raw = raw
        begin = _HEAD_BYTES + MINUTES * MINUTE.itemsize
        self.head: npt.NDArray[Any] = raw[:_HEAD_BYTES].view(HEAD)
        self.minutes: npt.NDArray[Any] = raw[_HEAD_BYTES:begin].view(MINUTE)
        self.rows: npt.NDArray[Any] = raw[begin:].view(ROW)

    @property
    def used(self) -> int:
        """Rows that have an instrument."""
        return min(int(self.head["rows"][0]), len(self.rows))


def _bytes(rows: int) -> int:
    return _HEAD_BYTES + MINUTES * MINUTE.itemsize + rows * ROW.itemsize


def open_day(namespace: str, venue: str, day: date, rows: int) -> DayFile:
    """For writing: made if it is not there, larger if it has too few rows. Raises OSError."""
    folder = directory(namespace, venue)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / day.isoformat()
    there = path.stat().st_size if path.exists() else 0
    if there < _bytes(0) or path.read_bytes()[:8] != MAGIC:
        path.write_bytes(b"")
        there = 0
    if there < _bytes(rows):
        os.truncate(path, _bytes(rows))
        there = _bytes(rows)
    whole = _bytes((there - _bytes(0)) // ROW.itemsize)
    file = DayFile(np.memmap(path, np.uint8, "r+", shape=(whole,)))
    if file.head["magic"][0] != MAGIC:
        file.head["day_ns"] = begin_of(day)
        file.head["magic"] = MAGIC
    for old in days(namespace, venue)[:-KEPT]:
        with suppress(OSError):
            (folder / old.isoformat()).unlink()
    return file


def read_day(namespace: str, venue: str, day: date) -> DayFile | None:
    """A copy of what is there; None: nothing of that day is."""
    try:
        raw = np.fromfile(directory(namespace, venue) / day.isoformat(), np.uint8)
    except OSError:
        return None
    whole = _bytes(max(0, (len(raw) - _bytes(0)) // ROW.itemsize))
    if len(raw) < _bytes(0) or raw[:8].tobytes() != MAGIC:
        return None
    return DayFile(raw[:whole])
