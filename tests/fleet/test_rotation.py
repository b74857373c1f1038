"""Make before break, and two connections for each key: nothing is lost, doubled or not LIVE."""

from __future__ import annotations

import time

import pytest

import shm
from feedhandler.connection.state import ConnectionState
from feedhandler.view.status import venue_status
from shm.inspect import open_memory
from tests.feed import fault_table
from tests.kit.followed import assert_each_trade_once, assert_same_end, follow, rows
from tests.kit.rig import SYMBOLS, Rig, RingBooks, Sim, assert_true_book, rig, until


def cuts(r: Rig, venue: str) -> int:
    """Connections lost so far: by the rows, which tell the state of each as of the same moment."""
    return sum(int(row["disconnects"]) for row in rows(r, venue))


def assert_nothing_happened(r: Rig, venue: str, feed: shm.Feed, ring: RingBooks) -> None:
    """As seen by one who reads the ring: every level, every trade, and no state but LIVE."""
    sim = r.sims[venue]
    for symbol in SYMBOLS[venue]:
        assert_true_book(sim, feed, symbol)
    sim.pause()
    for symbol in SYMBOLS[venue]:
        assert_same_end(sim, feed, ring, symbol)
    assert ring.states == {}
    assert ring.events.lost == 0
    assert_each_trade_once(ring, venue)
    assert len(ring.trades) == len(SYMBOLS[venue])
    counters = venue_status(r.namespace, venue)["counters"]
    assert counters["gaps"] == counters["resyncs"] == counters["malformed"] == 0


@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_a_notice_of_a_restart_is_nothing_to_a_reader(venue: str) -> None:
    with rig(venue, rate=400.0) as r:
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed, "oldest")
        r.sims[venue].fault("shutdown", close_after=60.0)
        replaced = "the venue ends the session"

        def rotated() -> bool:
            with open_memory(venue, namespace=r.namespace) as memory:
                first = memory.connections()[0]
            return first["state"] == ConnectionState.CLOSED and replaced in first["detail"]

        follow(ring, rotated, "another connection is in its place", 12)
        assert_nothing_happened(r, venue, feed, ring)
        assert r.sims[venue].stats()["connections"] == 2
        assert [row["state"] for row in rows(r, venue)] == [ConnectionState.LIVE]
        status = venue_status(r.namespace, venue)
        assert status["counters"]["disconnects"] == 0
        assert status["connections"] == {"total": 1, "live": 1}
        assert fault_table.row("notice of a restart").sees == ()


@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_sessions_are_renewed_before_the_venue_ends_them(venue: str) -> None:
    with rig(venue, rate=400.0) as r:
        r.change(venue, lifetime_s=8.0, silence_s=10.0)
        r.io_process(venue)
        feed = r.attach(venue)
        r.sims[venue].fault("lifetime", age=20.0)  # a slow machine's renewal takes some seconds
        ring = RingBooks(feed, "oldest")
        first = rows(r, venue)[0]
        assert 0 < first["next_rotation_ns"] - first["connected_ns"] <= 5.7e9

        def renewed() -> bool:
            return bool(r.sims[venue].stats()["connections"] >= 4)

        follow(ring, renewed, "three renewals", 40)
        assert venue_status(r.namespace, venue)["counters"]["disconnects"] == 0  # none was cut
        assert_nothing_happened(r, venue, feed, ring)
        assert fault_table.row("session limit").sees == ()


BUSY = 5000.0  #: updates a second


def updates_a_second(sim: Sim, began: tuple[int, float]) -> float:
    """Since (updates, time)."""
    return float(sim.stats()["updates"] - began[0]) / (time.monotonic() - began[1])


def rotated(venue: str, times: int) -> None:
    """Rotations under load: 0 lost, 0 doubled, 0 books out of LIVE."""
    with rig(venue, rate=BUSY) as r:
        r.change(venue, lifetime_s=5.0, silence_s=10.0)
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        ring = RingBooks(feed, "oldest")
        began = sim.stats()["updates"], time.monotonic()

        def renewed() -> bool:
            return bool(sim.stats()["connections"] >= times + 1)

        follow(ring, renewed, f"{times} renewals", 15 + 8 * times)
        rate = updates_a_second(sim, began)
        assert_nothing_happened(r, venue, feed, ring)
        assert len({row["id"] for row in rows(r, venue)}) <= 2  # rows are taken again
        print(f"{venue}: {times} rotations at {rate:.0f} updates a second, {ring.records} records")


def test_rotations_at_5000_updates_a_second() -> None:
    rotated("deribit", 2)


@pytest.mark.soak
@pytest.mark.parametrize("venue", SYMBOLS)
def test_ten_rotations_at_5000_updates_a_second(venue: str) -> None:
    rotated(venue, 10)


def halved(venue: str, times: int) -> None:
    """One of two connections is cut each second, under load: as if nothing had happened."""
    with rig(venue, rate=BUSY) as r:
        r.change(venue, redundancy=2, silence_s=10.0)
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]

        def both() -> bool:
            return [row["state"] for row in rows(r, venue)] == [ConnectionState.LIVE] * 2

        until(both, "both connections are in step")
        ring = RingBooks(feed, "oldest")
        began = sim.stats()["updates"], time.monotonic()
        for cut in range(1, times + 1):
            at = time.monotonic()
            sim.fault("drop", count=1)  # the older one

            def dropped(cut: int = cut) -> bool:
                return cuts(r, venue) == cut

            follow(ring, dropped, "one is cut", 10)
            # Not both at once: what nobody brings is lost. The delays grow to 30 s otherwise.
            follow(ring, both, "both are in step again", 40)
            follow(ring, lambda at=at: time.monotonic() > at + 1, "a second is over", 5)  # type: ignore[misc]
        rate = updates_a_second(sim, began)
        assert_nothing_happened(r, venue, feed, ring)
        print(f"{venue}: {times} cuts at {rate:.0f} updates a second, {ring.records} records")


def test_one_of_two_is_cut_again_and_again_at_5000_updates_a_second() -> None:
    halved("deribit", 2)


@pytest.mark.soak
@pytest.mark.parametrize("venue", SYMBOLS)
def test_one_of_two_is_cut_twenty_times_at_5000_updates_a_second(venue: str) -> None:
    halved(venue, 20)


@pytest.mark.parametrize("venue", SYMBOLS)
def test_one_of_two_connections_may_drop_at_any_time(venue: str) -> None:
    with rig(venue, rate=400.0) as r:
        r.change(venue, redundancy=2, silence_s=10.0)
        r.io_process(venue)
        feed = r.attach(venue)

        def both() -> bool:
            states = [row["state"] for row in rows(r, venue)]
            return states == [ConnectionState.LIVE] * 2

        until(both, "both connections are in step")
        ring = RingBooks(feed, "oldest")
        for drops in range(1, 3):
            r.sims[venue].fault("drop", count=1)  # the older one

            def dropped(drops: int = drops) -> bool:
                return cuts(r, venue) == drops

            follow(ring, dropped, "one is cut", 10)
            follow(ring, both, "both are in step again", 20)
        follow(ring, lambda: sum(row["wins"] for row in rows(r, venue)) >= 30, "wins", 20)
        assert_nothing_happened(r, venue, feed, ring)
        assert fault_table.row("one of two connections cut").sees == ()
        assert venue_status(r.namespace, venue)["counters"]["duplicates"] >= 30
        for row in rows(r, venue):
            assert (row["lead_p50_ns"] > 0) == (row["wins"] > 0)


def test_a_quiet_book_is_as_safe_as_a_busy_one() -> None:
    """A market that stands still: books without a single update since their snapshot."""
    with rig("binance", paused=True) as r:
        symbol = SYMBOLS["binance"][0]
        r.change("binance", redundancy=2)
        r.io_process("binance")
        feed = r.attach("binance")

        def live() -> int:
            return sum(row["state"] == ConnectionState.LIVE for row in rows(r, "binance"))

        until(lambda: live() == 2, "both connections are in step")
        ring = RingBooks(feed)
        r.sims["binance"].fault("drop", count=1)

        def cut() -> bool:  # it may be back before anybody looks
            counters = venue_status(r.namespace, "binance")["counters"]
            return bool(counters["disconnects"] == 1)

        until(cut, "one is cut")
        until(lambda: live() == 2, "both connections are in step again")
        ring.catch_up()
        assert ring.states == {}
        r.sims["binance"].fault("drop")

        def stale() -> bool:
            ring.catch_up()
            return ring.of(symbol)[:1] == [("STALE", "DISCONNECTED")]

        until(stale, "without any connection they are stale")


def test_a_gap_that_both_connections_have_heals() -> None:
    with rig("binance", "okx") as r:
        for venue in r.sims:
            r.change(venue, redundancy=2, silence_s=10.0)
            r.io_process(venue)
        for venue, sim in r.sims.items():
            feed = r.attach(venue)

            def both(venue: str = venue) -> bool:
                states = [row["state"] for row in rows(r, venue)]
                return states == [ConnectionState.LIVE] * 2

            until(both, "both are in step: the snapshot of the second would fill the hole")
            ring = RingBooks(feed, "oldest")
            gapped, other = SYMBOLS[venue]
            sim.fault("gap", gapped)

            def healed(ring: RingBooks = ring, gapped: str = gapped) -> bool:
                ring.catch_up()
                return ring.of(gapped)[-1:] == [("LIVE", "NONE")]

            until(healed, "LIVE again")
            assert ring.of(gapped)[0] == ("STALE", "GAP")
            assert ring.of(other) == []
            assert_true_book(sim, feed, gapped)
