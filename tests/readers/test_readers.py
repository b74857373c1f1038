"""Exports and recordings, read by programs of others: what they have is what was recorded."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from feedhandler.export.symbols import Wanted
from shm import Kind
from tests.export.support import exported, rows_of
from tests.readers.home import read
from tests.recording.written import SYMBOLS, PlainBooks, Record, Written, stream

COUNT = 1500
PERP = SYMBOLS[0]
TICK, LOT = Decimal("0.1"), Decimal("0.001")
Levels = list[tuple[Decimal, Decimal]]


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return stream(COUNT)


@pytest.fixture(scope="module")
def recording(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("recorded") / "recording"
    written = Written(directory)
    written.segment(records[:700], bases=True, why="run")
    written.segment(records[700:], bases=False)
    return directory


@pytest.fixture(scope="module")
def files(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of one instrument."""
    folder = tmp_path_factory.mktemp("exported")
    for name in (
        *("btc.npz", "trades.csv.gz", "incremental_book_L2.csv.gz", "quotes.csv.gz"),
        *("book_snapshot_5.csv.gz", "book_snapshot_25.csv.gz"),
    ):
        exported(recording, folder / name, wanted=Wanted([PERP]))
    return folder


def book_of(records: list[Record]) -> tuple[Levels, Levels]:
    """The book of the perpetual at the end."""
    plain = PlainBooks()
    for one in records:
        plain.take(one)
    bids, asks = plain.levels(0)
    return (
        [(Decimal(price) * TICK, Decimal(size) * LOT) for price, size in bids],
        [(Decimal(price) * TICK, Decimal(size) * LOT) for price, size in asks],
    )


def test_hftbacktest_takes_both(files: Path, records: list[Record]) -> None:
    found = read(
        "run_hftbacktest.py",
        files / "btc.npz",
        files / "trades.csv.gz",
        files / "incremental_book_L2.csv.gz",
        str(TICK),
        str(LOT),
    )
    its = [one for one in records if one["instrument"] == 0]
    trades = sum(one["kind"] in (Kind.TRADE, Kind.LIQUIDATION) for one in its)
    levels = sum(one["kind"] == Kind.LEVEL for one in its)
    for kinds in (found["npz"]["kinds"], found["converted"]["kinds"]):
        assert kinds["2"] == trades
        assert kinds["1"] + kinds["4"] == levels
        assert kinds["3"] == 2
    assert found["npz"]["local"] == found["npz"]["exchange"] == trades + levels + 2
    bids, asks = book_of(records)
    assert found["documented"] == found["played"]["bid"]
    for played in (found["played"], found["converted_played"]):
        best = [played[what] for what in ("bid", "bid_size", "ask", "ask_size")]
        right = [float(number) for number in (*bids[0], *asks[0])]
        assert best == pytest.approx(right, rel=1e-12)  # it multiplies ticks


def test_nautilus_loads_them(files: Path, records: list[Record]) -> None:
    found = read(
        "run_nautilus.py",
        files / "incremental_book_L2.csv.gz",
        files / "trades.csv.gz",
        files / "quotes.csv.gz",
        files / "book_snapshot_5.csv.gz",
        files / "book_snapshot_25.csv.gz",
    )
    bids, asks = book_of(records)
    assert [tuple(map(Decimal, level)) for level in found["bids"]] == bids
    assert [tuple(map(Decimal, level)) for level in found["asks"]] == asks
    trades = [
        [row["price"], row["amount"], row["id"], row["timestamp"], row["local_timestamp"]]
        for row in rows_of(files / "trades.csv.gz")
    ]
    assert len(found["trades"]) == len(trades) > 10
    for (price, size, number, event, init), right in zip(found["trades"], trades, strict=True):
        assert (Decimal(price), Decimal(size)) == (Decimal(right[0]), Decimal(right[1]))
        assert [number, str(event // 1000), str(init // 1000)] == right[2:]
    assert found["quotes"] == len(list(rows_of(files / "quotes.csv.gz")))
    assert found["depth5"] == len(list(rows_of(files / "book_snapshot_5.csv.gz")))
    assert found["depth25"] == len(list(rows_of(files / "book_snapshot_25.csv.gz")))
    assert found["instrument"].startswith(PERP)


def test_tables_are_read_by_all(recording: Path, records: list[Record], tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("trades.csv.gz", "trades.parquet", "trades.arrow")]
    for path in paths:
        exported(recording, path)
    symbols = [row["symbol"] for row in rows_of(paths[0])]
    assert set(symbols) == set(SYMBOLS)
    found = read("run_tables.py", *paths, recording)
    for reader, told in found.items():
        for what in ("csv", "parquet", "arrow"):
            assert told.get(what, symbols) == symbols, (reader, what)
    kept = [one for one in records if one["kind"] in (Kind.TRADE, Kind.LIQUIDATION)]
    families = ("perpetual", "spot", "spot", "option")
    rows = sorted((SYMBOLS[one["instrument"]], families[one["instrument"]]) for one in kept)
    assert [tuple(one) for one in found["pyarrow"]["recording"]] == rows
    for reader in ("polars", "duckdb"):
        its = [(symbol, family) for symbol, venue, family in found[reader]["recording"]]
        assert its == rows
        assert {venue for _, venue, _ in found[reader]["recording"]} == {"deribit"}
