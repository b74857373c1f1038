"""A table of an export: which records it is made of, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from feedhandler.export.columns import Column, Integers
from feedhandler.export.source import Terms


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of wanted instruments. `which`: the instrument's number in `terms`; `local_ns`: when
    each was received, never before the one before it."""

    rows: npt.NDArray[np.void]
    which: npt.NDArray[np.int64]
    local_ns: npt.NDArray[np.int64]
    terms: Sequence[Terms]
    epoch: int

    def part(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64] | slice) -> Chunk:
        """Some of the records: as a mask, by their places, or a range."""
        numbers, times = self.which[which], self.local_ns[which]
        return Chunk(self.rows[which], numbers, times, self.terms, self.epoch)


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows of a table, column by column."""

    columns: Mapping[str, Column]
    count: int


class Table(Protocol):
    """`kinds`: of the records that it takes; `books`: whether it keeps books of them."""

    kinds: frozenset[int]
    books: bool

    @property
    def dropped(self) -> int:
        """Records of books that had no base."""
        ...

    def rows(self, chunk: Chunk) -> Frame:
        """The rows of these records, in their order."""
        ...

    def pass_over(self, chunk: Chunk) -> None:
        """Records from before the time that is wanted: what is known then is made of them."""
        ...

    def begin(self, start_ns: int, terms: Sequence[Terms]) -> Frame | None:
        """What was known when the time begins, after records were passed over."""
        ...

    def broken(self) -> None:
        """Records are missing here: no book goes on."""
        ...


def microseconds(ns: npt.NDArray[np.int64]) -> Integers:
    """Times as Tardis has them."""
    return Integers(ns // 1000)


class Stateless:
    """A table of which each row is a record, whatever came before."""

    kinds: frozenset[int] = frozenset()
    books = False
    dropped = 0

    def pass_over(self, chunk: Chunk) -> None:
        """Nothing is kept."""

    def begin(self, start_ns: int, terms: Sequence[Terms]) -> Frame | None:  # noqa: ARG002
        """Nothing is known."""
        return None

    def broken(self) -> None:
        """Nothing goes on."""
