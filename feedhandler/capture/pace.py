"""The recorded pace of a capture."""

import time
from collections.abc import Callable

_IDLE_S = 0.1


class Pace:
    """The recorded spacing of the frames, by a factor. Clocks may stand still or jump back.

    `idle` is called at least every 0.1 s while waiting.
    """

    def __init__(self, speed: float | None, idle: Callable[[], None]) -> None:
        self._speed = speed
        self._idle = idle
        self._last: int | None = None
        self._due = 0.0

    def wait(self, t: int | None) -> None:
        """Return when a frame received at `t` ns is due."""
        if self._speed is None or t is None:
            return
        now = time.monotonic()
        if self._last is None:
            self._due = now
        else:
            self._due += max(0, t - self._last) / 1e9 / self._speed
        self._last = t
        while (left := self._due - now) > 0:
            time.sleep(min(left, _IDLE_S))
            self._idle()
            now = time.monotonic()
