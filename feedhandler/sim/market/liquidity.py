"""How a book comes to be and how it moves: sizes, levels, cancels and fills around a fair price."""

from __future__ import annotations

from math import log
from random import Random
from typing import NamedTuple

from feedhandler.sim.market.book import ASK, BID, SIGN, Book, Change
from feedhandler.sim.market.instrument import Instrument

# Sizes cluster on round numbers of the typical size's tenth, as people's orders do.
_ROUND = (1, 1, 2, 2, 5, 5, 10, 10, 10, 20, 25, 50, 100)
_ROUNDS = len(_ROUND)
_REPAIRS = 8
_TRADE_SHARE = 0.12


class Fill(NamedTuple):
    """A trade against a resting level: ``side`` is the resting side, the taker is the other."""

    side: int
    grid: int
    lots: int


class Maker:
    """Quotes one instrument. Owns the book's randomness, so that instruments do not disturb
    one another and a book can be made late without changing any other."""

    def __init__(self, instrument: Instrument, seed: str) -> None:
        self._draw = Random(f"{seed}/{instrument.symbol}").random
        self._depth = instrument.depth
        self._unit = max(1, instrument.typical_lots // 10)
        self._typical = instrument.typical_lots
        self._spacing = 1.0

    def _size(self) -> int:
        r = self._draw()
        if r < 0.55:
            return self._unit * _ROUND[int(r / 0.55 * _ROUNDS)]
        return 1 + int(self._typical * 3.0 * self._draw() ** 3)

    def _gap(self, depth: int) -> int:
        """Grid steps between neighbours, wider away from the touch."""
        wide = self._spacing * (1.0 + depth / 25.0)
        return 1 + int(-log(1.0 - self._draw()) * wide) if wide > 1 or depth > 8 else 1

    def fill(self, book: Book, fair: int) -> None:
        """Make the first book around a fair grid index."""
        self._spacing = fair * 2e-6
        for side, limit in ((BID, fair), (ASK, -fair - 1)):
            key = limit - (self._gap(0) - 1) // 2
            level = 0
            while level < self._depth and (side == ASK or key >= 1):
                book.put(side, key, self._size())
                key -= self._gap(level)
                level += 1

    def settled(self, book: Book, fair: int) -> bool:
        """Whether both sides begin where they would around a fair grid index."""
        reach = 1.0 + 2.0 * self._spacing
        for side, limit in ((BID, fair), (ASK, -fair - 1)):
            keys = book.keys[side]
            if keys and keys[-1] > limit:
                return False
            if (side == ASK or limit >= 1) and (not keys or limit - keys[-1] > reach):
                return False
        return True

    def move(self, book: Book, fair: int) -> tuple[list[Change], list[Fill]]:
        """One update: a few level changes, each leaving the book uncrossed. Never empty.

        A level is touched at most once in an update.
        """
        draw = self._draw
        changes: list[Change] = []
        fills: list[Fill] = []
        limits = (fair, -fair - 1)
        for side in (BID, ASK):
            keys, limit = book.keys[side], limits[side]
            if not keys or keys[-1] <= limit:
                continue
            for _ in range(_REPAIRS):
                if not keys or keys[-1] <= limit:
                    break
                gone = book.put(side, keys[-1], 0)
                changes.append(gone)
                if draw() < 0.5:
                    fills.append(Fill(side, gone.grid, gone.old))
        if not changes and draw() < _TRADE_SHARE:
            self._trade(book, BID if draw() < 0.5 else ASK, changes, fills)
        touched = {(change.side, change.grid) for change in changes}
        wanted = 1 + (draw() < 0.5) + (draw() < 0.2)
        for _ in range(24):
            if wanted <= 0:
                break
            change = self._quote(book, BID if draw() < 0.5 else ASK, limits)
            if change is None:
                continue
            side, grid, old, _new = change
            if (side, grid) in touched:
                # Put it back: a level speaks once a message.
                book.put(side, grid * SIGN[side], old)
                continue
            touched.add((side, grid))
            changes.append(change)
            wanted -= 1
        if not changes:
            changes.append(self._anything(book, limits))
        return changes, fills

    def _trade(self, book: Book, side: int, changes: list[Change], fills: list[Fill]) -> None:
        """A taker eats from the best levels of ``side``, often part of one, sometimes several."""
        draw = self._draw
        appetite = 1 + int(self._typical * 0.8 * draw() ** 2)
        keys, sizes = book.keys[side], book.lots[side]
        while appetite > 0 and len(keys) > 3 and len(changes) < 4:
            key = keys[-1]
            taken = min(appetite, sizes[key])
            change = book.put(side, key, sizes[key] - taken)
            changes.append(change)
            fills.append(Fill(side, change.grid, taken))
            appetite -= taken

    def _quote(self, book: Book, side: int, limits: tuple[int, int]) -> Change | None:
        """Add, change or cancel one level of a side; None when the draw is not possible."""
        draw = self._draw
        keys, limit = book.keys[side], limits[side]
        count = len(keys)
        if count > self._depth * 1.25:
            return book.put(side, keys[0], 0)
        reach = 1.0 + 2.0 * self._spacing
        if not keys or (limit - keys[-1] > reach and draw() < 0.7):
            key = limit - int(-log(1.0 - draw()) * self._spacing)
            return self._add(book, side, key)
        if count < self._depth * 0.8:
            return self._add(book, side, keys[0] - self._gap(count))
        place = min(count - 1, int(-log(1.0 - draw()) / 0.15))
        key = keys[-1 - place]
        hole = key - keys[-2 - place] if place + 1 < count else 0
        if hole > 4 * (1.0 + self._spacing * (1.0 + place / 25.0)) and draw() < 0.6:
            # The price has walked here: refill what it left empty.
            return self._add(book, side, key - self._gap(place))
        what = draw()
        if what < 0.45:
            lots = self._size()
            return book.put(side, key, lots) if lots != book.lots[side][key] else None
        if what < 0.68:
            return book.put(side, key, 0)
        if place == 0 and key < limit:
            return self._add(book, side, key + 1 + int(draw() * (limit - key)))
        return self._add(book, side, key - self._gap(place))

    def _add(self, book: Book, side: int, key: int) -> Change | None:
        other = book.keys[1 - side]
        if key in book.lots[side] or (side == BID and key < 1) or (other and key + other[-1] >= 0):
            return None
        return book.put(side, key, self._size())

    def _anything(self, book: Book, limits: tuple[int, int]) -> Change:
        """The last resort: change the best level there is, or open an ask, which always fits."""
        for side in (ASK, BID):
            keys = book.keys[side]
            if keys:
                lots = book.lots[side][keys[-1]]
                return book.put(side, keys[-1], lots + 1)
        return book.put(ASK, limits[ASK], self._size())
