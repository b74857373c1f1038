"""KuCoin, https://www.kucoin.com/docs/websocket/spot-trading/public-channels: level2 (deltas over a
base by REST), match, ticker. A ticker has the number of the book that it is the top of."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import CONTROL, Quote, Said, Trade
from tests.venues.reference.joined import Delta, JoinedReference


class KucoinReference(JoinedReference):
    def rest(self, url: str, body: Any) -> Said:
        if "/orderbook/level2" not in url:
            return CONTROL
        data, symbol = body["data"], parse_qs(urlsplit(url).query)["symbol"][0]
        return self.base(symbol, int(data["sequence"]), data["bids"], data["asks"])

    def frame(self, message: Any) -> Said:
        if message["type"] != "message":
            return CONTROL
        topic, _, symbol = message["topic"].partition(":")
        data = message["data"]
        if topic == "/market/level2":
            first, final = data["sequenceStart"], data["sequenceEnd"]
            changes = data["changes"]
            return self.delta(symbol, Delta(first, final, changes["bids"], changes["asks"]))
        if topic == "/market/ticker":
            return Said("quote", quotes=(_quote(symbol, data),))
        if topic != "/market/match":
            return CONTROL
        return Said("trade", trades=(_trade(data),))

    def fresh(self, levels: Iterable[Any], last: int) -> Iterable[Any]:
        """Each level has a number of its own, by which they follow; price 0 moves only that."""
        numbered = sorted(levels, key=lambda level: int(level[2]))
        return [level for level in numbered if int(level[2]) > last and Decimal(level[0])]


def _quote(symbol: str, data: Any) -> Quote:
    bid, ask = (
        (Decimal(data[f"best{side}"]), Decimal(data[f"best{side}Size"])) for side in ("Bid", "Ask")
    )
    return Quote(symbol, bid, ask, data["time"] * 10**6, int(data["sequence"]))


def _trade(data: Any) -> Trade:
    return Trade(
        data["symbol"],
        Decimal(data["price"]),
        Decimal(data["size"]),
        {"buy": True, "sell": False}[data["side"]],
        int(data["time"]),
        int(data["tradeId"]) if data["tradeId"].isdigit() else None,
    )
