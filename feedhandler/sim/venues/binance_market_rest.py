"""What Binance's products answer about time, trades, tickers and candles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from aiohttp import web

from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.binance_product import ProductServer
from feedhandler.sim.venues.binance_stats import INTERVALS, Fields, Stats, top

Answer = Callable[..., web.Response]
NO_SYMBOL = {
    "code": -1102,
    "msg": "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
}
BAD_SYMBOL = {"code": -1121, "msg": "Invalid symbol."}
_BAD_INTERVAL = {"code": -1120, "msg": "Invalid interval."}
BAD_LIMIT = {"code": -1130, "msg": "Data sent for 'limit' is not valid."}


class _Bad(Exception):  # noqa: N818
    """A request that is refused with the venue's words."""

    def __init__(self, answer: Fields) -> None:
        super().__init__(answer["msg"])
        self.answer = answer


def add_market_routes(
    router: web.UrlDispatcher, server: ProductServer, prefix: str, answer: Answer
) -> None:
    """Add the paths under a ``prefix``, such as ``/api/v3/``; ``answer`` counts their weight."""
    whole = prefix.startswith("/api/")

    async def ping(_: web.Request) -> web.Response:
        return answer({}, 1)

    async def server_time(_: web.Request) -> web.Response:
        return answer({"serverTime": server.market.clock.ms()}, 1)

    router.add_get(f"{prefix}ping", ping)
    router.add_get(f"{prefix}time", server_time)

    def one(request: web.Request) -> Stats:
        symbol = request.query.get("symbol")
        if symbol is None:
            raise _Bad(NO_SYMBOL)
        return figures(symbol)

    def figures(symbol: str) -> Stats:
        if symbol not in server.market.instruments:
            raise _Bad(BAD_SYMBOL)
        return server.figures(server.market.live(symbol))

    def limit(request: web.Request, usual: int, most: int) -> int:
        text = request.query.get("limit", str(usual))
        if not text.isdigit() or int(text) < 1:
            raise _Bad(BAD_LIMIT)
        return min(int(text), most)

    def add(path: str, weight: int, make: Callable[[web.Request], Any]) -> None:
        async def handle(request: web.Request) -> web.Response:
            try:
                return answer(make(request), weight)
            except _Bad as error:
                return answer(error.answer, 1, 400)

        router.add_get(prefix + path, handle)

    def of_symbols(make: Callable[[Stats], Fields]) -> Callable[[web.Request], Any]:
        """Of one symbol an object, of `symbols` or of all a list."""

        def made(request: web.Request) -> Any:
            if "symbol" in request.query:
                return make(one(request))
            chosen: Iterable[str] = server.market.instruments
            if (several := request.query.get("symbols")) is not None:
                try:
                    chosen = [str(symbol) for symbol in orjson.loads(several)]
                except (orjson.JSONDecodeError, TypeError):
                    raise _Bad(BAD_SYMBOL) from None
            return [make(figures(symbol)) for symbol in chosen]

        return made

    def price(stats: Stats) -> Fields:
        found = {"symbol": stats.live.instrument.symbol}
        found["price"] = stats.texts.prices[stats.live.last]
        return found if whole else {**found, "time": stats.live.clock.ms()}

    def best(stats: Stats) -> Fields:
        names = ("bidPrice", "bidQty", "askPrice", "askQty")
        texts = top(stats.texts, stats.live.book)
        found: Fields = {"symbol": stats.live.instrument.symbol}
        found |= dict(zip(names, texts, strict=True))
        if whole:
            return found
        return found | {"time": stats.live.clock.ms(), "lastUpdateId": stats.live.book.sequence}

    def trades(request: web.Request) -> list[Fields]:
        stats = one(request)
        recent = list(stats.live.trades)[-limit(request, 500, 1000) :]
        return [_trade(stats, trade, whole) for trade in recent]

    def aggregates(request: web.Request) -> list[Fields]:
        stats = one(request)
        recent = list(stats.live.trades)[-limit(request, 500, 1000) :]
        return [_aggregate(stats, trade, whole) for trade in recent]

    def klines(request: web.Request) -> list[list[Any]]:
        stats, interval = one(request), request.query.get("interval", "")
        if interval not in INTERVALS:
            raise _Bad(_BAD_INTERVAL)
        return stats.klines(interval, limit(request, 500, 1000))

    def average(request: web.Request) -> Fields:
        event = one(request).average_price()
        return {"mins": 5, "price": event["w"], "closeTime": event["T"]}

    add("ticker/24hr", 2, of_symbols(lambda stats: stats.day(whole=whole)))
    add("ticker/price", 2, of_symbols(price))
    add("ticker/bookTicker", 2, of_symbols(best))
    add("trades", 25, trades)
    add("aggTrades", 4, aggregates)
    add("klines", 2, klines)
    if whole:
        add("avgPrice", 2, average)


def _trade(stats: Stats, one: Trade, whole: bool) -> Fields:
    found: Fields = {
        "id": one.number,
        "price": stats.texts.prices[one.grid],
        "qty": stats.texts.sizes[one.lots],
        "quoteQty": stats.quote(one.grid * one.lots),
        "time": one.ms,
        "isBuyerMaker": not one.taker_buys,
    }
    return found | {"isBestMatch": True} if whole else found


def _aggregate(stats: Stats, one: Trade, whole: bool) -> Fields:
    found: Fields = {
        "a": one.number,
        "p": stats.texts.prices[one.grid],
        "q": stats.texts.sizes[one.lots],
        "f": one.number,
        "l": one.number,
        "T": one.ms,
        "m": not one.taker_buys,
    }
    return found | {"M": True} if whole else found
