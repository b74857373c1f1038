"""A listed instrument as it lives in a market: its book, its statistics, and one update of it."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import NamedTuple

from feedhandler.sim.market.book import ASK, Book, Change
from feedhandler.sim.market.candles import Candles
from feedhandler.sim.market.clock import VenueClock
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.liquidity import Fill, Maker
from feedhandler.sim.market.records import Touch, Trade


class Update(NamedTuple):
    """One market event of an instrument, with the sequence chain of its book."""

    live: Live
    previous: int
    sequence: int
    changes: list[Change]
    trades: list[Trade]
    top_changed: bool


class Live:
    """A listed instrument with a book and statistics."""

    __slots__ = (
        "_maker",
        "book",
        "candles",
        "clock",
        "count",
        "first_number",
        "high",
        "instrument",
        "last",
        "last_lots",
        "low",
        "open_interest",
        "opening",
        "top",
        "touches",
        "trade_number",
        "trades",
        "volume",
        "volume_quote",
    )

    def __init__(
        self, instrument: Instrument, fair: int, seed: str, sequence: int, clock: VenueClock
    ) -> None:
        self.instrument = instrument
        self.clock = clock
        self.book = Book(sequence)
        self._maker = Maker(instrument, seed)
        self._maker.fill(self.book, fair)
        self.top = self.book.top()
        self.touches: deque[Touch] = deque((self.touch(),))
        self.trades: deque[Trade] = deque()
        self.candles = Candles()
        shape = Random(f"{seed}/{instrument.symbol}/stats")
        self.opening = self.last = self.high = self.low = max(1, fair)
        self.last_lots = instrument.typical_lots
        self.trade_number = shape.randrange(10**6, 10**8)
        self.volume = int(shape.random() * instrument.weight * 2e4) * instrument.typical_lots
        self.volume_quote = self.volume * max(1, fair)
        self.open_interest = int(shape.random() * 5e3) * instrument.typical_lots
        self.first_number = self.trade_number - int(shape.random() * 50_000)
        self.count = 0

    def move(self, fair: int) -> tuple[list[Change], list[Fill]]:
        """Let the book take one update towards a fair grid index."""
        return self._maker.move(self.book, fair)

    def settled(self, fair: int) -> bool:
        """Whether the touch stands at a fair grid index."""
        return self._maker.settled(self.book, fair)

    def touch(self) -> Touch:
        """The best levels as they are now."""
        bid, bids, ask, asks = self.top
        return Touch(self.book.sequence, self.clock.ms(), bid, bids, -ask, asks)

    def note(self, fill: Fill, serial: int) -> Trade:
        """Count a fill and give it its number in the instrument; ``serial``: in the venue."""
        _, grid, lots = fill
        direction = 0 if grid > self.last else 2 if grid < self.last else 1
        self.trade_number += 1
        self.last, self.last_lots = grid, lots
        self.high, self.low = max(self.high, grid), min(self.low, grid)
        self.volume += lots
        self.volume_quote += lots * grid
        sequence, now = self.book.sequence, self.clock.ms()
        bought = fill.side == ASK
        trade = Trade(self.trade_number, grid, lots, bought, direction, serial, sequence, now)
        self.candles.add(now, trade.number, grid, lots, bought)
        return trade
