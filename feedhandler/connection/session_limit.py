"""When the session of a connection has to be replaced, and why: its age, or the venue's word."""

from time import time

from feedhandler.connection.rotation_time import renew_in

NOTICE_AGE_S = 5.0  #: a younger session is not renewed on a notice: they may follow each other


class SessionLimit:
    """`lifetime_s`, `rotate_at`: see `renew_in`. Times are seconds of a monotonic clock."""

    def __init__(self, lifetime_s: float, rotate_at: int | None) -> None:
        self.at: float | None = None  #: None: no end is in sight
        self.why = ""
        self._lifetime_s = lifetime_s
        self._rotate_at = rotate_at
        self._began = 0.0

    def begin(self, now: float) -> None:
        """A session begins."""
        self._began = now
        until = renew_in(time(), self._lifetime_s, self._rotate_at)
        self.at = None if until is None else now + until
        self.why = "renewed before the venue's session limit"

    def end(self) -> None:
        """The session is over."""
        self.at = None

    def notice(self, text: str, now: float) -> None:
        """The venue says that it is about to end the session."""
        self.why = f"the venue ends the session: {text}"
        self.at = max(now, self._began + NOTICE_AGE_S)

    def reached(self, now: float) -> bool:
        """Whether it is time; true once."""
        if self.at is None or now < self.at:
            return False
        self.at = None
        return True
