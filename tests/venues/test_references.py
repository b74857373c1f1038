"""The references against what the venues sent themselves: numbers, checksums, quotes, trades."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

import pytest

from tests.venues.reference import RECORDINGS, REFERENCES, Recording
from tests.venues.reference.book import Level, Reference, Said

#: nothing shows that something was lost
UNPROVEN = ("bitmex", "bitstamp", "coinbase-exchange", "hyperliquid")

Top = tuple[Level | None, Level | None]

#: of each recording: books, trades, checksums, quotes that have the number of a book, and those
#: without one whose prices were the book's shortly before
FOUND = {
    "binance-coinm": (10, 51, 0, 5, 0),
    "bitget-spot-translated": (8, 30, 0, 0, 0),
    "bitget-futures-translated": (2, 25, 0, 0, 0),
    "bybit-linear-translated": (4, 327, 0, 0, 0),
    "bybit-spot-translated": (2, 20, 0, 0, 0),
    "bitfinex": (7, 0, 0, 0, 13),
    "bitmex": (10, 17, 0, 0, 426),
    "bitstamp": (10, 10, 0, 0, 0),
    "coinbase": (2, 79, 0, 0, 144),
    "coinbase-exchange-translated": (10, 97, 0, 0, 0),
    "cryptocom-translated": (10, 143, 0, 0, 0),
    "deribit": (10, 0, 0, 0, 0),
    "okx": (3, 74, 290, 0, 0),
    "gate-translated": (10, 9, 0, 0, 0),
    "gate-futures-translated": (10, 0, 0, 4, 0),
    "gemini-translated": (10, 2, 0, 0, 0),
    "htx-translated": (10, 73, 0, 0, 0),
    "htx-swap-translated": (10, 25, 0, 0, 0),
    "hyperliquid": (1, 64, 0, 0, 0),
    "kraken": (1, 0, 30, 0, 0),
    "kraken-translated": (10, 10, 4279, 0, 0),
    "kraken-futures": (10, 3, 0, 0, 0),
    "kucoin": (9, 18, 0, 787, 0),
}
#: trades at a price that the book had left since the last of the whole ones that were recorded
BETWEEN = {"okx": 1, "cryptocom-translated": 1}


@dataclass
class Watch:
    """What the books looked like, and what agrees with them."""

    tops: dict[str, deque[tuple[int | None, Top]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=200))
    )
    placed: int = 0
    near: int = 0
    trades: int = 0
    sides: Counter[tuple[bool, str]] = field(default_factory=Counter)

    def see(self, said: Said, reference: Reference) -> None:
        for symbol in said.books:
            book = reference.books[symbol]
            if book.live:
                assert not book.crossed(), symbol
                self.tops[symbol].append((book.sequence, book.best()))
        for quote in said.quotes:
            tops, its = self.tops[quote.symbol], (quote.bid, quote.ask)
            if quote.place is None:
                self.near += any(_prices(top) == _prices(its) for _, top in tops)
                continue
            there = [top for sequence, top in tops if sequence == quote.place]
            if there:
                assert there[-1] == its, quote
                self.placed += 1
        if said.kind == "trade":
            self.trades += len(said.trades)
            for trade in said.trades:
                recent = list(self.tops[trade.symbol])[-3:]
                at = {
                    name
                    for _, top in recent
                    for name, level in zip(("bid", "ask"), top, strict=True)
                    if level is not None and level[0] == trade.price
                }
                if len(at) == 1:
                    self.sides[trade.buys, at.pop()] += 1


def _prices(top: Top) -> list[Decimal | None]:
    return [None if level is None else level[0] for level in top]


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_a_recording_agrees_with_itself(recording: Recording) -> None:
    """Books are never crossed, every number and checksum is right (else the reference raises),
    quotes are the books', and takers buy at the ask."""
    reference, watch = REFERENCES[recording.venue](), Watch()
    for line in recording.lines():
        watch.see(reference.line(line), reference)
    assert all(book.live for book in reference.books.values())
    counts = (len(reference.books), watch.trades, reference.checksums, watch.placed, watch.near)
    assert counts == FOUND[str(recording)]
    wrong = watch.sides[True, "bid"] + watch.sides[False, "ask"]
    if recording.venue.startswith(("binance", "bitget")):  # trades are of between two messages
        assert sum(watch.sides.values()) > 2 * wrong
        return
    assert wrong == BETWEEN.get(str(recording), 0)
    assert sum(watch.sides.values()) >= watch.trades // 4


@pytest.mark.parametrize(
    "recording", [r for r in RECORDINGS if r.venue in ("gate", "gate-futures", "htx")], ids=str
)
def test_a_translated_recording_ends_with_the_recorded_books(recording: Recording) -> None:
    recorded, translated = (REFERENCES[recording.venue]() for _ in range(2))
    for line in recording.raw():
        recorded.line(line)
    for line in recording.lines():
        translated.line(line)
    assert recorded.books == translated.books


@pytest.mark.parametrize(
    "recording",
    [each for each in RECORDINGS if each.venue not in UNPROVEN],
    ids=str,
)
def test_a_reference_notices_a_lost_message(recording: Recording) -> None:
    """Of venues that prove their books: the one before the last of many is taken out."""
    lines = list(islice(recording.lines(), 1500))
    reference = REFERENCES[recording.venue]()
    books = [(at, said) for at, line in enumerate(lines) if (said := reference.line(line)).books]
    at, said = next(
        (at, said)
        for at, said in reversed(books)
        if any(later > at and other.books == said.books for later, other in books)
    )
    reference = REFERENCES[recording.venue]()
    with pytest.raises(AssertionError):  # noqa: PT012, a hole is an error or a book without a base
        for line in [*lines[:at], *lines[at + 1 :]]:
            reference.line(line)
        assert reference.books[said.books[0]].live
