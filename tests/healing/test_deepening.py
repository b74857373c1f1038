"""A base of a part of the venue's levels, and somebody who eats deep into them: rows of the fault
table, with the simulator's full book as the judge of what is said to be known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import shm
from feedhandler.view.status import venue_status
from shm import State
from tests.feed.fault_table import row
from tests.kit.outage import Watched, undergo, unnoticed, watched
from tests.kit.patience import SLACK_S
from tests.kit.rig import Sim, rig, scaled, until

#: of a venue: the simulator's options, and how many levels a side a snapshot has
BASES: dict[str, tuple[dict[str, Any], int]] = {
    "binance-usdm": ({"depth": 1500}, 1000),
    "binance": ({"depth": 900, "snapshot_levels": 300}, 300),
    "okx": ({"snapshot_levels": 100}, 100),
}
SYMBOLS = {
    "binance-usdm": ("BTCUSDT", "ETHUSDT"),
    "binance": ("BTCUSDT", "ETHUSDT"),
    "okx": ("BTC-USDT", "BTC-USDT-SWAP"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Watched]]:
    with ExitStack() as stack:
        found = {}
        for venue, (options, _) in BASES.items():
            r = stack.enter_context(rig(venue, rate=200.0, **options))
            (found[venue],) = stack.enter_context(watched(r, {venue: SYMBOLS[venue]}, audit_s=0.5))
        yield found


def known(feed: shm.Feed, symbol: str) -> tuple[float, float]:
    book = feed.book(symbol, depth=0)
    found = book.bids_known, book.asks_known
    return tuple(float("inf") if side is None else side for side in found)  # type: ignore[return-value]


def judge(sim: Sim, feed: shm.Feed, symbol: str) -> bool:
    """What the cell shows and says is the venue's, at its sequence. False: it has none such."""
    book = feed.book(symbol, raw=True)
    truth = sim.book(symbol, book.venue_sequence)
    if truth is None:
        return False
    assert book.live, symbol
    exponents = book.price_exponent, book.size_exponent
    for ours, levels, said, reverse in (
        (book.bids, truth[1], book.bids_known, True), (book.asks, truth[2], book.asks_known, False)
    ):  # fmt: skip
        right = sorted(levels.items(), reverse=reverse)
        assert scaled(ours, *exponents) == right[: min(50, len(right) if said is None else said)]
        if said is None:
            assert len(right) == (book.bids_total if reverse else book.asks_total)
    return True


@pytest.mark.parametrize("venue", BASES)
@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_base_that_is_eaten_into_is_renewed(
    running: dict[str, Watched], venue: str, side: str
) -> None:
    each, levels = running[venue], BASES[venue][1]
    symbol, at = each.symbols[0], 0 if side == "bid" else 1
    its = row("levels eaten by the hundred")
    each.until(lambda each: known(each.feed, symbol)[at] > levels * 0.6, "a new base")
    each.until(Watched.affords_snapshot, "a snapshot may be asked for", 60)
    each.forget()
    before = each.counter("rest_requests")
    eaten = int(min(known(each.feed, symbol)[at], levels)) - max(15, levels // 10)
    number = each.sim.fault("eat", symbol, side=side, levels=eaten)
    began = each.sim.told(number)["began_ns"] / 1e9

    def noticed(each: Watched) -> bool:
        return known(each.feed, symbol)[at] < levels / 4 or each.counter("rest_requests") > before

    each.until(noticed, "it is noticed", its.noticed_s())
    checked = 0
    while known(each.feed, symbol)[at] < levels * 0.6:
        assert time.time() - began < its.healed_s() + SLACK_S
        checked += judge(each.sim, each.feed, symbol)
    until(lambda: judge(each.sim, each.feed, symbol), "it is the venue's book")
    unnoticed(its, each)
    assert len(each.feed.book(symbol).bids) == len(each.feed.book(symbol).asks) == 50


@pytest.mark.parametrize("venue", BASES)
def test_a_base_that_is_eaten_up_is_no_book(running: dict[str, Watched], venue: str) -> None:
    each, levels = running[venue], BASES[venue][1]
    each.until(Watched.affords_snapshot, "a snapshot may be asked for", 60)
    each.until(lambda each: min(known(each.feed, each.symbols[1])) > levels * 0.6, "a new base")
    eaten = int(known(each.feed, each.symbols[1])[0]) + 30
    order = {"kind": "eat", "side": "bid", "levels": eaten}
    undergo(row("all levels that are known eaten"), [each], order, ends=True, only=1)
    until(lambda: judge(each.sim, each.feed, each.symbols[1]), "it is the venue's book")


def test_audits_judge_what_is_known_and_no_more(running: dict[str, Watched]) -> None:
    for each in running.values():

        def audited(each: Watched = each) -> bool:
            found = venue_status(each.r.namespace, each.venue)
            return bool(found["counters"]["audits"] >= 2 and found["audits"])

        until(audited, "books are audited", 60)
        status = venue_status(each.r.namespace, each.venue)
        assert status["counters"]["audit_bad"] == 0


def test_a_thin_market_is_whole_and_not_asked_for_again() -> None:
    with rig("binance-usdm", rate=100.0, depth=20) as r:
        r.change("binance-usdm", audit_s=0.0)
        r.io_process("binance-usdm")
        feed = r.attach("binance-usdm")
        for symbol in SYMBOLS["binance-usdm"]:
            book = feed.book(symbol)
            assert (book.bids_known, book.asks_known) == (None, None)

        def counter(name: str) -> int:
            return int(venue_status(r.namespace, "binance-usdm")["counters"][name])

        before = counter("rest_requests"), counter("messages")
        r.sims["binance-usdm"].fault("eat", "BTCUSDT", side="bid", levels=18)
        until(lambda: counter("messages") > before[1] + 30, "the market goes on")
        assert counter("rest_requests") == before[0]
        assert feed.state[0] == State.LIVE


def test_where_only_the_stream_has_bases_a_book_lasts_until_it_is_worn_out(tmp_path: Path) -> None:
    symbol, log = "BTC_USDT", tmp_path / "log"
    with rig("gate", rate=200.0, depth=900) as r, log.open("wb") as lines:
        r.supervisor(lines)
        feed, sim = r.attach("gate"), r.sims["gate"]

        def counters() -> dict[str, int]:
            return venue_status(r.namespace, "gate")["counters"]  # type: ignore[no-any-return]

        until(lambda: known(feed, symbol)[0] > 350, "it is new")
        sim.fault("eat", symbol, side="bid", levels=int(known(feed, symbol)[0]) - 30)
        until(lambda: known(feed, symbol)[0] < 60, "it is worn")
        before = counters()["messages"]
        until(lambda: counters()["messages"] > before + 200, "the market goes on")
        assert feed.book(symbol).live
        sim.fault("eat", symbol, side="bid", levels=int(known(feed, symbol)[0]) + 30)
        until(lambda: known(feed, symbol)[0] > 350, "it is new again")
        until(lambda: judge(sim, feed, symbol), "it is the venue's book")
        assert counters()["resubscribes"] >= 1
    assert b"no snapshots" not in log.read_bytes()
