"""OKX's REST answers: instruments, server time, and books to join the stream with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from feedhandler.sim.faults.bad_list import as_ordered
from feedhandler.sim.venues import okx_json as shapes
from feedhandler.sim.venues import okx_listing as listing
from feedhandler.sim.venues.okx_channels import INSTRUMENT_TYPES, known
from feedhandler.sim.venues.okx_present import FIRST_CODE, LISTED_BEFORE_MS, OkxPresent

BOOK_LEVELS = 400
"""Levels a side of the `books` channel and at most of a REST book."""
Handler = Callable[[web.Request], Awaitable[web.Response]]
_UNKNOWN = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
_PRESENT = {
    "market/ticker": "tickers",
    "market/tickers": "tickers",
    "market/index-tickers": "index-tickers",
    "public/mark-price": "mark-price",
    "public/funding-rate": "funding-rate",
    "public/open-interest": "open-interest",
}
"""Paths that say what a channel does."""


def _answer(data: Any, code: str = "0", message: str = "", status: int = 200) -> web.Response:
    body = orjson.dumps({"code": code, "msg": message, "data": data})
    return web.Response(body=body, status=status, content_type="application/json")


def _raw(rows: str) -> web.Response:
    body = f'{{"code":"0","msg":"","data":[{rows}]}}'.encode()
    return web.Response(body=body, content_type="application/json")


def add_rest_routes(router: web.UrlDispatcher, server: OkxPresent) -> None:
    """Add the ``/api/v5/`` paths of a server."""

    async def server_time(_: web.Request) -> web.Response:
        return _answer([{"ts": str(server.market.clock.ms())}])

    async def instruments(request: web.Request) -> web.Response:
        query = request.query
        wanted = query.get("instType")
        if wanted not in INSTRUMENT_TYPES:
            return _answer([], "50014", "Parameter instType can not be empty.", 400)
        family = query.get("instFamily") or query.get("uly")
        if wanted == "OPTION" and family is None:
            return _answer([], "50015", "Either parameter uly or instFamily is required.", 400)
        listed = server.start_ms - LISTED_BEFORE_MS
        rows = [
            server.as_listed(
                one.symbol,
                listing.describe(one, FIRST_CODE + server.number_of(one.symbol), listed),
            )
            for one in server.market.instruments.values()
            if listing.inst_type(one) == wanted
            and (family is None or one.family == family)
            and query.get("instId", one.symbol) == one.symbol
        ]
        return _answer(as_ordered(server.faults, rows))

    async def underlying(request: web.Request) -> web.Response:
        wanted = request.query.get("instType")
        if wanted not in ("SWAP", "FUTURES", "OPTION"):
            return _answer([], "51000", "Parameter instType error", 400)
        families = {
            instrument.family
            for instrument in server.market.instruments.values()
            if listing.inst_type(instrument) == wanted
        }
        return _answer([sorted(families)])

    async def books(request: web.Request) -> web.Response:
        symbol, size = request.query.get("instId", ""), request.query.get("sz", "1")
        if symbol not in server.market.instruments:
            return _answer([], "51001", _UNKNOWN)
        if not size.isdigit() or not 1 <= int(size) <= BOOK_LEVELS:
            return _answer([], "51000", "Parameter sz error", 400)
        live = server.market.live(symbol)
        book = server.rest_book(live)
        tail = f'"ts":"{server.market.clock.ms()}","seqId":{book.sequence}'
        most = server.snapshot_levels(int(size))
        return _raw(shapes.book_data(book, server.texts(live), most, tail))

    def present(channel: str) -> Handler:
        """What a channel says of one subject, or of all of an `instType`."""

        async def handle(request: web.Request) -> web.Response:
            wanted, kind = request.query.get("instId"), request.query.get("instType")
            if wanted is None and kind is not None:
                listed = server.market.instruments.values()
                chosen = [one.symbol for one in listed if listing.inst_type(one) == kind]
            else:
                chosen = [] if wanted is None else [wanted]
            if (wanted is None and kind not in INSTRUMENT_TYPES) or not all(
                known(server.market, channel, one) for one in chosen
            ):
                return _answer([], "51001", _UNKNOWN)
            data = ",".join(server.present(channel, one) for one in chosen)
            return _raw(data)

        return handle

    async def trades(request: web.Request) -> web.Response:
        symbol, limit = request.query.get("instId", ""), request.query.get("limit", "100")
        if symbol not in server.market.instruments:
            return _answer([], "51001", _UNKNOWN)
        if not limit.isdigit() or not 1 <= int(limit) <= 500:
            return _answer([], "51000", "Parameter limit error", 400)
        live = server.market.live(symbol)
        texts, recent = server.texts(live), list(live.trades)[: -int(limit) - 1 : -1]
        return _raw(",".join(shapes.trade(live, texts, one) for one in recent))

    for path, channel in _PRESENT.items():
        router.add_get(f"/api/v5/{path}", present(channel))
    router.add_get("/api/v5/market/trades", trades)
    router.add_get("/api/v5/public/time", server_time)
    router.add_get("/api/v5/public/instruments", instruments)
    router.add_get("/api/v5/public/underlying", underlying)
    router.add_get("/api/v5/market/books", books)
