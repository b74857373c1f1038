"""Each venue end to end: what another process reads is what the venue has."""

import signal
from typing import Any

import pytest

from feedhandler.view.status import venue_status
from shm import Counter, NoSuchVenue, State
from tests.kit.followed import assert_same_end
from tests.kit.rig import SYMBOLS, RingBooks, assert_true_book, rig, until

VENUES = tuple(SYMBOLS)


@pytest.mark.parametrize("venue", VENUES)
def test_books_equal_the_venues_and_nothing_stays_behind(venue: str) -> None:
    with rig(venue) as r:
        process = r.io_process(venue)
        feed = r.attach(venue)
        sim = r.sims[venue]
        ring = RingBooks(feed, "oldest")
        seen = set()

        def moves() -> bool:
            for symbol in SYMBOLS[venue]:
                seen.add((symbol, assert_true_book(sim, feed, symbol)))
            return len(seen) >= 4 * len(SYMBOLS[venue])

        until(moves, "books move, and are right")
        sim.pause()
        for symbol in SYMBOLS[venue]:
            assert_same_end(sim, feed, ring, symbol)
        assert ring.events.lost == 0
        quote = feed.quote(SYMBOLS[venue][0])
        assert quote.state == State.LIVE
        process.send_signal(signal.SIGTERM)
        assert process.wait(45) == 0
        assert r.left() == []
        assert ring.of(SYMBOLS[venue][0]) == []  # LIVE all the time that we read


def test_binance_snapshot_older_than_the_stream_is_fetched_again() -> None:
    late, other = SYMBOLS["binance"]
    with rig("binance", rate=200.0) as r:
        r.sims["binance"].fault("stale", late, updates=10**9)  # as old as it knows
        r.io_process("binance")

        def stale() -> bool:
            found = status(r.namespace, "binance")
            return bool(found and found["counters"]["stale_snapshots"] >= 2)

        until(stale, "stale snapshots are noticed")
        assert status(r.namespace, "binance")["state"] == "SYNCING"
        r.sims["binance"].fault("stale", late, updates=0)
        feed = r.attach("binance")
        assert_true_book(r.sims["binance"], feed, late)
        assert_true_book(r.sims["binance"], feed, other)


def test_okx_without_a_snapshot_in_the_stream_joins_from_rest() -> None:
    with rig("okx", stream_snapshot=False) as r:
        r.io_process("okx")
        feed = r.attach("okx")
        found = status(r.namespace, "okx")
        assert found["counters"][Counter.REST_REQUESTS.name.lower()] >= 2 + len(SYMBOLS["okx"])
        for symbol in SYMBOLS["okx"]:
            assert_true_book(r.sims["okx"], feed, symbol)


def status(namespace: str, venue: str) -> dict[str, Any]:
    """Empty until there is one."""
    try:
        return venue_status(namespace, venue)
    except NoSuchVenue:
        return {}
