"""How far another host's clock is from ours, from questions and answers (RFC 5905, section 8)."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic_ns

_KEPT_NS = 60_000_000_000
_DRIFT = 200e-6  #: more than this no clock gains or loses


@dataclass(frozen=True, slots=True)
class Offset:
    """Its clock less ours, `error_ns` at most wrong; `rtt_ns`: of the question."""

    offset_ns: int
    error_ns: int
    rtt_ns: int
    at_ns: int  #: monotonic


class ClockOffset:
    """The offset that the quickest answer of the last minute shows: what waited least, lies least.

    A clock that was set shows at once: an answer that cannot be true beside those before it makes
    them forgotten.
    """

    def __init__(self) -> None:
        self._kept: deque[Offset] = deque()
        self._best: Offset | None = None
        self._lock = threading.Lock()

    def add(self, asked_ns: int, came_ns: int, left_ns: int, answered_ns: int) -> None:
        """One question: asked and answered by our clock, came and left by theirs."""
        rtt = max(0, (answered_ns - asked_ns) - (left_ns - came_ns))
        offset = ((came_ns - asked_ns) + (left_ns - answered_ns)) // 2
        now = monotonic_ns()
        one = Offset(offset, rtt // 2 + 1, rtt, now)
        with self._lock:
            if any(not _agree(one, before, now) for before in self._kept):
                self._kept.clear()
            self._kept.append(one)
            while now - self._kept[0].at_ns > _KEPT_NS:
                self._kept.popleft()
            self._best = min(self._kept, key=lambda one: one.rtt_ns)

    def now(self) -> Offset | None:
        """None: nobody has answered yet."""
        best = self._best
        if best is None:
            return None
        drift = int((monotonic_ns() - best.at_ns) * _DRIFT)
        return Offset(best.offset_ns, best.error_ns + drift, best.rtt_ns, best.at_ns)

    def forget(self) -> None:
        """Another source, or another way to it."""
        with self._lock:
            self._kept.clear()
            self._best = None


def _agree(one: Offset, before: Offset, now: int) -> bool:
    """With a bit of room: reading a clock takes time, too."""
    room = one.error_ns + before.error_ns + int((now - before.at_ns) * _DRIFT) + 1_000_000
    return abs(one.offset_ns - before.offset_ns) <= room
