"""Records say when the venue sent their message, beside when it was so."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

import shm
from shm import Kind
from tests.engine import support

NOW = 1_800_000_000_000_000_000
MS = NOW // 10**6

FRAMES: list[tuple[str, dict[str, Any]]] = [
    ("btcusdt@depth@100ms", {"e": "depthUpdate", "E": MS + 7, "T": MS, "s": "BTCUSDT",
                             "U": 2, "u": 2, "pu": 1, "b": [["10", "1"]], "a": []}),
    ("btcusdt@bookTicker", {"e": "bookTicker", "u": 3, "E": MS + 3, "T": MS, "s": "BTCUSDT",
                            "b": "10", "B": "1", "a": "11", "A": "1"}),
    ("btcusdt@aggTrade", {"e": "aggTrade", "E": MS - 2, "s": "BTCUSDT", "a": 5, "p": "10",
                          "q": "1", "f": 1, "l": 1, "T": MS, "m": False}),
    ("btcusdt@markPrice@1s", {"e": "markPriceUpdate", "E": MS, "s": "BTCUSDT", "p": "10",
                              "i": "10", "P": "10", "r": "0.1", "T": MS}),
]  # fmt: skip


def records() -> Any:
    with support.engine("binance-usdm", depth=5, ring_slots=1024) as e:
        row = e.add_instrument("BTCUSDT", price_exponent=0, size_exponent=0)
        book = {"lastUpdateId": 1, "E": MS + 1, "T": MS, "bids": [["9", "1"]], "asks": []}
        feed = e.connection(0).feed
        for stream, data in FRAMES:
            feed(support.compact({"stream": stream, "data": data}), NOW)
        e.snapshot(row, orjson.dumps(book), NOW)
        return np.array(support.memory(e).slots())


def test_microseconds_from_when_it_was_so_to_when_it_was_sent() -> None:
    found = records()
    sent = {Kind.CLEAR: {1}, Kind.LEVEL: {1, 7}, Kind.QUOTE: {3}, Kind.TRADE: {-2}}
    for kind, after in sent.items():
        its = found[found["kind"] == kind]
        assert set(its["aux"].astype(np.int32).tolist()) == {1000 * ms for ms in after}, kind
        assert set(shm.sent_ns(its).tolist()) == {(MS + ms) * 10**6 for ms in after}, kind


def test_what_aux_says_of_others_is_no_time() -> None:
    found = records()
    stats = found[found["kind"] == Kind.STAT]
    assert {shm.Stat.MARK, shm.Stat.INDEX, shm.Stat.FUNDING} <= set(stats["aux"].tolist())
    others = found[found["kind"] > Kind.QUOTE]
    assert len(others) > len(stats) > 0
    assert not shm.sent_ns(others).any()


def test_a_venue_that_says_one_time_says_no_other() -> None:
    with support.engine("deribit", depth=5, ring_slots=1024) as e:
        e.add_instrument("BTC-PERPETUAL", price_exponent=0, size_exponent=0)
        e.connection(0).feed(
            support.deribit_book(1, bids=[["new", 9.0, 1.0]], kind="snapshot"), NOW
        )
        its = np.array(support.memory(e).slots())
    assert (its["kind"] == Kind.LEVEL).any()
    assert not its["aux"].any()
    assert not shm.sent_ns(its).any()
