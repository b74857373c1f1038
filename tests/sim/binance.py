"""What tests of Binance's products share: a request and its answer, and the next of a stream."""

from __future__ import annotations

from typing import Any

from tests.sim.harness import Socket


async def call(socket: Socket, method: str, *params: str) -> dict[str, Any]:
    """Ask, and wait for the answer."""
    await socket.send({"method": method, "params": list(params), "id": 3})
    return await socket.until(lambda message: message.get("id") == 3)


async def data(socket: Socket, stream: str) -> Any:
    """What the next message of a stream says."""
    return (await socket.until(lambda m: m.get("stream") == stream))["data"]
