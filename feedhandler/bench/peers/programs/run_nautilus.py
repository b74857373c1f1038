"""nautilus_trader as it is measured: its native WebSocket client, and the deltas of every message
applied to its books, at a URL of ours.

Its books of full depth, in Rust; the adapter's callback and the application of deltas as its data
engine does them, on its event loop (uvloop), without its message bus, cache and strategies. Runs in
a virtual environment of its own; `words.py` has what it is told and says.
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop
from nautilus_trader.core import nautilus_pyo3 as native
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import OrderBookDeltas, capsule_to_data
from nautilus_trader.model.enums import BookType
from words import Levels, Words

PRODUCTS = {"bybit-spot": "SPOT", "bybit-linear": "LINEAR"}


def identity(venue: str, symbol: str) -> str:
    """An instrument as nautilus calls it."""
    return f"{symbol}.OKX" if venue == "okx" else f"{symbol}-{PRODUCTS[venue]}.BYBIT"


def instrument(one: dict[str, Any], venue: str) -> Any:
    """As a pair of currencies, whatever it is: the books are the same."""

    def step(exponent: int) -> str:
        return "1" if exponent == 0 else f"{10.0**exponent:.{-exponent}f}"

    return native.CurrencyPair(
        instrument_id=native.InstrumentId.from_str(identity(venue, one["symbol"])),
        raw_symbol=native.Symbol(one["symbol"]),
        base_currency=native.Currency.from_str("BTC"),
        quote_currency=native.Currency.from_str("USDT"),
        price_precision=-one["price_exponent"],
        size_precision=-one["size_exponent"],
        price_increment=native.Price.from_str(step(one["price_exponent"])),
        size_increment=native.Quantity.from_str(step(one["size_exponent"])),
        ts_event=0,
        ts_init=0,
    )


async def main() -> None:
    """Follow every book until this process is ended."""
    books: dict[str, OrderBook] = {}

    def book(symbol: str) -> tuple[Levels, Levels]:
        found = books[identity(venue, symbol)]
        bids, asks = found.bids(), found.asks()
        return [(at.price, at.size()) for at in bids], [(at.price, at.size()) for at in asks]

    words = Words(book)
    url, venue = words.order["url"], words.order["venue"]
    listed = [instrument(one, venue) for one in words.order["instruments"]]
    by_id: dict[Any, OrderBook] = {}

    def received(message: Any) -> None:
        if not native.is_pycapsule(message):
            return
        deltas = capsule_to_data(message)
        if not isinstance(deltas, OrderBookDeltas):
            return  # of Bybit's books it makes quotes too
        one = by_id.get(deltas.instrument_id)
        if one is None:
            one = by_id[deltas.instrument_id] = OrderBook(deltas.instrument_id, BookType.L2_MBP)
            books[deltas.instrument_id.value] = one
        one.apply_deltas(deltas)
        words.frame()

    loop = asyncio.get_running_loop()
    if venue == "okx":
        client = native.OKXWebSocketClient(url=url, heartbeat=20)
        await client.connect(loop, listed, received)
    else:
        client = native.BybitWebSocketClient.new_public(
            product_type=getattr(native.BybitProductType, PRODUCTS[venue]),
            environment=native.BybitEnvironment.MAINNET,
            url=url,
        )
        for one in listed:
            client.cache_instrument(one)
        await client.connect(loop, received)
    await client.wait_until_active(timeout_secs=10.0)
    words.ready()
    for one in listed:
        if venue == "okx":
            await client.subscribe_book(one.id)
        else:
            await client.subscribe_orderbook(one.id, words.order["levels"])
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
