"""A day of a venue's epoch, looked at from its bytes to its books: the work of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from feedhandler.recording.checked_files import CheckedFile
from feedhandler.recording.checked_records import STATE, CheckedRecords
from feedhandler.recording.findings import Checked, Findings
from shm.recording import schema
from shm.recording.directory import instrument_rows
from shm.recording.errors import RecordingError
from shm.recording.manifest import File, Segment
from shm.recording.reader import Recording

Advance = Callable[[int], None]
Symbols = Mapping[int, tuple[str, str]]


class Day(NamedTuple):
    """What is looked at as one."""

    venue: str
    epoch: int
    day: str


class States(NamedTuple):
    """Changes of state in records `first` to `last`, between which nothing is missing."""

    epoch: int
    first: int
    last: int
    rows: NDArray[np.void]


@dataclass(slots=True)
class DayChecked:
    """What was found."""

    day: Day
    checked: Checked = field(default_factory=Checked)
    findings: Findings = field(default_factory=Findings)
    states: list[States] = field(default_factory=list)
    losses: list[tuple[int, int, int | None]] = field(default_factory=list)
    symbols: dict[int, tuple[str, str]] = field(default_factory=dict)


def days(recording: Recording) -> list[Day]:
    """All there is to look at."""
    found = {
        Day(venue, segment.epoch, segment.day)
        for venue in recording.venues()
        for segment in recording.segments(venue)
    }
    return sorted(found)


def rows_of(recording: Recording, day: Day) -> int:
    """How much there is to do: rows that are looked at, once in files and once in order."""
    files = _files(_segments(recording, day))
    again = sum(file.rows for file in files if file.table in schema.RECORD_TABLES)
    return sum(file.rows for file in files) + again


def check(directory: Path, day: Day, advance: Advance) -> DayChecked:
    """Look at all of it; once more, if it was compacted meanwhile."""
    while True:
        recording = Recording(directory)
        result = _check(recording, day, advance)
        gone = {each.path for each in result.findings if each.what == "gone"}
        recording.refresh()
        if gone <= {file.path for file in recording.manifest.files(day.venue)}:
            return result


def _check(recording: Recording, day: Day, advance: Advance) -> DayChecked:
    directory = recording.directory
    segments = _segments(recording, day)
    result = DayChecked(day)
    files = sorted(_files(segments), key=lambda file: file.table != "instruments")
    bad: set[str] = set()
    listed: list[File] = []
    for file in files:
        if file.table != "instruments" and listed:
            result.symbols = _symbols(directory, day, listed)
            listed = []
        known = not any(f.path in bad for f in files if f.table == "instruments")
        look = CheckedFile(
            directory, file, day.venue, day.epoch, result.symbols if known else None, advance
        )
        found = list(look.findings())
        result.findings.extend(found)
        result.losses += look.losses
        result.checked.files += 1
        result.checked.bytes += file.bytes
        result.checked.rows += file.rows
        if any(each.what != "value" for each in found):
            bad.add(file.path)
        elif file.table == "instruments":
            listed.append(file)
    for run, whole, marked in _runs(segments, bad):
        checked = CheckedRecords(
            recording,
            day.venue,
            run,
            result.symbols,
            whole=whole,
            marked=marked,
            advance=advance,
        ).check()
        result.checked.add(checked.checked)
        result.findings.extend(checked.findings)
        rows = checked.states
        result.states.append(
            States(
                day.epoch,
                run[0].first,
                run[-1].last,
                np.concatenate(rows) if rows else np.empty(0, STATE),
            )
        )
    return result


def _segments(recording: Recording, day: Day) -> list[Segment]:
    return [
        segment
        for segment in recording.segments(day.venue)
        if (segment.epoch, segment.day) == (day.epoch, day.day)
    ]


def _files(segments: list[Segment]) -> list[File]:
    return list({file.path: file for segment in segments for file in segment.files}.values())


def _symbols(directory: Path, day: Day, files: list[File]) -> dict[int, tuple[str, str]]:
    """Symbol and family by row of the directory."""
    try:
        return {
            row.instrument: (row.symbol, schema.family_of(row.kind))
            for row in instrument_rows(directory, files)
            if row.epoch == day.epoch
        }
    except RecordingError:  # said by whoever looked at the file
        return {}


def _runs(segments: list[Segment], bad: set[str]) -> Iterator[tuple[list[Segment], bool, bool]]:
    """Segments that can be read and follow one another, whether all of their tables can be, and
    their marks. Books go on over a rotation, but not over what is missing."""
    run: list[Segment] = []
    state = (False, False)
    for segment in segments:
        damaged = {file.table for file in segment.files if file.path in bad}
        now = not damaged & set(schema.RECORD_TABLES), "marks" not in damaged
        follows = run and segment.first == run[-1].last + 1 and now == state
        if run and ("book" in damaged or not follows):
            yield run, *state
            run = []
        if "book" not in damaged:
            run.append(segment)
            state = now
    if run:
        yield run, *state
