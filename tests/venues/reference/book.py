"""What a venue's frames mean, in plain Python and Decimal: books, trades, quotes, checksums.

Nothing of the project is used here. A reference is fed the lines of a recording, and says of each
what it means; its `books` are what they are after that line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Level = tuple[Decimal, Decimal]


class Side(dict[Decimal, Decimal]):
    """Sizes by price. `decimals`: that no size of it has more of; `most`: none is larger."""

    decimals = 0
    most = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trade:
    """`buys`: the taker does. `time`: ns by the venue. `id`: None where it is not a number."""

    symbol: str
    price: Decimal
    size: Decimal
    buys: bool
    time: int
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """`place`: the number of the book that it is the top of, where the venue says one."""

    symbol: str
    bid: Level | None
    ask: Level | None
    time: int = 0
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Of one line: the books that it changed, and what else it told.

    `kind`: snapshot, book, trade, past (trades from before the subscription), quote, ticker,
    answer (of a request), control, or none.
    """

    kind: str
    books: tuple[str, ...] = ()
    trades: tuple[Trade, ...] = ()
    quotes: tuple[Quote, ...] = ()


CONTROL = Said("control")
NOTHING = Said("none")


@dataclass(slots=True)
class Book:
    """`sequence`: None where the venue numbers nothing. `live`: it is in step. `joining`: of a base
    that was asked for, that nothing in the stream has reached."""

    bids: Side = field(default_factory=Side)
    asks: Side = field(default_factory=Side)
    sequence: int | None = None
    live: bool = False
    joining: bool = False

    def set(self, bids: Iterable[Any], asks: Iterable[Any]) -> None:
        """Levels (price, size, ...): sizes are absolute, 0 removes."""
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size, *_ in levels:
                put(side, Decimal(price), Decimal(size))

    def levels(self) -> tuple[list[Level], list[Level]]:
        """Both sides, the best first."""
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def best(self) -> tuple[Level | None, Level | None]:
        bid, ask = max(self.bids, default=None), min(self.asks, default=None)
        return (
            None if bid is None else (bid, self.bids[bid]),
            None if ask is None else (ask, self.asks[ask]),
        )

    def crossed(self) -> bool:
        return bool(self.bids and self.asks) and max(self.bids) >= min(self.asks)

    def cut(self, depth: int) -> None:
        """Keep so many levels a side."""
        for side, reverse in ((self.bids, True), (self.asks, False)):
            for price in sorted(side, reverse=reverse)[depth:] if len(side) > depth else ():
                del side[price]


def put(side: Side, price: Decimal, size: Decimal) -> None:
    if size == 0:
        side.pop(price, None)
    else:
        side[price] = size
        side.decimals = max(side.decimals, -int(size.as_tuple().exponent))
        side.most = max(side.most, size)


class Reference:
    """Feed it the lines of a recording in order; a subclass knows one venue's protocol."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.checksums = 0  # verified; one that does not verify is an AssertionError
        self.conn = ""  # of the line at hand
        self.numbers: dict[str, int] = {}  # of a connection, the last number of all its frames

    def line(self, line: dict[str, Any]) -> Said:
        self.conn = line["conn"] or ""
        if line["data"] is None or line["dir"] == "open":
            return NOTHING
        if line["dir"] == "out":
            self.asked(parsed(line["data"]))
            return NOTHING
        if line["kind"] == "rest":
            return self.rest(line["url"] or "", parsed(line["data"]))
        try:
            message = parsed(line["data"])
        except json.JSONDecodeError:
            return CONTROL  # a word: "pong"
        return self.frame(message)

    def asked(self, message: Any) -> None:
        """What the recorder sent."""

    def rest(self, _url: str, _body: Any) -> Said:
        return NOTHING

    def frame(self, message: Any) -> Said:
        raise NotImplementedError

    def number(self, number: int) -> None:
        """One number of all frames of a connection: without a hole, whatever they carry."""
        last, self.numbers[self.conn] = self.numbers.get(self.conn, number - 1), number
        assert number == last + 1, (self.conn, number)


def parsed(text: str) -> Any:
    """JSON with its numbers as they are written: Decimal keeps trailing zeros."""
    return json.loads(text, parse_float=Decimal)


def written(value: Any) -> str:
    """The JSON of what `parsed` gave, with the numbers as they were."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def iso_ns(text: str) -> int:
    """RFC 3339 in UTC with any number of decimals, as ns."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * 10**9 + int(fraction[:9].ljust(9, "0"))
