"""ccxt pro as it is measured: `watch_order_book` of every symbol, at a URL of ours.

Its books of full depth, of Python floats; with orjson and uvloop, which it does not ask for, but is
faster with. Runs in a virtual environment of its own; `words.py` has
what it is told and says.
"""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt.pro
import uvloop
from words import Levels, Words

EXCHANGES: dict[str, Any] = {
    "okx": ccxt.pro.okx,
    "bybit-spot": ccxt.pro.bybit,
    "bybit-linear": ccxt.pro.bybit,
}


def market(exchange: Any, symbol: str, number: int, *, linear: bool) -> Any:
    """As ccxt has them; of spot, or a perpetual that settles in USDT."""
    made = exchange.safe_market_structure()
    made.update(id=symbol, symbol=symbol, base=f"B{number}", quote=f"Q{number}", active=True)
    if linear:
        made.update(type="swap", swap=True, contract=True, linear=True, inverse=False)
        made.update(settle="USDT", contractSize=1.0)
    else:
        made.update(type="spot", spot=True)
    made["precision"] = {"price": 1e-12, "amount": 1e-12}
    return made


async def main() -> None:
    """Follow every book until this process is ended."""

    def book(symbol: str) -> tuple[Levels, Levels]:
        found = exchange.orderbooks[symbol]
        return [level[:2] for level in found["bids"]], [level[:2] for level in found["asks"]]

    words = Words(book)
    url, venue = words.order["url"], words.order["venue"]

    base: Any = EXCHANGES[venue]

    class Exchange(base):  # type: ignore[misc]
        def handle_message(self, client: Any, message: Any) -> None:
            super().handle_message(client, message)
            words.frame()

    exchange = Exchange({"options": {"watchOrderBook": {"checksum": False}}})
    exchange.urls["api"]["ws"] = url if venue == "okx" else {"public": {"spot": url, "linear": url}}
    linear = venue == "bybit-linear"
    listed = (market(exchange, one, n, linear=linear) for n, one in enumerate(words.symbols))
    exchange.set_markets(list(listed))

    async def follow(symbol: str) -> None:
        while True:
            await exchange.watch_order_book(symbol, words.order["levels"])

    words.ready()
    await asyncio.gather(*(follow(symbol) for symbol in words.symbols))


if __name__ == "__main__":
    uvloop.run(main())
