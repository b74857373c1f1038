"""A simulated Binance spot: made of what it declares, and of the rules that no table says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from feedhandler.sim.venues.binance_product import ProductServer
from feedhandler.sim.venues.binance_stats import Stats
from feedhandler.sim.venues.binance_timed import Kind, candles, when_moved


class BinanceServer(ProductServer):
    """Serves `/stream` and `/ws` and the public part of `/api/v3`."""

    message_limit: ClassVar[int] = 5
    quote_places: ClassVar[int] = 8
    usual_levels: ClassVar[int] = 100
    weight_limit: ClassVar[int] = 6000

    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Update speeds by the documents."""
        ticker = when_moved(1.0, lambda stats: stats.event(whole=True))
        mini = when_moved(1.0, Stats.mini)
        return {
            "@ticker": ticker,
            "@miniTicker": mini,
            "@avgPrice": when_moved(1.0, Stats.average_price),
            **candles(2.0),
        }, {"!ticker@arr": ticker, "!miniTicker@arr": mini}

    def as_listed(self, symbol: str, row: dict[str, Any]) -> dict[str, Any]:
        """With what it is for."""
        found = super().as_listed(symbol, row)
        return {**found, "permissions": [], "permissionSets": [["SPOT", "MARGIN"]]}

    def announce_shutdown(self) -> None:
        """The `serverShutdown` event, wrapped or raw as the connection is."""
        data = f'{{"e":"serverShutdown","E":{self.market.clock.ms()}}}'
        for client in self.clients:
            wrapped = f'{{"stream":"!serverShutdown","data":{data}}}'
            client.send((wrapped if client.combined else data).encode())
