"""Frames of two venues by a seed: what one socket would bring, read by read.

Each market has a true book, of which changes, quotes ahead of them, trades and statistics are told
as the venue would. All ids and times go up, and a read ends with no quote ahead of its book, so
that what becomes of it does not depend on how long the process that reads is held up.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

VENUES = ("binance-usdm", "okx")
SYMBOLS = ("AAA-USDT", "BBB-USDT", "CCC-USDT")
MIDDLE = 10_000  # in ticks of 0.1
START_MS = 1_700_000_000_000
INTERVAL_MS = 2_000  # of funding
PONG = b""  # stands for the pong that a venue sends between its messages
Levels = dict[int, int]


def price(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}"


def size(lots: int) -> str:
    return f"{lots // 1000}.{lots % 1000:03}" if lots % 1000 else str(lots // 1000)


def four(levels: list[list[str]]) -> list[list[str]]:
    """As OKX writes them: what is of no meaning any more, and how many orders."""
    return [[*level, "0", "1"] for level in levels]


def pairs(levels: Levels) -> list[list[str]]:
    return [[price(at), size(lots)] for at, lots in levels.items()]


@dataclass
class Market:
    """What is true of one instrument, and how much of it the book's channel has told."""

    symbol: str
    sides: tuple[Levels, Levels]
    untold: tuple[Levels, Levels]
    id: int = 100
    told: int = 100
    trades: int = 0


class Stream:
    """The frames of one venue."""

    def __init__(self, venue: str, seed: int) -> None:
        self.okx = venue == "okx"
        self.random = random.Random(f"{venue} {seed}")
        self.ms = START_MS
        self.markets = [Market(symbol, self._sides(), ({}, {})) for symbol in SYMBOLS]

    def _sides(self) -> tuple[Levels, Levels]:
        lots = [self.random.randrange(1, 9999) for _ in range(16)]
        bids = {MIDDLE - 1 - n: lots[n] for n in range(8)}
        return bids, {MIDDLE + 1 + n: lots[8 + n] for n in range(8)}

    def bases(self) -> list[tuple[bytes, bytes]]:
        """Of each market a frame to begin with, and the answer to a request, if any."""
        return [(self._whole(m), b"") if self.okx else self._answered(m) for m in self.markets]

    def _answered(self, m: Market) -> tuple[bytes, bytes]:
        bids, asks = (pairs(side) for side in m.sides)
        answer = {"lastUpdateId": m.id, "E": self.ms, "T": self.ms, "bids": bids, "asks": asks}
        first = {"U": m.id, "u": m.id, "pu": m.id - 1, "b": [], "a": []}
        return self._binance("depthUpdate", m, first), json.dumps(answer).encode()

    def reads(self, count: int) -> list[list[bytes]]:
        """So many reads of one to thirty frames; the first brings a change of every market."""
        first = [self._tell(m, 2) for m in self.markets]
        return [first, *(self._read(self.random.randrange(1, 30)) for _ in range(count - 1))]

    def _read(self, count: int) -> list[bytes]:
        frames: list[bytes] = []
        for _ in range(count):
            frames += self._some(self.random.choice(self.markets))
        for m in self.markets:
            if m.told != m.id:
                frames.append(self._tell(m, 0))
        return frames

    def _some(self, m: Market) -> list[bytes]:
        chance = self.random.random()
        if chance < 0.4:
            return [self._tell(m, self.random.randrange(1, 6))]
        if chance < 0.6:
            self._change(m, self.random.randrange(1, 4))
            return [self._quote(m)]
        if chance < 0.75:
            return [self._trade(m)]
        if chance < 0.9:
            return [self._statistics(m)]
        if chance < 0.95:
            return [self._tell(m, 0, long=True)]
        if chance < 0.98 or not self.okx:
            return [PONG]
        self._tell(m, 2)  # lost on the way
        return [self._tell(m, 3), self._whole(m)]

    # ---- what is true

    def _change(self, m: Market, levels: int) -> None:
        m.id += self.random.randrange(1, 4)
        for _ in range(levels):
            side = self.random.randrange(2)
            away = self.random.randrange(1, 12)
            self._set(m, side, away, self.random.choice((0, self.random.randrange(1, 9999))))

    def _set(self, m: Market, side: int, away: int, lots: int) -> None:
        at = MIDDLE + away if side else MIDDLE - away
        if lots == 0 and len(m.sides[side]) == 1:
            lots = 7
        m.untold[side][at] = lots
        m.sides[side][at] = lots
        if lots == 0:
            del m.sides[side][at]

    # ---- what is told of it

    def _tell(self, m: Market, levels: int, *, long: bool = False) -> bytes:
        """Everything since the last time, and so many levels more. `long`: more than the ring takes
        as one message."""
        if long or levels:
            self._change(m, levels)
        for away in range(20, 60) if long else ():
            for which in (0, 1):
                self._set(m, which, away, self.random.randrange(1, 9999))
        bids, asks = (pairs(side) for side in m.untold)
        previous, m.told = m.told, m.id
        for side in m.untold:
            side.clear()
        if self.okx:
            return self._books(m, "update", previous, bids, asks)
        book = {"U": previous + 1, "u": m.id, "pu": previous, "b": bids, "a": asks}
        return self._binance("depthUpdate", m, book)

    def _whole(self, m: Market) -> bytes:
        m.told = m.id
        for side in m.untold:
            side.clear()
        bids, asks = (pairs(side) for side in m.sides)
        return self._books(m, "snapshot", -1, bids, asks)

    def _books(self, m: Market, action: str, previous: int, bids: Any, asks: Any) -> bytes:
        row = {"asks": four(asks), "bids": four(bids), "ts": self._now(), "checksum": 0}
        return self._okx("books", m, [row | {"seqId": m.id, "prevSeqId": previous}], action)

    def _quote(self, m: Market) -> bytes:
        bid, ask = max(m.sides[0]), min(m.sides[1])
        bids, asks = pairs({bid: m.sides[0][bid]}), pairs({ask: m.sides[1][ask]})
        if self.okx:
            row = {"asks": four(asks), "bids": four(bids), "ts": self._now(), "seqId": m.id}
            return self._okx("bbo-tbt", m, [row])
        (b, bs), (a, at) = bids[0], asks[0]
        return self._binance("bookTicker", m, {"u": m.id, "b": b, "B": bs, "a": a, "A": at})

    def _trade(self, m: Market) -> bytes:
        m.trades += 1
        buys = self.random.random() < 0.5
        at = price(min(m.sides[1]) if buys else max(m.sides[0]))
        lots = size(self.random.randrange(1, 9999))
        if self.okx:
            row = {"instId": m.symbol, "tradeId": str(m.trades), "px": at, "sz": lots}
            row |= {"side": "buy" if buys else "sell", "ts": self._now()}
            return self._okx("trades", m, [row])
        return self._binance("aggTrade", m, {"a": m.trades, "p": at, "q": lots, "m": not buys})

    def _statistics(self, m: Market) -> bytes:
        mark, index = (price(self.random.randrange(9_000, 11_000)) for _ in range(2))
        funding, predicted = (f"0.0{self.random.randrange(11, 99)}" for _ in range(2))
        due = self.ms - self.ms % INTERVAL_MS + INTERVAL_MS
        if self.random.random() < 0.1:
            funding, predicted, due = "", "", 0  # there is none, as of a dated contract
        if not self.okx:
            if self.random.random() < 0.3:
                volume = size(self.random.randrange(1, 4) * 500)
                return self._binance("24hrMiniTicker", m, {"c": mark, "v": volume, "q": "1"})
            rates = {"p": mark, "i": index, "r": funding, "T": due}
            return self._binance("markPriceUpdate", m, rates)
        channel, fields = self.random.choice(
            [
                ("mark-price", {"markPx": mark}),
                ("open-interest", {"oi": index}),
                (
                    "funding-rate",
                    {
                        "fundingRate": funding,
                        "fundingTime": str(due or ""),
                        "nextFundingRate": predicted,
                    },
                ),
            ]
        )
        row = {"instId": m.symbol, **fields, "ts": self._now()}
        return self._okx(channel, m, [row])

    # ---- envelopes

    def _now(self) -> str:
        self.ms += self.random.randrange(1, 50)
        return str(self.ms)

    def _binance(self, event: str, m: Market, fields: dict[str, Any]) -> bytes:
        """`T`: when it was so, `E`: when it was sent; of statistics only this."""
        at = int(self._now())
        head = {"e": event, "E": at + self.random.randrange(4), "s": m.symbol}
        if event not in ("markPriceUpdate", "24hrMiniTicker"):
            head["T"] = at
        return json.dumps({"stream": "x", "data": head | fields}).encode()

    def _okx(self, channel: str, m: Market, data: Any, action: str | None = None) -> bytes:
        frame: dict[str, Any] = {"arg": {"channel": channel, "instId": m.symbol}}
        if action:
            frame["action"] = action
        return json.dumps(frame | {"data": data}).encode()
