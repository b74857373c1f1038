"""The books that a peer must have at the end, or its figure does not count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest

from feedhandler.bench.kit.scenario import Scenario, fresh_engine

#: symbol -> bids and asks, best first: (price, size).
Books = Mapping[str, Sequence[Sequence[tuple[float, float]]]]


def expected(scenario: Scenario, depth: int) -> Books:
    """The best `depth` levels a side after all frames, by a fresh engine."""
    case = scenario.case
    with fresh_engine(case.venue, scenario.instruments) as (engine, _):
        engine.connection(0).feed_all(case.frames)
        found = {}
        for symbol in engine.symbols():
            bids, asks, _, price, size = engine.book(engine.instrument_id(symbol))
            found[symbol] = [
                [(_exact(level[0], price), _exact(level[1], size)) for level in side[:depth]]
                for side in (bids, asks)
            ]
        return found


def _exact(value: int, exponent: int) -> float:
    return float(Decimal(int(value)).scaleb(exponent))


def same(told: Mapping[str, Sequence[Sequence[Sequence[str]]]], right: Books) -> str:
    """Which book is not the right one, and where; empty if all are.

    `told`: as `right`, of text. Some peers keep floats: what differs after 9 digits is the same.
    """
    for symbol, sides in right.items():
        for side, mine, theirs in zip(
            ("bid", "ask"), sides, told.get(symbol, ((), ())), strict=True
        ):
            read = [(float(price), float(size)) for price, size in theirs]
            for n, (due, here) in enumerate(zip_longest(mine, read), 1):
                if due is None or here is None or not all(map(_close, due, here)):
                    return f"its book of {symbol} is not right: {side} {n} is {here}, not {due}"
    return ""


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9)
