"""How much of a core this thread uses, and how much it would use if it got one.

The kernel keeps both for every thread: `/proc/thread-self/schedstat` has the ns that it ran and the
ns that it was ready to run but had no core (Linux, Documentation/scheduler/sched-stats.rst).
"""

from dataclasses import dataclass
from pathlib import Path
from time import CLOCK_THREAD_CPUTIME_ID, clock_gettime_ns, monotonic_ns

_SCHEDSTAT = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True, slots=True)
class Share:
    """Of one core, 0 to 1: `used`, and `waited` for."""

    used: float = 0.0
    waited: float = 0.0

    def __str__(self) -> str:
        return f"{self.used:.0%} of a core used, {self.waited:.0%} waited for"


def _read() -> tuple[int, int]:
    """(ns run, ns waited); a kernel without the file says nothing of the latter."""
    try:
        used, waited, _ = _SCHEDSTAT.read_text().split()
    except (OSError, ValueError):
        return clock_gettime_ns(CLOCK_THREAD_CPUTIME_ID), 0
    return int(used), int(waited)


class CpuTime:
    """Of the thread that calls it."""

    def __init__(self) -> None:
        self._at = monotonic_ns()
        self._last = _read()

    def share(self) -> Share:
        """Since the last call."""
        now, (used, waited) = monotonic_ns(), _read()
        span = max(1, now - self._at)
        share = Share((used - self._last[0]) / span, (waited - self._last[1]) / span)
        self._at, self._last = now, (used, waited)
        return share
