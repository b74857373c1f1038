"""cryptofeed as its users run it: books with a callback at each change, trades. Nothing is changed
but the addresses; it is told the instruments, since it loads them at addresses of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import report
from cryptofeed import FeedHandler
from cryptofeed.connection import WebsocketEndpoint
from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import Bitfinex, Bitmex
from cryptofeed.symbols import Symbols

FEEDS: dict[str, tuple[Any, str, str, dict[str, str]]] = {
    # class, path, kind, and by cryptofeed's names the venue's
    "bitfinex": (Bitfinex, "/ws/2", "spot", {"BTC-USD": "tBTCUSD", "ETH-USD": "tETHUSD"}),
    "bitmex": (
        Bitmex,
        "/realtime",
        "perpetual",
        {"BTC-USD-PERP": "XBTUSD", "BTC-USDT-PERP": "XBTUSDT"},
    ),
}
BASE, PATH, KIND, NAMES = FEEDS[report.ORDER["venue"]]


class Feed(BASE):  # type: ignore[misc,valid-type]
    """It insists on TLS, and is told otherwise."""

    websocket_endpoints = (WebsocketEndpoint("wss://127.0.0.1", options={"compression": None}),)

    def connect(self) -> Any:
        """At the simulator's address."""
        connections = super().connect()
        for connection, *_ in connections:
            connection.address = report.ORDER["ws"] + PATH
        return connections

    async def message_handler(self, msg: str, conn: Any, timestamp: float) -> None:
        """As the library has it."""
        await super().message_handler(msg, conn, timestamp)
        report.message()


async def tell_book(update: Any, _receipt: float) -> None:
    """As it is after a message."""
    sides = update.book.bids.to_list(), update.book.asks.to_list()
    report.book(NAMES[update.symbol], 0, *sides)


async def tell_trade(one: Any, _receipt: float) -> None:
    """As it comes."""
    ms = round(float(one.timestamp) * 1000)
    report.trade(NAMES[one.symbol], one.id, one.price, one.amount, one.side, ms)


def main() -> None:
    """Follow everything for the time asked for."""
    info = {"instrument_type": dict.fromkeys(NAMES, KIND), "tick_size": dict.fromkeys(NAMES, "1")}
    Symbols.set(BASE.id, NAMES, info)
    handler = FeedHandler(config={"log": {"disabled": True}, "uvloop": False})
    callbacks = {L2_BOOK: tell_book, TRADES: tell_trade}
    feed = Feed(symbols=list(NAMES), channels=list(callbacks), callbacks=callbacks, retries=0)
    handler.add_feed(feed)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    handler.run(start_loop=False, install_signal_handlers=False)
    loop.run_until_complete(asyncio.sleep(report.SECONDS))
    handler.stop(loop=loop)


if __name__ == "__main__":
    main()
