"""What makes a venue's declarations doubtful though its frames can be read: sides or values in each
other's place, numbers that never follow, a list that has not what the frames are of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from feedhandler.adapter.venue import ListedInstrument
from feedhandler.capture.replay import ReplayResult
from feedhandler.engine import _engine
from feedhandler.shape import tree
from feedhandler.shape.frame import SAYING, TRADES
from feedhandler.shape.meaning import Meaning
from shm import Status

_FAR = 50  # times the price of its book is none of the same market
_PRICES = ("price", "bid", "ask")
_TRADES, _ENOUGH = 200, 20  # that are looked at, and by which a side is judged
_NAMED = 3  # of instruments with the same trouble


class First(NamedTuple):
    """The first frame that was read by a shape."""

    told: Meaning
    value: Any


class Takers:
    """Who took, by the trades' words, and by where the book stood: who buys pays what is asked."""

    def __init__(self) -> None:
        self.place = ""
        self.fitting = self.against = 0

    def look(self, told: Meaning, value: Any, engine: _engine.Engine) -> None:
        """At a frame of trades, while the book is LIVE; of the first ones."""
        if told.frame.kind != "trade" or self.fitting + self.against >= _TRADES:
            return
        found = tree.matched(told.tree, value) or {}
        for row in (found, *(found.get("rows") or ())):
            word, price = row.get("taker"), _number(row.get("price"))
            best = _best(engine, str(row.get("symbol") or found.get("symbol")))
            if word is None or price is None or best is None:
                continue
            buys = (word if isinstance(word, str) else json.dumps(word)) == told.frame.taker[0]
            if price >= best[1] or price <= best[0]:
                self.place = told.place
                self.fitting += buys == (price >= best[1])
                self.against += buys != (price >= best[1])

    @property
    def doubt(self) -> str:
        """In words; "": none."""
        all_of_them = self.fitting + self.against
        if all_of_them < _ENOUGH or self.against < 3 * self.fitting:
            return ""
        return (
            f"{self.place}: {self.against} of {all_of_them} takers who buy did at the bid, or who "
            "sell at the ask: does `taker` name who sells first?"
        )


def _best(engine: _engine.Engine, symbol: str) -> tuple[Decimal, Decimal] | None:
    if symbol not in engine.symbols():
        return None
    row = engine.instrument_id(symbol)
    best = engine.best(row)
    if best is None or len(best) < 4:
        return None
    exponent = engine.book(row)[3]
    return Decimal(best[0]).scaleb(exponent), Decimal(best[2]).scaleb(exponent)


def doubts(
    firsts: Sequence[First],
    changes: int,
    result: ReplayResult,
    listed: Sequence[ListedInstrument] | None,
) -> Iterator[str]:
    """In words, one for each. `changes`: how many changes of books were read."""
    crossed = [name for name, book in result.books.items() if book["state"] == "CROSSED"]
    if crossed:
        yield (
            f"{_names(crossed)}: bids at or above asks: do $bids and $asks, or $price and $size, "
            "stand in each other's place? Are levels that go removed (deletes, $count)?"
        )
    gaps = result.counters.get("gaps", 0)
    if gaps and 2 * gaps >= changes:
        yield (
            f"{gaps} of {changes} changes do not follow the one before: is the `rule` another one, "
            "or do its numbers stand in each other's place? Or frames are missing"
        )
    for one in firsts:
        yield from _of_prices(one, result.books)
    if listed is not None:
        yield from _of_list(listed, [*result.books])


def suspect(told: Meaning, value: Any) -> str:
    """Why a frame of this shape may have been refused; "" for no idea: a level of price 0."""
    if told.level is None:
        return ""
    found = tree.matched(told.tree, value) or {}
    for part in (found, *(found.get("rows") or ())):
        for name in ("bids", "asks", "levels"):
            levels = part.get(name)
            for level in levels if isinstance(levels, list) else ():
                said = tree.matched(told.level, level) or {}
                if _number(said.get("price")) == 0:
                    return (
                        f"a level of ${name} has the price 0: do $price and $size stand in each "
                        "other's place?"
                    )
    return ""


def _of_prices(one: First, books: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Prices that stand beside those of the book, and a bid beside its ask."""
    if one.told.frame.kind not in SAYING | TRADES:
        return
    found = tree.matched(one.told.tree, one.value) or {}
    for row in (found, *(found.get("rows") or ())):
        said = {name: price for name in _PRICES if (price := _number(row.get(name)))}
        if said.get("bid", Decimal(0)) > said.get("ask", Decimal("Infinity")):
            yield (
                f"{one.told.place}: $bid {said['bid']} is above $ask {said['ask']}: are they in "
                "each other's place?"
            )
            return
        book = books.get(str(row.get("symbol") or found.get("symbol")))
        beside = _number(book["bids"][0][0]) if book and book["bids"] else None
        for name, price in said.items() if beside else ():
            if beside and not beside / _FAR <= abs(price) <= beside * _FAR:
                yield (
                    f"{one.told.place}: ${name} is {price}, and the book's best bid {beside}: does "
                    "it stand in another's place?"
                )
                return


def _of_list(listed: Sequence[ListedInstrument], heard: Sequence[str]) -> Iterator[str]:
    if not listed:
        yield "no instrument is listed: each row was left out, by a field, by `By`, `only` or `but`"
        return
    there = {one.symbol for one in listed}
    if missing := [name for name in heard if name not in there]:
        yield (
            f"{_names(missing)}: frames are of it, and the list has it not: is $symbol another "
            "value, or was its row left out, by a field, by `By`, `only` or `but`?"
        )
    if unknown := [one.symbol for one in listed if one.status is Status.UNKNOWN]:
        yield f"{_names(unknown)}: the word of its status is none of `statuses`"


def _names(those: Sequence[str]) -> str:
    more = f" and {len(those) - _NAMED} more" if len(those) > _NAMED else ""
    return ", ".join(those[:_NAMED]) + more


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
