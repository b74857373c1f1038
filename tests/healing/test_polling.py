"""No socket to be had, but REST answers: books are DEGRADED and true, never LIVE."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

import shm
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.venue_budgets import rest_bucket
from feedhandler.venues import load
from feedhandler.view.status import venue_status
from shm import State
from shm.memory import open_memory
from tests.feed.fault_table import row
from tests.kit.rig import SYMBOLS, RingBooks, Sim, assert_true_book, rig, scaled, until


def polled_book(sim: Sim, feed: shm.Feed, symbol: str, after: int = 0) -> int:
    """A DEGRADED book newer than `after` that equals the venue's at its sequence."""

    def compared() -> int | None:
        book = feed.book(feed.instrument(symbol), raw=True)
        if book.state != State.DEGRADED or book.venue_sequence <= after:
            return None
        truth = sim.book(symbol, book.venue_sequence)
        if truth is None:
            return None
        exponents = book.price_exponent, book.size_exponent
        expected: list[tuple[Decimal, Decimal]] = sorted(truth[1].items(), reverse=True)[:50]
        assert scaled(book.bids, *exponents) == expected
        assert scaled(book.asks, *exponents) == sorted(truth[2].items())[:50]
        return int(book.venue_sequence)

    within = row("no socket to be had, REST answers").noticed_s()
    return until(compared, f"{symbol} is DEGRADED and right", within)


def assert_left_for_healing(venue: str, url: str, books: int) -> None:
    """However long it is polled, the budget has what the streams will want."""
    facts = load(venue)
    _, burst = rest_bucket(facts.limits)
    request = facts.snapshot_request(SYMBOLS[venue][0])
    kept = max(burst / 2, books * request.weight if request else 0)
    assert venue_budgets.rest(url, facts.limits).available(time.monotonic()) >= min(kept, burst) - 1


@pytest.mark.parametrize("venue", SYMBOLS)
def test_books_are_polled_while_no_connection_can_be_had(venue: str) -> None:
    sim_symbols, its = SYMBOLS[venue], row("no socket to be had, REST answers")
    with rig(venue) as r:
        r.change(venue, degraded_after_s=1.0)
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        ring = RingBooks(feed)
        sim.fault("upgrade_error", status=503)
        sim.fault("drop")
        first = {symbol: polled_book(sim, feed, symbol) for symbol in sim_symbols}
        for symbol, sequence in first.items():  # and again
            polled_book(sim, feed, symbol, after=sequence)
        until(lambda: venue_status(r.namespace, venue)["state"] == "DEGRADED", "the venue says so")
        assert_left_for_healing(venue, r.config.venues[venue].rest_url, len(sim_symbols))
        ring.catch_up()
        for symbol in sim_symbols:
            assert ring.of(symbol) == list(its.sees)
        sim.fault("none")

        def live() -> bool:
            ring.catch_up()
            return all(ring.of(symbol)[-1] == ("LIVE", "NONE") for symbol in sim_symbols)

        until(live, "LIVE again", its.healed_s())
        for symbol in sim_symbols:
            assert_true_book(sim, feed, symbol)


def test_without_the_option_nothing_is_polled() -> None:
    venue = "okx"
    with rig(venue) as r:
        r.change(venue, degraded_after_s=0.0)
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        ring = RingBooks(feed)
        sim.fault("upgrade_error", status=503)
        sim.fault("drop")
        until(
            lambda: venue_status(r.namespace, venue)["counters"]["disconnects"] >= 1, "it is down"
        )
        asked = venue_status(r.namespace, venue)["counters"]["rest_requests"]

        def tried() -> bool:  # three attempts take longer than the shortest `degraded_after_s`
            with open_memory(venue, namespace=r.namespace) as memory:
                return bool(memory.connections()[0]["transitions"] >= 10)

        until(tried, "it tried again and again", 30)
        ring.catch_up()
        assert {ring.of(symbol)[-1] for symbol in SYMBOLS[venue]} == {("STALE", "DISCONNECTED")}
        assert venue_status(r.namespace, venue)["counters"]["rest_requests"] == asked
