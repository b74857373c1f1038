"""Deribit's public methods, over the socket and over REST: what clients ask at their start."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.shape.frame import Frame
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.bad_list import as_ordered
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.events import Prints
from feedhandler.sim.venues.declared.server import DeclaredServer
from feedhandler.sim.venues.deribit_answers import RpcError
from feedhandler.sim.venues.deribit_wire import TRADE

Params = Mapping[str, Any]
VERSION: Final = {"version": "1.2.26"}
CURRENCIES: Final = ("BTC", "ETH")
_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum"}


class DeribitMethods(DeclaredServer):
    """What the methods ask of the server."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        self.prints = Prints(Frame("trade", TRADE), self.beside)

    @abstractmethod
    def ticker(self, live: Live, state: str = "") -> str:
        """Its ticker, as JSON."""


Ask = Callable[[DeribitMethods, Params], Any]


def _flag(params: Params, name: str) -> bool:
    return str(params.get(name, "false")).lower() == "true"


def _count(params: Params, name: str, usual: int, most: int) -> int:
    text = str(params.get(name, usual))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise RpcError(-32602, "Invalid params", {"param": name, "reason": "invalid value"})
    return int(text)


def _chosen(
    server: DeribitMethods, params: Params, *, expired: bool = False
) -> Iterator[Instrument]:
    """The instruments of a `currency` and a `kind`: clients leave either out, or say `any`."""
    currency, kind = params.get("currency", "any"), params.get("kind", "any")
    for instrument in (server.expired if expired else server.market.instruments).values():
        its_kind = "option" if instrument.kind == "option" else "future"
        if currency in ("any", instrument.base) and kind in ("any", its_kind):
            yield instrument


def instruments(server: DeribitMethods, params: Params) -> list[dict[str, Any]]:
    """public/get_instruments; ``expired``: those that expired during the run."""
    chosen = _chosen(server, params, expired=_flag(params, "expired"))
    rows = [server.as_listed(instrument.symbol, {}) for instrument in chosen]
    return as_ordered(server.faults, rows)


def instrument(server: DeribitMethods, params: Params) -> dict[str, Any]:
    """public/get_instrument."""
    return server.as_listed(_live(server, params).instrument.symbol, {})


def currencies(_server: DeribitMethods, _params: Params) -> list[dict[str, Any]]:
    """public/get_currencies."""
    return [
        {
            "currency": currency,
            "network_fee": 0.0001,
            "min_withdrawal_fee": 0.0001,
            "apr": 0.0,
            "withdrawal_fee": 0.0001,
            "network_currency": currency,
            "coin_type": currency,
            "withdrawal_priorities": [],
            "min_confirmations": 1,
            "currency_long": _NAMES[currency],
            "in_cross_collateral_pool": True,
        }
        for currency in CURRENCIES
    ]


def _live(server: DeribitMethods, params: Params) -> Live:
    symbol = params.get("instrument_name")
    if symbol not in server.market.instruments:
        raise RpcError(13020, "instrument_not_found")
    return server.market.live(str(symbol))


def ticker(server: DeribitMethods, params: Params) -> Any:
    """public/ticker."""
    live = _live(server, params)
    return orjson.loads(server.ticker(live))


def order_book(server: DeribitMethods, params: Params) -> Any:
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


def _base_of_index(name: str) -> str | None:
    """The base of an index such as ``btc_usd``."""
    base, _, quote = name.partition("_")
    found = base.upper()
    return found if quote in ("usd", "usdc") and found in CURRENCIES else None


def index_price(server: DeribitMethods, params: Params) -> dict[str, float]:
    """public/get_index_price."""
    base = _base_of_index(str(params.get("index_name")))
    if base is None:
        raise RpcError(-32602, "Invalid params", {"param": "index_name", "reason": "unknown"})
    price = round(server.market.index(base), 2)
    return {"index_price": price, "estimated_delivery_price": price}


def index_names(_server: DeribitMethods, _params: Params) -> list[str]:
    """public/get_index_price_names."""
    return [f"{currency.lower()}_usd" for currency in CURRENCIES]


def _summary(server: DeribitMethods, live: Live) -> dict[str, Any]:
    listed = live.instrument
    told = orjson.loads(server.ticker(live))
    bid, ask = told["best_bid_price"] or None, told["best_ask_price"] or None
    found = {
        "instrument_name": listed.symbol,
        "base_currency": listed.base,
        "quote_currency": listed.quote,
        "creation_timestamp": told["timestamp"],
        "bid_price": bid,
        "ask_price": ask,
        "mid_price": (bid + ask) / 2 if bid and ask else None,
        "last": told["last_price"],
        "mark_price": told["mark_price"],
        "open_interest": told["open_interest"],
        "estimated_delivery_price": told["estimated_delivery_price"],
        "high": told["stats"]["high"],
        "low": told["stats"]["low"],
        "price_change": told["stats"]["price_change"],
        "volume": told["stats"]["volume"],
        "volume_usd": told["stats"]["volume_usd"],
    }
    for key in (
        "current_funding",
        "funding_8h",
        "mark_iv",
        "underlying_price",
        "underlying_index",
        "interest_rate",
    ):
        if key in told:
            found[key] = told[key]
    return found


def summaries(server: DeribitMethods, params: Params) -> list[dict[str, Any]]:
    """public/get_book_summary_by_currency."""
    return [_summary(server, server.market.live(one.symbol)) for one in _chosen(server, params)]


def summary(server: DeribitMethods, params: Params) -> list[dict[str, Any]]:
    """public/get_book_summary_by_instrument."""
    return [_summary(server, _live(server, params))]


def last_trades(server: DeribitMethods, params: Params) -> dict[str, Any]:
    """public/get_last_trades_by_instrument: newest first unless ``sorting`` says otherwise."""
    live = _live(server, params)
    count = _count(params, "count", 10, 1000)
    recent = list(live.trades)[-count:]
    prints, texts = server.prints, server.texts(live)
    said = server.said(None, live.instrument.symbol)
    said |= prints.stats.values(server.market, live, texts)
    told = [orjson.loads(prints.messages(live, texts, [one], said)[0]) for one in recent]
    if params.get("sorting") != "asc":
        told.reverse()
    return {"trades": told, "has_more": len(live.trades) > count}


def hello(_server: DeribitMethods, params: Params) -> dict[str, str]:
    """public/hello."""
    if "client_name" not in params:
        raise RpcError(-32602, "Invalid params", {"param": "client_name"})
    return VERSION


def status(_server: DeribitMethods, _params: Params) -> dict[str, Any]:
    """public/status."""
    return {"locked": "false", "locked_indices": []}


PUBLIC: Final[Mapping[str, Ask]] = {
    "get_time": lambda server, _: server.market.clock.ms(),
    "get_instruments": instruments,
    "get_instrument": instrument,
    "get_currencies": currencies,
    "get_order_book": order_book,
    "ticker": ticker,
    "get_index_price": index_price,
    "get_index_price_names": index_names,
    "get_book_summary_by_currency": summaries,
    "get_book_summary_by_instrument": summary,
    "get_last_trades_by_instrument": last_trades,
    "status": status,
    "hello": hello,
}
"""By their names after ``public/``."""
