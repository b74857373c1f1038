"""KuCoin futures, https://www.kucoin.com/docs-new: /contractMarket/level2 (a level a message, over
a base by REST), execution, tickerV2, /contract/instrument."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import CONTROL, Quote, Said, Trade
from tests.venues.reference.joined import Delta, JoinedReference


class KucoinFuturesReference(JoinedReference):
    def rest(self, url: str, body: Any) -> Said:
        if "/level2/" not in url:
            return CONTROL
        data, symbol = body["data"], parse_qs(urlsplit(url).query)["symbol"][0]
        return self.base(symbol, data["sequence"], data["bids"], data["asks"])

    def frame(self, message: Any) -> Said:
        topic, _, symbol = message.get("topic", "").partition(":")
        data = message.get("data")
        match topic:
            case "/contractMarket/level2":
                price, side, size = data["change"].split(",")
                bids, asks = [(price, size)], list[Any]()
                if side == "sell":
                    bids, asks = asks, bids
                number = data["sequence"]
                return self.delta(symbol, Delta(number, number, bids, asks))
            case "/contractMarket/execution":
                return Said("trade", trades=(_trade(symbol, data),))
            case "/contractMarket/tickerV2":
                return Said("quote", quotes=(_quote(symbol, data),))
            case "/contract/instrument" | "/contractMarket/snapshot":
                return Said("ticker")
            case _:
                return CONTROL


def _trade(symbol: str, data: Any) -> Trade:
    return Trade(
        symbol,
        Decimal(data["price"]),
        Decimal(data["size"]),
        {"buy": True, "sell": False}[data["side"]],
        data["ts"],
        int(data["tradeId"]) if data["tradeId"].isdigit() else None,
    )


def _quote(symbol: str, data: Any) -> Quote:
    bid, ask = (
        (Decimal(data[f"best{side}Price"]), Decimal(data[f"best{side}Size"]))
        for side in ("Bid", "Ask")
    )
    return Quote(symbol, bid, ask, data["ts"], data.get("sequence"))
