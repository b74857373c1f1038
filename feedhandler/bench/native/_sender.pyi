"""The sending end of the benchmarks' venue: native loops, without Python's lock.

Times are CLOCK_MONOTONIC nanoseconds, as `time.monotonic_ns` gives them. OSError if the other end
is gone.
"""

import numpy as np
import numpy.typing as npt

def blast(fd: int, data: bytes) -> None:
    """Write `data` into a socket, as fast as the other end takes it."""

def paced(
    fd: int,
    data: bytes,
    offsets: npt.NDArray[np.int64],
    due: npt.NDArray[np.int64],
    sent: npt.NDArray[np.int64],
    spin_ns: int,
) -> None:
    """Write data[offsets[i]:offsets[i + 1]] at due[i], each in a write of its own.

    What is late is written at once. `sent` is filled with when each was begun. Sleeps until
    `spin_ns` before something is due, and spins for the rest. ValueError: the arrays do not belong
    together.
    """
