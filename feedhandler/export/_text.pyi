"""Rows of text out of columns of numbers, in one loop without a Python object in it."""

import numpy as np
import numpy.typing as npt

NONE: int
"""No value: an empty field."""

class Column:
    """One column of text; made by `constant`, `names`, `integers`, `unsigned` and `decimals`."""

    rows: int  #: -1: of any number of rows

def constant(text: bytes) -> Column:
    """The same text in each row."""

def names(table: list[bytes], which: npt.NDArray[np.integer]) -> Column:
    """`table[which[row]]`; below 0: nothing. The texts must need no quotes.

    Raises IndexError where there is no such name."""

def integers(values: npt.NDArray[np.integer]) -> Column:
    """Whole numbers; NONE: nothing."""

def unsigned(values: npt.NDArray[np.integer]) -> Column:
    """Whole numbers; 0: nothing."""

def decimals(values: npt.NDArray[np.integer], exponents: npt.NDArray[np.integer] | int) -> Column:
    """values * 10^exponents, exactly; NONE: nothing."""

def lines(columns: list[Column], first: int, last: int) -> bytes:
    """Rows `first` to before `last` of these columns, with commas between and a line feed at the
    end. Raises ValueError where a column has fewer."""
