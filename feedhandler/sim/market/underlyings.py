"""What an underlying is worth at any time, the same in every venue's process that has the seed.

Nobody tells anybody: the price is a function of seed, underlying and unix time. It wanders like a
price does over seconds to an hour, and never far from where strikes are listed around.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, sqrt
from random import Random
from typing import Final

from feedhandler.sim.market.black76 import YEAR_MS

INDEX_START: Final[Mapping[str, float]] = {
    "BTC": 82_500.0,
    "ETH": 2_950.0,
    "SOL": 138.0,
    "BNB": 870.0,
    "XRP": 2.15,
    "ADA": 0.42,
    "DOGE": 0.155,
    "LTC": 88.0,
    "LINK": 13.1,
    "AVAX": 14.2,
}
OTHER_START: Final = 10.0
"""Of any other one."""
PREMIUM: Final = 0.0002
"""Of a perpetual over its index, on every venue."""
FUTURES_CARRY: Final = 0.06
"""Yearly growth of a forward over its index, on every venue."""

_VOL = 0.45
"""Yearly, as options at the money are valued."""
_CELL_MS = 4_000
_OCTAVES = 6
"""Of 4 s, 16 s, ... 4096 s."""
_OPINION_CELL_MS = 1_000
_OPINION_OCTAVES = 3
_NOWHERE = -2
"""No knot, nor is the next one."""
_OPINION = 1.2e-6
"""Share of the price by which a venue's makers differ from the others'."""


class Wander:
    """A walk that can be asked for any time, in any order: the sum of lines between random knots,
    each octave four times as long as the one before and twice as high."""

    __slots__ = ("_base", "_cell", "_drawn", "_end", "_heights", "_name", "_rise", "_whole")

    def __init__(self, name: str, cell_ms: int, heights: tuple[float, ...]) -> None:
        self._name = name
        self._cell = float(cell_ms)
        self._heights = heights
        # Of each octave a knot, what was drawn for it, and for the next one.
        self._drawn = [(_NOWHERE, 0.0, 0.0)] * len(heights)
        self._whole = _NOWHERE
        self._base = self._end = self._rise = 0.0

    def at(self, ms: float) -> float:
        """Where it is at a time, unix ms; 0 on average."""
        place = ms / self._cell
        whole = int(place)
        if whole != self._whole:
            follows = whole == self._whole + 1
            self._base = self._end if follows else self._at_knot(whole)
            self._whole = whole
            self._end = self._at_knot(whole + 1)
            self._rise = self._end - self._base
        return self._base + self._rise * (place - whole)

    def _at_knot(self, knot: int) -> float:
        total = 0.0
        for octave, height in enumerate(self._heights):
            whole, rest = divmod(knot, 4**octave)
            last, here, there = self._drawn[octave]
            if whole != last:
                here = there if whole == last + 1 else self._draw(octave, whole)
                there = self._draw(octave, whole + 1)
                self._drawn[octave] = whole, here, there
            total += height * (here + (there - here) * rest / 4**octave)
        return total

    def _draw(self, octave: int, knot: int) -> float:
        drawn = Random(f"{self._name}/{octave}/{knot}").gauss(0.0, 1.0)
        return max(-2.5, min(2.5, drawn))


class Underlying:
    """The index of one base."""

    __slots__ = ("_start", "_wander")

    def __init__(self, seed: int, base: str) -> None:
        self._start = INDEX_START.get(base, OTHER_START)
        # Steps of all octaves up to a time add up to the variance of that time.
        first = _VOL * sqrt(0.4 * _CELL_MS / YEAR_MS)
        heights = tuple(first * 2**octave for octave in range(_OCTAVES))
        self._wander = Wander(f"{seed}/latent/{base}", _CELL_MS, heights)

    def at(self, ms: float) -> float:
        """Its price at a time, unix ms."""
        return self._start * exp(self._wander.at(ms))


def opinion(seed: int, venue: str, symbol: str) -> Wander:
    """By which share of its price the makers of a venue are off with an instrument: they follow the
    same underlying, but not in step."""
    heights = tuple(_OPINION / sqrt(_OPINION_OCTAVES) for _ in range(_OPINION_OCTAVES))
    return Wander(f"{seed}/{venue}/{symbol}/opinion", _OPINION_CELL_MS, heights)
