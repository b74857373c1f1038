"""Books whose base is asked for while the stream's deltas wait: the join, once for all venues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.venues.reference.book import Book, Reference, Said


@dataclass(frozen=True, slots=True)
class Delta:
    """It turns the book `first` - 1 into the book `final`."""

    first: int
    final: int
    bids: Iterable[Any]
    asks: Iterable[Any]


class JoinedReference(Reference):
    """Deltas wait for a base; those that it holds are dropped, the first of the others must join.

    A base that reaches further than the stream is a claim: the book is `joining` until the stream
    has come as far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, list[Delta]] = {}
        self.heads: dict[str, Delta] = {}  # with which the stream began
        self.reached: dict[str, int] = {}  # how far the stream has come

    def base(self, symbol: str, sequence: int, bids: Iterable[Any], asks: Iterable[Any]) -> Said:
        waiting = [d for d in self.waiting.get(symbol, []) if not self.had(d, sequence)]
        joins = symbol not in self.heads or self.joins(self.heads[symbol], sequence)
        if waiting and not (joins and self.follows(waiting[0], sequence)):
            return Said("answer", books=(symbol,))  # too old: another one has to be asked for
        book = self.books[symbol] = Book(sequence=sequence, live=True)
        book.joining = self.reached.get(symbol, -1) < sequence
        book.set(bids, asks)
        for delta in waiting:
            self._apply(symbol, delta)
        self.waiting[symbol] = []
        return Said("answer", books=(symbol,))

    def delta(self, symbol: str, delta: Delta) -> Said:
        book = self.books.setdefault(symbol, Book())
        self.heads.setdefault(symbol, delta)
        self.reached[symbol] = max(delta.final, self.reached.get(symbol, -1))
        if not book.live:
            self.waiting.setdefault(symbol, []).append(delta)
        else:
            self._apply(symbol, delta)
        return Said("book", books=(symbol,))

    def _apply(self, symbol: str, delta: Delta) -> None:
        book = self.books[symbol]
        assert book.sequence is not None
        missed = book.joining and not self.joins(self.heads[symbol], book.sequence)
        if delta.final >= book.sequence:
            book.joining = False
        if self.had(delta, book.sequence):
            return
        if missed or not self.follows(delta, book.sequence):
            self.books[symbol], self.waiting[symbol] = Book(), [delta]
            self.heads[symbol] = delta
            return
        last, book.sequence = book.sequence, delta.final
        book.set(self.fresh(delta.bids, last), self.fresh(delta.asks, last))

    def fresh(self, levels: Iterable[Any], _last: int) -> Iterable[Any]:
        """Those of a delta's levels that the book before it does not have."""
        return levels

    def had(self, delta: Delta, last: int) -> bool:
        """Whether the book has it already."""
        return delta.final <= last

    def joins(self, _head: Delta, _last: int) -> bool:
        """Whether a base may be joined by a stream that begins with `head`."""
        return True

    def follows(self, delta: Delta, last: int) -> bool:
        """Whether there is no hole between the two."""
        return delta.first <= last + 1
