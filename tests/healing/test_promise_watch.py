"""Silence that means something, told from a quiet market: by promise, by rhythm, by the book."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from feedhandler import venues
from feedhandler.adapter import promise
from feedhandler.adapter.promise import Promise
from feedhandler.healing.promise_watch import PromiseWatch, Top
from feedhandler.healing.rhythm import RhythmOptions
from feedhandler.instruments.universe import CHANNEL
from shm import Reason
from tests.feed.fault_table import row

STEP_S = 0.25


class Market:
    """One instrument: who spoke when, and a clock; each channel speaks `every` so many seconds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.activity: npt.NDArray[np.int64] = np.zeros((1, len(CHANNEL)), dtype=np.int64)
        self.top: Top = (99, 1, 100, 1)
        self.open = True
        options = RhythmOptions(floor_s=2.0)
        self.promises = PromiseWatch(options, lambda _: self.top, lambda _: self.open)

    def add(self, key: str, its: Promise) -> None:
        self.promises.add(key, [0], its, self.now, self.ns)

    @property
    def ns(self) -> int:
        return int(self.now * 1e9)

    def run(self, seconds: float, **every: float) -> list[tuple[str, Reason, float]]:
        """Those found silent, and how long after the beginning."""
        began, found = self.now, []
        while self.now < began + seconds:
            self.now += STEP_S
            for name, period in every.items():
                if (self.now - began) % period < STEP_S:
                    self.activity[0, CHANNEL[name]] = self.ns
            self.promises.look(self.now)
            self.promises.heard(np.arange(1), self.activity, self.now)
            judged = self.promises.judge(self.now)
            found += [(key, reason, self.now - began) for key, reason in judged]
        return found


def test_what_promises_a_first_word_and_does_not_say_it() -> None:
    market = Market()
    market.add("m", Promise("mark", first_s=5.0, every_s=1.0))
    assert market.run(20.0, book=0.25) == [("m", Reason.NO_DATA, 5.0)]  # said once
    market.add("m", Promise("mark", first_s=5.0, every_s=1.0))
    assert market.run(20.0, mark=1.0) == []


def test_first_words_that_are_due_together_are_looked_at_in_parts() -> None:
    """With frames read between: of a board there are thousands."""
    market = Market()
    keys = [f"m{n}" for n in range(100)]
    for key in keys:
        market.add(key, Promise("mark", first_s=5.0, every_s=1.0))
    assert not market.promises.first_words(market.now + 4.9, 30)
    now = market.now + 5.0
    more = [market.promises.first_words(now, 30) for _ in range(4)]
    assert more == [True, True, True, False]
    assert market.promises.judge(now) == [(key, Reason.NO_DATA) for key in sorted(keys)]


def test_who_speaks_between_two_parts_of_a_look_is_not_silent() -> None:
    market = Market()
    market.add("m", Promise("mark", first_s=5.0, every_s=1.0))
    now = market.now + 5.0
    assert not market.promises.first_words(now, 30)
    market.activity[0, CHANNEL["mark"]] = market.ns + 5 * 10**9
    market.promises.heard(np.arange(1), market.activity, now)
    assert market.promises.judge(now) == []


def test_what_promises_to_go_on_and_does_not() -> None:
    market = Market()
    market.add("m", Promise("mark", first_s=5.0, every_s=1.0))
    assert market.run(3.0, mark=1.0) == []  # too short for a rhythm
    ((key, reason, after),) = market.run(6.0)
    assert (key, reason) == ("m", Reason.SUBSCRIPTION)
    assert after <= 5.5


def test_trades_promise_nothing_until_they_have_a_rhythm_and_the_book_goes_on() -> None:
    market = Market()
    market.add("t", promise.TRADES)
    assert market.run(600.0, book=0.25) == []  # there may be none for hours
    assert market.run(60.0, book=0.25, trades=0.5) == []
    assert market.run(600.0) == []  # all rests
    its = row("trades fall silent while the book moves")
    found = market.run(60.0, book=0.25)
    assert [(key, reason) for key, reason, _ in found][:1] == [("t", Reason.SUBSCRIPTION)]
    assert 5.0 <= found[0][2] <= its.noticed_s()


def test_rare_trades_of_a_busy_book_are_no_silence() -> None:
    market = Market()
    market.add("t", promise.TRADES)
    assert market.run(40 * 30.0, book=0.25, trades=30.0) == []
    assert market.run(300.0, book=0.25) == []


def test_liquidations_are_not_judged() -> None:
    market = Market()
    market.add("l", promise.LIQUIDATIONS)
    assert market.run(100.0, book=0.25, liquidations=0.5) == []
    assert market.run(3000.0, book=0.25) == []


def test_a_best_bid_and_offer_that_changes_in_the_book_alone() -> None:
    quote = Promise("quote", moves=True)
    quiet, dumb = Market(), Market()
    for market in (quiet, dumb):
        market.add("q", quote)
    assert quiet.run(300.0, book=0.25) == []  # the best ones stand still
    found = []
    for change in range(20):
        dumb.top = (99 + change, 1, 200, 1)
        found += dumb.run(2.0, book=0.25)
    assert [(key, reason) for key, reason, _ in found] == [("q", Reason.NO_DATA)]


def test_a_book_that_says_nothing_while_its_best_bid_and_offer_are_told() -> None:
    market = Market()
    market.add("b", Promise("book", moves=True))
    assert market.run(100.0) == []
    ((key, reason, after),) = market.run(20.0, quote=0.5)
    assert (key, reason) == ("b", Reason.NO_DATA)
    assert after <= 10.0


def test_nobody_speaks_of_what_does_not_trade() -> None:
    market = Market()
    market.add("m", Promise("mark", first_s=5.0, every_s=1.0))
    market.open = False
    assert market.run(60.0) == []
    market.open = True
    assert [reason for _, reason, _ in market.run(6.0)] == [Reason.NO_DATA]


@pytest.mark.parametrize("name", venues.names())
def test_every_channel_that_a_venue_may_be_asked_for_says_what_it_promises(name: str) -> None:
    venue = venues.load(name)
    for topic, its in venue.promises.items():
        assert its == promise.NONE or its.column in CHANNEL, topic
        assert its.first_s == 0 or its.first_s >= 5.0  # a venue may be slow
        assert not (its.every_s and not its.first_s)
    assert {"book", "trades"} <= {its.column for its in venue.promises.values()}
