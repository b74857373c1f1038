"""A simulated venue but for its port: its market, its clients, and what they are told of it."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import Any

from aiohttp import WSMsgType, web

from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Faults
from feedhandler.sim.faults.order import FaultError, Order
from feedhandler.sim.market.book import Book
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.listed import Listed
from feedhandler.sim.server.listener import Listener


class SimVenue(Listed):
    """What is there to be told, to go wrong and to be looked at. `VenueServer` serves it."""

    ws_path: str
    """Path that an adapter connects to."""

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
        self.faults = Faults()
        self.clients: set[Client] = set()
        self.drips: set[asyncio.Transport] = set()
        """Connections whose answer never ends."""
        self.paused = options.paused
        self.messages_sent = 0
        self.connections = 0
        self._listener: Listener | None = None

    # -- what a venue provides ---------------------------------------------------------------

    @abstractmethod
    def make_market(self) -> Market:
        """The venue's instruments and numbering."""

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

    @property
    @abstractmethod
    def channel_form(self) -> str:
        """Examples of channel names, for error messages."""

    @abstractmethod
    def error_body(self, status: int) -> bytes:
        """The JSON of a REST error about too many requests or an overload."""

    @abstractmethod
    def on_time(self, now: float) -> None:
        """Called every batch with the monotonic time, for whatever the venue does by the clock."""

    def check_order(self, order: Order) -> None:
        """Raises FaultError for a fault that this venue cannot have."""
        if order.kind == "bad_checksum" and not self.options.checksums:
            raise FaultError("kind: bad_checksum needs a simulator with the option checksums")

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
            self.flush_one(client)

    def flush_one(self, client: Client) -> None:
        """Write out one client's queue."""
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

    def pause(self) -> None:
        """Stop the market; everything up to here is on its way to the clients on return."""
        self.paused = True
        self.settle()
        self.flush()

    # -- connections -------------------------------------------------------------------------

    def unanswered_ping(self) -> bool:
        """Whether a fault swallows a client's ping, which counts it."""
        found = self.faults.of("no_pong")
        if found:
            found[-1].hit()
        return bool(found)

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
        }


def _lagging(book: Book, updates: int) -> Book:
    """A book as it was so many updates ago, or as far back as it is known."""
    return (book.as_of(book.sequence_before(updates)) if updates else None) or book
