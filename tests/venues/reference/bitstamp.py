"""Bitstamp, https://www.bitstamp.net/websocket/v2/: live_trades and diff_order_book, and the REST
order book. Nothing is numbered: a diff that is later than the book is the next one, and another
one of the same time another change. What lies between a base and a later stream is not known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Said, Trade
from tests.venues.reference.joined import Delta, JoinedReference

DIFF, TRADES = "diff_order_book_", "live_trades_"


class BitstampReference(JoinedReference):
    def rest(self, url: str, body: Any) -> Said:
        path, _, symbol = url.partition("?")[0].rstrip("/").rpartition("/")
        if not path.endswith("/order_book"):
            return CONTROL
        return self.base(symbol, int(body["microtimestamp"]) * 1000, body["bids"], body["asks"])

    def frame(self, message: Any) -> Said:
        channel, data = message.get("channel", ""), message.get("data")
        if message["event"] == "data" and channel.startswith(DIFF):
            time = int(data["microtimestamp"]) * 1000
            return self.delta(channel[len(DIFF) :], Delta(0, time, data["bids"], data["asks"]))
        if message["event"] == "funding_rate_saved":
            return Said("ticker")
        if message["event"] != "trade":
            return CONTROL
        assert channel.startswith(TRADES)
        return Said(
            "trade",
            trades=(
                Trade(
                    channel[len(TRADES) :],
                    Decimal(data["price_str"]),
                    Decimal(data["amount_str"]),
                    data["type"] == 0,  # 0: the taker buys
                    int(data["microtimestamp"]) * 1000,
                    data["id"],
                ),
            ),
        )

    def had(self, delta: Delta, last: int) -> bool:
        return delta.final < last

    def joins(self, head: Delta, last: int) -> bool:
        return head.final <= last
