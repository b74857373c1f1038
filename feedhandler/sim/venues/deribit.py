"""A simulated Deribit: made of what it declares, and of the rules that no table says.

Everything is asked for in JSON-RPC, over the socket and over HTTP. Books are grouped by so many
ticks. What becomes of an instrument is told on channels of kinds and currencies, and by a last
ticker.
"""

from __future__ import annotations

from typing import Any, Final

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.shape.frame import Frame
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market.book import ASK, BID, SIGN, Book
from feedhandler.sim.market.instrument import Instrument, float_style
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.events import Picture
from feedhandler.sim.venues.declared.levels import Texts
from feedhandler.sim.venues.declared.opened import Open
from feedhandler.sim.venues.deribit_rpc import DeribitRpc
from feedhandler.sim.venues.deribit_wire import GROUPS, INTERVALS, TICKERS, pushed

_NUMBERS: Final = ("tick_size", "min_trade_amount", "contract_size", "strike")


class DeribitServer(DeribitRpc):
    """Serves `book`, `ticker`, `trades`, `quote`, `deribit_price_index` and `instrument.state`."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        self._tickers = {
            kind: Picture(Frame("ticker", its), self.beside) for kind, its in TICKERS.items()
        }

    def texts(self, live: Live) -> Texts:
        """Numbers are floats."""
        one = live.instrument
        found = self._texts.get(one.symbol)
        if found is None:
            its = Texts(one.prices(float_style), one.sizes(float_style))
            found = self._texts[one.symbol] = its
        return found

    def shown(self, one: Open, book: Book) -> Book:
        """Levels of a group are taken together: bids down, asks up."""
        parts = one.channel.key.split(".")
        group = int(parts[2]) if len(parts) == 5 and parts[2] in GROUPS[1:] else 0
        if not group:
            return book
        found = Book(book.sequence)
        for side in (BID, ASK):
            lots = found.lots[side]
            for grid, size in book.levels(side):
                key = SIGN[side] * grid // group * group  # of asks below 0: up
                lots[key] = lots.get(key, 0) + size
            found.keys[side].extend(sorted(lots))
        return found

    def ticker(self, live: Live, state: str = "") -> str:
        """As it is now, with the status that the stream has."""
        its = live.instrument
        said = self.said(None, its.symbol) | self.told(its)
        said["status"] = state or self.word(its.symbol, self.listing.open_word)
        return self._tickers[its.kind].message(self.market, live, self.texts(live), said) or "{}"

    # -- instruments -------------------------------------------------------------------------

    def as_listed(self, symbol: str, row: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Also of an instrument that has expired."""
        over = symbol in self.expired
        instrument = self.expired[symbol] if over else self.market.instruments[symbol]
        terms = Terms() if over else self.terms(symbol)
        found = self.listing.row(instrument, self.listing.listing_of(symbol), terms)
        found |= {key: float(found[key]) for key in _NUMBERS if key in found}
        if not terms.lot:
            found["contract_size"] = float(instrument.contract_size)
        found["tick_size_steps"] = [
            {key: float(value) for key, value in step.items()} for step in found["tick_size_steps"]
        ]
        return found | ({"is_active": False, "state": "closed"} if over else {})

    def on_listed(self, instrument: Instrument) -> None:
        """Two notices: created, started."""
        for state in ("created", "started"):
            self.tell_state(instrument, state)

    def on_restated(self, instrument: Instrument) -> None:
        """A notice, and a ticker."""
        super().on_restated(instrument)
        self._tell_ticker(instrument)

    def on_expired(self, instrument: Instrument) -> None:
        """A notice, and a last ticker that says so as well."""
        self.tell_state(instrument, "closed")
        self._tell_ticker(instrument, "closed")

    def _tell_ticker(self, instrument: Instrument, state: str = "") -> None:
        symbol = instrument.symbol
        for interval in INTERVALS:
            channel = f"ticker.{symbol}.{interval}"
            if self.wants(channel):
                data = self.ticker(self.market.live(symbol), state)
                self.push(channel, symbol, pushed(channel, data).encode())

    def tell_state(self, instrument: Instrument, word: str) -> None:
        """On the channels of its kind and its currency."""
        kind = "option" if instrument.kind == "option" else "future"
        named = f'"state":"{word}","instrument_name":"{instrument.symbol}"'
        data = f'{{"timestamp":{self.market.clock.ms()},{named}}}'
        for scope in (kind, "any"):
            for currency in (instrument.base, "any"):
                channel = f"instrument.state.{scope}.{currency}"
                if self.wants(channel):
                    self.push(channel, instrument.symbol, pushed(channel, data).encode())
