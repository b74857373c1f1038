"""ccxt's streaming client as its users run it: watch_order_book, watch_trades, watch_ticker and
watch_bids_asks, markets loaded over REST. Nothing is changed but the addresses."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt.pro
import report

# Where ccxt's markets of a venue are, which it asks for one by one.
EXCHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "deribit": ("deribit", {}),
    "okx": ("okx", {"fetchMarkets": {"types": ["spot", "swap", "future", "option"]}}),
    "binance": ("binance", {"fetchMarkets": {"types": ["spot"]}}),
    "binance-usdm": ("binanceusdm", {}),
    "bybit-linear": ("bybit", {"defaultType": "swap"}),
    "bybit-spot": ("bybit", {"defaultType": "spot"}),
}
VENUE = report.ORDER["venue"]


def event(message: Any) -> tuple[str, int] | None:
    """Of a book's message the venue's symbol, and its sequence."""
    if VENUE == "deribit":
        params = message.get("params", {})
        if not str(params.get("channel", "")).startswith("book."):
            return None
        return params["data"]["instrument_name"], params["data"]["change_id"]
    if VENUE == "okx":
        arg = message.get("arg", {})
        if arg.get("channel") != "books" or "data" not in message:
            return None
        return arg["instId"], message["data"][0]["seqId"]
    if VENUE.startswith("bybit"):
        if not str(message.get("topic", "")).startswith("orderbook."):
            return None
        return message["data"]["s"], message["data"]["seq"]
    data = message.get("data", message)
    if not isinstance(data, dict) or data.get("e") != "depthUpdate":
        return None
    return data["s"], data["u"]


def tell_received(message: Any) -> None:
    """Of Deribit's trades, some of which watch_trades loses."""
    params = message.get("params", {})
    if str(params.get("channel", "")).startswith("trades."):
        for one in params["data"]:
            report.received(one["instrument_name"], one["trade_id"])


def unified_of(exchange: Any, symbol: str) -> str:
    """ccxt's name of an instrument."""
    return str(exchange.markets_by_id[symbol][0]["symbol"])


async def main() -> None:
    """Watch everything for the time asked for."""
    name, options = EXCHANGES[VENUE]
    base: Any = getattr(ccxt.pro, name)

    class Observed(base):  # type: ignore[misc]
        def handle_message(self, client: Any, message: Any) -> None:
            super().handle_message(client, message)
            report.message()
            if VENUE == "deribit":
                tell_received(message)
            found = event(message) if isinstance(message, dict) else None
            if found is None:
                return
            unified = unified_of(self, found[0])
            book = self.orderbooks.get(unified)
            if book is None or (VENUE.startswith("binance") and book["nonce"] != found[1]):
                return  # kept back until its snapshot is there, or dropped
            report.book(found[0], found[1], book["bids"], book["asks"])

    exchange, beside = await started(Observed, options), await started(base, options)
    try:
        unified = {symbol: unified_of(exchange, symbol) for symbol in report.SYMBOLS}
        await report.for_the_time(
            *(
                watch(at, ours, theirs)
                for ours, theirs in unified.items()
                for at, watch in (
                    (exchange, books), (exchange, trades), (exchange, tickers), (beside, quotes)
                )
            )
        )  # fmt: skip
    finally:
        await exchange.close()
        await beside.close()


async def started(kind: Any, options: dict[str, Any]) -> Any:
    """An exchange with its markets. Quotes get one of their own: ccxt keeps Bybit's best levels and
    its deeper book in one place, where each overwrites the other."""
    exchange = kind({"options": options, "enableRateLimit": True})
    exchange.urls["api"] = report.redirected(exchange.urls["api"])
    await exchange.load_markets()
    return exchange


async def books(exchange: Any, _: str, symbol: str) -> None:
    """Told by the observer, message by message."""
    while True:
        await exchange.watch_order_book(symbol)


async def trades(exchange: Any, ours: str, symbol: str) -> None:
    """Every trade."""
    while True:
        for one in await exchange.watch_trades(symbol):
            report.trade(
                ours, one["id"], one["price"], one["amount"], one["side"], one["timestamp"]
            )


async def tickers(exchange: Any, ours: str, symbol: str) -> None:
    """Every ticker."""
    while True:
        one = await exchange.watch_ticker(symbol)
        report.ticker(
            ours, one["timestamp"] or 0, bid=one["bid"], bid_size=one["bidVolume"], ask=one["ask"],
            ask_size=one["askVolume"], last=one["last"],
        )  # fmt: skip


async def quotes(exchange: Any, ours: str, symbol: str) -> None:
    """The best bid and offer, where the client has them."""
    while exchange.has.get("watchBidsAsks"):
        one = (await exchange.watch_bids_asks([symbol]))[symbol]
        info = one.get("info") or {}
        sequence = int(info.get("u", 0)) if isinstance(info, dict) else 0
        report.ticker(
            ours, one["timestamp"] or 0, sequence, bid=one["bid"], bid_size=one["bidVolume"],
            ask=one["ask"], ask_size=one["askVolume"],
        )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
