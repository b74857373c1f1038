"""Trades, quotes and statistics from frames of exact shapes."""

from __future__ import annotations

import math

import pytest

from feedhandler.engine import _engine as native
from feedhandler.instruments.universe import spoke

from .support import (
    binance_depth,
    compact,
    deribit,
    engine,
    memory,
    okx,
    okx_book,
)

LIVE = 2
TRADE, LIQUIDATION, QUOTE, STAT = 3, 4, 5, 6


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


def test_okx_numbers_may_be_zero() -> None:
    """At the very first, and after a reset that is not lower than none."""
    levels = {"bids": [["99", "1", "0", "1"]], "asks": [["101", "1", "0", "1"]]}
    with engine("okx", checksum=None) as e:
        c = e.connection(0)
        row = levels | {"ts": "1700000000000", "checksum": 0, "prevSeqId": -1, "seqId": 0}
        c.feed(okx("books", [row], action="snapshot"))
        for seq, previous in ((5, 0), (0, 5), (0, 0), (3, 0)):
            assert not c.feed(okx_book(seq, previous, bids=[[f"9{seq}", "1"]])) & native.MALFORMED
            assert (e.state(0), e.book(0)[2]) == ((LIVE, 0), seq)


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


def test_what_is_said_of_an_index_is_no_sign_of_those_that_follow_it() -> None:
    """One that is listed no more is over once it is silent, though its index is told on and on."""
    with engine("okx", auto_add=False) as e:
        c = e.connection(0)
        for symbol in ("O1", "O2"):
            e.follow(e.add_instrument(symbol, price_exponent=-4, has_book=False), "BTC-USD")
        index = okx("index-tickers", [{"instId": "BTC-USD", "idxPx": "9", "ts": "1"}], "BTC-USD")
        assert c.feed(index, 5_000_000_000) & native.DATA
        assert [memory(e).quote(row)["index"] for row in range(2)] == [9.0, 9.0]
        assert spoke(e.activity())[:2] == [0, 0]
        c.feed(okx("mark-price", [{"instId": "O2", "markPx": "36", "ts": "1"}], "O2"), 7)
        assert spoke(e.activity())[:2] == [0, 7]
