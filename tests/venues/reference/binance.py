"""Binance, https://developers.binance.com/docs/derivatives and .../docs/binance-spot-api-docs:
depthUpdate over a base by REST; aggTrade and trade; bookTicker. Of futures and options `pu` is the
`u` before; on the spot market each begins with the number behind it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import CONTROL, Level, Quote, Said, Trade
from tests.venues.reference.joined import Delta, JoinedReference


class BinanceReference(JoinedReference):
    """The spot market: a best bid and offer has no event's name, and no time."""

    def rest(self, url: str, body: Any) -> Said:
        if not urlsplit(url).path.endswith("/depth"):
            return CONTROL
        symbol = parse_qs(urlsplit(url).query)["symbol"][0]
        return self.base(symbol, body["lastUpdateId"], body["bids"], body["asks"])

    def frame(self, message: Any) -> Said:
        data = message.get("data", message)
        if isinstance(data, list):
            return Said("ticker")
        match data.get("e"):
            case "depthUpdate":
                return self.delta(data["s"], Delta(data["U"], data["u"], data["b"], data["a"]))
            case "aggTrade" | "trade":
                return Said("trade", trades=(_trade(data),))
            case "24hrTicker" | "24hrMiniTicker":
                return Said("ticker")
            case "kline":
                return Said("none")
            case None if "B" in data:
                return Said("quote", quotes=(_quote(data),))
            case _:
                return CONTROL


class BinanceFuturesReference(BinanceReference):
    def __init__(self) -> None:
        super().__init__()
        self.before: dict[tuple[int, int], int] = {}  # the `pu` of an event by its U and u

    def frame(self, message: Any) -> Said:
        data = message.get("data", message)
        if isinstance(data, dict):
            match data.get("e"):
                case "depthUpdate":
                    self.before[data["U"], data["u"]] = data["pu"]
                case "bookTicker":
                    return Said("quote", quotes=(_quote(data),))
                case "markPriceUpdate":
                    return Said("ticker")
                case "forceOrder":
                    return Said("none")
        return super().frame(message)

    def follows(self, delta: Delta, last: int) -> bool:
        return self._previous(delta) == last or delta.first <= last <= delta.final

    def _previous(self, delta: Delta) -> int:
        return self.before[delta.first, delta.final]


def _trade(data: Any) -> Trade:
    number = data["a"] if data["e"] == "aggTrade" else data["t"]
    price, size = Decimal(data["p"]), Decimal(data["q"])
    return Trade(data["s"], price, size, not data["m"], data["T"] * 10**6, number)


def _quote(data: Any) -> Quote:
    bid, ask = _side(data["b"], data["B"]), _side(data["a"], data["A"])
    return Quote(data["s"], bid, ask, data.get("T", 0) * 10**6, data["u"])


def _side(price: str, size: str) -> Level | None:
    return (Decimal(price), Decimal(size)) if Decimal(size) else None
