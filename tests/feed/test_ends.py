"""Instruments that end while the others trade, on old venues and on declared ones: CLOSED for the
right reason, told as a record, and not one other book, connection or channel is touched."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import shm
from shm import Change, Counter, Kind, NotLive, Reason, State, Status
from tests.kit.rig import RingBooks, Sim, rig, until

REFRESH_S = 1.0
CLOSED = (State.CLOSED, Reason.EXPIRED)
#: by a stream, by the list; numbered, by checksum, by whole books
DELISTED = (
    "deribit", "okx", "binance", "bybit-linear", "kraken", "kraken-futures", "kucoin-futures",
    "hyperliquid", "bitmex", "gate",
)  # fmt: skip
#: venue -> a pattern of dated contracts
DATED = {
    "deribit": "option:BTC-USD:*",
    "okx": "option:BTC-USD:*",
    "kucoin-futures": "future:*",
    "bitmex": "future:*",
    "bybit-option": "option:*",
    "binance-options": "option:*",
}
#: what may be said of a subscription that has fallen silent, before a list says why
SILENCE = {("STALE", "SUBSCRIPTION"), ("STALE", "REJECTED"), ("SYNCING", "SUBSCRIPTION")}
HARM = (
    Counter.GAPS, Counter.MALFORMED, Counter.CROSSED, Counter.CHECKSUM_BAD, Counter.DISCONNECTS,
)  # fmt: skip


@contextmanager
def running(venue: str, **settings: Any) -> Iterator[tuple[Sim, shm.Feed, RingBooks]]:
    with rig(venue, rate=200.0, depth=40) as r:
        r.change(venue, refresh_s=REFRESH_S, **settings)
        r.io_process(venue)
        feed = r.attach(venue)
        r.connected(venue)
        yield r.sims[venue], feed, RingBooks(feed)


def harm(feed: shm.Feed) -> list[int]:
    assert feed.segment is not None
    counters = feed.segment.counters()
    return [counters[counter] for counter in HARM]


def state_of(feed: shm.Feed, symbol: str) -> tuple[State, Reason]:
    quote = feed.quote(feed.instrument(symbol))
    return quote.state, quote.reason


def definitions(events: shm.Events, its: int) -> list[tuple[int, int]]:
    """(status, changes) of the records about one instrument."""
    found = []
    while (batch := events.poll()) is not None:
        found += [
            (int(one["price"]), int(one["size"]))
            for one in batch
            if one["kind"] == Kind.DEFINITION and one["instrument"] == its
        ]
    return found


def assert_over(feed: shm.Feed, gone: str, ring: RingBooks, events: shm.Events) -> None:
    """It is closed wherever a reader looks, and nothing else has changed its state."""
    its = feed.instrument(gone)
    for cell in (feed.quote(its), feed.book(its)):
        assert (cell.state, cell.reason, cell.status) == (*CLOSED, Status.EXPIRED)
        assert not cell.live
        assert not cell.tradable
    with pytest.raises(NotLive, match=f"{gone} is CLOSED"):
        feed.require_live([gone])
    row = feed.board()[its.id]
    assert (row["state"], row["status"]) == (State.CLOSED, Status.EXPIRED)
    status, changes = definitions(events, its.id)[-1]
    assert status == Status.EXPIRED
    assert changes & Change.STATUS
    others = [one.symbol for one in feed.instruments() if one.symbol != gone]
    feed.require_live(others)
    feed.require_live()  # all that it still carries
    ring.catch_up()
    *before, last = ring.of(gone)
    assert last == ("CLOSED", "EXPIRED")
    assert set(before) <= SILENCE
    assert set(ring.states) == {its.id}
    assert ring.connection_states == []


def assert_they_trade_on(sim: Sim, feed: shm.Feed, gone: str) -> None:
    others = [one for one in feed.instruments() if one.symbol != gone]
    before = {one.id: feed.book(one).receive_ns for one in others}
    goal = sim.stats()["updates"] + 100
    until(lambda: bool(sim.stats()["updates"] >= goal), "the market went on")
    until(
        lambda: any(feed.book(one).receive_ns > before[one.id] for one in others),
        "books of the others move",
    )


@pytest.mark.parametrize("venue", DELISTED)
def test_a_delisting_closes_one_book_and_costs_no_other_anything(venue: str) -> None:
    with running(venue) as (sim, feed, ring):
        events = feed.events(kinds=["definition"])
        gone = feed.instruments()[1].symbol
        hurt, connections = harm(feed), sim.stats()["connections"]
        sim._ask("expire", {"symbol": gone})
        until(lambda: state_of(feed, gone) == CLOSED, f"{gone} is over")
        assert_they_trade_on(sim, feed, gone)
        assert_over(feed, gone, ring, events)
        assert harm(feed) == hurt
        assert sim.stats()["connections"] == connections
        sim._ask("list", {"symbol": gone})
        until(lambda: feed.quote(feed.instrument(gone)).tradable, "listed again, it trades again")
        its = feed.instrument(gone)
        assert definitions(events, its.id)[-1][0] == Status.ACTIVE
        assert feed.book(its).definition == its.definition
        ring.catch_up()
        assert set(ring.states) == {its.id}


@pytest.mark.parametrize("venue", DATED)
def test_a_dated_contract_ends_with_its_date(venue: str) -> None:
    """Its list says when; nobody says that it came true."""
    with running(venue, instruments=(DATED[venue],)) as (sim, feed, ring):
        events = feed.events(kinds=["definition"])
        gone = feed.instruments()[0].symbol
        hurt = harm(feed)
        sim.fault("delist_at", gone, end_after=6.0)
        ends = time.time_ns() + 6 * 10**9
        until(lambda: abs(feed.instrument(gone).expiry_ns - ends) < 2 * 10**9, "its end is known")
        assert state_of(feed, gone)[0] == State.LIVE  # until then
        assert math.isfinite(feed.quote(feed.instrument(gone)).bid)
        until(lambda: state_of(feed, gone) == CLOSED, f"{gone} is over")
        assert time.time_ns() >= ends - 10**9
        assert_they_trade_on(sim, feed, gone)
        assert_over(feed, gone, ring, events)
        assert harm(feed) == hurt
