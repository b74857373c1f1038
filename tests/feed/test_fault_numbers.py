"""Numbers that are wrong, unsaid or not the stream's: rows of the fault table, over all venues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import shm
from feedhandler.view.status import venue_status
from shm import Reason, Source, State
from tests.feed.fault_table import Row, row
from tests.kit.patience import SLACK_S
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, RingBooks, Sim, assert_true_book, rig, until

ALL = SYMBOLS | MORE_SYMBOLS
REQUESTS = ("binance", "binance-usdm")  # whose bases are asked for
QUOTED = {
    "binance": "btcusdt@bookTicker", "binance-usdm": "btcusdt@bookTicker",
    "bybit-linear": "orderbook.1.BTCUSDT",
    "bybit-spot": "orderbook.1.BTCUSDT",
}  # fmt: skip
DEPTH = {"binance": "btcusdt@depth@100ms", "binance-usdm": "btcusdt@depth@100ms"}
STREAMS = DEPTH | dict.fromkeys(("bybit-linear", "bybit-spot"), "orderbook.50.BTCUSDT")
LIVE = ("LIVE", "NONE")
FEW: dict[str, Any] = {"rate": 200.0}


def states(its: Row) -> set[tuple[str, str]]:
    return {*its.sees, LIVE}


@dataclass
class Run:
    """A LIVE feed of two books, with the quicker quotes; `met`: the book that is met."""

    venue: str
    r: Rig
    ring: RingBooks
    met: str
    other: str

    @property
    def sim(self) -> Sim:
        return self.r.sims[self.venue]


@pytest.fixture(scope="module")
def feed_of(request: pytest.FixtureRequest) -> Iterator[Run]:
    venue = str(request.param)
    met, other = ALL[venue][:2]
    channels = ("book", "quote") if venue in QUOTED else ("book",)
    with rig(venue, **FEW) as r:
        r.change(venue, instruments=(met, other), audit_s=0.0, channels=channels)
        r.io_process(venue)
        yield Run(venue, r, RingBooks(r.attach(venue)), met, other)


@pytest.fixture
def run(feed_of: Run) -> Iterator[Run]:
    """That, with nothing to tell of what was before."""
    ring = feed_of.ring
    until(lambda: feed_of.ring.feed.book(feed_of.met).live, "it is LIVE")
    ring.catch_up()
    ring.states.clear()
    yield feed_of
    feed_of.sim.fault("none")


def of(*venues: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("feed_of", venues, indirect=True)


def said(ring: RingBooks, symbol: str) -> list[tuple[str, str]]:
    ring.catch_up()
    return ring.of(symbol)


def until_said(
    ring: RingBooks, symbol: str, fits: Callable[[list[tuple[str, str]]], bool], bound: float
) -> None:
    until(lambda: fits(said(ring, symbol)), f"{symbol}: {said(ring, symbol)}", bound + SLACK_S)


def assert_noticed_and_healed(its: Row, run: Run) -> None:
    until_said(run.ring, run.met, lambda found: found[:1] == [its.sees[0]], its.noticed_s())
    until_said(run.ring, run.met, lambda found: found[-1:] == [LIVE], its.healed_s())
    assert set(said(run.ring, run.met)) <= states(its)
    assert_true_book(run.sim, run.ring.feed, run.met)
    assert said(run.ring, run.other) == []


@of(*ALL)
def test_a_number_far_ahead_in_a_book(run: Run) -> None:
    run.sim.fault("far", run.met)
    assert_noticed_and_healed(row("a number far ahead in a book"), run)


@of("bybit-linear", "bybit-spot")
def test_numbers_that_begin_anew_unsaid(run: Run) -> None:
    run.sim.fault("renumber", run.met, lost=True)
    assert_noticed_and_healed(row("numbers begin anew, unsaid"), run)


@of(*QUOTED)
def test_a_number_far_ahead_in_a_quote(run: Run) -> None:
    """It came, the book is shown again, and the quotes after it are believed: where the book is
    silent for once they stay ahead of it."""
    its = row("a number far ahead in a quote")
    sim, feed, met = run.sim, run.ring.feed, run.met
    quotes = feed.events(kinds=["quote"], raw=True)

    def came(least: int) -> bool:
        numbers = [0]
        while (batch := quotes.poll()) is not None:
            numbers.append(int(batch["venue_sequence"].max()))
        return max(numbers) > least

    def believed() -> bool:
        """False: that the book is silent was found before anybody looked."""
        far = feed.book(met).venue_sequence + 10**8
        sim.fault("far", channel=QUOTED[run.venue], ahead=10**9)
        until(lambda: came(far), "it came")
        healed_s = its.healed_s() + SLACK_S
        until(lambda: feed.quote(met).venue_sequence < far, "it is shown no more", healed_s)
        over_ns = feed.book(met).receive_ns
        until(lambda: feed.book(met).receive_ns > over_ns + 2 * 10**9, "the book goes on")
        assert_true_book(sim, feed, met)
        assert said(run.ring, met) == []
        silence = sim.fault("silence", channel=STREAMS[run.venue])
        ahead: list[int] = []

        def looked() -> bool:
            quote = feed.quote(met)
            if (quote.state, quote.source) == (State.LIVE, Source.QUOTE):
                ahead.append(quote.venue_sequence)
            return bool(ahead or said(run.ring, met))

        until(looked, "quotes go on")
        assert all(number < far for number in ahead)
        until(lambda: bool(sim.told(silence)["hits"]), "the book has missed something")
        sim.fault("none", id=silence)
        until(lambda: said(run.ring, met)[-1:] == [LIVE], "it is LIVE again")
        run.ring.states.clear()
        return bool(ahead)

    until(believed, "quotes are believed again")


@of(*REQUESTS)
def test_a_base_of_another_instrument(run: Run) -> None:
    """With a number that the stream is about to reach: its prices alone give it away."""
    its = row("a base of another instrument")
    sim, ring, met = run.sim, run.ring, run.met
    number = sim.fault("foreign", met, ahead=1)
    sim.fault("gap", met)
    until(lambda: sim.told(number)["hits"] > 1, "it is asked for again", 5 + SLACK_S)
    sim.fault("none")
    until_said(ring, met, lambda found: found[-1:] == [LIVE], its.healed_s())
    found = said(ring, met)
    assert found[0] == its.sees[0]
    assert found.count(LIVE) == 1
    assert_true_book(sim, ring.feed, met)
    assert said(ring, run.other) == []


@of(*REQUESTS)
def test_a_base_ahead_of_the_stream(run: Run) -> None:
    its = row("a base ahead of the stream")
    sim, ring, met = run.sim, run.ring, run.met
    number = sim.fault("foreign", met, prices="own")
    sim.fault("gap", met)
    until_said(ring, met, lambda found: its.sees[0] in found, 3.0)
    asked = sim.told(number)["hits"]
    until(lambda: sim.told(number)["hits"] > asked, "it is asked for again", 5 + SLACK_S)
    assert LIVE not in said(ring, met)
    assert ring.feed.book(met).state is State.SYNCING
    sim.fault("none")
    until_said(ring, met, lambda found: found[-1:] == [LIVE], its.healed_s())
    assert set(said(ring, met)) <= {*states(its), ("STALE", "GAP")}
    assert_true_book(sim, ring.feed, met)
    assert said(ring, run.other) == []


@pytest.mark.parametrize("venue", ["binance"])  # the others' way is the same
def test_a_stream_that_never_speaks(venue: str) -> None:
    its = row("a stream of changes that never speaks")
    met, other = ALL[venue][:2]
    with rig(venue, **FEW) as r:
        sim = r.sims[venue]
        number = sim.fault("silence", channel=DEPTH[venue])
        r.change(venue, instruments=(met, other), audit_s=0.0)
        r.io_process(venue)
        feed = until(lambda: attached(r, venue), "both are listed")
        ring = RingBooks(feed, "oldest")
        until(lambda: feed.book(other).live, "the other one is LIVE")

        def resubscribed() -> bool:
            assert not feed.book(met).live
            return bool(venue_status(r.namespace, venue)["counters"]["resubscribes"])

        until(resubscribed, "its subscription is made anew", 10.0)
        assert feed.book(met).reason is Reason.UNCONFIRMED
        assert LIVE not in said(ring, met)
        sim.fault("none", id=number)
        until_said(ring, met, lambda found: found[-1:] == [LIVE], its.healed_s())
        assert_true_book(sim, feed, met)


@pytest.mark.parametrize("venue", ["binance-usdm"])
def test_a_quiet_book_whose_stream_is_dead(venue: str) -> None:
    """A market that stands still: LIVE by being asked about. It moves, and its stream is silent."""
    its = row("a quiet book whose stream is dead")
    met, other = ALL[venue][:2]
    with rig(venue, paused=True, **FEW) as r:
        sim = r.sims[venue]
        r.change(venue, instruments=(met, other), audit_s=0.0)
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed)
        assert_true_book(sim, feed, met)
        number = sim.fault("silence", channel=DEPTH[venue])
        sim.resume()
        until_said(ring, met, lambda found: found[:1] == [its.sees[0]], its.noticed_s())
        until_said(ring, met, lambda found: its.sees[1] in found, 10.0)
        assert LIVE not in said(ring, met)
        sim.fault("none", id=number)
        until_said(ring, met, lambda found: found[-1:] == [LIVE], its.healed_s())
        assert_true_book(sim, feed, met)
        assert said(ring, other) == []


def attached(r: Rig, venue: str) -> shm.Feed | None:
    """A feed that has its two instruments, LIVE or not."""
    try:
        feed = shm.attach(venue, namespace=r.namespace, timeout=0.05)
    except shm.ShmError:
        return None
    if len(feed.instruments()) == 2:
        r.stack.callback(feed.close)
        return feed
    feed.close()
    return None
