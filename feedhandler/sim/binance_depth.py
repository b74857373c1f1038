"""Binance's diff depth: updates gathered over an interval into one event, and the snapshot."""

from __future__ import annotations

from .book import ASK, BID, SIGN, Book
from .instrument import TextCache, fixed8
from .market import Live, Update


class DepthTexts:
    """Number text of one instrument, remembered."""

    def __init__(self, live: Live) -> None:
        self.prices: TextCache = live.instrument.prices(fixed8)
        self.sizes: TextCache = live.instrument.sizes(fixed8)


class DepthBatch:
    """One depth stream's changes since its last event. Ids run on from event to event."""

    def __init__(self, stream: str, live: Live, interval: float, now: float) -> None:
        self.stream = stream
        self.live = live
        self.interval = interval
        self.due = now + interval
        self._first = live.book.sequence + 1
        self._levels: tuple[dict[int, int], dict[int, int]] = ({}, {})

    @property
    def empty(self) -> bool:
        """Whether nothing has changed since the last event."""
        return self._first > self.live.book.sequence

    def add(self, update: Update) -> None:
        """Take in an update; of a level that changes twice the last word counts."""
        for side, grid, _, new in update.changes:
            self._levels[side][grid] = new

    def event(self, texts: DepthTexts, crossed: bool = False) -> str:
        """The event, which ends the batch. ``crossed``: with a bid that the book never had."""
        prices, sizes = texts.prices, texts.sizes
        book, symbol = self.live.book, self.live.instrument.symbol
        if crossed and (ask := book.best(ASK)) is not None:
            self._levels[BID][ask + 2] = 1
        bids, asks = (
            ",".join(
                f'["{prices[grid]}","{sizes[levels[grid]]}"]'
                for grid in sorted(levels, key=lambda grid: -grid * sign)
            )
            for levels, sign in zip(self._levels, SIGN, strict=True)
        )
        text = (
            f'{{"e":"depthUpdate","E":{self.live.clock.ms()},"s":"{symbol}",'
            f'"U":{self._first},"u":{book.sequence},"b":[{bids}],"a":[{asks}]}}'
        )
        self._first = book.sequence + 1
        for levels in self._levels:
            levels.clear()
        return text


def snapshot(book: Book, texts: DepthTexts, limit: int) -> bytes:
    """The REST depth answer, ``limit`` levels a side."""
    prices, sizes = texts.prices, texts.sizes
    bids, asks = (
        ",".join(f'["{prices[grid]}","{sizes[lots]}"]' for grid, lots in book.levels(side, limit))
        for side in (BID, ASK)
    )
    return f'{{"lastUpdateId":{book.sequence},"bids":[{bids}],"asks":[{asks}]}}'.encode()
