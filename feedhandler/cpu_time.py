"""How much of a core this thread uses, and how much it would use if it got one.

The kernel keeps both for every thread: `/proc/thread-self/schedstat` has the ns that it ran and the
ns that it was ready to run but had no core (Linux, Documentation/scheduler/sched-stats.rst).
"""

from dataclasses import dataclass
from io import FileIO
from time import CLOCK_THREAD_CPUTIME_ID, clock_gettime_ns, monotonic_ns

_FIELDS = 3


@dataclass(frozen=True, slots=True)
class Share:
    """Of one core, 0 to 1: `used`, and `waited` for."""

    used: float = 0.0
    waited: float = 0.0

    def __str__(self) -> str:
        return f"{self.used:.0%} of a core used, {self.waited:.0%} waited for"


class CpuTime:
    """Of the thread that makes it, and asks."""

    def __init__(self) -> None:
        try:
            self._file: FileIO | None = FileIO("/proc/thread-self/schedstat")
        except OSError:  # a kernel without it
            self._file = None
        self._at = monotonic_ns()
        self._last = self._read()

    def _read(self) -> tuple[int, int]:
        """(ns run, ns waited); without the file nothing is known of the latter."""
        if self._file is not None:
            self._file.seek(0)
            found = self._file.read(128).split()
            if len(found) == _FIELDS:
                return int(found[0]), int(found[1])
        return clock_gettime_ns(CLOCK_THREAD_CPUTIME_ID), 0

    def share(self) -> Share:
        """Since the last call."""
        now, (used, waited) = monotonic_ns(), self._read()
        span = max(1, now - self._at)
        share = Share((used - self._last[0]) / span, (waited - self._last[1]) / span)
        self._at, self._last = now, (used, waited)
        return share
