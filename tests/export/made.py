"""Records made by hand, as the ring has them, and books of them in plain dicts."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from shm import Flag, Kind
from shm._native import RAW_EVENT

Book = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


def rows(records: list[dict[str, Any]]) -> npt.NDArray[np.void]:
    made = np.zeros(len(records), RAW_EVENT)
    for at, record in enumerate(records):
        for name, value in record.items():
            made[name][at] = value
    return made


def message(instrument: int, levels: list[Any], *, snapshot: bool) -> list[dict[str, Any]]:
    """One message of a book: (side, price, size, price_exponent, size_exponent) a level."""
    names = ("side", "price", "size", "price_exponent", "size_exponent")
    made: list[dict[str, Any]] = [{"kind": Kind.CLEAR}] if snapshot else []
    made += [{"kind": Kind.LEVEL, **dict(zip(names, one, strict=True))} for one in levels]
    for one in made:
        one |= {"instrument": instrument, "flags": Flag.SNAPSHOT if snapshot else Flag(0)}
    made[0]["flags"] |= Flag.FIRST
    made[-1]["flags"] |= Flag.LAST
    return made


def messages(count: int, seed: int, instruments: int = 3) -> list[list[dict[str, Any]]]:
    """Books that begin with deltas, are sent whole now and then (also twice in a row, or empty, or
    shorter than before), and whose exponents change."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        instrument = dice.randrange(instruments)
        snapshot = dice.random() < 0.15
        exponents = dice.choice(((-2, -3), (-2, -3), (-1, -3), (-3, 0), (0, 1)))
        levels = []
        for _ in range(dice.choice((0, 3, 8)) if snapshot else dice.randrange(1, 4)):
            side = dice.randrange(2)
            price = 100 + (dice.randrange(1, 12) if side else -dice.randrange(1, 12))
            scaled = price * 10 ** -exponents[0]
            size = dice.choice((0, 1, 2, 70))
            levels.append((side, scaled, size, *exponents))
        made.append(message(instrument, levels, snapshot=snapshot))
    return made


class Plain:
    """Books in Decimal, as the records mean them."""

    def __init__(self) -> None:
        self.books: dict[int, Book] = {}

    def take(self, record: dict[str, Any]) -> None:
        instrument = record["instrument"]
        if record["kind"] == Kind.CLEAR:
            self.books[instrument] = {}, {}
        elif instrument in self.books:
            side = self.books[instrument][record["side"]]
            price = Decimal(record["price"]).scaleb(record["price_exponent"])
            size = Decimal(record["size"]).scaleb(record["size_exponent"])
            if size:
                side[price] = size
            else:
                side.pop(price, None)
