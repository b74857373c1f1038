"""Records in, memory out. See `mirror.h`."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from shm._native import Writer

class Mirror:
    """Writes what other memory carried into the memory of `writer`, whose only writer it is.

    The directory is the caller's: a row is added to it, or stored again, and then said here.
    `percent`: statistics that the venue writes in percent, and cells have as fractions.
    """

    def __init__(self, writer: Writer, *, percent: Iterable[int] = ()) -> None: ...
    def define(
        self,
        instrument: int,
        *,
        kind: int,
        status: int,
        definition: int,
        has_book: bool,
        precision: int,
        price_exponents: Sequence[int],
        size_exponents: Sequence[int],
    ) -> None:
        """What cells need of a row of the directory, which has it already."""
    def play(self, rows: NDArray[np.void], *, recorded: bool = True) -> int:
        """Take rows (RECORD, in order, whole messages); how many were taken.

        Fewer than there are: the next one is of an instrument that is not defined, or in exponents
        that its row has not. Base rows change books and are no records. Without `recorded` no row
        goes into the ring: the cells come to be what they were.
        """
    def mark(
        self, instrument: int, bids_known: int, asks_known: int, state: int, reason: int
    ) -> None:
        """What the feed's own cell said: how deep its book was known, and its state."""
    def forget(self) -> list[int]:
        """Records are missing: no book is known; of which instruments there was one."""
    def known(self, instrument: int) -> bool:
        """Whether its book has begun, since there was something to begin it with."""
    def show(self) -> None:
        """Store the cells, let the records be seen, wake who sleeps."""
    @property
    def next_sequence(self) -> int: ...
