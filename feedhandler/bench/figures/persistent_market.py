"""What changes at the venue of `bench persistent`, and when: known to both ends by a seed.

A book of 50 levels a side, of which each change touches four. Times are CLOCK_MONOTONIC ns, which
both processes share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

LEVELS = 50
_SEED = 11
_SPAN_S = 3600.0

Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Market:
    """`began`: ns; `gap_s`: between two changes, on average; they come at random."""

    began: int
    gap_s: float

    def times(self) -> Times:
        """When each change happens, for an hour."""
        rng = np.random.default_rng(_SEED)
        gaps = rng.exponential(self.gap_s * 1e9, max(1, int(_SPAN_S / self.gap_s)))
        return self.began + np.cumsum(gaps).astype(np.int64)


def _levels(first: int, step: int, count: int) -> list[list[str]]:
    return [[f"{(first + n * step) / 10:.1f}", f"{1 + n * 7 % 90}.{n % 10}"] for n in range(count)]


def book(change: int, number: int) -> bytes:
    """The whole book after a change, as the answer to request `number`."""
    bids, asks = _levels(600_000, -5, LEVELS), _levels(600_005, 5, LEVELS)
    return orjson.dumps({"id": number, "change": change, "bids": bids, "asks": asks})


def update(change: int) -> bytes:
    """The change alone, as it is streamed."""
    bids, asks = _levels(600_000, -5, 2), _levels(600_005, 5, 2)
    data = {"change": change, "bids": bids, "asks": asks}
    return orjson.dumps({"method": "subscription", "params": {"channel": "book", "data": data}})


def change_of(message: bytes) -> int:
    """Which change an answer or an update shows."""
    found = orjson.loads(message)
    return int(found["params"]["data"]["change"] if "params" in found else found["change"])
