"""The last hour of each venue in points a few seconds apart: what charts are drawn of."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from feedhandler.view.watch import VenueLook

EVERY_S: Final = 5  #: from one point to the next
_POINTS: Final = 3600 // EVERY_S
#: of a point: when (unix s), frames a second, lag p50 and p99 in ms, gaps so far, share LIVE
FIELDS: Final = ("at", "frames", "lag_p50", "lag_p99", "gaps", "live")


class History:
    """Of all venues that were looked at."""

    def __init__(self) -> None:
        self._points: dict[str, deque[list[float]]] = {}
        self._at = 0

    def add(self, looks: Sequence[VenueLook], at: int) -> None:
        """A point of each, unless the last is younger than EVERY_S; `at`: unix s."""
        if at - self._at < EVERY_S:
            return
        self._at = at
        for look in looks:
            points = self._points.setdefault(look.venue, deque(maxlen=_POINTS))
            of = look.status["instruments"]
            points.append(
                [
                    float(at),
                    round(look.frames, 1),
                    round(look.lag.p50 / 1e6, 3),
                    round(look.lag.p99 / 1e6, 3),
                    float(look.gaps),
                    round(look.status["live"] / of, 4) if of else 0.0,
                ]
            )

    def of(self, venue: str) -> list[list[float]]:
        """A venue's points, oldest first."""
        return list(self._points.get(venue, ()))

    def newest(self, venue: str) -> list[float] | None:
        """Its last point."""
        points = self._points.get(venue)
        return points[-1] if points else None

    def document(self, venue: str) -> dict[str, Any]:
        """All points of a venue, and what they are."""
        return {"fields": FIELDS, "every_s": EVERY_S, "points": self.of(venue)}
