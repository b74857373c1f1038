"""A simulated venue in the test's own loop, and a client that waits for messages, not time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import orjson

from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.market import Market
from feedhandler.sim.runner import make_server
from feedhandler.sim.server.server import VenueServer
from tests.kit.tools import needs

DEADLINE = 45.0
SIX = ("deribit", "okx", "binance", "binance-usdm", "bybit-linear", "bybit-spot")
"""Venues that are simulated with all that is beside what a feed reads of them."""
START_MS = 1_795_430_400_000
Levels = dict[Decimal, Decimal]
Condition = Callable[[dict[str, Any]], bool]
needs_openssl = needs("openssl")  # the command, which makes the certificates


class Socket:
    """A WebSocket whose reads have a deadline."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def frame(self) -> aiohttp.WSMessage:
        return await asyncio.wait_for(self.raw.receive(), DEADLINE)

    async def text(self) -> str:
        message = await self.frame()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        assert isinstance(message.data, str)
        return message.data

    async def json(self) -> dict[str, Any]:
        found = orjson.loads(await self.text())
        assert isinstance(found, dict)
        return found

    async def until(self, condition: Condition) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.json()
                if condition(message):
                    return message

    async def send(self, request: object) -> None:
        await self.raw.send_str(orjson.dumps(request).decode())

    async def closed(self) -> int | None:
        """Read on until the connection ends; the close code, 1006 if there was none."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.raw.receive()
                if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                    return self.raw.close_code
                if message.type in (aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR):
                    return self.raw.close_code


class Sim:
    """One running venue and an HTTP session to it."""

    def __init__(self, server: VenueServer, port: int, session: aiohttp.ClientSession) -> None:
        self.server = server
        scheme = "https" if server.options.tls else "http"
        self.port = port
        self.base = f"{scheme}://127.0.0.1:{port}"
        self.control = f"http://127.0.0.1:{server.control_port}"
        self.session = session

    @asynccontextmanager
    async def socket(self, path: str | None = None, **arguments: Any) -> AsyncIterator[Socket]:
        url = self.base + (path or self.server.ws_path)
        async with self.session.ws_connect(url, max_msg_size=0, **arguments) as raw:
            yield Socket(raw)

    def at(self, path: str) -> str:
        return (self.control if path.startswith("/sim/") else self.base) + path

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        params = {key: str(value) for key, value in query.items()}
        async with self.session.get(self.at(path), params=params or None) as answer:
            assert answer.status == status, await answer.text()
            return orjson.loads(await answer.read())

    async def post(self, path: str, body: object = None, status: int = 200) -> Any:
        data = orjson.dumps(body)
        async with self.session.post(self.at(path), data=data) as answer:
            assert answer.status == status, await answer.text()
            return orjson.loads(await answer.read())

    async def fault(self, kind: str, **more: Any) -> int:
        answer = await self.post("/sim/fault", {"kind": kind, **more})
        assert answer["kind"] == kind
        return int(answer["id"])

    async def told(self, number: int) -> dict[str, Any]:
        """What became of a fault."""
        stats = await self.get("/sim/stats")
        found = next(fault for fault in stats["faults"] if fault["id"] == number)
        assert isinstance(found, dict)
        return found

    async def ended(self, number: int) -> dict[str, Any]:
        """The same, once it is over."""
        async with asyncio.timeout(DEADLINE):
            while True:
                found = await self.told(number)
                if found["ended_ns"]:
                    return found
                await asyncio.sleep(0.005)

    async def step(self, updates: int = 1) -> None:
        await self.post(f"/sim/step?updates={updates}")

    async def truth(self, symbol: str, sequence: int | None = None) -> tuple[int, Levels, Levels]:
        query = {} if sequence is None else {"sequence": sequence}
        found = await self.get("/sim/book", symbol=symbol, **query)
        return found["sequence"], levels(found["bids"]), levels(found["asks"])


def levels(rows: list[Any]) -> Levels:
    """Price to size, exact."""
    return {Decimal(str(row[0])): Decimal(str(row[1])) for row in rows}


def market(name: str, **options: Any) -> Market:
    """A venue's market without its server."""
    return make_server(name, SimOptions(**{"start_ms": START_MS, "depth": 60, **options})).market


@asynccontextmanager
async def venue(name: str, **options: Any) -> AsyncIterator[Sim]:
    """Serve a venue with a small, busy market; ``paused`` by default, moved with `Sim.step`."""
    chosen = SimOptions(
        **{"rate": 2000.0, "depth": 40, "start_ms": START_MS, "paused": True, **options}
    )
    async with running(make_server(name, chosen)) as sim:
        yield sim


@asynccontextmanager
async def running(server: VenueServer) -> AsyncIterator[Sim]:
    """The server on a port of its own; an error of its own is not lost."""
    runner, port, task = await server.start(0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Sim(server, port, session)
        if task.done():
            task.result()
    finally:
        await server.stop(runner, task)
