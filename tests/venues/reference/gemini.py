"""Gemini, https://developer.gemini.com/websocket/streams: depth (the first message of a
subscription is the whole book, the others begin where the one before ended), trade, bookTicker,
markPrice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Level, Quote, Reference, Said, Trade


class GeminiReference(Reference):
    def frame(self, message: Any) -> Said:
        if "status" in message:
            return CONTROL
        symbol, time = message["s"], message["E"]
        match message.get("e"):
            case "depthUpdate":
                return self._depth(symbol, message)
            case "markPrice":
                return Said("ticker")
            case None if "t" in message:
                price, size = Decimal(message["p"]), Decimal(message["q"])
                trade = Trade(symbol, price, size, not message["m"], time, message["t"])
                return Said("trade", trades=(trade,))
            case None:
                bid, ask = _level(message, "bB"), _level(message, "aA")
                quote = Quote(symbol, bid, ask, time, message["u"])
                return Said("quote", quotes=(quote,))
        return CONTROL

    def _depth(self, symbol: str, message: Any) -> Said:
        first, last = message["U"], message["u"]
        if first == last:
            book = self.books[symbol] = Book(live=True)
        else:
            book = self.books[symbol]
            assert first == book.sequence, symbol
        book.sequence = last
        book.set(message["b"], message["a"])
        return Said("snapshot" if first == last else "book", books=(symbol,))


def _level(message: Any, names: str) -> Level | None:
    price, size = names[0], names[1]
    return (Decimal(message[price]), Decimal(message[size])) if price in message else None
