"""What all simulated venues share: one port for REST, WebSocket and control; a paced market."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from contextlib import suppress
from random import Random
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.book import Book
from feedhandler.sim.market.market import Live, Market, Update
from feedhandler.sim.market.records import Trade
from feedhandler.sim.server.certificates import Certificates
from feedhandler.sim.server.chaos import Chaos
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.control import add_control_routes
from feedhandler.sim.server.http_faults import failed_upgrade, rest_faults
from feedhandler.sim.server.listed import Listed
from feedhandler.sim.server.listener import Listener
from feedhandler.sim.server.subscribe_faults import SubscribeFaults

_MAX_CATCH_UP = 0.25
"""Seconds of market that a stalled process makes up for; the rest is let go."""


class VenueServer(Listed):
    """A venue on loopback. Subclasses speak the protocol; this class moves time and bytes."""

    ws_path: ClassVar[str]
    """Path that an adapter connects to."""
    channel_form: ClassVar[str]
    """Examples of channel names, for error messages."""

    def __init__(self, options: SimOptions) -> None:
        super().__init__()
        self.options = options
        self.start_ms = (
            options.start_ms
            if options.start_ms is not None
            else int(time.time() // 3600) * 3_600_000
        )
        self.market = self.make_market()
        for symbol in self.market.instruments:
            self.number_of(symbol)
        self.chaos = Chaos(self)
        self.faults = self.chaos.faults
        self._subscribe_faults = SubscribeFaults(self)
        self.control_port = 0
        self.ca_file = ""
        self.clients: set[Client] = set()
        self.paused = options.paused
        self.messages_sent = 0
        self.connections = 0
        self._random = Random(f"{options.seed}/faults")
        self._certificates: Certificates | None = None
        self._listener: Listener | None = None
        self._control: web.AppRunner | None = None
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
    def knows_channel(self, channel: str) -> bool:
        """Whether a name is one of a subscription."""

    @abstractmethod
    def error_body(self, status: int) -> bytes:
        """The JSON of a REST error about too many requests or an overload."""

    @abstractmethod
    def on_time(self, now: float) -> None:
        """Called every batch with the monotonic time, for whatever the venue does by the clock."""

    def trade_id(self, live: Live, trade: Trade) -> str:  # noqa: ARG002
        """What the venue calls a trade, in the stream."""
        return str(trade.number)

    def snapshot_levels(self, asked: int) -> int:
        """How many levels a side a snapshot has of which so many were asked for."""
        return min(asked, self.options.snapshot_levels or asked)

    def renumber(self, symbol: str | None, *, lost: bool) -> int:  # noqa: ARG002
        """Begin the numbers of a book, or of all (None), anew; returns of how many channels.
        ``lost``: without the snapshots that say so."""
        return 0

    def on_open(self, client: Client, request: web.Request) -> None:
        """A client has connected."""

    def on_close(self, channels: list[str]) -> None:
        """A client has gone that had these subscriptions."""

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:
        """A frame of any kind has come in; pings are answered by the caller."""

    @abstractmethod
    def settle(self) -> None:
        """Publish all that was held back for a later batch."""

    # -- sending -----------------------------------------------------------------------------

    def rest_book(self, live: Live) -> Book:
        """The book that a REST snapshot shows: the present one, or a stale one or another
        instrument's if so ordered."""
        fault = self.faults.take("foreign", live.instrument.symbol)
        if fault is not None:
            return self._foreign(live, int(fault["ahead"]), fault["prices"] == "own")
        return _lagging(live.book, max(self.options.snapshot_lag, self._lag(live, "rest")))

    def _foreign(self, live: Live, ahead: int, own: bool) -> Book:
        symbols = [] if own else self.market.instruments
        others = [symbol for symbol in symbols if symbol != live.instrument.symbol]
        book = self.market.live(others[0]).book if others else live.book
        return book.copy(live.book.sequence + ahead)

    def stream_book(self, live: Live) -> Book:
        """The book that a snapshot in the stream shows."""
        return _lagging(live.book, self._lag(live, "stream"))

    def _lag(self, live: Live, where: str) -> int:
        return self.faults.lag(live.instrument.symbol, where)

    def flush(self) -> None:
        """Write out every client's queue."""
        for client in self.clients:
            self._flush(client)

    def _flush(self, client: Client) -> None:
        client.muted, client.shape = self.faults.silent, self.faults.shape
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
                self.market.follow(time.time_ns() / 1e6, whole)
                self.advance(whole)
            self.on_time(now)
            self.chaos.tick(now)
            self.flush()

    def pause(self) -> None:
        """Stop the market; everything up to here is on its way to the clients on return."""
        self.paused = True
        self.settle()
        self.flush()

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
        self.connections += 1
        self.on_open(client, request)
        self._flush(client)
        for fault in self.faults.of("half_open"):
            if fault["new"]:
                self.chaos.lose(client, fault)
        try:
            async for message in socket:
                if client.dead:
                    continue
                client.last_received = time.monotonic()
                self._receive(client, message.type, message.data)
                self._flush(client)
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

    def unanswered_ping(self) -> bool:
        """Whether a fault swallows a client's ping, which counts it."""
        found = self.faults.of("no_pong")
        if found:
            found[-1].hit()
        return bool(found)

    def make_app(self) -> web.Application:
        """The aiohttp application with the venue's and the control routes."""
        app = web.Application(client_max_size=1 << 20, middlewares=[rest_faults(self)])
        self.add_routes(app.router)
        add_control_routes(app.router, self)
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
            add_control_routes(control.router, self)
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

    @property
    def listener(self) -> Listener:
        """The venue's port, once started."""
        assert self._listener is not None
        return self._listener

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
            **self.chaos.told(),
        }


def _lagging(book: Book, updates: int) -> Book:
    """A book as it was so many updates ago, or as far back as it is known."""
    return (book.as_of(book.sequence_before(updates)) if updates else None) or book
