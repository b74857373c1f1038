"""Ring records as columns of their table: no record is looked at alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shm import NO_INSTRUMENT, NONE, Kind, Reason, Stat, State, Status, sent_ns
from shm.recording.schema import TABLES, arrow_schema, columns, pyarrow

if TYPE_CHECKING:
    import pyarrow as pa

Rows = npt.NDArray[np.void]
Mask = npt.NDArray[np.bool_]

_POWERS = 10.0 ** np.arange(23)  # all exact
_EXACT = 1 << 53
_BOOK_SIDES = ("bid", "ask")
_TRADE_SIDES = ("buy", "sell")
_CONNECTION = 1  # `side` of a STATE that is a connection's


def words(names: Mapping[str, int]) -> list[str]:
    """By number, in lower case; a number without a name is itself."""
    found = [str(number) for number in range(256)]
    for name, number in names.items():
        found[number] = name.lower()
    return found


KINDS = words(Kind.__members__)
STATES = words(State.__members__)
REASONS = words(Reason.__members__)
STATS = words(Stat.__members__)
STATUSES = words(Status.__members__)


def value(scaled: npt.NDArray[np.int64], exponent: npt.NDArray[np.int8]) -> Any:
    """scaled * 10^exponent, rounded once, as `shm` gives it."""
    power = exponent.astype(np.int64)
    found = np.where(
        power <= 0,
        scaled / _POWERS[np.clip(-power, 0, 22)],
        scaled * _POWERS[np.clip(power, 0, 22)],
    )
    odd = (np.abs(power) > 22) | (np.abs(scaled) > _EXACT)
    if odd.any():  # a wider number, as the header has it
        wide = scaled[odd].astype(np.longdouble)
        factor = np.longdouble(10) ** np.abs(power[odd])
        found[odd] = np.where(power[odd] < 0, wide / factor, wide * factor)
    return found


def named(numbers: npt.NDArray[Any], names: Sequence[str], empty: Mask | None = None) -> pa.Array:
    """A dictionary column of names by number, with those that occur."""
    pa = pyarrow()
    taken = numbers if empty is None else np.where(empty, 0, numbers)
    names = names or ("",)  # a directory without rows: all are empty
    occurs = np.zeros(len(names), bool)
    occurs[taken] = True
    used = np.flatnonzero(occurs)
    place = np.zeros(len(names), np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    there = pa.array([names[int(each)] for each in used], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(place[taken], mask=empty), there)


def table_of(table: str, epoch: int, rows: Rows, symbols: Sequence[str]) -> pa.Table:
    """The table of ring records, all of one epoch. `symbols`: by the row of the directory."""
    pa = pyarrow()
    return pa.Table.from_arrays(
        [found for _, found in _columns(table, epoch, rows, symbols)], schema=arrow_schema(table)
    )


def _columns(
    table: str, epoch: int, rows: Rows, symbols: Sequence[str]
) -> list[tuple[str, pa.Array]]:
    found = _common(table, epoch, rows, symbols)
    if table == "book":
        found |= _book(rows)
    elif table == "stats":
        found |= _stats(rows, found.pop("none"))
    elif table == "states":
        found |= _states(rows)
    return [(name, found[name]) for name in columns(table)]


def _common(table: str, epoch: int, rows: Rows, symbols: Sequence[str]) -> dict[str, Any]:
    pa = pyarrow()
    count = len(rows)

    def plain(name: str) -> npt.NDArray[Any]:
        return np.ascontiguousarray(rows[name])

    instrument, kind = plain("instrument"), plain("kind")
    nobody = instrument == NO_INSTRUMENT
    price, size = plain("price"), plain("size")
    no_price, no_size = price == NONE, size == NONE
    floats = table in ("book", "trades", "quotes")
    if floats:
        valueless = (kind == Kind.CLEAR) | no_price
        price_exponent, size_exponent = plain("price_exponent"), plain("size_exponent")
        price_value = pa.array(value(price, price_exponent), mask=valueless)
        size_value = pa.array(value(size, size_exponent), mask=valueless | no_size)
    else:
        price_value = size_value = pa.nulls(count, pa.float64())
    exchange, receive = plain("exchange_ns"), plain("receive_ns")
    unsaid = exchange == 0
    exchange_ns, receive_ns = pa.array(exchange, mask=unsaid), pa.array(receive)
    time = pa.timestamp("ns", tz="UTC")
    sent = sent_ns(rows)
    return {
        "epoch": pa.array(np.full(count, epoch, np.uint64)),
        "sequence": pa.array(plain("sequence")),
        "symbol": named(instrument, symbols, nobody),
        "instrument": pa.array(instrument, mask=nobody),
        "kind": named(kind, KINDS),
        "flags": pa.array(plain("flags")),
        "side": _side(table, kind, plain("side")),
        "price": price_value,
        "size": size_value,
        "price_scaled": pa.array(price, mask=no_price),
        "size_scaled": pa.array(size, mask=no_size),
        "price_exponent": pa.array(plain("price_exponent")),
        "size_exponent": pa.array(plain("size_exponent")),
        "precision": pa.array(plain("precision")),
        "exchange_ns": exchange_ns,
        "receive_ns": receive_ns,
        "exchange_time": exchange_ns.cast(time),
        "receive_time": receive_ns.cast(time),
        "publish_delta_ns": pa.array(plain("publish_delta_ns")),
        "venue_sequence": pa.array(plain("venue_sequence")),
        "aux": pa.array(plain("aux")),
        "sent_ns": pa.array(sent, mask=sent == 0),
        "none": no_price,
    }


def _side(table: str, kind: npt.NDArray[np.uint8], side: npt.NDArray[np.uint8]) -> pa.Array:
    pa = pyarrow()
    if table in ("stats", "states"):
        return pa.nulls(len(kind)).cast(arrow_schema(table).field("side").type)
    names = _TRADE_SIDES if table == "trades" else _BOOK_SIDES
    return named(side & 1, names, kind == Kind.CLEAR)


def _book(rows: Rows) -> dict[str, Any]:
    """Of ring records; a base has its rows among them, marked in `base` where there is one."""
    pa = pyarrow()
    count = len(rows)
    if "base" not in (rows.dtype.names or ()):
        empty = pa.nulls(count, pa.int64())
        return {"base": pa.array(np.zeros(count, bool)), "known_bid": empty, "known_ask": empty}
    base = rows["base"] != 0
    price, size = np.ascontiguousarray(rows["price"]), np.ascontiguousarray(rows["size"])
    begins = base & (rows["kind"] == Kind.CLEAR)
    nothing = pa.nulls(count, pa.int64())
    kept = pa.array(begins)
    pc = pa.compute
    return {
        "base": pa.array(base),
        "known_bid": pa.array(price, mask=~begins | (price == NONE)),
        "known_ask": pa.array(size, mask=~begins | (size == NONE)),
        "price_scaled": pc.if_else(kept, nothing, pa.array(price, mask=price == NONE)),
        "size_scaled": pc.if_else(kept, nothing, pa.array(size, mask=size == NONE)),
    }


def _stats(rows: Rows, none: Mask) -> dict[str, Any]:
    pa = pyarrow()
    price = np.ascontiguousarray(rows["price"])
    exponent = np.clip(rows["size"], -127, 127).astype(np.int8)
    stat = np.minimum(rows["aux"], 255)
    return {
        "stat": named(stat, STATS),
        "value": pa.array(value(price, exponent), mask=none),
    }


def _states(rows: Rows) -> dict[str, Any]:
    pa = pyarrow()
    kind, side = rows["kind"], rows["side"]
    price, size = np.clip(rows["price"], 0, 255), np.clip(rows["size"], 0, 255)
    is_state, is_definition = kind == Kind.STATE, kind == Kind.DEFINITION
    of_connection = is_state & (side == _CONNECTION)
    is_writer = kind == Kind.WRITER
    # a writer's word beside the states: numbers past all of them
    names = [*STATES, "stops", "starts"]
    number = np.where(is_writer, 256 + (price != 0), price)
    empty = pa.nulls(len(rows), pa.uint64())
    return {
        "state": named(number, names, ~(is_state | is_writer)),
        "reason": named(size, REASONS, ~is_state),
        "connection": pa.array(rows["aux"].astype(np.int32), mask=~of_connection),
        "status": named(price, STATUSES, ~is_definition),
        "changes": pa.array(rows["size"].astype(np.uint32), mask=~is_definition),
        "lost": empty,
        "loss_first": empty,
        "loss_last": empty,
        "note": pa.nulls(len(rows), pa.string()),
    }


def table_from(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The table of rows by column; a column that a row has not is null."""
    pa = pyarrow()
    schema = arrow_schema(table)
    found = {}
    for column in TABLES[table]:
        values = [row.get(column.name) for row in rows]
        kind = schema.field(column.name).type
        if column.type == "name":
            found[column.name] = pa.array(values, pa.string()).cast(kind)
        else:
            found[column.name] = pa.array(values, kind)
    return pa.Table.from_arrays(list(found.values()), schema=schema)
