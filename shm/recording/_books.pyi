"""Books made again from records: those of a recording, or those that a reader follows in the ring.

    books = Books()
    for rows in recording.rows("deribit", tables=["book"]):
        books.apply(rows)
    bids, asks = books.levels(7)

A book begins with a CLEAR, with a base of a recording, or with a cell (`join`); before that its
levels are left out. All numbers are scaled integers. Memory is that of the books, and no side has
more than 131,072 levels. Rows are not believed: see `bad` and `faults`.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: A row of a recording: the fields of an event with `raw=True`, `epoch`, and `base`: 1 of a row
#: that is no record but part of a book as it was after record `sequence`. The CLEAR row that such a
#: book begins with has in `price` the worst bid and in `size` the worst ask down to which it is
#: known; NONE: to its end.
RECORD: np.dtype[np.void]

class Rebuilt(NamedTuple):
    """A book as of record `sequence`, the last that changed it.

    Levels are (n, 2): price and size, best first.
    """

    instrument: int
    sequence: int
    venue_sequence: int
    exchange_ns: int
    receive_ns: int
    price_exponent: int
    size_exponent: int
    bids: NDArray[np.int64]
    asks: NDArray[np.int64]
    bids_known: int | None  #: of the whole side, from the best on; None: all that the feed had
    asks_known: int | None

class Books:
    """The books of one epoch of one venue, by instrument."""

    def apply(self, rows: NDArray[np.void]) -> int:
        """Take the book records among `rows`, in their order; how many were taken.

        `rows`: RECORD, or events with `raw=True`. Whole messages, if a book is looked at
        afterwards. After records that were lost, `clear` first: nothing tells which books they
        changed.
        """
    def tops(self, rows: NDArray[np.void]) -> NDArray[np.int64]:
        """As `apply`; and the best of the books after each message in which it changed: (n, 7), the
        number of its last row, bid, its size, ask, its size, price and size exponent. NONE: there
        is no such level, or none is known."""
    def join(
        self,
        instrument: int,
        bids: Iterable[Iterable[int]] | NDArray[np.int64],
        asks: Iterable[Iterable[int]] | NDArray[np.int64],
        *,
        sequence: int,
        price_exponent: int,
        size_exponent: int,
        bid_limit: int | None = None,
        ask_limit: int | None = None,
        venue_sequence: int = 0,
        exchange_ns: int = 0,
        receive_ns: int = 0,
    ) -> None:
        """Begin a book with what a cell shows; its records up to `sequence`, the cell's, are
        skipped then.

        `bid_limit`, `ask_limit`: the price of the worst level to which the side is known; None: all
        of it is.
        """
    def forget(self, instrument: int) -> None: ...
    def clear(self) -> None:
        """All books: another epoch begins, or records were lost."""
    def instruments(self) -> list[int]:
        """Of which there is a book."""
    def __contains__(self, instrument: int) -> bool: ...
    @property
    def bad(self) -> int:
        """Rows that cannot be, and were left out: a negative size, a side that is none."""
    def faults(self) -> dict[int, str]:
        """Books that cannot go on until their next base, and why."""
    def levels(
        self, instrument: int, depth: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bids and asks, (n, 2): price and size, best first. KeyError: there is no book."""
    def known(self, instrument: int) -> tuple[int | None, int | None]:
        """How many bids and asks, from the best on, none is missing between; None: of the side."""
    def book(self, instrument: int, depth: int | None = None) -> Rebuilt: ...
    def digest(
        self, instrument: int, bids: int, asks: int, price_exponent: int, size_exponent: int
    ) -> tuple[int | None, int | None]:
        """`digest_of` the best so many levels, written with these exponents; None: there are fewer
        levels, or these exponents do not hold them."""
    def base(
        self, instrument: int, sequence: int, *, epoch: int = 0, receive_ns: int | None = None
    ) -> NDArray[np.void]:
        """The book as base rows, as of record `sequence`: what `apply` begins it with again."""

def digest_of(levels: NDArray[np.int64]) -> int:
    """The first 8 bytes, little endian, of blake2b over (price, size) pairs as in memory."""
