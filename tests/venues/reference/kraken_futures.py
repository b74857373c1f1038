"""Kraken Futures, https://docs.kraken.com/api/docs/futures-api/websocket/book: one level a message,
numbered by one for each product."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Reference, Said, Trade, put


class KrakenFuturesReference(Reference):
    def frame(self, message: Any) -> Said:
        if "event" in message:  # an acknowledgement has a feed too
            return CONTROL
        match message.get("feed"):
            case "book_snapshot":
                book = self.books[message["product_id"]] = Book(live=True, sequence=message["seq"])
                book.set(
                    *([(row["price"], row["qty"]) for row in message[k]] for k in ("bids", "asks"))
                )
                return Said("snapshot", books=(message["product_id"],))
            case "book":
                return self._level(message)
            case "trade":
                return Said("trade", trades=(_trade(message),))
            case "trade_snapshot":
                return Said("past", trades=tuple(_trade(row) for row in message["trades"]))
            case "ticker":
                return Said("ticker")  # a second apart: the book has its best prices before
            case _:  # ticker_lite: prices without sizes
                return CONTROL

    def _level(self, message: Any) -> Said:
        symbol = message["product_id"]
        book = self.books[symbol]
        assert book.sequence is not None
        assert message["seq"] == book.sequence + 1, symbol
        book.sequence = message["seq"]
        side = {"buy": book.bids, "sell": book.asks}[message["side"]]
        put(side, Decimal(message["price"]), Decimal(message["qty"]))
        return Said("book", books=(symbol,))


def _trade(row: Any) -> Trade:
    return Trade(
        row["product_id"],
        Decimal(row["price"]),
        Decimal(row["qty"]),
        {"buy": True, "sell": False}[row["side"]],
        row["time"] * 10**6,
        row["seq"],
    )
