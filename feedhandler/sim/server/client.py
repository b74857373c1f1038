"""One client's WebSocket connection, as the server sees it."""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Any

from aiohttp import web

from feedhandler.sim.faults.shaping import Line, Shape
from feedhandler.sim.server.frames import PONG, TEXT, encode

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


class Client:
    """Queues whole frames and writes them in batches, past aiohttp's one write a message.

    Permitted because compression is never negotiated. ``memory`` is the venue's own state.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        combined: bool,
        random: Random,
    ) -> None:
        self.socket = socket
        self.combined = combined
        self.channels: set[str] = set()
        self.memory: dict[str, Any] = {}
        self.opened = self.last_sent = self.last_received = time.monotonic()
        self.closing = False
        self.muted = False
        self.dead = False
        """Half-open: the socket is there, the server is not."""
        self.shape: Shape | None = None
        self.out: list[bytes] = []
        self.held: list[tuple[bytes, int]] | None = None
        """Where answers go instead, while somebody wants to send them later."""
        self.pack: Callable[[bytes], bytes] = encode
        """How the venue makes a frame of a message."""
        self._transport = transport
        self._line = Line(self._write, random)
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Queue one message."""
        if self.held is not None:
            self.held.append((payload, opcode))
        else:
            self.out.append(self.pack(payload) if opcode == TEXT else encode(payload, opcode))

    def send_all(self, messages: Iterable[tuple[bytes, int]]) -> None:
        """Queue what was held."""
        for payload, opcode in messages:
            self.send(payload, opcode)

    def pong(self, payload: bytes) -> None:
        """Answer a WebSocket ping."""
        self.send(payload, PONG)

    def flush(self, backlog: int) -> int:
        """Write what is queued; returns the frames written. Cuts a client that does not read."""
        frames = len(self.out)
        if not frames:
            return 0
        if self.muted or self.dead or self.closing or self._transport.is_closing():
            self.out.clear()
            return 0
        data = b"".join(self.out)
        self.out.clear()
        if self.shape is None and not self._line.pending:
            self._write(data)
        else:
            self._line.put(data, self.shape or Shape())
        self.last_sent = time.monotonic()
        if self._transport.get_write_buffer_size() + self._line.pending > backlog:
            self.abort()
        return frames

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():  # the client may have gone meanwhile
            self._transport.write(data)

    def release(self) -> None:
        """Write at once what a shape holds back."""
        if (rest := self._line.clear()) and not self.closing and not self.dead:
            self._write(rest)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye with a close frame, without waiting for the peer."""
        if self.closing or self.dead:
            return
        self.flush(1 << 62)
        self.release()
        self.closing = True
        task = asyncio.ensure_future(self.socket.close(code=code, message=reason.encode()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def gone(self) -> None:
        """The socket is closed: what a shape still holds back goes nowhere."""
        self.closing = True
        self.out.clear()
        self._line.clear()

    def die(self) -> None:
        """Leave the socket open and never look at it again."""
        if self.closing or self.dead:
            return
        self.dead = True
        self.out.clear()
        self._line.clear()
        self._transport.pause_reading()

    def abort(self, reset: bool = False) -> None:
        """Cut the connection without a close frame. ``reset``: with a TCP RST, not a FIN."""
        self.closing = True
        self._line.clear()
        if reset and (raw := self._transport.get_extra_info("socket")) is not None:
            with suppress(OSError, ValueError):  # it is closed: uvloop says ValueError
                raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _RESET)
        self._transport.abort()
