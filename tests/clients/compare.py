"""What a client had beside what the simulator says: level by level, trade by trade."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Ask = Callable[[str], Any]
"""From a path under the control port's address to its answer."""
Line = dict[str, Any]
CLOCK_MS = 3
"""A ticker is stamped a little later than its values were taken, or earlier."""


@dataclass
class Counts:
    """What was compared, and how much of it differs; ``examples``: the first of them in words."""

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
        return min(self.messages, self.books, self.trades, self.tickers) > 0

    def example(self, text: str) -> None:
        """Keep the first few."""
        if len(self.examples) < 5:
            self.examples.append(text)


class Truth:
    """One instrument as its venue has it."""

    def __init__(self, ask: Ask, symbol: str, levels: int) -> None:
        self._ask, self._symbol, self._levels = ask, symbol, levels
        self.trades = {one["id"]: one for one in ask(f"/trades?symbol={symbol}")["trades"]}
        self.heard: set[str] = set()
        self.received: set[str] = set()
        """Trades that reached the client's socket, where its program says so."""
        self._traded = [(one["ms"], Decimal(one["price"])) for one in self.trades.values()]
        self._touches: list[Line] = ask(f"/touches?symbol={symbol}")["touches"]
        self._sequences = [one["sequence"] for one in self._touches]
        self._times = [one["ms"] for one in self._touches]

    def book(self, sequence: int) -> tuple[list[list[Decimal]], ...] | None:
        """Bids and asks at a sequence, as deep as the client's; None: there is no such sequence."""
        found = self._ask(f"/book?symbol={self._symbol}&sequence={sequence}")
        if "error" in found:
            return None
        deep = self._levels or None
        return tuple(
            [[Decimal(price), Decimal(size)] for price, size in found[side][:deep]]
            for side in ("bids", "asks")
        )

    def lost(self) -> list[str]:
        """Trades between the first and the last that the client had, which it had not."""
        names = list(self.trades)
        places = [at for at, name in enumerate(names) if name in self.heard]
        if not places:
            return []
        between = names[places[0] : places[-1]]
        return [name for name in between if name not in self.heard]

    def touches(self, told: Line) -> list[Line]:
        """The best levels that a ticker may have, by its sequence or its time."""
        if told["sequence"]:
            at = bisect_right(self._sequences, told["sequence"]) - 1
            return self._touches[max(at, 0) : at + 1]
        first = bisect_right(self._times, told["ms"] - CLOCK_MS) - 1
        last = bisect_right(self._times, told["ms"] + CLOCK_MS)
        return self._touches[max(first, 0) : last]

    def lasts(self, told: Line) -> list[Decimal]:
        """The last prices that it may have. Before the first trade: any."""
        first = bisect_right(self._traded, told["ms"] - CLOCK_MS, key=lambda one: one[0]) - 1
        last = bisect_right(self._traded, told["ms"] + CLOCK_MS, key=lambda one: one[0])
        return [] if first < 0 else [price for _, price in self._traded[first:last]]


def compare(lines: list[Line], ask: Ask, levels: int) -> Counts:
    """All that a client said. ``levels``: of its books, 0 for whole ones."""
    counts = Counts()
    truths: dict[str, Truth] = {}
    for line in lines:
        if line["what"] == "messages":
            counts.messages += line["count"]
            continue
        symbol = line["symbol"]
        if symbol not in truths:
            truths[symbol] = Truth(ask, symbol, levels)
        _CHECKS[line["what"]](line, truths[symbol], counts)
    for symbol, truth in truths.items():
        lost = truth.lost()
        counts.known += len([name for name in lost if name in truth.received])
        if never := [name for name in lost if name not in truth.received]:
            counts.trades_differ += len(never)
            counts.example(f"{symbol}: {len(never)} trades never came, such as {never[0]}")
    return counts


def _book(line: Line, truth: Truth, counts: Counts) -> None:
    right = truth.book(line["sequence"])
    if right is None:
        counts.levels_differ += 1
        counts.example(f"{line['symbol']}: no sequence {line['sequence']}")
        return
    counts.books += 1
    for side, expected in zip(("bids", "asks"), right, strict=True):
        seen = [[Decimal(price), Decimal(size)] for price, size in line[side]]
        counts.levels += max(len(seen), len(expected))
        wrong = sum(one != other for one, other in zip(seen, expected, strict=False))
        wrong += abs(len(seen) - len(expected))
        if wrong:
            if line["fault"]:
                counts.known += wrong
                continue
            counts.levels_differ += wrong
            text = (
                f"{line['symbol']} {side} at {line['sequence']}: {wrong} of {len(expected)} levels"
            )
            counts.example(f"{text}, {seen[:1]} for {expected[:1]}")


def _trade(line: Line, truth: Truth, counts: Counts) -> None:
    counts.trades += 1
    truth.heard.add(line["id"])
    right = truth.trades.get(line["id"])
    seen = (Decimal(line["price"]), Decimal(line["size"]), line["taker"], line["ms"])
    if right is None or seen != (
        Decimal(right["price"]), Decimal(right["size"]), right["taker"], right["ms"],
    ):  # fmt: skip
        counts.trades_differ += 1
        counts.example(f"trade {line} for {right}")


def _received(line: Line, truth: Truth, _counts: Counts) -> None:
    truth.received.add(line["id"])


def _ticker(line: Line, truth: Truth, counts: Counts) -> None:
    counts.tickers += 1
    wrong = []
    if "last" in line and (allowed := truth.lasts(line)) and Decimal(line["last"]) not in allowed:
        wrong.append("last")
    possible = truth.touches(line)
    for side in ("bid", "ask"):
        if side not in line:
            continue
        seen = [Decimal(line[side]), Decimal(line.get(f"{side}_size", 0))]
        rights = [list(map(Decimal, one[side])) for one in possible if one[side]]
        if f"{side}_size" not in line:
            seen, rights = seen[:1], [one[:1] for one in rights]
        if seen not in rights:
            wrong.append(side)
    if wrong:
        counts.tickers_differ += 1
        counts.example(f"ticker's {', '.join(wrong)}: {line} for {possible[:3]}")


_CHECKS: dict[str, Callable[[Line, Truth, Counts], None]] = {
    "book": _book,
    "trade": _trade,
    "ticker": _ticker,
    "received": _received,
}
