"""When frames are due: at a rate, or as they came in a recorded burst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feedhandler.bench.kit.frames import Case

_MOST_SPIN_NS, _BURST_SPIN_NS = 50_000, 5_000
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """Frames `first` up to `last` of a case; `after_ns`: when each is due, from the start.

    `spin_ns`: how long the sender may spin before one is due, where it shares its core with the
    reader: little enough that the reader has the core most of the time.
    """

    name: str
    first: int
    last: int
    after_ns: Times
    spin_ns: int

    @property
    def count(self) -> int:
        """Of frames."""
        return self.last - self.first


def paced(first: int, rate: int, seconds: float) -> Slice:
    """Frames from `first` on at a steady rate a second."""
    count = max(1, int(rate * seconds))
    name = f"{rate / 1000:g}k/s" if rate >= 1000 else f"{rate}/s"
    after = np.arange(count, dtype=np.int64) * 10**9 // rate
    return Slice(name, first, first + count, after, min(_MOST_SPIN_NS, 10**9 // rate // 8))


def busiest(case: Case, seconds: float) -> tuple[int, int]:
    """The frames of so many seconds of a recording in which most came: first and one past the last.

    A window begins with a frame and never within the first fifth, which warms.
    """
    times = np.asarray(case.times, np.int64)
    ends = np.searchsorted(times, times + int(seconds * 1e9))
    counts = ends - np.arange(len(times))
    least = len(times) // 5
    first = least + int(np.argmax(counts[least:]))
    return first, int(ends[first])


def burst(case: Case, seconds: float, speed: float) -> Slice:
    """The busiest seconds of a recording at true spacing, or compressed `speed` times."""
    first, last = busiest(case, seconds)
    times = np.asarray(case.times[first:last], np.int64)
    after = np.maximum.accumulate(times - times[0])  # a recorder's clock may step back
    name = f"burst x{speed:g}" if speed != 1 else "burst"
    return Slice(name, first, last, (after / speed).astype(np.int64), _BURST_SPIN_NS)


def in_order(slices: Sequence[Slice], warm: int) -> bool:
    """Whether the slices are a case's frames after the first `warm`, all of them, in order."""
    firsts = [one.first for one in slices]
    return firsts == [warm, *(one.last for one in slices[:-1])]
