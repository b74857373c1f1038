"""dYdX v4, https://docs.dydx.xyz/indexer-client/websockets: v4_orderbook (a whole book, then
changes without numbers, uncrossed as its guide says), v4_trades; liquidations are told as such."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Reference, Said, Trade, iso_ns

Offsets = dict[Decimal, int]


class DydxReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.offsets: dict[str, tuple[Offsets, Offsets]] = {}
        self.messages = 0  # so far: the logical time of a level

    def frame(self, message: Any) -> Said:
        channel, contents = message.get("channel"), message.get("contents")
        first = message["type"] == "subscribed"
        if channel == "v4_orderbook" and contents is not None:
            return self._book(message["id"], contents, first=first)
        if channel == "v4_markets" and contents is not None:
            return Said("ticker")
        if channel != "v4_trades" or contents is None:
            return CONTROL
        trades = tuple(
            _trade(message["id"], row)
            for row in contents["trades"]
            if row["type"] not in ("LIQUIDATED", "DELEVERAGED")
        )
        return Said("past" if first else "trade", trades=trades)

    def _book(self, symbol: str, contents: Any, *, first: bool) -> Said:
        self.messages += 1
        if first:
            self.books[symbol], self.offsets[symbol] = Book(live=True), ({}, {})
        book = self.books[symbol]
        levels = [
            [
                tuple(map(Decimal, row.values() if isinstance(row, dict) else row[:2]))
                for row in rows
            ]
            for rows in (contents.get("bids", []), contents.get("asks", []))
        ]
        for rows, offsets in zip(levels, self.offsets[symbol], strict=True):
            offsets.update((price, self.messages) for price, _ in rows)
        book.set(*levels)
        self._uncross(symbol)
        return Said("snapshot" if first else "book", books=(symbol,))

    def _uncross(self, symbol: str) -> None:
        """The guide's loop."""
        book, (bids, asks) = self.books[symbol], self.offsets[symbol]
        while book.crossed():
            bid, ask = max(book.bids), min(book.asks)
            if bids[bid] < asks[ask]:
                del book.bids[bid]
            elif bids[bid] > asks[ask]:
                del book.asks[ask]
            else:
                both = min(book.bids[bid], book.asks[ask])
                book.set([(bid, book.bids[bid] - both)], [(ask, book.asks[ask] - both)])


def _trade(symbol: str, row: Any) -> Trade:
    return Trade(
        symbol,
        Decimal(row["price"]),
        Decimal(row["size"]),
        {"BUY": True, "SELL": False}[row["side"]],
        iso_ns(row["createdAt"]),
    )
