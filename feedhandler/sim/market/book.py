"""A venue's own order book: integer levels, and the way back to any recent sequence."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import Final, NamedTuple

BID: Final = 0
ASK: Final = 1
SIGN: Final = (1, -1)


class Change(NamedTuple):
    """One level moved from ``old`` to ``new`` lots; 0 is absence."""

    side: int
    grid: int
    old: int
    new: int


_change = tuple.__new__  # for it is made for each level that moves


class Book:
    """Levels by side. Each side is sorted by key, best last.

    The key is the grid index for bids and its negative for asks, so that both sides are handled
    by the same code, and work near the touch is at the cheap end of the list.
    """

    __slots__ = ("_log", "_origin", "keys", "lots", "sequence")

    def __init__(self, sequence: int) -> None:
        self.keys: tuple[list[int], list[int]] = ([], [])
        self.lots: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.sequence = sequence
        # Flat (sequence, side, index, old, side, index, old, ...): a third of nested tuples.
        self._log: deque[tuple[int, ...]] = deque()
        self._origin = sequence

    def best(self, side: int) -> int | None:
        """Grid index of the best level, or None."""
        keys = self.keys[side]
        return keys[-1] * SIGN[side] if keys else None

    def top(self) -> tuple[int, int, int, int]:
        """Best keys and their sizes, to tell whether the touch has moved; 0 for an empty side."""
        (bids, asks), (bid_lots, ask_lots) = self.keys, self.lots
        bid, ask = bids[-1] if bids else 0, asks[-1] if asks else 0
        return bid, bid_lots.get(bid, 0), ask, ask_lots.get(ask, 0)

    def put(self, side: int, key: int, lots: int) -> Change:
        """Set a level, 0 lots removing it. The caller never crosses the book."""
        keys, sizes = self.keys[side], self.lots[side]
        old = sizes.get(key, 0)
        if lots == 0:
            if old:
                del sizes[key]
                if keys[-1] == key:
                    keys.pop()
                else:
                    del keys[bisect_left(keys, key)]
        else:
            sizes[key] = lots
            if not old:
                if not keys or key > keys[-1]:
                    keys.append(key)
                else:
                    keys.insert(bisect_left(keys, key), key)
        return _change(Change, (side, key * SIGN[side], old, lots))

    def levels(self, side: int, limit: int | None = None) -> list[tuple[int, int]]:
        """(grid index, lots), best first."""
        sign, sizes = SIGN[side], self.lots[side]
        keys = self.keys[side]
        chosen = keys if limit is None else keys[-limit:] if limit else []
        return [(key * sign, sizes[key]) for key in reversed(chosen)]

    def commit(self, sequence: int, changes: list[Change]) -> None:
        """Record that these changes led to ``sequence``."""
        entry = [sequence]
        for side, grid, old, _ in changes:
            entry += (side, grid, old)
        self._log.append(tuple(entry))
        self.sequence = sequence

    def copy(self, sequence: int) -> Book:
        """The same levels under another number."""
        made = Book(sequence)
        made.keys = (list(self.keys[BID]), list(self.keys[ASK]))
        made.lots = (dict(self.lots[BID]), dict(self.lots[ASK]))
        return made

    def forget_oldest(self) -> None:
        """Give up the oldest recorded update."""
        self._origin = self._log.popleft()[0]

    def sequence_before(self, updates: int) -> int:
        """The sequence that was current ``updates`` updates ago, or the oldest known."""
        if updates <= 0:
            return self.sequence
        return self._log[-1 - updates][0] if updates < len(self._log) else self._origin

    def sequence_after(self, sequence: int) -> int | None:
        """The first known one behind another, or None if none is."""
        known = (self._origin, *(entry[0] for entry in self._log))
        return next((one for one in known if one > sequence), None)

    def as_of(self, sequence: int) -> Book | None:
        """The book exactly as of a sequence, or None if that is unknown or out of history."""
        if sequence != self._origin and not any(e[0] == sequence for e in reversed(self._log)):
            return None
        past = Book(sequence)
        sizes = (dict(self.lots[BID]), dict(self.lots[ASK]))
        for entry in reversed(self._log):
            if entry[0] == sequence:
                break
            for at in range(len(entry) - 3, 0, -3):
                side, index, old = entry[at : at + 3]
                if old:
                    sizes[side][index * SIGN[side]] = old
                else:
                    sizes[side].pop(index * SIGN[side], None)
        past.keys = (sorted(sizes[BID]), sorted(sizes[ASK]))
        past.lots = sizes
        return past
