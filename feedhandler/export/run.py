"""An export from its source to its file: in one pass, with what is missing counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from feedhandler.export.files import ArrowFile, CsvFile, ParquetFile, Partial, RowFile
from feedhandler.export.hftbacktest import Events
from feedhandler.export.npz_file import NpzFile
from feedhandler.export.records import Records
from feedhandler.export.source import Asked, Hole, Source, SourceError
from feedhandler.export.symbols import Symbols, Wanted, told
from feedhandler.export.table import Chunk, Table
from feedhandler.export.tardis import TYPES
from shm import Kind
from shm._native import RAW_EVENT

FORMATS = ("csv", "parquet", "arrow", "npz")
RECORDS = "records"
_ENDINGS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".csv.zst": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".npz": "npz",
}


def format_of(name: str) -> str:
    """The format that a file's name says. Raises ValueError."""
    for ending, found in _ENDINGS.items():
        if name.endswith(ending):
            return found
    endings = ", ".join(_ENDINGS)
    raise ValueError(f"{name!r} says no format: end it with one of {endings}, or say --format")


def type_of(name: str) -> str:
    """The table that a file's name says, as a word of it: deribit_trades_2026-11-30.csv.gz."""
    found = [one for one in TYPES if _is_word(one, name)]
    return max(found, key=len, default=RECORDS)


def _is_word(word: str, name: str) -> bool:
    at = name.find(word)
    before, after = name[at - 1 : at], name[at + len(word) : at + len(word) + 1]
    return at >= 0 and not before.isalnum() and not after.isalnum()


@dataclass(frozen=True, slots=True)
class Job:
    """What is exported, and where to. `start_ns`, `end_ns`: of the time of reception."""

    out: Path
    format: str
    type: str = RECORDS
    start_ns: int | None = None
    end_ns: int | None = None
    wanted: Wanted = field(default_factory=Wanted)
    kinds: frozenset[int] = frozenset(Kind)  #: of `records`
    sent: bool = True  #: Tardis' times where they are those at which the venue sent something


@dataclass(slots=True)
class Done:
    """What came of it. `dropped`: records of books whose base the source does not have; `late`:
    records whose time of reception was before that of one before them, and which have that one's;
    `early`, `twice`: of `npz`, see :class:`feedhandler.export.npz_file.NpzFile`."""

    out: str
    format: str
    type: str
    venue: str
    records: int = 0
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    first_ns: int | None = None
    last_ns: int | None = None
    dropped: int = 0
    late: int = 0
    early: int = 0
    twice: int = 0
    instruments: list[dict[str, Any]] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Records that the source does not have, as far as they can be counted."""
        return sum(hole.count or 0 for hole in self.holes)

    def told(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self) | {"missing": self.missing}


class _Sink(Protocol):
    """Takes chunks in order."""

    kinds: frozenset[int]
    books: bool

    def take(self, chunk: Chunk) -> int:
        """How many rows were made of it."""
        ...

    def pass_over(self, chunk: Chunk) -> None: ...
    def begin(self, start_ns: int, chunk: Chunk) -> int: ...
    def broken(self) -> None: ...
    def close(self, done: Done) -> None: ...
    def abort(self) -> None: ...


class _Rows:
    """A table in a file of rows."""

    def __init__(self, table: Table, file: RowFile) -> None:
        self._table, self._file = table, file
        self.kinds, self.books = table.kinds, table.books
        self.pass_over, self.broken = table.pass_over, table.broken

    def take(self, chunk: Chunk) -> int:
        frame = self._table.rows(chunk)
        self._file.write(frame)
        return frame.count

    def begin(self, start_ns: int, chunk: Chunk) -> int:
        frame = self._table.begin(start_ns, chunk.terms)
        if frame is None:
            return 0
        self._file.write(frame)
        return frame.count

    def close(self, done: Done) -> None:
        done.dropped = self._table.dropped
        self._file.close()

    def abort(self) -> None:
        self._file.abort()


class _Events:
    """hftbacktest's events."""

    def __init__(self, events: Events, file: NpzFile) -> None:
        self._events, self._file = events, file
        self.kinds, self.books = events.kinds, events.books
        self.pass_over, self.broken = events.pass_over, events.broken

    def take(self, chunk: Chunk) -> int:
        made = self._events.events(chunk)
        self._file.write(made)
        return len(made)

    def begin(self, start_ns: int, chunk: Chunk) -> int:  # noqa: ARG002
        made = self._events.begin(start_ns)
        self._file.write(made)
        return len(made)

    def close(self, done: Done) -> None:
        self._file.close()
        done.dropped = self._events.dropped
        done.early, done.twice = self._file.early, self._file.twice

    def abort(self) -> None:
        self._file.abort()


def _sink(job: Job, venue: str, path: Path) -> _Sink:
    if job.format == "npz":
        return _Events(Events(venue), NpzFile(path))
    if job.type == RECORDS:
        table: Table = Records(venue, job.kinds)
    else:
        table = TYPES[job.type](venue, sent=job.sent)
    if job.format == "csv":
        return _Rows(table, CsvFile(path, job.out.name))
    return _Rows(table, ParquetFile(path) if job.format == "parquet" else ArrowFile(path))


def export(source: Source, job: Job, progress: Callable[[Done], None] | None = None) -> Done:
    """Write the file. Nothing of it is there under its name before it is whole.

    Raises :class:`SourceError`, OSError, and what the source raises.
    """
    began = time.monotonic()
    done = Done(str(job.out), job.format, job.type, source.venue)
    symbols = Symbols(source, job.wanted)
    with Partial(job.out) as partial:
        sink = _sink(job, source.venue, partial.path)
        try:
            for chunk in _chunks(source, sink, symbols, job, done):
                done.rows += sink.take(chunk)
                done.records += len(chunk.rows)
                if len(chunk.rows):
                    done.last_ns = int(chunk.local_ns[-1])
                    done.first_ns = done.first_ns or int(chunk.local_ns[0])
                done.seconds = time.monotonic() - began
                if progress is not None:
                    progress(done)
            if not symbols.terms and job.wanted.patterns:
                raise SourceError(f"nothing in it is called {' or '.join(job.wanted.patterns)}")
            sink.close(done)
        except BaseException:
            sink.abort()
            raise
        partial.done()
    done.holes = list(source.holes)
    done.instruments = told(symbols)
    done.bytes = job.out.stat().st_size if job.out.is_file() else 0
    done.seconds = time.monotonic() - began
    return done


def _chunks(source: Source, sink: _Sink, symbols: Symbols, job: Job, done: Done) -> Iterator[Chunk]:
    """The wanted records, within the times; at least one chunk, be it empty, so that a file has its
    columns."""
    asked = Asked(sink.kinds, sink.books, job.start_ns, job.end_ns, symbols.wanted)
    kinds = np.array(sorted(sink.kinds), np.uint8)
    cut = _Cut(job, done)
    chunk = None
    for batch in source.batches(asked):
        if batch.broken:
            sink.broken()
        which = symbols.numbers(batch)
        wanted = (which >= 0) & np.isin(batch.rows["kind"], kinds)
        rows = batch.rows
        if not wanted.all():
            rows, which = rows[wanted], which[wanted]
        before, chunk = cut.split(
            Chunk(rows, which, rows["receive_ns"], symbols.terms, batch.epoch)
        )
        if len(before.rows):
            sink.pass_over(before)
        if cut.begun and not cut.told:
            cut.told = True
            if job.start_ns is not None:
                done.rows += sink.begin(job.start_ns, chunk)
        if len(chunk.rows):
            yield chunk
        if cut.over:
            break
    if chunk is None:
        none = np.empty(0, RAW_EVENT)
        chunk = Chunk(none, np.empty(0, np.int64), none["receive_ns"], symbols.terms, 0)
    yield chunk.part(slice(0, 0))


class _Cut:
    """Where the wanted time begins and ends. Records are placed by when they were received, or by
    the latest of those before them: a clock that was set back does not turn rows round."""

    def __init__(self, job: Job, done: Done) -> None:
        self._start, self._end = job.start_ns, job.end_ns
        self._latest = np.int64(0)
        self._done = done
        self.begun = job.start_ns is None
        self.told = self.over = False

    def split(self, chunk: Chunk) -> tuple[Chunk, Chunk]:
        """(what comes before the time, what is within)."""
        local = np.maximum.accumulate(np.maximum(chunk.local_ns, self._latest))
        if len(local):
            self._latest = local[-1]
        whole = Chunk(chunk.rows, chunk.which, local, chunk.terms, chunk.epoch)
        first, last = 0, len(local)
        if self._start is not None:
            first = int(np.searchsorted(local, self._start))
        if self._end is not None:
            last = int(np.searchsorted(local, self._end))
            self.over = last < len(local)
        self.begun = self.begun or first < len(local)
        within = whole.part(slice(first, max(first, last)))
        self._done.late += int(np.count_nonzero(within.rows["receive_ns"] < within.local_ns))
        return whole.part(slice(0, first)), within
