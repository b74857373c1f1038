"""The keys that somebody listens to, and whom an update of an instrument concerns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.venues.declared.books import Books
from feedhandler.sim.venues.declared.channels import Channel
from feedhandler.sim.venues.declared.events import Picture, Prints, Tape
from feedhandler.sim.venues.declared.numbers import Counted, of_time, writers
from feedhandler.sim.venues.declared.sparse import Sparse
from feedhandler.sim.venues.declared.stream import BookStream


@dataclass
class Open:
    """What is made for a key while somebody listens to it. `number`: what acknowledgements call it,
    another one each time that it is opened. `every`: seconds between whole books or statistics, and
    where it is `paced` between changes of a book and best levels, too; `always`: also of what has
    not moved; `again`: seconds until best levels are said again."""

    channel: Channel
    number: int
    books: Books | None
    stream: BookStream | None
    tape: Tape | None
    forced: Sequence[Prints]
    quotes: Sequence[Picture]
    tickers: Sequence[Picture]
    every: float
    always: bool = False
    paced: bool = False
    again: float = 0.0
    counted: Counted | None = None
    sparse: Sparse | None = None
    moved: bool = False
    """Whether best levels have, since they were last said."""
    told: float = 0.0

    def __post_init__(self) -> None:
        self.said = {**self.channel.said, "channel": str(self.number)}
        makes = (self.books, self.tape, *self.forced, *self.quotes, *self.tickers)
        self.stamp = 0
        names = {name for one in makes if one is not None for name in one.names}
        self.times = writers(of_time(names))

    @property
    def timed(self) -> bool:
        """Whether it says anything by the clock."""
        whole = self.books is not None and self.books.has("full")
        return self.paced or bool(self.tickers) or whole


class Route(NamedTuple):
    """Who is to hear of an instrument, at once and by the clock."""

    books: Sequence[Open]
    prints: Sequence[Open]
    quotes: Sequence[Open]
    tickers: Sequence[Open]


class Opened:
    """`keys`: what is open, by key. `moved`: by interval, the instruments that have changed since
    statistics were last said."""

    def __init__(self) -> None:
        self.keys: dict[str, Open] = {}
        self.moved: dict[float, set[str]] = {}
        self.count = 0
        self._by_subject: dict[tuple[str, str], list[Open]] = {}
        self._routes: dict[str, Route] = {}
        self._timed: dict[float, list[Open]] = {}
        self._due: dict[float, float] = {}
        self._soonest = 0.0

    def add(self, one: Open) -> None:
        """Somebody listens."""
        self.keys[one.channel.key] = one
        self._by_subject.setdefault(one.channel.subject, []).append(one)
        self._routes.clear()
        if one.timed:
            self._timed.setdefault(one.every, []).append(one)
            self._due.setdefault(one.every, 0.0)
            self._soonest = 0.0
            if one.tickers and not one.always:
                self.moved.setdefault(one.every, set())

    def remove(self, key: str) -> None:
        """Nobody does any more."""
        gone = self.keys.pop(key)
        self._by_subject[gone.channel.subject].remove(gone)
        self._routes.clear()
        if gone.timed:
            self._timed[gone.every].remove(gone)

    def route(self, instrument: Instrument) -> Route:
        """Those that are about an instrument."""
        found = self._routes.get(instrument.symbol)
        if found is None:
            heard = list(self._heard(instrument))
            found = self._routes[instrument.symbol] = Route(
                [one for one in heard if one.stream is not None],
                [one for one in heard if one.tape is not None or one.forced],
                [one for one in heard if one.quotes],
                [one for one in heard if one.tickers and not one.always],
            )
        return found

    def _heard(self, instrument: Instrument) -> Iterator[Open]:
        for name in subjects(instrument):
            for one in self._by_subject.get(name, ()):
                if one.channel.about(instrument):
                    yield one

    def due(self, now: float) -> list[float]:
        """The intervals that are over; each begins anew."""
        if now < self._soonest:
            return []
        found = [every for every, due in self._due.items() if now >= due]
        for every in found:
            self._due[every] = now + every
        self._soonest = min(self._due.values(), default=0.0)
        return found

    @property
    def intervals(self) -> list[float]:
        """All that there are."""
        return list(self._due)

    def timed(self, every: float) -> list[Open]:
        """What is said at this interval."""
        return list(self._timed.get(every, ()))


def subjects(instrument: Instrument) -> tuple[tuple[str, str], ...]:
    """The names under which keys are about an instrument."""
    grouped = ("family", instrument.family), ("index_name", instrument.index_name)
    return ("symbol", instrument.symbol), *grouped, ("", "")
