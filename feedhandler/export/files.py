"""Files that rows are written into: CSV, Parquet, Arrow IPC. `NAME.partial` until it is whole."""

from __future__ import annotations

import os
import queue
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from feedhandler.export import _text
from feedhandler.export.table import Frame
from feedhandler.recording.directory import sync_directory

PARTIAL = ".partial"
_BLOCK_ROW_BYTES = 88  # at most so much a column
_BLOCK_BYTES = 4 << 20
_ROWS_A_GROUP = 1 << 17
_WAITING = 8  # blocks


class NoPyarrow(ValueError):  # noqa: N818
    """pyarrow is not installed."""


class Partial:
    """A file that has its name only once it is whole, after `done`. Leaving without removes it.

    A pipe or a device is written as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._as_it_is = path.exists() and not path.is_file()
        self.path = path if self._as_it_is else path.with_name(path.name + PARTIAL)
        self._done = False

    def done(self) -> None:
        """Its name, once the disk has it."""
        self._done = True
        if self._as_it_is:
            return
        fd = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        self.path.rename(self._path)
        sync_directory(self._path.parent)

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._done and not self._as_it_is:
            self.path.unlink(missing_ok=True)


class RowFile(Protocol):
    """Takes frames, all with the same columns. The first may be empty: it has the columns."""

    def write(self, frame: Frame) -> None: ...
    def close(self) -> None:
        """All is in the file; not synced."""
        ...

    def abort(self) -> None:
        """Let go of it; what is in it is of no use."""
        ...


class CsvFile:
    """Comma, line feed, a header, exact decimals. Compressed as the name says: .gz, .zst."""

    def __init__(self, path: Path, name: str) -> None:
        raw = path.open("wb")
        self._sink = _Compressed(raw, _compressor(name)) if _compressor(name) else _Plain(raw)
        self._header: list[str] | None = None

    def write(self, frame: Frame) -> None:
        if self._header is None:
            self._header = list(frame.columns)
            self._sink.write((",".join(self._header) + "\n").encode())
        columns = [column.text() for column in frame.columns.values()]
        step = max(1, _BLOCK_BYTES // (_BLOCK_ROW_BYTES * len(columns)))
        for first in range(0, frame.count, step):
            self._sink.write(_text.lines(columns, first, min(first + step, frame.count)))

    def close(self) -> None:
        self._sink.close()

    def abort(self) -> None:
        self._sink.abort()


def _compressor(name: str) -> Any:
    if name.endswith(".gz"):
        return zlib.compressobj(6, zlib.DEFLATED, 31)
    if name.endswith(".zst"):
        import zstandard

        return zstandard.ZstdCompressor(level=3).compressobj()
    return None


class _Plain:
    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def write(self, data: bytes) -> None:
        self._raw.write(data)

    def close(self) -> None:
        self._raw.close()

    def abort(self) -> None:
        with suppress(OSError):
            self._raw.close()


class _Compressed:
    """Compressed beside whoever writes: zlib and zstd work without Python's lock."""

    def __init__(self, raw: IO[bytes], compressor: Any) -> None:
        self._raw = raw
        self._compressor = compressor
        self._queue: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._compress, name="compress", daemon=True)
        self._thread.start()

    def _compress(self) -> None:
        try:
            while (data := self._queue.get()) is not None:
                self._raw.write(self._compressor.compress(data))
            self._raw.write(self._compressor.flush())
        except BaseException as error:
            self._error = error
            while self._queue.get() is not None:  # whoever writes must not wait for ever
                pass

    def write(self, data: bytes) -> None:
        if self._error is not None:
            raise self._error
        self._queue.put(data)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._raw.close()
        if self._error is not None:
            raise self._error

    def abort(self) -> None:
        with suppress(BaseException):
            self.close()


class _Arrow:
    """Frames as record batches; `_open` makes the writer once the columns are known."""

    def __init__(self, path: Path) -> None:
        self._pa = pyarrow()
        self._path = path
        self._writer: Any = None

    def _open(self, schema: Any) -> Any:
        raise NotImplementedError

    def write(self, frame: Frame) -> None:
        pa = self._pa
        arrays = [column.arrow(pa) for column in frame.columns.values()]
        batch = pa.record_batch(arrays, names=list(frame.columns))
        if self._writer is None:
            self._writer = self._open(batch.schema)
        if frame.count:
            self._put(batch)

    def _put(self, batch: Any) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def abort(self) -> None:
        with suppress(Exception):
            self.close()


class ParquetFile(_Arrow):
    """Parquet, zstd, row groups of about 131,072 rows."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._waiting: list[Any] = []
        self._rows = 0

    def _open(self, schema: Any) -> Any:
        from pyarrow import parquet

        return parquet.ParquetWriter(self._path, schema, compression="zstd")

    def _put(self, batch: Any) -> None:
        self._waiting.append(batch)
        self._rows += len(batch)
        if self._rows >= _ROWS_A_GROUP:
            self._group()

    def _group(self) -> None:
        if self._waiting:
            table = self._pa.Table.from_batches(self._waiting).unify_dictionaries()
            self._waiting, self._rows = [], 0
            self._writer.write_table(table, row_group_size=_ROWS_A_GROUP)

    def close(self) -> None:
        if self._writer is not None:
            self._group()
        super().close()


class ArrowFile(_Arrow):
    """Arrow IPC, the file format (Feather 2), zstd; names are plain strings, since that format
    allows only one dictionary a column."""

    def _open(self, schema: Any) -> Any:
        pa = self._pa
        plain = [
            pa.field(one.name, pa.string() if pa.types.is_dictionary(one.type) else one.type)
            for one in schema
        ]
        self._schema = pa.schema(plain)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        return pa.ipc.new_file(str(self._path), self._schema, options=options)

    def _put(self, batch: Any) -> None:
        table = self._pa.Table.from_batches([batch]).cast(self._schema)
        self._writer.write_table(table)


def pyarrow() -> Any:
    """The module, imported now. Raises :class:`NoPyarrow`, which says how to get it."""
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise NoPyarrow(
            f"Parquet and Arrow files need pyarrow ({error}): pip install 'feedhandler[record]'"
        ) from None
    return pyarrow
