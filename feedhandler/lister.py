"""Asking a venue what it lists, until it answers, and every few minutes again."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time_ns

from feedhandler.backoff import Backoff
from feedhandler.instruments import list_instruments, select_known
from feedhandler.log import Throttle
from feedhandler.rest import Rest, RestError
from feedhandler.venues.base import InstrumentSpec, Venue

REFRESH_S = 300.0


@dataclass(frozen=True, slots=True)
class Listed:
    """`chosen`: what the configuration means and has not expired; `symbols`: all that is listed."""

    chosen: list[InstrumentSpec]
    symbols: set[str]


class Lister:
    """The instruments of one venue's configuration."""

    def __init__(
        self, venue: Venue, rest: Rest, patterns: Sequence[str], rng: random.Random
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._patterns = patterns
        self._rng = rng
        self._quiet = Throttle()

    async def first(self, waiting: Callable[[str], None]) -> list[InstrumentSpec]:
        """Asks until the venue lists some of them; `waiting` is told why there are none yet."""
        backoff = Backoff(0.8, 30.0, rng=self._rng)
        while True:
            try:
                chosen = (await self._list()).chosen
                if chosen:
                    return chosen
                problem = "the venue lists none of the configured instruments"
            except (RestError, ValueError) as error:
                problem = str(error)
            waiting(problem)
            self._quiet.warning("list", f"cannot list instruments: {problem}; trying on")
            await asyncio.sleep(backoff.next(asyncio.get_running_loop().time()))

    async def again(self) -> Listed:
        """The list a few minutes later, with jitter; a failure waits for the next turn."""
        while True:
            await asyncio.sleep(REFRESH_S * self._rng.uniform(0.9, 1.1))
            try:
                return await self._list()
            except (RestError, ValueError) as error:
                self._quiet.warning("list", f"cannot refresh the instruments: {error}")

    async def _list(self) -> Listed:
        specs = await list_instruments(self._venue, self._rest, self._patterns)
        chosen, unknown = select_known(self._patterns, specs)
        for error in unknown:
            self._quiet.warning(f"unknown {error.pattern}", str(error))
        now = time_ns()
        chosen = [spec for spec in chosen if not 0 < spec.expiry_ns <= now]
        return Listed(chosen, {spec.symbol for spec in specs})
