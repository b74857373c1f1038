"""Files of a recording, merged into one stream in the order of the ring; memory stays flat.

Files of one table and family follow one another (a chain). Each chain is read batch by batch, and
of all chains together those rows are handed out that nothing can come before any more. Base rows
of record n come after record n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shm.recording import columns, schema
from shm.recording._books import RECORD
from shm.recording.errors import DamagedRecording, OtherFormat
from shm.recording.manifest import File

Rows = NDArray[np.void]
_NO_END = 2**63 - 1
#: the files of a chain; True: as they are by now, for they change when a day is compacted
Files = Callable[[bool], list[File]]


def opened(directory: Path, file: File) -> Any:
    """A file of the recording as a ParquetFile, if it is what the manifest says.

    Raises FileNotFoundError, :class:`DamagedRecording` or :class:`OtherFormat`.
    """
    schema.pyarrow()
    from pyarrow import ArrowException, parquet

    path = directory / file.path
    size = path.stat().st_size
    if size != file.bytes:
        raise DamagedRecording(
            f"{path}: {size} bytes, and the manifest says {file.bytes}: {_VERIFY}"
        )
    try:
        found = parquet.ParquetFile(path)
    except (OSError, ArrowException) as error:
        raise DamagedRecording(f"{path}: {error}: {_VERIFY}") from error
    version = (found.schema_arrow.metadata or {}).get(schema.METADATA_KEY, b"none").decode()
    if version != str(schema.FORMAT):
        found.close()
        raise OtherFormat(
            f"{path}: format {version}, and this feedhandler reads format {schema.FORMAT}",
            int(version) if version.isdigit() else 0,
            schema.FORMAT,
        )
    return found


_VERIFY = "`feedhandler verify` says what else is damaged"


class Chain:
    """The files of one table and family of an epoch, from record `first` to record `last`."""

    def __init__(
        self,
        directory: Path,
        table: str,
        epoch: int,
        files: Files,
        *,
        first: int = 1,
        last: int = _NO_END,
        symbols: frozenset[str] | None = None,
        batch_rows: int = 65_536,
    ) -> None:
        self._directory = directory
        self._table = table
        self._epoch = epoch
        self._listed = files
        self._first, self._last = first, last
        self._symbols = symbols
        self._batch_rows = batch_rows
        self._batches: Iterator[Rows] = iter(())
        self._done = 2 * first - 2  # keys up to this were read
        self._files = self._rest(False)
        self.rows: Rows = np.empty(0, RECORD)
        self.keys: NDArray[np.uint64] = np.empty(0, np.uint64)

    def _rest(self, anew: bool) -> list[File]:
        """Files with something that was not read yet, in order."""
        wanted = [
            file
            for file in self._listed(anew)
            if file.first <= self._last and 2 * file.last + 1 > self._done
        ]
        return sorted(wanted, key=lambda file: (file.first, file.last))

    @property
    def next_key(self) -> int | None:
        """Nothing comes before this; None: nothing comes."""
        if len(self.rows):
            return int(self.keys[0])
        return max(2 * self._files[0].first, self._done + 1) if self._files else None

    def fill(self) -> None:
        """Read on, if there is nothing in hand."""
        while not len(self.rows):
            rows = next(self._batches, None)
            if rows is None:
                if not self._files:
                    return
                self._batches = self._read(self._files[0])
                continue
            self.rows = rows
            self.keys = keys_of(rows)

    def take(self, key: int) -> Rows:
        """What is in hand up to that key."""
        count = int(np.searchsorted(self.keys, np.uint64(key), side="right"))
        taken, self.rows = self.rows[:count], self.rows[count:]
        self.keys = self.keys[count:]
        return taken

    def _read(self, file: File) -> Iterator[Rows]:
        try:
            opened_file = opened(self._directory, file)
        except FileNotFoundError:
            self._gone(file)
            return
        with opened_file:
            yield from self._batches_of(file, opened_file)
        self._files.pop(0)

    def _gone(self, file: File) -> None:
        """Its day may have been compacted meanwhile."""
        self._files = self._rest(True)
        if any(each.path == file.path for each in self._files):
            raise DamagedRecording(
                f"{self._directory / file.path} is gone, and the manifest names it: {_VERIFY}"
            )

    def _batches_of(self, file: File, opened_file: Any) -> Iterator[Rows]:
        from pyarrow import ArrowException

        wanted = columns.needed(self._table, symbols=self._symbols is not None)
        before = -1
        try:
            for batch in opened_file.iter_batches(
                self._batch_rows, row_groups=self._groups(opened_file.metadata), columns=wanted
            ):
                rows = columns.rows_of(batch, self._table, self._epoch, self._symbols)
                keys = keys_of(rows)
                if len(keys) and (int(keys[0]) < before or (keys[1:] < keys[:-1]).any()):
                    raise DamagedRecording(
                        f"{self._directory / file.path}: its rows are not in order: {_VERIFY}"
                    )
                before = int(keys[-1]) if len(keys) else before
                rows = self._within(rows, keys)
                if len(rows):
                    done = before & ~1  # base rows of that record may go on in the next file
                    yield rows
                    self._done = max(self._done, done)
        except (OSError, ValueError, KeyError, ArrowException) as error:
            raise DamagedRecording(f"{self._directory / file.path}: {error}: {_VERIFY}") from error

    def _within(self, rows: Rows, keys: NDArray[np.uint64]) -> Rows:
        """Records first to last; base rows that come before one of these."""
        low = int(np.searchsorted(keys, np.uint64(self._done + 1)))
        high = int(np.searchsorted(keys, np.uint64(2 * self._last), side="right"))
        return rows[low:high]

    def _groups(self, metadata: Any) -> list[int]:
        """Groups of rows that may have some of ours."""
        at = [metadata.schema.column(i).name for i in range(len(metadata.schema))].index("sequence")
        wanted = []
        for group in range(metadata.num_row_groups):
            numbers = metadata.row_group(group).column(at).statistics
            known = numbers is not None and numbers.has_min_max
            if not known or (numbers.min <= self._last and 2 * numbers.max + 1 > self._done):
                wanted.append(group)
        return wanted


def keys_of(rows: Rows) -> NDArray[np.uint64]:
    """What rows of one epoch are in order by."""
    keys: NDArray[np.uint64] = rows["sequence"] * np.uint64(2) + (rows["base"] != 0)
    return keys


def joined(parts: Sequence[Rows]) -> Rows:
    """One after the other. (numpy's own way makes rows of another layout.)"""
    rows = np.empty(sum(map(len, parts)), RECORD)
    done = 0
    for part in parts:
        rows[done : done + len(part)] = part
        done += len(part)
    return rows


def merged(chains: list[Chain]) -> Iterator[Rows]:
    """The rows of all chains, in order."""
    while True:
        going = [(key, chain) for chain in chains if (key := chain.next_key) is not None]
        if not going:
            return
        bound = 2 * _NO_END  # up to this all is in hand
        for key, chain in sorted(going, key=lambda each: each[0]):
            if key > bound:
                break
            chain.fill()
            if len(chain.rows):
                bound = min(bound, int(chain.keys[-1]))
        parts = []
        for chain in chains:
            goes_on = len(chain.rows) > 0 and chain.keys[-1] == bound
            if len(part := chain.take(bound)):
                parts.append(part)
            if goes_on and bound & 1:
                bound -= 1  # its base may go on: those of the next chains come after all of it
        if len(parts) == 1:
            yield parts[0]
        elif parts:
            rows = joined(parts)
            yield rows[np.argsort(keys_of(rows), kind="stable")]
