"""Keeps the parts of a feed running that run beside its streams: what fails is said, and goes on.
Nothing of it is worth the books that others follow."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from traceback import extract_tb

from feedhandler.budgets.backoff import Backoff
from feedhandler.log import log

SHOWN_S = 600.0  #: how long status tells of the last failure
_FIRST_S, _CAP_S = 0.5, 30.0
_CAUSES = 1000  # more are forgotten, and said again


class PartRunner:
    """The parts of one feed that are kept running. `note`: what status says of failures."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()
        self._clock = asyncio.get_running_loop().time
        self._said: set[str] = set()
        self._failures = 0
        self._last = ("", 0.0)

    async def keep_running(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it to its end; each time that it fails again, later and later, for ever."""
        backoff = Backoff(_FIRST_S, _CAP_S, rng=self._rng)
        while True:
            backoff.healthy(self._clock())
            try:
                return await run()
            except Exception as error:
                self.failed(part, error)
            await asyncio.sleep(backoff.next(self._clock()))

    def step(self, part: str, do: Callable[[], object]) -> object:
        """Do one thing, and answer what it did; that it failed does not concern what comes after
        it (None)."""
        try:
            return do()
        except Exception as error:
            self.failed(part, error)
            return None

    def failed(self, part: str, error: Exception) -> None:
        """Count a failure, and say it if its cause is new."""
        innermost = _innermost(error)
        frames = extract_tb(innermost.__traceback__)
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        cause = f"{type(innermost).__name__}{where}: {innermost}"[:200]
        self._failures += 1
        self._last = (f"{part} failed: {cause}", self._clock())
        if f"{part}{where}" in self._said:
            return
        if len(self._said) >= _CAUSES:
            self._said.clear()
        self._said.add(f"{part}{where}")
        log.error("%s failed, and goes on: %s", part, cause)
        log.debug("%s failed", part, exc_info=error)

    @property
    def note(self) -> str:
        """What failed lately; empty if nothing did."""
        text, at = self._last
        if not self._failures or self._clock() - at > SHOWN_S:
            return ""
        return f"{text} ({self._failures} failure{'s' if self._failures > 1 else ''})"


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
