"""HTX contracts, https://huobiapi.github.io/docs/usdt_swap/v1/en/: depth.size_150.high_freq (a
snapshot, then deltas that count by one), trade.detail, bbo, funding_rate, liquidation_orders,
mark_price, index."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Quote, Reference, Said, Trade
from tests.venues.reference.htx import symbol_of


class HtxSwapReference(Reference):
    def frame(self, message: Any) -> Said:
        channel, tick = message.get("ch", message.get("topic", "")), message.get("tick")
        if message.get("op", "notify") != "notify" or not channel:
            return CONTROL
        symbol, what = symbol_of(channel), channel.split(".")[2]
        match what:
            case "depth":
                return self._book(symbol, tick)
            case "trade":
                return Said("trade", trades=tuple(_trade(symbol, row) for row in tick["data"]))
            case "bbo":
                bid, ask = ((Decimal(p), Decimal(s)) for p, s in (tick["bid"], tick["ask"]))
                return Said("quote", quotes=(Quote(symbol, bid, ask, tick["ts"] * 10**6),))
            case _:
                return Said("ticker")

    def _book(self, symbol: str, tick: Any) -> Said:
        if tick["event"] == "snapshot":
            book = self.books[symbol] = Book(live=True)
        else:
            book = self.books[symbol]
            assert tick["version"] - 1 == book.sequence, symbol
        book.set(tick["bids"], tick["asks"])
        book.sequence = tick["version"]
        return Said("snapshot" if tick["event"] == "snapshot" else "book", books=(symbol,))


def _trade(symbol: str, row: Any) -> Trade:
    return Trade(
        symbol,
        Decimal(row["price"]),
        Decimal(row["amount"]),
        {"buy": True, "sell": False}[row["direction"]],
        row["ts"] * 10**6,
        row["id"],
    )
