"""A feed whose clock runs FACTOR times as fast as ours: minutes of backoff and budgets in seconds.

    python -m tests.soak.hurried < ORDER

ORDER is a line of JSON: namespace, ws_url, attempts (a file). The feed is Binance's, with four
connections; its instruments are known without a request. Each try to connect is a line in the file:
when by the fast clock, and this process. Runs until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import sys
import time
from typing import Any

FACTOR = 40.0
_LISTED = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "stepSize": "0.00001"},
            ],
        }
    ]
}


class Selector(selectors.DefaultSelector):
    """Sleeps as the fast clock has it."""

    def select(self, timeout: float | None = None) -> list[Any]:
        return super().select(None if timeout is None else timeout / FACTOR)


async def _run(order: dict[str, str]) -> None:
    from feedhandler.adapter.request import Request
    from feedhandler.config.keys import VenueConfig
    from feedhandler.io_process.venue_feed import VenueFeed
    from feedhandler.network import tcp  # here: all of it is to take the fast clock by its name
    from feedhandler.network.rest import Rest
    from feedhandler.venues import load
    from shm import segment

    class Listed(Rest):
        async def get(self, request: Request) -> bytes:  # noqa: ARG002
            return json.dumps(_LISTED).encode()

    attempts = os.open(order["attempts"], os.O_WRONLY | os.O_APPEND)
    connect = tcp.connect

    async def counted(host: str, port: int) -> Any:
        os.write(attempts, f"{time.monotonic()} {os.getpid()}\n".encode())
        return await connect(host, port)

    tcp.connect = counted
    venue = load("binance")
    config = VenueConfig(
        instruments=("BTCUSDT",), ws_url=order["ws_url"], rest_url="http://127.0.0.1:9",
        redundancy=4, directory_rows=8, ring_slots=1024, audit_s=0.0, degraded_after_s=0.0,
    )  # fmt: skip
    with segment.create(
        "binance", namespace=order["namespace"], instruments=8, connections=64, ring_slots=1024
    ) as held:
        async with Listed(config.rest_url, venue.limits) as rest:
            await VenueFeed(venue, config, held.writer, rest).run()


def main() -> None:
    order = json.loads(sys.stdin.readline())
    real = time.monotonic
    time.monotonic = lambda: real() * FACTOR
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Selector())) as runner:
        runner.run(_run(order))


if __name__ == "__main__":
    main()
