"""Binance USD-M's REST answers, each with the request weight used in this minute."""

from __future__ import annotations

from aiohttp import web

from feedhandler.sim.faults.bad_list import as_ordered
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues.binance_market_rest import BAD_SYMBOL, NO_SYMBOL, add_market_routes
from feedhandler.sim.venues.binance_meter import Meter
from feedhandler.sim.venues.binance_product import ProductServer
from feedhandler.sim.venues.binance_stats import snapshot

_WEIGHT_LIMIT = 2400
_DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
_FUNDING_MS = 8 * 3_600_000


def add_rest_routes(router: web.UrlDispatcher, server: ProductServer) -> None:
    """Add the public ``/fapi/v1/`` paths of a server."""
    answer = Meter(_WEIGHT_LIMIT).answer

    async def depth(request: web.Request) -> web.Response:
        symbol, text = request.query.get("symbol"), request.query.get("limit", "500")
        if symbol is None:
            return answer(NO_SYMBOL, 1, 400)
        if symbol not in server.market.instruments:
            return answer(BAD_SYMBOL, 1, 400)
        limit = int(text) if text.isdigit() else -1
        if limit not in _DEPTH_WEIGHTS:
            return answer({"code": -4021, "msg": f"{text} is not valid depth limit"}, 1, 400)
        live, now = server.market.live(symbol), server.market.clock.ms()
        weight = _DEPTH_WEIGHTS[limit] if "limit" in request.query else 1
        book, times = server.rest_book(live), f'"E":{now},"T":{now},'
        most = server.snapshot_levels(limit)
        return answer(snapshot(book, server.texts(live), most, times), weight)

    async def open_interest(request: web.Request) -> web.Response:
        symbol = request.query.get("symbol", "")
        if symbol not in server.market.instruments:
            return answer(BAD_SYMBOL, 1, 400)
        live = server.market.live(symbol)
        value = server.texts(live).sizes[live.open_interest]
        now = server.market.clock.ms()
        return answer({"symbol": symbol, "openInterest": value, "time": now}, 1)

    async def exchange_info(_: web.Request) -> web.Response:
        info = {
            "timezone": "UTC",
            "serverTime": server.market.clock.ms(),
            "futuresType": "U_MARGINED",
            "rateLimits": [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": _WEIGHT_LIMIT,
                }
            ],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": as_ordered(
                server.faults,
                [server.as_listed(symbol, {}) for symbol in server.market.instruments],
            ),
        }
        return answer(info, 1)

    async def premium_index(request: web.Request) -> web.Response:
        symbol = request.query.get("symbol")
        if symbol is not None and symbol not in server.market.instruments:
            return answer(BAD_SYMBOL, 1, 400)
        chosen = server.market.instruments if symbol is None else (symbol,)
        rows = [_premium_index(server.market, server.market.live(one)) for one in chosen]
        return answer(rows if symbol is None else rows[0], 1)

    add_market_routes(router, server, "/fapi/v1/", answer)
    router.add_get("/fapi/v1/premiumIndex", premium_index)
    router.add_get("/fapi/v1/depth", depth)
    router.add_get("/fapi/v1/openInterest", open_interest)
    router.add_get("/fapi/v1/exchangeInfo", exchange_info)


def _premium_index(market: Market, live: Live) -> dict[str, str | int]:
    instrument, now = live.instrument, live.clock.ms()
    dated = bool(instrument.expiry_ms)
    mark, index = market.mark(instrument), market.index(instrument.base)
    return {
        "symbol": instrument.symbol,
        "markPrice": f"{mark:.8f}",
        "indexPrice": f"{index:.8f}",
        "estimatedSettlePrice": f"{index:.8f}",
        "lastFundingRate": "" if dated else f"{market.funding(instrument):.8f}",
        "interestRate": "0.00010000",
        "nextFundingTime": 0 if dated else (now // _FUNDING_MS + 1) * _FUNDING_MS,
        "time": now,
    }
