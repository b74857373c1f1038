"""The simulator's own history: the best bid and ask of an instrument since when, and its halts."""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tests.soak.truth import Truth, decimal

_KEPT_NS = 30_000_000_000
_CLOCK_NS = 100_000_000  #: a venue's time may be so far from when it was asked
ASKED_S = 1.0  #: how often the venue is asked
Level = tuple[int, int]


class Top(NamedTuple):
    """Best bid and ask from a sequence on."""

    sequence: int
    since_ns: int
    bid: Level | None
    ask: Level | None


class Tops:
    """What a venue's best levels were, of the last half minute; asked for the first
    time while its clock is right.

    While its clock is off (`clock_skew`), a change counts as of when it was asked for: a second
    late at most, so that nothing seems older than it is.
    """

    def __init__(self, truth: Truth, symbols: Iterable[str]) -> None:
        self._truth = truth
        self._tops: dict[str, deque[Top]] = {symbol: deque() for symbol in symbols}
        self._asked_ns: dict[str, int] = {}
        self.ask()

    def ask(self) -> None:
        """Take in what has changed."""
        for symbol in self._tops:
            self._ask(symbol)

    def _ask(self, symbol: str) -> None:
        tops = self._tops[symbol]
        after = tops[-1].sequence if tops else 0
        found = self._truth.ask(f"touches?symbol={quote(symbol)}&after={after}")["touches"]
        now = time.time_ns()
        last = self._asked_ns.get(symbol, 0)
        for each in found:
            since = each["ms"] * 1_000_000
            if not last - _CLOCK_NS <= since <= now + _CLOCK_NS:
                since = now
            bid, ask = (
                None if level is None else (decimal(level[0]), decimal(level[1]))
                for level in (each["bid"], each["ask"])
            )
            tops.append(Top(each["sequence"], since, bid, ask))
        self._asked_ns[symbol] = now
        while len(tops) > 2 and tops[1].since_ns < now - _KEPT_NS:
            tops.popleft()

    def at(self, symbol: str, sequence: int) -> Top | None:
        """What they were at a sequence; None: before all that is kept."""
        tops = self._tops[symbol]
        place = bisect_right(tops, sequence, key=lambda top: top.sequence)
        return tops[place - 1] if place else None

    def behind_ns(self, symbol: str, sequence: int, at_ns: int) -> int:
        """How long before a time they were others than at that sequence; 0: they were the same."""
        tops = self._tops[symbol]
        place = bisect_right(tops, sequence, key=lambda top: top.sequence)
        return max(0, at_ns - tops[place].since_ns) if place < len(tops) else 0

    def had(self, symbol: str, bid: Level, ask: Level, since_ns: int) -> bool:
        """Whether they were these at any time since."""
        tops = self._tops[symbol]
        for place in range(len(tops) - 1, -1, -1):
            if (tops[place].bid, tops[place].ask) == (bid, ask):
                return True
            if tops[place].since_ns < since_ns:
                break
        return False


class Halts:
    """When which instrument was not open, as it was ordered: a file of JSON lines."""

    def __init__(self, path: str, venue: str) -> None:
        self._path = Path(path)
        self._venue = venue
        self._at = 0
        self._spans: dict[str, deque[tuple[int, int, bool]]] = defaultdict(deque)

    def read(self) -> None:
        """Take in what was ordered since."""
        with self._path.open() as file:
            file.seek(self._at)
            lines = file.read()
        self._at += len(lines)
        for line in lines.splitlines():
            venue, symbol, begin, end, plain = json.loads(line)
            if not venue:  # all faults have ended
                for symbol, spans in self._spans.items():
                    self._spans[symbol] = deque((a, min(b, begin), p) for a, b, p in spans)
            elif venue == self._venue:
                self._spans[symbol].append((begin, end, plain))
                if len(self._spans[symbol]) > 50:
                    self._spans[symbol].popleft()

    def open(self, symbol: str, since_ns: int, until_ns: int) -> bool | None:
        """Whether it was, in all of a time; None: partly, or by one of its signs alone."""
        spans = [span for span in self._spans[symbol] if span[0] < until_ns and span[1] > since_ns]
        if not spans:
            return True
        held = any(begin <= since_ns and until_ns <= end and plain for begin, end, plain in spans)
        return False if held else None
