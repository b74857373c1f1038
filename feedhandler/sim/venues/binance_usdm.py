"""A Binance USD-M on loopback: streams on their two paths, and the book's REST snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import ClassVar

from aiohttp import web

from feedhandler.sim.config import UNIVERSE, SimOptions
from feedhandler.sim.market.instrument import Instrument, fixed
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues import binance_usdm_json as shapes
from feedhandler.sim.venues import binance_usdm_listing as listing
from feedhandler.sim.venues.binance_common import BinanceStreamsServer
from feedhandler.sim.venues.binance_depth import DepthBatch, DepthTexts
from feedhandler.sim.venues.binance_stats import Stats
from feedhandler.sim.venues.binance_timed import Kind, always, candles, partial, when_moved
from feedhandler.sim.venues.binance_usdm_rest import add_rest_routes

_FIRST_UPDATE_ID = 5_123_107_837_557
_LIQUIDATIONS = 25
"""Every so many of an instrument's trades, one is of a liquidation."""
_LIQUIDATION_MS = 1000
"""Of the liquidations of an instrument one is shown in this time."""
_PATHS = ("/public/", "/market/")


class BinanceUsdmServer(BinanceStreamsServer):
    """Serves the streams under `/public`, `/market` and at the old root, and `/fapi/v1`.

    Since 2026-04-23 books, the best bid and offer and single trades are sent under `/public` and at
    the root, all else under `/market` alone; everywhere everything is acknowledged.
    """

    venue: ClassVar[str] = "binance-usdm"
    ws_path: ClassVar[str] = "/public/stream"
    channel_form: ClassVar[str] = "btcusdt@depth@100ms, btcusdt@aggTrade"
    depth_speeds: ClassVar[Mapping[str, float]] = {
        "@depth@100ms": 0.1,
        "@depth": 0.25,
        "@depth@500ms": 0.5,
    }
    other_streams: ClassVar[tuple[str, ...]] = (
        "@bookTicker",
        "@aggTrade",
        "@trade",
        "@forceOrder",
    )
    average_places: ClassVar[Callable[[Instrument], tuple[int, int]]] = lambda one: (
        listing.places(one)[0],
        2,
    )
    ping_interval: ClassVar[float] = 180.0
    pong_timeout: ClassVar[float] = 600.0
    message_limit: ClassVar[int] = 10

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        self._liquidated: dict[str, int] = {}

    def make_market(self) -> Market:
        """Update ids are of all instruments together: each one's grow with gaps."""
        return Market(
            listing.instruments(self._today, self.options.instruments),
            options=self.options,
            venue=self.venue,
            next_sequence=lambda live, changes: live.book.sequence + 30 * changes + 11,
            first_sequence=_FIRST_UPDATE_ID,
        )

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.start_ms / 1000, UTC).date()

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes, and the quarters."""
        return listing.instruments(self._today, UNIVERSE)

    def make_texts(self, live: Live) -> DepthTexts:
        """As many decimals as the instrument's precisions say."""
        price, size = listing.places(live.instrument)
        return DepthTexts(live, fixed(price), fixed(size))

    def carries(self, path: str, stream: str) -> bool:
        """By the split of 2026-04-23."""
        public = stream.partition("@")[2].startswith(("depth", "bookTicker", "trade"))
        return public != path.startswith("/market/")

    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Update speeds by the documents."""

        def mark(live: Live) -> str:
            return shapes.mark_price(self.market, live)

        ticker = when_moved(2.0, lambda stats: stats.event(whole=False))
        mini = when_moved(2.0, Stats.mini)
        speeds = {"": 0.25, "@250ms": 0.25, "@500ms": 0.5, "@100ms": 0.1}
        return {
            "@markPrice": always(3.0, mark),
            "@markPrice@1s": always(1.0, mark),
            "@ticker": ticker,
            "@miniTicker": mini,
            **candles(0.25),
            **partial(speeds, shapes.partial),
        }, {
            "!markPrice@arr": always(3.0, mark),
            "!markPrice@arr@1s": always(1.0, mark),
            "!ticker@arr": when_moved(1.0, lambda stats: stats.event(whole=False)),
            "!miniTicker@arr": when_moved(1.0, Stats.mini),
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Streams and REST."""
        for path in ("/", *_PATHS):
            router.add_get(f"{path}stream", self.websocket)
            router.add_get(f"{path}ws", self.websocket)
            router.add_get(f"{path}ws/{{streams:.+}}", self.websocket)
        add_rest_routes(router, self)

    def depth_event(self, batch: DepthBatch, crossed: bool) -> str:
        """A depthUpdate, which names the one before."""
        changed = batch.take(self.texts(batch.live), crossed)
        return shapes.depth(batch.live, changed, changed.previous + 12)

    def publish_update(self, update: Update, stream: str) -> None:
        """Top of book, trades, and now and then a liquidation."""
        live = update.live
        symbol, texts = live.instrument.symbol, self.texts(live)
        if update.top_changed and self.listened(name := f"{stream}@bookTicker"):
            self.publish(name, symbol, shapes.book_ticker(live, texts))
        for one in update.trades:
            if self.listened(name := f"{stream}@aggTrade"):
                self.publish(name, symbol, shapes.aggregate(live, texts, one))
            if self.listened(name := f"{stream}@trade"):
                self.publish(name, symbol, shapes.single(live, texts, one))
            if one.number % _LIQUIDATIONS == 0 and self.listened(name := f"{stream}@forceOrder"):
                now = live.clock.ms()
                if now - self._liquidated.get(symbol, 0) >= _LIQUIDATION_MS:
                    self._liquidated[symbol] = now
                    self.publish(name, symbol, shapes.liquidation(live, texts, one))

    def announce_shutdown(self) -> None:
        """Nothing: the futures do not say so."""
