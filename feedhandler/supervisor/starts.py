"""How many processes start at once. A start takes a core for most of a second; who has to share it
with thirty others gives no sign of life, and is taken for one that hangs."""

from __future__ import annotations

import asyncio
import os

TURN_S = 10.0  #: a start that takes longer holds nobody up
EACH_CORE = 2


class Starts:
    """Turns, so many at a time."""

    def __init__(self, at_once: int = 0) -> None:
        """0: by the cores that we may use."""
        self._free = at_once or max(4, EACH_CORE * len(os.sched_getaffinity(0)))
        self._given = asyncio.Event()

    async def turn(self, given_up: asyncio.Event) -> bool:
        """Wait for a turn, or until it is `given_up`: whether it was had. Then `done` ends it."""
        while self._free <= 0 and not given_up.is_set():
            self._given.clear()
            waits = [asyncio.create_task(one.wait()) for one in (self._given, given_up)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()
        if given_up.is_set():
            return False
        self._free -= 1
        return True

    def done(self) -> None:
        self._free += 1
        self._given.set()
