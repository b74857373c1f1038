"""What is known of instruments beside their books: a row each time that it has changed."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

class Tickers:
    """`fields`: those that a row is made for, by number; `every`: also when a quote repeats them.

    Fields are those of `shm.Stat` by their numbers, 17 the last trade's price, 18 to 21 the best
    bid's price and size, and the best ask's. `liquidations`: whether they are trades.
    """

    def __init__(
        self, fields: Iterable[int], *, every: bool = False, liquidations: bool = True
    ) -> None: ...
    def apply(
        self,
        rows: npt.NDArray[np.void],
        which: npt.NDArray[np.integer],
        tops: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]
        | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """(places of the records that end a message that changed something, values[row, field],
        exponents[row, field]); a value that is not known is NONE.

        `tops`: what `Tops(1)` made of the same records: the best bid and offer of instruments that
        have no channel of them.
        """
