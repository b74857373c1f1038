"""Bitget v3, https://www.bitget.com/docs/uta/websocket/public/: books (a snapshot, then changes
that name the number before them), books1, publicTrade, ticker."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Level, Quote, Reference, Said, Trade


class BitgetReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.begun: set[str] = set()  # books whose last message was a snapshot

    def frame(self, message: Any) -> Said:
        if "action" not in message:
            return CONTROL
        topic, symbol = message["arg"]["topic"], message["arg"]["symbol"]
        whole, (row, *others) = message["action"] == "snapshot", message["data"]
        match topic:
            case "books":
                assert not others
                return self._snapshot(symbol, row) if whole else self._change(symbol, row)
            case "books1":
                bid, ask = (_best(row[side]) for side in "ba")
                quote = Quote(symbol, bid, ask, int(row["ts"]) * 10**6, row["seq"])
                return Said("quote", quotes=(quote,))
            case "publicTrade":
                trades = tuple(_trade(symbol, one) for one in message["data"])
                return Said("past" if whole else "trade", trades=trades)
            case _:
                return Said(topic)

    def _snapshot(self, symbol: str, row: Any) -> Said:
        book = self.books[symbol] = Book(live=True, sequence=row["seq"])
        book.set(row["b"], row["a"])
        self.begun.add(symbol)
        return Said("snapshot", books=(symbol,))

    def _change(self, symbol: str, row: Any) -> Said:
        book = self.books[symbol]
        assert book.sequence is not None
        if symbol in self.begun:
            assert row["pseq"] <= book.sequence <= row["seq"], symbol
        else:
            assert row["pseq"] == book.sequence, symbol
        self.begun.discard(symbol)
        book.sequence = row["seq"]
        book.set(row["b"], row["a"])
        return Said("book", books=(symbol,))


def _best(levels: Any) -> Level | None:
    return (Decimal(levels[0][0]), Decimal(levels[0][1])) if levels else None


def _trade(symbol: str, row: Any) -> Trade:
    return Trade(
        symbol,
        Decimal(row["p"]),
        Decimal(row["v"]),
        {"buy": True, "sell": False}[row["S"]],
        int(row["T"]) * 10**6,
        int(row["i"]),
    )
