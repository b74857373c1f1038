"""The venue's welcome, where it has one: nothing is subscribed to before it came."""

import orjson

from feedhandler.adapter.connect import Welcome
from feedhandler.shape.tree import matched


class WelcomeGate:
    """Of one connection, over all its sessions. `waits`: it has not come yet."""

    def __init__(self, welcome: Welcome | None) -> None:
        self.waits = False
        self._tree = welcome.tree if welcome is not None else None
        self._within_s = welcome.within_s if welcome is not None else 0.0
        self._until = 0.0

    def close(self) -> None:
        """A socket is about to be opened: the welcome may come before anybody knows of it."""
        self.waits = self._tree is not None

    def begin(self, now: float) -> None:
        """The socket is open."""
        self._until = now + self._within_s

    def opens(self, frame: bytes) -> bool:
        """Whether this is what was waited for."""
        if not self.waits or self._tree is None:
            return False
        try:
            self.waits = matched(self._tree, orjson.loads(frame)) is None
        except orjson.JSONDecodeError:
            return False
        return not self.waits

    def overdue(self, now: float) -> str:
        """Why the session is of no use; "": it may be still."""
        if not self.waits or now < self._until:
            return ""
        return f"the venue has not said welcome within {self._within_s:g} s"
