"""One Parquet file that is being written: it has its name only when it is whole, and synced."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from feedhandler.recording import points
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
    """`name`: the file's, from `root` on. What it raises are OSErrors of the disk."""

    def __init__(self, root: Path, name: PurePosixPath, table: str, family: str) -> None:
        self.path = root / name
        self.rows = 0
        self._name = name
        self._table, self._family = table, family
        self.partial = self.path.with_name(self.path.name + PARTIAL)
        self._first, self._last = 1 << 64, 0
        self.partial.parent.mkdir(parents=True, exist_ok=True)
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

    def finish(self) -> File:
        """Everything is on the disk, under the name of a partial file."""
        self._writer.close()
        points.at("part: before it is synced")
        self._sink.sync()
        self._sink.close()
        points.at("part: synced")
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
