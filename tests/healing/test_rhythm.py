"""When a subscription is silent for longer than its own rhythm explains."""

import random

import numpy as np
import numpy.typing as npt
import pytest

from feedhandler.healing.rhythm import RhythmOptions, RhythmWatchdog

BOOK = 0


class Market:
    """Activity of a few instruments, by a clock of its own."""

    def __init__(self, rows: int) -> None:
        self.seen: npt.NDArray[np.int64] = np.zeros((rows, 4), dtype=np.int64)
        self.now = 0.0
        self.dog = RhythmWatchdog(4, RhythmOptions())
        for row in range(rows):
            self.dog.watch(row, BOOK, 0.0)

    def run(self, seconds: float, gaps: dict[int, float], rng: random.Random) -> list[int]:
        """Poisson arrivals with these mean gaps; the rows suspected on the way."""
        due = {row: self.now + rng.expovariate(1 / gap) for row, gap in gaps.items()}
        suspects = []
        end = self.now + seconds
        while self.now < end:
            self.now += 1.0
            for row, gap in gaps.items():
                while due[row] <= self.now:
                    self.seen[row, BOOK] = int(due[row] * 1e9)
                    due[row] += rng.expovariate(1 / gap)
            self.dog.observe(self.seen, self.now)
            suspects += [row for row, _ in self.dog.suspects(self.now)]
        return suspects


def test_fast_subscription_that_stops_is_found_quiet_ones_are_left_alone() -> None:
    rng = random.Random(3)
    market = Market(3)
    assert market.run(3600, {0: 0.2, 1: 30.0, 2: 5.0}, rng) == []
    began = market.now
    found: list[int] = []
    while not found and market.now < began + 60:
        found = market.run(1, {1: 30.0, 2: 5.0}, rng)
    assert found == [0]
    assert market.now - began <= 25


@pytest.mark.parametrize("seed", range(5))
def test_no_false_alarm_over_many_quiet_instruments(seed: int) -> None:
    rng = random.Random(seed)
    market = Market(200)
    gaps = {row: rng.uniform(1.0, 60.0) for row in range(200)}
    assert market.run(1800, gaps, rng) == []


def test_suspect_is_named_once_and_again_only_when_widened_or_heard() -> None:
    rng = random.Random(5)
    market = Market(1)
    market.run(300, {0: 0.2}, rng)
    assert market.run(120, {}, rng) == [0]
    market.dog.widen(0, BOOK)
    market.dog.watch(0, BOOK, market.now)
    before = market.now
    found: list[int] = []
    while not found:
        found = market.run(1, {}, rng)
    assert market.now - before >= 19.0  # twice the floor of 10 s
    market.run(60, {0: 0.2}, rng)
    assert market.run(120, {}, rng) == [0]


def test_unwatched_subscriptions_are_never_suspected() -> None:
    rng = random.Random(5)
    market = Market(1)
    market.run(300, {0: 0.2}, rng)
    market.dog.ignore(0, BOOK)
    assert market.run(600, {}, rng) == []
    assert market.dog.silent_share([0], BOOK, market.now) == 0.0


def test_silent_share_counts_the_watched() -> None:
    rng = random.Random(5)
    market = Market(4)
    market.run(300, dict.fromkeys(range(4), 0.5), rng)
    market.run(60, {0: 0.5}, rng)
    assert market.dog.silent_share([0, 1, 2, 3], BOOK, market.now) == 0.75
    market.dog.ignore(1, BOOK)
    assert market.dog.silent_share([0, 1, 2, 3], BOOK, market.now) == pytest.approx(2 / 3)


def test_what_has_no_rhythm_does_not_count_as_fallen_silent() -> None:
    rng = random.Random(5)
    market = Market(4)
    market.run(300, {0: 0.5}, rng)
    assert market.run(400, {0: 0.5}, rng) == [1, 2, 3]  # each for itself, after the ceiling
    assert market.dog.silent_share([0, 1, 2, 3], BOOK, market.now) == 0.0
    assert [market.dog.knows(row, BOOK) for row in range(5)] == [True, False, False, False, False]
