"""Which instruments an export is of, and their numbers over all epochs of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler.adapter.pattern import Pattern
from feedhandler.export.source import Batch, Source, Terms
from shm import NO_INSTRUMENT

NOBODY = -1
_UNKNOWN = -2


class Wanted:
    """Patterns as in the configuration; none: all. `!` leaves out, the last match decides."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = patterns
        self._rules = [
            (not text.startswith("!"), Pattern.parse(text.removeprefix("!"))) for text in patterns
        ]
        #: whether what no pattern names is wanted
        self._else = not self._rules or not self._rules[0][0]

    def __call__(self, terms: Terms) -> bool:
        for taken, pattern in reversed(self._rules):
            if pattern.matches(terms):
                return taken
        return self._else


class Symbols:
    """`terms`: of each instrument that was met and is wanted, by its number. An instrument is the
    same in another epoch if the venue calls it the same; its newest terms count."""

    def __init__(self, source: Source, wanted: Wanted) -> None:
        self.terms: list[Terms] = []
        self._source = source
        self.wanted = wanted
        self._numbers: dict[str, int] = {}
        self._tables: dict[int, npt.NDArray[np.int64]] = {}

    def numbers(self, batch: Batch) -> npt.NDArray[np.int64]:
        """A number a record; NOBODY of what is not wanted, and of what belongs to none."""
        rows = batch.rows["instrument"].astype(np.int64)
        rows[rows == NO_INSTRUMENT] = NOBODY
        most = int(rows.max(initial=0)) + 1
        table = self._tables.get(batch.epoch)
        if table is None or len(table) <= most:
            table = self._grown(table, most)
            self._tables[batch.epoch] = table
        found = table[rows]  # NOBODY is the last place, which says NOBODY
        if (found == _UNKNOWN).any():
            for row in np.unique(rows[found == _UNKNOWN]).tolist():
                table[row] = self._number(self._source.terms(batch.epoch, row))
            found = table[rows]
        return found

    @staticmethod
    def _grown(table: npt.NDArray[np.int64] | None, most: int) -> npt.NDArray[np.int64]:
        grown = np.full(2 * most + 64, _UNKNOWN, np.int64)
        if table is not None:
            grown[: len(table) - 1] = table[:-1]
        grown[-1] = NOBODY
        return grown

    def _number(self, terms: Terms) -> int:
        if not self.wanted(terms):
            return NOBODY
        number = self._numbers.setdefault(terms.symbol, len(self.terms))
        if number == len(self.terms):
            self.terms.append(terms)
        else:
            self.terms[number] = terms
        return number


def told(symbols: Symbols) -> list[dict[str, Any]]:
    """The instruments, for programs."""
    return [
        {"symbol": terms.symbol, "name": terms.name, "kind": terms.kind.name.lower()}
        for terms in symbols.terms
    ]
