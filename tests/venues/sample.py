"""Samples of frames with what they mean, as `samples/README.md` has them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.venues.reference.book import Book, Level, Quote, Trade

FOLDER = Path(__file__).parent / "samples"
FEED = ("stats", "liquidation")  #: what the references say nothing of
CONTROLS = ("subscribed", "unsubscribed", "refused", "asked", "notice", "nothing")


@dataclass(frozen=True, slots=True)
class Sample:
    """`rest`: the URL that the text is the answer of; "": it came on the socket."""

    number: int
    text: str
    gives: tuple[str, ...]
    rest: str = ""

    def data(self) -> list[str]:
        """What it says of books, trades and quotes."""
        return [words for words in self.gives if words.split()[0] not in (*CONTROLS, *FEED)]

    def of(self, word: str) -> list[str]:
        return [words for words in self.gives if words.split()[0] == word]

    def control(self) -> str:
        """Its word of CONTROLS; "": it has none."""
        return next((words for words in self.gives if words.split()[0] in CONTROLS), "")


def samples(venue: str) -> list[Sample]:
    lines = (FOLDER / f"{venue}.ndjson").read_text().splitlines()
    rows = enumerate(map(json.loads, lines), 1)
    return [Sample(n, row["in"], tuple(row["gives"]), row.get("rest", "")) for n, row in rows]


def book_words(symbol: str, book: Book) -> str:
    if not book.live:
        return f"not-live {symbol}"
    number = "-" if book.sequence is None else book.sequence
    bids, asks = (" ".join(map(_level, side)) for side in book.levels())
    return " ".join(f"book {symbol} {number} {bids} / {asks}".split())


def trade_words(trade: Trade) -> str:
    side = "buys" if trade.buys else "sells"
    number = "-" if trade.id is None else trade.id
    price, size = plain(trade.price), plain(trade.size)
    return f"trade {trade.symbol} {side} {price} {size} {trade.time} {number}"


def liquidation_words(trade: Trade) -> str:
    return trade_words(trade).replace("trade", "liquidation", 1).rpartition(" ")[0]


def quote_words(quote: Quote) -> str:
    bid, ask = ("-" if side is None else _level(side) for side in (quote.bid, quote.ask))
    return f"quote {quote.symbol} {bid} {ask} {quote.time}"


def stats_words(symbol: str, time: int, values: Iterable[tuple[str, Decimal]]) -> str:
    said = " ".join(f"{name}={plain(value)}" for name, value in values)
    return f"stats {symbol} {time} {said}"


def _level(level: Level) -> str:
    return f"{plain(level[0])}:{plain(level[1])}"


def plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
