"""Recording of times the HdrHistogram way: constant relative error, correction for omission.

The buckets are those of HdrHistogram (http://hdrhistogram.org): linear within each power of two,
so many of them that a value is known to `digits` significant digits, whatever its size. The
library of that name records one value a call, about a microsecond each from Python; this one takes
arrays of millions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
Values = npt.NDArray[np.int64]


class Histogram:
    """Counts of non-negative integers, nanoseconds as a rule; `digits`: 1 to 4, significant."""

    def __init__(self, digits: int = 3) -> None:
        if not 1 <= digits <= 4:
            raise ValueError(f"digits {digits}: 1 to 4")
        self._half_bits = int(np.ceil(np.log2(10**digits)))  # buckets of half a power of two
        self._counts = np.zeros(1, np.int64)
        self.count = 0
        self.max = 0
        self._sum = 0

    def record(self, values: npt.ArrayLike) -> None:
        """Count each value; negative ones (a clock that is not one clock) raise ValueError."""
        array = np.atleast_1d(np.asarray(values, np.int64))
        if array.size == 0:
            return
        if int(array.min()) < 0:
            raise ValueError(f"{int(array.min())}: a time below 0")
        found = np.bincount(self._index(array))
        if len(found) > len(self._counts):
            self._counts = np.concatenate(
                [self._counts, np.zeros(len(found) - len(self._counts), np.int64)]
            )
        self._counts[: len(found)] += found
        self.count += int(array.size)
        self.max = max(self.max, int(array.max()))
        self._sum += int(array.sum())

    def record_corrected(self, values: npt.ArrayLike, interval: int) -> None:
        """Count values of which one was due every `interval`, with those that a stall kept away.

        Where the next measurement begins only after the last one ended, a stall of 10 intervals is
        one bad value instead of the 10 that everybody waiting would have seen (G. Tene,
        "coordinated omission"). For a value v the missing v - interval, v - 2 * interval, ... down
        to `interval` are counted too, as HdrHistogram does. Times measured from when something was
        due need no such correction.
        """
        if interval <= 0:
            raise ValueError(f"interval {interval}: above 0")
        array = np.atleast_1d(np.asarray(values, np.int64))
        self.record(array)
        for value in array[array >= 2 * interval].tolist():
            self.record(np.arange(value - interval, interval - 1, -interval, dtype=np.int64))

    def merge(self, other: Histogram) -> None:
        """Add another's counts; of the same digits."""
        if other._half_bits != self._half_bits:
            raise ValueError("histograms of different digits")
        longer, shorter = sorted((self._counts, other._counts), key=len, reverse=True)
        merged = longer.copy()
        merged[: len(shorter)] += shorter
        self._counts = merged
        self.count += other.count
        self.max = max(self.max, other.max)
        self._sum += other._sum

    @property
    def mean(self) -> float:
        """Of the values as they were recorded; 0 without any."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> int:
        """The value that `percent` of 100 are not above, as its bucket's highest; 0 without any."""
        return self.percentiles([percent])[0]

    def percentiles(self, percents: Sequence[float]) -> list[int]:
        """The same of many."""
        if not self.count:
            return [0] * len(percents)
        # The rank is rounded up but for what floats add to it: 99.9 % of 1,000 is 999.
        ranks = [max(1, int(np.ceil(self.count * p / 100 - 1e-9 * self.count))) for p in percents]
        at = np.searchsorted(np.cumsum(self._counts), ranks)
        return [min(self.max, int(high)) for high in self._highest(at)]

    def buckets(self) -> tuple[Values, Values]:
        """(highest value, count) of each bucket that has any, ascending."""
        at = np.flatnonzero(self._counts)
        return np.minimum(self._highest(at), self.max), self._counts[at]

    def _index(self, values: Values) -> Values:
        """Linear below 2^(bits + 1); above, the exponent and the highest bits of the value."""
        top = np.frexp(values.astype(np.float64))[1].astype(np.int64)  # bits in the value
        shift = np.maximum(top - (self._half_bits + 1), 0)
        # A value just below a power of two may be rounded up to it as a float.
        shift -= (values >> shift < 1 << self._half_bits) & (shift > 0)
        return (shift << self._half_bits) + (values >> shift)

    def _highest(self, index: Values) -> Values:
        """The highest value of a bucket."""
        at = np.asarray(index, np.int64)
        shift = np.maximum((at >> self._half_bits) - 1, 0)
        highest: Values = ((at - (shift << self._half_bits) + 1) << shift) - 1
        return highest
