"""One fault on several venues at once: noticed, said and healed as its row of the table promises.

What is measured is what readers see: times are those of the STATE records in the ring, against the
simulator's own record of when the fault was in force.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import shm
from feedhandler import venues
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.shared_budget import ENVIRONMENT
from feedhandler.view.status import venue_status
from shm import State
from shm.inspect import open_memory
from tests.feed.fault_table import Row
from tests.kit.patience import CROWDED, SLACK_S
from tests.kit.rig import Rig, RingBooks, Sim, assert_true_book, end, until

Said = list[tuple[str, str]]  #: (state, reason)
LIVE = ("LIVE", "NONE")
SILENCE_S = 4.0 if CROWDED else 2.0  #: of feeds that are to notice one


@dataclass
class Watched:
    """One venue under test."""

    venue: str
    symbols: tuple[str, ...]
    feed: shm.Feed
    ring: RingBooks
    sim: Sim
    process: subprocess.Popen[bytes]
    r: Rig

    def rest_earned(self, snapshots: int = 4) -> None:
        """Wait until the host's REST budget has so many snapshots again: tests before have spent
        it, and waiting for it is no fault."""
        venue = venues.load(self.venue)
        budget = venue_budgets.rest(self.r.config.venues[self.venue].rest_url, venue.limits)
        request = venue.snapshot_request(self.symbols[0])
        if request is not None:
            weight = snapshots * request.weight
            until(lambda: budget.available(time.monotonic()) >= weight, "the REST budget is earned")

    def said(self, symbol: str) -> Said:
        """(state, reason) since `forget`."""
        self.ring.catch_up()
        return self.ring.of(symbol)

    def forget(self) -> None:
        """What was so far is not news."""
        self.ring.catch_up()
        self.ring.states.clear()
        self.ring.stamps.clear()

    def stamps(self, symbol: str) -> list[int]:
        """When each state of `said` was published, unix ns."""
        return self.ring.stamps.get(self.feed.instrument(symbol).id, [])

    def counter(self, name: str) -> int:
        return int(venue_status(self.r.namespace, self.venue)["counters"][name])

    def until(
        self, condition: Callable[[Watched], bool], what: str, promised: float = 10.0
    ) -> None:
        """Wait for it; `promised`: seconds, to which slack comes."""
        until(lambda: condition(self), f"{self.venue}: {what}", promised + SLACK_S)

    def connection(self) -> dict[str, Any]:
        """The first row of the connection table."""
        with open_memory(self.venue, namespace=self.r.namespace) as memory:
            return memory.connections()[0]

    def affords_snapshot(self) -> bool:
        """Whether its REST budget has room for one now: else what needs one says RATE_LIMIT."""
        venue = venues.load(self.venue)
        request = venue.snapshot_request(self.symbols[0])
        if request is None:
            return True
        budget = venue_budgets.rest(self.r.config.venues[self.venue].rest_url, venue.limits)
        return budget.wait(time.monotonic(), request.weight) <= 0

    @property
    def detail(self) -> str:
        """What the first connection says of itself."""
        return str(self.connection()["detail"])


@contextmanager
def watched(
    r: Rig, symbols: Mapping[str, tuple[str, ...]], **config: Any
) -> Iterator[list[Watched]]:
    """A fresh feed of each venue, LIVE, with budgets of its own; all faults are over afterwards."""
    before, name = os.environ[ENVIRONMENT], f"test-outage-{uuid4().hex[:12]}"
    os.environ[ENVIRONMENT] = name
    processes = []
    try:
        for venue, chosen in symbols.items():
            r.change(venue, instruments=chosen, silence_s=SILENCE_S, **config)
            processes.append(r.io_process(venue))
        found = []
        for (venue, chosen), process in zip(symbols.items(), processes, strict=True):
            feed = r.attach(venue, 30.0)
            found.append(Watched(venue, chosen, feed, RingBooks(feed), r.sims[venue], process, r))
        yield found
    finally:
        for venue in symbols:
            r.sims[venue].fault("none")
            r.sims[venue].resume()
        for process in processes:
            end(process)
        os.environ[ENVIRONMENT] = before
        Path("/dev/shm", name).unlink(missing_ok=True)


def undergo(
    its: Row,
    all_watched: Sequence[Watched],
    *orders: Mapping[str, Any],
    ends: bool = False,
    only: int | None = None,
) -> None:
    """Order a fault everywhere; it is seen in time, and healed in time after its end.

    `orders`: of which the last one is what is seen. `ends`: they end by themselves, else they are
    ended when they were seen. `only`: the one symbol, by its place, that they are about.
    """
    began = {}
    for each in all_watched:
        each.forget()
        for order in orders:
            named = {} if only is None else {"symbol": each.symbols[only]}
            began[each.venue] = each.sim.told(each.sim.fault(**order, **named))["began_ns"]
    for each in all_watched:
        promised = its.noticed_s(silence_s=SILENCE_S)
        for symbol in _met(each, only):
            _until(each, symbol, lambda said: bool(said), "it is noticed", promised)
            assert each.said(symbol)[0] == its.sees[0], (its.fault, each.venue, symbol)
            noticed(its, each, symbol, began[each.venue])
    over = dict(began)
    if not ends:
        for each in all_watched:
            each.sim.fault("none")
            over[each.venue] = each.sim.stats()["faults"][-1]["began_ns"]
    for each in all_watched:
        healed(its, each, over[each.venue], only)


def noticed(its: Row, each: Watched, symbol: str, began_ns: int, **settings: float) -> None:
    """It was said in time."""
    took = (each.stamps(symbol)[0] - began_ns) / 1e9
    promised = its.noticed_s(silence_s=SILENCE_S, **settings)
    _within(each, symbol, f"{its.fault}: noticed", took, promised)


def healed(
    its: Row,
    each: Watched,
    over_ns: int,
    only: int | None = None,
    alone: bool = True,
    besides: tuple[tuple[str, str], ...] = (),
    **settings: float,
) -> None:
    """The books are LIVE and right again, in time; those that were not met never were anything
    else, if the fault was `alone`. `besides`: what another fault adds to what is seen. `settings`:
    what the row's bound names."""
    promised = its.healed_s(silence_s=SILENCE_S, **settings)
    for symbol in _met(each, only):
        _until(each, symbol, lambda said: said[-1:] == [LIVE], "it is LIVE again", promised)
        took = (each.stamps(symbol)[-1] - over_ns) / 1e9
        _within(each, symbol, f"{its.fault}: healed", took, promised)
        sees = (*its.sees, *besides)
        assert _in_order(each.said(symbol)[:-1], sees), (its.fault, each.said(symbol))
    for symbol in each.symbols:
        assert_true_book(each.sim, each.feed, symbol)
        if alone and symbol not in _met(each, only):
            assert each.said(symbol) == []


def unnoticed(its: Row, each: Watched) -> None:
    """Every book is right, and no reader saw anything but LIVE."""
    assert its.sees == ()
    for symbol in each.symbols:
        assert_true_book(each.sim, each.feed, symbol)
        assert each.said(symbol) == [], (its.fault, each.venue)
        assert each.feed.quote(symbol).state == State.LIVE


def _until(
    each: Watched, symbol: str, condition: Callable[[Said], bool], what: str, promised: float
) -> None:
    try:
        until(lambda: condition(each.said(symbol)), what, promised + SLACK_S + 10)
    except AssertionError as error:
        raise AssertionError(f"{each.venue} {symbol}: {error}; {each.said(symbol)}") from None


def _met(each: Watched, only: int | None) -> tuple[str, ...]:
    return each.symbols if only is None else (each.symbols[only],)


def _in_order(said: Said, sees: tuple[tuple[str, str], ...]) -> bool:
    """Only states of the row, beginning with its first one. LIVE in between: a fault that struck
    again."""
    return said[:1] == [sees[0]] and set(said) <= {*sees, LIVE}


def _within(each: Watched, symbol: str, what: str, took: float, promised: float) -> None:
    print(f"{what}: {each.venue} {symbol} after {took:.2f} s of {promised:g} s")
    assert took <= promised + SLACK_S, (what, each.venue, symbol, took, promised)
