"""The columns of a recording's files as rows: those that a reader of the ring gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shm._native import NO_INSTRUMENT, NONE
from shm.names import Kind, Side
from shm.recording._books import RECORD
from shm.recording.schema import LOSS

_ALWAYS = (
    "sequence",
    "instrument",
    "kind",
    "flags",
    "side",
    "price_scaled",
    "size_scaled",
    "price_exponent",
    "size_exponent",
    "precision",
    "exchange_ns",
    "receive_ns",
    "publish_delta_ns",
    "venue_sequence",
    "aux",
)
_OF_TABLE = {"book": ("base", "known_bid", "known_ask"), "states": ("connection",)}
_SIDES = {"bid": Side.BID, "ask": Side.ASK, "buy": Side.BUY, "sell": Side.SELL}
_DROPPED = 0  # no kind of a record
_SAME = (
    "sequence",
    "flags",
    "price_exponent",
    "size_exponent",
    "precision",
    "receive_ns",
    "publish_delta_ns",
    "venue_sequence",
    "aux",
)


def needed(table: str, *, symbols: bool = False) -> list[str]:
    """The columns that `rows_of` reads of a table."""
    return [*_ALWAYS, *_OF_TABLE.get(table, ()), *(("symbol",) if symbols else ())]


def rows_of(
    batch: Any, table: str, epoch: int, symbols: frozenset[str] | None = None
) -> NDArray[np.void]:
    """The records, and the base rows, of an Arrow batch with the columns `needed`.

    `symbols`: of these instruments only. The recorder's own rows of losses are left out.
    """
    rows = np.zeros(len(batch), RECORD)
    rows["epoch"] = epoch
    for name in _SAME:
        rows[name] = _numbers(batch, name, 0)
    kinds = _names(batch, "kind", _kind, _DROPPED)
    rows["kind"] = kinds
    rows["side"] = _names(batch, "side", lambda name: _SIDES.get(name, 0), 0)
    rows["instrument"] = _numbers(batch, "instrument", NO_INSTRUMENT)
    rows["exchange_ns"] = _numbers(batch, "exchange_ns", 0)
    rows["price"] = _numbers(batch, "price_scaled", NONE)
    rows["size"] = _numbers(batch, "size_scaled", NONE)
    if table == "book":
        clear = kinds == Kind.CLEAR
        base = _numbers(batch, "base", False)
        rows["base"] = base
        rows["price"][clear] = rows["size"][clear] = 0
        limits = clear & base
        rows["price"][limits] = _numbers(batch, "known_bid", NONE)[limits]
        rows["size"][limits] = _numbers(batch, "known_ask", NONE)[limits]
    elif table == "states":  # of a connection: the other side
        rows["side"] |= ~_column(batch, "connection").is_null().to_numpy(zero_copy_only=False)
    wanted = kinds != _DROPPED
    if symbols is not None:
        wanted &= _names(batch, "symbol", lambda name: name in symbols, False)
    return rows if wanted.all() else rows[wanted]


def _column(batch: Any, name: str) -> Any:
    column = batch.column(name)
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column


def _numbers(batch: Any, name: str, none: int) -> NDArray[Any]:
    column = _column(batch, name)
    if column.null_count:
        column = column.fill_null(none)
    found: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return found


def _names(batch: Any, name: str, value: Callable[[str], int], none: int) -> NDArray[Any]:
    """A column of names as numbers."""
    column = _column(batch, name)
    if not hasattr(column, "dictionary"):
        column = column.dictionary_encode()
    values = np.array([*(value(each) for each in column.dictionary.to_pylist()), none])
    codes = column.indices
    if codes.null_count:
        codes = codes.fill_null(len(values) - 1)
    found: NDArray[Any] = values[codes.to_numpy(zero_copy_only=False)]
    return found


def _kind(name: str) -> int:
    """Kinds that this version does not know stand there as numbers."""
    if name.upper() in Kind.__members__:
        return Kind[name.upper()]
    return int(name) if name != LOSS and name.isdigit() and int(name) < 256 else _DROPPED
