"""Bybit's messages, byte for byte in the shapes and number formats of the real ones."""

from __future__ import annotations

from hashlib import md5
from uuid import UUID

from feedhandler.sim.market.instrument import TextCache
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.bybit_window import Sides

_FIRST_SPOT_TRADE = 2_290_000_001_000_000_000


class Texts:
    """Number text of one instrument, remembered."""

    def __init__(self, prices: TextCache, sizes: TextCache) -> None:
        self.prices, self.sizes = prices, sizes


def push(category: str, topic: str, kind: str, now: int, data: str, tail: str = "") -> bytes:
    """A message of a topic. Spot's time stands before its type."""
    said = f'"type":"{kind}"', f'"ts":{now}'
    head = ",".join(reversed(said) if category == "spot" else said)
    return f'{{"topic":"{topic}",{head},"data":{data}{tail}}}'.encode()


def levels(texts: Texts, sides: Sides) -> str:
    """Both sides as the keys of a book."""
    bids, asks = (
        ",".join(f'["{texts.prices[grid]}","{texts.sizes[lots]}"]' for grid, lots in side)
        for side in sides
    )
    return f'"b":[{bids}],"a":[{asks}]'


def book(texts: Texts, symbol: str, sides: Sides, number: int, sequence: int) -> str:
    """The data of a book's message."""
    return f'{{"s":"{symbol}",{levels(texts, sides)},"u":{number},"seq":{sequence}}}'


def trade_id(category: str, symbol: str, one: Trade) -> str:
    """What the venue calls a trade: of futures a UUID, of spot a number."""
    if category == "spot":
        return str(_FIRST_SPOT_TRADE + one.number)
    name = md5(f"{symbol}{one.number}".encode(), usedforsecurity=False)
    return str(UUID(bytes=name.digest()))


def trade(category: str, live: Live, texts: Texts, one: Trade) -> str:
    """One trade."""
    symbol, side, now = live.instrument.symbol, "Buy" if one.taker_buys else "Sell", one.ms
    name = trade_id(category, symbol, one)
    price, size = texts.prices[one.grid], texts.sizes[one.lots]
    if category == "spot":
        return (
            f'{{"i":"{name}","T":{now},"p":"{price}","v":"{size}",'
            f'"S":"{side}","seq":{one.sequence},"s":"{symbol}","BT":false,"RPI":false}}'
        )
    tick = ("PlusTick", "ZeroPlusTick", "MinusTick")[one.direction]
    return (
        f'{{"T":{now},"s":"{symbol}","S":"{side}","v":"{size}","p":"{price}","L":"{tick}",'
        f'"i":"{name}","BT":false,"RPI":false,"seq":{one.sequence}}}'
    )


def recent_trade(category: str, live: Live, texts: Texts, one: Trade) -> dict[str, object]:
    """One trade as REST tells it."""
    symbol = live.instrument.symbol
    return {
        "execId": trade_id(category, symbol, one),
        "symbol": symbol,
        "price": texts.prices[one.grid],
        "size": texts.sizes[one.lots],
        "side": "Buy" if one.taker_buys else "Sell",
        "time": str(one.ms),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(one.sequence),
    }


def liquidation(live: Live, texts: Texts, one: Trade) -> str:
    """The liquidation behind a trade: the side is the position's, the price its bankruptcy's."""
    side, limit = ("Sell", one.grid + 50) if one.taker_buys else ("Buy", max(1, one.grid - 50))
    return (
        f'{{"T":{live.clock.ms()},"s":"{live.instrument.symbol}","S":"{side}",'
        f'"v":"{texts.sizes[one.lots]}","p":"{texts.prices[limit]}"}}'
    )
