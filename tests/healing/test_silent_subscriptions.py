"""What is done about silent subscriptions: in which order, how often, and to whom it is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from feedhandler import venues
from feedhandler.connection.state import ConnectionState
from feedhandler.healing.rhythm import RhythmOptions
from feedhandler.healing.silent_subscriptions import MANY, RENEW_S, SilentSubscriptions
from feedhandler.instruments.universe import CHANNEL, CarriedInstrument, Universe
from shm import Reason, State
from tests.kit.facts import spec


@dataclass(eq=False)
class Line:
    """A connection."""

    row: int = 0
    state: ConnectionState = ConnectionState.LIVE
    budget_left: float = float("inf")
    connected_ns: int = 1_000_000_000
    last_receive_ns: int = 2_000_000_000
    asked: list[str] = field(default_factory=list)
    said: tuple[Reason, str] = (Reason.NONE, "")

    def resubscribe(self, key: str) -> bool:
        self.asked.append(key)
        return True

    def note(self, reason: Reason, detail: str, about: str) -> None:
        assert about == "data"
        self.said = reason, detail

    @property
    def subscriptions(self) -> Line:
        return self

    @property
    def native(self) -> Line:
        return self

    def budget(self, _: float) -> float:
        return self.budget_left

    def __contains__(self, key: str) -> bool:
        return True


class Engine:
    """That has heard nothing at all."""

    def __init__(self, rows: int) -> None:
        self.times = np.zeros((rows, len(CHANNEL)), dtype=np.int64)

    def heard(self, row: int, channel: int) -> int:
        return int(self.times[row, channel])

    def state(self, _: int) -> tuple[int, int]:
        return State.LIVE, Reason.NONE

    def book(self, _: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.zeros((0, 2), dtype=np.int64), np.zeros((0, 2), dtype=np.int64)


class Scene:
    """So many instruments on one connection to OKX, of which the mark prices are asked for."""

    def __init__(self, count: int, **line: Any) -> None:
        self.line = Line(**line)
        venue = venues.load("okx")
        universe = Universe(venue, ("book", "ticker"))
        self.keys = []
        for row in range(count):
            tracked = CarriedInstrument(row, spec(f"S{row}-SWAP"), f"books:S{row}-SWAP")
            universe.by_id[row] = universe.by_symbol[tracked.spec.symbol] = tracked
            self.keys.append(f"mark-price:S{row}-SWAP")
        self.engine = Engine(count)
        self.renewed: list[tuple[Reason, str | None, float]] = []
        self.now = 0.0
        self.silent_subscriptions = SilentSubscriptions(
            venue,
            universe,
            cast(Any, self.engine),
            self._renew,
            lambda *_: None,
            lambda _: None,
            lambda: None,
            RhythmOptions(),
        )
        self.acknowledge()

    def _renew(self, connection: object, reason: Reason, why: str, turn: str | None) -> None:
        assert connection is self.line
        assert why.startswith("mark-price:")
        self.renewed.append((reason, turn, self.now))

    def acknowledge(self) -> None:
        for key in self.keys:
            self.silent_subscriptions.acknowledged(self.line, key, self.now)  # type: ignore[arg-type]

    def run(self, seconds: float, step: float = 0.5) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += step
            promises, times = self.silent_subscriptions.promises, self.engine.times
            promises.look(self.now)
            promises.heard(np.arange(len(times)), times, self.now)
            self.silent_subscriptions.poll(self.now)


def test_the_subscription_then_the_connection_then_another_address_each_time_later() -> None:
    scene = Scene(1)
    (key,) = scene.keys
    scene.run(11.0)
    assert scene.line.asked == []
    assert scene.silent_subscriptions.finding == (Reason.NONE, "")
    scene.run(3.0)
    assert scene.line.asked == [key]
    reason, words = scene.silent_subscriptions.finding
    assert (reason, scene.line.said[0]) == (Reason.NO_DATA, Reason.NO_DATA)
    assert key in words
    assert key in scene.line.said[1]
    scene.run(10.0)
    ((reason, turn, at),) = scene.renewed
    assert (reason, turn) == (Reason.NO_DATA, None)
    scene.run(4000.0)
    turns = [turn for _, turn, _ in scene.renewed[1:]]
    assert set(turns) == {"public"}
    times = [at, *(at for _, _, at in scene.renewed[1:])]
    gaps = np.diff(times)
    assert RENEW_S[0] <= gaps[0] <= RENEW_S[0] + 1.0
    assert len(times) <= 12  # and never a flood
    assert len(scene.line.asked) <= 12


def test_it_is_over_when_it_speaks() -> None:
    scene = Scene(1)
    scene.run(13.0)
    assert scene.silent_subscriptions.silent
    scene.engine.times[0, CHANNEL["mark"]] = 1 << 62
    scene.run(1.0)
    assert not scene.silent_subscriptions.silent
    assert scene.line.said == (Reason.NONE, "")
    assert scene.silent_subscriptions.finding == (Reason.NONE, "")


def test_what_came_with_the_acknowledgement_is_the_first_word() -> None:
    scene = Scene(1)
    scene.engine.times[0, CHANNEL["mark"]] = scene.line.last_receive_ns  # in the same read
    scene.run(30.0)
    assert scene.line.asked == []
    assert not scene.silent_subscriptions.silent


def test_many_at_once_are_not_asked_for_one_by_one() -> None:
    scene = Scene(MANY)
    scene.run(30.0)
    assert scene.line.asked == []
    assert len(scene.renewed) == 1
    assert f"and {MANY - 1} more" in scene.silent_subscriptions.finding[1]


def test_what_an_hour_has_left_is_kept_for_books() -> None:
    scene = Scene(1, budget_left=10.0)
    scene.run(15.0)
    assert scene.line.asked == []
    scene.run(15.0)
    assert len(scene.renewed) == 1


def test_nothing_is_done_on_a_connection_that_is_down() -> None:
    scene = Scene(1)
    scene.silent_subscriptions.down(scene.line)  # type: ignore[arg-type]
    scene.line.state = ConnectionState.BACKOFF
    scene.run(100.0)
    assert scene.line.asked == []
    assert scene.renewed == []
    assert not scene.silent_subscriptions.silent


def test_what_is_refused_is_said_until_it_is_taken() -> None:
    scene = Scene(2)
    keys = [scene.keys[1], "books:S0-SWAP"]
    scene.silent_subscriptions.refused(scene.line, keys, Reason.REJECTED)  # type: ignore[arg-type]
    reason, words = scene.silent_subscriptions.finding
    assert reason is Reason.REJECTED
    assert scene.keys[1] in words
    assert "more" not in words  # a book has a state of its own
    scene.acknowledge()
    assert scene.silent_subscriptions.finding == (Reason.NONE, "")
