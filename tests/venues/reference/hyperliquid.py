"""Hyperliquid, https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket:
l2Book (a whole book every time, without a number), trades, bbo."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Level, Quote, Reference, Said, Trade


class HyperliquidReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, int] = {}

    def frame(self, message: Any) -> Said:
        channel, data = message["channel"], message.get("data")
        if channel == "l2Book":
            return self._book(data)
        if channel == "bbo":
            bid, ask = (data["bbo"] + [None])[:2]
            quote = Quote(data["coin"], _level(bid), _level(ask), data["time"] * 10**6)
            return Said("quote", quotes=(quote,))
        if channel != "trades":
            return CONTROL
        return Said("trade", trades=tuple(_trade(row) for row in data))

    def _book(self, data: Any) -> Said:
        symbol = data["coin"]
        if data["time"] < self.times.get(symbol, 0):
            return Said("book", books=(symbol,))  # an older one comes too late
        self.times[symbol] = data["time"]
        book = self.books[symbol] = Book(live=True)
        book.set(*([(row["px"], row["sz"]) for row in side] for side in data["levels"]))
        return Said("book", books=(symbol,))


def _level(row: Any) -> Level | None:
    return None if row is None else (Decimal(row["px"]), Decimal(row["sz"]))


def _trade(row: Any) -> Trade:
    return Trade(
        row["coin"],
        Decimal(row["px"]),
        Decimal(row["sz"]),
        {"B": True, "A": False}[row["side"]],
        row["time"] * 10**6,
        row["tid"],
    )
