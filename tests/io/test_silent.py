"""Subscriptions that are acknowledged and bring nothing, while their socket and the books live."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import shm
from feedhandler.status import venue_status
from shm.inspect import open_memory
from tests.io.fault_table import SLACK_S, row
from tests.io.rig import MORE_SYMBOLS, SYMBOLS, Rig, RingBooks, assert_true_book, rig, until

#: of each venue: what is asked for, and a subscription beside a book that its channel's promise is
#: about; how many of them are dumb: of one the next is the cure, of two another connection
DUMB: Mapping[str, tuple[tuple[str, ...], str, int]] = {
    "deribit": (("book", "trades", "ticker"), "ticker.BTC-PERPETUAL.100ms", 2),
    "okx": (("book", "trades", "ticker"), "mark-price:BTC-USDT-SWAP", 1),
    "binance": (("book", "quote"), "btcusdt@bookTicker", 1),
    "binance-usdm": (("book", "trades", "ticker"), "btcusdt@markPrice@1s", 2),
    "bybit-linear": (("book", "ticker"), "tickers.BTCUSDT", 1),
    "bybit-spot": (("book", "quote"), "orderbook.1.BTCUSDT", 2),
}
ALL = SYMBOLS | MORE_SYMBOLS
JOINED = ("binance", "binance-usdm")  # whose books begin over REST
STARTS_S = 60.0  #: six simulators and six IO processes on a busy machine
BOOKS = {  # of the others, whose second book is dumb
    "deribit": "book.ETH-PERPETUAL.100ms",
    "okx": "books:BTC-USDT-SWAP",
    "bybit-linear": "orderbook.50.ETHUSDT",
    "bybit-spot": "orderbook.50.ETHUSDT",
}


def said(r: Rig, venue: str) -> tuple[str, str, str]:
    try:
        found: dict[str, Any] = venue_status(r.namespace, venue)
    except shm.ShmError:  # not there yet
        return "", "", ""
    return found["state"], found["reason"], found["detail"]


def state(r: Rig, venue: str, symbol: str) -> tuple[str, str]:
    try:
        with shm.attach(venue, namespace=r.namespace, timeout=0.05) as feed:
            book = feed.book(symbol, raw=True)
            return shm.State(book.state).name, shm.Reason(book.reason).name
    except shm.ShmError:  # not there yet
        return "", ""


def connections(r: Rig, venue: str) -> list[dict[str, Any]]:
    with open_memory(venue, namespace=r.namespace) as memory:
        return memory.connections()


def each(condition: Callable[[str], bool], what: str, deadline_s: float = 45.0) -> None:
    """Of every venue."""
    left = set(DUMB)

    def done() -> bool:
        left.difference_update({venue for venue in left if condition(venue)})
        return not left

    try:
        until(done, what, deadline_s)
    except AssertionError as error:
        raise AssertionError(f"{sorted(left)}: {error}") from None


def test_what_is_dumb_is_said_and_cured() -> None:
    """Of each venue one subscription beside a book, and that of another book."""
    beside = row("a subscription beside a book brings nothing")
    its = row("the subscription of a book brings nothing")
    began: dict[str, int] = {}
    with rig(*DUMB, rate=800.0) as r:
        for venue, (channels, key, count) in DUMB.items():
            r.change(venue, channels=channels)
            sim = r.sims[venue]
            began[venue] = sim.fault("dumb", channel=key, count=count)
            if venue not in JOINED:
                sim.fault("dumb", channel=BOOKS[venue], count=2)
            r.io_process(venue)

        def age(venue: str) -> float:
            first_ns: int = r.sims[venue].told(began[venue])["first_ns"]
            return (time.time_ns() - first_ns) / 1e9

        def beside_is_told(venue: str) -> bool:
            if DUMB[venue][1] not in said(r, venue)[2] and venue in JOINED:
                return False
            reasons = {connection["reason"] for connection in connections(r, venue)}
            if shm.Reason.NO_DATA not in reasons:
                return False
            assert age(venue) <= beside.noticed_s() + SLACK_S, venue
            return True

        def book_is_told(venue: str) -> bool:
            if venue not in JOINED and state(r, venue, ALL[venue][1]) != its.sees[0]:
                return False
            return venue in JOINED or age(venue) <= its.noticed_s() + SLACK_S

        each(book_is_told, "it is said of the book", STARTS_S)
        each(beside_is_told, "it is said of a connection", STARTS_S)
        each(lambda venue: said(r, venue)[:2] == ("LIVE", "NONE"), "it is cured",
             its.healed_s() + SLACK_S)  # fmt: skip
        for venue, (_, _, count) in DUMB.items():
            feed = r.attach(venue)
            for symbol in ALL[venue]:
                first = assert_true_book(r.sims[venue], feed, symbol)
                assert_moves(r, venue, feed, symbol, first)
            least = (2 if venue == "binance-usdm" else 1) + (count - 1)
            assert r.sims[venue].stats()["connections"] in (least, least + 1)


def assert_moves(r: Rig, venue: str, feed: shm.Feed, symbol: str, since: int) -> None:
    until(lambda: assert_true_book(r.sims[venue], feed, symbol) > since, f"{symbol} moves")


@pytest.mark.parametrize(
    ("venue", "key", "channels"),
    [
        ("binance", "btcusdt@bookTicker", ("quote", "trades")),
        ("okx", "tickers:BTC-USDT", ("ticker", "trades")),
    ],
)
def test_without_a_book_an_instrument_is_what_it_lives_by(
    venue: str, key: str, channels: tuple[str, ...]
) -> None:
    """Trades go on, and do not make the frozen best bid and offer LIVE."""
    its = row("what an instrument without a book lives by falls silent")
    symbol = ALL[venue][0]
    with rig(venue, rate=2000.0) as r:
        r.change(venue, channels=channels, rhythm_floor_s=2.0)
        r.io_process(venue)
        feed, sim = r.attach(venue), r.sims[venue]
        ring = RingBooks(feed)
        quote = feed.instrument(symbol).id

        def states() -> list[tuple[str, str]]:
            ring.catch_up()
            return ring.of(symbol)

        def traded() -> list[int]:
            ring.catch_up()
            return ring.trades.get(quote, [])

        until(lambda: feed.quote(symbol).state == shm.State.LIVE, "it is LIVE")
        time.sleep(8.0)  # in which it gets a rhythm
        number = sim.fault("silence", channel=key)
        until(lambda: states()[-1:] == [its.sees[0]], "it is STALE", its.noticed_s() + SLACK_S)
        trades = len(traded())
        until(lambda: len(traded()) > trades + 3, "trades go on")
        assert states()[-1:] == [its.sees[0]]
        sim.fault("none", id=number)
        until(lambda: states()[-1:] == [("LIVE", "NONE")], "it is LIVE again", its.healed_s() + 4)
