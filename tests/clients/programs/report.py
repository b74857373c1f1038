"""What a client's program is told, and how it says what its user would see.

It runs in the client's own environment, so that it imports nothing of ours.

It reads one JSON object from stdin: ``ws``, ``rest``, ``venue``, ``symbols`` (the venue's names),
``seconds``, ``levels``; ``beside``: ``ws`` and ``rest`` of spot, where the client needs that too.
It writes JSON lines: a book after a message with the venue's sequence of
that message, a trade, a ticker; the values as the client has them.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Coroutine
from typing import Any

ORDER: dict[str, Any] = json.load(sys.stdin)
_SCHEMES = {"ws": "ws", "http": "rest"}
SECONDS: float = ORDER["seconds"]
SYMBOLS: list[str] = ORDER["symbols"]


def _say(what: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"what": what, **fields}) + "\n")


def message(count: int = 1) -> None:
    """So many messages of the venue came."""
    _say("messages", count=count)


def book(symbol: str, sequence: int, bids: Any, asks: Any, fault: str = "", ms: int = 0) -> None:
    """A book as it is after a message; levels best first. ``sequence`` 0: the message has none,
    perhaps a time. ``fault``: of the client, by which it may be wrong, see docs/simulator.md."""
    sides = [[[str(level[0]), str(level[1])] for level in side] for side in (bids, asks)]
    _say("book", symbol=symbol, sequence=sequence, bids=sides[0], asks=sides[1], fault=fault, ms=ms)


def trade(symbol: str, name: object, price: object, size: object, taker: str, ms: object) -> None:
    """A trade; ``taker``: buy or sell."""
    _say(
        "trade", symbol=symbol, id=str(name), price=str(price), size=str(size), taker=taker,
        ms=int(str(ms)),
    )  # fmt: skip


def received(symbol: str, name: object) -> None:
    """A trade that the client's socket brought, whatever the client makes of it."""
    _say("received", symbol=symbol, id=str(name))


def ticker(symbol: str, ms: int = 0, sequence: int = 0, **values: object) -> None:
    """A ticker at a time of the venue, or a quote at a sequence; ``values``: bid, bid_size, ask,
    ask_size, last, as far as the client has them."""
    told = {key: str(value) for key, value in values.items() if value is not None}
    _say("ticker", symbol=symbol, ms=ms, sequence=sequence, **told)


async def for_the_time(*jobs: Coroutine[Any, Any, None]) -> None:
    """Let them run side by side for the time asked for; one that fails ends all."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    done, _ = await asyncio.wait(tasks, timeout=SECONDS, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    for task in tasks:
        task.cancel()


def redirected(urls: Any) -> Any:
    """The client's own URLs, however nested, at the simulator's addresses; paths stay."""
    if isinstance(urls, dict):
        return {key: redirected(value) for key, value in urls.items()}
    if not isinstance(urls, str):
        return urls
    beside = ORDER["beside"] and not re.search(r"//(fapi|fstream)\b", urls)
    at = ORDER["beside"] if beside else ORDER
    return re.sub(r"^(ws|http)s?://[^/]+", lambda found: at[_SCHEMES[found[1]]], urls)
