"""Events in the order of two clocks: which are written once, and which twice."""

import numpy as np
import numpy.typing as npt

EXCHANGE: int
LOCAL: int
"""What an event in the written order counts for: the exchange, the reader, or both."""

def merged(
    by_exchange: npt.NDArray[np.int32],
    rank: npt.NDArray[np.int32],
    exchange: int,
    local: int,
    event: npt.NDArray[np.int32],
    clock: npt.NDArray[np.int8],
) -> tuple[int, int, int]:
    """Go on from the places (exchange, local), as far as `event` has room; returns (written,
    exchange, local).

    `by_exchange[i]`: the event that is i-th by the exchange's clock, numbered by the reader's;
    `rank`: the other way round. Each event is there once for both clocks if its turn comes in both
    at the same time, else once for each. Raises ValueError for arrays of different lengths.
    """
