"""Bars of trades, against a plain reading of the same trades."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

import shm
from shm import Kind
from tests.shm.conftest import EXPONENTS, Create

S = 10**9


@pytest.fixture
def feed(create: Create, namespace: str) -> shm.Feed:
    """Trades of three instruments over half a minute, up to now."""
    writer = create(ring_slots=1 << 12).writer
    for symbol in "ABC":
        writer.directory_add({"symbol": symbol, **EXPONENTS})
    rng = np.random.default_rng(3)
    at = time.time_ns() - 30 * S
    for n in range(1000):
        at += int(rng.integers(59_000_000))
        row, side = int(rng.integers(3)), int(rng.integers(2))
        price, size = 10_000 + int(rng.integers(-50, 50)), int(rng.integers(1, 5000))
        writer.message(
            row, [(Kind.TRADE, side, price, size)], receive_ns=at, exchange_ns=at - 800_000_000,
            venue_sequence=n + 1,
        )  # fmt: skip
    writer.publish()
    writer.heartbeat()
    return shm.attach("v", namespace=namespace)


def plain(trades: shm.Trades, length: int, field: str) -> dict[tuple[int, str], dict[str, Any]]:
    """By (when it begins, symbol)."""
    found = defaultdict(list)
    for row, symbol in zip(trades, trades["symbol"], strict=True):
        found[int(row[field]) // length * length, symbol].append(row)
    bars = {}
    for key, rows in found.items():
        prices, sizes = [row["price"] for row in rows], [row["size"] for row in rows]
        bars[key] = {
            "open": prices[0],
            "close": prices[-1],
            "high": max(prices),
            "low": min(prices),
            "count": len(rows),
            "volume": sum(sizes),
            "buy_volume": sum(row["size"] for row in rows if row["side"] == shm.Side.BUY),
            "vwap": sum(p * s for p, s in zip(prices, sizes, strict=True)) / sum(sizes),
        }
    return bars


@pytest.mark.parametrize("by", ["receive", "exchange"])
def test_bars_are_those_of_the_trades(feed: shm.Feed, by: Any) -> None:
    trades = feed.trades()
    bars = feed.bars("2s", by=by)
    expected = plain(trades, 2 * S, f"{by}_ns")
    assert bars.interval_ns == 2 * S
    assert list(zip(bars["start_ns"].tolist(), bars["symbol"], strict=True)) == sorted(expected)
    for row, symbol in zip(bars, bars["symbol"], strict=True):
        one = expected[int(row["start_ns"]), symbol]
        for name, value in one.items():
            assert math.isclose(row[name], value, rel_tol=1e-12), (name, symbol)


def test_the_first_bar_is_whole_and_the_last_says_that_it_is_not(feed: shm.Feed) -> None:
    now = time.time_ns()
    bars = feed.bars("4s", "9s", "A")
    assert bars["start_ns"][0] == (now - 9 * S) // (4 * S) * 4 * S
    assert bars.complete
    assert (
        bars["whole"].tolist() == [start + 4 * S <= now for start in bars["start_ns"].tolist()]
        or time.time_ns() > bars["start_ns"][-1] + 4 * S
    )
    assert len(feed.bars("1s", 5, "A")) <= 5
    ends = feed.bars("1s", 5, "A", end="-10s")
    assert 1 <= len(ends) <= 5
    assert ends["start_ns"][-1] <= time.time_ns() - 10 * S


def test_a_bar_in_which_something_is_missing_is_not_whole(feed: shm.Feed) -> None:
    bars = feed.bars("10s", "1h", "A")
    assert not bars.complete  # the writer began half a minute ago
    begins = bars.missing[0].to_ns
    assert begins is not None
    for row in bars:
        over = row["start_ns"] + 10 * S <= time.time_ns()
        assert row["whole"] == (row["start_ns"] > begins and over)


def test_empty_bars(feed: shm.Feed) -> None:
    there = feed.bars("10ms", "20s", "A")
    every = feed.bars("10ms", "20s", "A", empty=True)
    assert np.diff(every["start_ns"]).tolist() == [10_000_000] * (len(every) - 1)
    assert len(every) >= 2000
    traded = every["count"] > 0
    assert traded.sum() in range(len(there) - 2, len(there) + 1)  # time goes on in between
    assert np.isnan(every["open"][~traded]).all()
    assert (every["volume"][~traded] == 0).all()
    nobody = feed.bars("1s", "5s", "C", start=None, end="-100s", empty=True)
    assert len(nobody) >= 5
    assert set(nobody["symbol"]) == {"C"}
    assert not nobody["count"].any()


def test_what_is_no_bar(feed: shm.Feed) -> None:
    with pytest.raises(ValueError, match="interval='1 month': a length of time"):
        feed.bars("1 month")
    with pytest.raises(ValueError, match='"receive" or "exchange"'):
        feed.bars("1s", by="venue")  # type: ignore[arg-type]
    assert len(feed.bars("1s", "1s", end="-100s")) == 0
