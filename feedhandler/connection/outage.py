"""What keeps a connection from being LIVE: why, since when, and what is done about it."""

from time import gmtime, strftime, time_ns

from feedhandler import number_text
from feedhandler.one_line import fitting
from shm import Reason

MOST_BYTES = 127  #: of a detail in the connection table
LONG_S = 10.0  #: who waits so long reads when it ends, and not what was left at its begin


class ConnectionOutage:
    """Of one connection, from its first failure until it is LIVE again. `cause`: of the last."""

    def __init__(self) -> None:
        self.reason = Reason.NONE
        self.cause = ""
        self.since_ns = 0
        self.failures = 0
        self._doing = ""

    def __bool__(self) -> bool:
        return self.failures > 0

    def failed(self, reason: Reason, cause: str, next_s: float) -> str:
        """It went down, or did not come up; the detail of it."""
        if not self.failures:
            self.since_ns = time_ns()
        self.failures += 1
        self.reason, self.cause = reason, cause
        if next_s < LONG_S:
            return self._now(f"next try in {number_text.seconds(next_s)}")
        return self._now(f"next try at {clock_time(time_ns() + int(next_s * 1e9))}")

    def trying(self) -> str:
        """The detail while it is being opened."""
        return self._now("trying again") if self else ""

    def doing(self, what: str) -> str:
        """The detail while something else is waited for, be it out of order or not."""
        return self._now(what) if self else what

    def opened(self) -> str:
        """The detail while it is open, and not yet what it was."""
        return self._now("open again") if self else ""

    def over(self) -> None:
        """It is LIVE."""
        self.reason, self.cause, self.failures = Reason.NONE, "", 0

    def said(self, most_bytes: int) -> str:
        """What is wrong, and what is done about it."""
        return fitted(self.cause, self._doing, most_bytes)

    def _now(self, doing: str) -> str:
        self._doing = doing
        since = f", down since {clock_time(self.since_ns)}" if self.failures > 1 else ""
        return fitted(self.cause, doing + since, MOST_BYTES)


def fitted(cause: str, doing: str, most_bytes: int) -> str:
    """Both in so many bytes: a long cause is cut."""
    room = most_bytes - len(doing.encode()) - len("; ")
    return f"{fitting(cause, room)}; {doing}"


def clock_time(at_ns: int) -> str:
    """17:34:40 UTC; with the date if it is not of today."""
    at = gmtime(at_ns // 10**9)
    today = at[:3] == gmtime()[:3]
    return strftime("%H:%M:%S UTC" if today else "%Y-%m-%d %H:%M UTC", at)
