"""Binance's diff depth: updates gathered over an interval into one event, and the snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from feedhandler.sim.market.book import ASK, BID, SIGN, Book
from feedhandler.sim.market.instrument import TextCache
from feedhandler.sim.market.live import Live, Update


class DepthTexts:
    """Number text of one instrument in its venue's style, remembered."""

    def __init__(
        self, live: Live, prices: Callable[[int, int], str], sizes: Callable[[int, int], str]
    ) -> None:
        self.prices: TextCache = live.instrument.prices(prices)
        self.sizes: TextCache = live.instrument.sizes(sizes)

    def top(self, book: Book) -> tuple[str, str, str, str]:
        """Best bid and its size, best ask and its size; an empty side is zeros."""
        (bid, bids), (ask, asks) = (
            levels[0] if (levels := book.levels(side, 1)) else (0, 0) for side in (BID, ASK)
        )
        return self.prices[bid], self.sizes[bids], self.prices[ask], self.sizes[asks]


class Changed(NamedTuple):
    """What a batch amounts to: the last ids of the event before and of this one, levels in JSON."""

    previous: int
    final: int
    bids: str
    asks: str


class DepthBatch:
    """One depth stream's changes since its last event. Ids run on from event to event."""

    def __init__(self, stream: str, live: Live, interval: float, now: float) -> None:
        self.stream = stream
        self.live = live
        self.interval = interval
        self.due = now + interval
        self._previous = live.book.sequence
        self._levels: tuple[dict[int, int], dict[int, int]] = ({}, {})

    @property
    def empty(self) -> bool:
        """Whether nothing has changed since the last event."""
        return self._previous == self.live.book.sequence

    def add(self, update: Update) -> None:
        """Take in an update; of a level that changes twice the last word counts."""
        for side, grid, _, new in update.changes:
            self._levels[side][grid] = new

    def take(self, texts: DepthTexts, crossed: bool = False) -> Changed:
        """All of it; the batch begins anew. ``crossed``: with a bid that the book never had."""
        prices, sizes = texts.prices, texts.sizes
        book = self.live.book
        if crossed and (ask := book.best(ASK)) is not None:
            self._levels[BID][ask + 2] = 1
        bids, asks = (
            ",".join(
                f'["{prices[grid]}","{sizes[levels[grid]]}"]'
                for grid in sorted(levels, key=lambda grid: -grid * sign)
            )
            for levels, sign in zip(self._levels, SIGN, strict=True)
        )
        changed = Changed(self._previous, book.sequence, f"[{bids}]", f"[{asks}]")
        self._previous = book.sequence
        for levels in self._levels:
            levels.clear()
        return changed


def snapshot(book: Book, texts: DepthTexts, limit: int, times: str = "") -> bytes:
    """The REST depth answer, ``limit`` levels a side; ``times``: keys between id and levels."""
    prices, sizes = texts.prices, texts.sizes
    bids, asks = (
        ",".join(f'["{prices[grid]}","{sizes[lots]}"]' for grid, lots in book.levels(side, limit))
        for side in (BID, ASK)
    )
    return (f'{{"lastUpdateId":{book.sequence},{times}"bids":[{bids}],"asks":[{asks}]}}').encode()
