"""One Parquet file that is being written: it has its name only when it is whole, and synced."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from feedhandler.recording import points
from feedhandler.recording.directory import at_once, make_directories, sync_directory
from shm.recording.manifest import File
from shm.recording.schema import PARTIAL, TABLES, arrow_schema, pyarrow

if TYPE_CHECKING:
    import pyarrow as pa

COMPRESSION, LEVEL = "zstd", 1
_DELTAS = frozenset(
    {
        "sequence",
        "exchange_ns",
        "receive_ns",
        "exchange_time",
        "receive_time",
        "venue_sequence",
    }
)
_PLAIN = frozenset({"price", "size", "price_scaled", "size_scaled", "value", "publish_delta_ns"})


def _writing(table: str) -> dict[str, Any]:
    """How its columns are encoded: what grows as differences, what repeats by a dictionary."""
    columns = TABLES[table]
    flat = [column for column in columns if not column.type.endswith("list")]
    return {
        "compression": COMPRESSION,
        "compression_level": LEVEL,
        "use_dictionary": [
            column.name
            for column in flat
            if column.name not in _DELTAS | _PLAIN and column.type != "bool"
        ],
        "column_encoding": {
            column.name: "DELTA_BINARY_PACKED" for column in flat if column.name in _DELTAS
        },
    }


class _Sink(io.RawIOBase):
    """A file that counts and digests what is written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self.bytes = 0
        self.digest = blake2b(digest_size=16)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        points.at("part: bytes are written")
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += self._file.write(view[done:]) or 0
        self.digest.update(view)
        self.bytes += done
        return done

    def tell(self) -> int:
        return self.bytes

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class Part:
    """`name`: the file's, from `root` on; `directories`: those that have to be synced once it has
    its name. What it raises are OSErrors of the disk."""

    def __init__(self, root: Path, name: PurePosixPath, table: str, family: str) -> None:
        self.path = root / name
        self.rows = 0
        self._name = name
        self._table, self._family = table, family
        self.partial = self.path.with_name(self.path.name + PARTIAL)
        self._first, self._last = 1 << 64, 0
        self.directories = {self.partial.parent, *make_directories(self.partial.parent)}
        points.at("part: before it is opened")
        self._sink = _Sink(self.partial)
        try:
            pa = pyarrow()
            self._writer = pa.parquet.ParquetWriter(
                pa.PythonFile(self._sink, mode="w"), arrow_schema(table), **_writing(table)
            )
        except BaseException:
            self.abandon()
            raise

    @property
    def bytes(self) -> int:
        """Written so far."""
        return self._sink.bytes

    def write(self, rows: pa.Table, first: int, last: int) -> None:
        """A row group. `first`, `last`: the lowest and highest sequence in it."""
        self._writer.write_table(rows, row_group_size=max(1, rows.num_rows))
        self.rows += rows.num_rows
        self._first, self._last = min(self._first, first), max(self._last, last)

    def finish(self) -> None:
        """Everything is written."""
        self._writer.close()
        points.at("part: before it is synced")

    def sync(self) -> None:
        """Everything is on the disk, under the name of a partial file."""
        self._sink.sync()
        self._sink.close()
        points.at("part: synced")

    @property
    def file(self) -> File:
        """As a manifest has it, once it is finished."""
        return File(
            self._name.as_posix(),
            self._table,
            self._family,
            self.rows,
            self._sink.bytes,
            self._sink.digest.hexdigest(),
            self._first,
            self._last,
        )

    def publish(self) -> None:
        """Give it its name."""
        points.at("part: before it is renamed")
        self.partial.rename(self.path)
        points.at("part: renamed")

    def abandon(self) -> None:
        """Take it away, whatever state it is in: it is in no manifest."""
        for path in (self.partial, self.path):
            with suppress(OSError):
                path.unlink()
        with suppress(Exception):  # a writer that failed cannot write its end either
            self._writer.close()
        with suppress(OSError):
            self._sink.close()


def write_out(parts: Sequence[Part]) -> None:
    """Finish them, and give them their names, on the disk: before that none of them counts."""
    for part in parts:
        part.finish()
    at_once(part.sync for part in parts)
    for part in parts:
        part.publish()
    wanted = {directory for part in parts for directory in part.directories}
    at_once(partial(sync_directory, directory) for directory in wanted)
    points.at("part: names synced")
