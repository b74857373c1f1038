"""The wall clock of a simulated venue, which can be told to go wrong."""

from __future__ import annotations

import time


class VenueClock:
    """The computer's clock plus ``skew_ms``. Only what a venue sends is stamped with it."""

    __slots__ = ("skew_ms",)

    def __init__(self) -> None:
        self.skew_ms = 0

    def ms(self) -> int:
        """Venue time, unix ms."""
        return time.time_ns() // 1_000_000 + self.skew_ms

    def us(self) -> int:
        """Venue time, unix us."""
        return time.time_ns() // 1_000 + self.skew_ms * 1_000
