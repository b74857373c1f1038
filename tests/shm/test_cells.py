"""Quotes, books and the board: values, absence, state, and how floats are made."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shm
from shm._native import FeedBase, Writer
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create


def pair(namespace: str, create: Create) -> tuple[Writer, shm.Feed, shm.Instrument]:
    writer = create().writer
    writer.directory_add({"symbol": "A", "name": "N", **EXPONENTS})
    feed = shm.attach("v", namespace=namespace)
    return writer, feed, feed.instrument("A")


def test_a_quote(namespace: str, create: Create) -> None:
    writer, feed, a = pair(namespace, create)
    writer.quote_store(
        a.id,
        {
            **CELL_EXPONENTS, "bid_price": 12345, "bid_size": 1500, "last_price": 12346,
            "last_size": 7, "mark": 123.456, "state": shm.State.LIVE, "ring_sequence": 9,
            "venue_sequence": 10, "exchange_ns": 11, "receive_ns": 12, "data_ns": 13,
        },
    )  # fmt: skip
    quote = feed.quote(a)
    assert (quote.bid, quote.bid_size, quote.last, quote.last_size) == (123.45, 1.5, 123.46, 0.007)
    assert math.isnan(quote.ask)
    assert math.isnan(quote.ask_size)
    assert math.isnan(quote.delta)
    assert (quote.mark, quote.state, quote.reason) == (123.456, shm.State.LIVE, shm.Reason.NONE)
    assert (quote.ring_sequence, quote.venue_sequence) == (9, 10)
    assert (quote.exchange_ns, quote.receive_ns) == (11, 12)
    assert quote.live
    assert quote.age_ns > 10**18
    raw = feed.quote("N", raw=True)
    assert (raw.bid, raw.bid_size, raw.ask, raw.ask_size) == (12345, 1500, None, None)
    assert (raw.price_exponent, raw.size_exponent) == (-2, -3)


def test_nothing_yet_is_state_none(namespace: str, create: Create) -> None:
    _, feed, a = pair(namespace, create)
    quote, book = feed.quote(a), feed.book(a)
    assert quote.state is book.state is shm.State.NONE
    assert math.isnan(quote.bid)
    assert book.bids.shape == book.asks.shape == (0, 2)
    assert not quote.live
    assert feed.board()["state"].tolist() == [shm.State.NONE]


def test_a_book(namespace: str, create: Create) -> None:
    writer, feed, a = pair(namespace, create)
    bids = [(10000 - i, 1000 + i) for i in range(7)]
    asks = [(10001 + i, 2000 + i) for i in range(3)]
    writer.book_store(a.id, {**CELL_EXPONENTS, "state": shm.State.LIVE}, bids, asks)
    book = feed.book(a)
    assert book.bids.tolist() == [[p / 100, s / 1000] for p, s in bids[:5]]  # the shared depth
    assert book.asks.tolist() == [[p / 100, s / 1000] for p, s in asks]
    assert (book.bids_total, book.asks_total, book.live) == (7, 3, True)
    assert feed.book(a, 2).bids.shape == (2, 2)
    assert feed.book(a, depth=0).asks.shape == (0, 2)
    with pytest.raises(ValueError, match=r"book cells of .* have 5 levels a side"):
        feed.book(a, depth=6)
    raw = feed.book(a, 3, raw=True)
    assert raw.bids.dtype == np.int64
    assert raw.bids.tolist() == [list(level) for level in bids[:3]]
    kept = book.bids
    writer.book_store(a.id, {"state": shm.State.STALE, "reason": shm.Reason.GAP}, [], [])
    assert kept.shape == (5, 2)  # a copy
    assert (feed.book(a).state, feed.book(a).reason) == (shm.State.STALE, shm.Reason.GAP)
    with pytest.raises(ValueError, match="depth"):
        feed.book(a, depth=-1)


def test_how_far_a_book_is_known(namespace: str, create: Create) -> None:
    writer, feed, a = pair(namespace, create)
    bids, asks = [(10000, 1), (9999, 1)], [(10001, 1)]
    head = {**CELL_EXPONENTS, "state": shm.State.LIVE}
    writer.quote_store(a.id, head)

    def known(**said: int) -> tuple[int | None, int | None]:
        writer.book_store(a.id, {**head, **said}, bids, asks)
        book = feed.book(a)
        return book.bids_known, book.asks_known

    assert known() == (None, None)
    assert known(bids_known=700, asks_known=1) == (700, 1)
    feed.require_live([a], depth=1)
    with pytest.raises(shm.NotLive, match="1 of 3 asks are known"):
        feed.require_live([a], depth=3)
    assert known(bids_known=2, asks_known=2**32 - 1) == (2, None)
    feed.require_live([a], depth=2)
    with pytest.raises(shm.NotLive, match="2 of 3 bids are known"):
        feed.require_live(depth=3)
    assert known(bids_known=0, asks_known=0) == (2, 1)  # a writer that does not say


def test_the_board_agrees_with_the_quotes(namespace: str, create: Create) -> None:
    writer, feed, _ = pair(namespace, create)
    writer.directory_add({"symbol": "B", "strike": 80000.0, "option_type": shm.OptionType.CALL})
    for row in range(2):
        writer.quote_store(row, {**CELL_EXPONENTS, "bid_price": 5 + row, "bid_size": 1, "gamma": 2})
    board = feed.board()
    assert board["instrument"].tolist() == [0, 1]
    assert board["strike"].tolist() == [0.0, 80000.0]
    assert board["option"].tolist() == [shm.OptionType.NONE, shm.OptionType.CALL]
    for row, instrument in enumerate(feed.instruments()):
        quote = feed.quote(instrument)
        for name in ("bid", "bid_size", "ask", "gamma", "mark", "last_ns", "publish_ns"):
            np.testing.assert_equal(board[name][row], getattr(quote, name))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(mantissa=st.integers(-(2**53), 2**53), exponent=st.integers(-18, 6))
def test_floats_are_correctly_rounded(
    float_feed: tuple[Writer, FeedBase, shm.Instrument], mantissa: int, exponent: int
) -> None:
    writer, feed, a = float_feed
    writer.quote_store(a.id, {"bid_price": mantissa, "bid_size": 1, "price_exponent": exponent})
    exact = Fraction(mantissa) * Fraction(10) ** exponent
    assert feed.quote(a).bid == exact.numerator / exact.denominator


@pytest.fixture
def float_feed(namespace: str, create: Create) -> tuple[Writer, FeedBase, shm.Instrument]:
    return pair(namespace, create)


def test_what_came_before_the_clock_was_set_back_is_not_young(
    namespace: str, create: Create
) -> None:
    """Its time lies ahead, and nothing says how long ago it was."""
    writer, feed, a = pair(namespace, create)
    ahead = time.time_ns() + 3600 * 10**9
    live = {"state": shm.State.LIVE, "data_ns": ahead, "receive_ns": ahead, "stats_ns": ahead}
    writer.quote_store(a.id, live)
    writer.book_store(a.id, {"state": shm.State.LIVE, "receive_ns": ahead}, [], [])
    writer.heartbeat()
    [row] = feed.board([a])
    ages = [feed.quote(a).age_ns, feed.book(a).age_ns, row["age_ns"], row["stats_age_ns"]]
    assert all(3500 * 10**9 < age <= 3600 * 10**9 for age in ages)
    feed.require_live([a])
    with pytest.raises(shm.NotLive, match="old"):
        feed.require_live([a], max_age_ns=60 * 10**9)
    writer.quote_store(a.id, live | {"data_ns": time.time_ns()})  # a message since
    feed.require_live([a], max_age_ns=60 * 10**9)


def test_require_live(namespace: str, create: Create) -> None:
    writer, feed, a = pair(namespace, create)
    with pytest.raises(shm.NotLive, match="A is NONE"):
        feed.require_live()
    now = time.time_ns()
    live = {"state": shm.State.LIVE, "data_ns": now, "receive_ns": now}
    writer.quote_store(a.id, live)
    writer.book_store(a.id, {"state": shm.State.STALE, "reason": shm.Reason.GAP}, [], [])
    with pytest.raises(shm.NotLive, match=r"A is STALE \(GAP\)"):
        feed.require_live([a])
    writer.book_store(a.id, {"state": shm.State.LIVE, "receive_ns": 1}, [], [])
    feed.require_live(["A"], max_age_ns=10**11)
    with pytest.raises(shm.NotLive, match="ms old"):
        feed.require_live([a], max_age_ns=1)


def test_another_venues_instrument_is_refused(namespace: str, create: Create) -> None:
    _, _, a = pair(namespace, create)
    create("w").writer.directory_add({"symbol": "A"})
    other = shm.attach("w", namespace=namespace)
    with pytest.raises(shm.UnknownInstrument, match="of v, not w"):
        other.quote(a)
    with pytest.raises(shm.UnknownInstrument, match="of v, not w"):
        other.events([a])
