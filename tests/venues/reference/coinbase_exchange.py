"""Coinbase Exchange, https://docs.cdp.coinbase.com/exchange/websocket-feed/channels: level2_batch,
matches, ticker. Nothing is numbered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Quote, Reference, Said, Trade, iso_ns, put


class CoinbaseExchangeReference(Reference):
    def frame(self, message: Any) -> Said:
        symbol = message.get("product_id", "")
        match message["type"]:
            case "snapshot":
                book = self.books[symbol] = Book(live=True)
                book.set(message["bids"], message["asks"])
                return Said("snapshot", books=(symbol,))
            case "l2update":
                book = self.books[symbol]
                for side, price, size in message["changes"]:
                    levels = {"buy": book.bids, "sell": book.asks}[side]
                    put(levels, Decimal(price), Decimal(size))
                return Said("book", books=(symbol,))
            case "match" | "last_match" as kind:
                return Said("trade" if kind == "match" else "past", trades=(_trade(message),))
            case "ticker":
                return Said("quote", quotes=(_quote(message),))
            case _:
                return CONTROL


def _trade(message: Any) -> Trade:
    return Trade(
        message["product_id"],
        Decimal(message["price"]),
        Decimal(message["size"]),
        {"sell": True, "buy": False}[message["side"]],  # the side that it has is the maker's
        iso_ns(message["time"]),
        message["trade_id"],
    )


def _quote(message: Any) -> Quote:
    bid, ask = (
        (Decimal(message[f"best_{side}"]), Decimal(message[f"best_{side}_size"]))
        for side in ("bid", "ask")
    )
    return Quote(message["product_id"], bid, ask, iso_ns(message["time"]))
