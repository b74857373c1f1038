"""Trades, quotes and statistics that come on several connections: each once, none goes back."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shm import Kind, Reason, State

from . import support

LIVE = (State.LIVE, Reason.NONE)
ASKS = [["101", "1"]]


def binance_trade(n: int) -> bytes:
    data = {"e": "trade", "E": 1700000000000, "s": "BTCUSDT", "t": n, "p": "100", "q": "1"}
    return support.compact({"stream": "x@trade", "data": data | {"T": 1700000000000, "m": True}})


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from((1, 30, 1500)))
def test_each_trade_is_published_once(seed: int, lag: int) -> None:
    rng = random.Random(seed)
    first, last = 5_000_000, 5_003_000 if lag > 1000 else 5_000_200
    frames = [binance_trade(n) for n in range(first, last)]
    with support.engine("binance", instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        # the second one begins later, and is read first
        alone = rng.randrange(100)
        ahead = [(1, frame) for frame in frames[alone : alone + lag]]
        rest = support.interleaved(rng, frames[alone:], lost=0.0, lag=lag)
        begun = set(ahead)
        rest = [each for each in rest if each not in begun]
        for index, frame in [*((0, f) for f in frames[: alone // 2]), *ahead,
                             *((0, f) for f in frames[alone // 2 : alone]), *rest]:  # fmt: skip
            e.connection(index).feed(frame)
        records = support.memory(e).records()
        trades = [r[6] for r in records if r[0] == Kind.TRADE]
        assert sorted(trades) == list(range(first, last))
        assert support.memory(e).quote(i)["last_price"] == 100


def test_trades_whose_ids_start_over_are_not_taken_for_old() -> None:
    with support.engine("binance", instruments=2) as e:
        e.add_instrument("BTCUSDT")
        for index in (0, 1):
            e.connection(index).feed(binance_trade(900_000_000))
        for n in (1, 2, 3):
            for index in (0, 1):
                e.connection(index).feed(binance_trade(n))
        trades = [r[6] for r in support.memory(e).records() if r[0] == Kind.TRADE]
        assert trades == [900_000_000, 1, 2, 3]


def numbered_quote(n: int) -> bytes:
    data = {"u": n, "s": "BTCUSDT", "b": "100", "B": str(n), "a": "101", "A": "1"}
    return support.compact({"stream": "x@bookTicker", "data": data})


def ticker(at: int, mark: float) -> bytes:
    data = {"timestamp": at, "instrument_name": "X", "mark_price": mark, "index_price": 5.0}
    return support.deribit("ticker.X.100ms", data)


def test_quotes_do_not_go_back() -> None:
    with support.engine("binance", instruments=2) as e:
        i = e.add_instrument("BTCUSDT", has_book=False)
        for index, n in ((0, 1), (1, 1), (1, 2), (0, 2), (0, 3), (0, 4), (1, 3), (1, 4), (1, 5)):
            e.connection(index).feed(numbered_quote(n))
        quotes = [r for r in support.memory(e).records() if r[0] == Kind.QUOTE and r[1] == 0]
        assert [r[6] for r in quotes] == [1, 2, 3, 4, 5]
        assert support.memory(e).quote(i)["bid_size"] == 5
        assert e.disconnected(1, Reason.DISCONNECTED) == []
        assert e.state(i) == LIVE
        assert e.disconnected(0, Reason.DISCONNECTED) == [i]


def test_statistics_do_not_go_back() -> None:
    with support.engine("deribit", instruments=2) as e:
        i = e.add_instrument("X", has_book=False)
        start = 1_700_000_000_000
        for index, n in ((0, 1), (0, 2), (1, 1), (1, 2), (1, 3), (0, 3), (0, 4)):
            e.connection(index).feed(ticker(start + n, float(n)))
        marks = [r for r in support.memory(e).records() if r[0] == Kind.STAT and r[2] < 5]
        assert len(marks) == 4
        assert support.memory(e).quote(i)["mark"] == 4.0
