"""When to try again to reach a host, as its connections find out together.

While nobody answers there, one of them asks often and the others rarely: many that ask often would
have spent the host's connect budget by the time it is back. As soon as one gets through, all try.
"""

import asyncio
from contextlib import suppress

from feedhandler.budgets.backoff import Backoff

PROBE_S = 2.0  #: bound of the delays of the one that asks often


class Reach:
    """Whether one host can be reached, in one process."""

    def __init__(self) -> None:
        self._without: dict[object, None] = {}  # who found nobody, the first one first
        self.back = asyncio.Event()  #: set when somebody got through; another one is there then

    def found_nobody(self, who: object) -> bool:
        """Nobody answered. True: `who` is the one to ask often."""
        self._without.setdefault(who)
        return next(iter(self._without)) is who

    def stopped_looking(self, who: object) -> None:
        """It is not looking for the host any more: it found somebody, or it was stopped."""
        self._without.pop(who, None)

    def found_host(self) -> None:
        """Somebody got through."""
        self._without.clear()
        back, self.back = self.back, asyncio.Event()
        back.set()


class Retry:
    """The waits of one connection between its tries. `stopped` ends each of them."""

    def __init__(self, backoff: Backoff, reach: Reach, stopped: asyncio.Event) -> None:
        self._backoff = backoff
        self._reach = reach
        self._stopped = stopped
        self._back: asyncio.Event | None = None

    def after(self, now: float, nobody: bool, at_least: float) -> float:
        """It failed: seconds until the next try. `nobody` was there; `at_least`: of the venue."""
        if not nobody:
            self._reach.stopped_looking(self)
            self._back = None
            return self._backoff.next(now, at_least)
        often = self._reach.found_nobody(self)
        self._back = self._reach.back
        return self._backoff.next(now, at_least, PROBE_S if often else None)

    async def wait(self, seconds: float) -> None:
        """Wait, or less: until it is stopped, or somebody got through to a host without anybody."""
        events = [self._stopped, *([self._back] if self._back is not None else [])]
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with suppress(asyncio.CancelledError):
                    await wait

    def got_through(self) -> None:
        """The venue speaks to it."""
        self._reach.found_host()

    def over(self) -> None:
        """There is no next try."""
        self._reach.stopped_looking(self)
