"""An HTTP server that strangers cannot exhaust: few connections, and little patience with them.

Whoever may connect may also connect a thousand times and say nothing. The process that answers
here is the supervisor, whose descriptors are for its children: so connections are few, and the
oldest makes way for a new one; who sends no whole head within seconds is cut off; and each
connection is for one request. Streams of events go on, but are few as well. A page in somebody's
browser may be made to ask in its owner's stead (DNS rebinding), with a name of its own in `Host`:
only this host's names are answered.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

MOST = 32  #: connections at the same time
HEAD_S = 5.0  #: how long a request's head may take
LIFE_S = 15.0  #: and a connection altogether

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class BoundedServer(web.Server):
    """For `web.ServerRunner`. `host`: what the address was configured as."""

    def __init__(self, host: str, answer: Answer) -> None:
        quiet = logging.getLogger("feedhandler.http")
        quiet.setLevel(logging.CRITICAL)  # what strangers send is no news
        super().__init__(self._checked, access_log=None, logger=quiet, lingering_time=0.5)
        self._answer = answer
        self._host = host.strip("[]").lower()
        self._open: dict[RequestHandler, tuple[asyncio.Transport, list[asyncio.TimerHandle]]] = {}
        self._asked: set[asyncio.BaseTransport] = set()

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """One more; the oldest goes where they are too many."""
        super().connection_made(handler, transport)
        loop = asyncio.get_running_loop()
        timers = [
            loop.call_later(HEAD_S, self._impatient, transport),
            loop.call_later(LIFE_S, transport.abort),
        ]
        self._open[handler] = transport, timers
        if len(self._open) > MOST:
            self._drop(next(iter(self._open)))

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Nothing is left of it."""
        super().connection_lost(handler, exc)
        self._drop(handler)

    def _drop(self, handler: RequestHandler) -> None:
        if handler in self._open:
            transport, timers = self._open.pop(handler)
            for timer in timers:
                timer.cancel()
            self._asked.discard(transport)
            transport.abort()

    def stays(self, request: web.BaseRequest) -> None:
        """The answer to this one goes on: its connection may live as long as it likes."""
        for transport, timers in self._open.values():
            if transport is request.transport:
                for timer in timers:
                    timer.cancel()

    def _impatient(self, transport: asyncio.Transport) -> None:
        if transport not in self._asked:
            transport.abort()

    async def _checked(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.transport is not None:
            self._asked.add(request.transport)
        if self._is_ours(request.headers.get("Host", "")):
            response = await self._answer(request)
        else:
            response = web.Response(status=421, text="this host is not called so\n")
        response.force_close()
        return response

    def _is_ours(self, named: str) -> bool:
        """Whether that is a name of this host: a number always is, and no page can have it."""
        host = (named.rpartition(":")[0] if ":" in named.rpartition("]")[2] else named).lower()
        if host in ("localhost", self._host, socket.gethostname().lower()):
            return True
        try:
            ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True
