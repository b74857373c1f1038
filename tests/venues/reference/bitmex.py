"""BitMEX, https://www.bitmex.com/app/wsAPI: tables that change by their rows' keys. Of orderBookL2
the key is the id; only a partial and an insert say its price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Quote, Reference, Said, Trade, iso_ns, put


class BitmexReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.prices: dict[str, dict[int, Decimal]] = {}  # of a symbol, the price of each id

    def frame(self, message: Any) -> Said:
        table, action, rows = message.get("table"), message.get("action"), message.get("data")
        if table == "orderBookL2":
            return self._book(message)
        if table == "quote":
            return Said("quote", quotes=tuple(_quote(row) for row in rows))
        if table != "trade":
            return CONTROL
        if action == "partial":
            return Said("past", trades=tuple(_trade(row) for row in rows))
        return Said("trade", trades=tuple(_trade(row) for row in rows))

    def _book(self, message: Any) -> Said:
        action, rows = message["action"], message["data"]
        whose = message.get("filter", {}).get("symbol")  # of a partial, which may have no rows
        symbols = dict.fromkeys(row.get("symbol", whose) for row in rows)
        if whose is not None:
            symbols[whose] = None
        for symbol in symbols if action == "partial" else ():
            self.books[symbol], self.prices[symbol] = Book(live=True), {}
        for row in rows:
            symbol = row.get("symbol", whose)
            book, prices = self.books[symbol], self.prices[symbol]
            side = {"Buy": book.bids, "Sell": book.asks}[row["side"]]
            if action == "delete":
                del side[prices.pop(row["id"])]
                continue
            if action == "update":
                assert prices[row["id"]] == Decimal(row.get("price", prices[row["id"]]))
            else:
                prices[row["id"]] = Decimal(row["price"])
            put(side, prices[row["id"]], Decimal(row["size"]))
        return Said("snapshot" if action == "partial" else "book", books=tuple(symbols))


def _quote(row: Any) -> Quote:
    bid, ask = (
        None
        if row[f"{side}Price"] is None
        else (Decimal(row[f"{side}Price"]), Decimal(row[f"{side}Size"]))
        for side in ("bid", "ask")
    )
    return Quote(row["symbol"], bid, ask, iso_ns(row["timestamp"]))


def _trade(row: Any) -> Trade:
    buys = {"Buy": True, "Sell": False}[row["side"]]
    price, size = Decimal(row["price"]), Decimal(row["size"])
    return Trade(row["symbol"], price, size, buys, iso_ns(row["timestamp"]))
