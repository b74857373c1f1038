"""One file of a recording: its bytes, its columns, and whether its values can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedhandler.recording.findings import Finding
from shm.recording import schema
from shm.recording.manifest import File

#: (kind of finding, what is wrong)
Wrong = tuple[str, str]
Mask = NDArray[np.bool_]
Advance = Callable[[int], None]

_BYTES = 1 << 20
_BATCH = 65_536
_POWERS = np.array([float(f"1e{n}") for n in range(-40, 41)], np.longdouble)
_EXPONENT = 30
_SIDED = {
    "book": ({"bid", "ask"}, {"level"}),
    "quotes": ({"bid", "ask"}, {"quote"}),
    "trades": ({"buy", "sell"}, {"trade", "liquidation"}),
}


class CheckedFile:
    """Of an epoch; `symbols`: those of its directory by row, None where that is not known."""

    def __init__(
        self,
        directory: Path,
        file: File,
        venue: str,
        epoch: int,
        symbols: Mapping[int, tuple[str, str]] | None,
        advance: Advance,
    ) -> None:
        self._path = directory / file.path
        self._file = file
        self._venue = venue
        self._epoch = epoch
        self._symbols = symbols
        self._advance = advance
        self._rows = 0
        self.losses: list[tuple[int, int, int | None]] = []  #: rows: epoch, first, last
        self._last: tuple[int, int] = (-1, -1)

    def findings(self) -> Iterator[Finding]:
        """What is wrong with it; the first thing that spoils it ends the look."""
        wrong = self._bytes()
        if wrong is not None:
            self._advance(self._file.rows)
            yield self._finding(*wrong)
            return
        seen: dict[str, tuple[int, str]] = {}
        for what, text in self._values():
            kind = f"{what}: {text.partition(' (')[0]}"
            count, first = seen.get(kind, (0, text))
            seen[kind] = count + 1, first
        for kind, (count, text) in seen.items():
            more = f", and in {count - 1} more batches" if count > 1 else ""
            yield self._finding(kind.partition(":")[0], text + more)

    def _finding(self, what: str, text: str) -> Finding:
        file = self._file
        return Finding(what, text, self._venue, self._epoch, file.first, file.last, path=file.path)

    def _bytes(self) -> Wrong | None:
        digest = blake2b(digest_size=16)
        try:
            with self._path.open("rb") as file:
                size = 0
                while data := file.read(_BYTES):
                    digest.update(data)
                    size += len(data)
        except FileNotFoundError:
            return "gone", "the manifest names it, and it is not there"
        except OSError as error:
            return "unreadable", str(error.strerror)
        if size != self._file.bytes:
            return "size", f"{size} bytes, and the manifest says {self._file.bytes}"
        if digest.hexdigest() != self._file.digest:
            return "digest", "its bytes are not those that were written"
        return None

    def _values(self) -> Iterator[Wrong]:
        from pyarrow import ArrowException, parquet

        table = self._file.table
        try:
            with parquet.ParquetFile(self._path) as file:
                found = file.schema_arrow
                version = (found.metadata or {}).get(schema.METADATA_KEY, b"none").decode()
                if version != str(schema.FORMAT):
                    yield "format", f"it follows format {version}, and this reads {schema.FORMAT}"
                    return
                if not found.equals(schema.arrow_schema(table)):
                    yield "columns", f"its columns are not those of {table}"
                    return
                for batch in file.iter_batches(_BATCH):
                    yield from self._batch(batch)
                    self._rows += len(batch)
                    self._advance(len(batch))
        except (OSError, ValueError, ArrowException) as error:
            yield "unreadable", str(error)
            return
        if self._rows != self._file.rows:
            yield "rows", f"{self._rows} rows, and the manifest says {self._file.rows}"

    def _batch(self, batch: Any) -> Iterator[Wrong]:
        columns = {name: batch.column(name) for name in batch.schema.names}
        sequence, epoch = _numbers(columns["sequence"]), _numbers(columns["epoch"])
        loss = np.zeros(len(batch), bool)
        if self._file.table in schema.RECORD_TABLES:
            loss = _is(columns["kind"], {schema.LOSS})
        rows = _Named(columns, sequence)
        yield from rows.wrong("value", (epoch != self._epoch) & ~loss, "another epoch's")
        yield from self._order(epoch[~loss], sequence[~loss])
        if self._file.table == "marks":
            return
        if self._file.table == "instruments":
            yield from rows.wrong("value", _empty(columns["symbol"]), "no symbol")
            return
        yield from self._records(columns, rows, loss)

    def _order(self, epoch: NDArray[Any], sequence: NDArray[Any]) -> Iterator[Wrong]:
        if not len(sequence):
            return
        back = (epoch[1:] < epoch[:-1]) | (
            (epoch[1:] == epoch[:-1]) & (sequence[1:] < sequence[:-1])
        )
        if back.any():
            at = int(back.argmax())
            yield "order", f"record {sequence[at + 1]} comes after {sequence[at]}"
        elif (int(epoch[0]), int(sequence[0])) < self._last:
            yield "order", f"record {sequence[0]} comes after {self._last[1]}"
        self._last = int(epoch[-1]), int(sequence[-1])

    def _records(self, columns: dict[str, Any], rows: _Named, loss: Mask) -> Iterator[Wrong]:
        table = self._file.table
        if loss.any():
            names = ("epoch", "loss_first", "loss_last")
            lost = [columns[name].to_pylist() for name in names]
            self.losses += [
                each for each, is_loss in zip(zip(*lost, strict=True), loss, strict=True) if is_loss
            ]
        kinds = {kind.name.lower() for kind, its in schema.TABLE_OF_KIND.items() if its == table}
        if table != "states":
            yield from rows.wrong("value", ~_is(columns["kind"], kinds), f"no kind of {table}")
        received = columns["receive_ns"]
        yield from rows.wrong("value", (_numbers(received) <= 0) & ~loss, "received before 1970")
        said = _numbers(columns["exchange_ns"], 1)
        yield from rows.wrong("value", said <= 0, "a time of the venue before 1970")
        for name in ("exchange", "receive"):
            times = _numbers(columns[f"{name}_time"].cast("int64"), 0)
            numbers = _numbers(columns[f"{name}_ns"], 0)
            yield from rows.wrong("value", times != numbers, f"{name}_time is not {name}_ns")
        yield from self._instruments(columns, rows)
        if "sent_ns" in columns:
            after = _numbers(columns["aux"]).astype(np.int32).astype(np.int64)
            sent = np.where(after != 0, _numbers(columns["exchange_ns"]) + 1000 * after, 0)
            wrong = sent != _numbers(columns["sent_ns"])
            yield from rows.wrong("value", wrong, "sent_ns is not exchange_ns and aux")
        if table in _SIDED:
            yield from self._priced(columns, rows)
        if table == "stats":
            exact = columns["price_scaled"], columns["size_scaled"]
            yield from rows.wrong(
                "value", ~_equal(columns["value"], *exact), "value is not its exact pair"
            )

    def _instruments(self, columns: dict[str, Any], rows: _Named) -> Iterator[Wrong]:
        nobody = _empty(columns["instrument"])
        yield from rows.wrong(
            "value", nobody != _empty(columns["symbol"]), "an instrument without a symbol"
        )
        numbers = _numbers(columns["instrument"], 0)
        own = self._file.family != schema.NO_FAMILY
        yield from rows.wrong("value", nobody == own, f"not of the family {self._file.family}")
        if self._symbols is None or nobody.all():
            return
        symbols = columns["symbol"]
        codes = _numbers(symbols.indices, -1)
        names = symbols.dictionary.to_pylist()
        for row, code in _pairs(numbers[~nobody], codes[~nobody], len(names)):
            listed = self._symbols.get(row)
            which = (numbers == row) & (codes == code)
            if listed is None:
                yield from rows.wrong("value", which, f"no directory lists row {row}")
            elif listed != (names[code], self._file.family):
                yield from rows.wrong(
                    "value", which, f"row {row} of the directory is {listed[0]}, of {listed[1]}"
                )

    def _priced(self, columns: dict[str, Any], rows: _Named) -> Iterator[Wrong]:
        table = self._file.table
        sides, kinds = _SIDED[table]
        priced = _is(columns["kind"], kinds)
        yield from rows.wrong("value", priced & ~_is(columns["side"], sides), "no side")
        size = _numbers(columns["size_scaled"], 0)
        yield from rows.wrong("value", priced & (size < 0), "a size below 0")
        if table != "quotes":
            none = _empty(columns["price_scaled"])
            yield from rows.wrong("value", priced & none, "no price")
        if table == "trades":
            yield from rows.wrong("value", priced & (size == 0), "a trade of nothing")
        for name in ("price", "size"):
            exponent = columns[f"{name}_exponent"]
            power = _numbers(exponent)
            odd = np.abs(power.astype(np.int64)) > _EXPONENT
            yield from rows.wrong("value", odd, f"an exponent out of range of the {name}")
            same = _equal(columns[name], columns[f"{name}_scaled"], exponent)
            unpriced = _empty(columns["price_scaled"])  # a side without orders has no size either
            yield from rows.wrong(
                "value", priced & ~same & ~odd & ~unpriced, f"{name} is not {name}_scaled"
            )


class _Named:
    """Rows that are wrong, in words."""

    def __init__(self, columns: dict[str, Any], sequence: NDArray[Any]) -> None:
        self._columns = columns
        self._sequence = sequence

    def wrong(self, what: str, mask: Mask, text: str) -> Iterator[Wrong]:
        count = int(mask.sum())
        if not count:
            return
        at = int(mask.argmax())
        symbol = self._columns["symbol"][at].as_py() if "symbol" in self._columns else None
        of = f" of {symbol}" if symbol else ""
        yield what, f"{text} (record {self._sequence[at]}{of}; {count} such rows)"


def _numbers(column: Any, none: int = 0) -> NDArray[Any]:
    if column.null_count:
        column = column.fill_null(none)
    found: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found


def _pairs(numbers: NDArray[Any], codes: NDArray[Any], names: int) -> Iterator[tuple[int, int]]:
    """Each pair that occurs, once; quickly where a code has one number, as it should."""
    one = np.zeros(names + 1, np.int64)
    one[codes] = numbers
    odd = one[codes] != numbers
    seen = np.zeros(names + 1, bool)
    seen[codes] = True
    yield from ((int(one[code]), int(code)) for code in np.flatnonzero(seen[:-1]))
    if odd.any():
        yield from sorted(set(zip(numbers[odd].tolist(), codes[odd].tolist(), strict=True)))


def _empty(column: Any) -> Mask:
    found: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return found


def _is(column: Any, names: set[str]) -> Mask:
    """Whether a name is one of these."""
    known = np.array([*(name in names for name in column.dictionary.to_pylist()), False])
    found: Mask = known[_numbers(column.indices, len(known) - 1)]
    return found


def _equal(value: Any, scaled: Any, exponent: Any) -> Mask:
    """Whether a float is the number nearest to scaled * 10^exponent, or as near as may be."""
    none = _empty(value)
    power = np.clip(_numbers(exponent).astype(np.int64), -40, 40)
    exact = _numbers(scaled).astype(np.longdouble) * _POWERS[power + 40]
    ours = _numbers(value, 0)
    near = np.abs(ours - exact) <= np.abs(exact) * 4e-16
    found: Mask = np.where(none, _empty(scaled), near)
    return found
