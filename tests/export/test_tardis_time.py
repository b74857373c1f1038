"""Which of a venue's two times a row has: as Tardis, or the matching engine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from shm import Flag, Kind
from tests.export.support import exported, rows_of
from tests.recording.written import Record, Written, record

SENT_US = {Kind.LEVEL: 7000, Kind.QUOTE: 3000, Kind.TRADE: -2000}
ENGINE = {"snapshot": 0, "change": 0, "quote": 0, "trade": 0}


def records() -> list[Record]:
    """A whole book, a change of it, a quote of its own channel, a trade: each sent later."""
    level = {"price": 1000, "size": 5, "aux": SENT_US[Kind.LEVEL]}
    first, last = Flag.SNAPSHOT | Flag.FIRST, Flag.SNAPSHOT | Flag.LAST
    quote = {"price": 999, "size": 1, "aux": SENT_US[Kind.QUOTE]}
    return [
        record(1, Kind.CLEAR, 0, flags=first, aux=SENT_US[Kind.LEVEL]),
        record(2, Kind.LEVEL, 0, side=0, flags=last, **level),
        record(3, Kind.LEVEL, 0, side=1, **level | {"price": 1001}),
        record(4, Kind.QUOTE, 0, side=0, flags=Flag.FIRST, **quote),
        record(5, Kind.QUOTE, 0, side=1, flags=Flag.LAST, **quote | {"price": 1002}),
        record(6, Kind.TRADE, 0, price=1001, size=1, aux=2**32 + SENT_US[Kind.TRADE]),
    ]


def later(path: Path, made: list[Record], *sequences: int) -> list[int]:
    """By how many microseconds the times of rows are later than those of the matching engine."""
    times = [made[sequence - 1]["exchange_ns"] // 1000 for sequence in sequences]
    rows = list(rows_of(path))
    return [int(row["timestamp"]) - us for row, us in zip(rows, times, strict=True)]


@pytest.mark.parametrize(
    ("venue", "sent", "want"),
    [
        ("binance-usdm", True, ENGINE | {"change": 7000}),
        ("bybit-linear", True, ENGINE | {"snapshot": 7000, "change": 7000, "quote": 3000}),
        ("cryptocom", True, ENGINE | {"snapshot": 7000, "change": 7000}),
        ("deribit", True, ENGINE),
        ("binance-usdm", False, ENGINE),
        ("bybit-linear", False, ENGINE),
    ],
)
def test_timestamps_are_those_that_tardis_has(
    tmp_path: Path, venue: str, sent: bool, want: dict[str, int]
) -> None:
    made = records()
    directory = tmp_path / "recording"
    Written(directory, venue).segment(made, bases=True, why="run")
    taken = {}
    for name in ("incremental_book_L2", "quotes", "book_ticker", "trades"):
        taken[name] = tmp_path / f"{name}.csv"
        exported(directory, taken[name], sent=sent)
    book = [want["snapshot"], want["change"]]
    assert later(taken["incremental_book_L2"], made, 2, 3) == book
    assert later(taken["quotes"], made, 2, 3) == book
    assert later(taken["book_ticker"], made, 5) == [want["quote"]]
    assert later(taken["trades"], made, 6) == [want["trade"]]


def test_the_table_of_records_has_both(tmp_path: Path) -> None:
    made = records()
    directory = tmp_path / "recording"
    Written(directory, "deribit").segment(made, bases=True, why="run")
    exported(directory, tmp_path / "all.csv")
    for row, one in zip(rows_of(tmp_path / "all.csv"), made, strict=True):
        after = SENT_US[Kind.LEVEL if one["kind"] == Kind.CLEAR else one["kind"]]
        assert int(row["exchange_ns"]) == one["exchange_ns"]
        assert int(row["sent_ns"]) == one["exchange_ns"] + 1000 * after
