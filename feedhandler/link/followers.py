"""Who mirrors a venue, as mirrors say it of themselves, for people who look at the source."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Any

import msgspec

from feedhandler.link.names import Follower

_KEPT_S = 5.0  #: a mirror says it once a second
_MOST = 1000  #: whoever may ask may say anything


class Followers:
    """Any thread may do either."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, str, int], tuple[float, Follower]] = {}
        self._lock = threading.Lock()

    def note(self, one: Follower) -> None:
        """It is there."""
        key = one.host, one.namespace, one.pid
        with self._lock:
            if key in self._heard or len(self._heard) < _MOST:
                self._heard[key] = monotonic(), one

    def now(self) -> list[dict[str, Any]]:
        """Those that were heard lately: as of `Follower`, by host."""
        with self._lock:
            until = monotonic() - _KEPT_S
            self._heard = {key: each for key, each in self._heard.items() if each[0] >= until}
            return [msgspec.to_builtins(self._heard[key][1]) for key in sorted(self._heard)]
