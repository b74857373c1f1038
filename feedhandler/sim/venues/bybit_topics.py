"""Bybit's topics: which there are, and what a subscription's arguments may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from feedhandler.sim.market.market import Market

INTERVALS: Final[Mapping[int, float]] = {1: 0.01, 50: 0.02, 200: 0.1, 1000: 0.2}
"""Seconds between the messages of a book, by its levels."""
MAX_CHARACTERS: Final = 21_000
"""Of all the arguments on one connection."""
SPOT_ARGUMENTS: Final = 10
"""Of one request, on the spot socket."""
_KINDS = {
    "linear": ("publicTrade", "tickers", "allLiquidation"),
    "spot": ("publicTrade", "tickers"),
}


class Topic(NamedTuple):
    """A topic taken apart; ``levels`` of a book, else 0."""

    kind: str
    levels: int
    symbol: str


def parse(category: str, market: Market, text: str) -> Topic | None:
    """None: the venue has no such topic. Letters count as they are."""
    kind, _, symbol = text.partition(".")
    levels = 0
    if kind == "orderbook":
        number, _, symbol = symbol.partition(".")
        levels = int(number) if number.isdigit() else 0
        if levels not in INTERVALS:
            return None
    elif kind not in _KINDS[category]:
        return None
    return Topic(kind, levels, symbol) if symbol in market.instruments else None
