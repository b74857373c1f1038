"""The port of a venue: it can refuse connections and come back, and show a bad certificate."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from feedhandler.sim.server.certificates import Certificates

_BACKLOG = 128
_HANDSHAKE_FAILURE = bytes.fromhex("15 03 03 00 02 02 28")
"""A TLS 1.2 record: alert, fatal, handshake_failure (RFC 8446, section 6.2)."""


class _Refusing(asyncio.Protocol):
    """Answers whatever opens a TLS handshake with an alert."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has another ancestry

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        self._transport.write(_HANDSHAKE_FAILURE)
        self._transport.close()


class Listener:
    """Listens with a protocol factory. Set ``refuses`` and ``certificate``, then `apply`.

    ``certificate``: valid, expired, wrong_host, untrusted or refused; of no meaning without TLS.
    Connections that are open stay so whatever happens to the port.
    """

    def __init__(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        host: str,
        certificates: Certificates | None = None,
    ) -> None:
        self.refuses = False
        self.certificate = "valid"
        self.port = 0
        self._factory = factory
        self._host = host
        self._certificates = certificates
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._now: tuple[bool, str] | None = None
        self._turn = asyncio.Lock()

    async def open(self, port: int) -> None:
        """Begin to listen. Raises OSError for a port that cannot be had."""
        self.port = port
        await self.apply()

    async def apply(self) -> None:
        """Have the port be as it should."""
        async with self._turn:
            wanted = self.refuses, self.certificate
            if wanted == self._now:
                return
            self.close()
            bound = self._bind()
            if self.refuses:
                # Bound but not listening: the kernel refuses, and nobody else gets the port.
                self._reserved = bound
            else:
                await self._serve(bound)
            self._now = wanted

    def _bind(self) -> socket.socket:
        family, kind, _, _, address = socket.getaddrinfo(
            self._host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setblocking(False)
            bound.bind(address)
        except OSError as error:
            bound.close()
            text = f"{self._host}:{self.port}: {error.strerror}"
            raise OSError(error.errno, text) from None
        self.port = bound.getsockname()[1]
        return bound

    async def _serve(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        if self._certificates is None:
            self._server = await loop.create_server(self._factory, sock=bound, backlog=_BACKLOG)
        elif self.certificate == "refused":
            self._server = await loop.create_server(_Refusing, sock=bound, backlog=_BACKLOG)
        else:
            self._server = await loop.create_server(
                self._factory,
                sock=bound,
                backlog=_BACKLOG,
                ssl=self._certificates.context(self.certificate),
            )

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        self._now = None
