"""A key with a book that somebody listens to: what of each update is to be said on it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from feedhandler.sim.market.book import ASK, BID, SIGN, Book, Change
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.venues.declared.channels import Channel

Shown = tuple[dict[int, int], dict[int, int]]


class BookStream:
    """`levels`: a side that the channel keeps, 0 for all. `cut`: the client takes off by itself
    what falls out of them. `last`: the number of what was sent last."""

    def __init__(self, channel: Channel, live: Live, levels: int, *, cut: bool) -> None:
        self.channel, self.live, self.levels = channel, live, levels
        self._cut = cut
        self.number = 0
        """By which the acknowledgement names the key, where it does."""
        self.moved = False
        self.last = 0
        self._shown: Shown = ({}, {})
        self._before: dict[tuple[int, int], int] = {}
        """By side and grid index, what clients have of levels that have moved since."""
        self.begin()

    def begin(self) -> None:
        """Clients have the book as it is."""
        self.told = time.monotonic()
        self.moved = False
        self._before.clear()
        self.last = self.live.book.sequence
        if self.levels:
            self._shown = _shown(self.live.book, self.levels)

    def changes(self, update: Update) -> Sequence[Change]:
        """What an update changes of what clients have. What leaves the window goes before what
        comes in: venues never show more levels than were asked for."""
        if not self.levels:
            return update.changes
        found: list[Change] = []
        for side in (BID, ASK):
            found += self._side(side, [one for one in update.changes if one.side == side])
        return sorted(found, key=lambda change: change.new > 0)

    def note(self, update: Update) -> None:
        """An update that is said later, with others."""
        self.moved = True
        for side, grid, old, _ in () if self.levels else update.changes:
            self._before.setdefault((side, grid), old)

    def since(self) -> Sequence[Change]:
        """What differs from what clients have, who have it from now on."""
        self.moved = False
        if self.levels:
            return list(self._differing())
        lots = self.live.book.lots
        # Also of levels that are again as they were: a base may be of the time between.
        now = [
            Change(side, grid, old, lots[side].get(grid * SIGN[side], 0))
            for (side, grid), old in self._before.items()
        ]
        self._before.clear()
        return now

    def _differing(self) -> Iterator[Change]:
        """Of a window: what has left it, first."""
        before, now = self._shown, _shown(self.live.book, self.levels)
        self._shown = now
        for side in (BID, ASK):
            old, new = before[side], now[side]
            for grid in old.keys() - new.keys():
                if not (self._cut and grid * SIGN[side] in self.live.book.lots[side]):
                    yield Change(side, grid, old[grid], 0)
            for grid, lots in new.items():
                if (had := old.get(grid, 0)) != lots:
                    yield Change(side, grid, had, lots)

    def _side(self, side: int, changes: Sequence[Change]) -> Iterator[Change]:
        """What changed, and what that pushed over the edge of the window or pulled over it."""
        shown, keys, lots = self._shown[side], self.live.book.keys[side], self.live.book.lots[side]
        at, most = max(0, len(keys) - self.levels), len(changes)
        near = keys[max(0, at - most) : at + most]
        for key in dict.fromkeys([*(one.grid * SIGN[side] for one in changes), *near]):
            grid = key * SIGN[side]
            old = shown.get(grid, 0)
            new = lots[key] if key in lots and key >= keys[at] else 0
            if new:
                shown[grid] = new
            else:
                shown.pop(grid, None)
            if new != old and not (self._cut and not new and key in lots):
                yield Change(side, grid, old, new)


def _shown(book: Book, levels: int) -> Shown:
    return dict(book.levels(BID, levels)), dict(book.levels(ASK, levels))


def crossed(book: Book, changes: Sequence[Change], *, instead: bool) -> Sequence[Change]:
    """With a bid above the best ask, whatever else becomes of that level; `instead` of one of the
    changes, where messages have one each: there are as many numbers as there were."""
    ask = book.best(ASK)
    if ask is None:
        return changes
    wrong = Change(BID, ask + 2, 0, 1)
    kept = [one for one in changes if (one.side, one.grid) != (BID, ask + 2)]
    return [wrong, *kept[len(kept) - len(changes) + 1 if instead else 0 :]]
