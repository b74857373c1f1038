"""The synthetic market of one venue: instruments quoted around what their underlyings are worth.

With a `start_ms` everything follows from the options: the order of events depends on neither the
wall clock nor the clients, and the wall clock only decides how many steps have been taken. Without
one the market follows the wall clock, so that all venues value an underlying alike.
"""

from __future__ import annotations

import time
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import accumulate
from math import exp
from random import Random

from feedhandler.sim.config import SimOptions
from feedhandler.sim.market import black76
from feedhandler.sim.market.black76 import YEAR_MS
from feedhandler.sim.market.book import SIGN, Book, Change
from feedhandler.sim.market.clock import VenueClock
from feedhandler.sim.market.digest import Digests
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.liquidity import Fill
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.records import Records, Touch, Trade
from feedhandler.sim.market.underlyings import Underlying, Wander, opinion

AT_THE_MONEY: Mapping[str, float] = {"BTC": 0.45, "ETH": 0.65}
_SETTLING = 1000
"""Updates within which a book finds to another price."""

NextSequence = Callable[["Live", int], int]
"""From an instrument and its number of level changes to the sequence of the update."""


class Market:
    """All instruments of a venue. ``step()`` is the only thing that moves it."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        *,
        venue: str,
        options: SimOptions,
        next_sequence: NextSequence,
        first_sequence: int,
    ) -> None:
        seed, rate = options.seed, options.rate
        self._scale = options.depth / 300
        self.instruments = {i.symbol: self._shaped(i) for i in instruments}
        self.follows_clock = options.start_ms is None
        begin = time.time_ns() / 1e6 if options.start_ms is None else float(options.start_ms)
        self.opened_ms = self.now_ms = begin
        """When the market began, and its own time: unix ms, what everything is valued at."""
        self.clock = VenueClock()
        self.steps = 0
        self.trades_made = 0
        self._venue = venue
        self._seed = seed
        self._random = Random(f"{seed}/{venue}/market")
        self._step_ms = 1000.0 / rate if rate > 0 else 1.0
        self._underlyings = {i.base: Underlying(seed, i.base) for i in self.instruments.values()}
        self._opinions: dict[str, Wander] = {}
        self._live: dict[str, Live] = {}
        self._mispriced: dict[str, float] = {}
        self._still: set[str] = set()
        self._next_sequence = next_sequence
        self._first_sequence = first_sequence
        self._symbols: list[str] = []
        self._weights: list[float] = []
        self._weigh()
        self._recorded: deque[Book] = deque()
        self._trades: Records[Trade] = Records()
        self._touches: Records[Touch] = Records()
        self._history = options.history
        self.digests = Digests(options.history) if options.digests else None

    def _shaped(self, instrument: Instrument) -> Instrument:
        """The depth asked for is a busy book's; the others keep their share of it."""
        return replace(instrument, depth=max(5, round(instrument.depth * self._scale)))

    def _weigh(self) -> None:
        moving = [i for i in self.instruments.values() if i.symbol not in self._still]
        self._symbols = [i.symbol for i in moving]
        self._weights = list(accumulate(i.weight for i in moving))

    def stand_still(self, symbol: str, still: bool) -> None:
        """Halt the market of an instrument, or let it go on. The last one that moves goes on."""
        others = set(self.instruments) - self._still - {symbol}
        if still and others:
            self._still.add(symbol)
        else:
            self._still.discard(symbol)
        self._weigh()

    def add(self, instrument: Instrument) -> None:
        """List an instrument. From here on the market is another one than without it."""
        self.instruments[instrument.symbol] = self._shaped(instrument)
        self._underlyings.setdefault(instrument.base, Underlying(self._seed, instrument.base))
        self._weigh()

    def remove(self, symbol: str) -> Instrument:
        """Take an instrument off the list; its book stands still and can still be looked at."""
        self.live(symbol)
        instrument = self.instruments.pop(symbol)
        self._weigh()
        return instrument

    def follow(self, now_ms: float, steps: int) -> None:
        """Have the next ``steps`` end at a time, unix ms, if the market goes by the clock."""
        if self.follows_clock:
            self.now_ms = now_ms - steps * self._step_ms

    @property
    def bases(self) -> frozenset[str]:
        """The underlyings of what is listed, or was."""
        return frozenset(self._underlyings)

    def index(self, base: str) -> float:
        """What an underlying is worth now."""
        return self._underlyings[base].at(self.now_ms)

    def opening_index(self, base: str) -> float:
        """What it was worth when the market began."""
        return self._underlyings[base].at(self.opened_ms)

    @property
    def made(self) -> frozenset[str]:
        """The instruments that have a book so far."""
        return frozenset(self._live)

    def live(self, symbol: str) -> Live:
        """The instrument's live state, made on first need. Raises KeyError for an unknown symbol.

        A book made late is the same as one made early, which starts at the opening price, but where
        the market follows the clock.
        """
        live = self._live.get(symbol)
        if live is None:
            instrument = self.instruments[symbol]
            begin = self.now_ms if self.follows_clock else self.opened_ms
            index = self._underlyings[instrument.base].at(begin)
            fair = instrument.index_below(self._value(instrument, index, begin))
            first, seed = self._first_sequence, f"{self._seed}/{self._venue}"
            live = self._live[symbol] = Live(instrument, fair, seed, first, self.clock)
            self._opinions[symbol] = opinion(self._seed, self._venue, symbol)
        return live

    def years(self, instrument: Instrument) -> float:
        """Time to expiry on the market's clock; 0 without one."""
        return max(0.0, instrument.expiry_ms - self.now_ms) / YEAR_MS if instrument.expiry_ms else 0

    def forward(self, instrument: Instrument) -> float:
        """The price of the underlying for the instrument's expiry."""
        return self.index(instrument.base) * exp(instrument.carry * self.years(instrument))

    def mark_vol(self, instrument: Instrument) -> float:
        """Mark volatility of an option, a fraction."""
        atm = AT_THE_MONEY[instrument.base]
        return black76.smile(
            self.forward(instrument), instrument.strike, self.years(instrument), atm
        )

    def mark(self, instrument: Instrument) -> float:
        """Mark price in the instrument's own quotation (coin for inverse options)."""
        return self._value(instrument, self.index(instrument.base), self.now_ms)

    def funding(self, instrument: Instrument) -> float:
        """What a perpetual's longs pay for eight hours, a fraction: a day pays its premium."""
        return (self.mark(instrument) / self.index(instrument.base) - 1.0) / 3

    def _value(self, instrument: Instrument, index: float, now_ms: float) -> float:
        if instrument.kind in ("spot", "perpetual"):
            return index * (1.0 + instrument.carry)
        years = max(0.0, instrument.expiry_ms - now_ms) / YEAR_MS
        forward = index * exp(instrument.carry * years)
        if instrument.kind == "future":
            return forward
        vol = black76.smile(forward, instrument.strike, years, AT_THE_MONEY[instrument.base])
        value = black76.price(forward, instrument.strike, vol, years, instrument.call)
        return value / forward if instrument.inverse else value

    def step(self) -> Update:
        """One update of one instrument; busy ones are drawn more often."""
        random = self._random
        symbol = self._symbols[bisect(self._weights, random.random() * self._weights[-1])]
        live = self._live.get(symbol) or self.live(symbol)
        self.now_ms += self._step_ms
        self.steps += 1
        return self._move(live)

    def misprice(self, symbol: str, by: float) -> Iterator[Update]:
        """Have the makers quote an instrument ``by`` away from its value, 0 as it should be; what
        its book goes through until it stands there, at once. Its mark price stays honest."""
        live = self.live(symbol)
        if by:
            self._mispriced[symbol] = by
        else:
            self._mispriced.pop(symbol, None)
        for _ in range(_SETTLING):
            if live.settled(self._fair(live.instrument)):
                return
            yield self._move(live)

    def eat(self, symbol: str, side: int, levels: int) -> Update:
        """A taker takes the best ``levels`` of a side, or all that there are, at once."""
        live = self.live(symbol)
        book = live.book
        fills = [Fill(side, grid, lots) for grid, lots in book.levels(side, levels)]
        changes = [book.put(side, fill.grid * SIGN[side], 0) for fill in fills]
        return self._commit(live, changes, fills)

    def _fair(self, instrument: Instrument) -> int:
        """The grid index that the makers quote around."""
        symbol = instrument.symbol
        value = self.mark(instrument) * (1.0 + self._opinions[symbol].at(self.now_ms))
        return instrument.index_below(value + self._mispriced.get(symbol, 0.0))

    def _move(self, live: Live) -> Update:
        """One update of an instrument, towards what its makers think it is worth."""
        return self._commit(live, *live.move(self._fair(live.instrument)))

    def _commit(self, live: Live, changes: list[Change], fills: list[Fill]) -> Update:
        book = live.book
        live.count += 1
        previous = book.sequence
        sequence = self._next_sequence(live, len(changes))
        book.commit(sequence, changes)
        self._recorded.append(book)
        if len(self._recorded) > self._history:
            self._recorded.popleft().forget_oldest()
        made = self.trades_made
        trades = [live.note(fill, made + n) for n, fill in enumerate(fills, 1)]
        self.trades_made = made + len(trades)
        for trade in trades:
            self._trades.add(live.trades, trade)
        top, live.top = live.top, book.top()
        if top_changed := live.top != top:
            self._touches.add(live.touches, live.touch())
        update = Update(live, previous, sequence, changes, trades, top_changed)
        if self.digests is not None:
            self.digests.take(update)
        return update
