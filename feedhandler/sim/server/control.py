"""``/sim/``: the truth about a simulated venue, and orders to it. JSON over HTTP.

GET  /sim/book?symbol=S[&sequence=N]  the full book, now or exactly as of a published sequence
GET  /sim/book?symbol=S&after=N       the full book as of the first known sequence after N
GET  /sim/trades?symbol=S[&after=N]   what was traded after an instrument's trade N, oldest first
GET  /sim/touches?symbol=S[&after=N]  its best levels after a sequence N, each time they changed
POST /sim/digests                     {"symbol": S, "sequences": [...]}: of the book as of each
GET  /sim/stats                       counters
GET  /sim/faults                      the kinds of faults and what they may be told
POST /sim/fault                       one fault: {"kind": ..., ...}, see `faults.kinds`
POST /sim/list, /sim/expire           {"symbol": S}: an instrument comes or goes
POST /sim/pause, /sim/resume          stop and start the market; pausing publishes all that waits
POST /sim/step?updates=N              while paused: exactly N updates (default 1), published
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from feedhandler.sim.faults.keys import KEYS
from feedhandler.sim.faults.kinds import KINDS
from feedhandler.sim.faults.order import FaultError
from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.market.instrument import Instrument, plain
from feedhandler.sim.market.live import Live
from feedhandler.sim.server.chaos import Chaos
from feedhandler.sim.server.venue import SimVenue

Handler = Callable[[web.Request], Awaitable[web.Response]]
_MAX_STEPS = 1_000_000


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")


def describe(instrument: Instrument, book: Book) -> dict[str, Any]:
    """A full book as decimal strings without exponent or trailing zeros, best first."""
    prices, sizes = instrument.prices(plain), instrument.sizes(plain)
    sides = (
        [[prices[grid], sizes[lots]] for grid, lots in book.levels(side)] for side in (BID, ASK)
    )
    bids, asks = sides
    return {"symbol": instrument.symbol, "sequence": book.sequence, "bids": bids, "asks": asks}


def _described_kinds() -> dict[str, Any]:
    return {
        name: {
            "does": kind.does,
            "needs": {key: KEYS[key].allowed for key in kind.needs},
            "takes": {key: KEYS[key].allowed for key in kind.takes},
            "defaults": dict(kind.defaults),
        }
        for name, kind in KINDS.items()
    }


def _trades(server: SimVenue, live: Live, after: int) -> list[dict[str, Any]]:
    prices, sizes = live.instrument.prices(plain), live.instrument.sizes(plain)
    return [
        {
            "number": one.number,
            "id": server.trade_id(live, one),
            "price": prices[one.grid],
            "size": sizes[one.lots],
            "taker": "buy" if one.taker_buys else "sell",
            "sequence": one.sequence,
            "ms": one.ms,
        }
        for one in live.trades
        if one.number > after
    ]


def _touches(_server: SimVenue, live: Live, after: int) -> list[dict[str, Any]]:
    prices, sizes = live.instrument.prices(plain), live.instrument.sizes(plain)
    return [
        {
            "sequence": one.sequence,
            "ms": one.ms,
            "bid": [prices[one.bid], sizes[one.bid_lots]] if one.bid_lots else None,
            "ask": [prices[one.ask], sizes[one.ask_lots]] if one.ask_lots else None,
        }
        for one in live.touches
        if one.sequence > after
    ]


def add_control_routes(router: web.UrlDispatcher, server: SimVenue, chaos: Chaos) -> None:
    """Add the ``/sim/`` paths of a server."""

    async def book(request: web.Request) -> web.Response:
        symbol = request.query.get("symbol", "")
        if symbol not in server.market.instruments and symbol not in server.expired:
            return _json({"error": f"unknown symbol {symbol!r}"}, 404)
        live = server.market.live(symbol)
        after, wanted = request.query.get("after"), request.query.get("sequence")
        found: Book | None = live.book
        if wanted is not None or after is not None:
            try:
                number = live.book.sequence_after(int(after)) if after else int(wanted or "")
            except ValueError:
                text = f"sequence must be an integer: {after or wanted!r}"
                return _json({"error": text}, 400)
            found = live.book.as_of(number) if number is not None else None
        if found is None:
            bound = server.options.history
            what = f"sequence after {after}" if after else f"sequence {wanted}"
            text = f"{symbol} has no {what} within the venue's last {bound} updates"
            return _json({"error": text, "sequence": live.book.sequence}, 404)
        return _json(describe(live.instrument, found))

    def records(named: str, tell: Callable[[SimVenue, Live, int], list[dict[str, Any]]]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            symbol, after = request.query.get("symbol", ""), request.query.get("after", "0")
            if symbol not in server.market.instruments and symbol not in server.expired:
                return _json({"error": f"unknown symbol {symbol!r}"}, 404)
            if not after.isdigit():
                return _json({"error": f"after must be an integer: {after!r}"}, 400)
            found = tell(server, server.market.live(symbol), int(after))
            return _json({"symbol": symbol, named: found})

        return handle

    async def digests(request: web.Request) -> web.Response:
        kept = server.market.digests
        if kept is None:
            return _json({"error": "needs a simulator with the option digests"}, 409)
        try:
            asked = orjson.loads(await request.read())
            symbol, sequences = asked["symbol"], [int(each) for each in asked["sequences"]]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return _json({"error": "the body must be {symbol, sequences: [integer, ...]}"}, 400)
        if symbol not in server.market.instruments and symbol not in server.expired:
            return _json({"error": f"unknown symbol {symbol!r}"}, 404)
        live = server.market.live(symbol)
        return _json({"digests": [kept.at(live, each) for each in sequences]})

    async def stats(_: web.Request) -> web.Response:
        return _json({**server.stats(), **chaos.told()})

    async def faults(_: web.Request) -> web.Response:
        return _json({"kinds": _described_kinds()})

    async def order(request: web.Request, kind: str | None = None) -> web.Response:
        try:
            found = orjson.loads(await request.read())
            if not isinstance(found, dict):
                raise FaultError("the body must be a JSON object")
            begun = chaos.order(found if kind is None else found | {"kind": kind})
        except (orjson.JSONDecodeError, FaultError) as error:
            return _json({"error": str(error)}, 400)
        server.flush()
        await chaos.settled()
        return _json({"ok": True, "kind": begun.kind, "id": begun.number})

    async def list_(request: web.Request) -> web.Response:
        return await order(request, "list")

    async def expire(request: web.Request) -> web.Response:
        return await order(request, "expire")

    async def pause(_: web.Request) -> web.Response:
        server.pause()
        return _json({"paused": True, "updates": server.market.steps})

    async def resume(_: web.Request) -> web.Response:
        server.paused = False
        return _json({"paused": False, "updates": server.market.steps})

    async def step(request: web.Request) -> web.Response:
        text = request.query.get("updates", "1")
        if not server.paused:
            return _json({"error": "the market is running: pause it first"}, 409)
        if not text.isdigit() or int(text) > _MAX_STEPS:
            return _json({"error": f"updates must be an integer up to {_MAX_STEPS}"}, 400)
        server.advance(int(text))
        server.settle()
        server.flush()
        return _json({"paused": True, "updates": server.market.steps})

    router.add_get("/sim/book", book)
    router.add_get("/sim/trades", records("trades", _trades))
    router.add_get("/sim/touches", records("touches", _touches))
    router.add_post("/sim/digests", digests)
    router.add_get("/sim/stats", stats)
    router.add_get("/sim/faults", faults)
    router.add_post("/sim/fault", order)
    router.add_post("/sim/list", list_)
    router.add_post("/sim/expire", expire)
    router.add_post("/sim/pause", pause)
    router.add_post("/sim/resume", resume)
    router.add_post("/sim/step", step)
