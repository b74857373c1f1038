"""What a client had beside what the simulator says: level by level, trade by trade.

A book is compared with the simulator's at its sequence. Where a venue's messages have none, it has
to be the simulator's at some sequence, none before that of the book that came before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from typing import Any

Ask = Callable[[str], Any]
"""From a path under the control port's address to its answer."""
Line = dict[str, Any]
_SIDES = ("bids", "asks")
CLOCK_MS = 3
"""A ticker is stamped a little later than its values were taken, or earlier."""
_NEAR = 8
"""Books that one which is none of the venue's is held against, to say how far off it is."""
_PARTS = 30
"""Messages of an update, of which nobody has seen as many."""
Levels = Iterable[Sequence[object]]


@dataclass(frozen=True)
class Case:
    """A venue as a client follows it: the symbols, and how many levels its books have (0: all)."""

    symbols: tuple[str, ...]
    levels: int = 0
    beside: str = ""
    """Another venue that the client asks at its start."""
    shallow: bool = False
    """Its program says as many levels as can be known from a base that has not all of them."""
    parts: bool = False
    """An update of its book takes several messages, each with a number."""
    partly: bool = False
    """An update of its book takes several messages, and nothing says which is the last."""
    tickers: bool = True
    """Whether the client has any of what the simulator has."""
    clock_ms: int = 0
    """By so much the client's times of trades may be off: it computes them with floats."""
    makers: bool = False
    """The client takes the maker's side, which the venue says, for the taker's."""


@dataclass
class Counts:
    """What was compared, and how much of it differs; ``examples``: the first of them in words."""

    case: Case
    messages: int = 0
    books: int = 0
    levels: int = 0
    levels_differ: int = 0
    known: int = 0
    """Levels and trades that are wrong by a fault that the client is known to have."""
    trades: int = 0
    trades_differ: int = 0
    tickers: int = 0
    tickers_differ: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def differ(self) -> int:
        """All that differs."""
        return self.levels_differ + self.trades_differ + self.tickers_differ

    @property
    def whole(self) -> bool:
        """Whether there was something of everything."""
        tickers = self.tickers or not self.case.tickers
        return min(self.messages, self.books, self.trades, tickers) > 0

    def example(self, text: str) -> None:
        """Keep the first few."""
        if len(self.examples) < 5:
            self.examples.append(text)


class Truth:
    """One instrument as its venue has it."""

    def __init__(self, ask: Ask, symbol: str, case: Case) -> None:
        self._ask, self._symbol, self._parts = ask, symbol, case.parts
        self._levels = case.levels
        self.trades = {one["id"]: one for one in ask(f"/trades?symbol={symbol}")["trades"]}
        self.heard: set[str] = set()
        self.received: set[str] = set()
        """Trades that reached the client's socket, where its program says so."""
        self._traded = [(one["ms"], Decimal(one["price"])) for one in self.trades.values()]
        self._touches: list[Line] = ask(f"/touches?symbol={symbol}")["touches"]
        self._sequences = [one["sequence"] for one in self._touches]
        self._times = [one["ms"] for one in self._touches]
        self._past: list[int] = []
        self._digests: list[int] = []
        self._place = self._touch = self._astray = 0
        """Of the books and touches without a sequence or time: where the last ones were."""

    def book(self, sequence: int) -> tuple[list[list[Decimal]], ...] | None:
        """Bids and asks at a sequence, as deep as the client's; None: there is no such sequence."""
        found = self._ask(f"/book?symbol={self._symbol}&sequence={sequence}")
        if "error" in found:
            return None
        deep = self._levels or None
        return tuple(
            [[Decimal(price), Decimal(size)] for price, size in found[side][:deep]]
            for side in _SIDES
        )

    def next_book(self, line: Line, *, partly: bool) -> bool:
        """Whether a book without a sequence is the venue's as it was when the last one was, or at
        any time after that. `partly`: some in a row need not be."""
        seen = _digest((line["bids"], line["asks"]), self._levels)
        at = self._place
        while (there := self._passed(at)) is not None and there != seen:
            at += 1
        if there is not None:
            self._place, self._astray = at, 0
            return True
        self._astray += 1
        return partly and self._astray < _PARTS

    def between(self, sequence: int) -> bool:
        """Whether it can be of one of several messages that an update takes, but not the last."""
        return self._parts and "error" not in self._ask(
            f"/book?symbol={self._symbol}&after={sequence}"
        )

    def near_books(self) -> Iterator[tuple[list[list[Decimal]], ...]]:
        """The book that was met last, and the next ones."""
        for sequence in self._past[self._place : self._place + _NEAR]:
            if (found := self.book(sequence)) is not None:
                yield found

    def _passed(self, at: int) -> int | None:
        """The digest of its book at that place in the order of its sequences; None: it is over."""
        while at >= len(self._digests):
            after = self._past[-1] if self._past else 0
            found = self._ask(f"/book?symbol={self._symbol}&after={after}")
            if "error" in found:
                return None
            self._past.append(found["sequence"])
            self._digests.append(_digest((found["bids"], found["asks"]), self._levels))
        return self._digests[at]

    def lost(self) -> list[str]:
        """Trades between the first and the last that the client had, which it had not."""
        names = list(self.trades)
        places = [at for at, name in enumerate(names) if name in self.heard]
        if not places:
            return []
        between = names[places[0] : places[-1]]
        return [name for name in between if name not in self.heard]

    def touches(self, told: Line) -> list[Line]:
        """The best levels that a ticker may have, by its sequence, its time, or its place."""
        if told["sequence"]:
            at = bisect_right(self._sequences, told["sequence"]) - 1
            return self._touches[max(at, 0) : at + 1]
        if not told["ms"]:
            return self._touches[self._touch :]
        first = bisect_right(self._times, told["ms"] - CLOCK_MS) - 1
        last = bisect_right(self._times, told["ms"] + CLOCK_MS)
        return self._touches[max(first, 0) : last]

    def touched(self, met: Line) -> None:
        """A ticker without sequence or time was of this touch: later ones are of none before it."""
        self._touch = self._touches.index(met, self._touch)

    def lasts(self, told: Line) -> list[Decimal]:
        """The last prices that it may have. Before the first trade: any."""
        first = bisect_right(self._traded, told["ms"] - CLOCK_MS, key=lambda one: one[0]) - 1
        last = bisect_right(self._traded, told["ms"] + CLOCK_MS, key=lambda one: one[0])
        return [] if first < 0 else [price for _, price in self._traded[first:last]]


def compare(lines: list[Line], ask: Ask, case: Case) -> Counts:
    """All that a client said."""
    counts = Counts(case)
    truths: dict[str, Truth] = {}
    for line in lines:
        if line["what"] == "messages":
            counts.messages += line["count"]
            continue
        symbol = line["symbol"]
        if symbol not in truths:
            truths[symbol] = Truth(ask, symbol, case)
        _CHECKS[line["what"]](line, truths[symbol], counts)
    for symbol, truth in truths.items():
        lost = truth.lost()
        counts.known += len([name for name in lost if name in truth.received])
        if never := [name for name in lost if name not in truth.received]:
            counts.trades_differ += len(never)
            counts.example(f"{symbol}: {len(never)} trades never came, such as {never[0]}")
    return counts


def _book(line: Line, truth: Truth, counts: Counts) -> None:
    seen = [[[Decimal(price), Decimal(size)] for price, size in line[side]] for side in _SIDES]
    counts.books += 1
    counts.levels += sum(map(len, seen))
    if not line["sequence"]:
        if truth.next_book(line, partly=counts.case.partly):
            return
        wrong, text = min(
            (_wrong(seen, right) for right in truth.near_books()), default=(1, "nothing to compare")
        )
    elif (right := truth.book(line["sequence"])) is None:
        counts.books -= 1
        if truth.between(line["sequence"]):
            return
        wrong, text = 1, "no such sequence"
    else:
        if counts.case.shallow:
            right = tuple(its[: len(ours)] for its, ours in zip(right, seen, strict=True))
        wrong, text = _wrong(seen, right)
    if wrong and line["fault"]:
        counts.known += wrong
    elif wrong:
        counts.levels_differ += wrong
        counts.example(f"{line['symbol']} at {line['sequence'] or 'no sequence'}: {text}")


def _wrong(
    seen: Sequence[list[list[Decimal]]], right: Sequence[list[list[Decimal]]]
) -> tuple[int, str]:
    """How many levels of both sides differ, and the first of them in words."""
    wrong, text = 0, ""
    for side, ours, theirs in zip(_SIDES, seen, right, strict=True):
        for one, other in zip_longest(ours, theirs):
            if one != other:
                wrong += 1
                text = text or f"{side}: {_said(one)} for {_said(other)}"
    return wrong, f"{wrong} levels, {text}"


def _said(level: list[Decimal] | None) -> str:
    return "none" if level is None else " ".join(map(str, level))


def _digest(sides: Iterable[Levels], levels: int) -> int:
    return hash(
        tuple(
            tuple(
                (Decimal(str(price)), Decimal(str(size)))
                for price, size in list(side)[: levels or None]
            )
            for side in sides
        )
    )


def _trade(line: Line, truth: Truth, counts: Counts) -> None:
    counts.trades += 1
    truth.heard.add(line["id"])
    right = truth.trades.get(line["id"])
    if (
        right is None
        or any(Decimal(line[what]) != Decimal(right[what]) for what in ("price", "size"))
        or (line["taker"] == right["taker"]) is counts.case.makers
        or abs(line["ms"] - right["ms"]) > counts.case.clock_ms
    ):
        counts.trades_differ += 1
        counts.example(f"trade {line} for {right}")
    elif counts.case.makers or line["ms"] != right["ms"]:
        counts.known += 1


def _received(line: Line, truth: Truth, _counts: Counts) -> None:
    truth.received.add(line["id"])


def _ticker(line: Line, truth: Truth, counts: Counts) -> None:
    counts.tickers += 1
    wrong = []
    if "last" in line and (allowed := truth.lasts(line)) and Decimal(line["last"]) not in allowed:
        wrong.append("last")
    possible = truth.touches(line)
    for side in ("bid", "ask"):
        if side in line and not any(_agrees(line, one, side) for one in possible):
            wrong.append(side)
    met = [one for one in possible if all(_agrees(line, one, side) for side in ("bid", "ask"))]
    if met and not line["sequence"] and not line["ms"]:
        truth.touched(met[0])
    if wrong:
        counts.tickers_differ += 1
        counts.example(f"ticker's {', '.join(wrong)}: {line} for {possible[:3]}")


def _agrees(line: Line, touch: Line, side: str) -> bool:
    """Whether one side of a ticker is the touch's, as far as it says it."""
    if side not in line or touch[side] is None:
        return side not in line
    price, size = map(Decimal, touch[side])
    return Decimal(line[side]) == price and Decimal(line.get(f"{side}_size", size)) == size


_CHECKS: dict[str, Callable[[Line, Truth, Counts], None]] = {
    "book": _book,
    "trade": _trade,
    "ticker": _ticker,
    "received": _received,
}
