"""An answer whose prices are not the instrument's, with a number that its stream reaches."""

from __future__ import annotations

from decimal import Decimal
from time import time_ns
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from shm import Reason, State

from .support import compact, engine, engine_book, memory, okx

NOW_MS = time_ns() // 1_000_000
OWN = (("89999.5", "1"), ("90000.5", "2"))
OTHER = (("2999.5", "1"), ("3000.5", "2"))
NEAR = (("60000", "1"), ("60001", "2"))


@pytest.fixture(autouse=True)
def today() -> None:
    """Prices of more than a minute ago say nothing: the time is not that of the import."""
    globals()["NOW_MS"] = time_ns() // 1_000_000


def said_by(venue: str, what: str) -> bytes:
    """The message that tells of the instrument's price, at NOW_MS."""
    if venue == "okx":
        row: dict[str, Any] = {"instId": "BTC-USDT", "ts": str(NOW_MS)}
        if what == "mark":
            return okx("mark-price", [row | {"instType": "SPOT", "markPx": "90000"}])
        trade = {"tradeId": "7", "px": "90000", "sz": "1", "side": "buy"}
        return okx("trades", [row | trade])
    if what == "quote":
        best = {"u": 90, "s": "BTCUSDT", "b": "89999.5", "B": "1", "a": "90000.5", "A": "2"}
        return compact({"stream": "btcusdt@bookTicker", "data": best})
    event = {"e": "trade", "E": NOW_MS, "s": "BTCUSDT", "t": 7, "p": "90000", "q": "1"}
    return compact(event | {"T": NOW_MS, "m": True})


def answer(venue: str, levels: Any) -> bytes:
    bid, ask = levels
    if venue == "okx":
        book = {"asks": [[*ask, "0", "1"]], "bids": [[*bid, "0", "1"]], "ts": "5", "seqId": 100}
        return compact({"code": "0", "data": [book]})
    return compact({"lastUpdateId": 100, "bids": [bid], "asks": [ask]})


def delta(venue: str) -> bytes:
    """What follows the answer, and crosses nothing."""
    if venue == "okx":
        book = {
            "asks": [["99999", "0", "0", "0"]],
            "bids": [],
            "ts": "5",
            "seqId": 101,
            "prevSeqId": 100,
        }
        return okx("books", [book], action="update")
    return compact({"e": "depthUpdate", "E": NOW_MS, "s": "BTCUSDT", "U": 101, "u": 101,
                    "b": [], "a": [["99999", "0"]]})  # fmt: skip


REFERENCES = [("okx", "mark"), ("okx", "trade"), ("binance", "quote"), ("binance", "trade")]


@pytest.mark.parametrize(("venue", "what"), REFERENCES)
def test_what_messages_of_the_instrument_contradict_is_not_shown(venue: str, what: str) -> None:
    with engine(venue, rest_join=True) as e:
        e.add_instrument("BTC-USDT" if venue == "okx" else "BTCUSDT")
        c, m = e.connection(0), memory(e)
        c.feed(said_by(venue, what), NOW_MS * 1_000_000)
        c.feed(delta(venue), NOW_MS * 1_000_000)
        e.attention()
        m.records()
        e.snapshot(0, answer(venue, OTHER))
        assert native.FOREIGN in [event for _, event, _ in e.attention()]
        assert e.state(0)[0] != State.LIVE
        assert m.records() == []
        e.snapshot(0, answer(venue, OWN))
        assert e.state(0) == (State.LIVE, Reason.NONE)
        assert engine_book(e, 0)[0] == {Decimal("89999.5"): Decimal(1)}


@pytest.mark.parametrize("venue", ["okx", "binance"])
@pytest.mark.parametrize("levels", [OWN, NEAR])
def test_what_is_near_is_believed(venue: str, levels: Any) -> None:
    with engine(venue, rest_join=True) as e:
        e.add_instrument("BTC-USDT" if venue == "okx" else "BTCUSDT")
        e.connection(0).feed(said_by(venue, "trade"), NOW_MS * 1_000_000)
        e.connection(0).feed(delta(venue))
        e.snapshot(0, answer(venue, levels))
        assert e.state(0) == (State.LIVE, Reason.NONE)


@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_a_price_of_long_ago_contradicts_nothing(venue: str) -> None:
    with engine(venue, rest_join=True) as e:
        e.add_instrument("BTC-USDT" if venue == "okx" else "BTCUSDT")
        frame = said_by(venue, "trade").replace(str(NOW_MS).encode(), str(NOW_MS - 90_000).encode())
        e.connection(0).feed(frame)
        e.connection(0).feed(delta(venue))
        e.snapshot(0, answer(venue, OTHER))
        assert e.state(0) == (State.LIVE, Reason.NONE)
