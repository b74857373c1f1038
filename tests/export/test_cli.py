"""The command: what a name says, what is refused, what is left behind, and what it tells."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from feedhandler.cli.main import main
from feedhandler.export.run import RECORDS, format_of, type_of
from feedhandler.export.tardis import TYPES
from feedhandler.export.times import parsed
from tests.capture.support import write_capture
from tests.export.support import rows_of


class Result(NamedTuple):
    exit_code: int
    stdout: str
    output: str  # of both


def run(*words: Any) -> Result:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["export", *map(str, words)])
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read())
    return Result(code, texts[0], "".join(texts))


def told(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def book(symbol: str, number: int, previous: int | None, bids: Any, asks: Any, ms: int) -> Any:
    data = {
        "type": "snapshot" if previous is None else "change",
        "timestamp": ms,
        "instrument_name": symbol,
        "change_id": number,
        "bids": bids,
        "asks": asks,
    }
    if previous is not None:
        data["prev_change_id"] = previous
    params = {"channel": f"book.{symbol}.100ms", "data": data}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}


def trade(symbol: str, number: int, price: float, ms: int) -> Any:
    one = {
        "trade_seq": number,
        "trade_id": str(number),
        "timestamp": ms,
        "tick_direction": 0,
        "price": price,
        "mark_price": price,
        "instrument_name": symbol,
        "index_price": price,
        "direction": "sell",
        "amount": 10.0,
    }
    params = {"channel": f"trades.{symbol}.100ms", "data": [one]}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}


BASE_NS = 1_796_000_000_000_000_000
URL = "wss://www.deribit.com/ws/api/v2"


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two instruments; a book, three trades, and a connection that is opened again."""
    ms = BASE_NS // 1_000_000
    new = "new"
    perp, option = "BTC-PERPETUAL", "BTC-27NOV26-100000-C"
    frames = [
        {"dir": "open"},
        {"data": book(perp, 1, None, [[new, 100.5, 10.0]], [[new, 101.0, 20.0]], ms)},
        {"data": book(perp, 2, 1, [["change", 100.5, 30.0]], [], ms + 5)},
        {"data": trade(perp, 7, 101.0, ms + 8)},
        {"data": trade(option, 8, 0.0295, ms + 9)},
        {"dir": "close"},
        {"dir": "open"},
        {"data": book(perp, 9, None, [[new, 99.5, 1.0]], [[new, 101.0, 2.0]], ms + 90)},
        {"data": trade(perp, 10, 100.5, ms + 95)},
    ]
    return write_capture(
        tmp_path / "deribit.ndjson",
        (
            {"t": BASE_NS + 10_000_000 * at, "url": URL, "conn": "1", "kind": "ws", **frame}
            for at, frame in enumerate(frames)
        ),
    )


def test_books_begin_again_with_a_connection(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "deribit_incremental_book_L2_2026-11-30.csv.gz"
    result = run(capture, "-o", out)
    assert result.exit_code == 0, result.output
    rows = [
        (one["is_snapshot"], one["side"], one["price"], one["amount"], int(one["local_timestamp"]))
        for one in rows_of(out)
    ]
    first, again = (BASE_NS + 10_000_000) // 1000, (BASE_NS + 70_000_000) // 1000
    assert rows == [
        ("true", "bid", "100.5", "10", first),
        ("true", "ask", "101", "20", first),
        ("false", "bid", "100.5", "30", first + 10_000),
        ("true", "bid", "99.5", "1", again),
        ("true", "ask", "101", "2", again),
        ("true", "bid", "100.5", "0", again),  # the reader had it
    ]


def test_times_and_instruments_are_chosen(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "trades.csv"
    result = run(capture, "-o", out, "-i", "*-C", "--json")
    assert result.exit_code == 0, result.output
    assert told(result)["rows"] == 1
    assert told(result)["instruments"][0]["symbol"] == "BTC-27NOV26-100000-C"
    assert [one["price"] for one in rows_of(out)] == ["0.0295"]
    after = BASE_NS + 35_000_000
    result = run(capture, "-o", out, "--force", "--from", after, "--to", BASE_NS + 80_000_000)
    assert [one["id"] for one in rows_of(out)] == ["8"]
    books = tmp_path / "incremental_book_L2.csv"
    result = run(capture, "-o", books, "--from", after, "-i", "BTC-PERPETUAL")
    assert result.exit_code == 0, result.output
    first = list(rows_of(books))[:2]  # the book as it was then
    assert [(one["is_snapshot"], one["price"], one["amount"]) for one in first] == [
        ("true", "100.5", "30"),
        ("true", "101", "20"),
    ]
    assert {one["local_timestamp"] for one in first} == {str(after // 1000)}


def test_what_is_there_is_not_overwritten(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "trades.csv"
    out.write_text("mine")
    result = run(capture, "-o", out)
    assert result.exit_code == 2
    assert "--force" in result.output
    assert out.read_text() == "mine"
    assert run(capture, "-o", out, "--force").exit_code == 0
    assert len(list(rows_of(out))) == 3


@pytest.mark.parametrize("name", ["trades.csv.gz", "all.parquet", "all.arrow", "btc.npz"])
def test_nothing_is_left_of_an_export_that_fails(name: str, tmp_path: Path) -> None:
    broken = tmp_path / "deribit.ndjson.gz"
    broken.write_bytes(b"\x1f\x8b not gzip")
    result = run(broken, "-o", tmp_path / name, "--venue", "deribit")
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["deribit.ndjson.gz"]
    missing = run(broken.with_name("none"), "-o", tmp_path / name)
    assert missing.exit_code == 2
    assert "is not there" in missing.output


def test_an_instrument_that_is_not_there_is_said(capture: Path, tmp_path: Path) -> None:
    result = run(capture, "-o", tmp_path / "trades.csv", "-i", "ETH-PERPETUAL")
    assert result.exit_code == 2
    assert "ETH-PERPETUAL" in result.output
    assert not (tmp_path / "trades.csv").exists()


def test_an_npz_is_of_one_instrument(capture: Path, tmp_path: Path) -> None:
    result = run(capture, "-o", tmp_path / "btc.npz")
    assert result.exit_code == 2
    assert "--instruments" in result.output
    assert run(capture, "-o", tmp_path / "btc.npz", "-i", "BTC-PERPETUAL").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "a.txt"], "--format"),
        (["-o", "a.csv", "--type", "trade"], "did you mean 'trades'"),
        (["-o", "a.txt", "--format", "cvs"], "did you mean 'csv'"),
        (["-o", "trades.csv", "--from", "yesterday"], "is no time"),
        (["-o", "trades.csv", "--from", "-30m"], "not known before it is played"),
        (["-o", "trades.csv", "--kinds", "trade"], "--kinds"),
        (["-o", "all.csv", "--tardis-time", "T"], "--tardis-time"),
        (["-o", "trades.csv", "--tardis-time", "X"], "--tardis-time"),
        (["-o", "trades.csv", "--follow"], "live:VENUE"),
        (["-o", "trades.csv", "-i", "BTC PERP"], "white space"),
    ],
)
def test_what_is_meant_is_said(words: list[str], said: str, capture: Path) -> None:
    out = capture.with_name(words[1])
    result = run(capture, "-o", out, *words[2:])
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert not out.exists()


def test_records_are_a_row_each(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    assert run(capture, "-o", out, "--kinds", "trade,level").exit_code == 0
    rows = list(rows_of(out))
    assert {one["kind"] for one in rows} == {"clear", "level", "trade"}
    assert [one["price"] for one in rows if one["kind"] == "trade"] == ["101", "0.0295", "100.5"]
    states = tmp_path / "states.csv"
    assert run(capture, "-o", states, "--kinds", "state").exit_code == 0
    assert {(one["state"], one["reason"]) for one in rows_of(states)} >= {
        ("live", "none"),
        ("stale", "disconnected"),
    }


@pytest.mark.parametrize("type_", TYPES)
def test_files_without_rows_have_their_columns(type_: str, tmp_path: Path) -> None:
    empty = write_capture(tmp_path / "a.ndjson", [{"kind": "ws", "dir": "open", "url": URL}])
    out = tmp_path / f"{type_}.csv"
    assert run(empty, "-o", out).exit_code == 0
    (header,) = out.read_text().splitlines()
    assert header.startswith("exchange,symbol,timestamp,local_timestamp,")
    parquet = tmp_path / f"{type_}.parquet"
    pq = pytest.importorskip("pyarrow.parquet")
    assert run(empty, "-o", parquet).exit_code == 0
    assert pq.read_table(parquet).column_names == header.split(",")


@pytest.mark.parametrize(
    ("name", "format_", "type_"),
    [
        ("trades.csv", "csv", "trades"),
        ("deribit_trades_2026-11-30_BTC.csv.gz", "csv", "trades"),
        ("incremental_book_L2.csv.zst", "csv", "incremental_book_L2"),
        ("book_snapshot_25.parquet", "parquet", "book_snapshot_25"),
        ("my-book_snapshot_5.arrow", "arrow", "book_snapshot_5"),
        ("mytrades.csv", "csv", RECORDS),
        ("all.feather", "arrow", RECORDS),
        ("btc.npz", "npz", RECORDS),
    ],
)
def test_a_name_says_what_is_in_it(name: str, format_: str, type_: str) -> None:
    assert (format_of(name), type_of(name)) == (format_, type_)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-11-30", 1795_996_800_000_000_000),
        ("2026-11-30T00:00:00", 1795_996_800_000_000_000),
        ("2026-11-30T01:00:00+01:00", 1795_996_800_000_000_000),
        ("2026-11-30T00:00:00.123456789Z", 1795_996_800_123_456_789),
        ("1796000000123456789", 1_796_000_000_123_456_789),
        ("-30m", 10**18 - 1800 * 10**9),
        ("-1.5h", 10**18 - 5400 * 10**9),
        ("-250ms", 10**18 - 250 * 10**6),
    ],
)
def test_times_are_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert parsed(text, 10**18) == ns


@pytest.mark.parametrize("text", ["", "now", "-30", "2026-13-01", "-3w", "25:00"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parsed(text)
