"""Gate's perpetuals, https://www.gate.com/docs/developers/futures/ws/en/: futures.obu, trades with
signed sizes, book_ticker, tickers; and futures.order_book_update over a REST base, which was
recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import CONTROL, Said, Trade
from tests.venues.reference.gate import GateReference
from tests.venues.reference.joined import Delta


class GateFuturesReference(GateReference):
    def rest(self, url: str, body: Any) -> Said:
        if "/futures/usdt/order_book" not in url:
            return CONTROL
        symbol = parse_qs(urlsplit(url).query)["contract"][0]
        return self.base(symbol, body["id"], _levels(body["bids"]), _levels(body["asks"]))

    def frame(self, message: Any) -> Said:
        channel, result = message.get("channel", ""), message.get("result")
        if message.get("event", "update") != "update":
            return CONTROL
        match channel:
            case "futures.order_book_update":
                bids, asks = _levels(result["b"]), _levels(result["a"])
                return self.delta(result["s"], Delta(result["U"], result["u"], bids, asks))
            case "futures.trades":
                return Said("trade", trades=tuple(map(_trade, result)))
            case "futures.tickers":
                return Said("ticker")
            case _:
                return super().frame({**message, "channel": channel.replace("futures.", "spot.")})


def _levels(levels: Any) -> list[tuple[str, str]]:
    return [(level["p"], level["s"]) for level in levels]


def _trade(row: Any) -> Trade:
    size = Decimal(row["size"])
    time = row["create_time_ms"] * 10**6
    return Trade(row["contract"], Decimal(row["price"]), abs(size), size > 0, time, row["id"])
