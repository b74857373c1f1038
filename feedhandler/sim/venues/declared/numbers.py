"""How the messages of a book are numbered, by the venue's rule: the market's sequences are so made
that they are the numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from feedhandler.adapter.venue import Continuity
from feedhandler.sim.market.clock import VenueClock
from feedhandler.sim.market.live import Live

_FIRST: Final = 5_000_000_000
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
    """`holes`: of the frames that carry a book's changes. `single`: they have one level each."""

    def __init__(self, rule: Continuity, holes: Collection[str], *, single: bool) -> None:
        self._rule, self._single = rule, single
        self.timed = rule is Continuity.TIME
        unit = max((_UNITS[name] for name in holes if name in _UNITS), default=1)
        self._step = unit if self.timed else 1
        self.clock = VenueClock()

    @property
    def first(self) -> int:
        """Before any update."""
        return self._now() if self.timed else _FIRST

    def after(self, live: Live, changes: int) -> int:
        """The number of an update with so many changes: of its last message."""
        last, messages = live.book.sequence, max(1, changes) if self._single else 1
        if self.timed:
            return max(last + messages * self._step, self._now())
        if self._rule is Continuity.NEXT:
            return last + messages
        return last + (changes if self._rule is Continuity.RANGE else 4 * changes + 1)

    def _now(self) -> int:
        return self.clock.us() * 1_000 // self._step * self._step

    def values(self, previous: int, final: int, at: int = 0, of: int = 1) -> dict[str, str]:
        """What the message `at` of those `of` an update says of its place."""
        final -= (of - 1 - at) * self._step
        if at:
            previous = final - self._step
        return {
            "first": str(previous + 1),
            "final": str(final),
            "previous": str(previous),
            "previous_signed": str(previous),
            "place": str(final),
        } | (times(final) if self.timed else {})

    def whole(self, sequence: int) -> dict[str, str]:
        """The same of a full book."""
        return {
            "first": str(sequence),
            "final": str(sequence),
            "previous": "0",
            "previous_signed": "-1",
            "place": str(sequence),
        } | (times(sequence) if self.timed else {})


def times(ns: int, prefix: str = "time") -> dict[str, str]:
    """A time in every way in which venues write it."""
    us = ns // 1_000
    whole = datetime.fromtimestamp(us // 1_000_000, UTC)
    return {
        f"{prefix}_s": str(us // 1_000_000),
        f"{prefix}_frac": f"{us // 1_000_000}.{us % 1_000_000:06}",
        f"{prefix}_ms": str(us // 1_000),
        f"{prefix}_us": str(us),
        f"{prefix}_ns": str(ns),
        f"{prefix}_iso": f"{whole:%Y-%m-%dT%H:%M:%S}.{us % 1_000_000:06}Z",
    }
