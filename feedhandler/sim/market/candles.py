"""An instrument's trades by the minute, from the market's beginning on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

MINUTE_MS: Final = 60_000
_MINUTES: Final = 300


class Candle(NamedTuple):
    """What was traded from ``begin_ms`` on; ``quote`` is the sum of grid index times lots.
    ``first`` and ``last`` are numbers of trades, -1 without any."""

    begin_ms: int
    first: int
    last: int
    opening: int
    high: int
    low: int
    closing: int
    lots: int
    quote: int
    bought_lots: int
    bought_quote: int

    @property
    def trades(self) -> int:
        """Trades in it."""
        return self.last - self.first + 1 if self.last >= 0 else 0


def empty(begin_ms: int, grid: int) -> Candle:
    """Of a time without trades: it stands where the last one was."""
    return Candle(begin_ms, -1, -1, grid, grid, grid, grid, 0, 0, 0, 0)


class Candles:
    """Minutes with trades, the last 300 of them."""

    __slots__ = ("_minutes",)

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque(maxlen=_MINUTES)

    def add(self, ms: int, number: int, grid: int, lots: int, taker_buys: bool) -> None:
        """Count one trade."""
        begin, quote = ms - ms % MINUTE_MS, grid * lots
        bought = (lots, quote) if taker_buys else (0, 0)
        one = Candle(begin, number, number, grid, grid, grid, grid, lots, quote, *bought)
        minutes = self._minutes
        if minutes and minutes[-1].begin_ms >= begin:
            one = _joined(minutes.pop(), one)
        minutes.append(one)

    def of(self, begin_ms: int, end_ms: int, grid: int) -> Candle:
        """All of the minutes that begin in a time; ``grid``: the last price if there is none."""
        found: Candle | None = None
        for one in reversed(self._minutes):
            if one.begin_ms < begin_ms:
                grid = one.closing
                break
            if one.begin_ms < end_ms:
                found = one if found is None else _joined(one, found)
        return empty(begin_ms, grid) if found is None else found._replace(begin_ms=begin_ms)

    def starts(self) -> Iterable[int]:
        """When the minutes with trades begin, oldest first."""
        return [one.begin_ms for one in self._minutes]


def _joined(one: Candle, later: Candle) -> Candle:
    return Candle(
        one.begin_ms,
        one.first,
        later.last,
        one.opening,
        max(one.high, later.high),
        min(one.low, later.low),
        later.closing,
        one.lots + later.lots,
        one.quote + later.quote,
        one.bought_lots + later.bought_lots,
        one.bought_quote + later.bought_quote,
    )
