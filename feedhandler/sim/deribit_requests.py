"""Deribit's instruments, tickers and books by request, over the socket and over REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from . import deribit_json as shapes
from . import deribit_listing as listing
from .book import ASK, BID
from .jsonrpc import RpcError
from .market import Live

if TYPE_CHECKING:
    from .deribit import DeribitServer

_FIRST_ID = 124_972
_LISTED_BEFORE_MS = 90 * 86_400_000


def instruments(server: DeribitServer, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """public/get_instruments; ``expired``: those that expired during the run."""
    currency, kind = params.get("currency", "any"), params.get("kind", "any")
    expired = str(params.get("expired", "false")).lower() == "true"
    chosen = []
    for instrument in (server.expired if expired else server.market.instruments).values():
        its_kind = "option" if instrument.kind == "option" else "future"
        if currency in ("any", instrument.base) and kind in ("any", its_kind):
            number = _FIRST_ID + server.number_of(instrument.symbol)
            entry = listing.describe(instrument, number, server.start_ms - _LISTED_BEFORE_MS)
            if expired:
                entry |= {"is_active": False, "state": "closed"}
            chosen.append(entry)
    return chosen


def _live(server: DeribitServer, params: Mapping[str, Any]) -> Live:
    symbol = params.get("instrument_name")
    if symbol not in server.market.instruments:
        raise RpcError(13020, "instrument_not_found")
    return server.market.live(str(symbol))


def ticker(server: DeribitServer, params: Mapping[str, Any]) -> Any:
    """public/ticker."""
    live = _live(server, params)
    return orjson.loads(shapes.ticker(server.market, live, server.texts(live)))


def order_book(server: DeribitServer, params: Mapping[str, Any]) -> Any:
    """public/get_order_book: the ticker and ``depth`` levels a side."""
    live = _live(server, params)
    depth = str(params.get("depth", 5))
    if not depth.isdigit():
        raise RpcError(-32602, "Invalid params", {"param": "depth"})
    book = ticker(server, params)
    shown = server.rest_book(live)
    book["change_id"] = shown.sequence
    for name, side in (("bids", BID), ("asks", ASK)):
        book[name] = [
            [live.instrument.price(grid), live.instrument.size(lots)]
            for grid, lots in shown.levels(side, int(depth))
        ]
    return book
