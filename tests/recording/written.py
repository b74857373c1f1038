"""Recordings made by hand: rows as Python values, files by pyarrow, a manifest line a segment.

Nothing of what records is used, so that what reads can be held to something else.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shm import NO_INSTRUMENT, NONE, Flag, InstrumentKind, Kind, Reason, Stat, State, Status
from shm.recording import schema
from shm.recording._books import RECORD
from shm.recording.manifest import (
    MANIFEST,
    Compacted,
    End,
    File,
    Line,
    Loss,
    Segment,
    Start,
    encoded,
)

pa = schema.pyarrow()

SECOND = 1_000_000_000
BEGIN_NS = 1_796_000_000 * SECOND  #: a Friday, 13:20
SYMBOLS = ("BTC-PERP", "ETH/USDC:@107", "币安人生USDT", "BTC-1JAN27-100000-C")
FAMILIES = ("perpetual", "spot", "spot", "option")
EXPONENTS = ((-1, -3), (-2, -4), (-7, 0), (-4, -1))

Record = dict[str, Any]


def record(sequence: int, kind: int, instrument: int | None = 0, **more: Any) -> Record:
    """A record's fields as `RECORD` has them; exact numbers are those of its instrument."""
    exponents = (0, 0)
    if instrument is not None and kind not in (Kind.STAT, Kind.STATE, Kind.WRITER, Kind.DEFINITION):
        exponents = EXPONENTS[instrument]
    return {
        "sequence": sequence,
        "instrument": NO_INSTRUMENT if instrument is None else instrument,
        "kind": int(kind),
        "flags": int(Flag.FIRST | Flag.LAST),
        "side": 0,
        "precision": 0,
        "exchange_ns": BEGIN_NS + sequence * 1_000_000 - 5,
        "receive_ns": BEGIN_NS + sequence * 1_000_000,
        "venue_sequence": 10 * sequence,
        "price": 0,
        "size": 0,
        "publish_delta_ns": 900 + sequence % 7,
        "aux": 0,
        "price_exponent": exponents[0],
        "size_exponent": exponents[1],
        "base": 0,
    } | more


def rows_of(records: Iterable[Record], epoch: int) -> NDArray[np.void]:
    there = list(records)
    rows = np.zeros(len(there), RECORD)
    for at, one in enumerate(there):
        for name, value in one.items():
            rows[name][at] = value
    rows["epoch"] = epoch
    return rows


def stream(count: int, *, seed: int = 7, first: int = 1, instruments: int = 4) -> list[Record]:
    """Records as a ring might have them: books from a full one on, trades, quotes, states."""
    dice = random.Random(seed)
    made: list[Record] = []

    def add(kind: int, instrument: int | None = 0, **more: Any) -> None:
        made.append(record(first + len(made), kind, instrument, **more))

    def middle(instrument: int) -> int:
        return 1000 * (instrument + 1)

    def level(instrument: int, side: int, **more: Any) -> None:
        away = dice.randrange(1, 40)
        price = middle(instrument) + (away if side else -away)
        size = dice.choice((0, 1, 2, 5, 1000))
        add(Kind.LEVEL, instrument, side=side, price=price, size=size, **more)

    add(Kind.WRITER, None, price=1)
    for instrument in range(instruments):
        add(Kind.CLEAR, instrument, flags=Flag.FIRST | Flag.SNAPSHOT)
        for side in (0, 1):
            for away in range(1, 20):
                price = middle(instrument) + (away if side else -away)
                flags = Flag.SNAPSHOT | (Flag.LAST if side and away == 19 else 0)
                add(Kind.LEVEL, instrument, side=side, price=price, size=away, flags=flags)
        add(Kind.STATE, instrument, price=State.LIVE, size=Reason.NONE, exchange_ns=0)
    while len(made) < count:
        instrument = dice.randrange(instruments)
        match dice.randrange(12):
            case 0:
                price = middle(instrument) + dice.randrange(-3, 3)
                kind = dice.choice((Kind.TRADE, Kind.TRADE, Kind.LIQUIDATION))
                add(kind, instrument, side=dice.randrange(2), price=price, size=3)
            case 1:
                add(Kind.QUOTE, instrument, side=0, price=middle(instrument) - 1, size=2)
                add(Kind.QUOTE, instrument, side=1, price=NONE, size=0)
            case 2:
                add(Kind.STAT, instrument, aux=Stat.MARK, price=dice.randrange(10**6), size=-2)
            case 3:
                add(Kind.STATE, None, side=1, price=State.STALE, size=Reason.SILENT, aux=2)
            case 4:
                add(Kind.DEFINITION, instrument, price=Status.HALTED, size=1, aux=2)
            case 5:
                add(77, instrument, price=5, size=-9)  # a kind of a later version
            case _:
                level(instrument, dice.randrange(2))
    return made[:count]


class PlainBooks:
    """Books in dicts, of one epoch."""

    def __init__(self) -> None:
        self.sides: dict[int, tuple[dict[int, int], dict[int, int]]] = {}

    def take(self, one: Record) -> None:
        instrument = one["instrument"]
        if one["kind"] == Kind.CLEAR:
            self.sides[instrument] = {}, {}
        elif one["kind"] == Kind.LEVEL and instrument in self.sides:
            side = self.sides[instrument][one["side"]]
            if one["size"]:
                side[one["price"]] = one["size"]
            else:
                side.pop(one["price"], None)

    def levels(self, instrument: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        bids, asks = self.sides[instrument]
        return sorted(bids.items(), reverse=True), sorted(asks.items())

    def base(self, sequence: int) -> list[Record]:
        """The base rows of all books as of a record."""
        made = []
        for instrument in self.sides:
            both = self.levels(instrument)
            common = {"flags": int(Flag.SNAPSHOT), "base": 1}
            made.append(record(sequence, Kind.CLEAR, instrument, price=NONE, size=NONE, **common))
            for side, levels in enumerate(both):
                made += [
                    record(sequence, Kind.LEVEL, instrument, side=side, price=p, size=s, **common)
                    for p, s in levels
                ]
        return made

    def mark(self, epoch: int, sequence: int, instrument: int, depth: int = 10) -> dict[str, Any]:
        bids, asks = (levels[:depth] for levels in self.levels(instrument))
        exponents = EXPONENTS[instrument]
        return {
            "epoch": epoch,
            "sequence": sequence,
            "symbol": SYMBOLS[instrument],
            "instrument": instrument,
            "venue_sequence": 10 * sequence,
            "state": "live",
            "reason": "none",
            "bids": len(bids),
            "asks": len(asks),
            "bids_known": 0xFFFFFFFF,
            "asks_known": 0xFFFFFFFF,
            "price_exponent": exponents[0],
            "size_exponent": exponents[1],
            "bid_digest": digest(bids),
            "ask_digest": digest(asks),
            "receive_ns": BEGIN_NS + sequence * 1_000_000,
        }


def digest(levels: Sequence[tuple[int, int]]) -> int:
    data = b"".join(n.to_bytes(8, "little", signed=True) for level in levels for n in level)
    return int.from_bytes(blake2b(data).digest()[:8], "little")


@dataclass
class Written:
    """A recording in `directory`, segment by segment."""

    directory: Path
    venue: str = "deribit"
    epoch: int = 1_700_000_000_000
    row_group: int = 50
    format: int = schema.FORMAT
    books: PlainBooks = field(default_factory=PlainBooks)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self.directory / MANIFEST).exists():
            self.line(Start(BEGIN_NS, 4711, "0.1.0", self.format))

    def line(self, line: Line) -> None:
        with (self.directory / MANIFEST).open("ab") as manifest:
            manifest.write(encoded(line))

    def next_epoch(self) -> None:
        self.epoch += 1000
        self.books = PlainBooks()

    def segment(self, records: list[Record], *, bases: bool, why: str = "rotation") -> Segment:
        """Write these; the books that marks and bases are of go along."""
        first, last = records[0]["sequence"], records[-1]["sequence"]
        based = self.books.base(first - 1) if bases else []
        for one in records:
            self.books.take(one)
        marks = [self.books.mark(self.epoch, last, instrument) for instrument in self.books.sides]
        tables: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for one in based + records:
            table = schema.table_of(one["kind"])
            tables.setdefault((table, _family(one["instrument"])), []).append(self.row(one, table))
        for mark in marks:
            tables.setdefault(("marks", FAMILIES[mark["instrument"]]), []).append(mark)
        if bases or why in ("run", "day", "epoch"):
            for instrument in range(len(SYMBOLS)):
                name = "instruments", FAMILIES[instrument]
                tables.setdefault(name, []).append(self.definition(instrument, first))
        times = [one["receive_ns"] for one in records]
        day = schema.day_of(times[0])
        files = tuple(
            self.file(table, family, day, schema.part_name(self.epoch, first), rows)
            for (table, family), rows in tables.items()
        )
        segment = Segment(
            times[-1],
            self.venue,
            self.epoch,
            first,
            last,
            len(records),
            day,
            min(times),
            max(times),
            bases,
            why,
            files,
        )
        self.line(segment)
        return segment

    def file(
        self, table: str, family: str, day: str, name: str, rows: list[dict[str, Any]]
    ) -> File:
        folder = schema.partition(self.venue, table, day, family)
        path = self.directory / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {
            column: pa.array([row.get(column) for row in rows]).cast(kind)
            if pa.types.is_dictionary(kind)
            else pa.array([row.get(column) for row in rows], kind)
            for column, kind in zip(
                schema.columns(table), schema.arrow_schema(table).types, strict=True
            )
        }
        made = pa.table(values, schema=schema.arrow_schema(table))
        made = made.replace_schema_metadata({schema.METADATA_KEY: str(self.format).encode()})
        pa.parquet.write_table(made, path, row_group_size=self.row_group, compression="zstd")
        return self.described(table, family, f"{folder}/{name}", rows)

    def described(self, table: str, family: str, path: str, rows: list[dict[str, Any]]) -> File:
        data = (self.directory / path).read_bytes()
        numbers = [row["sequence"] for row in rows]
        return File(
            path,
            table,
            family,
            len(rows),
            len(data),
            blake2b(data, digest_size=16).hexdigest(),
            min(numbers),
            max(numbers),
        )

    def row(self, one: Record, table: str) -> dict[str, Any]:
        """A record as its table has it."""
        kind, nobody = one["kind"], one["instrument"] == NO_INSTRUMENT
        known = kind in Kind.__members__.values()
        sides = ("buy", "sell") if table == "trades" else ("bid", "ask")
        limits = bool(one["base"]) and kind == Kind.CLEAR
        connection = kind == Kind.STATE and one["side"] == 1
        valued = table in ("book", "trades", "quotes") and kind != Kind.CLEAR
        return one | {
            "epoch": self.epoch,
            "symbol": None if nobody else SYMBOLS[one["instrument"]],
            "instrument": None if nobody else one["instrument"],
            "kind": Kind(kind).name.lower() if known else str(kind),
            "side": sides[one["side"]] if valued else None,
            "price": _value(one["price"], one["price_exponent"]) if valued else None,
            "size": _value(one["size"], one["size_exponent"]) if valued else None,
            "price_scaled": None if limits else _none(one["price"]),
            "size_scaled": None if limits else _none(one["size"]),
            "exchange_ns": one["exchange_ns"] or None,
            "exchange_time": one["exchange_ns"] or None,
            "receive_time": one["receive_ns"],
            "sent_ns": _sent(one),
            "base": bool(one["base"]),
            "known_bid": _none(one["price"]) if limits else None,
            "known_ask": _none(one["size"]) if limits else None,
            "connection": one["aux"] if connection else None,
            "state": State(one["price"]).name.lower() if kind == Kind.STATE else None,
            "reason": Reason(one["size"]).name.lower() if kind == Kind.STATE else None,
            "stat": Stat(one["aux"]).name.lower() if kind == Kind.STAT else None,
            "value": _value(one["price"], one["size"]) if kind == Kind.STAT else None,
        }

    def definition(self, instrument: int, sequence: int) -> dict[str, Any]:
        kind = InstrumentKind[FAMILIES[instrument].upper()]
        return {
            "epoch": self.epoch,
            "sequence": sequence,
            "instrument": instrument,
            "symbol": SYMBOLS[instrument],
            "name": f"NAME-{instrument}",
            "kind": kind.name.lower(),
            "option_type": "call" if kind == InstrumentKind.OPTION else "none",
            "contract_type": "linear",
            "status": "active",
            "precision": 0,
            "has_book": True,
            "definition": 1,
            "price_exponents": [EXPONENTS[instrument][0]] + [0] * 7,
            "size_exponents": [EXPONENTS[instrument][1]] + [0] * 7,
            "tick": 0.5,
            "lot": 0.1,
            "contract_size": 1.0,
            "strike": 100_000.0 if kind == InstrumentKind.OPTION else None,
            "base": "BTC",
            "quote": "USD",
            "settle": "USDC",
            "band_from": [10.0],
            "band_tick": [0.25],
        }

    def loss(self, first: int, last: int, why: str = "killed") -> None:
        self.line(
            Loss(BEGIN_NS, self.venue, self.epoch, first, last, last - first + 1, why, None, None)
        )

    def end(self, last: int) -> None:
        self.line(End(BEGIN_NS, self.venue, self.epoch, last, "a newer epoch"))

    def compact(self, segments: Sequence[Segment], *, keep: bool = False) -> None:
        """One file a table and family of all these segments."""
        parts: dict[tuple[str, str], list[File]] = {}
        for segment in segments:
            for file in segment.files:
                parts.setdefault((file.table, file.family), []).append(file)
        day, first = segments[0].day, segments[0].first
        for (table, family), files in parts.items():
            rows = [
                row
                for file in files
                for row in pa.parquet.ParquetFile(self.directory / file.path).read().to_pylist()
            ]
            whole = self.file(table, family, day, schema.day_name(self.epoch, first), rows)
            replaced = tuple(file.path for file in files)
            self.line(Compacted(BEGIN_NS, self.venue, self.epoch, day, whole, replaced))
            for path in replaced if not keep else ():
                (self.directory / path).unlink()


def _family(instrument: int) -> str:
    return schema.NO_FAMILY if instrument == NO_INSTRUMENT else FAMILIES[instrument]


def _value(scaled: int, exponent: int) -> float | None:
    return None if scaled == NONE else float(f"{scaled}e{exponent}")


def _sent(one: Record) -> int | None:
    after = (one["aux"] + 2**31) % 2**32 - 2**31
    return one["exchange_ns"] + 1000 * after if after else None


def _none(value: int) -> int | None:
    return None if value == NONE else value
