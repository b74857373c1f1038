"""The best levels of a book as a Bybit topic sends them: a snapshot, then what differs since."""

from __future__ import annotations

from typing import NamedTuple

from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.market.live import Live

Level = tuple[int, int]
"""Grid index and lots; 0 lots: the level is gone, or has left the window."""


class Sides(NamedTuple):
    """Levels of both sides, best first."""

    bids: list[Level]
    asks: list[Level]

    def crossed(self, ask: int) -> Sides:
        """With a bid above the best ask, whatever else becomes of that level."""
        bid = ask + 2
        return Sides([(bid, 1), *(level for level in self.bids if level[0] != bid)], self.asks)


class Window:
    """One topic's window of ``levels`` a side. ``number`` counts its messages; ``sequence`` is the
    book's at the last of them."""

    def __init__(self, topic: str, live: Live, levels: int, interval: float, number: int) -> None:
        self.topic = topic
        self.live = live
        self.levels = levels
        self.interval = interval
        self.due = 0.0
        self.number = number
        self.sequence = live.book.sequence
        self.sent = 0.0
        self._shown = _sides(live.book, levels)

    @property
    def moved(self) -> bool:
        """Whether the book has, since the last message; the window perhaps not."""
        return self.sequence != self.live.book.sequence

    def shown(self) -> Sides:
        """What subscribers have by now."""
        bids, asks = ([*side.items()] for side in self._shown)
        return Sides(bids, asks)

    def change(self) -> Sides | None:
        """What differs from what they have, which becomes what they have; None: nothing does."""
        now = _sides(self.live.book, self.levels)
        found: list[list[Level]] = []
        for old, new, sign in zip(self._shown, now, (-1, 1), strict=True):
            levels = [(grid, lots) for grid, lots in new.items() if old.get(grid) != lots]
            levels += [(grid, 0) for grid in old if grid not in new]
            found.append(sorted(levels, key=lambda level: sign * level[0]))
        self._shown = now
        self.sequence = self.live.book.sequence
        if not found[BID] and not found[ASK]:
            return None
        self.number += 1
        return Sides(found[BID], found[ASK])

    def renumber(self) -> Sides:
        """The service begins anew: number 1 is a whole book."""
        self._shown = _sides(self.live.book, self.levels)
        self.sequence = self.live.book.sequence
        self.number = 1
        return self.shown()

    def as_of(self, book: Book) -> Sides:
        """The window of an older book."""
        bids, asks = ([*side.items()] for side in _sides(book, self.levels))
        return Sides(bids, asks)


def _sides(book: Book, levels: int) -> tuple[dict[int, int], dict[int, int]]:
    return dict(book.levels(BID, levels)), dict(book.levels(ASK, levels))
