"""A live book against a snapshot taken beside the stream, at the same venue sequence. Pure logic.

A venue that gathers changes into a message every 100 ms answers requests at sequences between two
of them. Then the levels that the message over that sequence touches could be either's, and are left
out; the others are the same before and after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler.engine._engine import full_sides
from shm import Flag, Kind

Levels = npt.NDArray[np.int64]  #: (n, 2) scaled price and size
Side = tuple[int, int]  #: (side, price)


class Broken(Exception):  # noqa: N818
    """The live book cannot be followed to that sequence; the text says why."""


class FollowedBook:
    """A copy of a live book that takes the ring's records of its instrument, message by message.

    `bids`, `asks`: full depth, scaled by the exponents of generation `precision`; `sequence`: the
    venue's, of the last message in it.
    """

    def __init__(self, bids: Levels, asks: Levels, sequence: int, precision: int) -> None:
        self.sides = (_levels(bids), _levels(asks))
        self.sequence = sequence
        self._precision = precision
        self.touched: frozenset[Side] = frozenset()
        self._message: list[tuple[int, int, int, int]] = []  # kind, side, price, size

    def take(self, records: npt.NDArray[np.void], until: int) -> bool:
        """Apply whole messages up to the sequence `until`; True: it is reached.

        `touched`: what a message over that sequence changes, if none ends at it. Raises
        :class:`Broken` when the book is not LIVE or its numbers start over.
        """
        names = ("kind", "flags", "precision", "side", "price", "size", "venue_sequence")
        columns = (records[name].tolist() for name in names)
        for kind, flags, precision, side, price, size, sequence in zip(*columns, strict=True):
            if kind == Kind.STATE:
                raise Broken("its state changed meanwhile")
            if kind not in (Kind.LEVEL, Kind.CLEAR):
                continue
            if precision != self._precision:
                raise Broken("its exponents were widened meanwhile")
            self._message.append((kind, side, price, size))
            if flags & Flag.LAST and not flags & Flag.MORE:
                message, self._message = self._message, []
                if sequence > until:
                    if message[0][0] == Kind.CLEAR:
                        raise Broken("it began anew meanwhile")
                    self.touched = frozenset((side, price) for _, side, price, _ in message)
                    return True
                self._apply(message)
                self.sequence = sequence
        return self.sequence == until

    def _apply(self, message: Iterable[tuple[int, int, int, int]]) -> None:
        for kind, side, price, size in message:
            if kind == Kind.CLEAR:
                for levels in self.sides:
                    levels.clear()
            elif size:
                self.sides[side][price] = size
            else:
                self.sides[side].pop(price, None)


@dataclass(frozen=True, slots=True)
class Known:
    """The prices to which a book is known (`Engine.known`), scaled; None: to its end."""

    bid: int | None = None
    ask: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`levels` compared, of which `agree`; `differing`: (side, price, ours, theirs), best first."""

    levels: int
    agree: int
    exact: bool
    differing: tuple[tuple[int, int, int, int], ...] = field(default=())

    @property
    def share(self) -> float:
        """Of the levels compared; of none, 1."""
        return self.agree / self.levels if self.levels else 1.0


def compare(
    book: FollowedBook, bids: Sequence[Any], asks: Sequence[Any], asked: int, known: Known
) -> Comparison:
    """Ours against the snapshot's (price, size) levels, best first, of which `asked` a side were
    asked for: beyond the last of so many, and beyond what our base reached to, nothing is judged.
    """
    total = agree = 0
    differing = []
    full = full_sides(len(bids), len(asks), asked)
    for side, theirs, limit in ((0, bids, known.bid), (1, asks, known.ask)):
        sign = 1 if side else -1
        bounds = [] if limit is None else [sign * limit]
        if full[side]:
            bounds.append(sign * theirs[-1][0])
        bound = min(bounds, default=None)
        ours, wanted = book.sides[side], dict(theirs)
        prices = [
            price
            for price in ours.keys() | wanted.keys()
            if (bound is None or sign * price <= bound) and (side, price) not in book.touched
        ]
        total += len(prices)
        found = [
            (side, price, ours.get(price, 0), wanted.get(price, 0))
            for price in prices
            if ours.get(price, 0) != wanted.get(price, 0)
        ]
        agree += len(prices) - len(found)
        differing += sorted(found, key=lambda level: sign * level[1])
    return Comparison(total, agree, not book.touched, tuple(differing))


def _levels(side: Levels) -> dict[int, int]:
    return dict(side.tolist())
