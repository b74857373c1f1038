"""What goes wrong besides: noticed in time, said with its reason, healed."""

import time
from pathlib import Path

import numpy as np

import shm
from feedhandler.view.status import venue_status
from shm import State
from shm._native import DTYPES
from shm.object_names import data_name
from tests.kit.followed import assert_same_end
from tests.kit.rig import SYMBOLS, Rig, RingBooks, assert_true_book, rig, until


def grown(r: Rig, venue: str, seconds: float) -> None:
    """Wait until the writer is this old."""

    def old_enough() -> bool:
        return bool(venue_status(r.namespace, venue)["uptime_ns"] > seconds * 1e9)

    until(old_enough, f"{venue} has run for {seconds:g} s")


def test_books_that_never_moved_are_asked_for_one_by_one() -> None:
    """All of them silent past the ceiling at once: a market that stands still, no dead socket."""
    symbols = ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC-25DEC26", "ETH-25DEC26", "BTC-26MAR27")
    with rig("deribit", paused=True) as r:
        r.change("deribit", instruments=symbols, rhythm_floor_s=1.0, rhythm_ceiling_s=2.0)
        r.io_process("deribit")
        feed = r.attach("deribit")
        ring = RingBooks(feed)

        def asked() -> bool:
            ring.catch_up()
            return all(ring.of(symbol)[-1:] == [("LIVE", "NONE")] for symbol in symbols)

        until(asked, "each was resubscribed, and is LIVE again")
        counters = venue_status(r.namespace, "deribit")["counters"]
        assert counters["resubscribes"] >= len(symbols)
        assert counters["disconnects"] == 0
        for symbol in symbols[:2]:
            assert ring.of(symbol)[0] == ("STALE", "SUBSCRIPTION")
            assert_true_book(r.sims["deribit"], feed, symbol)


def test_heartbeats_are_answered_and_round_trips_measured() -> None:
    """Deribit asks every second, Binance pings every half, and both cut who does not answer."""
    venues = ("deribit", "binance")
    with rig(*venues, heartbeat_scale=0.05, ping_interval=0.5, pong_timeout=4.0) as r:
        for venue in venues:
            r.io_process(venue)
        rings = {venue: RingBooks(r.attach(venue)) for venue in venues}
        for venue in venues:
            grown(r, venue, 6.0)
            rings[venue].catch_up()
            assert rings[venue].states == {}
            assert r.sims[venue].stats()["connections"] == 1
            assert round_trips(r.namespace, venue) > 0


def round_trips(namespace: str, venue: str) -> int:
    """The last round trip in the connection table, in ns."""
    with shm.attach(venue, namespace=namespace) as feed:
        raw = Path("/dev/shm", data_name(namespace, venue, feed.epoch)[1:]).read_bytes()
    header = np.frombuffer(raw, dtype=DTYPES["header"], count=1)[0]
    start = int(header["connections"]["offset"])
    copy = int(np.frombuffer(raw, dtype=np.uint64, count=1, offset=start)[0]) & 1
    at = start + 64 + copy * DTYPES["connection"].itemsize
    return int(np.frombuffer(raw, dtype=DTYPES["connection"], count=1, offset=at)[0]["rtt_ns"])


def test_5000_updates_a_second_without_a_loss() -> None:
    """10 s: books at marked sequences, and rebuilt by the ring alone."""
    symbols = SYMBOLS["deribit"]
    with rig("deribit", rate=5000.0) as r:
        r.io_process("deribit")
        feed = r.attach("deribit")
        sim = r.sims["deribit"]
        ring = RingBooks(feed, "oldest")
        end = time.monotonic() + 10.0
        marked = 0
        next_mark = time.monotonic()
        latest, updates = end + 60, 0
        while time.monotonic() < (end if updates > 30_000 else latest):
            if not ring.poll():
                ring.events.wait(0.01)
            if time.monotonic() >= next_mark:
                next_mark += 2.0
                updates = sim.stats()["updates"]
                for symbol in symbols:
                    assert_true_book(sim, feed, symbol)
                    marked += 1
        assert marked >= 4
        sim.pause()
        updates = sim.stats()["updates"]
        assert updates > 30_000
        for symbol in symbols:
            assert_same_end(sim, feed, ring, symbol)
        assert ring.events.lost == 0
        assert ring.states == {}
        counters = venue_status(r.namespace, "deribit")["counters"]
        assert counters["gaps"] == counters["malformed"] == counters["resyncs"] == 0
        assert feed.quote(symbols[0]).state == State.LIVE
        assert ring.records > updates / 20
