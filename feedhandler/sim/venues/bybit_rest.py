"""What a simulated Bybit answers over HTTP that no table says: lists in pages whose cursors name
where they begin and end, all products at one address, 600 requests in five seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, quote

import orjson
from aiohttp import web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.bad_list import as_ordered
from feedhandler.sim.market.instrument import fixed, places, plain
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.levels import Texts
from feedhandler.sim.venues.declared.server import DeclaredServer
from feedhandler.venues.bybit import Bybit

_REQUESTS, _SECONDS = 600, 5.0
_PAGE: Final = "500"
_LIST: Final = "/v5/market/instruments-info"
_BOOK: Final = "/v5/market/orderbook"
_TICKERS: Final = "/v5/market/tickers"
_TRADES: Final = "/v5/market/recent-trade"


class Product(NamedTuple):
    """What one has of its own. `usual`, `most`: levels of a book that is asked for; `written`:
    whether numbers have the decimals of tick and lot; else none that say nothing; `topics`, `held`:
    how many a request, and a connection, may have; `says_done`: whether its answers do."""

    usual: int = 25
    most: int = 500
    written: bool = True
    topics: int = 0
    held: int = 0
    says_done: bool = False


PRODUCTS: Final[Mapping[str, Product]] = {
    "spot": Product(usual=1, most=200, written=False, topics=10, says_done=True),
    "linear": Product(),
    "inverse": Product(),
    "option": Product(most=25, written=False, held=2_000),
}
"""By category. All are asked for at one address; of those that a server is not of, nothing is
listed."""


class BybitRest(DeclaredServer):
    """The paths under `/v5/market/`."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        assert isinstance(declared, Bybit)
        super().__init__(options, declared, beside)
        self.category, self.product = declared.category, PRODUCTS[declared.category]
        self._recent: deque[float] = deque()

    def texts(self, live: Live) -> Texts:
        """Sizes of nothing are a bare 0."""
        symbol, one = live.instrument.symbol, live.instrument
        found = self._texts.get(symbol)
        if found is None and self.product.written:
            size = fixed(places(one.lot))
            sizes = one.sizes(lambda number, digits: size(number, digits) if number else "0")
            found = self._texts[symbol] = Texts(one.prices(fixed(places(one.tick))), sizes)
        elif found is None:
            found = self._texts[symbol] = Texts(one.prices(plain), one.sizes(plain))
        return found

    def error_body(self, status: int) -> bytes:
        """Error 10006 of too many requests, 10016 of an overload."""
        code, text = (10006, "Too many visits!") if status < 500 else (10016, "Server error.")
        return self._body({}, code, text)

    def unknown(self, what: str) -> web.Response:  # noqa: ARG002
        """No such symbol."""
        return self.wrong("Symbol Is Invalid")

    def wrong(self, param: str) -> web.Response:
        """What a param cannot be."""
        return self._answer({}, 10001, f"params error: {param}")

    def _body(self, result: object, code: int = 0, text: str = "OK") -> bytes:
        said = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}}
        return orjson.dumps({**said, "time": self.market.clock.ms()})

    def _answer(self, result: object, code: int = 0, text: str = "OK") -> web.Response:
        return web.Response(body=self._body(result, code, text), content_type="application/json")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if "Upgrade" not in request.headers:
            now, recent = time.monotonic(), self._recent
            recent.append(now)
            while recent[0] < now - _SECONDS:
                recent.popleft()
            if len(recent) > _REQUESTS:
                return web.Response(text="403, access too frequent", status=403)
        return await super()._serve(request)

    def further(self, request: web.Request, path: str) -> web.Response | None:
        """Questions of one product."""
        named = request.query.get("category", "")
        if path in (_TICKERS, _TRADES) and named != self.category:
            if path == _TRADES or named not in PRODUCTS:
                return self.wrong("Illegal category")
            return self._answer({"category": named, "list": []})
        return super().further(request, path)

    def _list(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        if path != _LIST:
            return None
        query, named = request.query, request.query.get("category", "")
        if named not in PRODUCTS:
            return self.wrong("Illegal category")
        if named != self.category:
            return self._answer({"category": named, "list": [], "nextPageCursor": ""})
        base, symbol = query.get("baseCoin"), query.get("symbol")
        listed = [
            one.symbol
            for one in self.market.instruments.values()
            if symbol in (None, one.symbol) and base in (None, one.base)
        ]
        found: dict[str, Any] = {"category": named}
        if named != "spot":  # which has no pages
            limit = query.get("limit", _PAGE)
            if not limit.isdigit() or not 1 <= int(limit) <= 1000:
                return self.wrong("limit")
            begin = 0
            if cursor := query.get("cursor", ""):
                # What was given out is encoded once more than a reader of the query decodes.
                (last,) = parse_qs(cursor).get("last", [""])
                if last not in listed:
                    return self.wrong("cursor")
                begin = listed.index(last) + 1
            page = listed[begin : begin + int(limit)]
            more = begin + len(page) < len(listed)
            found["nextPageCursor"] = quote(f"first={page[0]}&last={page[-1]}") if more else ""
            listed = page
        found["list"] = as_ordered(self.faults, [self.as_listed(one, {}) for one in listed])
        return self._answer(found)

    def as_listed(self, symbol: str, row: dict[str, Any]) -> dict[str, Any]:
        """Times are texts."""
        found = super().as_listed(symbol, row)
        if "deliveryTime" in found:
            found["deliveryTime"] = str(found["deliveryTime"])
        return found

    def _book(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        if path != _BOOK:
            return None
        query, symbol = request.query, request.query.get("symbol", "")
        limit = query.get("limit", str(self.product.usual))
        if query.get("category") != self.category:
            return self.wrong("Illegal category")
        if symbol not in self.market.instruments:
            return self.unknown(symbol)
        if not limit.isdigit() or not 1 <= int(limit) <= self.product.most:
            return self.wrong("limit")
        said = self.book_answer(self.market.live(symbol), int(limit))
        return self._answer(orjson.Fragment(said.removeprefix(b'{"result":')[:-1]))
