"""What a declared venue trades: its market, its list, and how numbers of it are written."""

from __future__ import annotations

import time
from abc import ABC
from datetime import UTC, datetime
from typing import Final

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import UNIVERSE, SimOptions
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.declared.books import numbers_of
from feedhandler.sim.venues.declared.checksum import padded
from feedhandler.sim.venues.declared.events import trade_id, trade_name
from feedhandler.sim.venues.declared.levels import Texts, texts
from feedhandler.sim.venues.declared.listing import List
from feedhandler.sim.venues.declared.rest import DeclaredRest

FIRST_NUMBER: Final = 10_458
"""Of an instrument, where a venue's list numbers them."""
LISTED_BEFORE_MS: Final = 90 * 86_400_000


class DeclaredInstruments(DeclaredRest, ABC):
    """`listing`: the venue's list; `numbers`: how books are numbered."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue) -> None:
        today = time.time() if options.start_ms is None else options.start_ms / 1000
        self.listing = List(declared, datetime.fromtimestamp(today, UTC).date(), self.beside)
        self.listing.facts = self.facts
        self.numbers = numbers_of(declared, leaps=bool(self.beside.counts))
        sent = [frame for one in self.beside.sent for frame in one.frames]
        self._by_name = any("$id_name" in frame.sample for frame in (*declared.frames, *sent))
        self._texts: dict[str, Texts] = {}
        self._told: dict[str, dict[str, str]] = {}
        super().__init__(options, declared)
        self.numbers.clock = self.market.clock

    def make_market(self) -> Market:
        """Sequences are the numbers of the venue's own messages."""
        count = self.options.instruments
        return Market(
            self.listing.instruments(self.beside.count if count is None else count),
            options=self.options,
            venue=self.venue,
            next_sequence=self.numbers.after,
            first_sequence=self.numbers.first,
        )

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes, as far as the venue's names go."""
        return self.listing.instruments(UNIVERSE)

    def could_list(self, symbol: str) -> Instrument | None:
        """Its row alone is read: all of them take seconds, in which nothing is sent."""
        return self.listing.one(symbol, UNIVERSE)

    def unlisted(self) -> list[str]:
        """Some of them: there are ever more."""
        return self.listing.beyond(self.market.instruments)

    def facts(self, instrument: Instrument) -> dict[str, object]:
        """What others are told of an instrument, by the names of holes."""
        spot = instrument.kind == "spot"
        settle = instrument.base if instrument.inverse else instrument.quote
        return {
            "symbol": instrument.symbol,
            "base": instrument.base,
            "quote": instrument.quote,
            "family": instrument.family,
            "series": instrument.symbol.rsplit("-", 2)[0],
            "index_name": instrument.index_name,
            "settle": "" if spot else settle,
            "type": self.listing.word(instrument),
            "number": FIRST_NUMBER + self.number_of(instrument.symbol),
            "listed_ms": self.start_ms - LISTED_BEFORE_MS,
            "expiry_ms": instrument.expiry_ms,
            "tick": f"{instrument.tick:f}",
            "lot": f"{instrument.lot:f}",
        }

    def texts(self, live: Live) -> Texts:
        """The instrument's number texts."""
        symbol = live.instrument.symbol
        found = self._texts.get(symbol)
        if found is None:
            long = padded(self.declared.checksum)
            found = self._texts[symbol] = texts(live.instrument, padded=long)
        return found

    def trade_id(self, live: Live, trade: Trade) -> str:  # noqa: ARG002
        """As it is called in the stream."""
        if self._by_name:
            return trade_name(trade.number)
        return trade_id(trade.number, named=self.declared.names_trades)

    def told(self, instrument: Instrument) -> dict[str, str]:
        """The facts of an instrument as texts, which stay as they are."""
        found = self._told.get(instrument.symbol)
        if found is None:
            facts = self.facts(instrument).items()
            found = self._told[instrument.symbol] = {name: str(value) for name, value in facts}
        return found
