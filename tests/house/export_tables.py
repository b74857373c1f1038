"""The tables of docs/export.md: columns as an export has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from feedhandler.export.records import Records
from feedhandler.export.table import Chunk, Table
from feedhandler.export.tardis import TYPES
from shm._native import RAW_EVENT

RECORD_HEAD = ("column", "")
TARDIS_HEAD = ("table", "columns")

_RECORDS: Mapping[str, str] = {
    "venue": "",
    "symbol": "the venue's name of the instrument",
    "epoch": "the run of the venue's writer",
    "sequence": "the record's number in it, from 1",
    "kind": "`level`, `clear`, `trade`, `liquidation`, `quote`, `stat`, `state`, `definition`",
    "side": "`bid`, `ask`; of trades the taker's, `buy`, `sell`",
    "price": "of a statistic its value, as the venue writes it: Deribit's volatilities in percent",
    "size": "of a level 0: it is gone",
    "stat": "which statistic: `mark`, `funding`, `mark_iv`, ...",
    "state": "of `state` the book's, of `definition` what the venue does with orders",
    "reason": "of `state`",
    "snapshot": "part of a whole book",
    "last": "the venue's message is whole",
    "exchange_ns": "when it was so at the venue, unix ns; empty: it says none",
    "sent_ns": "when the venue sent it, to the microsecond; empty: it says no other time",
    "receive_ns": "when it was received, unix ns",
    "venue_sequence": "the venue's number: update id, trade id",
    "price_scaled": "the integer: price = price_scaled * 10^price_exponent",
    "price_exponent": "",
    "size_scaled": "likewise",
    "size_exponent": "",
}


def _columns(table: Table) -> list[str]:
    none = np.empty(0, RAW_EVENT)
    chunk = Chunk(none, np.empty(0, np.int64), none["receive_ns"], [], 0)
    return list(table.rows(chunk).columns)


def tardis() -> list[Sequence[str]]:
    """Each type and its columns in order; levels of books in short."""
    rows: list[Sequence[str]] = []
    for name, made in TYPES.items():
        columns = _columns(made("binance"))
        if name.startswith("book_snapshot"):
            depth = (len(columns) - 4) // 4
            assert columns[4:8] == [f"{s}[0].{w}" for s in ("asks", "bids") for w in _LEVEL]
            columns = [*columns[:8], "...", f"bids[{depth - 1}].amount"]
        rows.append((f"`{name}`", f"`{','.join(columns)}`"))
    return rows


_LEVEL = ("price", "amount")


def records() -> list[Sequence[str]]:
    """The columns of the table records, each with what it is."""
    columns = _columns(Records("binance"))
    assert list(_RECORDS) == columns, columns
    return [(f"`{name}`", _RECORDS[name]) for name in columns]
