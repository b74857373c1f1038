"""Crypto.com Exchange v1, https://exchange-docs.crypto.com/exchange/v1/rest-ws/: book (a snapshot,
then deltas that name the number before them), trade, ticker, mark, funding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Reference, Said, Trade


class CryptoComReference(Reference):
    def frame(self, message: Any) -> Said:
        result = message.get("result")
        if result is None:
            return CONTROL
        match result["channel"]:
            case "book" | "book.update":
                return self._book(result)
            case "trade":
                trades = tuple(map(_trade, result["data"]))
                return Said("trade" if message["id"] == -1 else "past", trades=trades)
            case _:
                return Said("ticker")  # the book has its best prices before

    def _book(self, result: Any) -> Said:
        symbol, (data,) = result["instrument_name"], result["data"]
        if result["channel"] == "book":
            book = self.books[symbol] = Book(live=True)
            book.set(data["bids"], data["asks"])
        else:
            book = self.books[symbol]
            assert data["pu"] == book.sequence, symbol
            book.set(data["update"]["bids"], data["update"]["asks"])
        book.sequence = data["u"]
        return Said("snapshot" if result["channel"] == "book" else "book", books=(symbol,))


def _trade(row: Any) -> Trade:
    return Trade(
        row["i"],
        Decimal(row["p"]),
        Decimal(row["q"]),
        {"BUY": True, "SELL": False}[row["s"]],
        row["t"] * 10**6,
        int(row["d"]),
    )
