"""What a venue refuses, or does not answer, is its own matter: all other books are LIVE."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import shm
from feedhandler.connection.state import ConnectionState
from shm.inspect import open_memory
from tests.feed.fault_table import row
from tests.kit.patience import SLACK_S
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, assert_true_book, rig, until

VENUES = (*SYMBOLS, *MORE_SYMBOLS)
AT_ONCE = ("deribit", "binance", "bybit-spot")  # data, where only the answer is late
LATE_S = 12.0
LIVE = ("LIVE", "NONE")
Struck = Callable[[str], float]  #: seconds since a venue's fault was met first
MORE = {
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC-25DEC26", "ETH-25DEC26"),
    "okx": ("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"),
}


def symbols(venue: str) -> tuple[str, ...]:
    return MORE.get(venue) or (*(SYMBOLS | MORE_SYMBOLS)[venue], "SOLUSDT")


def state(r: Rig, venue: str, symbol: str) -> tuple[str, str] | None:
    """(state, reason) of a book; None: not there yet."""
    with suppress(shm.ShmError), shm.attach(venue, namespace=r.namespace, timeout=0.05) as feed:
        book = feed.book(symbol, raw=True)
        return shm.State(book.state).name, shm.Reason(book.reason).name
    return None


def connection(r: Rig, venue: str) -> Mapping[str, Any]:
    with open_memory(venue, namespace=r.namespace) as memory:
        return memory.connections()[0]


def says(r: Rig, venue: str, symbol: str, what: tuple[str, str]) -> None:
    until(lambda: state(r, venue, symbol) == what, f"{venue} {symbol} is {what}")


def connection_is_live(r: Rig, venue: str) -> None:
    until(
        lambda: connection(r, venue)["state"] == ConnectionState.LIVE,
        f"{venue}: its connection is LIVE",
    )


def others_are_true(r: Rig, venue: str, but: str) -> None:
    with shm.attach(venue, namespace=r.namespace) as feed:
        for symbol in symbols(venue):
            if symbol != but:
                assert_true_book(r.sims[venue], feed, symbol)


def on(*chosen: str) -> pytest.MarkDecorator:
    """On these venues always, on all where it may take long."""
    everyone = pytest.param(VENUES, id="all", marks=pytest.mark.soak)
    return pytest.mark.parametrize("chosen", [pytest.param(chosen, id="some"), everyone])


@contextmanager
def everywhere(
    chosen: tuple[str, ...], kind: str, place: int | None, **keys: Any
) -> Iterator[tuple[Rig, Struck]]:
    """A feed of each venue that meets a fault from the start, of one of its books or of all."""
    with rig(*chosen, rate=100.0) as r:
        numbers = {}
        for venue in chosen:
            r.change(venue, instruments=symbols(venue))
            named = {} if place is None else {"symbol": symbols(venue)[place]}
            more = keys | {"subscribed": venue in AT_ONCE} if kind == "late_ack" else keys
            numbers[venue] = r.sims[venue].fault(kind, **named, **more)
        for venue in chosen:
            r.io_process(venue)

        def since(venue: str) -> float:
            first_ns: int = r.sims[venue].told(numbers[venue])["first_ns"]
            return (time.time_ns() - first_ns) / 1e9

        yield r, since


@on("okx", "binance", "bybit-linear")
def test_one_bad_key_among_many_is_found(chosen: tuple[str, ...]) -> None:
    """A request is refused whole, and no word says for which of its keys."""
    its = row("one of many subscriptions refused, none named")
    with everywhere(chosen, "spoiled", 1) as (r, since):
        for venue in chosen:
            bad = symbols(venue)[1]
            for symbol in symbols(venue):
                if symbol != bad:
                    says(r, venue, symbol, LIVE)
            took = since(venue)
            print(f"{venue}: all others LIVE after {took:.1f} s")
            assert took <= its.healed_s() + SLACK_S
            says(r, venue, bad, its.sees[0])
            others_are_true(r, venue, bad)
            connection_is_live(r, venue)


@on("deribit", "okx", "bybit-linear")
def test_a_late_answer_counts_and_what_speaks_needs_none(chosen: tuple[str, ...]) -> None:
    """Of some venues data comes at once and only the answer late, of others all of it."""
    its = row("subscription answered late")
    with everywhere(chosen, "late_ack", None, ms=int(LATE_S * 1000)) as (r, since):
        silent = {venue for venue in chosen if venue not in AT_ONCE}

        def said() -> bool:
            silent.difference_update(
                {each for each in silent if state(r, each, symbols(each)[0]) == its.sees[0]}
            )
            return not silent

        until(said, "it is said of all that do not speak")
        for venue in chosen:
            for symbol in symbols(venue):
                says(r, venue, symbol, LIVE)
            assert since(venue) <= LATE_S + its.healed_s() + SLACK_S
            others_are_true(r, venue, "")
            connection_is_live(r, venue)
            assert connection(r, venue)["failed"] == 0
            assert connection(r, venue)["connects"] == 1


def not_live(its: Mapping[str, Any]) -> bool:
    """It is open, and was not answered."""
    assert (its["state"], its["live"]) == (ConnectionState.SUBSCRIBING, 0)
    return its["reason"] == shm.Reason.UNANSWERED and "is answered; asked again" in its["detail"]


@on("deribit", "okx", "binance-usdm")
def test_a_connection_without_an_answer_is_not_live(chosen: tuple[str, ...]) -> None:
    """It is open, it carries nothing, and it is asked for again."""
    its = row("no subscription of a connection answered")
    with everywhere(chosen, "lost_ack", None, subscribed=False) as (r, since):
        for venue in chosen:
            for symbol in symbols(venue):
                says(r, venue, symbol, its.sees[0])
            assert since(venue) <= its.noticed_s() + SLACK_S
        for venue in chosen:
            until(lambda v=venue: not_live(connection(r, v)), f"{venue} says so")  # type: ignore[misc]
            r.sims[venue].fault("none")
        over = time.monotonic()
        for venue in chosen:
            for symbol in symbols(venue):
                says(r, venue, symbol, LIVE)
            assert time.monotonic() - over <= its.healed_s() + SLACK_S
            others_are_true(r, venue, "")
            connection_is_live(r, venue)
            assert connection(r, venue)["connects"] == 1


def test_an_error_without_a_name_harms_nothing_that_flows() -> None:
    venue = "okx"
    first, broken, *_ = symbols(venue)
    with rig(venue) as r:
        r.change(venue, instruments=symbols(venue))
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        number = sim.fault("spoiled", broken, count=1, code=60012)
        sim.fault("gap", broken)
        until(lambda: bool(sim.told(number)["ended_ns"]), "it is refused")
        until(lambda: state(r, venue, broken) == ("STALE", "REJECTED"), "and says so")
        for symbol in symbols(venue):
            if symbol != broken:
                assert_true_book(sim, feed, symbol)
        assert state(r, venue, first) == LIVE
