"""Decoders on frames of exact shapes, and on everything that a venue must not send."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import Reason

from . import support
from .support import binance_depth, compact, deribit, deribit_book, engine, memory, okx, okx_book

SYNCING, LIVE, STALE, CROSSED, CLOSED = 1, 2, 3, 4, 6
GAP, CHECKSUM, PRECISION, CROSSED_REASON, DISCONNECTED, MALFORMED = 2, 3, 4, 5, 6, 10
LEVEL, CLEAR, TRADE, LIQUIDATION, QUOTE, STAT, STATE = 1, 2, 3, 4, 5, 6, 7
FIRST, LAST, SNAPSHOT, REPLAY = 1, 2, 4, 8

BIDS = [["new", 100.0, 5.0], ["new", 99.5, 7.0]]
ASKS = [["new", 101.0, 5.0]]


def started(e: native.Engine) -> native.Connection:
    c = e.connection(0)
    c.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"))
    assert e.state(0) == (LIVE, 0)
    e.attention()
    return c


def events(e: native.Engine) -> list[tuple[int, int]]:
    return [(event, detail) for _, event, detail in e.attention()]


# ---- books --------------------------------------------------------------------------------------


def test_a_book_and_what_is_published_of_it() -> None:
    with engine("deribit", auto_add=False, depth=2) as e:
        e.add_instrument("BTC-PERPETUAL", price_exponent=-1)
        c, m = e.connection(3), memory(e)
        result = c.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"), 1_700_000_000_123)
        assert result == native.DATA | native.ATTENTION
        assert events(e) == [(native.BECAME_LIVE, 0)]
        flags = [r[4] for r in m.records()[-5:]]
        assert flags == [FIRST | SNAPSHOT, SNAPSHOT, SNAPSHOT, LAST | SNAPSHOT, FIRST | LAST]
        change = [["delete", 100.0, 0.0], ["new", 99.0, 1.0], ["change", 99.5, 8.0]]
        assert c.feed(deribit_book(12, previous=10, bids=change)) == native.DATA
        assert [r[:4] for r in m.records()] == [
            (LEVEL, 0, 1000, 0),
            (LEVEL, 0, 990, 1),
            (LEVEL, 0, 995, 8),
        ]
        head, bids, asks = m.book(0)
        assert bids == [(995, 8), (990, 1)]
        assert asks == [(1010, 5)]
        assert (head["state"], head["venue_sequence"]) == (LIVE, 12)
        quote = m.quote(0)
        assert (quote["bid_price"], quote["bid_size"]) == (995, 8)
        assert (quote["ask_price"], quote["ask_size"]) == (1010, 5)
        assert quote["ring_sequence"] == head["ring_sequence"] == m.seen
        assert quote["exchange_ns"] == 1_700_000_000_000_000_000
        assert math.isnan(quote["mark"])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 12), st.sampled_from((0, 1, 5))), max_size=60)
)
def test_the_book_cell_is_the_top_of_the_book(changes: list[tuple[bool, int, int]]) -> None:
    with engine("deribit", depth=3, ring_slots=256, instruments=1) as e:
        c, m = started(e), memory(e)
        for n, (ask, distance, size) in enumerate(changes):
            row = [["change", 100.5 + distance if ask else 100.5 - distance, float(size)]]
            frame = deribit_book(
                11 + n, previous=10 + n, bids=[] if ask else row, asks=row if ask else []
            )
            assert not c.feed(frame) & native.MALFORMED
            bids, asks, *_ = e.book(0)
            head, cell_bids, cell_asks = m.book(0)
            assert cell_bids == [tuple(map(int, x)) for x in bids[:3]]
            assert cell_asks == [tuple(map(int, x)) for x in asks[:3]]
            assert (head["bids_total"], head["asks_total"]) == (len(bids), len(asks))
            quote = m.quote(0)
            none = -(2**63)
            assert quote["bid_price"] == (bids[0, 0] if len(bids) else none)
            assert quote["ask_price"] == (asks[0, 0] if len(asks) else none)


def test_a_gap_is_said_at_once_and_healed_by_the_next_snapshot() -> None:
    with engine("deribit") as e:
        c, m = started(e), memory(e)
        m.records()
        assert c.feed(deribit_book(14, previous=12, bids=[])) & native.ATTENTION
        assert e.state(0) == (STALE, GAP)
        assert [r[:4] for r in m.records()] == [(STATE, 0, STALE, GAP)]
        assert m.quote(0)["state"] == m.book(0)[0]["state"] == STALE
        assert events(e) == [(native.NEED_RESYNC, GAP)]
        assert c.feed(deribit_book(15, previous=14, bids=BIDS)) == native.DATA
        assert e.state(0) == (STALE, GAP)
        c.feed(deribit_book(20, bids=BIDS, asks=ASKS, kind="snapshot"))
        assert e.state(0) == (LIVE, 0)
        assert e.counters()["gaps"] == 1


def test_sequence_going_back_is_dropped() -> None:
    with engine("deribit") as e:
        c = started(e)
        c.feed(deribit_book(12, previous=10, bids=[["delete", 99.5, 0]]))
        assert c.feed(deribit_book(12, previous=10, bids=[["new", 98.0, 9.0]])) == native.DATA
        assert e.book(0)[0].tolist() == [[100, 5]] or len(e.book(0)[0]) == 1
        assert e.counters()["duplicates"] == 1
        assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("previous", [0, None])
def test_deribit_change_without_a_predecessor_is_a_snapshot(previous: int | None) -> None:
    with engine("deribit") as e:
        c = e.connection(0)
        c.feed(deribit_book(9, previous=previous, bids=BIDS, asks=ASKS, kind=None))
        assert e.state(0) == (LIVE, 0)


def test_a_crossed_book_is_never_live() -> None:
    with engine("deribit") as e:
        c = started(e)
        c.feed(deribit_book(11, previous=10, bids=[["new", 101.0, 1.0]]))
        assert e.state(0) == (CROSSED, CROSSED_REASON)
        assert events(e) == [(native.NEED_RESYNC, CROSSED_REASON)]
        c.feed(deribit_book(12, bids=[["new", 101.0, 1.0]], asks=ASKS, kind="snapshot"))
        assert e.state(0) == (CROSSED, CROSSED_REASON)


def test_deribit_grouped_book_is_whole_each_time() -> None:
    with engine("deribit") as e:
        c = e.connection(0)
        data = {"timestamp": 1, "instrument_name": "X", "change_id": 7}
        name = "book.X.none.10.100ms"
        c.feed(deribit(name, data | {"bids": [[10.0, 1.0], [9.0, 2.0]], "asks": [[11.0, 1.0]]}))
        c.feed(deribit(name, data | {"change_id": 9, "bids": [[9.0, 2.0]], "asks": []}))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0].tolist() == [[9, 2]]
        assert len(e.book(0)[1]) == 0


def test_okx_checksum_guards_frames_without_sequence() -> None:
    rows: dict[str, Any] = {
        "asks": [["8476.98", "415", "0", "13"], ["8477", "7", "0", "2"]],
        "bids": [["8476.97", "256", "0", "12"]],
        "ts": "1597026383085",
        "checksum": 123,
    }
    with engine("okx") as e:
        c = e.connection(0)
        c.feed(okx("books", [rows], action="snapshot"))
        assert e.state(0) == (STALE, CHECKSUM)
    with engine("okx", checksum=False) as e:
        e.connection(0).feed(okx("books", [rows], action="snapshot"))
        assert e.state(0) == (LIVE, 0)


def test_okx_rest_base_joins_buffered_updates() -> None:
    with engine("okx", rest_join=True) as e:
        c, m = e.connection(0), memory(e)
        for n in range(3):
            c.feed(okx_book(11 + n, 10 + n, bids=[[str(90 + n), "1", "0", "1"]]))
        assert e.state(0) == (SYNCING, 1)
        assert (native.NEED_SNAPSHOT, 11) in events(e)
        body = {"asks": [["100", "1", "0", "1"]], "bids": [], "ts": "5", "seqId": 9}
        assert e.snapshot(0, compact({"code": "0", "data": [body]})) & native.ATTENTION
        assert events(e) == [(native.SNAPSHOT_TOO_OLD, 11)]
        m.records()
        e.snapshot(0, compact({"code": "0", "data": [body | {"seqId": 11}]}))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0].tolist() == [[92, 1], [91, 1]]
        assert e.book(0)[2] == 13
        flags = [r[4] & (SNAPSHOT | REPLAY) for r in m.records()]
        assert flags == [SNAPSHOT, SNAPSHOT, REPLAY, REPLAY, 0]


def test_binance_snapshot_joins_and_gap_needs_another() -> None:
    with engine("binance") as e:
        c = e.connection(0)
        c.feed(binance_depth(5, 7, [["10.0", "1"]]))
        c.feed(binance_depth(8, 9, [["9.5", "1"]]))
        body = {"lastUpdateId": 3, "bids": [], "asks": [["11", "1"]]}
        e.snapshot(0, compact(body))
        assert native.SNAPSHOT_TOO_OLD in [x for x, _ in events(e)]
        e.snapshot(0, compact(body | {"lastUpdateId": 7}))
        assert e.state(0) == (LIVE, 0)
        assert len(e.book(0)[0]) == 1
        c.feed(binance_depth(11, 12, [["9.0", "1"]]))
        assert e.state(0) == (STALE, GAP)
        assert {x for x, _ in events(e)} == {native.NEED_RESYNC, native.NEED_SNAPSHOT}
        e.snapshot(0, compact(body | {"lastUpdateId": 12}))
        assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_a_snapshot_that_was_waited_for_joins_however_much_was_buffered(venue: str) -> None:
    """A busy book, or a REST budget that let it wait for minutes."""
    count = 1000
    with engine(venue, rest_join=True) as e:
        c = e.connection(0)
        for n in range(1, count + 1):
            if venue == "okx":
                c.feed(okx_book(n, n - 1, bids=[[str(n), "1", "0", "1"]]))
            else:
                c.feed(binance_depth(n, n, [[str(n), "1"]]))
        if venue == "okx":
            body = {"asks": [], "bids": [], "ts": "5", "seqId": count - 1}
            e.snapshot(0, compact({"code": "0", "data": [body]}))
        else:
            e.snapshot(0, compact({"lastUpdateId": count - 1, "bids": [], "asks": []}))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0][:, 0].tolist() == [count]
        assert e.counters()["gaps"] == 0


def test_binance_new_listing_is_empty_and_numbered_minus_one() -> None:
    with engine("binance") as e:
        e.add_instrument("NEWUSDT")
        e.snapshot(0, b'{"lastUpdateId":-1,"bids":[],"asks":[]}')
        assert e.state(0) == (SYNCING, Reason.UNCONFIRMED)
        e.connection(0).feed(binance_depth(1, 4, [["1", "1"]], symbol="NEWUSDT"))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0].tolist() == [[1, 1]]


def test_the_buffer_is_bounded() -> None:
    with engine("binance", buffer_bytes=2000) as e:
        c = e.connection(0)
        for n in range(1, 200):
            c.feed(binance_depth(n, n, [[str(n), "1"]]))
        counters = e.counters()
        assert counters["buffer_dropped"] > 150
        e.snapshot(0, b'{"lastUpdateId":50,"bids":[],"asks":[]}')
        assert e.state(0)[0] == SYNCING  # what joins it was dropped
        e.snapshot(0, b'{"lastUpdateId":195,"bids":[],"asks":[]}')
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0][:, 0].tolist() == [199, 198, 197, 196]


def test_two_connections_are_merged_and_one_may_go() -> None:
    with engine("deribit") as e:
        a = started(e)
        b = e.connection(1)
        b.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"))
        for n in range(11, 15):
            frame = deribit_book(n, previous=n - 1, bids=[["new", 90.0, float(n)]])
            a.feed(frame)
            b.feed(frame)
        assert e.counters()["duplicates"] == 5
        assert e.disconnected(0, DISCONNECTED) == []
        assert e.state(0) == (LIVE, 0)
        b.feed(deribit_book(15, previous=14, bids=[]))
        assert e.disconnected(1, DISCONNECTED) == [0]
        assert e.state(0) == (STALE, DISCONNECTED)


# ---- trades, quotes, statistics -----------------------------------------------------------------


def test_deribit_trades_and_liquidations() -> None:
    trade = {"timestamp": 5, "price": 94.5, "amount": 10.0, "direction": "sell"}
    trade |= {"trade_id": "ETH-77"}
    with engine("deribit") as e:
        c, m = e.connection(0), memory(e)
        rows = [
            trade | {"instrument_name": "A"},
            trade | {"instrument_name": "B", "direction": "buy", "liquidation": "T"},
        ]
        assert c.feed(deribit("trades.option.BTC.raw", rows)) & native.DATA
        got = [r for r in m.records() if r[0] in (TRADE, LIQUIDATION)]
        assert [r[:4] for r in got] == [(TRADE, 1, 945, 10), (LIQUIDATION, 0, 945, 10)]
        assert [r[6] for r in got] == [77, 77]
        assert m.quote(0)["last_price"] == 945
        assert m.quote(0)["state"] == 0  # it has a book, which nobody has seen


def test_deribit_ticker_of_an_option() -> None:
    data = {
        "underlying_price": 2003.61, "timestamp": 1626993723632, "open_interest": 12685.0,
        "mark_price": 0.001972, "mark_iv": 120.74, "index_price": 2006.72,
        "greeks": {"vega": 0.20072, "theta": -1.64029, "gamma": 2e-4, "delta": 0.03127},
        "bid_iv": 115.62, "best_bid_price": 0.0015, "best_bid_amount": 4714.0,
        "best_ask_price": 0.0, "best_ask_amount": 0.0, "ask_iv": None, "stats": {"volume": 1.0},
    }  # fmt: skip
    with engine("deribit", auto_add=False) as e:
        e.add_instrument("O", price_exponent=-4, has_book=False)
        c, m = e.connection(0), memory(e)
        assert c.feed(deribit("ticker.O.raw", data)) & native.DATA
        assert e.state(0) == (LIVE, 0)
        q = m.quote(0)
        assert (q["bid_price"], q["bid_size"], q["ask_price"]) == (15, 4714, -(2**63))
        assert q["mark_iv"] == pytest.approx(1.2074)
        assert math.isnan(q["ask_iv"])
        assert (q["delta"], q["gamma"], q["theta"]) == (0.03127, 0.0002, -1.64029)
        stats = {r[2:4] for r in m.records() if r[0] == STAT}
        assert (12074, -2) in stats  # in percent, as written
        assert (2, -4) in stats
        c.feed(deribit("ticker.O.raw", data | {"mark_iv": "expired", "mark_price": 0.002}))
        assert [r[2:4] for r in m.records() if r[0] == STAT] == [(2, -3)]  # only what changed
        assert math.isnan(m.quote(0)["mark_iv"])


def test_binance_book_ticker_runs_ahead_of_the_book() -> None:
    top = {"u": 20, "s": "BTCUSDT", "b": "10.5", "B": "2", "a": "10.6", "A": "3"}
    with engine("binance") as e:
        c, m = e.connection(0), memory(e)
        c.feed(compact({"stream": "btcusdt@bookTicker", "data": top}))
        assert e.state(0)[0] != LIVE
        c.feed(binance_depth(5, 7, [["10.0", "1"]], [["11", "1"]]))
        e.snapshot(0, b'{"lastUpdateId":5,"bids":[],"asks":[]}')
        assert e.state(0) == (LIVE, 0)
        assert m.quote(0)["venue_sequence"] == 20
        assert m.quote(0)["bid_price"] == 105
        c.feed(binance_depth(8, 21, [["10.2", "1"]]))
        assert m.quote(0)["bid_price"] == 102
        c.feed(compact(top | {"u": 19}))  # bare, and behind
        assert m.quote(0)["bid_price"] == 102
        quotes = [r[:4] for r in m.records() if r[0] == QUOTE]
        assert quotes == [(QUOTE, 0, 105, 2), (QUOTE, 1, 106, 3)] * 2


def test_binance_trades_say_who_took() -> None:
    base = {"E": 1, "s": "B", "p": "1.5", "q": "2", "T": 1700000000000123, "m": True, "M": True}
    with engine("binance") as e:
        c, m = e.connection(0), memory(e)
        c.feed(compact({"e": "trade", "t": 9} | base))
        c.feed(compact({"e": "aggTrade", "a": 10, "f": 1, "l": 2} | base | {"m": False}))
        got = [r for r in m.records() if r[0] == TRADE]
        assert [(r[1], r[6]) for r in got] == [(1, 9), (0, 10)]
        assert m.quote(0)["last_ns"] == 1700000000000123000


def test_okx_channels() -> None:
    with engine("okx") as e:
        c, m = e.connection(0), memory(e)
        row = {
            "instId": "P",
            "tradeId": "13",
            "px": "42219.9",
            "sz": "0.1",
            "side": "buy",
            "ts": "1",
        }
        assert c.feed(okx("trades-all", [row], "P")) & native.DATA
        assert m.quote(0)["last_price"] == 422199
        summary = {
            "instType": "OPTION", "instId": "O1", "delta": "9", "deltaBS": "0.5", "gammaBS": "1",
            "vegaBS": "1", "thetaBS": "-2", "markVol": "0.53", "bidVol": "", "askVol": "0.55",
            "fwdPx": "92150.5", "ts": "1711612800000",
        }  # fmt: skip
        frame = {"arg": {"channel": "opt-summary", "instFamily": "BTC-USD"}}
        c.feed(compact(frame | {"data": [summary, summary | {"instId": "O2", "deltaBS": "-0.5"}]}))
        q = m.quote(e.instrument_id("O2"))
        assert (q["delta"], q["mark_iv"], q["underlying"]) == (-0.5, 0.53, 92150.5)
        assert math.isnan(q["bid_iv"])
        c.feed(okx("funding-rate", [{"instId": "P", "fundingRate": "0.0001", "ts": "1"}], "P"))
        c.feed(okx("open-interest", [{"instId": "P", "oi": "236870", "ts": "1"}], "P"))
        c.feed(okx("mark-price", [{"instId": "P", "markPx": "36.232", "ts": "1"}], "P"))
        q = m.quote(0)
        assert (q["funding"], q["open_interest"], q["mark"]) == (0.0001, 236870.0, 36.232)
        before = len(e.symbols())
        index = okx("index-tickers", [{"instId": "BTC-USD", "idxPx": "1"}], "BTC-USD")
        assert c.feed(index) & native.DATA
        assert len(e.symbols()) == before
        assert e.counters()["unknown"] == 0


def test_okx_top_beside_deltas_is_a_quote() -> None:
    with engine("okx") as e:
        c, m = e.connection(0), memory(e)
        bids = [["9", "1"], ["8", "1"]]
        c.feed(okx_book(10, -1, bids=bids, asks=[["10", "1"]], action="snapshot"))
        top = {"asks": [["10", "1", "0", "1"]], "bids": [["9.5", "4", "0", "1"]], "ts": "1"}
        c.feed(okx("bbo-tbt", [top | {"seqId": 12}]))
        assert len(e.book(0)[0]) == 2
        assert (m.quote(0)["bid_price"], m.quote(0)["bid_size"]) == (95, 4)
        assert e.state(0) == (LIVE, 0)


# ---- precision ----------------------------------------------------------------------------------


def test_widening_keeps_every_digit() -> None:
    with engine("deribit") as e:
        c, m = started(e), memory(e)
        m.records()
        c.feed(deribit_book(11, previous=10, bids=[["new", 99.125, 0.5]]))
        records = m.records()
        assert [r[2:4] for r in records if r[0] == STATE] == [(STALE, PRECISION), (LIVE, 0)]
        assert (native.WIDENED, 2) in events(e)
        entry = m.entry(0)
        assert entry["precision"] == 2
        assert list(entry["price_exponents"][:3]) == [0, -1, -3]
        assert list(entry["size_exponents"][:3]) == [0, 0, -1]
        assert e.book(0)[0].tolist() == [[100000, 50], [99500, 70], [99125, 5]]
        assert m.book(0)[1] == [(100000, 50), (99500, 70), (99125, 5)]
        assert e.state(0) == (LIVE, 0)


def test_what_cannot_be_widened_stays_stale() -> None:
    with engine("deribit") as e:
        c = started(e)
        c.feed(deribit_book(11, previous=10, bids=[["new", 1e17, 1.0]], asks=[["new", 1e-9, 1.0]]))
        assert e.state(0) == (STALE, PRECISION)
        c.feed(deribit_book(12, bids=BIDS, asks=ASKS, kind="snapshot"))
        assert e.state(0) == (LIVE, 0)


def test_pairs_of_exponents_run_out() -> None:
    """The book begins anew with the exponents of its listing, and heals with what fits any."""
    with engine("deribit") as e:
        c = started(e)
        last = 10
        for places in range(2, 12):
            price = f"99.{'0' * (places - 1)}1"
            frame = deribit_book(last + 1, previous=last, bids=[["new", 1.0, 1.0]])
            c.feed(frame.replace(b'["new",1.0,1.0]', f'["new",{price},1.0]'.encode()))
            last += 1
        assert e.state(0) == (STALE, PRECISION)
        entry = memory(e).entry(0)
        assert list(entry["price_exponents"]) == [0, -1, -2, -3, -4, -5, -6, -7]
        assert entry["precision"] == 0
        assert (native.NEED_RESYNC, PRECISION) in events(e)
        for price in ("99.001", "99.0001"):
            last += 1
            frame = deribit_book(last, bids=[["new", 1.0, 1.0]], asks=ASKS, kind="snapshot")
            c.feed(frame.replace(b'["new",1.0,1.0]', f'["new",{price},1.0]'.encode()))
            assert e.state(0) == (LIVE, 0)
            assert Decimal(price) in support.engine_book(e, 0)[0]
        assert list(memory(e).entry(0)["price_exponents"]) == [0, -1, -2, -3, -4, -5, -6, -7]


# ---- what is not market data, and what is wrong -------------------------------------------------


def bybit_book(u: int, kind: str = "delta", b: object = (), a: object = ()) -> bytes:
    data = {"s": "BTCUSDT", "b": b, "a": a, "u": u, "seq": 100 * u}
    frame = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1700000000000}
    return compact(frame | {"data": data, "cts": 1700000000000})


CONTROL: dict[str, list[bytes]] = {
    "bybit-linear": [
        b'{"success":true,"ret_msg":"","conn_id":"x","req_id":"1","op":"subscribe"}',
        b'{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}',
        b'{"success":false,"ret_msg":"error:handler not found,topic:x","op":"subscribe"}',
    ],
    "deribit": [
        b'{"jsonrpc":"2.0","id":1,"result":["a"],"usIn":1}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":10028,"message":"too_many_requests"}}',
        b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}',
        b" {} ",
    ],
    "okx": [
        b"pong",
        b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}',
        b'{"event":"error","code":"60012","msg":"no"}',
        b'{"arg":{"channel":"books","instId":"X"},"event":"subscribe"}',
    ],
    "binance": [
        b'{"result":null,"id":1}',
        b'{"error":{"code":2,"msg":"no"},"id":1}',
        b'{"e":"serverShutdown","E":1}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
    ],
}


@pytest.mark.parametrize(("venue", "frame"), [(v, f) for v, fs in CONTROL.items() for f in fs])
def test_control(venue: str, frame: bytes) -> None:
    with engine(venue, auto_add=False) as e:
        assert e.connection(0).feed(frame) == native.CONTROL
        assert e.counters()["control"] == 1


@pytest.mark.parametrize(
    ("venue", "frame"),
    [
        ("deribit", deribit_book(1, bids=[])),
        ("deribit", deribit("deribit_volatility_index.btc_usd", {"volatility": 1})),
        ("okx", okx_book(1, -1)),
        ("okx", okx("candle1m", [["1", "2"]])),
        ("bybit-linear", bybit_book(1, "snapshot")),
        ("bybit-linear", b'{"topic":"kline.1.X","data":[{"start":1}],"ts":1,"type":"snapshot"}'),
        ("binance", binance_depth(1, 2)),
        ("binance", b'{"stream":"x@kline_1m","data":{"e":"kline","s":"X","k":{"t":1}}}'),
    ],
)
def test_unknown_symbols_and_channels(venue: str, frame: bytes) -> None:
    with engine(venue, auto_add=False) as e:
        assert e.connection(0).feed(frame) == native.DATA | native.UNKNOWN
        assert e.connection(0).unknown == 1


SHAPES: dict[str, Callable[[], bytes]] = {
    "deribit": lambda: deribit_book(11, previous=10, bids=[["new", 98.5, 2.0]], asks=[]),
    "okx": lambda: okx_book(11, 10, bids=[["98.5", "2", "0", "1"]]),
    "binance": lambda: binance_depth(11, 12, [["98.5", "2"]]),
    "bybit-linear": lambda: bybit_book(11, b=[["98.5", "2"]]),
}


def prepared(e: native.Engine, venue: str) -> native.Connection:
    c = e.connection(0)
    if venue == "deribit":
        c.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"))
    elif venue == "okx":
        c.feed(okx_book(10, -1, bids=[["99", "1"]], asks=[["101", "1"]], action="snapshot"))
    elif venue == "bybit-linear":
        c.feed(bybit_book(10, "snapshot", b=[["99", "1"]], a=[["101", "1"]]))
    else:
        c.feed(binance_depth(10, 10))
        e.snapshot(0, b'{"lastUpdateId":10,"bids":[["99","1"]],"asks":[["101","1"]]}')
    assert e.state(0) == (LIVE, 0)
    return c


@pytest.mark.parametrize("venue", list(SHAPES))
def test_truncated_at_every_byte_never_half_applies(venue: str) -> None:
    frame = SHAPES[venue]()
    for end in range(len(frame)):
        with engine(venue, ring_slots=64, instruments=2) as e:
            c = prepared(e, venue)
            before = [side.tolist() for side in e.book(0)[:2]]
            assert c.feed(frame[:end]) & native.MALFORMED
            assert [side.tolist() for side in e.book(0)[:2]] == before
            assert e.state(0) in {(LIVE, 0), (STALE, MALFORMED)}
            assert "at byte" in e.last_error()
            if e.state(0)[0] == LIVE:  # the instrument was not known yet: the chain finds the hole
                assert not c.feed(frame) & native.MALFORMED
                assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("venue", list(SHAPES))
@pytest.mark.parametrize(
    "bad",
    [b"", b"garbage", b"\xff\xfe", b"[" * 5000, b'{"a":' * 5000, b"null", b"[]", b'"x"', b"\0" * 9],
)
def test_garbage(venue: str, bad: bytes) -> None:
    with engine(venue) as e:
        c = prepared(e, venue)
        assert c.feed(bad) & native.MALFORMED
        assert e.state(0) == (LIVE, 0)
        assert not c.feed(SHAPES[venue]()) & native.MALFORMED
        assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("venue", list(SHAPES))
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"98.5", b"x"), (b"98.5", b""), (b"98.5", b"9-8"), (b"98.5", b"098.5"),
        (b"98.5", b"1.2.3"), (b"98.5", b"1e"), (b'"b', b'"\xff'), (b"2", b"-2"),
    ],
)  # fmt: skip
def test_bad_values(venue: str, old: bytes, new: bytes) -> None:
    frame = SHAPES[venue]()
    at = frame.index(b"98.5") if old != b'"b' else frame.rindex(b'"b')
    if old == b"2":
        at = frame.index(b"2", at)
    with engine(venue) as e:
        c = prepared(e, venue)
        assert c.feed(frame[:at] + new + frame[at + len(old) :]) & native.MALFORMED
        assert e.state(0) == (STALE, MALFORMED)
        assert (native.NEED_RESYNC, MALFORMED) in events(e)


@pytest.mark.parametrize("venue", list(SHAPES))
def test_wrong_types(venue: str) -> None:
    frame = orjson.loads(SHAPES[venue]())
    body = {
        "deribit": lambda f: f["params"]["data"],
        "okx": lambda f: f["data"][0],
        "binance": lambda f: f["data"],
        "bybit-linear": lambda f: f["data"],
    }[venue](frame)
    for key in ("bids", "asks", "b", "a", "change_id", "u", "U", "seqId"):
        if key not in body:
            continue
        wrongs: list[object] = [{}, "x", [1], [[]], [[{}]], True, [["new"]], -1.5]
        for wrong in wrongs:
            kept = body[key]
            body[key] = wrong
            with engine(venue, ring_slots=64, instruments=2) as e:
                c = prepared(e, venue)
                assert c.feed(compact(frame)) & native.MALFORMED, (key, wrong)
                assert e.state(0) == (STALE, MALFORMED)
            body[key] = kept


@pytest.mark.parametrize("venue", list(SHAPES))
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False))
def test_any_key_order_and_white_space(venue: str, rng: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            rows = [(k, shuffled(v)) for k, v in value.items()] + [(f"zz{rng.random()}", [1, {}])]
            rng.shuffle(rows)
            return dict(rows)
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    frame = support.spaced(shuffled(orjson.loads(SHAPES[venue]())), rng)
    with engine(venue, ring_slots=64, instruments=2) as e:
        c = prepared(e, venue)
        assert not c.feed(frame) & (native.MALFORMED | native.UNKNOWN), (e.last_error(), frame)
        assert e.state(0) == (LIVE, 0)
        bids, asks = support.engine_book(e, 0)
        assert Decimal("98.5") in bids
        assert len(asks) == 1


@pytest.mark.parametrize("venue", list(SHAPES))
@settings(max_examples=300)
@given(
    edits=st.lists(st.tuples(st.integers(0, 2**16), st.binary(max_size=2)), min_size=1, max_size=3)
)
def test_mutations_are_malformed_exactly_when_not_json(
    venue: str, edits: list[tuple[int, bytes]]
) -> None:
    frame = SHAPES[venue]()
    for where, what in edits:
        at = where % (len(frame) + 1)
        frame = frame[:at] + what + frame[at + where % 3 :]
    try:
        orjson.loads(frame)
        valid = True
    except orjson.JSONDecodeError:
        valid = False
    with engine(venue, ring_slots=64, instruments=4) as e:
        result = prepared(e, venue).feed(frame)
        assert valid or support.past_a_double(frame) or result & native.MALFORMED


def test_set_state_and_refusals() -> None:
    with engine("deribit", instruments=2) as e:
        c = started(e)
        with pytest.raises(ValueError, match="LIVE"):
            e.set_state(0, LIVE, 0)
        e.set_state(0, CLOSED, 13)
        c.feed(deribit_book(20, bids=BIDS, asks=ASKS, kind="snapshot"))
        assert e.state(0) == (CLOSED, 13)
        assert e.add_instrument("BTC-PERPETUAL") == 0
        with pytest.raises(ValueError, match="bytes"):
            e.add_instrument("X" * 64)
        with pytest.raises(ValueError, match="exponent"):
            e.add_instrument("Y", price_exponent=-19)
        e.add_instrument("Y")
        with pytest.raises(MemoryError):
            e.add_instrument("Z")
        with pytest.raises(KeyError):
            e.instrument_id("Z")
        with pytest.raises(IndexError):
            e.state(77)
        assert e.activity().shape[0] == 2
    with pytest.raises(ValueError, match="binance, bybit, deribit, okx"), engine("deribit") as e:
        native.Engine(object(), "nope", rule=0, base=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["U", "u"])
def test_the_greatest_number_has_none_after_it(field: str) -> None:
    with support.engine("binance") as e:
        delta = support.binance_depth(1, 2, bids=[["1", "1"]])
        e.connection(0).feed(delta)
        top = str(2**63 - 1)
        body = b'{"lastUpdateId":%b,"bids":[["1","2"]],"asks":[]}' % top.encode()
        assert e.snapshot(0, body) & native.MALFORMED
        wrong = delta.replace(f'"{field}":{1 if field == "U" else 2}'.encode(),
                              f'"{field}":{top}'.encode())  # fmt: skip
        assert wrong != delta
        assert e.connection(0).feed(wrong) & native.MALFORMED
