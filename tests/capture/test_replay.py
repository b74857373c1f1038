"""What a replay makes of captures, written by hand: whole ones, broken ones, odd ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import shm
from feedhandler.capture.frames_file import CaptureError
from feedhandler.capture.replay import ReplayResult, replay
from feedhandler.engine.books_json import decimal_text
from shm import InstrumentKind
from tests.engine.support import four

from .support import write_capture

DERIBIT = "wss://www.deribit.com/ws/api/v2"
OKX = "wss://ws.okx.com:8443/ws/v5/public"
BINANCE = "wss://stream.binance.com:9443/stream"


def deribit_book(change: int, previous: int | None, bids: Any, asks: Any) -> dict[str, Any]:
    name = "BTC-PERPETUAL"
    data = {"type": "change" if previous else "snapshot", "timestamp": 1_700_000_000_000,
            "instrument_name": name, "change_id": change, "bids": bids, "asks": asks}  # fmt: skip
    if previous:
        data["prev_change_id"] = previous
    params = {"channel": f"book.{name}.100ms", "data": data}
    return {"url": DERIBIT, "conn": "1",
            "data": {"jsonrpc": "2.0", "method": "subscription", "params": params}}  # fmt: skip


def okx_book(action: str, previous: int, sequence: int, bids: Any, asks: Any) -> dict[str, Any]:
    its = {"bids": bids, "asks": asks, "ts": "1700000000000", "checksum": 0}
    data = four(its | {"prevSeqId": previous, "seqId": sequence})
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return {"url": OKX, "conn": "1", "data": {"arg": arg, "action": action, "data": [data]}}


def binance_depth(first: int, final: int, bids: Any, asks: Any) -> dict[str, Any]:
    event = {"e": "depthUpdate", "E": 1_700_000_000_000, "s": "BTCUSDT", "U": first, "u": final,
             "b": bids, "a": asks}  # fmt: skip
    return {"url": BINANCE, "conn": "1", "data": {"stream": "btcusdt@depth@100ms", "data": event}}


def binance_snapshot(last: int, bids: Any, asks: Any) -> dict[str, Any]:
    url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5000"
    return {"kind": "rest", "url": url,
            "data": {"lastUpdateId": last, "bids": bids, "asks": asks}}  # fmt: skip


SNAPSHOT = deribit_book(10, None, [["new", 100.5, 30.0], ["new", 100.0, 1e1]], [["new", 101, 7.50]])
CHANGE = deribit_book(11, 10, [["delete", 100.5, 0.0]], [["new", 100.75, 1e-5]])


def test_books_are_decimal_strings_best_first(tmp_path: Path, namespace: str) -> None:
    path = write_capture(tmp_path / "a", [SNAPSHOT, CHANGE])
    result = replay(path, namespace=namespace)
    assert json.loads(json.dumps(result.books)) == {
        "BTC-PERPETUAL": {
            "state": "LIVE",
            "reason": "NONE",
            "venue_sequence": 11,
            "bids": [["100", "10"]],
            "asks": [["100.75", "0.00001"], ["101", "7.5"]],
        }
    }
    assert (result.frames, result.lines, result.instruments) == (2, 2, 1)


def test_deltas_before_a_snapshot_are_buffered_and_an_old_snapshot_is_not_enough(
    tmp_path: Path, namespace: str
) -> None:
    bid, ask = ["1.10", "5"], ["1.20", "6"]
    frames = [
        binance_depth(8, 9, [["1.15", "9"]], []),
        binance_depth(10, 12, [["1.11", "3"]], [["1.20", "0"]]),
        binance_depth(13, 13, [], [["1.30", "0.5"]]),
    ]
    old = binance_snapshot(6, [bid], [ask])  # does not reach 8
    path = write_capture(tmp_path / "old", [*frames, old])
    assert replay(path, namespace=namespace).books["BTCUSDT"]["state"] == "SYNCING"
    good = binance_snapshot(10, [bid, ["1.15", "9"]], [ask])
    path = write_capture(tmp_path / "good", [*frames, old, good, binance_depth(14, 14, [bid], [])])
    book = replay(path, namespace=namespace).books["BTCUSDT"]
    assert (book["state"], book["venue_sequence"]) == ("LIVE", 14)
    assert book["bids"] == [["1.15", "9"], ["1.11", "3"], ["1.1", "5"]]
    assert book["asks"] == [["1.3", "0.5"]]


def test_a_gap_is_a_state_and_the_venues_next_snapshot_heals(
    tmp_path: Path, namespace: str
) -> None:
    start = okx_book("snapshot", -1, 5, [["10", "1"]], [["11", "2"]])
    gap = okx_book("update", 7, 8, [["10.5", "1"]], [])
    path = write_capture(tmp_path / "a", [start, gap])
    book = replay(path, namespace=namespace).books["BTC-USDT"]
    assert (book["state"], book["reason"]) == ("STALE", "GAP")
    again = okx_book("snapshot", -1, 20, [["10.6", "1"]], [["11", "2"]])
    path = write_capture(tmp_path / "b", [start, gap, again])
    book = replay(path, namespace=namespace).books["BTC-USDT"]
    assert (book["state"], book["bids"]) == ("LIVE", [["10.6", "1"]])


def test_okx_without_a_snapshot_in_the_stream_joins_the_one_over_rest(
    tmp_path: Path, namespace: str
) -> None:
    answer = {"bids": [["10", "1", "0", "1"]], "asks": [["11", "2", "0", "1"]], "seqId": 6,
              "ts": "1700000000000"}  # fmt: skip
    rest = {
        "kind": "rest",
        "url": "https://www.okx.com/api/v5/market/books?instId=BTC-USDT&sz=400",
        "data": {"code": "0", "msg": "", "data": [answer]},
    }
    updates = [
        okx_book("update", 5, 6, [["9", "9"]], []),
        okx_book("update", 6, 7, [["10.1", "3"]], []),
    ]
    path = write_capture(tmp_path / "a", [*updates, rest])
    book = replay(path, namespace=namespace).books["BTC-USDT"]
    assert (book["state"], book["venue_sequence"]) == ("LIVE", 7)
    assert book["bids"] == [["10.1", "3"], ["10", "1"]]


def test_a_new_connection_and_the_end_of_a_subscription_end_the_book(
    tmp_path: Path, namespace: str
) -> None:
    start = okx_book("snapshot", -1, 5, [["10", "1"]], [["11", "2"]])
    opened = {"url": OKX, "conn": "1", "dir": "open"}
    path = write_capture(tmp_path / "a", [opened, start, {**opened, "dir": "close"}])
    assert replay(path, namespace=namespace).books["BTC-USDT"]["reason"] == "DISCONNECTED"
    path = write_capture(tmp_path / "b", [opened, start, opened])
    assert replay(path, namespace=namespace).books["BTC-USDT"]["reason"] == "DISCONNECTED"
    path = write_capture(tmp_path / "c", [opened, start, {**opened, "conn": "2"}])
    assert replay(path, namespace=namespace).books["BTC-USDT"]["state"] == "LIVE"
    gone = {"event": "unsubscribe", "arg": {"channel": "books", "instId": "BTC-USDT"}}
    path = write_capture(tmp_path / "d", [opened, start, {"url": OKX, "conn": "1", "data": gone}])
    book = replay(path, namespace=namespace).books["BTC-USDT"]
    assert (book["state"], book["reason"]) == ("STALE", "UNSUBSCRIBED")


def test_a_broken_line_is_named_and_passed_over(tmp_path: Path, namespace: str) -> None:
    path = write_capture(tmp_path / "a", [SNAPSHOT, '{"data": ', CHANGE, '{"kind":"x","data":""}'])
    result = replay(path, namespace=namespace)
    assert result.broken == 2
    assert result.broken_lines[0].startswith(f"{path}:2: not a JSON object")
    assert result.broken_lines[1].startswith(f"{path}:4: kind 'x'")
    assert result.books["BTC-PERPETUAL"]["venue_sequence"] == 11
    with pytest.raises(CaptureError, match=r"a:2: not a JSON object"):
        replay(path, namespace=namespace, strict=True)
    assert not list(Path("/dev/shm").glob(f"{namespace}.*"))


@pytest.mark.parametrize(
    "data", ["", "nonsense", "[]", "\u0000", '{"jsonrpc":' * 5000, '{"method":"subscription"}', "1"]
)
def test_garbage_frames_harm_nothing(data: str, tmp_path: Path, namespace: str) -> None:
    garbage = {"url": DERIBIT, "conn": "1", "data": data}
    path = write_capture(tmp_path / "a", [garbage, SNAPSHOT, garbage, CHANGE, garbage])
    result = replay(path, namespace=namespace)
    assert result.broken == 0
    assert result.frames == 5
    assert result.books["BTC-PERPETUAL"]["state"] == "LIVE"
    assert result.counters["malformed"] + result.counters["control"] == 3


def test_the_venue_is_told_by_the_urls_or_has_to_be_said(tmp_path: Path, namespace: str) -> None:
    unnamed = write_capture(tmp_path / "a", [{**SNAPSHOT, "url": None}])
    with pytest.raises(CaptureError, match="--venue, one of deribit, okx, binance"):
        replay(unnamed, namespace=namespace)
    assert replay(unnamed, venue="deribit", namespace=namespace).states == {"LIVE": 1}
    said = write_capture(tmp_path / "b", [{**SNAPSHOT, "url": None, "venue": "deribit"}])
    assert replay(said, namespace=namespace).venue == "deribit"
    with pytest.raises(ValueError, match="no such venue: 'derbit'; did you mean 'deribit'"):
        replay(unnamed, venue="derbit", namespace=namespace)


def test_of_a_capture_of_two_venues_one_is_chosen(tmp_path: Path, namespace: str) -> None:
    start = okx_book("snapshot", -1, 5, [["10", "1"]], [["11", "2"]])
    path = write_capture(tmp_path / "a", [SNAPSHOT, start, CHANGE])
    with pytest.raises(CaptureError, match="frames of deribit and okx: say --venue"):
        replay(path, namespace=namespace)
    result = replay(path, venue="okx", namespace=namespace)
    assert (list(result.books), result.skipped, result.frames) == (["BTC-USDT"], 2, 1)


def test_readers_see_the_records_the_lists_and_the_end(tmp_path: Path, namespace: str) -> None:
    listed = {
        "instrument_name": "BTC-PERPETUAL", "kind": "future", "base_currency": "BTC",
        "quote_currency": "USD", "settlement_period": "perpetual", "tick_size": 0.5,
        "min_trade_amount": 10.0, "contract_size": 10.0, "is_active": True,
    }  # fmt: skip
    others = [{**listed, "instrument_name": f"X{number}-PERPETUAL"} for number in range(50)]
    url = "https://www.deribit.com/api/v2/public/get_instruments?currency=any"
    lists = {"kind": "rest", "url": url, "data": {"result": [*others, listed]}}
    path = write_capture(tmp_path / "a", [SNAPSHOT, CHANGE, lists])
    seen: list[Any] = []

    def look(result: ReplayResult) -> None:
        feed = shm.attach("deribit", namespace=namespace)
        perpetual = feed.instrument("BTC-USD-PERP")
        assert perpetual.symbol == "BTC-PERPETUAL"
        assert perpetual.kind == InstrumentKind.PERPETUAL
        assert perpetual.tick == 0.5
        book = feed.book(perpetual, depth=5)
        seen.append([book.bids.tolist(), book.asks.tolist(), book.state.name])
        seen.append(result.instruments)
        feed.close()

    replay(path, namespace=namespace, hold=look)
    assert seen == [[[[100.0, 10.0]], [[100.75, 1e-05], [101.0, 7.5]], "LIVE"], 1]
    assert not list(Path("/dev/shm").glob(f"{namespace}.*"))


def test_a_full_directory_costs_the_instruments_that_do_not_fit(
    tmp_path: Path, namespace: str
) -> None:
    frames = [binance_snapshot(5, [["1", "1"]], [["2", "1"]])]
    frames += [json.loads(json.dumps(frames[0]).replace("BTCUSDT", name)) for name in ("A", "B")]
    result = replay(write_capture(tmp_path / "a", frames), namespace=namespace, directory_rows=2)
    assert set(result.books) == {"BTCUSDT", "A"}
    (problem,) = result.problems
    assert "B: the directory is full" in problem


def test_the_recorded_pace_is_kept_whatever_the_clock_does(tmp_path: Path, namespace: str) -> None:
    base = 1_700_000_000_000_000_000
    # 0.2 s in all: 0.1 forward, a jump back of an hour, a frame without time, 0.1 forward.
    times = [base, base + 10**8, base - 3600 * 10**9, None, base - 3600 * 10**9 + 10**8]
    frames = [{**SNAPSHOT, "t": t} for t in times]
    path = write_capture(tmp_path / "a", frames)
    assert replay(path, namespace=namespace, speed=1.0).seconds >= 0.2
    assert replay(path, namespace=namespace, speed=None).books
    for speed in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="speed"):
            replay(path, namespace=namespace, speed=speed)


def test_progress_counts_to_the_end(tmp_path: Path, namespace: str) -> None:
    calls: list[tuple[int, int]] = []
    path = write_capture(tmp_path / "a", [SNAPSHOT, CHANGE] * 400)
    replay(path, namespace=namespace, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (800, 800)
    assert calls == sorted(calls)


def test_a_second_writer_is_refused(tmp_path: Path, namespace: str) -> None:
    path = write_capture(tmp_path / "a", [SNAPSHOT])

    def again(_: ReplayResult) -> None:
        with pytest.raises(shm.WriterRunning):
            replay(path, namespace=namespace)

    replay(path, namespace=namespace, hold=again)


def _texts() -> Iterator[tuple[int, int, str]]:
    yield from [(0, 0, "0"), (0, -8, "0"), (5, 0, "5"), (5, 3, "5000"), (100, -2, "1")]
    yield from [(1, -8, "0.00000001"), (123450, -4, "12.345"), (-1, -1, "-0.1"), (-30, -1, "-3")]
    yield (2**63 - 1, -18, "9.223372036854775807")


@pytest.mark.parametrize(("value", "exponent", "text"), list(_texts()))
def test_decimal_texts_have_neither_exponent_nor_trailing_zeros(
    value: int, exponent: int, text: str
) -> None:
    assert decimal_text(value, exponent) == text
