"""A simulated Binance USD-M: made of what it declares, and of the rules that no table says.

Since 2026-04-23 books, the best bid and offer and single trades are sent under `/public` and at the
root, all else under `/market` alone; everywhere everything is acknowledged. Of the liquidations of
an instrument one is shown in a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.shape.frame import Frame
from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.instrument import Instrument, places
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.binance_product import ProductServer
from feedhandler.sim.venues.binance_stats import Fields, Stats
from feedhandler.sim.venues.binance_timed import Kind, always, candles, when_moved
from feedhandler.sim.venues.binance_wire import MARK
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.events import Picture

_LIQUIDATION_MS: Final = 1000
_PUBLIC: Final = ("depth", "bookTicker", "trade")


class BinanceUsdmServer(ProductServer):
    """Serves the streams under `/public`, `/market` and at the old root, and `/fapi/v1`."""

    quote_places: ClassVar[int] = 2
    usual_levels: ClassVar[int] = 500
    depths: ClassVar[tuple[int, ...]] = (5, 10, 20, 50, 100, 500, 1000)
    no_depth: ClassVar[Fields] = {"code": -4021, "msg": "%s is not valid depth limit"}

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        self._mark = Picture(Frame("ticker", MARK), beside)
        super().__init__(options, declared, beside)
        self._sockets |= {"/stream": {}, "/ws": {}}
        self._liquidated: dict[str, int] = {}

    def facts(self, instrument: Instrument) -> dict[str, object]:
        """With the decimals of prices and sizes."""
        digits = {
            "price_places": places(instrument.tick),
            "size_places": places(instrument.lot),
        }
        return super().facts(instrument) | digits

    def carries(self, path: str, key: str) -> bool:
        """By the split of 2026-04-23."""
        return key.partition("@")[2].startswith(_PUBLIC) != path.startswith("/market/")

    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Update speeds by the documents."""

        def mark(live: Live) -> str:
            said = self.said(None, live.instrument.symbol)
            return self._mark.message(self.market, live, self.texts(live), said) or "{}"

        ticker = when_moved(2.0, lambda stats: stats.event(whole=False))
        return {
            "@markPrice": always(3.0, mark),
            "@markPrice@1s": always(1.0, mark),
            "@ticker": ticker,
            "@miniTicker": when_moved(2.0, Stats.mini),
            **candles(0.25),
        }, {
            "!markPrice@arr": always(3.0, mark),
            "!markPrice@arr@1s": always(1.0, mark),
            "!ticker@arr": when_moved(1.0, lambda stats: stats.event(whole=False)),
            "!miniTicker@arr": when_moved(1.0, Stats.mini),
        }

    def as_listed(self, symbol: str, row: dict[str, Any]) -> dict[str, Any]:
        """With what it is like."""
        return {**super().as_listed(symbol, row), "underlyingSubType": []}

    def push(self, channel: str, symbol: str, payload: bytes) -> None:
        """Liquidations but rarely."""
        if channel.endswith("@forceOrder"):
            now = self.market.clock.ms()
            if now - self._liquidated.get(symbol, 0) < _LIQUIDATION_MS:
                return
            self._liquidated[symbol] = now
        super().push(channel, symbol, payload)

    def announce_shutdown(self) -> None:
        """Nothing: the futures do not say so."""
