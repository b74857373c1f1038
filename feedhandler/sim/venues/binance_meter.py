"""What Binance counts of its clients: request weight by the minute, and messages by the second."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import orjson
from aiohttp import web

from feedhandler.sim.server.client import Client

_TOO_MUCH = {"code": -1003, "msg": "Too much request weight used."}


class Meter:
    """The weight used in this minute; beyond the limit answers are refusals."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute, self._used = 0, 0

    def answer(self, data: Any, weight: int, status: int = 200) -> web.Response:
        """An answer with this JSON, or bytes of it, that costs so much."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += weight
        headers = {"X-MBX-USED-WEIGHT": str(self._used)}
        headers["X-MBX-USED-WEIGHT-1M"] = str(self._used)
        if self._used > self._limit:
            headers["Retry-After"] = str(60 - int(time.time()) % 60)
            status, data = 429, _TOO_MUCH
        body = data if isinstance(data, bytes) else orjson.dumps(data)
        return web.Response(
            body=body, status=status, headers=headers, content_type="application/json"
        )


def too_many(client: Client, most: float) -> bool:
    """One more message of a client: whether it sent more than so many within a second."""
    now = time.monotonic()
    recent: deque[float] = client.memory.setdefault("recent", deque())
    recent.append(now)
    while recent[0] < now - 1.0:
        recent.popleft()
    return len(recent) > most
