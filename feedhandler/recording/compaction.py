"""A finished day in few files: the same rows, proved so, before the parts are removed.

Of each epoch, table and family of a day the parts become one file. It is read back and compared
with the parts, row by row; only then the manifest names it in their place.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from time import monotonic, time_ns
from typing import TYPE_CHECKING, NamedTuple

from feedhandler.log import log
from feedhandler.recording import points
from feedhandler.recording.directory import RecordingDirectory, sync_directory
from feedhandler.recording.part import Part
from shm.recording import manifest
from shm.recording.errors import DamagedRecording, RecordingError
from shm.recording.manifest import Compacted, File, Manifest
from shm.recording.schema import arrow_schema, day_name, day_of, pyarrow

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 524_288
_EVERY_S = 600.0
_GRACE_NS = 600 * 1_000_000_000  #: after midnight, for segments that are still open
_NICE = 19


class Work(NamedTuple):
    """Parts that one file replaces."""

    venue: str
    epoch: int
    day: str
    files: tuple[File, ...]

    @property
    def first(self) -> int:
        return min(file.first for file in self.files)


def finished_days(known: Manifest, today: str) -> list[Work]:
    """What there is to do: days before `today` that have several parts of an epoch."""
    groups: dict[tuple[str, int, str, str, str], dict[str, File]] = defaultdict(dict)
    for venue in known.venues():
        for segment in known.segments(venue):
            if segment.day < today:
                for file in segment.files:
                    key = (venue, segment.epoch, segment.day, file.table, file.family)
                    groups[key][file.path] = file
    return [
        Work(venue, epoch, day, tuple(files.values()))
        for (venue, epoch, day, _, _), files in sorted(groups.items())
        if len(files) > 1
    ]


class _Stopped(Exception):  # noqa: N818 - says what happened
    """Not now."""


def merged(root: Path, work: Work, go_on: Callable[[], bool] = lambda: True) -> Compacted:
    """Write the file, prove it, and give it its name; the manifest does not know it yet.

    Raises :class:`DamagedRecording` if a part is not what it was, OSError.
    """
    for each in work.files:
        _check(root, each)
    head = work.files[0]
    name = PurePosixPath(head.path).with_name(day_name(work.epoch, work.first))
    part = Part(root, name, head.table, head.family)
    try:
        rows = 0
        for table in _grouped(_batches(root, work.files), GROUP_ROWS):
            sequence = pyarrow().compute.min_max(table["sequence"])
            part.write(table, sequence["min"].as_py(), sequence["max"].as_py())
            if not go_on():
                raise _Stopped
            rows += table.num_rows
        if rows != sum(file.rows for file in work.files):
            raise DamagedRecording(f"{head.path}: the parts of {work.day} have other rows")
        part.finish()
        _prove(root, work, part)
        points.at("compaction: proved")
        part.sync()
        part.publish()
        for directory in part.directories:
            sync_directory(directory)
    except BaseException:
        part.abandon()
        raise
    replaces = tuple(each.path for each in work.files)
    return Compacted(time_ns(), work.venue, work.epoch, work.day, part.file, replaces)


def commit(directory: RecordingDirectory, line: Compacted) -> None:
    """Let the file count, and remove what it replaces."""
    points.at("compaction: before it counts")
    directory.append([line])
    points.at("compaction: before parts are removed")
    for name in line.replaces:
        with suppress(FileNotFoundError):
            (directory.path / name).unlink()
        points.at("compaction: a part is removed")


def compact(directory: RecordingDirectory, today: str | None = None) -> Iterator[Compacted]:
    """All finished days of a directory that nobody records into; each file when it is done."""
    for work in finished_days(directory.manifest, today or day_of(time_ns())):
        line = merged(directory.path, work)
        commit(directory, line)
        yield line


def _batches(root: Path, files: Sequence[File]) -> Iterator[pa.Table]:
    """The rows of parts, in order, by row group."""
    pq = pyarrow().parquet
    for file in sorted(files, key=_order):
        with pq.ParquetFile(root / file.path) as opened:
            if opened.schema_arrow != arrow_schema(file.table):
                raise RecordingError(f"{file.path} has columns of another version")
            for group in range(opened.num_row_groups):
                yield opened.read_row_group(group)


def _check(root: Path, file: File) -> None:
    """A part that is not what was committed must not become one that is."""
    digest = blake2b(digest_size=16)
    with (root / file.path).open("rb") as opened:
        while data := opened.read(1 << 20):
            digest.update(data)
    if digest.hexdigest() != file.digest:
        text = "its digest is not the manifest's; `feedhandler verify` says more"
        raise DamagedRecording(f"{file.path} is damaged: {text}")


def _order(file: File) -> str:
    return PurePosixPath(file.path).name  # part-<epoch>-<first>, padded


def _grouped(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of about that many."""
    concat = pyarrow().concat_tables
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count >= rows:
            yield concat(held).unify_dictionaries()
            held, count = [], 0
    if held:
        yield concat(held).unify_dictionaries()


def _prove(root: Path, work: Work, part: Part) -> None:
    """The new file has the rows of the parts, all of them, in that order."""
    pq = pyarrow().parquet
    with pq.ParquetFile(part.partial) as made:
        groups = (made.read_row_group(number) for number in range(made.num_row_groups))
        want = _grouped(_batches(root, work.files), GROUP_ROWS)
        for ours, theirs in zip(groups, want, strict=True):
            if not _plain(ours).equals(_plain(theirs)):
                raise DamagedRecording(f"{part.path}: it is not what its parts are")


def _plain(table: pa.Table) -> pa.Table:
    """Dictionaries as what they stand for: two may differ that say the same."""
    arrow = pyarrow()
    fields = [
        arrow.field(field.name, field.type.value_type)
        if arrow.types.is_dictionary(field.type)
        else arrow.field(field.name, field.type)
        for field in table.schema
    ]
    return table.cast(arrow.schema(fields)).combine_chunks()


class Compactor:
    """Finished days in a thread of its own, while others are recorded: as often as there is a new
    day, and after everything else that wants the core."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._done: list[Compacted] = []
        self._turn = threading.Lock()
        self._next = monotonic()
        self._day = ""

    def step(self, directory: RecordingDirectory) -> None:
        """In the thread that has the manifest: what is done counts; what is due begins."""
        self._commit(directory)
        if monotonic() < self._next or (self._thread is not None and self._thread.is_alive()):
            return
        self._next = monotonic() + _EVERY_S
        today = day_of(time_ns() - _GRACE_NS)
        if today != self._day:
            self._day = today
            self._thread = threading.Thread(target=self._run, args=(today,), name="record-compact")
            self._thread.start()

    def _run(self, today: str) -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            for work in finished_days(manifest.read(self._root), today):
                if self._stop.is_set():
                    return
                line = merged(self._root, work, lambda: not self._stop.is_set())
                with self._turn:
                    self._done.append(line)
        except _Stopped:
            pass
        except (RecordingError, OSError) as error:
            log.error("a finished day stays in parts: %s", error)

    def _commit(self, directory: RecordingDirectory) -> None:
        while True:
            with self._turn:
                if not self._done:
                    return
                line = self._done.pop(0)
            commit(directory, line)

    def close(self, directory: RecordingDirectory) -> None:
        """What is not finished is left as it was."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._commit(directory)
