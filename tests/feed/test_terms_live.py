"""Terms that a venue changes while it trades, over every venue: each status by its word, a word
that nobody knows, tick, lot and contract size. A record and another definition each time; no book,
no connection and no other instrument is touched; what is over is CLOSED."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError

import pytest

import shm
from feedhandler import venues
from shm import Change, Kind, Reason, State, Status
from tests.kit.rig import RingBooks, Sim, rig, until

#: by a stream with all terms, by a list, by a flag of its rows; the others take minutes together
ALWAYS = ("okx", "bybit-inverse", "cryptocom")
#: what is listed there is open
SILENT = {"bitfinex", "hyperliquid"}
ODD = "NOBODY_KNOWS_IT"
OVER = (State.CLOSED, Reason.EXPIRED)
FIELDS = {"tick": Change.TICK, "lot": Change.LOT, "contract_size": Change.CONTRACT_SIZE}
#: what may be said of books of what takes no orders: silence means nothing then
QUIET = {("STALE", "SUBSCRIPTION"), ("STALE", "REJECTED"), ("STALE", "NO_DATA")}


def _each() -> list[Any]:
    soak = pytest.mark.soak
    return [one if one in ALWAYS else pytest.param(one, marks=soak) for one in venues.names()]


class Watch:
    """One instrument's definitions, by records and by what the directory and the cells say."""

    def __init__(self, feed: shm.Feed, symbol: str) -> None:
        self.feed, self.symbol = feed, symbol
        self.events = feed.events(kinds=["definition"])
        self.number = feed.instrument(symbol).definition
        self.changes = Change(0)

    def take(self) -> None:
        """Each record is of the definition after the one before, and of ours."""
        while (batch := self.events.poll()) is not None:
            for one in batch:
                assert one["kind"] == Kind.DEFINITION
                if one["instrument"] != self.feed.instrument(self.symbol).id:
                    continue
                assert int(one["aux"]) == self.number + 1
                self.number = int(one["aux"])
                self.changes |= Change(int(one["size"]))

    def sees(self, change: Change, fits: Callable[[], bool], what: str) -> None:
        """Told by a record, and everywhere then."""
        self.changes = Change(0)

        def there() -> bool:
            self.take()
            return bool(self.changes & change) and fits()

        until(there, f"{self.symbol}: {what}")
        its = self.feed.instrument(self.symbol)
        for cell in (self.feed.quote(its), self.feed.book(its)):
            assert cell.definition >= self.number
            assert cell.instrument.definition >= cell.definition


def said(sim: Sim, kind: str, symbol: str, **terms: str) -> bool:
    """False: the venue's rows have no field for it."""
    try:
        sim.fault(kind, symbol, **terms)
    except HTTPError as error:
        if error.code not in (400, 422):
            raise
        return False
    return True


def words(venue: str) -> dict[Status, str]:
    """Of each status that does not end it, one of the venue's words."""
    found: dict[Status, str] = {}
    for word, status in venues.load(venue).statuses.items():
        found.setdefault(status, word)
    return {status: word for status, word in found.items() if status is not Status.EXPIRED}


@pytest.mark.parametrize("venue", _each())
def test_terms_that_change_are_told_and_touch_nothing_else(venue: str) -> None:
    with rig(venue, rate=200.0, depth=40) as r:
        r.change(venue, refresh_s=1.0)
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        r.connected(venue)
        ring = RingBooks(feed)
        symbol = feed.instruments()[1].symbol
        watch = Watch(feed, symbol)
        statuses = {} if venue in SILENT else words(venue)
        others = {status: word for status, word in statuses.items() if status is not Status.ACTIVE}
        assert bool(others) == (venue not in SILENT)
        odd = {} if venue in SILENT else {Status.UNKNOWN: ODD}
        for status, word in (others | odd).items():
            if not said(sim, "restate", symbol, word=word):
                assert status is Status.UNKNOWN, word  # a flag has two words
                continue
            watch.sees(
                Change.STATUS,
                lambda status=status: feed.quote(symbol).status is status,  # type: ignore[misc]
                f"{word} is {status.name}",
            )
            assert not feed.quote(symbol).tradable
        if others:
            sim.fault("none")  # the venue's own word again
            until(lambda: feed.quote(symbol).status is Status.ACTIVE, "it trades again")
            watch.take()
        for field, change in FIELDS.items():
            old = Decimal(repr(getattr(feed.instrument(symbol), field)))
            new = old * 10
            if old and said(sim, "redefine", symbol, **{field: f"{new:f}"}):
                watch.sees(
                    change,
                    lambda f=field, n=new: getattr(feed.instrument(symbol), f) == float(n),  # type: ignore[misc]
                    f"{field} is {new}",
                )
        until(lambda: feed.quote(symbol).tradable, "its book is LIVE")
        ring.catch_up()
        its = feed.instrument(symbol).id
        assert set(ring.states) <= {its}
        assert {one for one in ring.of(symbol) if one[0] != "LIVE"} <= QUIET
        assert {state for state, _ in ring.connection_states} <= {State.LIVE}
        sim._ask("expire", {"symbol": symbol})

        def over() -> bool:
            quote = feed.quote(feed.instrument(symbol))
            return (quote.state, quote.reason) == OVER and quote.status is Status.EXPIRED

        until(over, f"{symbol} is over")
        ring.catch_up()
        assert set(ring.states) == {its}
        assert {state for state, _ in ring.connection_states} <= {State.LIVE}
        feed.require_live([one.symbol for one in feed.instruments() if one.symbol != symbol])
