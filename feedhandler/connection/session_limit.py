"""When the session of a connection has to be replaced, and why: its age, or the venue's word."""

from time import time

DAY_S = 86_400.0
HOUR_S = 3600.0
_MARGIN = 0.02  #: the share of its lifetime that a session is renewed before its end
_MARGIN_S = 60.0
_MARGIN_MOST = 0.3  #: of a short lifetime


def margin(lifetime_s: float) -> float:
    """How long before its end a session is renewed."""
    return max(_MARGIN * lifetime_s, min(_MARGIN_S, _MARGIN_MOST * lifetime_s))


def renew_in(now: float, lifetime_s: float, rotate_at: int | None) -> float | None:
    """Seconds until a session that begins `now` (unix seconds) is renewed; None: never.

    `lifetime_s`: the venue's limit, 0 without one. `rotate_at`: the beginning, in seconds since
    midnight UTC, of the hour in which it should be. A session of a day at most cannot be renewed
    at the same minute every day: it comes earlier day by day, until a second renewal in one hour
    brings it back to that hour's end. Only a session that would not live until the hour is renewed
    outside of it.
    """
    latest = lifetime_s - margin(lifetime_s) if lifetime_s else None
    if rotate_at is None:
        return latest
    coming = (rotate_at - now) % DAY_S or DAY_S  # until the hour begins again
    if latest is None:
        return coming
    if coming <= latest:
        coming += DAY_S * ((latest - coming) // DAY_S)
        return min(coming + HOUR_S, latest)
    rest = coming - (DAY_S - HOUR_S)  # of the hour, if it is now
    return min(rest, latest) if rest > 0 else latest


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
