"""Until a venue's process knows what the venue lists: what is waited for, and until when."""

import asyncio
import re
from contextlib import suppress
from time import monotonic, time_ns

from feedhandler import number_text
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.budgets import venue_budgets
from feedhandler.connection.outage import LONG_S, MOST_BYTES, clock_time, fitted
from feedhandler.instruments.listing import Lister
from feedhandler.io_process.venue_health import VenueState
from feedhandler.network.rest import Rest
from shm import Reason, State

_QUERY = re.compile(r"\?\S*(?=: )")  # of an address that is shown
_LOOK_S = 1.0  #: how often the budget is looked at: another process may have been banned


class FirstList:
    """Shows of the venue that it is SYNCING: why there is no list yet, and when it is asked for
    again; RATE_LIMIT where the venue allows nothing before."""

    def __init__(self, lister: Lister, rest: Rest, state: VenueState) -> None:
        self._lister = lister
        self._rest = rest
        self._state = state
        self._problem = ""
        self._until_ns = 0

    async def get(self) -> list[ListedInstrument]:
        """Asks until the venue lists some of what is wanted."""
        self._state.show(State.SYNCING, Reason.START, "listing instruments")
        looking = asyncio.create_task(self._look())
        try:
            return await self._lister.first(self._failed)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _look(self) -> None:
        while True:
            self._held()
            await asyncio.sleep(_LOOK_S)

    def _failed(self, problem: str, wait_s: float) -> None:
        self._problem = _QUERY.sub("", problem)
        if not self._held():
            self._show(Reason.START, self._problem, f"asked again {_when(wait_s)}")

    def _held(self) -> bool:
        """Whether nothing may be asked for yet; that is shown then."""
        left = self._rest.budget.wait(monotonic(), 1.0)
        if left < venue_budgets.SHOWN_WAIT_S:
            return False
        until_ns = time_ns() + int(left * 1e9)
        if abs(until_ns - self._until_ns) > 1e9:  # else the same, and rounded otherwise
            self._until_ns = until_ns
        why = self._problem or self._banned() or "as much was asked of REST as the venue allows"
        self._show(Reason.RATE_LIMIT, why, f"asked again at {clock_time(self._until_ns)}")
        return True

    def _banned(self) -> str:
        """What the venue said to another process of this user; "": nothing."""
        status = venue_budgets.rest_ban(self._rest.base_url)
        return f"the venue answered HTTP {status} before" if status else ""

    def _show(self, reason: Reason, why: str, doing: str) -> None:
        said = fitted(f"no list of instruments: {why}", doing, MOST_BYTES)
        self._state.show(State.SYNCING, reason, said)


def _when(seconds: float) -> str:
    if seconds < LONG_S:
        return f"after {number_text.seconds(seconds)}"
    return f"at {clock_time(time_ns() + int(seconds * 1e9))}"
