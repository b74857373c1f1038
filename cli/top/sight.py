"""What was last looked at: all screens show of the same look."""

from __future__ import annotations

from collections import deque

from feedhandler.view.status import namespace_status
from feedhandler.view.watch import VenueLook, Watch

_KEPT = 60  # looks whose rates are drawn


class Sight:
    """`looks`: each venue, as it was at the last look; `frames`: a second, of the last looks."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.watching = Watch(namespace)
        self.looks: list[VenueLook] = []
        self.frames: dict[str, deque[float]] = {}

    def look(self) -> None:
        """Read memory."""
        self.looks = self.watching.look(namespace_status(self.namespace)["venues"])
        for look in self.looks:
            self.frames.setdefault(look.venue, deque(maxlen=_KEPT)).append(look.frames)

    def of(self, venue: str) -> VenueLook | None:
        """The last look at a venue; None: nothing of it is in memory."""
        return next((look for look in self.looks if look.venue == venue), None)
