"""What a recording consists of: its tables, their columns, and where their files are.

    DIR/venue=deribit/table=book/date=2026-11-30/family=option/part-<epoch>-<first>.parquet

Names of directories are partitions as Hive makes them: polars, DuckDB and pyarrow show them as
columns. A venue's symbol never becomes a part of a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from shm._native import NO_INSTRUMENT
from shm.names import InstrumentKind, Kind
from shm.recording.errors import NoPyarrow, RecordingError

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Which version of this page a recording follows: in its manifest, and in each file's metadata."""

METADATA_KEY = b"feedhandler.recording"
LOCK = "_lock"
QUARANTINE = "_quarantine"
PARTIAL = ".partial"
NO_FAMILY = "none"
FAMILIES = (*(kind.name.lower() for kind in InstrumentKind), NO_FAMILY)
LOSS = "loss"
"""`kind` of the recorder's own rows in `states`: records that it did not get."""

DAY_NS = 86_400_000_000_000


class Column(NamedTuple):
    """A column: its name, its type (a key of `TYPES`), and what is in it."""

    name: str
    type: str
    text: str


#: types of columns as they are written here, and what Parquet and Arrow call them
TYPES = MappingProxyType(
    {
        "bool": "bool",
        "u8": "uint8",
        "u32": "uint32",
        "u64": "uint64",
        "i8": "int8",
        "i32": "int32",
        "i64": "int64",
        "f64": "double",
        "time": "timestamp[ns, UTC]",
        "name": "dictionary<string>",
        "text": "string",
        "i8 list": "list<int8>",
        "f64 list": "list<double>",
    }
)

EPOCH = Column("epoch", "u64", "the epoch of the memory: the run of a venue's writer")

RECORD = (
    EPOCH,
    Column("sequence", "u64", "the record's number in its epoch, from 1"),
    Column("symbol", "name", "the venue's name of the instrument; null: of none"),
    Column("instrument", "u32", "its row in that epoch's directory; null: of none"),
    Column("kind", "name", "`shm.Kind` in lower case"),
    Column("flags", "u8", "sum of `shm.Flag`"),
    Column("side", "name", "`bid`, `ask`; of trades the taker's, `buy`, `sell`"),
    Column("price", "f64", "null: none"),
    Column("size", "f64", "null: none; of a level 0: removed"),
    Column("price_scaled", "i64", "the record's own integer; null: no price"),
    Column("size_scaled", "i64", "likewise"),
    Column("price_exponent", "i8", "price = price_scaled * 10^price_exponent"),
    Column("size_exponent", "i8", "size = size_scaled * 10^size_exponent"),
    Column("precision", "u8", "which pair of the instrument's exponents that is"),
    Column("exchange_ns", "i64", "when it was so at the venue, unix ns; null: it says none"),
    Column("receive_ns", "i64", "when it was received, unix ns by our clock"),
    Column("exchange_time", "time", "`exchange_ns` as a time"),
    Column("receive_time", "time", "`receive_ns` as a time"),
    Column("publish_delta_ns", "u32", "from when it was received to when it was written"),
    Column("venue_sequence", "u64", "the venue's number: update id, trade id"),
    Column("aux", "u32", "by kind: see the table of kinds in docs/memory.md"),
)

SENT = Column(
    "sent_ns", "i64", "when the venue sent it, to the microsecond; null: it says no other time"
)

BOOK = (
    *RECORD,
    SENT,
    Column("base", "bool", "no record: a level that the book had already, as of `sequence`"),
    Column("known_bid", "i64", "of a base's `clear`: no bid of this price and above is missing"),
    Column("known_ask", "i64", "likewise of asks, and below; null: to the side's end"),
)

STATS = (
    *RECORD,
    Column("stat", "name", "`shm.Stat` in lower case"),
    Column("value", "f64", "price_scaled * 10^size_scaled; null: none"),
)

STATES = (
    *RECORD,
    Column("state", "name", "of `state`: `shm.State`; of `writer`: `starts`, `stops`"),
    Column("reason", "name", "of `state`: `shm.Reason`"),
    Column("connection", "i32", "of a connection's `state`: its row"),
    Column("status", "name", "of `definition`: `shm.Status`"),
    Column("changes", "u32", "of `definition`: sum of `shm.Change`"),
    Column("lost", "u64", "of `loss`: how many records are not in the recording"),
    Column("loss_first", "u64", "of `loss`: the first of them"),
    Column("loss_last", "u64", "of `loss`: the last of them; null: nobody knows"),
    Column("note", "text", "of `loss`: why"),
)

INSTRUMENTS = (
    EPOCH,
    Column("sequence", "u64", "the record as of which the row was so"),
    Column("instrument", "u32", "the row's number in this epoch"),
    Column("symbol", "text", "the venue's name"),
    Column("name", "text", "the normalised name"),
    Column("kind", "name", "`shm.InstrumentKind` in lower case"),
    Column("option_type", "name", "`call`, `put`, `none`"),
    Column("contract_type", "name", "`shm.ContractType` in lower case"),
    Column("status", "name", "`shm.Status` in lower case"),
    Column("precision", "u8", "the pair of exponents in force"),
    Column("has_book", "bool", "it has a book, or had one, or will"),
    Column("definition", "u32", "the number of these terms, from 1; 0: unsaid"),
    Column("price_exponents", "i8 list", "by precision"),
    Column("size_exponents", "i8 list", "by precision"),
    Column("tick", "f64", "of prices below the first band"),
    Column("lot", "f64", ""),
    Column("contract_size", "f64", "what a size of 1 is"),
    Column("strike", "f64", "null: none"),
    Column("expiry_ns", "i64", "expiry, delivery or announced delisting; null: none known"),
    Column("expiry_time", "time", "`expiry_ns` as a time"),
    Column("base", "text", "currency"),
    Column("quote", "text", "currency"),
    Column("settle", "text", "currency"),
    Column("band_from", "f64 list", "from this price on, ascending, ..."),
    Column("band_tick", "f64 list", "... the tick is this"),
)

MARKS = (
    EPOCH,
    Column("sequence", "u64", "the book cell's `ring_sequence`: the last record in it"),
    Column("symbol", "name", "the venue's name of the instrument"),
    Column("instrument", "u32", "its row in that epoch's directory"),
    Column("venue_sequence", "u64", ""),
    Column("state", "name", "`shm.State` in lower case"),
    Column("reason", "name", "`shm.Reason` in lower case"),
    Column("bids", "u32", "levels in the cell"),
    Column("asks", "u32", ""),
    Column("bids_known", "u32", "levels from the best between which none is missing"),
    Column("asks_known", "u32", "4294967295: the whole side"),
    Column("price_exponent", "i8", "of the cell"),
    Column("size_exponent", "i8", ""),
    Column("bid_digest", "u64", "blake2b of (price, size) as i64 pairs, best first: 8 bytes"),
    Column("ask_digest", "u64", ""),
    Column("receive_ns", "i64", "of the book's last change"),
)

TABLES: MappingProxyType[str, tuple[Column, ...]] = MappingProxyType(
    {
        "book": BOOK,
        "trades": (*RECORD, SENT),
        "quotes": (*RECORD, SENT),
        "stats": STATS,
        "states": STATES,
        "instruments": INSTRUMENTS,
        "marks": MARKS,
    }
)

RECORD_TABLES = ("book", "trades", "quotes", "stats", "states")
"""Those of ring records: together they have each record of a segment exactly once."""

TABLE_OF_KIND = MappingProxyType(
    {
        Kind.LEVEL: "book",
        Kind.CLEAR: "book",
        Kind.TRADE: "trades",
        Kind.LIQUIDATION: "trades",
        Kind.QUOTE: "quotes",
        Kind.STAT: "stats",
        Kind.STATE: "states",
        Kind.WRITER: "states",
        Kind.DEFINITION: "states",
        Kind.ABSENT: "states",
    }
)
"""Kinds that this version does not know are kept in `states`, as their numbers."""

_VENUE = re.compile(r"[A-Za-z0-9_-]{1,48}")


def family_of(kind: int | None) -> str:
    """The partition of an instrument's kind; None: of what belongs to no instrument."""
    if kind is None:
        return NO_FAMILY
    try:
        return InstrumentKind(kind).name.lower()
    except ValueError:
        return InstrumentKind.UNKNOWN.name.lower()


def day_of(receive_ns: int) -> str:
    """The UTC day of an instant, as in partitions: `2026-11-30`."""
    return datetime.fromtimestamp(receive_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d")


def partition(venue: str, table: str, day: str, family: str) -> PurePosixPath:
    """Where files of that kind are, from the recording's directory on."""
    if not _VENUE.fullmatch(venue):
        raise RecordingError(f"venue {venue!r}: letters, digits, - and _ can name a directory")
    if table not in TABLES or family not in FAMILIES:
        raise RecordingError(f"no table {table!r} of {family!r}")
    return PurePosixPath(f"venue={venue}", f"table={table}", f"date={day}", f"family={family}")


def part_name(epoch: int, first: int) -> str:
    """The file of the segment that begins with that record; in order by name."""
    return f"part-{epoch}-{first:012d}.parquet"


def day_name(epoch: int, first: int) -> str:
    """A file of a finished day, of one epoch; `first`: the record that the day begins with."""
    return f"day-{epoch}-{first:012d}.parquet"


def columns(table: str) -> list[str]:
    """The names of a table's columns, in order."""
    return [column.name for column in TABLES[table]]


def pyarrow() -> Any:
    """The module, imported now. Raises :class:`NoPyarrow`, which says how to get it."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise NoPyarrow(
            f"recordings are Parquet files, which need pyarrow ({error}): "
            "pip install 'feedhandler[record]'"
        ) from None
    return pyarrow


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The table's columns as Arrow types, with the format's version in its metadata."""
    pa = pyarrow()
    types = {
        "bool": pa.bool_(),
        "u8": pa.uint8(),
        "u32": pa.uint32(),
        "u64": pa.uint64(),
        "i8": pa.int8(),
        "i32": pa.int32(),
        "i64": pa.int64(),
        "f64": pa.float64(),
        "time": pa.timestamp("ns", tz="UTC"),
        "name": pa.dictionary(pa.int32(), pa.string()),
        "text": pa.string(),
        "i8 list": pa.list_(pa.int8()),
        "f64 list": pa.list_(pa.float64()),
    }
    fields = [pa.field(column.name, types[column.type]) for column in TABLES[table]]
    return pa.schema(fields, metadata={METADATA_KEY: str(FORMAT).encode()})


def table_of(kind: int) -> str:
    """The table that has records of that kind."""
    try:
        return TABLE_OF_KIND[Kind(kind)]
    except ValueError:
        return "states"


def is_none(instrument: int) -> bool:
    """Whether a record's instrument is none."""
    return instrument == NO_INSTRUMENT


def checked_tables(names: Iterable[str] | None) -> tuple[str, ...]:
    """Tables of records by name, in order; None: all. Raises ValueError that lists them."""
    if names is None:
        return RECORD_TABLES
    wanted = set(names)
    unknown = sorted(wanted - set(RECORD_TABLES))
    if unknown:
        raise ValueError(f"no table {unknown[0]!r}; there are {', '.join(RECORD_TABLES)}")
    return tuple(name for name in RECORD_TABLES if name in wanted)
