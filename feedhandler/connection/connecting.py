"""How a connection comes to a session: its turn, a connect from the venue where it gives them out,
and the socket."""

import asyncio
from collections.abc import Callable
from functools import partial

from feedhandler import number_text
from feedhandler.adapter.venue import Venue
from feedhandler.budgets.venue_budgets import wait_for_budget
from feedhandler.connection.outage import ConnectionOutage
from feedhandler.connection.owner import Settings
from feedhandler.connection.session_socket import ConnectionSocket
from feedhandler.connection.token_connect import Connect, ask
from shm import Reason


class Connecting:
    """Of one connection, which is told what is being done (`show`), and what for (`outage`).
    `stopped`: nothing is to be opened any more."""

    def __init__(
        self,
        venue: Venue,
        settings: Settings,
        socket: ConnectionSocket,
        outage: ConnectionOutage,
        stopped: asyncio.Event,
        show: Callable[[Reason, str], None],
    ) -> None:
        self._venue = venue
        self._settings = settings
        self._socket = socket
        self._outage = outage
        self._stopped = stopped
        self._show = show

    async def open(self) -> Connect | None:
        """Open the socket. None: it was stopped before. Raises NoToken, and what
        `ConnectionSocket.open` raises."""
        connects = self._settings.connects
        await wait_for_budget(connects, self._stopped, partial(self._wait, "connect"))
        connect = Connect(self._settings.url, self._venue.heartbeat)
        if self._venue.token is not None and not self._stopped.is_set():
            connect = await self._given()
        if self._stopped.is_set():
            return None
        await self._socket.open(connect.url)
        return connect

    async def _given(self) -> Connect:
        """As the venue says now."""
        venue, rest = self._venue, self._settings.rest
        if venue.token is None or rest is None:
            raise ValueError(f"{venue.name}: nobody is there to ask for a token")
        self._show(Reason.START, self._outage.doing("asking for a token"))
        held = partial(self._wait, "REST")
        url = self._settings.url
        given = await ask(venue.token, rest, venue.heartbeat, url, venue.hosts, held)
        self._show(Reason.START, self._outage.doing("connecting with a token"))
        return given

    def _wait(self, budget: str, seconds: float) -> None:
        self._show(Reason.RATE_LIMIT, budget_text(budget, seconds))


def budget_text(budget: str, seconds: float) -> str:
    """What is waited for."""
    return f"{number_text.seconds(seconds)} until the {budget} budget of the host allows more"
