"""Exports read by nothing but the standard library: what their rows say, in Decimal."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from feedhandler.export.open import opened
from feedhandler.export.run import Done, Job, export

Row = dict[str, str]


def exported(source: Path | str, out: Path, venue: str | None = None, **job: object) -> Done:
    """Export as the name of `out` says."""
    from feedhandler.export.run import format_of, type_of

    named = {"format": format_of(out.name), "type": type_of(out.name)} | job
    return export(opened(str(source), venue=venue), Job(out, **named))  # type: ignore[arg-type]


def rows_of(path: Path) -> Iterator[Row]:
    """A CSV's rows by the names of its header."""
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "rt", newline="") as source:
        yield from csv.DictReader(source)


class Reader:
    """A book as whoever reads incremental_book_L2 keeps it.

    `clears`: at the first row of a snapshot, as Tardis says that readers do; or never, as those do
    that only set levels.
    """

    def __init__(self, *, clears: bool = True) -> None:
        self.sides: dict[str, dict[Decimal, Decimal]] = {"bid": {}, "ask": {}}
        self._clears = clears
        self._in_snapshot = False

    def take(self, row: Row) -> None:
        snapshot = {"true": True, "false": False}[row["is_snapshot"]]
        if snapshot and not self._in_snapshot and self._clears:
            self.sides = {"bid": {}, "ask": {}}
        self._in_snapshot = snapshot
        price, amount = Decimal(row["price"]), Decimal(row["amount"])
        if amount == 0:
            self.sides[row["side"]].pop(price, None)
        else:
            self.sides[row["side"]][price] = amount

    @property
    def bids(self) -> dict[Decimal, Decimal]:
        return self.sides["bid"]

    @property
    def asks(self) -> dict[Decimal, Decimal]:
        return self.sides["ask"]
