"""Trades, quotes and bars of the past, from the ring: what there is, and what is missing."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

import shm
from shm import Kind, Side
from shm._native import Writer
from shm.history.times import span_ns
from tests.shm.conftest import EXPONENTS, Create

S = 10**9
NOW = time.time_ns()


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of this test: the file may have been read minutes ago."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", time.time_ns())


def start(create: Create, venue: str = "v", **geometry: Any) -> Writer:
    made = create(venue, **geometry).writer
    for symbol in "AB":
        made.directory_add({"symbol": symbol, **EXPONENTS})
    return made


@pytest.fixture
def writer(create: Create) -> Writer:
    return start(create, ring_slots=256)


@pytest.fixture
def feed(namespace: str, writer: Writer) -> shm.Feed:
    assert writer.instruments == 2
    return shm.attach("v", namespace=namespace)


def trade(
    writer: Writer, ago_s: float, price: int = 100, size: int = 1000, *, row: int = 0,
    side: int = Side.BUY, id_: int = 7, kind: int = Kind.TRADE, **more: Any,
) -> int:  # fmt: skip
    """A trade that was received so long ago; its record."""
    at = NOW - int(ago_s * S)
    more = {"receive_ns": at, "exchange_ns": at - 5_000_000, "venue_sequence": id_, **more}
    return writer.message(row, [(kind, side, price, size)], **more)


def test_the_last_minutes_of_trades(writer: Writer, feed: shm.Feed) -> None:
    for ago in (400, 280, 10, 1):
        trade(writer, ago, price=int(ago * 100), side=Side.SELL)
        writer.message(0, [(Kind.LEVEL, 0, 1, 1)], receive_ns=NOW - ago * S)
    writer.publish()
    for last in ("5m", "300s", "0.5m 270s", timedelta(minutes=5), np.timedelta64(5, "m")):
        found = feed.trades(last)
        assert found["price"].tolist() == [280.0, 10.0, 1.0], last
    assert found["size"].tolist() == [1.0, 1.0, 1.0]
    assert set(found["side"]) == {Side.SELL}
    assert set(found["epoch"]) == {feed.epoch}
    assert found["sequence"].tolist() == [4, 6, 8]
    assert found["price_scaled"].tolist() == [28000, 1000, 100]
    assert (found["receive_ns"] - found["exchange_ns"]).tolist() == [5_000_000] * 3
    assert found["symbol"].tolist() == ["A"] * 3
    assert found.symbols == ["A"]
    assert found["receive_time"][0] == np.datetime64(NOW - 280 * S, "ns")
    assert len(feed.trades()) == 4
    assert feed.trades().complete


def test_when_is_said_in_many_ways(writer: Writer, feed: shm.Feed) -> None:
    for ago in (50, 40, 30, 20, 10):
        trade(writer, ago, price=ago * 100)
    writer.publish()
    at = datetime.fromtimestamp(NOW // S, UTC) - timedelta(seconds=35)
    ns = (NOW // S - 35) * S
    ways: tuple[Any, ...] = (at, at.isoformat(), ns, np.datetime64(ns, "ns"), f"{at:%FT%TZ}")
    for when in ways:
        assert feed.trades(start=when)["price"].tolist() == [30, 20, 10], when
        assert feed.trades(end=when)["price"].tolist() == [50, 40], when
        assert feed.trades(2, end=when)["price"].tolist() == [50, 40], when
        assert feed.trades(1, end=when)["price"].tolist() == [40], when
    assert feed.trades(2)["price"].tolist() == [20, 10]
    assert feed.trades("12s", end=at)["price"].tolist() == [40]
    assert len(feed.trades(start="-1h", end="-1ms")) == 5


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"last": "5 months"}, "a length of time is a number with ns"),
        ({"last": "m"}, "'m': a length"),
        ({"last": "5"}, "'5': a length"),
        ({"last": ""}, "'': a length"),
        ({"last": "-5m"}, "above 0"),
        ({"last": 1.5}, "1.5: a length"),
        ({"last": 0}, "a number of rows is above 0"),
        ({"last": timedelta(0)}, "above 0"),
        ({"start": 1.7e9}, "it is no time"),
        ({"start": 1_700_000_000}, "unix ns have 19 digits"),
        ({"start": "yesterday"}, "it is no time. A time is unix ns"),
        ({"start": "2026-11-30T10:00:00"}, "add Z"),
        ({"start": datetime(2026, 11, 30)}, "tzinfo"),
        ({"end": "-1 fortnight"}, "end='-1 fortnight'"),
        ({"last": "1m", "start": "-5m"}, "one of them"),
        ({"start": "-1m", "end": "-5m"}, "before start"),
    ],
)
def test_a_time_that_is_none(feed: shm.Feed, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        feed.trades(**asked)


def test_lengths_of_time() -> None:
    for text, ns in (
        ("250ms", 250_000_000), ("1h30m", 5400 * S), ("2 days", 172_800 * S), ("3us", 3000),
        ("1.5s", 1_500_000_000), ("5 min", 300 * S), ("7ns", 7), ("1 hour 1 second", 3601 * S),
    ):  # fmt: skip
        assert span_ns(text) == ns


def test_instruments(create: Create, namespace: str, writer: Writer, feed: shm.Feed) -> None:
    start(create, "w")
    of_another_venue = shm.attach("w", namespace=namespace).instrument("A")
    for row in (0, 1, 0):
        trade(writer, 5, row=row)
    writer.publish()
    assert feed.trades("1m", "B")["symbol"].tolist() == ["B"]
    assert len(feed.trades("1m", [feed.instrument("A")])) == 2
    assert feed.trades("1m", ["A", "B"])["symbol"].tolist() == ["A", "B", "A"]
    assert len(feed.trades("1m", [])) == 0
    with pytest.raises(shm.UnknownInstrument, match="no instrument 'C' among 2"):
        feed.trades("1m", "C")
    with pytest.raises(shm.UnknownInstrument, match="not v"):
        feed.trades("1m", [of_another_venue])


def test_orders_of_liquidation_are_no_trades(writer: Writer, feed: shm.Feed) -> None:
    trade(writer, 3, 300)
    trade(writer, 2, 200, kind=Kind.LIQUIDATION)
    trade(writer, 1, 100, kind=Kind.LIQUIDATION, id_=0)
    writer.publish()
    assert feed.trades("1m")["price"].tolist() == [3, 2]
    assert feed.trades(1)["price"].tolist() == [2]
    assert feed.liquidations("1m")["price"].tolist() == [2, 1]
    assert feed.trades("1m")["kind"].tolist() == [Kind.TRADE, Kind.LIQUIDATION]


def test_quotes_are_a_row_each(writer: Writer, feed: shm.Feed) -> None:
    for ago in (2, 1):
        sides = [(Kind.QUOTE, 0, 100 + ago, 1000), (Kind.QUOTE, 1, 200 + ago, 2000)]
        writer.message(0, sides, receive_ns=NOW - ago * S, venue_sequence=ago)
    none = [(Kind.QUOTE, 0, shm.NONE, 0), (Kind.QUOTE, 1, 300, 0)]
    writer.message(1, none, receive_ns=NOW)
    writer.publish()
    found = feed.quotes("1m", "A")
    assert found["bid"].tolist() == [1.02, 1.01]
    assert found["ask"].tolist() == [2.02, 2.01]
    assert found["bid_size"].tolist() == [1.0, 1.0]
    assert found["ask_scaled"].tolist() == [202, 201]
    assert set(found["source"]) == {shm.Source.QUOTE}
    assert feed.quotes(1)["symbol"].tolist() == ["B"]
    assert np.isnan(feed.quotes(1)["bid"][0])
    assert np.isnan(feed.quotes(1)["bid_size"][0])
    assert feed.quotes(2)["venue_sequence"].tolist() == [1, 0]


def test_what_the_ring_does_not_reach_is_missing(writer: Writer, feed: shm.Feed) -> None:
    segment = feed.segment
    assert segment is not None
    first = segment.created_ns
    for n in range(300):
        at = first + n * S
        writer.message(0, [(Kind.TRADE, 0, n, 1)], receive_ns=at)
    writer.publish()
    found = feed.trades(start=first + 60 * S)  # of records 1 to 301 the first 45 are gone
    assert len(found) == 240
    assert found.complete
    assert "; complete>" in repr(found)
    found = feed.trades(start=first + 10 * S)
    assert len(found) == 256
    (hole,) = found.missing
    assert hole.reason == "the ring does not reach further back"
    assert (hole.from_ns, hole.to_ns) == (first + 10 * S, found["receive_ns"][0])
    assert hole.count is None  # some of what was overwritten is of before
    assert not found.complete
    assert "NOT complete" in repr(found)
    before, hole = feed.trades(start=first - S).missing
    assert before.reason == "it was before this writer began"
    assert (before.from_ns, before.to_ns) == (first - S, first)
    assert (hole.first, hole.last, hole.count) == (1, 45, 45)  # record 1 says that it starts
    (short,) = feed.trades(1000).missing
    assert (short.from_ns, short.to_ns) == (None, found["receive_ns"][0])
    assert feed.trades(256).complete
    (hole,) = feed.trades(start=first + 5 * S, end=first + 20 * S).missing
    assert hole.to_ns == first + 20 * S


def test_a_ring_that_is_whole_begins_with_its_writer(feed: shm.Feed) -> None:
    found = feed.trades("1h")
    (hole,) = found.missing
    assert hole.reason == "it was before this writer began"
    assert feed.segment is not None
    assert hole.to_ns == feed.segment.created_ns


def test_it_is_found_whatever_the_clock_did(create: Create, namespace: str) -> None:
    """A clock that was set forward or back, and what waited in a buffer."""
    writer = start(create, "big", ring_slots=1 << 14)
    now = time.time_ns()
    rng = np.random.default_rng(7)
    expected = []
    clock = now - 3000 * S
    for n in range(9000):
        clock += S // 3
        if n == 3000:
            clock -= 900 * S
        if n == 6000:
            clock += 850 * S
        late = int(rng.integers(3) == 0) * int(rng.integers(1, 4 * S))
        writer.message(0, [(Kind.TRADE, 0, n, 1)], receive_ns=clock - late)
        expected.append(clock - late)
    writer.publish()
    feed = shm.attach("big", namespace=namespace)
    times = np.array(expected)
    for ago in rng.integers(0, 4000, 50):
        since = now - int(ago) * S
        found = feed.trades(start=since)
        assert found["price_scaled"].tolist() == np.flatnonzero(times >= since).tolist()
        assert feed.trades(start=since, end=since + 60 * S)["price_scaled"].tolist() == (
            np.flatnonzero((times >= since) & (times < since + 60 * S)).tolist()
        )
