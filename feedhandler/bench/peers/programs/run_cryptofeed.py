"""cryptofeed as it is measured: its feed with the updates of every book, at a URL of ours.

Its books of full depth, of Python's Decimal, and a callback that does nothing at every update. Runs
in a virtual environment of its own; `words.py` has what it is told and says.
"""

from __future__ import annotations

import re
from typing import Any

from cryptofeed import FeedHandler
from cryptofeed.connection import WebsocketEndpoint
from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import OKX, Bybit
from cryptofeed.symbols import Symbols
from words import Levels, Words

FEEDS: dict[str, Any] = {"okx": OKX, "bybit-spot": Bybit, "bybit-linear": Bybit}


def names(venue: str, symbol: str) -> tuple[str, str]:
    """An instrument as cryptofeed calls it, and as it calls it towards the venue."""
    if venue == "okx":
        return symbol, symbol
    pair = re.sub("(USDT|USDC|EUR|BTC|ETH|DAI|BRZ)$", r"-\1", symbol)
    return (pair, pair.replace("-", "/")) if venue == "bybit-spot" else (f"{pair}-PERP", symbol)


def main() -> None:
    """Follow every book until this process is ended."""

    def book(symbol: str) -> tuple[Levels, Levels]:
        found = feed._l2_book[names(venue, symbol)[0]].book
        return found.bids.to_list(), found.asks.to_list()

    words = Words(book)
    url, venue = words.order["url"], words.order["venue"]
    base: Any = FEEDS[venue]

    # It insists on TLS, and is told otherwise below.
    endpoint = WebsocketEndpoint("wss://127.0.0.1", options={"compression": None})

    class Feed(base):  # type: ignore[misc]
        websocket_endpoints = (endpoint,)

        def connect(self) -> Any:
            connections = super().connect()
            for connection, *_ in connections:
                connection.address = url
            return connections

        async def message_handler(self, msg: str, conn: Any, timestamp: float) -> None:
            await super().message_handler(msg, conn, timestamp)
            words.frame()

    async def updated(update: Any, receipt_timestamp: float) -> None:
        """The least that a user has."""

    known = dict(names(venue, symbol) for symbol in words.symbols)
    kind = "perpetual" if venue == "bybit-linear" else "spot"
    info = {"instrument_type": dict.fromkeys(known, kind), "tick_size": dict.fromkeys(known, "1")}
    Symbols.set(base.id, known, info)
    handler = FeedHandler(config={"log": {"disabled": True}, "uvloop": True})
    feed = Feed(symbols=list(known), channels=[L2_BOOK], callbacks={L2_BOOK: updated}, timeout=-1)
    handler.add_feed(feed)
    words.ready()
    handler.run()


if __name__ == "__main__":
    main()
