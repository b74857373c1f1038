"""Recordings as a source: every record once, books as of any time, what is missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from feedhandler.export.of_recording import RecordingSource
from feedhandler.export.source import SourceError
from feedhandler.export.symbols import Wanted
from shm import NONE, Flag, Kind, Stat
from shm.errors import ShmError
from tests.export.support import Reader, exported, rows_of
from tests.recording.written import (
    BEGIN_NS,
    SYMBOLS,
    PlainBooks,
    Record,
    Written,
    record,
    stream,
)

COUNT = 900
EXPONENTS = ((-1, -3), (-2, -4), (-7, 0), (-4, -1))


def local_us(record: Record) -> int:
    return int(record["receive_ns"]) // 1000


@pytest.fixture
def records() -> list[Record]:
    return stream(COUNT)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def written(directory: Path, records: list[Record], *cuts: int) -> Written:
    """Segments that end before these places; those of which `cuts` are negative are not written."""
    recording = Written(directory)
    first = 0
    for cut in [*map(abs, cuts), len(records)]:
        part = records[first:cut]
        if -cut in cuts:
            recording.loss(part[0]["sequence"], part[-1]["sequence"])
            for one in part:
                recording.books.take(one)
        else:
            anew = first == 0 or -first in cuts
            recording.segment(part, bases=anew, why="run" if anew else "rotation")
        first = cut
    return recording


def of(rows: list[Record], *kinds: Kind) -> list[Record]:
    return [one for one in rows if one["kind"] in kinds]


def value(one: Record, what: str) -> Decimal:
    return Decimal(one[what]).scaleb(one[f"{what}_exponent"])


def test_every_trade_is_there_once(directory: Path, records: list[Record], tmp_path: Path) -> None:
    written(directory, records, 300, 600)
    out = tmp_path / "trades.csv"
    done = exported(directory, out)
    trades = of(records, Kind.TRADE, Kind.LIQUIDATION)  # of this venue a liquidation is a trade
    assert done.rows == len(trades) > 10
    for row, one in zip(rows_of(out), trades, strict=True):
        assert row["symbol"] == SYMBOLS[one["instrument"]]
        assert (Decimal(row["price"]), Decimal(row["amount"])) == (
            value(one, "price"),
            value(one, "size"),
        )
        assert row["side"] == ("sell" if one["side"] else "buy")
        assert row["id"] == str(one["venue_sequence"])
        assert row["timestamp"] == str(one["exchange_ns"] // 1000)
        assert row["local_timestamp"] == str(local_us(one))
    assert [row["id"] for row in rows_of(_liquidations(directory, tmp_path))] == [
        str(one["venue_sequence"]) for one in of(records, Kind.LIQUIDATION)
    ]


def _liquidations(directory: Path, tmp_path: Path) -> Path:
    out = tmp_path / "liquidations.csv"
    exported(directory, out)
    return out


def books_after(rows: Any, until_us: int) -> dict[str, Reader]:
    readers: dict[str, Reader] = {}
    for row in rows:
        if int(row["local_timestamp"]) <= until_us:
            readers.setdefault(row["symbol"], Reader()).take(row)
    return readers


def assert_books(readers: dict[str, Reader], plain: PlainBooks) -> None:
    for instrument in plain.sides:
        price, size = EXPONENTS[instrument]
        bids, asks = plain.levels(instrument)
        reader = readers[SYMBOLS[instrument]]
        for side, levels in ((reader.bids, bids), (reader.asks, asks)):
            right = {Decimal(p).scaleb(price): Decimal(s).scaleb(size) for p, s in levels}
            assert side == right, SYMBOLS[instrument]


def test_books_are_right_at_any_time(
    directory: Path, records: list[Record], tmp_path: Path
) -> None:
    written(directory, records, 300, 600)
    out = tmp_path / "incremental_book_L2.csv.gz"
    done = exported(directory, out)
    assert (done.dropped, done.holes) == (0, [])
    rows = list(rows_of(out))
    for at in (200, 299, 300, 450, 899):
        plain = PlainBooks()
        for one in records[: at + 1]:
            plain.take(one)
        assert_books(books_after(rows, local_us(records[at])), plain)


@pytest.mark.parametrize("at", [170, 350, 640])
def test_an_export_begins_with_the_books_of_its_time(
    at: int, directory: Path, records: list[Record], tmp_path: Path
) -> None:
    written(directory, records, 300, 600)
    out = tmp_path / "incremental_book_L2.csv"
    start = records[at]["receive_ns"]
    done = exported(directory, out, start_ns=start, end_ns=records[at + 100]["receive_ns"])
    assert done.first_ns is not None
    assert done.first_ns >= start
    rows = list(rows_of(out))
    plain = PlainBooks()
    for one in records[:at]:
        plain.take(one)
    whole = [row for row in rows if row["local_timestamp"] == str(start // 1000)]
    first = [row for row in whole if row["is_snapshot"] == "true"]
    assert_books(books_after(first, start // 1000), plain)
    for one in records[at : at + 100]:
        plain.take(one)
    assert_books(books_after(rows, 1 << 62), plain)
    changes = len(of(records[at : at + 100], Kind.LEVEL))
    assert len(rows) - len(first) == changes


def test_what_is_missing_is_told_and_books_begin_anew(
    directory: Path, records: list[Record], tmp_path: Path
) -> None:
    written(directory, records, 300, -500)
    out = tmp_path / "incremental_book_L2.csv"
    done = exported(directory, out)
    (hole,) = done.holes
    assert (hole.first, hole.last, hole.count) == (301, 500, 200)
    assert hole.why == "killed"
    assert done.missing == 200
    assert done.told()["missing"] == 200
    rows = list(rows_of(out))
    for at in (299, 500, 700, 899):
        plain = PlainBooks()
        for one in records[: at + 1]:
            plain.take(one)
        assert_books(books_after(rows, local_us(records[at])), plain)
    before = exported(
        directory, tmp_path / "trades.csv", end_ns=records[250]["receive_ns"]
    )  # the hole is after the time that is wanted
    assert before.holes == []


def test_an_epoch_begins_without_books(
    directory: Path, records: list[Record], tmp_path: Path
) -> None:
    recording = written(directory, records)
    recording.end(COUNT)
    recording.next_epoch()
    later = [
        one | {"receive_ns": one["receive_ns"] + 10**12} for one in stream(COUNT, seed=9, first=1)
    ]
    recording.segment(later, bases=True, why="epoch")
    out = tmp_path / "incremental_book_L2.csv"
    assert exported(directory, out).holes == []
    rows = list(rows_of(out))
    plain = PlainBooks()
    for one in records:
        plain.take(one)
    assert_books(books_after(rows, local_us(records[-1])), plain)
    plain = PlainBooks()
    for one in later:
        plain.take(one)
    assert_books(books_after(rows, local_us(later[-1])), plain)


def test_instruments_are_chosen_by_pattern(
    directory: Path, records: list[Record], tmp_path: Path
) -> None:
    written(directory, records, 300)
    out = tmp_path / "trades.csv"
    for patterns, wanted in (
        (("spot:*",), SYMBOLS[1:3]),
        (("*", "!*PERP"), SYMBOLS[1:]),
        (("!option:*",), SYMBOLS[:3]),
        (("ETH/USDC:@107",), SYMBOLS[1:2]),
        (("NAME-3",), SYMBOLS[3:]),
    ):
        exported(directory, out, wanted=Wanted(patterns))
        assert {row["symbol"] for row in rows_of(out)} == set(wanted), patterns


def test_the_best_levels_are_those_of_the_books(
    directory: Path, records: list[Record], tmp_path: Path
) -> None:
    written(directory, records, 300, 600)
    out = tmp_path / "quotes.csv"
    exported(directory, out, wanted=Wanted(["BTC-PERP"]))
    shown = None
    rows = {int(row["local_timestamp"]): row for row in rows_of(out)}
    plain = PlainBooks()
    for one in records:
        plain.take(one)
        if one["instrument"] != 0 or "last" not in _flags(one) or 0 not in plain.sides:
            continue
        bids, asks = plain.levels(0)
        best = [side[0] if side else None for side in (bids, asks)]
        if best != shown and one["kind"] in (Kind.LEVEL, Kind.CLEAR):
            row = rows.pop(local_us(one))
            for side, level in zip(("bid", "ask"), best, strict=True):
                said = row[f"{side}_price"], row[f"{side}_amount"]
                assert said == (("", "") if level is None else tuple(_text(level)))
            shown = best
    assert not rows


def _flags(one: Record) -> set[str]:
    return {"last"} if one["flags"] & 2 else set()


def _text(level: tuple[int, int]) -> list[str]:
    return [
        format(Decimal(number).scaleb(exponent).normalize(), "f")
        for number, exponent in zip(level, EXPONENTS[0], strict=True)
    ]


def test_book_ticker_has_each_quote(directory: Path, records: list[Record], tmp_path: Path) -> None:
    for one in records:
        if one["kind"] == Kind.QUOTE:  # a message of two
            one["flags"] = 2 if one["side"] else 1
    written(directory, records, 300)
    out = tmp_path / "book_ticker.csv"
    exported(directory, out)
    asks = [one for one in of(records, Kind.QUOTE) if one["side"]]
    rows = list(rows_of(out))
    assert len(rows) == len(asks) > 10
    for row, one in zip(rows, asks, strict=True):
        assert one["price"] == NONE
        assert (row["ask_price"], row["ask_amount"]) == ("", "")
        assert Decimal(row["bid_amount"]) == Decimal(2).scaleb(one["size_exponent"])


def test_tickers_have_what_is_known_at_each_message(directory: Path, tmp_path: Path) -> None:
    """A message of statistics and a quote is one row, whichever comes last."""
    first, last = int(Flag.FIRST), int(Flag.LAST)
    made = [
        record(1, Kind.STAT, 0, aux=Stat.MARK, price=1005, size=-1, flags=first),
        record(2, Kind.STAT, 0, aux=Stat.FUNDING, price=12, size=-6, flags=0),
        record(3, Kind.QUOTE, 0, side=0, price=1004, size=2, flags=0),
        record(4, Kind.QUOTE, 0, side=1, price=1006, size=3, flags=last),
        record(5, Kind.STAT, 0, aux=Stat.MARK, price=1005, size=-1),  # nothing new
        record(6, Kind.TRADE, 0, price=1004, size=1),
        record(7, Kind.STAT, 3, aux=Stat.MARK_IV, price=5591, size=-2, flags=first),
        record(8, Kind.QUOTE, 3, side=0, price=295, size=150, flags=last),
        record(9, Kind.STAT, 1, aux=Stat.MARK, price=1, size=0),  # a pair
    ]
    written(directory, made)
    out = tmp_path / "derivative_ticker.csv"
    exported(directory, out)
    rows = [
        (one["mark_price"], one["funding_rate"], one["last_price"], one["open_interest"])
        for one in rows_of(out)
    ]
    assert rows == [("100.5", "0.000012", "", ""), ("100.5", "0.000012", "100.4", "")]
    out = tmp_path / "options_chain.csv"
    exported(directory, out)
    (option,) = rows_of(out)
    assert (option["mark_iv"], option["bid_price"], option["bid_amount"]) == (
        "55.91", "0.0295", "15",
    )  # fmt: skip
    assert (option["type"], option["strike_price"], option["ask_price"]) == ("call", "100000", "")
    out = tmp_path / "book_ticker.csv"
    exported(directory, out)
    assert [one["bid_price"] for one in rows_of(out)] == ["100.4", "0.0295"]


def test_a_recording_of_several_venues_needs_a_name(
    directory: Path, records: list[Record], tmp_path: Path
) -> None:
    written(directory, records)
    with pytest.raises(ShmError, match="has no venue"):
        RecordingSource(directory, venue="nowhere")
    other = Written(directory, "okx")
    other.segment(records, bases=True, why="run")
    with pytest.raises(SourceError, match="--venue"):
        RecordingSource(directory)
    out = tmp_path / "trades.csv"
    exported(directory, out, "okx")
    ids = {row["symbol"]: row["exchange"] for row in rows_of(out)}
    assert [ids[symbol] for symbol in SYMBOLS] == ["okex-swap", "okex", "okex", "okex-options"]


def test_times_count_back_from_the_end(directory: Path, records: list[Record]) -> None:
    written(directory, records, 300)
    assert RecordingSource(directory).end_ns() == BEGIN_NS + COUNT * 1_000_000
