"""The socket of a connection: opened for a session, written to, closed, and opened again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, time_ns
from typing import Any

from picows import WSCloseCode, WSMsgType, WSTransport

from feedhandler.budgets.token_bucket import Budget
from feedhandler.connection.deflate_listener import MAX_INFLATED_BYTES, DeflateListener
from feedhandler.connection.frame_listener import FrameListener, Session
from feedhandler.connection.gzip_listener import GzipListener
from feedhandler.connection.owner import Settings
from feedhandler.engine._engine import Connection as Native
from feedhandler.network.connect_failure import CONNECT_TIMEOUT_S
from feedhandler.network.deflate import Agreement, Inflater
from feedhandler.network.receive_queue import ReceiveQueue


class ConnectionSocket:
    """`row`: of the connection; `hears`: who is told what comes, besides the engine; `messages`:
    what may be sent; `gzip`: what comes is compressed so."""

    def __init__(
        self,
        row: int,
        native: Native,
        settings: Settings,
        hears: Session,
        messages: Budget,
        *,
        gzip: bool = False,
    ) -> None:
        self.queue: ReceiveQueue | None = None
        self._row = row
        self._native = native
        self._settings = settings
        self._hears = hears
        self._messages = messages
        self._gzip = gzip
        self._transport: WSTransport | None = None
        self._listener: FrameListener | None = None

    @property
    def lost(self) -> bool:
        """Whether nothing comes on it any more, or nothing has yet."""
        return self._listener is None or self._listener.lost

    @property
    def frames(self) -> int:
        """How many have come, of any kind; to be compared within a session."""
        return self._native.frames + (self._listener.small_frames if self._listener else 0)

    def is_of(self, listener: FrameListener) -> bool:
        """Whether this listener is that of the session, and of none before."""
        return listener is self._listener

    # ---- opening and closing

    async def open(self, url: str) -> None:
        """Begin a session. Raises what `Route.websocket` raises, TimeoutError."""
        self.record("open", None)
        self._native.begin()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            transport, socket = await self._settings.route.websocket(
                url, self._new_listener, self._settings.headers, compression=not self._gzip
            )
        self._transport, self.queue = transport, ReceiveQueue(socket)

    def mute(self) -> bool:
        """Nothing that still comes counts. False: so it was already, or there is no session."""
        if self._listener is None or self._listener.muted:
            return False
        self._listener.mute()
        return True

    def say_goodbye(self) -> None:
        """Close it in order, if it is open."""
        if self._transport is not None and not self.lost:
            with suppress(Exception):
                self._transport.send_close(WSCloseCode.OK)
                self._transport.disconnect()

    def abort(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def end(self) -> None:
        """The session is over."""
        self.abort()
        self._transport = self._listener = self.queue = None

    # ---- what is sent

    def send(self, text: str) -> bool:
        """Send a message. False: there is no session."""
        if self._transport is None or self.lost:
            return False
        self._messages.spend(monotonic())
        self._transport.send(WSMsgType.TEXT, text.encode())
        self.record("out", text.encode())
        return True

    def ping(self, payload: bytes) -> None:
        """Send a WebSocket ping, if there is a session."""
        if self._transport is not None:
            self._messages.spend(monotonic())
            self._transport.send_ping(payload)

    # ---- what comes

    def _new_listener(self, agreed: Agreement | None) -> FrameListener:
        """For a session that is open; `agreed`: on compression."""
        feed, flush = self._feed(), self._native.flush
        if self._gzip:  # nothing else was offered
            self._listener = GzipListener(self._hears, feed, flush, self._feed("gzip"))
        elif agreed is None:
            native = self._native if self._settings.tap is None else None  # a tap sees each frame
            self._listener = FrameListener(self._hears, feed, flush, native)
        else:
            inflater = Inflater(agreed, MAX_INFLATED_BYTES)
            self._listener = DeflateListener(self._hears, feed, flush, inflater)
        return self._listener

    def _feed(self, enc: str = "") -> Callable[[Any, int, bool], int]:
        tap, feed, row, url = self._settings.tap, self._native.feed, self._row, self._settings.url
        if tap is None:
            return feed

        def tapped(payload: Any, _receive_ns: int, wake: bool) -> int:
            now = time_ns()
            tap(row, url, "in", bytes(payload), now, enc)
            return feed(payload, now, wake)

        return tapped

    def record(self, direction: str, data: bytes | None) -> None:
        """Tell the recorder, if there is one."""
        if self._settings.tap is not None:
            self._settings.tap(self._row, self._settings.url, direction, data, time_ns(), "")
