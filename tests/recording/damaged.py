"""Recordings that are sound, and ways to spoil them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from feedhandler.recording.findings import Finding, Report
from shm.recording import manifest, schema
from shm.recording.manifest import MANIFEST, File, Line, Segment, encoded
from tests.recording.written import Record, Written, stream

VENUE = "deribit"
COUNT = 1600
CUTS = (0, 500, 900, 1300, COUNT)


@cache
def _sound() -> TemporaryDirectory[str]:
    """Written once, and copied by each test."""
    directory = TemporaryDirectory(prefix="sound-recording-")
    written(Path(directory.name), stream(COUNT))
    return directory


def written(directory: Path, records: list[Record], **more: Any) -> Written:
    """Four segments, the first and the third with bases."""
    recording = Written(directory, **more)
    for at in range(4):
        part = records[CUTS[at] : CUTS[at + 1]]
        recording.segment(part, bases=at % 2 == 0, why="run" if at == 0 else "rotation")
    return recording


def made(directory: Path) -> Written:
    """A sound recording."""
    shutil.copytree(_sound().name, directory, dirs_exist_ok=True)
    return Written(directory)


def kinds(report: Report) -> set[str]:
    return {finding.what for finding in report.findings}


def the(report: Report, what: str) -> Finding:
    found = [finding for finding in report.findings if finding.what == what]
    assert len(found) == 1, report.findings
    return found[0]


def segments(directory: Path) -> list[Segment]:
    return manifest.read(directory).segments(VENUE)


def file_of(directory: Path, at: int, table: str, family: str = "perpetual") -> File:
    files = segments(directory)[at].files
    return next(file for file in files if (file.table, file.family) == (table, family))


def rewrite(recording: Written, at: int, table: str, change: Callable[[list[Any]], Any]) -> None:
    """A file of a segment with other rows, and the manifest says so: only the rows are wrong."""
    file = file_of(recording.directory, at, table)
    path = recording.directory / file.path
    rows = schema.pyarrow().parquet.ParquetFile(path).read().to_pylist()
    change(rows)
    table_, family, name = file.table, file.family, path.name
    again = recording.file(table_, family, segments(recording.directory)[at].day, name, rows)
    relist(
        recording.directory,
        at,
        lambda s: replace(
            s, files=tuple(again if each.path == file.path else each for each in s.files)
        ),
    )


def relist(directory: Path, at: int, change: Callable[[Segment], Segment | None]) -> None:
    """The manifest with another line for a segment, or none."""
    lines: list[Line] = []
    seen = 0
    for line in manifest.read(directory).lines:
        if isinstance(line, Segment):
            changed = change(line) if seen == at else line
            seen += 1
            lines += [changed] if changed is not None else []
        else:
            lines.append(line)
    (directory / MANIFEST).write_bytes(b"".join(map(encoded, lines)))


def lossy(directory: Path, *, said: tuple[int, int] | None, row: bool = True) -> Written:
    """Records 501 to 900 are not there."""
    recording = Written(directory)
    records = stream(COUNT)
    recording.segment(records[:500], bases=True, why="run")
    for one in records[500:900]:
        recording.books.take(one)
    if said is not None:
        recording.loss(*said)
    segment = recording.segment(records[900:], bases=True, why="loss")
    if row and said is not None:
        file = next(f for f in segment.files if (f.table, f.family) == ("states", "none"))
        path = directory / file.path
        rows = schema.pyarrow().parquet.ParquetFile(path).read().to_pylist()
        loss = dict.fromkeys(rows[0]) | {
            "epoch": recording.epoch,
            "sequence": said[1],
            "kind": schema.LOSS,
            "base": False,
            "loss_first": said[0],
            "loss_last": said[1],
            "lost": said[1] - said[0] + 1,
            "receive_ns": rows[0]["receive_ns"],
            "receive_time": rows[0]["receive_time"],
        }
        again = recording.file("states", "none", segment.day, path.name, [loss, *rows])
        relist(
            directory,
            1,
            lambda s: replace(
                s, files=tuple(again if f.path == again.path else f for f in s.files)
            ),
        )
    return recording
