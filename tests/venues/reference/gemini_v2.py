"""Recordings of Gemini's Market Data v2, which is archived, in the words of the present socket: the
same levels and trades, digit by digit; the numbers of books are ours, and their times those of
arrival."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

URL = "wss://ws.gemini.com/?snapshot=-1"


def as_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    numbers: dict[str, int] = {}
    for line in lines:
        if line["kind"] == "rest":
            continue
        frame = line["data"] and _frame(line["dir"], json.loads(line["data"]), line["t"], numbers)
        if frame or line["data"] is None:
            yield {**line, "url": URL, "data": frame and json.dumps(frame)}


def _frame(way: str, message: Any, now: int, numbers: dict[str, int]) -> dict[str, Any] | None:
    if way == "out":
        (asked,) = message["subscriptions"]
        streams = [f"{one.lower()}@depth@100ms" for one in asked["symbols"]]
        return {"id": 1, "method": "subscribe", "params": streams}
    symbol = message.get("symbol", "").lower()
    if message["type"] == "l2_updates":
        before = numbers.get(symbol, 1_764_551_741_926_942)
        number = before if "auction_events" in message else before + 3
        numbers[symbol] = number
        bids, asks = (
            [level[1:] for level in message["changes"] if level[0] == side]
            for side in ("buy", "sell")
        )
        said = {"e": "depthUpdate", "E": now, "s": symbol, "U": before, "u": number}
        return {**said, "b": bids, "a": asks}
    if message["type"] == "trade":
        return {
            "E": message["timestamp"] * 10**6,
            "s": symbol,
            "t": message["tid"],
            "p": message["price"],
            "q": message["quantity"],
            "m": message["side"] == "sell",
        }
    return None
