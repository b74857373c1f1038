"""OKX v5, https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel: a
change follows the message that its `prevSeqId` names. The checksum of the best 25 levels as text
was in force until 2026-06-23, and is 0 since; frames of before 2022-08 have it alone."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, NOTHING, Book, Reference, Said, Trade

_LEVELS = 25
_BOOKS = ("books", "books-l2-tbt", "books50-l2-tbt")
_TICKERS = (
    "tickers",
    "mark-price",
    "funding-rate",
    "open-interest",
    "index-tickers",
    "opt-summary",
)


class OkxReference(Reference):
    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, tuple[dict[Decimal, str], dict[Decimal, str]]] = {}

    def frame(self, message: Any) -> Said:
        if "data" not in message:
            return CONTROL
        channel = message["arg"]["channel"]
        if channel in _BOOKS:
            (row,) = message["data"]
            return self._book(message["arg"]["instId"], message["action"] == "snapshot", row)
        if channel in ("trades", "trades-all"):
            return Said("trade", trades=tuple(map(_trade, message["data"])))
        if channel in ("instruments", "status"):
            return CONTROL
        return Said("ticker") if channel in _TICKERS else NOTHING

    def _book(self, symbol: str, whole: bool, row: Any) -> Said:
        if whole:
            self.books[symbol], self.texts[symbol] = Book(live=True), ({}, {})
        book, texts = self.books[symbol], self.texts[symbol]
        if not whole and row.get("prevSeqId", book.sequence) != book.sequence:
            book.live = False
        book.sequence = row.get("seqId")
        book.set(row["bids"], row["asks"])
        for side, levels in zip(texts, (row["bids"], row["asks"]), strict=True):
            side |= {Decimal(price): f"{price}:{size}" for price, size, *_ in levels}
        if row.get("checksum"):
            assert row["checksum"] == _sum(book, texts), symbol
            self.checksums += 1
        return Said("snapshot" if whole else "book", books=(symbol,))


def _sum(book: Book, texts: tuple[dict[Decimal, str], dict[Decimal, str]]) -> int:
    """Bid and ask by turns, best first; a side that has run out is passed over."""
    bids = sorted(book.bids, reverse=True)[:_LEVELS]
    asks = sorted(book.asks)[:_LEVELS]
    said = []
    for at in range(_LEVELS):
        said += [texts[0][price] for price in bids[at : at + 1]]
        said += [texts[1][price] for price in asks[at : at + 1]]
    found = zlib.crc32(":".join(said).encode())
    return found - 2**32 if found >= 2**31 else found


def _trade(row: Any) -> Trade:
    price, size = Decimal(row["px"]), Decimal(row["sz"])
    time, number = int(row["ts"]) * 10**6, int(row["tradeId"])
    return Trade(row["instId"], price, size, row["side"] == "buy", time, number)
