"""Subscriptions that are acknowledged and bring nothing, while their socket and the books live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

import shm
from feedhandler.view.status import venue_status
from shm.inspect import open_memory
from tests.feed.fault_table import row
from tests.kit.patience import SLACK_S
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, RingBooks, assert_true_book, rig, until

#: of each venue: what is asked for, and a subscription beside a book that its channel's promise is
#: about; the first two that are made are dumb: what cures is another connection
DUMB: Mapping[str, tuple[tuple[str, ...], str]] = {
    "deribit": (("book", "trades", "ticker"), "ticker.BTC-PERPETUAL.100ms"),
    "okx": (("book", "trades", "ticker"), "mark-price:BTC-USDT-SWAP"),
    "binance": (("book", "quote"), "btcusdt@bookTicker"),
    "binance-usdm": (("book", "trades", "ticker"), "btcusdt@markPrice@1s"),
    "bybit-linear": (("book", "ticker"), "tickers.BTCUSDT"),
    "bybit-spot": (("book", "quote"), "orderbook.1.BTCUSDT"),
}
ALL = SYMBOLS | MORE_SYMBOLS
STARTS_S = 90.0  #: six simulators and six IO processes on a busy machine
BOOKS = {  # whose second book is dumb; of the others books begin over REST
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
    try:
        with open_memory(venue, namespace=r.namespace) as memory:
            return memory.connections()
    except shm.ShmError:  # not there yet
        return []


def every(
    chosen: Iterable[str], conditions: Mapping[str, Callable[[str], bool]], deadline_s: float
) -> None:
    """Each of the conditions is seen of every venue, though it may not last."""
    left = {(what, venue) for what in conditions for venue in chosen}

    def done() -> bool:
        left.difference_update({(what, venue) for what, venue in left if conditions[what](venue)})
        return not left

    try:
        until(done, "all of it", deadline_s)
    except AssertionError as error:
        raise AssertionError(f"{sorted(left)}: {error}") from None


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(("okx", "binance-usdm", "bybit-linear"), id="one of each kind"),
        pytest.param(tuple(DUMB), id="all", marks=pytest.mark.soak),
    ],
)
def test_what_is_dumb_is_said_and_cured(chosen: tuple[str, ...]) -> None:
    """Of each venue one subscription beside a book, and that of another book."""
    beside = row("a subscription beside a book brings nothing")
    its = row("the subscription of a book brings nothing")
    began: dict[str, int] = {}
    with rig(*chosen, rate=400.0) as r:
        for venue in chosen:
            channels, key = DUMB[venue]
            r.change(venue, channels=channels)
            sim = r.sims[venue]
            began[venue] = sim.fault("dumb", channel=key, count=2)
            if venue in BOOKS:
                sim.fault("dumb", channel=BOOKS[venue], count=2)
            r.io_process(venue)

        def in_time(venue: str, promised: float) -> bool:
            first_ns: int = r.sims[venue].told(began[venue])["first_ns"]
            assert (time.time_ns() - first_ns) / 1e9 <= promised + SLACK_S, venue
            return True

        def beside_is_told(venue: str) -> bool:
            """Of the venue, if its books are LIVE, and of the connection, if that is."""
            state_, reason, detail = said(r, venue)
            reasons = {each["reason"]: each["detail"] for each in connections(r, venue)}
            if state_ == "LIVE" and (reason, DUMB[venue][1] in detail) == ("NO_DATA", True):
                return shm.Reason.NO_DATA in reasons and in_time(venue, beside.noticed_s())
            if venue in BOOKS and shm.Reason.NO_DATA in reasons:
                return in_time(venue, beside.noticed_s())
            return False

        def book_is_told(venue: str) -> bool:
            if venue not in BOOKS:
                return True
            told = state(r, venue, ALL[venue][1]) == its.sees[0]
            return told and in_time(venue, its.noticed_s())

        told = {"a book": book_is_told, "what is beside it": beside_is_told}
        every(chosen, told, STARTS_S)
        cured = {"cured": lambda venue: said(r, venue)[:2] == ("LIVE", "NONE")}
        every(chosen, cured, its.healed_s() + SLACK_S)
        for venue in chosen:
            feed = r.attach(venue)
            for symbol in ALL[venue]:
                first = assert_true_book(r.sims[venue], feed, symbol)
                assert_moves(r, venue, feed, symbol, first)
            least = 3 if venue == "binance-usdm" else 2
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
