"""A Binance spot on loopback: market streams, their subscriptions, and the book's REST snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from aiohttp import web

from feedhandler.sim.config import UNIVERSE
from feedhandler.sim.market.instrument import Instrument, fixed8
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues import binance_listing as listing
from feedhandler.sim.venues.binance_common import BinanceStreamsServer
from feedhandler.sim.venues.binance_depth import DepthBatch, DepthTexts, snapshot
from feedhandler.sim.venues.binance_rest import add_rest_routes
from feedhandler.sim.venues.binance_stats import Stats
from feedhandler.sim.venues.binance_timed import Kind, candles, partial, when_moved

_FIRST_UPDATE_ID = 50_093_239_188


class BinanceServer(BinanceStreamsServer):
    """Serves `/stream` and `/ws` and the public part of `/api/v3`."""

    venue: ClassVar[str] = "binance"
    ws_path: ClassVar[str] = "/stream"
    depth_speeds: ClassVar[Mapping[str, float]] = {
        "@depth@100ms": 0.1,
        "@depth": 1.0,
        "@depth@1000ms": 1.0,
    }
    other_streams: ClassVar[tuple[str, ...]] = ("@bookTicker", "@trade", "@aggTrade")
    average_places: ClassVar[Callable[[Instrument], tuple[int, int]]] = lambda _: (8, 8)
    ping_interval: ClassVar[float] = 20.0
    pong_timeout: ClassVar[float] = 60.0
    message_limit: ClassVar[int] = 5

    def make_market(self) -> Market:
        """Each single level change takes one update id."""
        return Market(
            listing.instruments(self.options.instruments),
            options=self.options,
            venue=self.venue,
            next_sequence=lambda live, changes: live.book.sequence + changes,
            first_sequence=_FIRST_UPDATE_ID,
        )

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes."""
        return listing.instruments(UNIVERSE)

    def make_texts(self, live: Live) -> DepthTexts:
        """Eight decimals, always."""
        return DepthTexts(live, fixed8, fixed8)

    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Update speeds by the documents."""
        ticker = when_moved(1.0, lambda stats: stats.event(whole=True))
        mini = when_moved(1.0, Stats.mini)
        return {
            "@ticker": ticker,
            "@miniTicker": mini,
            "@avgPrice": when_moved(1.0, Stats.average_price),
            **candles(2.0),
            **partial({"": 1.0, "@1000ms": 1.0, "@100ms": 0.1}, _partial),
        }, {"!ticker@arr": ticker, "!miniTicker@arr": mini}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Streams and REST."""
        router.add_get("/stream", self.websocket)
        router.add_get("/ws", self.websocket)
        router.add_get("/ws/{streams:.+}", self.websocket)
        add_rest_routes(router, self)

    def depth_event(self, batch: DepthBatch, crossed: bool) -> str:
        """A depthUpdate, whose ids go on from the one before."""
        live = batch.live
        changed = batch.take(self.texts(live), crossed)
        return (
            f'{{"e":"depthUpdate","E":{live.clock.ms()},"s":"{live.instrument.symbol}",'
            f'"U":{changed.previous + 1},"u":{changed.final},"b":{changed.bids},'
            f'"a":{changed.asks}}}'
        )

    def publish_update(self, update: Update, stream: str) -> None:
        """Top of book and trades."""
        live = update.live
        symbol = live.instrument.symbol
        if update.top_changed and self.listened(name := f"{stream}@bookTicker"):
            bid, bid_size, ask, ask_size = self.texts(live).top(live.book)
            data = (
                f'{{"u":{live.book.sequence},"s":"{symbol}","b":"{bid}","B":"{bid_size}",'
                f'"a":"{ask}","A":"{ask_size}"}}'
            )
            self.publish(name, symbol, data)
        if update.trades:
            self._publish_trades(update, stream)

    def _publish_trades(self, update: Update, stream: str) -> None:
        symbol, texts = update.live.instrument.symbol, self.texts(update.live)
        now = self.market.clock.ms()
        for one in update.trades:
            price, size = texts.prices[one.grid], texts.sizes[one.lots]
            maker = "false" if one.taker_buys else "true"
            if self.listened(name := f"{stream}@trade"):
                data = (
                    f'{{"e":"trade","E":{now},"s":"{symbol}","t":{one.number},"p":"{price}",'
                    f'"q":"{size}","T":{one.ms},"m":{maker},"M":true}}'
                )
                self.publish(name, symbol, data)
            if self.listened(name := f"{stream}@aggTrade"):
                data = (
                    f'{{"e":"aggTrade","E":{now},"s":"{symbol}","a":{one.number},"p":"{price}",'
                    f'"q":"{size}","f":{one.number},"l":{one.number},"T":{one.ms},"m":{maker},'
                    f'"M":true}}'
                )
                self.publish(name, symbol, data)

    def announce_shutdown(self) -> None:
        """The `serverShutdown` event, wrapped or raw as the connection is."""
        now = self.market.clock.ms()
        data = f'{{"e":"serverShutdown","E":{now}}}'
        for client in self.clients:
            wrapped = f'{{"stream":"!serverShutdown","data":{data}}}'
            client.send((wrapped if client.combined else data).encode())


def _partial(stats: Stats, levels: int) -> str:
    return snapshot(stats.live.book, stats.texts, levels).decode()
