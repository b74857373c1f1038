"""What goes wrong besides: noticed in time, said with its reason, healed."""

import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import shm
from feedhandler.status import venue_status
from shm import State
from shm._native import DTYPES
from shm.segment import data_name
from tests.io.rig import SYMBOLS, Rig, RingBooks, assert_true_book, rig, until


def live_again(ring: RingBooks, *symbols: str) -> bool:
    ring.catch_up()
    return all(ring.of(symbol)[-1:] == [("LIVE", "NONE")] for symbol in symbols)


def grown(r: Rig, venue: str, seconds: float) -> None:
    """Wait until the writer is this old."""

    def old_enough() -> bool:
        return bool(venue_status(r.namespace, venue)["uptime_ns"] > seconds * 1e9)

    until(old_enough, f"{venue} has run for {seconds:g} s")


@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_open_socket_without_a_byte_is_noticed_in_time(venue: str) -> None:
    with rig(venue) as r:
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed)
        began = time.monotonic()
        r.sims[venue].fault("silence")

        def silent() -> bool:
            ring.catch_up()
            return all(ring.of(symbol)[:1] == [("STALE", "SILENT")] for symbol in SYMBOLS[venue])

        until(silent, "books are STALE(SILENT)")
        assert 1.0 < time.monotonic() - began < 3.5  # silence_s is 2 here
        r.sims[venue].fault("unsilence")
        until(lambda: live_again(ring, *SYMBOLS[venue]), "LIVE again")
        assert_true_book(r.sims[venue], feed, SYMBOLS[venue][0])


def test_dead_subscription_is_told_from_a_dead_socket() -> None:
    venues = ("deribit", "binance")
    with rig(*venues) as r:
        for venue in venues:
            r.change(venue, rhythm_floor_s=2.0)
            r.io_process(venue)
        feeds = {venue: r.attach(venue) for venue in venues}
        rings = {venue: RingBooks(feed) for venue, feed in feeds.items()}
        for venue in venues:
            grown(r, venue, 8.0)  # its rhythm is known
        for venue in venues:
            r.sims[venue].fault("silence", SYMBOLS[venue][0])

        def suspected() -> bool:
            for ring in rings.values():
                ring.catch_up()
            return all(ring.of(SYMBOLS[venue][0]) for venue, ring in rings.items())

        until(suspected, "the silent books are suspected", 20)
        for venue in venues:
            dead, other = SYMBOLS[venue]
            assert rings[venue].of(dead)[0] == ("STALE", "SUBSCRIPTION")
            assert rings[venue].of(other) == []
            r.sims[venue].fault("unsilence", dead)
        for venue in venues:
            dead = SYMBOLS[venue][0]
            until(partial(live_again, rings[venue], dead), "LIVE again", 30)
            assert_true_book(r.sims[venue], feeds[venue], dead)


def test_garbage_harms_nothing() -> None:
    with rig(*SYMBOLS) as r:
        for venue in SYMBOLS:
            r.io_process(venue)
        for venue in SYMBOLS:
            feed = r.attach(venue)
            ring = RingBooks(feed)
            r.sims[venue].fault("garbage")

            def counted(venue: str = venue) -> bool:
                return bool(venue_status(r.namespace, venue)["counters"]["malformed"] >= 1)

            until(counted, "it is counted")
            for symbol in SYMBOLS[venue]:
                assert_true_book(r.sims[venue], feed, symbol)
            ring.catch_up()
            assert ring.states == {}


@pytest.mark.parametrize("venue", SYMBOLS)
def test_crossed_book_is_never_live(venue: str) -> None:
    crossed, other = SYMBOLS[venue]
    with rig(venue) as r:
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed)
        r.sims[venue].fault("crossed", crossed)
        until(lambda: live_again(ring, crossed), "LIVE again")
        assert ring.of(crossed)[0] == ("CROSSED", "CROSSED")
        assert_true_book(r.sims[venue], feed, crossed)
        assert ring.of(other) == []


@pytest.mark.parametrize("venue", SYMBOLS)
def test_duplicates_change_nothing(venue: str) -> None:
    with rig(venue) as r:
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed)
        r.sims[venue].fault("duplicate", SYMBOLS[venue][0], count=5)

        def counted() -> bool:
            return bool(venue_status(r.namespace, venue)["counters"]["duplicates"] >= 5)

        until(counted, "they are counted")
        assert_true_book(r.sims[venue], feed, SYMBOLS[venue][0])
        ring.catch_up()
        assert ring.states == {}


def test_heartbeats_are_answered_and_round_trips_measured() -> None:
    """Deribit asks every second, Binance pings every half, and both cut who does not answer."""
    venues = ("deribit", "binance")
    with rig(*venues, heartbeat_scale=0.05, ping_interval=0.5, pong_timeout=1.5) as r:
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
    """20 s: books at marked sequences, and rebuilt by the ring alone."""
    symbols = SYMBOLS["deribit"]
    with rig("deribit", rate=5000.0) as r:
        r.io_process("deribit")
        feed = r.attach("deribit")
        sim = r.sims["deribit"]
        ring = RingBooks(feed, "oldest")
        end = time.monotonic() + 20.0
        marked = 0
        next_mark = time.monotonic()
        while time.monotonic() < end:
            if not ring.poll():
                ring.events.wait(0.01)
            if time.monotonic() >= next_mark:
                next_mark += 2.0
                for symbol in symbols:
                    assert_true_book(sim, feed, symbol)
                    marked += 1
        assert marked >= 16
        sim.pause()
        updates = sim.stats()["updates"]
        assert updates > 80_000  # a machine that is busy with other things falls a little behind
        for symbol in symbols:
            truth = sim.book(symbol)
            assert truth is not None
            row = feed.instrument(symbol).id

            def there(row: int = row, sequence: int = truth[0]) -> bool:
                ring.catch_up()
                return ring.sequence.get(row) == sequence

            until(there, f"{symbol} at the last sequence")
            assert ring.levels(symbol) == truth[1:]
            assert_true_book(sim, feed, symbol)
        assert ring.events.lost == 0
        assert ring.states == {}
        counters = venue_status(r.namespace, "deribit")["counters"]
        assert counters["gaps"] == counters["malformed"] == counters["resyncs"] == 0
        assert feed.quote(symbols[0]).state == State.LIVE
        assert ring.records > updates / 20
