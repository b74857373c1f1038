"""What venues say of an instrument while it is carried: its status, its terms, its end.

The oracle is the simulator's order, in the venue's own words; books are judged by its own book.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import shm
from feedhandler.view.status import venue_status
from shm import Change, Kind, NotLive, Reason, State, Status
from tests.feed.fault_table import row
from tests.kit.patience import SLACK_S
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, RingBooks, assert_true_book, rig, until

ALL = SYMBOLS | MORE_SYMBOLS
STREAMED = ("deribit", "okx")
REFRESH_S = 1.0
#: a word of each venue for what is not open, and what it means
CLOSED_WORDS = {
    "deribit": ("locked", Status.CANCEL_ONLY),
    "okx": ("suspend", Status.HALTED),
    "binance": ("BREAK", Status.HALTED),
    "binance-usdm": ("SETTLING", Status.SETTLING),
    "bybit-linear": ("Delivering", Status.SETTLING),
    "bybit-spot": ("PreLaunch", Status.PRE_OPEN),
}


@contextmanager
def running(venue: str, refresh_s: float = REFRESH_S, **more: Any) -> Iterator[tuple[Rig, Any]]:
    """The venue with both of its books LIVE."""
    with rig(venue, rate=400.0) as r:
        r.change(venue, refresh_s=refresh_s, **more)
        r.io_process(venue)
        feed = r.attach(venue)
        yield r, feed


def definitions(events: shm.Events, symbol: int) -> list[tuple[int, int, int]]:
    """(definition, status, changes) of the records about one instrument."""
    found = []
    while (batch := events.poll()) is not None:
        found += [
            (int(one["aux"]), int(one["price"]), int(one["size"]))
            for one in batch
            if one["kind"] == Kind.DEFINITION and one["instrument"] == symbol
        ]
    return found


@pytest.mark.parametrize("venue", ALL)
def test_a_halt_reaches_readers_and_its_end(venue: str) -> None:
    halted, other = ALL[venue]
    word, status = CLOSED_WORDS[venue]
    its = row("instrument halted")
    streamed = venue in STREAMED
    with running(venue, 1000.0 if streamed else REFRESH_S) as (r, feed):
        sim, ring = r.sims[venue], RingBooks(feed)
        events = feed.events(kinds=["definition"])
        feed.require_live([halted, other])
        signs = "stream" if streamed else "list"
        sim.fault("restate", halted, word=word, signs=signs)
        began = time.monotonic()
        until(lambda: feed.quote(halted).status == status, f"{halted} is {status.name}")
        assert time.monotonic() - began < its.noticed_s(refresh_s=REFRESH_S) + SLACK_S
        quote, book = feed.quote(halted), feed.book(halted)
        assert quote.definition == book.definition == quote.instrument.definition
        assert (book.status, quote.instrument.status) == (status, status)
        assert quote.live  # the book is the venue's, and goes on
        assert not quote.tradable
        assert_true_book(sim, feed, halted)
        with pytest.raises(NotLive, match=f"{halted} is not open: {status.name}"):
            feed.require_live([halted, other])
        feed.require_live([other])
        told = venue_status(r.namespace, venue)
        assert told["state"] == "LIVE"
        until(
            lambda: "not open" in venue_status(r.namespace, venue)["detail"], "the detail says so"
        )
        sim.fault("restate", halted, word="on_holiday", signs=signs)
        until(lambda: feed.quote(halted).status == Status.UNKNOWN, "a word that nobody knows")
        assert not feed.quote(halted).tradable
        sim.fault("none")
        until(lambda: feed.quote(halted).tradable, f"{halted} is open again")
        feed.require_live([halted, other])
        said = definitions(events, feed.instrument(halted).id)
        assert [status for _, status, _ in said if status != Status.ACTIVE] == [status, 3]
        assert {changes for *_, changes in said} == {Change.STATUS}
        assert [number for number, *_ in said] == [*range(2, 2 + len(said))]
        assert said[-1][1] == Status.ACTIVE
        ring.catch_up()
        assert ring.states == {}  # no book has left LIVE for it


@pytest.mark.parametrize("venue", ALL)
def test_other_terms_reach_readers_in_one_piece(venue: str) -> None:
    its = row("tick, lot or contract size changes")
    symbol, other = ALL[venue]
    terms = {"tick": "0.0001", "lot": "0.5"} | ({"contract_size": "2"} if venue == "okx" else {})
    expected = Change.TICK | Change.LOT | (Change.CONTRACT_SIZE if venue == "okx" else 0)
    with running(venue) as (r, feed):
        held = feed.instrument(symbol)
        events, ring = feed.events(kinds=["definition"]), RingBooks(feed)
        began = time.monotonic()
        r.sims[venue].fault("redefine", symbol, signs="list", **terms)
        until(lambda: feed.changed(held), "its terms have changed")
        assert time.monotonic() - began < its.noticed_s(refresh_s=REFRESH_S) + SLACK_S
        assert definitions(events, held.id) == [(2, Status.ACTIVE, expected)]
        for cell in (feed.quote(held), feed.book(held)):
            assert cell.live
            assert cell.definition == cell.instrument.definition == 2
            assert (cell.instrument.tick, cell.instrument.lot) == (0.0001, 0.5)
        assert held.tick != 0.0001  # what was read stays what it was; `changed` says so
        assert not feed.changed(feed.instrument(symbol))
        assert not feed.changed(feed.instrument(other))
        assert_true_book(r.sims[venue], feed, symbol)
        ring.catch_up()
        assert ring.states == {}


@pytest.mark.parametrize("venue", ["deribit", "okx", "binance-usdm", "bybit-linear"])
def test_an_announced_end_is_known_before_it_comes(venue: str) -> None:
    its = row("delisting announced")
    symbol, other = ALL[venue]
    with running(venue) as (r, feed):
        ring = RingBooks(feed)
        assert feed.instrument(symbol).expiry_ns == 0
        r.sims[venue].fault("delist_at", symbol, end_after=4.0)
        ends = time.time_ns() + 4_000_000_000
        until(lambda: feed.quote(symbol).instrument.expiry_ns, "its end is known", 3.9)
        assert abs(feed.instrument(symbol).expiry_ns - ends) < 2_000_000_000
        feed.require_live([symbol, other])  # until then it trades

        def closed() -> bool:
            return bool(feed.quote(symbol).state == State.CLOSED)

        until(closed, "it is closed")
        assert time.time_ns() >= ends - 2_000_000_000
        quote = feed.quote(symbol)
        assert (quote.reason, quote.status) == (Reason.EXPIRED, Status.EXPIRED)
        ring.catch_up()
        assert ring.of(symbol)[-1] == its.sees[-1]
        assert ring.of(other) == []
        r.sims[venue]._ask("list", {"symbol": symbol})
        until(lambda: feed.quote(symbol).tradable, "listed again, it is carried again")


@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_what_is_halted_may_be_silent_and_costs_nobody_anything(venue: str) -> None:
    halted, other = ALL[venue]
    word, status = CLOSED_WORDS[venue]
    settings = {"rhythm_floor_s": 1.5, "rhythm_ceiling_s": 1.5}
    with running(venue, **settings) as (r, feed):
        sim, ring = r.sims[venue], RingBooks(feed)
        number = sim.fault("restate", halted, word=word, quiet=True)
        until(lambda: feed.quote(halted).status == status, "it is halted")
        connections = sim.stats()["connections"]
        quiet_since = feed.book(halted).receive_ns
        until(lambda: feed.quote(other).receive_ns - quiet_since > 4_000_000_000, "a long silence")
        assert sim.stats()["connections"] == connections
        sim.fault("none", id=number)
        until(lambda: feed.quote(halted).tradable, "it is open again")
        assert_true_book(sim, feed, halted)
        ring.catch_up()
        assert ring.of(other) == []
        assert sim.stats()["connections"] == connections


@pytest.mark.parametrize("venue", ["binance", "bybit-linear"])
def test_silence_has_the_list_asked_where_nothing_else_tells(venue: str) -> None:
    symbol = ALL[venue][0]
    word, status = CLOSED_WORDS[venue]
    settings = {"rhythm_floor_s": 1.5, "rhythm_ceiling_s": 1.5}
    with running(venue, 1000.0, **settings) as (r, feed):
        r.sims[venue].fault("restate", symbol, word=word, quiet=True)
        until(lambda: feed.quote(symbol).status == status, "the list was asked", 25.0)
        until(lambda: feed.book(ALL[venue][1]).live, "the other one speaks")  # a busy host: silent
        feed.require_live([ALL[venue][1]])
