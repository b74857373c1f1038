"""Binance's streams that go by the clock: tickers, candles, averages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.binance_stats import INTERVALS, Fields, Stats

Mark = Any
"""What was last sent of a stream; None before anything was."""
Make = Callable[[Stats, Mark], tuple[Mark, list[str]]]
"""From a symbol and what was last sent: the new mark, and the data to send."""


class Kind(NamedTuple):
    """A kind of stream: seconds between its events, and how they are made."""

    interval: float
    make: Make


def _text(fields: Fields) -> str:
    return orjson.dumps(fields).decode()


def when_moved(interval: float, make: Callable[[Stats], Fields | str]) -> Kind:
    """Sent when the book has moved since."""

    def events(stats: Stats, mark: Mark) -> tuple[Mark, list[str]]:
        now = stats.live.count
        if now == mark:
            return mark, []
        made = make(stats)
        return now, [made if isinstance(made, str) else _text(made)]

    return Kind(interval, events)


def always(interval: float, make: Callable[[Live], str]) -> Kind:
    """Sent every time."""
    return Kind(interval, lambda stats, mark: (mark, [make(stats.live)]))


def _candles(interval: str) -> Make:
    def events(stats: Stats, mark: Mark) -> tuple[Mark, list[str]]:
        live, now = stats.live, stats.live.clock.ms()
        candle = stats.candle(interval, now)
        made = []
        if mark is not None and mark[0] < candle.begin_ms:
            # The one before is over, and says so.
            closed = stats.candle(interval, mark[0])
            made.append(_text(stats.kline(interval, closed, closed=True)))
        fresh = (candle.begin_ms, live.trade_number)
        if fresh != mark:
            made.append(_text(stats.kline(interval, candle, closed=False)))
        return fresh, made

    return events


def candles(interval: float) -> Mapping[str, Kind]:
    """The kinds of candles, by their part of a stream's name."""
    return {f"@kline_{name}": Kind(interval, _candles(name)) for name in INTERVALS}


class Timed:
    """One stream that is listened to; without a ``symbol`` its data is an array of many."""

    def __init__(
        self, stream: str, symbol: str, kind: Kind, listed: Callable[[], list[Stats]]
    ) -> None:
        self.stream, self.symbol = stream, symbol
        self.due = 0.0
        self.interval = kind.interval
        self._make = kind.make
        self._listed = listed
        self._marks: dict[str, Mark] = {}

    def events(self) -> Iterator[str]:
        """The data that is due."""
        rows: list[str] = []
        for one in self._listed():
            symbol = one.live.instrument.symbol
            self._marks[symbol], made = self._make(one, self._marks.get(symbol))
            rows += made
        if self.symbol:
            yield from rows
        elif rows:
            yield f"[{','.join(rows)}]"
