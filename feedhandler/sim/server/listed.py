"""The instruments that a simulated venue lists: how they come and go, and what it says of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from feedhandler.sim.faults.order import FaultError, near_symbol
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.market import Market
from feedhandler.sim.server.broadcast import Broadcast


class Listed(Broadcast, ABC):
    """A venue's list, and what follows for the market and for those who listen."""

    venue: str
    market: Market

    def __init__(self) -> None:
        super().__init__()
        self.expired: dict[str, Instrument] = {}
        self._listed_terms: dict[str, Terms] = {}
        self._streamed_terms: dict[str, Terms] = {}
        self._numbers: dict[str, int] = {}
        self._universe: dict[str, Instrument] = {}

    # -- what a venue provides ---------------------------------------------------------------

    @abstractmethod
    def make_universe(self) -> list[Instrument]:
        """What the venue could list, listed or not."""

    def could_list(self, symbol: str) -> Instrument | None:
        """The instrument of this symbol, if there could be one."""
        if not self._universe:
            self._universe = {one.symbol: one for one in self.make_universe()}
        return self._universe.get(symbol)

    def unlisted(self) -> list[str]:
        """Symbols that could be listed, for who named another one."""
        return [name for name in self._universe if name not in self.market.instruments]

    @abstractmethod
    def symbol_of(self, channel: str) -> str | None:
        """The instrument that a channel of `subscribe` is about, None if it is about several."""

    def on_listed(self, instrument: Instrument) -> None:
        """An instrument has been listed."""

    def on_expired(self, instrument: Instrument) -> None:
        """An instrument is off the list; its subscribers are still there."""

    def on_restated(self, instrument: Instrument) -> None:
        """The terms of an instrument are others, and the stream is to say so."""

    # -- listing and expiry ------------------------------------------------------------------

    def check_listable(self, symbol: str) -> None:
        """Raises FaultError for what cannot be listed."""
        if symbol in self.market.instruments:
            raise FaultError(f"symbol: {symbol!r} is listed already")
        if symbol in self.expired:
            return
        if self.could_list(symbol) is None:
            hint = near_symbol(symbol, self.unlisted())
            raise FaultError(f"symbol: {self.venue} cannot list {symbol!r}{hint}")

    def list_instrument(self, symbol: str) -> None:
        """Put an instrument on the list, for subscriptions and trading. Raises FaultError."""
        self.check_listable(symbol)
        instrument = self.expired.pop(symbol, None) or self.could_list(symbol)
        assert instrument is not None
        self.market.add(instrument)
        self.on_listed(self.market.instruments[symbol])

    def number_of(self, symbol: str) -> int:
        """The instrument's place in the order of listing, which it keeps."""
        return self._numbers.setdefault(symbol, len(self._numbers))

    def expire_instrument(self, symbol: str) -> None:
        """Take an instrument off the list: its channels fall silent for good."""
        self._listed_terms.pop(symbol, None)
        self._streamed_terms.pop(symbol, None)
        self.expired[symbol] = instrument = self.market.remove(symbol)
        self.on_expired(instrument)
        for channel in [name for name in self.heard() if self.symbol_of(name) == symbol]:
            for client in self.listeners(channel):
                self.unsubscribe(client, channel)

    # -- terms -------------------------------------------------------------------------------

    def restate(self, symbol: str, terms: Mapping[str, Any], signs: str) -> None:
        """Say other terms of an instrument: in the list, in the stream, or both."""
        for said, where in ((self._listed_terms, "list"), (self._streamed_terms, "stream")):
            if signs in (where, "both"):
                now = said.setdefault(symbol, Terms())
                for name, value in terms.items():
                    setattr(now, name, value)
        if signs != "list":
            self.on_restated(self.market.instruments[symbol])

    def word(self, symbol: str, usual: str) -> str:
        """The venue's word for the instrument's status, as its stream says."""
        terms = self._streamed_terms.get(symbol)
        return terms.word if terms is not None and terms.word else usual
