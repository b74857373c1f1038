"""Coinbase Advanced Trade, https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket:
l2_data, market_trades, ticker. One number counts all messages of a connection."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Quote, Reference, Said, Trade, iso_ns, put


class CoinbaseReference(Reference):
    def frame(self, message: Any) -> Said:
        if message.get("type") == "error":  # the only one without a number
            return CONTROL
        self.number(message["sequence_num"])
        events = message.get("events", [])
        match message["channel"]:
            case "l2_data":
                return self._book(events)
            case "market_trades":
                return _trades(events)
            case "ticker":
                time = iso_ns(message["timestamp"])
                rows = [row for event in events for row in event["tickers"]]
                return Said("ticker", quotes=tuple(_quote(row, time) for row in rows))
            case _:
                return CONTROL

    def _book(self, events: Any) -> Said:
        for event in events:
            if event["type"] == "snapshot":
                self.books[event["product_id"]] = Book(live=True)
            book = self.books[event["product_id"]]
            for row in event["updates"]:
                side = {"bid": book.bids, "offer": book.asks}[row["side"]]
                put(side, Decimal(row["price_level"]), Decimal(row["new_quantity"]))
        kinds = {event["type"] for event in events}
        assert len(kinds) == 1
        return Said(
            "snapshot" if kinds == {"snapshot"} else "book",
            books=tuple(dict.fromkeys(event["product_id"] for event in events)),
        )


def _trades(events: Any) -> Said:
    kinds = {event["type"] for event in events}
    assert len(kinds) == 1
    return Said(
        "past" if kinds == {"snapshot"} else "trade",
        trades=tuple(
            Trade(
                row["product_id"],
                Decimal(row["price"]),
                Decimal(row["size"]),
                {"SELL": True, "BUY": False}[row["side"]],  # the side that it has is the maker's
                iso_ns(row["time"]),
                int(row["trade_id"]),
            )
            for event in events
            for row in event["trades"]
        ),
    )


def _quote(row: Any, time: int) -> Quote:
    bid, ask = (
        (Decimal(row[f"best_{side}"]), Decimal(row[f"best_{side}_quantity"]))
        for side in ("bid", "ask")
    )
    return Quote(row["product_id"], bid, ask, time)
