"""ccxt's streaming client as its users run it: watch_order_book, watch_trades, watch_ticker and
watch_bids_asks, markets loaded over REST. Nothing is changed but the addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt.pro
import report
from ccxt_venues import VENUES, Event, milliseconds

VENUE = report.ORDER["venue"]
FACTS = VENUES[VENUE]
BASES: dict[str, tuple[float, float]] = {}
"""By ccxt's name, the worst prices of the base of a book: what lies deeper is not known."""
TIMES: dict[str, int] = {}
"""Of the last message of each book, where an update takes several."""


def tell_received(message: Any) -> None:
    """Of Deribit's trades, some of which watch_trades loses."""
    params = message.get("params", {})
    if str(params.get("channel", "")).startswith("trades."):
        for one in params["data"]:
            report.received(one["instrument_name"], one["trade_id"])


def event(client: Any, message: Any) -> Event | None:
    """Which book a message has changed. Bitfinex says with a checksum that it is whole."""
    if isinstance(message, dict):
        return FACTS.event(message)
    if VENUE != "bitfinex" or message[1] != "cs":
        return None
    return client.subscriptions[str(message[0])]["symbol"], 0, 0


def unified_of(exchange: Any, symbol: str) -> str:
    """ccxt's name of an instrument."""
    found = exchange.markets_by_id.get(symbol)
    return str(found[0]["symbol"]) if found else str(exchange.market(symbol)["symbol"])


def observed(base: Any) -> Any:
    """The same exchange, which tells of each book after each message that it has taken in."""

    class Observed(base):  # type: ignore[misc]
        def handle_message(self, client: Any, message: Any) -> None:
            found = event(client, message)
            if FACTS.spread and found is not None:
                before = TIMES.get(found[0], found[2])
                TIMES[found[0]] = found[2]
                if before != found[2]:
                    self.tell(found[0], 0, before)
            super().handle_message(client, message)
            report.message()
            if VENUE == "deribit":
                tell_received(message)
            if found is not None and not FACTS.spread:
                self.tell(*found)

        async def fetch_rest_order_book_safe(self, symbol: str, *more: Any) -> Any:
            found = await super().fetch_rest_order_book_safe(symbol, *more)
            BASES[symbol] = found["bids"][-1][0], found["asks"][-1][0]
            return found

        def tell(self, symbol: str, sequence: int, ms: int) -> None:
            unified = unified_of(self, symbol)
            book = self.orderbooks.get(unified)
            if book is None or (FACTS.nonce and book["nonce"] != sequence):
                return  # kept back until its snapshot is there, or dropped
            bids, asks = book["bids"], book["asks"]
            if FACTS.shallow:
                low, high = BASES[unified]
                bids = [level for level in bids if level[0] >= low]
                asks = [level for level in asks if level[0] <= high]
            report.book(symbol, sequence * FACTS.unit, bids, asks, ms=ms)

    return Observed


async def started(kind: Any) -> Any:
    """An exchange with its markets. Quotes get one of their own: ccxt keeps Bybit's best levels and
    its deeper book in one place, where each overwrites the other."""
    exchange = kind({"options": dict(FACTS.options), "enableRateLimit": True})
    exchange.urls["api"] = report.redirected(exchange.urls["api"])
    if not FACTS.currencies:
        exchange.has["fetchCurrencies"] = False
    if FACTS.pairs:
        exchange.set_markets([given(exchange, symbol) for symbol in FACTS.pairs])
        return exchange
    try:
        await exchange.load_markets()
    except Exception:
        await exchange.close()
        raise
    return exchange


def given(exchange: Any, symbol: str) -> Any:
    """A market that ccxt would load where the simulator has nothing."""
    base, quote, *settle = FACTS.pairs[symbol]
    perpetual = {"type": "swap", "swap": True, "contract": True, "linear": True, "baseName": base}
    kind = perpetual if settle else {"type": "spot", "spot": True}
    return exchange.safe_market_structure(
        {
            "id": symbol, "symbol": ":".join([f"{base}/{quote}", *settle]), "active": True,
            "base": base, "quote": quote, "baseId": base, "quoteId": quote, **kind,
            "precision": {"price": 1e-8, "amount": 1e-8},
        }
    )  # fmt: skip


async def books(exchange: Any, _: str, symbol: str) -> None:
    """Told by the observer, message by message."""
    while True:
        await exchange.watch_order_book(symbol, FACTS.limit)


async def trades(exchange: Any, ours: str, symbol: str) -> None:
    """Every trade."""
    while True:
        for one in await exchange.watch_trades(symbol):
            report.trade(
                ours, one["id"], one["price"], one["amount"], one["side"], one["timestamp"]
            )


def when(ticker: Any) -> int:
    """The venue's time of it, where it has one that ccxt does not always pass on."""
    info = ticker["info"] if isinstance(ticker["info"], dict) else {}
    return int(ticker["timestamp"] or info.get("time") or milliseconds(info.get("timestamp")) or 0)


async def tickers(exchange: Any, ours: str, symbol: str) -> None:
    """Every ticker."""
    while True:
        one = await exchange.watch_ticker(symbol)
        report.ticker(
            ours, when(one), bid=one["bid"],
            bid_size=one["bidVolume"], ask=one["ask"], ask_size=one["askVolume"], last=one["last"],
        )  # fmt: skip


async def quotes(exchange: Any, ours: str, symbol: str) -> None:
    """The best bid and offer, where the client has them."""
    while exchange.has.get("watchBidsAsks"):
        one = (await exchange.watch_bids_asks([symbol]))[symbol]
        info = one.get("info") or {}
        sequence = int(info.get("u", 0)) if isinstance(info, dict) else 0
        report.ticker(
            ours, when(one), sequence, bid=one["bid"], bid_size=one["bidVolume"],
            ask=one["ask"], ask_size=one["askVolume"],
        )  # fmt: skip


WATCHERS: dict[str, Callable[[Any, str, str], Any]] = {
    "books": books, "trades": trades, "tickers": tickers, "quotes": quotes
}  # fmt: skip


async def main() -> None:
    """Watch everything for the time asked for."""
    base: Any = getattr(ccxt.pro, FACTS.name)
    exchange, beside = await started(observed(base)), await started(base)
    try:
        unified = {symbol: unified_of(exchange, symbol) for symbol in report.SYMBOLS}
        await report.for_the_time(
            *(
                WATCHERS[what](beside if what == "quotes" else exchange, ours, theirs)
                for ours, theirs in unified.items()
                for what in FACTS.watch
            )
        )
    finally:
        await exchange.close()
        await beside.close()


if __name__ == "__main__":
    asyncio.run(main())
