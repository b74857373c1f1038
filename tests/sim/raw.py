"""A WebSocket client that sees what a library hides: segments, resets, bytes of a handshake."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.sim.harness import DEADLINE, Sim

_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Raw:
    """A connection; reads have a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self, most: int = 1 << 20) -> bytes:
        """What one read gives; empty at a FIN. Raises ConnectionResetError at an RST."""
        return await asyncio.wait_for(self.reader.read(most), DEADLINE)

    async def head(self) -> bytes:
        """The answer to the upgrade."""
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), DEADLINE)

    async def frame(self) -> tuple[bool, int, bytes]:
        """(last of its message, opcode, payload)."""
        async with asyncio.timeout(DEADLINE):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
            return bool(first & 0x80), first & 0x0F, await self.reader.readexactly(size)

    def send(self, payload: bytes, opcode: int = 1) -> None:
        """A masked frame; the mask is zero."""
        size = len(payload)
        head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else b""
        if not head:
            head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
        self.writer.write(head + bytes(4) + payload)


@asynccontextmanager
async def raw(sim: Sim, path: str | None = None, upgraded: bool = True) -> AsyncIterator[Raw]:
    """Ask for an upgrade; ``upgraded``: and wait for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
    try:
        writer.write(_REQUEST.format(path=path or sim.server.ws_path).encode())
        found = Raw(reader, writer)
        if upgraded:
            assert (await found.head()).startswith(b"HTTP/1.1 101")
        yield found
    finally:
        writer.transport.abort()
