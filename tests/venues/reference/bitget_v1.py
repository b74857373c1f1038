"""Recordings of Bitget's WebSocket v1, which is gone, in the words of v3: the same levels, digit by
digit, each message verified by the checksum that the venue sent; the numbers of messages and trades
are ours."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import zip_longest
from typing import Any

URL = "wss://ws.bitget.com/v3/ws/public"
CHECKED = 25  # levels of a side
TOPICS = {"books": "books", "trade": "publicTrade", "ticker": "ticker"}

Line = dict[str, Any]


def as_spot(lines: Iterable[Line]) -> Iterator[Line]:
    yield from _as_subscribed(lines, "/spot/v1/", "spot")


def as_futures(lines: Iterable[Line]) -> Iterator[Line]:
    yield from _as_subscribed(lines, "/mix/v1/", "usdt-futures")


def _as_subscribed(lines: Iterable[Line], path: str, product: str) -> Iterator[Line]:
    session = _Session(product)
    for line in lines:
        if line["kind"] == "rest" or path not in line["url"]:
            continue
        frames = [None] if line["data"] is None else session.frames(json.loads(line["data"]))
        for frame in frames:
            yield {**line, "url": URL, "data": frame and json.dumps(frame)}


class _Session:
    def __init__(self, product: str) -> None:
        self.product = product
        self.sides: dict[str, tuple[dict[Decimal, str], dict[Decimal, str]]] = {}
        self.numbers: dict[str, int] = {}
        self.trades = 1_435_300_000_000_000_000

    def frames(self, message: Any) -> Iterator[Any]:
        if "op" in message:
            args = [self._arg(one) for one in message["args"] if one["channel"] in TOPICS]
            yield {"op": message["op"], "args": args}
        elif message["arg"]["channel"] not in TOPICS:
            return
        elif "event" in message:
            yield {"event": message["event"], "arg": self._arg(message["arg"]), "connId": "c"}
        else:
            yield from self._pushed(message)

    def _arg(self, arg: Any) -> dict[str, str]:
        topic = TOPICS[arg["channel"]]
        return {"instType": self.product, "topic": topic, "symbol": arg["instId"]}

    def _pushed(self, message: Any) -> Iterator[Any]:
        symbol, channel, rows = message["arg"]["instId"], message["arg"]["channel"], message["data"]
        whole = message["action"] == "snapshot"
        if channel == "books":
            data = [self._book(symbol, row, whole) for row in rows]
            time = rows[0]["ts"]
        elif channel == "trade":
            data, time = [self._trade(*row) for row in rows], rows[0][0]
        elif "systemTime" in rows[0]:
            data, time = [_statistics(row) for row in rows], rows[0]["systemTime"]
        else:
            return  # of pairs
        yield {
            "action": message["action"],
            "arg": self._arg(message["arg"]),
            "data": data,
            "ts": int(time),
        }

    def _book(self, symbol: str, row: Any, whole: bool) -> dict[str, Any]:
        sides = ({}, {}) if whole else self.sides[symbol]
        self.sides[symbol] = sides
        for side, levels in zip(sides, (row["bids"], row["asks"]), strict=True):
            for price, size in levels:
                side[Decimal(price)] = f"{price}:{size}"
                if Decimal(size) == 0:
                    del side[Decimal(price)]
        assert _checksum(*sides) == row["checksum"], symbol
        before = self.numbers.get(symbol, 0)
        number = self.numbers[symbol] = before + 7919 if before else 427_583_461_144
        return {
            "a": row["asks"],
            "b": row["bids"],
            "seq": number,
            "pseq": 0 if whole else before,
            "ts": row["ts"],
            "maxdepth": "1000",
        }

    def _trade(self, time: str, price: str, size: str, side: str) -> dict[str, str]:
        self.trades += 2
        name, other = str(self.trades), str(self.trades + 1)
        return {"i": name, "p": price, "v": size, "S": side, "T": time, "L": other, "isRPI": "no"}


def _statistics(row: Any) -> dict[str, str]:
    return {
        "lastPrice": row["last"],
        "indexPrice": row["indexPrice"],
        "markPrice": row["markPrice"],
        "fundingRate": row["capitalRate"],
        "openInterest": row["holding"],
        "deliveryTime": "",
    }


def _checksum(bids: dict[Decimal, str], asks: dict[Decimal, str]) -> int:
    """CRC-32, as an int32, of the best levels as they were written, a bid and an ask in turn."""
    best = [bids[price] for price in sorted(bids, reverse=True)[:CHECKED]]
    other = [asks[price] for price in sorted(asks)[:CHECKED]]
    texts = (text for pair in zip_longest(best, other) for text in pair if text)
    number = zlib.crc32(":".join(texts).encode())
    return number - (1 << 32) if number >> 31 else number
