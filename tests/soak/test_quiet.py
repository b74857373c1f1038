"""A thousand quiet instruments beside ten busy ones: nobody is suspected who is only quiet."""

from __future__ import annotations

import random
import time

import pytest

from feedhandler.view.status import venue_status
from shm import State
from tests.healing.test_rhythm import Market
from tests.kit.rig import SYMBOLS, RingBooks, assert_true_book, board_states, rig

QUIET, BUSY = 1000, 10
MINUTES = 5


@pytest.mark.parametrize("seed", [1, 2])
def test_by_a_clock_of_its_own(seed: int) -> None:
    """Half an hour in which the rhythms are learned, and the five minutes."""
    rng = random.Random(seed)
    market = Market(QUIET + BUSY)
    gaps = {row: rng.uniform(5.0, 60.0) for row in range(QUIET)}
    gaps |= {QUIET + row: 0.5 for row in range(BUSY)}
    assert market.run(1800 + MINUTES * 60, gaps, rng) == []


@pytest.mark.soak
def test_in_a_running_feed() -> None:
    """Nothing but data for five minutes, from Deribit's options most of which hardly trade."""
    with rig("deribit", instruments=QUIET + 2 * BUSY, rate=600.0) as r:
        r.change(
            "deribit",
            instruments=("perpetual:*", "future:*", "option:*"),
            channels=("book",),
            silence_s=5.0,
            audit_s=0.0,
        )
        r.io_process("deribit")
        feed = r.attach("deribit", 180.0)
        count = len(feed.instruments())
        assert count >= QUIET + BUSY
        ring = RingBooks(feed)
        heard: dict[int, int] = {}
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() < end:
            if not ring.poll():
                ring.events.wait(0.05)
            for row, times in ring.heard.items():
                heard[row] = heard.get(row, 0) + len(times)
            ring.heard.clear()
        busy = sorted(heard.values(), reverse=True)
        print(f"{count} instruments; messages in {MINUTES} minutes: the busiest {busy[:BUSY]}, "
              f"the median {busy[len(busy) // 2]}, none from {count - len(heard)}")  # fmt: skip
        assert ring.states == {}
        assert ring.connection_states == []
        assert board_states(feed) == {int(State.LIVE)}
        counters = venue_status(r.namespace, "deribit")["counters"]
        assert counters["resubscribes"] == counters["disconnects"] == counters["gaps"] == 0
        for symbol in SYMBOLS["deribit"]:
            assert_true_book(r.sims["deribit"], feed, symbol)
