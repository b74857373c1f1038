"""Bybit v5, https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook: `u` counts by one
in a topic, 1 is a whole book; `seq` is what readers see, where it is said. One level is a quote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, NOTHING, Book, Level, Quote, Reference, Said, Trade

Line = dict[str, Any]


class BybitReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}

    def frame(self, message: Any) -> Said:
        topic, data = message.get("topic"), message.get("data")
        if topic is None:
            return CONTROL
        match topic.split(".", 2):
            case ["orderbook", "1", symbol]:
                sides = (_best(data["b"]), _best(data["a"]))
                time = message["cts"] * 10**6
                return Said("quote", quotes=(Quote(symbol, *sides, time, data["seq"]),))
            case ["orderbook", levels, symbol] if levels.isdigit():
                return self._book(symbol, message["type"] == "snapshot", data)
            case ["publicTrade", *_]:
                return Said("trade", trades=tuple(map(_trade, data)))
            case ["tickers", *_]:
                return Said("ticker")
            case _:
                return NOTHING

    def _book(self, symbol: str, whole: bool, data: Any) -> Said:
        if whole or data["u"] == 1:
            self.books[symbol] = Book(live=True)
        book = self.books[symbol]
        if not (whole or data["u"] in (1, self.counts[symbol] + 1)):
            book.live = False
        self.counts[symbol] = data["u"]
        book.sequence = data.get("seq", data["u"])
        book.set(data["b"], data["a"])
        return Said("snapshot" if whole else "book", books=(symbol,))


def of(category: str) -> Callable[[Iterable[Line]], Iterator[Line]]:
    """The lines of one product: all were recorded together."""

    def chosen(lines: Iterable[Line]) -> Iterator[Line]:
        ends = (f"/{category}", f"category={category}")
        return (line for line in lines if any(end in (line["url"] or "") for end in ends))

    return chosen


def _best(levels: Any) -> Level | None:
    return (Decimal(levels[0][0]), Decimal(levels[0][1])) if levels else None


def _trade(row: Any) -> Trade:
    price, size = Decimal(row["p"]), Decimal(row["v"])
    number = int(row["i"]) if row["i"].isdigit() else None  # else a UUID
    return Trade(row["s"], price, size, row["S"] == "Buy", row["T"] * 10**6, number)
