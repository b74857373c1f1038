"""The ways to ask a venue for its book: over the open socket, over HTTP kept alive or opened anew.

All over TLS, by the libraries that the feed uses, the way that it uses them.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from feedhandler.bench.figures.persistent_server import PATH, Asked
from feedhandler.network import tcp
from feedhandler.network.route import Route

TIMEOUT_S = 20.0


class Way(ABC):
    """An asynchronous context manager. `port`: of the venue; `route`: whom to trust."""

    def __init__(self, port: int, route: Route) -> None:
        self.at = f"127.0.0.1:{port}"
        self.route = route

    async def __aenter__(self) -> Way:
        return self

    @abstractmethod
    async def __aexit__(self, *_: object) -> None: ...

    @abstractmethod
    async def ask(self) -> bytes:
        """The book."""


class _Listener(WSListener):
    """Hands every message on."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        super().__init__()
        self._take = take

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002
        """One of a few words, or a book."""
        if frame.msg_type is WSMsgType.TEXT:
            self._take(frame.get_payload_as_bytes())


class OpenSocket(Way):
    """A WebSocket. `taken`: what came without being asked for, and when (monotonic ns)."""

    def __init__(self, port: int, route: Route) -> None:
        super().__init__(port, route)
        self.taken: list[tuple[int, bytes]] = []
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0
        self._transport: Any = None

    async def __aenter__(self) -> OpenSocket:
        url = f"wss://{self.at}/ws"
        self._transport, _ = await self.route.websocket(url, lambda _: _Listener(self._take))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.disconnect(graceful=False)

    async def ask(self) -> bytes:
        self._number += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[self._number] = answer
        self._transport.send(WSMsgType.TEXT, msgspec.json.encode(Asked(self._number)))
        async with asyncio.timeout(TIMEOUT_S):
            return await answer

    def _take(self, message: bytes) -> None:
        answer = self._asked.pop(self._number, None)
        if answer is None:
            self.taken.append((time.monotonic_ns(), message))
        elif msgspec.json.decode(message, type=Asked).id == self._number and not answer.done():
            answer.set_result(message)


class KeptAlive(Way):
    """HTTP over one connection that stays open."""

    def __init__(self, port: int, route: Route) -> None:
        super().__init__(port, route)
        self._session = self._opened()

    def _opened(self) -> aiohttp.ClientSession:
        return self.route.http(TIMEOUT_S)

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self) -> bytes:
        async with self._session.get(f"https://{self.at}{PATH}") as answer:
            return await answer.read()


class OpenedAnew(KeptAlive):
    """HTTP, a connection a request."""

    def _opened(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self.route.tls, force_close=True, socket_factory=tcp.make
        )
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        return aiohttp.ClientSession(connector=connector, timeout=timeout)


WAYS: dict[str, type[Way]] = {
    "open socket": OpenSocket,
    "kept-alive HTTP": KeptAlive,
    "new connection": OpenedAnew,
}
