"""The books as whoever reads an export's rows has them: what a reader must be told, and no more."""

import numpy as np
import numpy.typing as npt

ROW: np.dtype[np.void]
"""A level of a book as a row: at (the place of the record that it came with), price, size, which,
price_exponent, size_exponent, side, flags (SNAPSHOT, or none)."""

class Records:
    """The columns of records that books are made of; `which`: the book's number."""

    count: int
    books: int  #: the highest number, and one
    def __init__(self, rows: npt.NDArray[np.void], which: npt.NDArray[np.integer]) -> None: ...

class _Books:
    dropped: int  #: records of books that were not in step
    def broken(self, which: int = -1) -> None:
        """A hole: no book is in step until there is a base of it again. -1: of all."""

    def in_step(self) -> list[int]:
        """The books that are."""

class Mirror(_Books):
    """Rows for readers that clear a book at a snapshot's first row, and for those that do not.

    A snapshot's rows are its levels, and with size 0 what the reader has besides: so a book is
    right even after two snapshots in a row, or an empty one, or one that is shorter than the book
    before. What comes before there is a base is dropped.
    """

    def apply(self, records: Records) -> npt.NDArray[np.void]:
        """The rows of LEVEL and CLEAR records; others are passed over."""

    def whole(self) -> npt.NDArray[np.void]:
        """Every book that is in step as the rows of a snapshot, best first; `at` is -1."""

class Tops(_Books):
    """The best levels of books: a row each time that a message has changed them."""

    depth: int
    def __init__(self, depth: int) -> None: ...
    def apply(
        self, records: Records
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """(places of the records with which they changed, levels[row, side, depth, price or size],
        exponents[row, price or size]); a level that is not there has a price and size of NONE."""
