"""Deribit's engine, https://docs.deribit.com: book.{instrument}.{interval} (a snapshot, then
changes that name the number before them, levels with a verb), trades, quote, ticker."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Level, Quote, Reference, Said, Trade


class DeribitReference(Reference):
    def frame(self, message: Any) -> Said:
        if message.get("method") != "subscription":
            return CONTROL
        channel, data = message["params"]["channel"], message["params"]["data"]
        match channel.partition(".")[0]:
            case "book":
                return self._book(data)
            case "trades":
                return Said("trade", trades=tuple(map(_trade, data)))
            case "quote":
                return Said("quote", quotes=(_quote(data),))
            case "ticker":
                return Said("ticker")  # the book has its best prices before
            case _:
                return CONTROL

    def _book(self, data: Any) -> Said:
        symbol, kind = data["instrument_name"], data.get("type")
        first = kind == "snapshot" if kind else "prev_change_id" not in data
        if first:
            book = self.books[symbol] = Book(live=True)
        else:
            book = self.books[symbol]
            assert data["prev_change_id"] == book.sequence, symbol
        book.set(_levels(data["bids"]), _levels(data["asks"]))
        book.sequence = data["change_id"]
        return Said("snapshot" if first else "book", books=(symbol,))


def _levels(rows: Any) -> list[tuple[Any, Any]]:
    return [(price, 0 if verb == "delete" else size) for verb, price, size in rows]


def _trade(row: Any) -> Trade:
    return Trade(
        row["instrument_name"],
        Decimal(row["price"]),
        Decimal(row["amount"]),
        {"buy": True, "sell": False}[row["direction"]],
        row["timestamp"] * 10**6,
        int(row["trade_id"].rpartition("-")[2]),
    )


def _quote(data: Any) -> Quote:
    def side(name: str) -> Level | None:
        price, size = (Decimal(data[f"best_{name}_{what}"] or 0) for what in ("price", "amount"))
        return (price, size) if size else None

    return Quote(data["instrument_name"], side("bid"), side("ask"), data["timestamp"] * 10**6)
