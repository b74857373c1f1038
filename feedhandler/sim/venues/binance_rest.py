"""Binance's REST answers, each with the request weight used in this minute."""

from __future__ import annotations

import orjson
from aiohttp import web

from feedhandler.sim.faults.bad_list import as_ordered
from feedhandler.sim.venues.binance_market_rest import (
    BAD_LIMIT,
    BAD_SYMBOL,
    NO_SYMBOL,
    add_market_routes,
)
from feedhandler.sim.venues.binance_meter import Meter
from feedhandler.sim.venues.binance_product import ProductServer
from feedhandler.sim.venues.binance_stats import snapshot

_WEIGHT_LIMIT = 6000
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_LIMITS = (("REQUEST_WEIGHT", "MINUTE", 1, _WEIGHT_LIMIT), ("RAW_REQUESTS", "MINUTE", 5, 61_000))
_BAD_SYMBOLS = {"code": -1100, "msg": "Illegal characters in symbols."}


def add_rest_routes(router: web.UrlDispatcher, server: ProductServer) -> None:
    """Add the public ``/api/v3/`` paths of a server."""
    answer = Meter(_WEIGHT_LIMIT).answer

    async def depth(request: web.Request) -> web.Response:
        symbol, text = request.query.get("symbol"), request.query.get("limit", "100")
        if symbol is None:
            return answer(NO_SYMBOL, 1, 400)
        if symbol not in server.market.instruments:
            return answer(BAD_SYMBOL, 1, 400)
        if not text.isdigit() or int(text) < 1:
            return answer(BAD_LIMIT, 1, 400)
        limit = min(int(text), 5000)
        weight = next(weight for upper, weight in _DEPTH_WEIGHTS if limit <= upper)
        live, most = server.market.live(symbol), server.snapshot_levels
        return answer(snapshot(server.rest_book(live), server.texts(live), most(limit)), weight)

    async def exchange_info(request: web.Request) -> web.Response:
        listed = server.market.instruments
        chosen = list(listed)
        if (one := request.query.get("symbol")) is not None:
            chosen = [one]
        elif (several := request.query.get("symbols")) is not None:
            try:
                chosen = list(orjson.loads(several))
            except (orjson.JSONDecodeError, TypeError):
                return answer(_BAD_SYMBOLS, 1, 400)
        if any(symbol not in listed for symbol in chosen):
            return answer(BAD_SYMBOL, 1, 400)
        info = {
            "timezone": "UTC",
            "serverTime": server.market.clock.ms(),
            "rateLimits": [
                {"rateLimitType": kind, "interval": unit, "intervalNum": number, "limit": limit}
                for kind, unit, number, limit in _LIMITS
            ],
            "exchangeFilters": [],
            "symbols": as_ordered(
                server.faults,
                [server.as_listed(symbol, {}) for symbol in chosen],
            ),
        }
        return answer(info, 20)

    add_market_routes(router, server, "/api/v3/", answer)
    router.add_get("/api/v3/depth", depth)
    router.add_get("/api/v3/exchangeInfo", exchange_info)
