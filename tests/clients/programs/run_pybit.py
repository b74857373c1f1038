"""pybit's WebSocket as its users run it: orderbook_stream, which keeps the book, trade_stream and
ticker_stream. Nothing is changed but the addresses."""

from __future__ import annotations

import threading
import time
from typing import Any

import report
from pybit import unified_trading

CATEGORY = report.ORDER["venue"].partition("-")[2]
LEVELS: int = report.ORDER["levels"]
LOCK = threading.Lock()


def on_book(message: Any) -> None:
    """pybit has merged the delta already."""
    data = message["data"]
    sides = (
        sorted(data["b"], key=lambda level: -float(level[0])),
        sorted(data["a"], key=lambda level: float(level[0])),
    )
    with LOCK:
        report.message()
        report.book(data["s"], data["seq"], *sides)


def on_trades(message: Any) -> None:
    """A list of trades."""
    with LOCK:
        report.message()
        for one in message["data"]:
            report.trade(one["s"], one["i"], one["p"], one["v"], one["S"].lower(), one["T"])


def on_ticker(message: Any) -> None:
    """pybit has merged the delta already."""
    data = message["data"]
    with LOCK:
        report.message()
        report.ticker(
            data["symbol"], message["ts"], bid=data.get("bid1Price"),
            bid_size=data.get("bid1Size"), ask=data.get("ask1Price"),
            ask_size=data.get("ask1Size"), last=data["lastPrice"],
        )  # fmt: skip


def main() -> None:
    """Follow everything for the time asked for."""
    unified_trading.PUBLIC_WSS = report.redirected(unified_trading.PUBLIC_WSS)
    http = unified_trading.HTTP()
    http.endpoint = report.ORDER["rest"]
    listed = http.get_instruments_info(category=CATEGORY)["result"]["list"]
    assert set(report.SYMBOLS) <= {one["symbol"] for one in listed}
    socket = unified_trading.WebSocket(channel_type=CATEGORY, testnet=False)
    socket.orderbook_stream(LEVELS, report.SYMBOLS, on_book)
    socket.trade_stream(report.SYMBOLS, on_trades)
    socket.ticker_stream(report.SYMBOLS, on_ticker)
    time.sleep(report.SECONDS)
    with LOCK:  # nothing is half written
        socket.exit()


if __name__ == "__main__":
    main()
