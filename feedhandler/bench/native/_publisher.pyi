"""The writer of the hop benchmark: one record a message, in native loops without Python's lock.

`capsule`: of :meth:`shm._native.Writer.capsule`, with instrument 0 in its directory. A record's
exchange_ns is the CLOCK_MONOTONIC time when its message was due; its venue_sequence counts from 1.
"""

import numpy as np
import numpy.typing as npt

def paced(capsule: object, count: int, interval_ns: int) -> None:
    """A message every `interval_ns`, never early; readers are woken after each."""

def bursts(capsule: object, size: int, interval_ns: int, took: npt.NDArray[np.int64]) -> None:
    """`size` messages at once every `interval_ns`, as often as `took` is long; readers are woken
    after each burst. Fills `took` with how many ns each burst took its writer."""
