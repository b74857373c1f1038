"""The whole feed against declared venues that the simulator serves from their declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.proof import Sign
from feedhandler.adapter.venue import Base, Continuity
from feedhandler.venues import outside
from shm import State
from tests.feed.fault_table import row
from tests.kit.outage import LIVE, noticed, watched
from tests.kit.rig import SYMBOLS, Rig, RingBooks, Sim, board_states, rig, scaled, until
from tests.sim.declared_reader import OURS, declared, usual

FILE = Path(__file__).parents[1] / "sim" / "declared_file.py"
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("duplicate", {}),
    ("gap", {}),
    ("reorder", {}),
    ("garbage", {"form": "truncated"}),
    ("crossed", {}),
    ("bad_checksum", {}),
    ("far", {}),
    ("renumber", {}),
    ("renumber", {"lost": True}),
    ("drop", {"how": "rst"}),
)
#: of the tests' own, those whose like is not among ours
STYLES = ("made-chained", "made-windowed", "made-whole")


def unmeant(venue: DeclaredVenue) -> set[str]:
    """What cannot be meant: nothing would prove it."""
    numbered = venue.rule not in (Continuity.NONE, Continuity.TIME)
    facts = {
        "gap": venue.proof.proven,
        "crossed": not venue.uncrosses,
        "reorder": venue.proof.proven,
        "bad_checksum": venue.checksum is not None and Sign.CHECKSUM in venue.proof.signs,
        "far": venue.rule is not Continuity.NONE,
        "renumber": numbered and venue.base is Base.STREAM,
    }
    return {kind for kind, meant in facts.items() if not meant}


#: of ours, those that speak as another one does
ALIKE = {"binance-coinm": "binance-usdm", "bybit-inverse": "bybit-linear"}
every = pytest.mark.parametrize(
    "name",
    [
        *STYLES,
        *(pytest.param(name, marks=[pytest.mark.soak] if name in ALIKE else []) for name in OURS),
    ],
)


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outside.FILES, str(FILE))


@contextmanager
def running(name: str, **options: Any) -> Iterator[tuple[Rig, Sim, Any]]:
    with rig(name, **({"rate": 200.0, "depth": 40} | options)) as r:
        r.io_process(name)
        yield r, r.sims[name], r.attach(name)


def followed(name: str) -> tuple[str, ...]:
    """Two instruments that the rig has of a venue."""
    return tuple((SYMBOLS.get(name) or usual(name))[:2])


def is_the_markets(sim: Sim, feed: Any, symbol: str, name: str) -> None:
    """While the market stands still, every level is the venue's, as far as it says."""
    venue = declared(name)
    kept = 20 if venue.base is Base.EVERY else min(venue.window or venue.depth, venue.depth)
    instrument = feed.instrument(symbol)

    def same() -> bool:
        book = feed.book(instrument, raw=True)
        truth = sim.book(symbol)
        if book.state != State.LIVE or truth is None:
            return False
        sequence, bids, asks = truth
        if venue.rule is not Continuity.NONE and book.venue_sequence != sequence:
            return False
        exponents = book.price_exponent, book.size_exponent
        own = scaled(book.bids, *exponents)[:kept], scaled(book.asks, *exponents)[:kept]
        return own == (sorted(bids.items(), reverse=True)[:kept], sorted(asks.items())[:kept])

    try:
        until(same, f"{symbol} of {name} is the market's")
    except AssertionError as error:
        book, truth = feed.book(instrument, raw=True), sim.book(symbol)
        held = book.state, book.reason, book.venue_sequence, len(book.bids), len(book.asks)
        raise AssertionError(f"{error}: held {held}, the venue's {truth and truth[0]}") from error


def meets(sim: Sim, kind: str, about: Mapping[str, Any]) -> bool:
    """The venue has the fault, and the market goes on; False: it cannot be meant."""
    before = sim.stats()
    try:
        numbers = [sim.fault(kind, **about)]
    except HTTPError as error:
        if error.code != 400:
            raise
        return False

    def struck() -> bool:
        """What is carried out at once meets who is subscribed then; after the fault before this
        one that may be nobody yet."""
        told = sim.told(numbers[-1])
        if told["ended_ns"] and not told["hits"]:
            numbers.append(sim.fault(kind, **about))
        return bool(told["hits"])

    until(struck, f"{kind} has struck")
    if kind == "drop":
        again = before["connections"] + before["clients"]
        until(lambda: bool(sim.stats()["connections"] >= again), "it is connected anew")
    goal = sim.stats()["updates"] + 20
    until(lambda: bool(sim.stats()["updates"] >= goal), "the market went on")
    return True


@every
def test_books_are_the_markets_through_faults(name: str) -> None:
    with running(name) as (_, sim, feed):
        first, *others = followed(name)
        for kind, more in FAULTS:
            about = more if kind == "drop" else {"symbol": first, **more}
            assert meets(sim, kind, about) == (kind not in unmeant(declared(name))), kind
        until(lambda: board_states(feed) == {State.LIVE}, "all is LIVE again")
        sim.pause()
        for symbol in (first, *others):
            is_the_markets(sim, feed, symbol, name)


def passes(sim: Sim, what: str, count: int) -> None:
    """Wait for so many more of what the simulator counts."""
    goal = sim.stats()[what] + count
    until(lambda: bool(sim.stats()[what] >= goal), f"{count} more {what}")


@pytest.mark.parametrize("name", ["htx", "hyperliquid"])
def test_two_connections_tell_each_trade_once(name: str) -> None:
    """Numbered one by one, and by hashes; through a cut of one of them."""
    with rig(name, rate=1000.0) as r:
        r.change(name, redundancy=2)
        r.io_process(name)
        sim, ring = r.sims[name], RingBooks(r.attach(name))
        passes(sim, "updates", 1500)
        sim.fault("drop", how="rst", count=1)
        passes(sim, "connections", 1)
        passes(sim, "updates", 1500)
        sim.pause()
        for symbol in followed(name):
            row = ring.feed.instrument(symbol).id
            ids = [int(one["id"]) for one in sim.trades(symbol)]

            def caught_up(row: int = row, ids: list[int] = ids) -> bool:
                ring.catch_up()
                return ids[-1] in ring.trades.get(row, ())

            until(caught_up, "the last trade is told")
            told = ring.trades[row]
            assert len(told) == len(set(told))
            assert set(told) == set(ids[ids.index(told[0]) :])


def test_gap_of_a_connection() -> None:
    """Nobody knows whose message is missing: all books are lost, and begin anew."""
    its = row("message lost of a connection that counts its messages together")
    symbols = ("BTC-USD", "ETH-USD")
    with rig("coinbase", rate=200.0) as r, watched(r, {"coinbase": symbols}) as (each,):
        each.forget()
        began_ns = each.sim.told(each.sim.fault("gap", symbol=symbols[0]))["began_ns"]
        until(lambda: all(each.said(of) for of in symbols), "it is noticed")
        for symbol in symbols:
            noticed(its, each, symbol, began_ns)
        until(lambda: all(each.said(of)[-1:] == [LIVE] for of in symbols), "LIVE again")
        for symbol in symbols:
            assert each.said(symbol)[0] == its.sees[0]
            assert set(each.said(symbol)[:-1]) <= set(its.sees)
        each.sim.pause()
        for symbol in symbols:
            is_the_markets(each.sim, each.feed, symbol, "coinbase")
