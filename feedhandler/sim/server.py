"""What all simulated venues share: one port for REST, WebSocket and control; a paced market."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from contextlib import suppress
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from .book import Book
from .client import Client
from .config import SimOptions
from .control import add_control_routes
from .faults import Faults
from .frames import encode, encode_fragmented
from .market import Live, Market, Update

_MAX_CATCH_UP = 0.25
"""Seconds of market that a stalled process makes up for; the rest is let go."""


class VenueServer(ABC):
    """A venue on loopback. Subclasses speak the protocol; this class moves time and bytes."""

    venue: ClassVar[str]
    ws_path: ClassVar[str]
    """Path that an adapter connects to."""

    def __init__(self, options: SimOptions) -> None:
        self.options = options
        self.start_ms = (
            options.start_ms
            if options.start_ms is not None
            else int(time.time() // 3600) * 3_600_000
        )
        self.market: Market = self.make_market()
        self.faults = Faults()
        self.clients: set[Client] = set()
        self.paused = options.paused
        self.messages_sent = 0
        self.connections = 0
        self._subscribers: defaultdict[str, list[Client]] = defaultdict(list)
        self._owed = 0.0
        self._last = time.monotonic()

    # -- what a venue provides ---------------------------------------------------------------

    @abstractmethod
    def make_market(self) -> Market:
        """The venue's instruments and numbering."""

    @abstractmethod
    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The venue's REST and WebSocket paths."""

    @abstractmethod
    def on_update(self, update: Update) -> None:
        """Publish one market update."""

    @abstractmethod
    def on_text(self, client: Client, text: str) -> None:
        """Handle one text message of a client."""

    @abstractmethod
    def announce_shutdown(self) -> None:
        """Tell all clients that the server is about to go down."""

    @abstractmethod
    def on_time(self, now: float) -> None:
        """Called every batch with the monotonic time, for whatever the venue does by the clock."""

    def on_open(self, client: Client, request: web.Request) -> None:  # noqa: B027, a hook
        """A client has connected."""

    def on_close(self, channels: list[str]) -> None:  # noqa: B027, a hook
        """A client has gone that had these subscriptions."""

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:  # noqa: B027
        """A frame of any kind has come in; pings are answered by the caller."""

    @abstractmethod
    def settle(self) -> None:
        """Publish all that was held back for a later batch."""

    # -- sending -----------------------------------------------------------------------------

    def wants(self, channel: str) -> bool:
        """Whether anybody listens to a channel: nothing is built for nobody."""
        return bool(self._subscribers.get(channel))

    def heard(self, prefix: str) -> list[str]:
        """The channels with listeners whose name begins so."""
        return [channel for channel in self._subscribers if channel.startswith(prefix)]

    def subscribe(self, client: Client, channel: str) -> bool:
        """Add a subscription; False if it was there."""
        if channel in client.channels:
            return False
        client.channels.add(channel)
        self._subscribers[channel].append(client)
        return True

    def unsubscribe(self, client: Client, channel: str) -> bool:
        """Remove a subscription; False if there was none."""
        if channel not in client.channels:
            return False
        client.channels.discard(channel)
        listeners = self._subscribers[channel]
        listeners.remove(client)
        if not listeners:
            del self._subscribers[channel]
        return True

    def push(self, channel: str, symbol: str, payload: bytes) -> None:
        """Queue one data message for all who listen to a channel."""
        if self.faults.active:
            if self.faults.silent or symbol in self.faults.silent_symbols:
                return
            pieces = self.faults.spend_fragment()
            frame = encode_fragmented(payload) if pieces else encode(payload)
        else:
            frame = encode(payload)
        for client in self._subscribers[channel]:
            client.out.append(frame)

    def send_data(self, client: Client, symbol: str, payload: bytes) -> None:
        """Queue one data message for one client, faults applied (a snapshot, a first ticker)."""
        faults = self.faults
        if faults.active:
            if faults.silent or symbol in faults.silent_symbols:
                return
            if faults.spend_fragment():
                client.out.append(encode_fragmented(payload))
                return
        client.send(payload)

    def rest_book(self, live: Live) -> Book:
        """The book that a REST snapshot shows: the present one, or a stale one if so ordered."""
        symbol, book = live.instrument.symbol, live.book
        lag = max(self.options.snapshot_lag, self.faults.stale.get(symbol, 0))
        return (book.as_of(book.sequence_before(lag)) if lag else None) or book

    def flush(self) -> None:
        """Write out every client's queue."""
        muted = self.faults.silent
        for client in self.clients:
            client.muted = muted
            self.messages_sent += client.flush(self.options.client_backlog)

    def drop_all(self) -> None:
        """Cut every connection without a word."""
        for client in list(self.clients):
            client.abort()

    # -- time --------------------------------------------------------------------------------

    def advance(self, updates: int) -> None:
        """Take that many market steps and publish them."""
        step, publish = self.market.step, self.on_update
        for _ in range(updates):
            publish(step())

    async def run(self) -> None:
        """Move the market with the clock until cancelled."""
        self._last = time.monotonic()
        while True:
            await asyncio.sleep(self.options.batch_interval)
            now = time.monotonic()
            elapsed, self._last = min(now - self._last, _MAX_CATCH_UP), now
            if not self.paused:
                self._owed += elapsed * self.options.rate
                whole = int(self._owed)
                self._owed -= whole
                self.advance(whole)
            self.on_time(now)
            self.flush()

    def pause(self) -> None:
        """Stop the market; everything up to here is on its way to the clients on return."""
        self.paused = True
        self.settle()
        self.flush()

    # -- connections -------------------------------------------------------------------------

    async def websocket(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket connection to its end."""
        socket = web.WebSocketResponse(
            autoping=False, compress=False, timeout=1.0, max_msg_size=1 << 20
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        client = Client(socket, transport, combined=request.path.endswith("/stream"))
        self.clients.add(client)
        self.connections += 1
        self.on_open(client, request)
        client.flush(self.options.client_backlog)
        try:
            async for message in socket:
                client.last_received = time.monotonic()
                self._receive(client, message.type, message.data)
                client.muted = self.faults.silent
                self.messages_sent += client.flush(self.options.client_backlog)
        finally:
            self.clients.discard(client)
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
            client.pong(payload)
        elif kind is WSMsgType.TEXT:
            self.on_text(client, data)

    def make_app(self) -> web.Application:
        """The aiohttp application with the venue's and the control routes."""
        app = web.Application(client_max_size=1 << 20)
        self.add_routes(app.router)
        add_control_routes(app.router, self)
        return app

    async def start(self, port: int) -> tuple[web.AppRunner, int, asyncio.Task[None]]:
        """Listen on a port (0: any) and set the market going; returns what `stop` takes.

        Raises OSError if the port is taken.
        """
        runner = web.AppRunner(self.make_app(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, self.options.host, port)
        await site.start()
        actual: int = runner.addresses[0][1]
        return runner, actual, asyncio.create_task(self.run())

    async def stop(self, runner: web.AppRunner, task: asyncio.Task[None]) -> None:
        """Close everything that `start` opened."""
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self.drop_all()
        await runner.cleanup()

    def stats(self) -> dict[str, Any]:
        """Counters for ``/sim/stats``."""
        return {
            "venue": self.venue,
            "messages_sent": self.messages_sent,
            "updates": self.market.steps,
            "clients": len(self.clients),
            "connections": self.connections,
            "subscriptions": sum(len(c.channels) for c in self.clients),
            "instruments": len(self.market.instruments),
            "paused": self.paused,
        }
