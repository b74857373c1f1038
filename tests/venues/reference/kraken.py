"""Kraken, https://docs.kraken.com/api/docs/websocket-v2/book: book, trade, ticker. Nothing is
numbered: each message has a CRC32 of the best ten levels, of the numbers as they are written."""

from __future__ import annotations

import zlib
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Any

from tests.venues.reference.book import (
    CONTROL,
    Book,
    Level,
    Quote,
    Reference,
    Said,
    Trade,
    iso_ns,
)


class KrakenReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.depth = 10  # of the subscription: levels beyond it are dropped, unsaid

    def asked(self, message: Any) -> None:
        params = message.get("params", {})
        if params.get("channel") == "book":
            self.depth = params.get("depth", 10)

    def frame(self, message: Any) -> Said:
        channel, kind = message.get("channel"), message.get("type")
        if channel == "book":
            return Said(
                "snapshot" if kind == "snapshot" else "book",
                books=tuple(self._book(kind, row) for row in message["data"]),
            )
        if channel == "ticker":
            return Said("ticker", quotes=tuple(_quote(row) for row in message["data"]))
        if channel != "trade":
            return CONTROL
        trades = tuple(_trade(row) for row in message["data"])
        return Said("past" if kind == "snapshot" else "trade", trades=trades)

    def _book(self, kind: str, row: Any) -> str:
        symbol: str = row["symbol"]
        if kind == "snapshot":
            self.books[symbol] = Book(live=True)
        book = self.books[symbol]
        book.set(*([(each["price"], each["qty"]) for each in row[k]] for k in ("bids", "asks")))
        book.cut(self.depth)
        assert checksum(book) == row["checksum"], symbol
        self.checksums += 1
        return symbol


def checksum(book: Book) -> int:
    """Asks upwards, then bids downwards: price and size without their points and first zeros.

    A dictionary keeps the first of equal keys: a price is written the same way in every message
    (its decimals are the pair's), and so are these.
    """
    asks, bids = nsmallest(10, book.asks.items()), nlargest(10, book.bids.items())
    return zlib.crc32("".join(map(_digits, [*asks, *bids])).encode())


def _digits(level: Level) -> str:
    return "".join(f"{number:f}".replace(".", "").lstrip("0") for number in level)


def _quote(row: Any) -> Quote:
    bid, ask = (
        None if not row[side] else (Decimal(row[side]), Decimal(row[f"{side}_qty"]))
        for side in ("bid", "ask")
    )
    return Quote(row["symbol"], bid, ask, iso_ns(row["timestamp"]) if "timestamp" in row else 0)


def _trade(row: Any) -> Trade:
    return Trade(
        row["symbol"],
        Decimal(row["price"]),
        Decimal(row["qty"]),
        {"buy": True, "sell": False}[row["side"]],
        iso_ns(row["timestamp"]),
        row["trade_id"],
    )
