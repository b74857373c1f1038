"""Gate spot v4, https://www.gate.com/docs/developers/apiv4/ws/en/: spot.obu (a whole book, then
deltas), trades, book_ticker; and spot.order_book_update over a REST base, which was recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import CONTROL, Book, Quote, Said, Trade
from tests.venues.reference.joined import Delta, JoinedReference


class GateReference(JoinedReference):
    def rest(self, url: str, body: Any) -> Said:
        if "/spot/order_book" not in url:
            return CONTROL
        symbol = parse_qs(urlsplit(url).query)["currency_pair"][0]
        return self.base(symbol, body["id"], body["bids"], body["asks"])

    def frame(self, message: Any) -> Said:
        channel, result = message.get("channel", ""), message.get("result")
        if message.get("event", "update") != "update":
            return CONTROL
        match channel:
            case "spot.obu":
                return self._obu(result)
            case "spot.order_book_update":
                delta = Delta(result["U"], result["u"], result["b"], result["a"])
                return self.delta(result["s"], delta)
            case "spot.book_ticker":
                bid, ask = (
                    (Decimal(result[p]), Decimal(result[s])) if result[p] else None
                    for p, s in (("b", "B"), ("a", "A"))
                )
                quote = Quote(result["s"], bid, ask, result["t"] * 10**6, result["u"])
                return Said("quote", quotes=(quote,))
            case "spot.trades":
                return Said("trade", trades=(_trade(result),))
            case _:
                return CONTROL

    def _obu(self, result: Any) -> Said:
        symbol = result["s"].split(".")[1]
        sides = result.get("b", []), result.get("a", [])
        if result.get("full"):
            book = self.books[symbol] = Book(live=True, sequence=result["u"])
            book.set(*sides)
            return Said("snapshot", books=(symbol,))
        book = self.books[symbol]
        assert book.sequence is not None
        assert result["U"] == book.sequence + 1, symbol
        book.sequence = result["u"]
        book.set(*sides)
        return Said("book", books=(symbol,))


def _trade(row: Any) -> Trade:
    return Trade(
        row["currency_pair"],
        Decimal(row["price"]),
        Decimal(row["amount"]),
        {"buy": True, "sell": False}[row["side"]],
        int(Decimal(row["create_time_ms"]) * 10**6),
        row["id"],
    )
