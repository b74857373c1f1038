"""Recordings of Kraken's WebSocket v1, which is gone, in the words of v2: the same numbers, digit
by digit, with the checksums that the venue sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.venues.reference.book import Book, written
from tests.venues.reference.kraken import checksum

URL = "wss://ws.kraken.com/v2"


def as_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line["kind"] == "rest" or line["data"] is None:
            yield line
            continue
        message = json.loads(line["data"])
        if line["dir"] == "out":
            frames = _asked(message)
        elif isinstance(message, list):
            frames = _told(message)
        else:
            frames = _answered(message)
        for frame in frames:
            yield {**line, "url": URL, "data": written(frame)}


def _pair(name: str) -> str:
    return name.replace("XBT", "BTC")


def _asked(message: Any) -> Iterator[dict[str, Any]]:
    what = message.get("subscription", {})
    if what.get("name") in ("book", "trade"):
        params = {"channel": what["name"], "symbol": [_pair(name) for name in message["pair"]]}
        if "depth" in what:
            params["depth"] = what["depth"]
        yield {"method": "subscribe", "params": params}


def _answered(message: Any) -> Iterator[dict[str, Any]]:
    if message["event"] == "heartbeat":
        yield {"channel": "heartbeat"}
    if message["event"] == "subscriptionStatus":
        what = message["subscription"]
        if what["name"] in ("book", "trade"):
            result = {"channel": what["name"], "snapshot": True, "symbol": _pair(message["pair"])}
            if "depth" in what:
                result["depth"] = what["depth"]
            yield {"method": "subscribe", "result": result, "success": True}


def _told(message: list[Any]) -> Iterator[dict[str, Any]]:
    _, *parts, channel, pair = message
    if channel == "trade":
        rows = [
            {
                "symbol": _pair(pair),
                "side": {"b": "buy", "s": "sell"}[side],
                "price": Decimal(price),
                "qty": Decimal(size),
                "ord_type": {"m": "market", "l": "limit"}[order],
                "trade_id": int(time.replace(".", "")),
                "timestamp": _iso(time),
            }
            for price, size, time, side, order, _ in parts[0]
        ]
        yield {"channel": "trade", "type": "update", "data": rows}
    if not channel.startswith("book-"):
        return
    said: dict[str, Any] = {key: value for part in parts for key, value in part.items()}
    whole = "as" in said
    sides = {k: _levels(said.get(k[0] + "s" if whole else k[0], [])) for k in ("bids", "asks")}
    if whole:
        book = Book()
        book.set(*([(each["price"], each["qty"]) for each in rows] for rows in sides.values()))
        said["c"] = checksum(book)
    times = [level[2] for key in ("b", "a", "bs", "as") for level in said.get(key, [])]
    row = {"symbol": _pair(pair), **sides, "checksum": int(said["c"])}
    row["timestamp"] = _iso(max(times))
    yield {"channel": "book", "type": "snapshot" if whole else "update", "data": [row]}


def _levels(rows: list[list[str]]) -> list[dict[str, Decimal]]:
    return [{"price": Decimal(price), "qty": Decimal(size)} for price, size, *_ in rows]


def _iso(time: str) -> str:
    seconds, fraction = time.split(".")
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"
