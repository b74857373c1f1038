"""What somebody who reads the ring beside a feed has to find: every level, and every trade once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import shm
from feedhandler.connection.state import ConnectionState
from shm.inspect import open_memory
from tests.kit.patience import patient
from tests.kit.rig import Rig, RingBooks, Sim, assert_true_book, until

COUNTED_TRADES = ("okx", "binance")  #: venues that number the trades of an instrument one by one


def rows(r: Rig, venue: str) -> list[dict[str, Any]]:
    """The connection table's rows in use."""
    with open_memory(venue, namespace=r.namespace) as memory:
        found = memory.connections()
    return [row for row in found if row["state"] != ConnectionState.CLOSED]


def follow(ring: RingBooks, condition: Callable[[], bool], what: str, deadline_s: float) -> None:
    """Take in the ring until a condition holds; it is looked at ten times a second."""
    deadline_s = patient(deadline_s)
    end = time.monotonic() + deadline_s
    look = 0.0
    while True:
        if not ring.poll():
            ring.events.wait(0.01)
        now = time.monotonic()
        if now >= look:
            look = now + 0.1
            if condition():
                return
        assert now < end, f"not within {deadline_s:g} s: {what}"


def assert_same_end(sim: Sim, feed: shm.Feed, ring: RingBooks, symbol: str) -> None:
    """At the last sequence of a paused market: at full depth by the ring alone, and in the cell."""
    truth = sim.book(symbol)
    assert truth is not None
    row = feed.instrument(symbol).id

    def there() -> bool:
        ring.catch_up()
        return ring.sequence.get(row) == truth[0]

    until(there, f"{symbol} at the last sequence")
    assert ring.levels(symbol) == truth[1:]
    assert assert_true_book(sim, feed, symbol) == truth[0]


def assert_each_trade_once(ring: RingBooks, venue: str) -> None:
    """And none left out, where the venue numbers them."""
    for row, trades in ring.trades.items():
        assert len(trades) == len(set(trades))
        if venue in COUNTED_TRADES:
            assert sorted(trades) == list(range(min(trades), max(trades) + 1)), row
