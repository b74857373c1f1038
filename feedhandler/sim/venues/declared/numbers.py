"""How the messages of a book are numbered, by the venue's rule: the market's sequences are so made
that they are the numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from feedhandler.adapter.venue import Continuity
from feedhandler.sim.market.clock import VenueClock
from feedhandler.sim.market.live import Live

_FIRST: Final = 5_000_000_000
_BEFORE: Final = ("previous", "previous_signed")
ALONE: Final = frozenset({"_", "final", "place", *_BEFORE})
"""Numbers that are said as they are."""
_UNITS: Final[Mapping[str, int]] = {
    "time_ns": 1,
    "time_us": 1_000,
    "time_frac": 1_000,
    "time_iso": 1_000,
    "time_ms": 1_000_000,
    "time_s": 1_000_000_000,
}
"""What a venue's word for the time can tell apart, in ns."""


class Numbers:
    """`holes`: of the frames that carry a book's changes. `single`: they have one level each.
    `leaps`: they grow with gaps, though the rule may have none."""

    def __init__(
        self, rule: Continuity, holes: Collection[str], *, single: bool, leaps: bool = False
    ) -> None:
        self._rule, self._single = rule, single
        self.timed = rule is Continuity.TIME
        self._leaps = leaps or rule not in (Continuity.TIME, Continuity.NEXT, Continuity.RANGE)
        unit = max((_UNITS[name] for name in holes if name in _UNITS), default=1)
        self._step = unit if self.timed else 1
        self.clock = VenueClock()

    @property
    def first(self) -> int:
        """Before any update."""
        return self._now() if self.timed else _FIRST

    def after(self, live: Live, changes: int) -> int:
        """The number of an update with so many changes: of its last message."""
        last = live.book.sequence
        if self._leaps:
            return last + 4 * changes + 1
        messages = max(1, changes) if self._single else 1
        if self.timed:
            return max(last + messages * self._step, self._now())
        return last + (messages if self._rule is Continuity.NEXT else changes)

    def _now(self) -> int:
        return self.clock.us() * 1_000 // self._step * self._step

    def only(self, previous: int, final: int, names: Iterable[str]) -> dict[str, str]:
        """Those of these names alone, of an update that is one message."""
        if self.timed:
            return self.values(previous, final)
        last, before = str(final), str(previous)
        return {name: before if name in _BEFORE else last for name in names}

    def values(self, previous: int, final: int, at: int = 0, of: int = 1) -> dict[str, str]:
        """What the message `at` of those `of` an update says of its place."""
        final -= (of - 1 - at) * self._step
        if at:
            previous = final - self._step
        last, before = str(final), str(previous)
        said = {
            "_": last,  # levels with a number of their own have the message's
            "first": str(previous + (2 if self._leaps else 1)),
            "final": last,
            "previous": before,
            "previous_signed": before,
            "place": last,
        }
        return said | times(final) if self.timed else said

    def count(self, previous: int, final: int, of: int) -> int:
        """How many numbers the first of the `of` messages of an update has; 0: nobody can tell."""
        if self._rule is Continuity.NEXT:
            return 1
        if self._rule is not Continuity.RANGE:
            return 0
        said = self.values(previous, final, 0, of)
        return int(said["final"]) - int(said["first"]) + 1

    def whole(self, sequence: int) -> dict[str, str]:
        """The same of a full book."""
        return {
            "first": str(sequence),
            "final": str(sequence),
            "previous": "0",
            "previous_signed": "-1",
            "place": str(sequence),
        } | (times(sequence) if self.timed else {})


class Counted:
    """Where each key counts its own messages of a book: `count` is the last one's number, `last`
    the book's at that time, which stands beside it."""

    _BEHIND: Final = 10  # what a snapshot has whose book is older than what was sent

    def __init__(self, count: int, last: int) -> None:
        self.count, self.last = count, last

    def next(self, sequence: int) -> None:
        """Another message, of the book at this number."""
        self.count, self.last = self.count + 1, sequence

    def only(self, previous: int, final: int, names: Iterable[str]) -> dict[str, str]:
        """As `Numbers` has it."""
        said = self.values(previous, final)
        return {name: said[name] for name in names}

    def values(self, previous: int, final: int, at: int = 0, of: int = 1) -> dict[str, str]:  # noqa: ARG002
        """What the last message says of its place."""
        before = str(self.count - 1)
        return self.whole(final) | {"previous": before, "previous_signed": before}

    def whole(self, sequence: int) -> dict[str, str]:
        """The same of a full book."""
        count = str(self.count - (self._BEHIND if sequence < self.last else 0))
        return {"_": count, "first": count, "final": count, "place": str(sequence)}


def _iso(ns: int) -> str:
    us = ns // 1_000
    whole = datetime.fromtimestamp(us // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{us % 1_000_000:06}Z"


_WRITTEN: Final[Mapping[str, Callable[[int], str]]] = {
    "s": lambda ns: str(ns // 1_000_000_000),
    "frac": lambda ns: f"{ns // 1_000_000_000}.{ns // 1_000 % 1_000_000:06}",
    "ms": lambda ns: str(ns // 1_000_000),
    "us": lambda ns: str(ns // 1_000),
    "ns": str,
    "iso": _iso,
}
"""A time in every way in which venues write it."""


def writers(names: Iterable[str]) -> list[tuple[str, Callable[[int], str]]]:
    """How times of these names are written: `time_ms`, `sent_iso`."""
    return [(name, _WRITTEN[name.partition("_")[2]]) for name in names]


def of_time(names: Iterable[str]) -> list[str]:
    """Those of the names that are of times."""
    every = {f"{prefix}_{unit}" for prefix in ("time", "sent") for unit in _WRITTEN}
    return sorted(every & set(names))


def times(ns: int, prefix: str = "time") -> dict[str, str]:
    """All of them."""
    return {f"{prefix}_{unit}": write(ns) for unit, write in _WRITTEN.items()}
