"""Bybit's REST answers: instruments in pages, books, server time."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote

import orjson
from aiohttp import web

from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.bad_list import as_ordered
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.instrument import fixed, plain
from feedhandler.sim.market.live import Live
from feedhandler.sim.server.server import VenueServer
from feedhandler.sim.venues import bybit_json as shapes
from feedhandler.sim.venues import bybit_listing as listing
from feedhandler.sim.venues.bybit_json import Texts
from feedhandler.sim.venues.bybit_tickers import Tickers
from feedhandler.sim.venues.bybit_window import Sides

_REQUESTS, _SECONDS = 600, 5.0
_PAGE = 500
_MOST = {"linear": 500, "spot": 200}
_USUAL = {"linear": 25, "spot": 1}
_TRADES = {"linear": 500, "spot": 60}
_CATEGORIES = ("spot", "linear", "inverse", "option")
"""All are asked for at one address; of those that a server is not of, nothing is listed."""
_FIRST_NUMBER = 5
_LISTED_BEFORE_MS = 90 * 86_400_000


def body(data: Any, now: int, code: int = 0, message: str = "OK") -> bytes:
    """An answer as all of them look."""
    return orjson.dumps(
        {"retCode": code, "retMsg": message, "result": data, "retExtInfo": {}, "time": now}
    )


class BybitRest(VenueServer):
    """What REST asks of the server."""

    category: ClassVar[str]

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        self._texts: dict[str, Texts] = {}
        self.tickers = Tickers(self.category, self.market, self.texts)

    def texts(self, live: Live) -> Texts:
        """The instrument's number texts."""
        instrument = live.instrument
        found = self._texts.get(instrument.symbol)
        if found is None:
            spot = self.category == "spot"
            prices = plain if spot else fixed(listing.places(instrument)[0])
            sizes = listing.size_style(self.category, instrument)
            found = Texts(instrument.prices(prices), instrument.sizes(sizes))
            self._texts[instrument.symbol] = found
        return found


def add_rest_routes(router: web.UrlDispatcher, server: BybitRest) -> None:
    """Add the ``/v5/market/`` paths of a server."""
    recent: deque[float] = deque()

    def answer(data: Any, code: int = 0, message: str = "OK") -> web.Response:
        now = time.monotonic()
        recent.append(now)
        while recent[0] < now - _SECONDS:
            recent.popleft()
        if len(recent) > _REQUESTS:
            return web.Response(text="403, access too frequent", status=403)
        found = body(data, server.market.clock.ms(), code, message)
        return web.Response(body=found, content_type="application/json")

    def wrong(message: str) -> web.Response:
        return answer({}, 10001, f"params error: {message}")

    async def server_time(_: web.Request) -> web.Response:
        now = server.market.clock.ms()
        return answer({"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)})

    async def instruments(request: web.Request) -> web.Response:
        query, category = request.query, server.category
        if (named := query.get("category", "")) not in _CATEGORIES:
            return wrong("Illegal category")
        if named != category:
            return answer({"category": named, "list": [], "nextPageCursor": ""})
        listed = list(server.market.instruments.values())
        if (symbol := query.get("symbol")) is not None:
            listed = [one for one in listed if one.symbol == symbol]
        found: dict[str, Any] = {"category": category}
        if category == "linear":
            limit = query.get("limit", str(_PAGE))
            if not limit.isdigit() or not 1 <= int(limit) <= 1000:
                return wrong("limit")
            begin = 0
            if (cursor := query.get("cursor")) is not None:
                # What was given out is encoded once more than a reader of the query decodes.
                last = parse_qs(cursor).get("last", [""])[0]
                at = [n for n, one in enumerate(listed) if one.symbol == last]
                if not at:
                    return wrong("cursor")
                begin = at[0] + 1
            page = listed[begin : begin + int(limit)]
            more = begin + len(page) < len(listed)
            token = f"first={page[0].symbol}&last={page[-1].symbol}" if more else ""
            found["nextPageCursor"] = quote(token)
            listed = page
        since = server.start_ms - _LISTED_BEFORE_MS
        rows = [
            server.as_listed(
                one.symbol,
                listing.describe(
                    category, one, _FIRST_NUMBER + server.number_of(one.symbol), since
                ),
            )
            for one in listed
        ]
        found["list"] = as_ordered(server.faults, rows)
        return answer(found)

    def asked(request: web.Request, usual: int, most: int) -> tuple[Live, int] | web.Response:
        """The symbol and the limit of a request, or what is wrong with it."""
        query = request.query
        symbol, limit = query.get("symbol", ""), query.get("limit", str(usual))
        if query.get("category") != server.category:
            return wrong("Illegal category")
        if symbol not in server.market.instruments:
            return wrong("Symbol Is Invalid")
        if not limit.isdigit() or not 1 <= int(limit) <= most:
            return wrong("limit")
        return server.market.live(symbol), int(limit)

    async def orderbook(request: web.Request) -> web.Response:
        found = asked(request, _USUAL[server.category], _MOST[server.category])
        if isinstance(found, web.Response):
            return found
        live, limit = found
        symbol, now = live.instrument.symbol, server.market.clock.ms()
        book = server.rest_book(live)
        sides = Sides(book.levels(BID, limit), book.levels(ASK, limit))
        # The number is that of the deepest topic: nothing that anybody follows.
        data = (
            f'{{"s":"{symbol}",{shapes.levels(server.texts(live), sides)},"ts":{now},'
            f'"u":{live.count + 1},"seq":{book.sequence},"cts":{now}}}'
        )
        return answer(orjson.Fragment(data))

    async def tickers(request: web.Request) -> web.Response:
        query, category = request.query, server.category
        if (named := query.get("category", "")) not in _CATEGORIES:
            return wrong("Illegal category")
        chosen = list(server.market.instruments) if named == category else []
        if (symbol := query.get("symbol")) is not None:
            if symbol not in chosen:
                return wrong("Symbol Is Invalid")
            chosen = [symbol]
        rows = [server.tickers.full(one) for one in chosen]
        return answer({"category": named, "list": rows})

    async def recent_trades(request: web.Request) -> web.Response:
        category = server.category
        found = asked(request, _TRADES[category], 1000)
        if isinstance(found, web.Response):
            return found
        live, limit = found
        recent = list(live.trades)[: -limit - 1 : -1]
        rows = [shapes.recent_trade(category, live, server.texts(live), one) for one in recent]
        return answer({"category": category, "list": rows})

    router.add_get("/v5/market/tickers", tickers)
    router.add_get("/v5/market/recent-trade", recent_trades)
    router.add_get("/v5/market/time", server_time)
    router.add_get("/v5/market/instruments-info", instruments)
    router.add_get("/v5/market/orderbook", orderbook)
