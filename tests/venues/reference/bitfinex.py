"""Bitfinex v2, https://docs.bitfinex.com/docs/ws-public: arrays of a channel's number, with flags
SEQ_ALL (one number counts all arrays of a connection, heartbeats too) and OB_CHECKSUM."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.engine.checksum_oracle import pairs, script, signed
from tests.venues.reference.book import CONTROL, NOTHING, Book, Quote, Reference, Said, Trade, put


class BitfinexReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[tuple[str, int], tuple[str, Any]] = {}  # what it carries, its symbol

    def frame(self, message: Any) -> Said:
        if isinstance(message, dict):
            if message["event"] == "subscribed":
                key = self.conn, message["chanId"]
                self.channels[key] = message["channel"], message.get("symbol")
            return CONTROL
        channel, what, *rest, number = message
        self.number(number)
        if what == "hb":
            return CONTROL  # may come before the acknowledgement of its channel
        carries, symbol = self.channels[self.conn, channel]
        if carries == "book":
            return self._book(symbol, what, rest)
        if carries == "status":
            return NOTHING  # statistics
        if carries == "ticker":
            bid, bid_size, ask, ask_size = map(Decimal, what[:4])
            return Said("ticker", quotes=(Quote(symbol, (bid, bid_size), (ask, ask_size)),))
        if what == "te":
            return Said("trade", trades=(_trade(symbol, rest[0]),))
        if what == "tu":
            return NOTHING  # the same trade again
        return Said("past", trades=tuple(_trade(symbol, row) for row in what))

    def _book(self, symbol: str, what: Any, rest: list[Any]) -> Said:
        if what == "cs":
            self._check(symbol, rest[0])
            return NOTHING
        whole = not what or isinstance(what[0], list)
        if whole:
            self.books[symbol] = Book(live=True)
        book = self.books[symbol]
        for price, count, amount in what if whole else [what]:
            side = book.bids if amount > 0 else book.asks
            put(side, Decimal(price), abs(Decimal(amount)) if count else Decimal(0))
        return Said("snapshot" if whole else "book", books=(symbol,))

    def _check(self, symbol: str, crc: int) -> None:
        """Bid and ask in turn, 25 of each, numbers as JavaScript writes them."""
        book = self.books[symbol]
        assert signed(pairs(book.bids, book.asks, 25, script, negative="-")) == crc, symbol
        self.checksums += 1


def _trade(symbol: str, row: Any) -> Trade:
    number, time, amount, price = row[:4]
    size = Decimal(amount)
    return Trade(symbol, Decimal(price), abs(size), size > 0, time * 10**6, number)
