"""What all simulated venues share: one port for REST, WebSocket and control; a paced market."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from contextlib import suppress
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from feedhandler.sim.config import SimOptions
from feedhandler.sim.server.certificates import Certificates
from feedhandler.sim.server.chaos import Chaos
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.control import add_control_routes
from feedhandler.sim.server.http_faults import failed_upgrade, rest_faults
from feedhandler.sim.server.listener import Listener
from feedhandler.sim.server.subscribe_faults import Asked, SubscribeFaults
from feedhandler.sim.server.venue import SimVenue

_MAX_CATCH_UP = 0.25
"""Seconds of market that a stalled process makes up for; the rest is let go."""
_UNWATCHED = 0.1
"""Seconds between two looks at the clock while nobody is connected."""


class VenueServer(SimVenue):
    """A venue on loopback. Subclasses speak the protocol; this class moves time and bytes."""

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        self.chaos = Chaos(self)
        self._subscribe_faults = SubscribeFaults(self, self.asked)
        self.control_port = 0
        self.ca_file = ""
        self._random = Random(f"{options.seed}/faults")
        self._certificates: Certificates | None = None
        self._control: web.AppRunner | None = None
        self._connected = asyncio.Event()
        self._owed = 0.0
        self._last = time.monotonic()

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The venue's REST and WebSocket paths."""

    @abstractmethod
    def asked(self, text: str) -> Asked | None:
        """A client's text, if it is a request to subscribe."""

    # -- time --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Move the market with the clock until cancelled."""
        self._last = time.monotonic()
        while True:
            await self._until_look()
            now = time.monotonic()
            elapsed, self._last = min(now - self._last, _MAX_CATCH_UP), now
            if not self.paused:
                self._owed += elapsed * self.options.rate
                whole = int(self._owed)
                self._owed -= whole
                self.market.follow(time.time_ns() / 1e6, whole)
                self.advance(whole)
            self.on_time(now)
            self.chaos.tick(now)
            self.flush()

    async def _until_look(self) -> None:
        """While nobody is connected a look costs a hundredth of a core and is for nobody: then few
        are taken, and one as soon as somebody connects, so that he finds the market of now."""
        interval = self.options.batch_interval
        if self.clients:
            await asyncio.sleep(interval)
            return
        self._connected.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(interval, _UNWATCHED)):
                await self._connected.wait()

    # -- connections -------------------------------------------------------------------------

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket connection to its end."""
        if (failed := await failed_upgrade(self, request)) is not None:
            return failed
        socket = web.WebSocketResponse(
            autoping=False, compress=False, timeout=1.0, max_msg_size=1 << 20
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        combined = request.path.endswith("/stream")
        client = Client(socket, transport, combined, self._random)
        self.clients.add(client)
        self._connected.set()
        self.connections += 1
        self.on_open(client, request)
        self.flush_one(client)
        for fault in self.faults.of("half_open"):
            if fault["new"]:
                self.chaos.lose(client, fault)
        try:
            async for message in socket:
                if client.dead:
                    continue
                client.last_received = time.monotonic()
                self._receive(client, message.type, message.data)
                self.flush_one(client)
        finally:
            self.clients.discard(client)
            client.gone()
            channels = list(client.channels)
            for channel in channels:
                self.unsubscribe(client, channel)
            self.on_close(channels)
        return socket

    def _receive(self, client: Client, kind: WSMsgType, data: Any) -> None:
        payload = data.encode() if isinstance(data, str) else bytes(data or b"")
        self.on_frame(client, kind, payload)
        if client.closing:
            return
        if kind is WSMsgType.PING:
            if not self.unanswered_ping():
                client.pong(payload)
        elif kind is WSMsgType.TEXT:
            self._subscribe_faults.take(client, data)

    def make_app(self) -> web.Application:
        """The aiohttp application with the venue's and the control routes."""
        app = web.Application(client_max_size=1 << 20, middlewares=[rest_faults(self)])
        self.add_routes(app.router)
        add_control_routes(app.router, self, self.chaos)
        return app

    async def start(self, port: int) -> tuple[web.AppRunner, int, asyncio.Task[None]]:
        """Listen on a port (0: any) and set the market going; returns what `stop` takes.

        ``/sim/`` is also served on `control_port`, which no fault touches. Raises OSError if the
        port is taken, CertificateError, and ScriptError for a script that the venue cannot do.
        """
        host = self.options.host
        runner = web.AppRunner(self.make_app(), access_log=None, shutdown_timeout=0.5)
        try:
            self.chaos.start()
            if self.options.tls:
                self._certificates = Certificates(host)
                self.ca_file = self._certificates.ca_file
            await runner.setup()
            assert runner.server is not None
            self._listener = Listener(runner.server, host, self._certificates)
            await self._listener.open(port)
            control = web.Application(client_max_size=1 << 20)
            add_control_routes(control.router, self, self.chaos)
            self._control = web.AppRunner(control, access_log=None, shutdown_timeout=0.5)
            await self._control.setup()
            await web.TCPSite(self._control, host, 0).start()
            self.control_port = self._control.addresses[0][1]
        except BaseException:
            await self._close(runner)
            raise
        return runner, self.listener.port, asyncio.create_task(self.run())

    async def stop(self, runner: web.AppRunner, task: asyncio.Task[None]) -> None:
        """Close everything that `start` opened."""
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self.drop_all()
        await self._close(runner)

    async def _close(self, runner: web.AppRunner) -> None:
        if self._listener is not None:
            self._listener.close()
        for one in (self._control, runner):
            if one is not None:
                await one.cleanup()
        if self._certificates is not None:
            self._certificates.close()
