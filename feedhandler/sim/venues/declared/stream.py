"""A key with a book that somebody listens to: what of each update is to be said on it."""

from __future__ import annotations

from collections.abc import Sequence

from feedhandler.sim.market.book import ASK, BID, Book, Change
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
        self.begin()

    def begin(self) -> None:
        """Clients have the book as it is."""
        self.last = self.live.book.sequence
        if self.levels:
            self._shown = _shown(self.live.book, self.levels)

    def changes(self, update: Update) -> Sequence[Change]:
        """What an update changes of what clients have."""
        if not self.levels:
            return update.changes
        before, self._shown = self._shown, _shown(self.live.book, self.levels)
        found = []
        for side, (old, new) in enumerate(zip(before, self._shown, strict=True)):
            there = self.live.book.lots[side]
            sign = 1 if side == BID else -1
            found += [
                Change(side, grid, old.get(grid, 0), lots)
                for grid, lots in new.items()
                if old.get(grid) != lots
            ]
            found += [
                Change(side, grid, lots, 0)
                for grid, lots in old.items()
                if grid not in new and not (self._cut and grid * sign in there)
            ]
        return found


def _shown(book: Book, levels: int) -> Shown:
    return dict(book.levels(BID, levels)), dict(book.levels(ASK, levels))


def crossed(book: Book, changes: Sequence[Change], *, instead: bool) -> Sequence[Change]:
    """With a bid above the best ask, whatever else becomes of that level; `instead` of the first
    change, where messages have one each."""
    ask = book.best(ASK)
    if ask is None:
        return changes
    wrong = Change(BID, ask + 2, 0, 1)
    kept = [one for one in changes if (one.side, one.grid) != (BID, ask + 2)]
    return [wrong, *kept[1 if instead else 0 :]]
