"""A peer for the tests: OKX's books in dictionaries. `WRONG` set: it loses every tenth update."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import aiohttp

from feedhandler.bench.peers.programs.words import Levels, Words

Book = tuple[dict[float, float], dict[float, float]]


async def main() -> None:
    books: dict[str, Book] = {}

    def best(symbol: str) -> tuple[Levels, Levels]:
        bids, asks = books[symbol]
        return sorted(bids.items(), reverse=True), sorted(asks.items())

    words = Words(best)
    async with aiohttp.ClientSession() as http, http.ws_connect(words.order["url"]) as socket:
        words.ready()
        await socket.send_str("subscribe")
        lose = 10 if "WRONG" in os.environ else 0
        number = 0
        async for message in socket:
            number += 1
            if not lose or number % lose:
                apply(books, json.loads(message.data))
            words.frame()


def apply(books: dict[str, Book], message: dict[str, Any]) -> None:
    symbol = message["arg"]["instId"]
    if message["action"] == "snapshot":
        books[symbol] = ({}, {})
    for side, name in zip(books[symbol], ("bids", "asks"), strict=True):
        for price, size, *_ in message["data"][0][name]:
            side.pop(float(price), None)
            if float(size):
                side[float(price)] = float(size)


asyncio.run(main())
