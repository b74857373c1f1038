"""HTX spot, https://huobiapi.github.io/docs/spot/v1/en/: mbp (deltas over a base that is asked for
on the socket), trade.detail, bbo; and depth.step0 (whole books), which is what was recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.venues.reference.book import CONTROL, Book, Quote, Said, Trade
from tests.venues.reference.joined import Delta, JoinedReference


class HtxReference(JoinedReference):
    def frame(self, message: Any) -> Said:
        if ".mbp." in message.get("rep", "") and message["status"] == "ok":
            data = message["data"]
            return self.base(symbol_of(message["rep"]), data["seqNum"], data["bids"], data["asks"])
        channel, tick = message.get("ch", ""), message.get("tick")
        symbol, _, what = channel.removeprefix("market.").partition(".")
        if what.startswith("mbp.") and ".refresh" not in what:
            sides = tick.get("bids", []), tick.get("asks", [])
            return self.delta(symbol, Delta(tick["prevSeqNum"], tick["seqNum"], *sides))
        if what == "depth.step0":
            book = self.books[symbol] = Book(live=True, sequence=tick["version"])
            book.set(tick["bids"], tick["asks"])
            return Said("book", books=(symbol,))
        if what == "bbo":
            bid, ask = ((Decimal(tick[s]), Decimal(tick[f"{s}Size"])) for s in ("bid", "ask"))
            quote = Quote(symbol, bid, ask, tick["quoteTime"] * 10**6, tick["seqId"])
            return Said("quote", quotes=(quote,))
        if what != "trade.detail":
            return CONTROL
        return Said("trade", trades=tuple(_trade(symbol, row) for row in tick["data"]))

    def follows(self, delta: Delta, last: int) -> bool:
        return delta.first == last  # it names the one before it


def symbol_of(channel: str) -> str:
    return channel.split(".")[1]


def _trade(symbol: str, row: Any) -> Trade:
    return Trade(
        symbol,
        Decimal(row["price"]),
        Decimal(row["amount"]),
        {"buy": True, "sell": False}[row["direction"]],
        row["ts"] * 10**6,
        row["tradeId"],
    )
