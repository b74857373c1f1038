"""The log of connections that go down: state changes are said, repetitions are counted.

A connection that fails says so once, and once more for each other cause; how often it was tried
since is said with a reminder, each twice as late as the one before, and when it is LIVE again,
unless that is within SOON_S.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from feedhandler import number_text
from feedhandler.connection.connection import Connection
from feedhandler.log import log
from feedhandler.log_lines import about

REMIND_S: Final = 60.0
SOON_S: Final = 3.0
APART: Final = 4  #: connections that say the same cause, before the others are only counted


@dataclass(slots=True)
class _Outage:
    began: float
    remind_at: float
    remind_s: float = REMIND_S
    causes: set[str] = field(default_factory=set)
    failures: int = 0
    counted: bool = False  # said by its number only


class OutageLog:
    """Of one venue's connections."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._down: dict[int, _Outage] = {}  # by row
        self._remind_at = 0.0

    def down(self, connection: Connection) -> None:
        """It went down, or did not come up."""
        now = self._clock()
        outage = self._down.get(connection.row)
        if outage is None:
            outage = self._down[connection.row] = _Outage(now, now + REMIND_S)
        outage.failures += 1
        cause = connection.outage.cause
        same = sum(cause in other.causes for other in self._down.values())
        if cause not in outage.causes:
            outage.causes.add(cause)
            if same < APART:
                of = about(connection=connection.row)
                log.warning("%s: %s", connection, connection.detail, extra=of)
            else:
                outage.counted = True
        if now >= outage.remind_at:
            outage.remind_s *= 2
            outage.remind_at = now + outage.remind_s
            self._remind(connection, outage, now)

    def live(self, connection: Connection) -> None:
        """It is LIVE."""
        outage = self._down.pop(connection.row, None)
        if outage is None:
            log.debug("%s is live", connection, extra=about(connection=connection.row))
            return
        if not outage.counted and self._clock() - outage.began >= SOON_S:
            log.info(
                "%s is live again, after %s and %d failure%s",
                connection,
                number_text.seconds(self._clock() - outage.began),
                outage.failures,
                "s" if outage.failures > 1 else "",
                extra=about(connection=connection.row),
            )

    def gone(self, connection: Connection) -> None:
        """It was closed."""
        self._down.pop(connection.row, None)

    def _remind(self, connection: Connection, outage: _Outage, now: float) -> None:
        """One line for all that are down."""
        if now < self._remind_at:
            return
        self._remind_at = now + outage.remind_s / 2
        others = len(self._down) - 1
        more = f", and {others} more" if others else ""
        log.warning(
            "%s%s: down for %s, %s: %s",
            connection,
            more,
            number_text.seconds(now - outage.began),
            number_text.plural(outage.failures, "failure"),
            connection.detail,
            extra=about(connection=connection.row),
        )
