"""What is done by the clock about books costs as much as there is to do, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.kit.board_frames import board
from feedhandler.connection.state import ConnectionState
from feedhandler.engine import _engine
from feedhandler.fleet.fleet import Fleet
from feedhandler.healing.recovery import Recovery
from feedhandler.healing.rhythm import RhythmOptions, RhythmWatchdog
from feedhandler.instruments.universe import CarriedInstrument, Universe
from feedhandler.io_process.book_tally import BookTally
from shm import Reason, State, segment
from tests.kit.facts import spec

MANY = 1000


@contextmanager
def option_board(namespace: str, messages: int = 0) -> Iterator[tuple[_engine.Engine, list[bytes]]]:
    """Every book of a board is LIVE; and the frames that come after that."""
    case = board(MANY, messages, 5000)
    with segment.create("deribit", namespace=namespace, instruments=MANY, depth=5) as held:
        engine = make_engine(venues.load("deribit"), held.writer, auto_add=True)
        for frame in case.frames[: 2 * MANY]:
            engine.connection(0).feed(frame)
        yield engine, case.frames[2 * MANY :]


def looked(engine: _engine.Engine) -> list[int]:
    """The rows of a whole look."""
    engine.look()
    found: list[int] = []
    while True:
        rows, activity, states, _ = engine.looked(100)
        assert len(rows) == len(activity) == len(states)
        found += rows.tolist()
        if len(rows) < 100:
            return found


def test_a_look_tells_of_what_came_once_and_of_nothing_else(namespace: str) -> None:
    with option_board(namespace, 50) as (engine, frames):
        assert sorted(looked(engine)) == list(range(MANY))
        assert looked(engine) == []
        symbols = engine.symbols()
        for frame in frames:
            engine.connection(0).feed(frame)
        came = {n for n, symbol in enumerate(symbols) if any(symbol.encode() in f for f in frames)}
        assert sorted(looked(engine)) == sorted(came)
        engine.set_state(7, State.STALE, Reason.GAP)
        engine.look()
        rows, _, states, _ = engine.looked(10)
        assert (rows.tolist(), states.tolist()) == ([7], [[State.STALE, Reason.GAP]])


def test_what_comes_during_a_look_is_told_in_the_next_one(namespace: str) -> None:
    with option_board(namespace) as (engine, _):
        engine.look()
        first = engine.looked(400)[0].tolist()
        engine.set_state(first[0], State.STALE, Reason.GAP)
        engine.look()  # it goes on
        rest = engine.looked(MANY)[0].tolist()
        assert sorted(first + rest) == list(range(MANY))
        assert looked(engine) == [first[0]]


def test_a_look_says_of_each_channel_when_it_spoke(namespace: str) -> None:
    with option_board(namespace) as (engine, _):
        engine.look()
        rows, activity, _, _ = engine.looked(MANY)
        assert (activity == engine.activity()[rows]).all()
        assert engine.heard(5, _engine.CHANNEL_BOOK) == engine.activity()[5, 0]
        bids, asks = engine.book(5)[:2]
        assert engine.best(5) == (*bids[0].tolist(), *asks[0].tolist())
        engine.set_state(5, State.STALE, Reason.GAP)
        assert engine.best(5) is None


def test_the_tally_of_books_is_what_a_count_would_be() -> None:
    rng = np.random.default_rng(1)
    there: dict[int, Any] = {
        row: SimpleNamespace(book_key="b", closed=False, spec=SimpleNamespace(symbol=str(row)))
        for row in range(40)
    }
    tally, states = BookTally(there.get), dict[int, tuple[int, int]]()
    kinds = [(State.LIVE, Reason.NONE), (State.STALE, Reason.GAP), (State.DEGRADED, Reason.NONE)]
    kinds += [(State.CLOSED, Reason.EXPIRED)]
    kinds += [(State.CLOSED, Reason.EXPIRED)]
    for _ in range(2000):
        rows = rng.choice(40, size=3, replace=False)
        its = [kinds[n] for n in rng.integers(len(kinds), size=3)]
        for row, state in zip(rows.tolist(), its, strict=True):
            there[row].closed = state[0] == State.CLOSED
            states[row] = state
        tally.changed(rows, np.array(its))
        counted = {row: state for row, state in states.items() if not there[row].closed}
        missing = [state for state in counted.values() if state[0] != State.LIVE]
        assert (len(tally), tally.missing) == (len(counted), len(missing))
        assert tally.polled == (bool(missing) and {s[0] for s in missing} == {State.DEGRADED})
        if missing:
            most = [reason for _, reason in missing]
            assert most.count(Reason(tally.reason)) == max(map(most.count, most))


@dataclass
class Touched:
    """An array that counts the cells that are taken from it."""

    array: Any
    cells: int = field(default=0)

    def __getitem__(self, at: Any) -> Any:
        found = self.array[at]
        self.cells += np.size(found)
        return found

    def __setitem__(self, at: Any, value: Any) -> None:
        self.array[at] = value


def test_a_rhythm_is_looked_at_where_something_came() -> None:
    dog = RhythmWatchdog(2, RhythmOptions(floor_s=10.0, ceiling_s=100.0))
    activity = np.ones((MANY, 2), np.int64)
    for row in range(MANY):
        dog.watch(row, 0, 0.0)
    dog.observe(activity, 0.0)
    assert dog.suspects(0.0) == []
    names = ("_seen", "_at", "_mean", "_longest", "_gaps", "_watched", "_limit")
    touched = {name: Touched(getattr(dog, name)) for name in names}
    for name, each in touched.items():
        setattr(dog, name, each)
    for tick in range(1, 20):
        dog.observe(np.full((1, 2), tick + 1), float(tick), np.array([3]))
        assert dog.suspects(float(tick)) == []
    assert max(each.cells for each in touched.values()) < MANY


class Homes(Fleet):
    """A fleet of connections that are what they are said to be."""

    def __init__(self, *states: ConnectionState) -> None:
        universe = Universe(venues.load("deribit"), ("book",))
        engine = cast(
            Any,
            SimpleNamespace(
                add_instrument=self._added, redefine=lambda *_, **__: 0, follow=lambda *_: None
            ),
        )
        self.added = 0
        self.lines = {
            n: SimpleNamespace(row=n, state=state, start=list) for n, state in enumerate(states)
        }
        super().__init__(
            universe.venue, engine, universe, lambda row, *_: cast(Any, self.lines[row])
        )
        for n in self.lines:
            each = universe.add(engine, spec(f"BTC-{n}"))
            assert self.open("public", [cast(str, each.book_key)])

    def _added(self, *_: Any, **__: Any) -> int:
        self.added += 1
        return self.added - 1


def test_books_that_nobody_brings_are_those_of_connections_that_are_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live, down = ConnectionState.LIVE, ConnectionState.BACKOFF
    fleet = Homes(live, down, live)
    assert [each.id for each in fleet.unstreamed()] == [1]
    fleet.lines[1].state = live
    monkeypatch.setattr(fleet, "_universe", None)  # no instrument is looked at
    assert fleet.unstreamed() == []


def test_those_that_are_audited_go_round() -> None:
    fleet = Homes(*[ConnectionState.LIVE] * 4)
    universe = fleet._universe
    assert [each.id for each in universe.after(-1)] == [0, 1, 2, 3]
    assert [each.id for each in universe.after(1)] == [2, 3, 0, 1]
    assert [each.id for each in universe.after(3)] == [0, 1, 2, 3]
    assert [each.id for each in universe.after(99)] == [0, 1, 2, 3]


class Snapshots:
    """Nobody is asked."""

    def request(self, symbol: str, delay: float = 0.0) -> None: ...
    def done(self, symbol: str) -> None: ...


def test_of_books_that_are_lost_at_once_each_is_looked_at_when_it_is_due() -> None:
    asked: dict[str, int] = {}
    looks = 0

    class Line(set[str]):
        """A connection with all of them."""

        def __contains__(self, _: object) -> bool:
            return True

        @property
        def subscriptions(self) -> Line:
            return self

        def budget(self, _: float) -> float:
            return 1000.0

        def is_live(self, _: str) -> bool:
            return True

        def resubscribe(self, key: str) -> bool:
            asked[key] = asked.get(key, 0) + 1
            return True

    def connection(_: Any) -> Any:
        nonlocal looks
        looks += 1
        return line

    line = Line()
    engine = SimpleNamespace(state=lambda _: (State.STALE, Reason.GAP), set_state=lambda *_: None)
    recovery = Recovery(
        venues.load("deribit"),
        cast(Any, engine),
        cast(Any, Snapshots()),
        connection,
        lambda _: None,
    )
    books = [CarriedInstrument(n, spec(f"BTC-{n}"), f"book.BTC-{n}.100ms") for n in range(MANY)]
    for book in books:
        recovery.lost(book, int(Reason.GAP), 1.0)
    assert len(asked) == MANY  # each at once
    looks = 0
    for tick in range(50):
        recovery.poll(1.0 + 0.1 * tick)
    assert looks == 0
    for book in books[1:]:
        recovery.healed(book, 6.0)
    for tick in range(200):
        recovery.poll(6.0 + 0.1 * tick)
    assert asked.pop("book.BTC-0.100ms") > 1
    assert set(asked.values()) == {1}
