"""One client's WebSocket connection, as the server sees it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from .frames import PONG, TEXT, encode


class Client:
    """Queues whole frames and writes them in batches, past aiohttp's one write a message.

    Permitted because compression is never negotiated. ``memory`` is the venue's own state.
    """

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport, combined: bool
    ) -> None:
        self.socket = socket
        self.combined = combined
        self.channels: set[str] = set()
        self.memory: dict[str, Any] = {}
        self.opened = self.last_sent = self.last_received = time.monotonic()
        self.closing = False
        self.muted = False
        self.out: list[bytes] = []
        self._transport = transport
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Queue one message."""
        self.out.append(encode(payload, opcode))

    def pong(self, payload: bytes) -> None:
        """Answer a WebSocket ping."""
        self.send(payload, PONG)

    def flush(self, backlog: int) -> int:
        """Write what is queued; returns the frames written. Cuts a client that does not read."""
        frames = len(self.out)
        if not frames:
            return 0
        if self.muted or self.closing or self._transport.is_closing():
            self.out.clear()
            return 0
        self._transport.write(b"".join(self.out))
        self.out.clear()
        self.last_sent = time.monotonic()
        if self._transport.get_write_buffer_size() > backlog:
            self.abort()
        return frames

    def close(self, code: int, reason: str) -> None:
        """Say goodbye with a close frame, without waiting for the peer."""
        if self.closing:
            return
        self.flush(1 << 62)
        self.closing = True
        task = asyncio.ensure_future(self.socket.close(code=code, message=reason.encode()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def abort(self) -> None:
        """Cut the connection without a goodbye."""
        self.closing = True
        self._transport.abort()
