"""What a market remembers of its trades and best levels, for clients and their checkers."""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

_RECORDS = 100_000
"""Trades of the venue that are remembered, and changes of best levels."""
T = TypeVar("T")


class Trade(NamedTuple):
    """One trade print. ``taker_buys`` tells the aggressor; ``direction`` is Deribit's tick code.

    ``number`` counts an instrument's trades, ``serial`` the venue's; ``sequence`` is of the book
    that it left, ``ms`` the venue's time.
    """

    number: int
    grid: int
    lots: int
    taker_buys: bool
    direction: int
    serial: int
    sequence: int
    ms: int


class Touch(NamedTuple):
    """The best levels from a sequence and the venue's time on: grid indexes and lots."""

    sequence: int
    ms: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


class Records(Generic[T]):
    """Records that instruments keep, bounded over all of them: the oldest goes."""

    def __init__(self) -> None:
        self._order: deque[deque[T]] = deque()

    def add(self, own: deque[T], record: T) -> None:
        """Put a record at the end of an instrument's own."""
        own.append(record)
        self._order.append(own)
        if len(self._order) > _RECORDS:
            self._order.popleft().popleft()
