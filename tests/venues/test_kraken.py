"""What Kraken alone does: books of a depth that the acknowledgement says, names of the first
WebSocket in its list, lots of a thousand, a type for each trade."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import Control, ControlKind
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.replay import ReplayResult, replay
from feedhandler.engine._engine import Engine
from shm import Kind, Status
from tests.kit.recordings import recorded
from tests.venues.reference.book import Book, written
from tests.venues.reference.kraken import KrakenReference, checksum
from tests.venues.support import recorded_lines
from tests.venues.told import book_of, memory_of

RECORDED = "kraken_v2/depthcharge_minagbp_d25_20260816.ndjson.gz"
PAIRS = "kraken/samples/nautilus/http_asset_pairs.json"


def test_a_replay_cuts_to_the_depth_that_was_acknowledged(namespace: str) -> None:
    assert venues.load("kraken").window != 25
    reference, lines = KrakenReference(), recorded_lines(RECORDED)
    deepest = 0

    def observe(frame: Frame, engine: Engine) -> None:
        nonlocal deepest
        for line in lines:
            said = reference.line(line)
            if line["dir"] == "in" and line["data"].encode() == frame.data:
                break
        for symbol in said.books:
            book = book_of(engine, symbol, numbered=False)
            assert book == reference.books[symbol]
            deepest = max(deepest, *map(len, book.levels()))

    result = replay(recorded(RECORDED), venue="kraken", namespace=namespace, observe=observe)
    assert deepest == 25
    assert (result.counters["checksum_ok"], result.counters["checksum_bad"]) == (30, 0)


def test_names_are_those_of_the_stream() -> None:
    venue = venues.load("kraken", 100)
    pairs = json.loads(recorded(PAIRS).read_text())
    (row,) = pairs["result"].values()
    pairs["result"] = {"XBTUSDT": row, "XDGUSD": row | {"wsname": "XDG/USD", "status": "odd"}}
    bitcoin, doge = venue.parse_instruments(json.dumps(pairs).encode())
    assert (bitcoin.symbol, bitcoin.name, bitcoin.written) == ("BTC/USDT", "BTC-USDT", (1, 8))
    assert (doge.symbol, doge.base, doge.active) == ("DOGE/USD", "DOGE", False)
    assert venue.keys(bitcoin, ["book"]) == ["book.100.BTC/USDT", "instrument"]


def test_whole_lots_and_what_settles_in_its_base() -> None:
    found = venues.load("kraken-futures").parse_instruments(
        recorded("kraken_futures/samples/nautilus/http_futures_instruments.json").read_bytes()
    )
    terms = {one.symbol: (one.name, one.settle, one.lot, one.contract_type.name) for one in found}
    assert [f"{lot:f}" for _, _, lot, _ in terms.values()] == ["1", "0.001", "1000", "0.01"]
    assert terms["PI_XBTUSD"][:2] == ("BTC-USD-PERP", "BTC")
    assert terms["PF_PEPEUSD"][:2] == ("PEPE-USD-PERP", "USD")
    assert {name[:2]: kind for name, (*_, kind) in terms.items()} == {
        "PI": "INVERSE",
        "PF": "LINEAR",
    }


def test_forced_trades_are_liquidations(namespace: str, tmp_path: Path) -> None:
    trade: dict[str, Any] = {"feed": "trade", "product_id": "PI_XBTUSD", "uid": "e7", "side": "buy"}
    trade |= {"seq": 7, "time": 1593620853613, "qty": 250, "price": 231.6}
    found: list[tuple[str, int]] = []
    with (capture := tmp_path / "trades.ndjson").open("w") as out:
        for word in ("fill", "liquidation", "block", "unheard_of"):
            trade = trade | {"type": word, "seq": trade["seq"] + 1}
            line = {"t": 1, "kind": "ws", "dir": "in", "conn": "c", "data": json.dumps(trade)}
            out.write(json.dumps(line) + "\n")

    def hold(result: ReplayResult) -> None:
        assert result.counters["control"] == 1  # the last: that it is no answer, the log says
        slots = memory_of(namespace, "kraken-futures").slots()
        found.extend((Kind(int(slot["kind"])).name, int(slot["venue_sequence"])) for slot in slots)

    replay(capture, venue="kraken-futures", namespace=namespace, hold=hold)
    prints = [one for one in found if one[0] in ("TRADE", "LIQUIDATION")]
    assert prints == [("TRADE", 8), ("LIQUIDATION", 9), ("TRADE", 10)]
    with pytest.raises(ValueError, match="neither data nor an answer"):
        venues.load("kraken-futures").control(json.dumps(trade).encode(), {})


def test_decimals_are_those_of_the_book_where_no_list_says_so(
    namespace: str, tmp_path: Path
) -> None:
    sides = {
        "bids": [{"price": Decimal("1.5"), "qty": Decimal("2.50")}],
        "asks": [{"price": Decimal("2.5"), "qty": Decimal("1.50")}],
    }
    book = Book()
    book.set(*([(each["price"], each["qty"]) for each in rows] for rows in sides.values()))
    frames: list[dict[str, Any]] = []
    for symbol in ["A/USD"] * 20 + ["B/USD"]:  # the first shows how such a frame is written
        row: dict[str, Any] = {"symbol": symbol, "side": "buy", "price": Decimal("1.5")}
        row |= {"qty": Decimal("1.5"), "trade_id": 7, "timestamp": "2026-02-02T02:40:00.600000Z"}
        frames.append({"channel": "trade", "type": "update", "data": [row]})
        row = {"symbol": symbol, **sides, "checksum": checksum(book)}
        frames.append({"channel": "book", "type": "snapshot", "data": [row]})
    with (capture := tmp_path / "unlisted.ndjson").open("w") as out:
        for frame in frames:
            line = {"t": 1, "kind": "ws", "dir": "in", "conn": "c", "data": written(frame)}
            out.write(json.dumps(line) + "\n")
    result = replay(capture, venue="kraken", namespace=namespace)
    assert (result.counters["checksum_ok"], result.states) == (21, {"LIVE": 2})


def test_statuses_of_a_pair_and_of_the_exchange() -> None:
    venue = venues.load("kraken")

    def said(frame: dict[str, Any]) -> Control:
        (one,) = venue.control(json.dumps(frame).encode(), {3: ("instrument",)})
        return one

    pair = {"symbol": "ADA/USD", "base": "ADA", "status": "post_only", "qty_precision": 8}
    changed = {"channel": "instrument", "type": "update", "data": {"assets": [], "pairs": [pair]}}
    (stated,) = said(changed).stated
    assert (stated.symbol, stated.status, stated.word) == ("ADA/USD", Status.POST_ONLY, "post_only")
    taken = {
        "method": "subscribe",
        "success": True,
        "req_id": 3,
        "result": {"channel": "instrument"},
    }
    assert (said(taken).kind, said(taken).keys) == (ControlKind.ACK, ("instrument",))
    for word, kind in (("online", ControlKind.NOTHING), ("maintenance", ControlKind.RELIST)):
        row = {"system": word, "api_version": "v2", "connection_id": 13834774380200032777}
        assert said({"channel": "status", "type": "update", "data": [row]}).kind is kind
