"""python-binance as its users run it: a DepthCacheManager for each book, sockets for trades,
tickers and the best bid and offer. Nothing is changed but the addresses.

Of futures the library keeps no book of its own: its cache is each partial book as it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import report
from binance import AsyncClient, BinanceSocketManager
from binance.ws.depthcache import DepthCacheManager, FuturesDepthCacheManager

SPOT = report.ORDER["venue"] == "binance"


def point(owner: Any) -> None:
    """Every URL of an object at the simulator."""
    for name in dir(owner):
        if name.endswith("_URL") and isinstance(getattr(owner, name), str):
            setattr(owner, name, report.redirected(getattr(owner, name)))


class ObservedClient(AsyncClient):  # type: ignore[misc]
    """Which snapshots the library's books are joined with."""

    bases: ClassVar[dict[str, int]] = {}

    async def get_order_book(self, **params: Any) -> Any:
        """As the library has it."""
        found = await super().get_order_book(**params)
        self.bases[params["symbol"]] = found["lastUpdateId"]
        return found


async def books(client: Any, manager: Any, symbol: str) -> None:
    """The cache after each message that it took."""
    kind = DepthCacheManager if SPOT else FuturesDepthCacheManager
    more = {"ws_interval": 100} if SPOT else {}

    class Observed(kind):  # type: ignore[misc,valid-type]
        async def _process_depth_message(self, msg: Any) -> Any:
            report.message()
            found = await super()._process_depth_message(msg)
            event = msg if SPOT else msg["data"]
            if found is not None:
                base = client.bases.get(symbol, 0)
                fault = "applied an older event to a newer snapshot" if event["u"] < base else ""
                report.book(symbol, event["u"], found.get_bids(), found.get_asks(), fault)
            return found

    async with Observed(client, symbol, bm=manager, conv_type=str, **more) as cache:
        while True:
            await cache.recv()


async def follow(socket: Any, tell: Callable[[Any], None]) -> None:
    """Every message of a socket."""
    async with socket as stream:
        while True:
            message = await stream.recv()
            report.message()
            tell(message.get("data", message))


def tell_trade(one: Any) -> None:
    """Of @trade, or aggTrade of futures."""
    taker = "sell" if one["m"] else "buy"
    report.trade(one["s"], one.get("t", one.get("a")), one["p"], one["q"], taker, one["T"])


def tell_ticker(one: Any) -> None:
    """Of @ticker: spot's has the best bid and offer."""
    report.ticker(
        one["s"], one["E"], bid=one.get("b"), bid_size=one.get("B"), ask=one.get("a"),
        ask_size=one.get("A"), last=one["c"],
    )  # fmt: skip


def tell_quote(one: Any) -> None:
    """Of @bookTicker."""
    report.ticker(
        one["s"], 0, one["u"], bid=one["b"], bid_size=one["B"], ask=one["a"], ask_size=one["A"]
    )


def sockets(manager: Any, symbol: str) -> dict[Any, Callable[[Any], None]]:
    """Trades, tickers and quotes of a symbol, and who tells of them."""
    if SPOT:
        return {
            manager.trade_socket(symbol): tell_trade,
            manager.symbol_ticker_socket(symbol): tell_ticker,
            manager.symbol_book_ticker_socket(symbol): tell_quote,
        }
    return {
        manager.aggtrade_futures_socket(symbol): tell_trade,
        manager.symbol_ticker_futures_socket(symbol): tell_quote,
    }


async def main() -> None:
    """Follow everything for the time asked for."""
    point(ObservedClient)
    point(BinanceSocketManager)
    client = await ObservedClient.create()
    try:
        info = client.get_exchange_info() if SPOT else client.futures_exchange_info()
        assert set(report.SYMBOLS) <= {one["symbol"] for one in (await info)["symbols"]}
        manager = BinanceSocketManager(client)
        await report.for_the_time(
            *(books(client, manager, symbol) for symbol in report.SYMBOLS),
            *(
                follow(socket, tell)
                for symbol in report.SYMBOLS
                for socket, tell in sockets(manager, symbol).items()
            ),
        )
    finally:
        await client.close_connection()


if __name__ == "__main__":
    asyncio.run(main())
