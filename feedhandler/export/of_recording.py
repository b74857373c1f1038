"""A recording as a source: its records in the order of the ring, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feedhandler.export.source import Asked, Batch, Hole, SourceError, Terms
from shm import Flag, Kind
from shm.recording.directory import InstrumentRow
from shm.recording.reader import Recording
from shm.recording.schema import RECORD_TABLES, table_of

_FIRST, _LAST = np.uint8(Flag.FIRST), np.uint8(Flag.LAST)


class RecordingSource:
    """`venue`: None where the recording has one alone."""

    def __init__(self, directory: Path, *, venue: str | None = None) -> None:
        self._recording = Recording(directory)
        self.venue = venue or self._only_venue(directory)
        self.holes: list[Hole] = []
        self._segments = self._recording.segments(self.venue)  # raises for one that is not there
        self._rows: dict[tuple[int, int], InstrumentRow] = {}

    def _only_venue(self, directory: Path) -> str:
        venues = self._recording.venues()
        if not venues:
            raise SourceError(f"{directory}: nothing is recorded yet")
        if len(venues) > 1:
            raise SourceError(f"{directory} has {', '.join(venues)}: say which with --venue")
        return venues[0]

    def end_ns(self) -> int:
        return max(segment.to_ns for segment in self._segments)

    def terms(self, epoch: int, row: int) -> Terms:
        found = self._rows.get((epoch, row))
        if found is None:
            raise SourceError(f"epoch {epoch}: no instrument is recorded for row {row}")
        return _terms(found)

    def batches(self, asked: Asked) -> Iterator[Batch]:
        self._rows = self._recording.instruments(self.venue)
        symbols = {row.symbol for row in self._rows.values() if asked.matches(_terms(row))}
        every = len(symbols) == len({row.symbol for row in self._rows.values()})
        tables = {table_of(kind) for kind in asked.kinds}
        missing = self._missing()
        self.holes = [hole for hole in missing if _within(hole, asked)]
        epoch, before = 0, 0
        found = self._recording.rows(
            self.venue,
            [table for table in RECORD_TABLES if table in tables],
            start=asked.start_ns,
            end=asked.end_ns,
            symbols=None if every else symbols,
        )
        for rows in _with_whole_bases(found):
            for part in _of_one_epoch(rows):
                its, last = int(part["epoch"][0]), int(part["sequence"][-1])
                broken = its != epoch
                if broken:
                    epoch, before = its, 0
                for first, piece in _split(part, [h for h in missing if h.epoch == its], before):
                    yield Batch(piece, its, broken or not first)
                    broken = False
                before = last

    def _missing(self) -> list[Hole]:
        return [
            Hole(
                one.epoch,
                one.first,
                one.last,
                one.count,
                one.why or "nobody knows why",
                one.from_ns,
                one.to_ns,
            )
            for one in self._recording.missing(self.venue)
        ]


def _within(hole: Hole, asked: Asked) -> bool:
    """Whether it is in the time that is asked for, as far as that is known."""
    after = asked.start_ns is not None and hole.to_ns is not None and hole.to_ns < asked.start_ns
    return not after and (
        asked.end_ns is None or hole.from_ns is None or hole.from_ns < asked.end_ns
    )


def _with_whole_bases(
    batches: Iterator[npt.NDArray[np.void]],
) -> Iterator[npt.NDArray[np.void]]:
    """Bases as messages, each whole, with a first and a last record."""
    kept: npt.NDArray[np.void] | None = None
    for rows in batches:
        rows = rows if kept is None else np.concatenate((kept, rows))
        kept = None
        base = rows["base"] != 0
        if not base.any():
            yield rows
            continue
        begins = base & (rows["kind"] == Kind.CLEAR)
        ends = base & np.append(begins[1:] | ~base[1:], False)
        if base[-1]:  # the rest of it may be in the next batch
            first = int(np.flatnonzero(begins)[-1]) if begins.any() else 0
            kept, rows, begins, ends = rows[first:], rows[:first], begins[:first], ends[:first]
        rows["flags"][begins] |= _FIRST
        rows["flags"][ends] |= _LAST
        if len(rows):
            yield rows
    if kept is not None:
        kept["flags"][0] |= _FIRST
        kept["flags"][-1] |= _LAST
        yield kept


def _of_one_epoch(rows: npt.NDArray[np.void]) -> Iterator[npt.NDArray[np.void]]:
    turns = np.flatnonzero(np.diff(rows["epoch"])) + 1
    yield from (part for part in np.split(rows, turns) if len(part))


def _split(
    rows: npt.NDArray[np.void], holes: list[Hole], before: int
) -> Iterator[tuple[bool, npt.NDArray[np.void]]]:
    """(whether no hole is before it, rows), where `before` was the last record before these."""
    done, whole = 0, True
    for hole in holes:
        if hole.first <= before or hole.first > int(rows["sequence"][-1]):
            continue
        at = int(np.searchsorted(rows["sequence"], hole.first))
        if at > done:
            yield whole, rows[done:at]
        done, whole = at, False
    if done < len(rows):
        yield whole, rows[done:]


def _terms(row: InstrumentRow) -> Terms:
    return Terms(
        row.symbol,
        row.name,
        row.kind,
        row.option_type,
        0.0 if math.isnan(row.strike) else row.strike,
        row.expiry_ns,
    )
