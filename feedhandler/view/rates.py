"""How fast a venue's counters grow and how late its data is, of the last seconds or the last hour.

Counters begin at 0 with each epoch. What is kept here goes on over epochs: it is the sum of what
was seen to be added.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from shm import Counter, Histogram
from shm.memory import LatencyHistogram, Memory

NOW_NS: Final = 5_000_000_000  #: rates and latencies are of the last 5 s
HOUR_NS: Final = 3_600_000_000_000
_STEP_NS: Final = 10_000_000_000  # of what is kept for an hour

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Latency:
    """Of the last NOW_NS, in ns; 0 where nothing came. A bucket's upper end: see `shm`."""

    p50: int = 0
    p99: int = 0
    most: int = 0


NOTHING: Final = Latency()


@dataclass(slots=True)
class _Point:
    at_ns: int
    counters: Numbers
    histograms: Numbers


@dataclass(slots=True)
class Rates:
    """Of one venue. `since_ns`: when it was first looked at."""

    since_ns: int = 0
    _epoch: int = -1
    _last: _Point | None = None  # as memory had it
    _total: _Point | None = None  # over all epochs seen
    _recent: deque[_Point] = field(default_factory=deque)
    _hour: deque[tuple[int, Numbers]] = field(default_factory=deque)  # counters alone

    def add(self, memory: Memory, now_ns: int) -> None:
        """One more look at a venue's memory."""
        counters = np.array(memory.segment.counters(), dtype=np.uint64)
        histograms = np.array([memory.segment.histogram(each) for each in Histogram], np.uint64)
        point = total = _Point(now_ns, counters, histograms)
        if self._last is None or self._total is None:
            self.since_ns = now_ns
        else:
            last, before = self._last, self._total
            if memory.epoch != self._epoch:
                last = _Point(0, np.zeros_like(counters), np.zeros_like(histograms))
            total = _Point(
                now_ns,
                before.counters + _grown(counters, last.counters),
                before.histograms + _grown(histograms, last.histograms),
            )
        self._epoch, self._last, self._total = memory.epoch, point, total
        self._recent.append(total)
        while len(self._recent) > 2 and now_ns - self._recent[1].at_ns >= NOW_NS:
            self._recent.popleft()
        if not self._hour or now_ns - self._hour[-1][0] >= _STEP_NS:
            self._hour.append((now_ns, total.counters))
        while len(self._hour) > 2 and now_ns - self._hour[1][0] >= HOUR_NS:
            self._hour.popleft()

    def a_second(self, counter: Counter) -> float:
        """How much a counter grows, of the last NOW_NS."""
        if len(self._recent) < 2:
            return 0.0
        first, last = self._recent[0], self._recent[-1]
        grown = int(last.counters[counter] - first.counters[counter])
        return grown / max(1e-9, (last.at_ns - first.at_ns) / 1e9)

    def of_hour(self, counter: Counter) -> int:
        """How much a counter grew in the last hour, or since it was first looked at."""
        if self._total is None or not self._hour:
            return 0
        return int(self._total.counters[counter] - self._hour[0][1][counter])

    def latency(self, histogram: Histogram) -> Latency:
        """How late what came in the last NOW_NS was."""
        if len(self._recent) < 2:
            return NOTHING
        counts = self._recent[-1].histograms[histogram] - self._recent[0].histograms[histogram]
        if not counts.any():
            return NOTHING
        found = LatencyHistogram(histogram.name.lower(), tuple(counts.tolist()))
        return Latency(*(found.percentile(share) for share in (0.5, 0.99, 1.0)))


def _grown(now: Numbers, before: Numbers) -> Numbers:
    """What was added; all of it, where it began anew."""
    return now - before if (now >= before).all() else now
