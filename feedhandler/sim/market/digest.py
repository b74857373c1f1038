"""Digests of whole books: every message of a feed can be held against the truth, not a sample.

The digest of a book is the sum of a hash of each of its levels, mod 2^64: a change costs two
hashes, here and at the reader's. The hash is CPython's own: both sides run the same version.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from feedhandler.sim.market.book import Change
from feedhandler.sim.market.live import Live, Update

DIGITS: Final = 12
"""Prices and sizes are hashed as integers with so many decimals."""
_MASK: Final = (1 << 64) - 1


def level(side: int, price: int, size: int) -> int:
    """What one level adds: side 0 bid or 1 ask, price and size times 10^DIGITS; size 0 adds 0."""
    return hash((side, price, size)) & _MASK if size else 0


def of(levels: Iterable[tuple[int, int, int]]) -> int:
    """The digest of a book: (side, price, size) of each level, as `level` takes them."""
    return sum(level(*each) for each in levels) & _MASK


class Digests:
    """The digest of each book at each sequence of the last ``history`` updates of a venue."""

    def __init__(self, history: int) -> None:
        self._history = history
        self._now: dict[str, int] = {}
        self._at: dict[tuple[str, int], int] = {}
        self._order: deque[tuple[str, int]] = deque()

    def take(self, update: Update) -> None:
        """An update was committed to its book."""
        live, symbol = update.live, update.live.instrument.symbol
        moved = self._moved(live, update.changes)
        before = self._now.get(symbol)
        if before is None:
            before = (_whole(live) - moved) & _MASK
            self._keep(symbol, update.previous, before)
        self._now[symbol] = now = (before + moved) & _MASK
        self._keep(symbol, update.sequence, now)

    def at(self, live: Live, sequence: int) -> int | None:
        """The digest of the book as of a sequence; None: unknown, or forgotten."""
        symbol = live.instrument.symbol
        if symbol not in self._now and sequence == live.book.sequence:
            return _whole(live)
        return self._at.get((symbol, sequence))

    def _keep(self, symbol: str, sequence: int, digest: int) -> None:
        self._at[symbol, sequence] = digest
        self._order.append((symbol, sequence))
        if len(self._order) > self._history:
            self._at.pop(self._order.popleft(), None)

    def _moved(self, live: Live, changes: Iterable[Change]) -> int:
        moved = 0
        for side, grid, old, new in changes:
            price = _price(live, grid)
            moved += level(side, price, _size(live, new)) - level(side, price, _size(live, old))
        return moved


def _whole(live: Live) -> int:
    return of(
        (side, _price(live, grid), _size(live, lots))
        for side in (0, 1)
        for grid, lots in live.book.levels(side)
    )


def _price(live: Live, grid: int) -> int:
    mantissa, digits = live.instrument.price_mantissa(grid)
    return mantissa * int(10 ** (DIGITS - digits))


def _size(live: Live, lots: int) -> int:
    mantissa, digits = live.instrument.lot_mantissa
    return lots * mantissa * int(10 ** (DIGITS - digits))
