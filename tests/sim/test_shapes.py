"""Messages have the keys of the real ones, in the real order: decoders may lean on neither."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sim.harness import venue

DERIBIT = {
    "book.BTC-PERPETUAL.100ms": "timestamp type change_id instrument_name bids asks prev_change_id",
    "quote.BTC-PERPETUAL": "timestamp instrument_name best_ask_price best_bid_price "
    "best_ask_amount best_bid_amount",
    "trades.BTC-PERPETUAL.100ms": "timestamp price amount direction index_price instrument_name "
    "trade_seq mark_price tick_direction contracts trade_id",
    "ticker.BTC-PERPETUAL.100ms": "timestamp state stats index_price instrument_name last_price "
    "settlement_price min_price max_price open_interest mark_price interest_value best_ask_price "
    "best_bid_price estimated_delivery_price best_ask_amount best_bid_amount current_funding "
    "funding_8h",
    "ticker.BTC-25DEC26-82500-C.100ms": "timestamp state stats greeks index_price instrument_name "
    "last_price settlement_price min_price max_price open_interest mark_price interest_rate "
    "estimated_delivery_price best_ask_price best_bid_price mark_iv bid_iv ask_iv "
    "underlying_price underlying_index best_ask_amount best_bid_amount",
}
OKX = {
    "books": "asks bids ts checksum seqId prevSeqId",
    "bbo-tbt": "asks bids ts seqId",
    "books5": "asks bids instId ts seqId",
    "trades": "instId tradeId px sz side ts count source seqId",
    "tickers": "instType instId last lastSz askPx askSz bidPx bidSz open24h high24h low24h "
    "volCcy24h vol24h sodUtc0 sodUtc8 ts",
    "mark-price": "instId instType markPx ts",
    "open-interest": "instId instType oi oiCcy ts",
}
BINANCE = {
    "btcusdt@depth@100ms": "e E s U u b a",
    "btcusdt@bookTicker": "u s b B a A",
    "btcusdt@trade": "e E s t p q T m M",
    "btcusdt@aggTrade": "e E s a p q f l T m M",
}


def keys(data: Any) -> str:
    return " ".join(data[0] if isinstance(data, list) else data)


def test_deribit() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:
            params = {"channels": list(DERIBIT)}
            await socket.send({"id": 1, "method": "public/subscribe", "params": params})
            assert (await socket.json())["result"] == list(DERIBIT)
            await sim.step(500)
            heard: dict[str, str] = {}
            while len(heard) < len(DERIBIT):
                params = (await socket.json())["params"]
                data: Any = params["data"]
                if not (isinstance(data, dict) and data.get("type") == "snapshot"):
                    heard[str(params["channel"])] = keys(data)
            assert heard == DERIBIT

    asyncio.run(main())


def test_okx() -> None:
    async def main() -> None:
        async with venue("okx") as sim, sim.socket() as socket:
            args = [{"channel": channel, "instId": "BTC-USDT-SWAP"} for channel in OKX]
            await socket.send({"op": "subscribe", "args": args})
            await sim.step(500)
            heard: dict[str, str] = {}
            while len(heard) < len(OKX):
                message = await socket.json()
                if "data" in message:
                    order = "arg action data" if "action" in message else "arg data"
                    assert keys(message) == order
                    heard[message["arg"]["channel"]] = keys(message["data"])
            assert heard == OKX

    asyncio.run(main())


def test_binance() -> None:
    async def main() -> None:
        async with venue("binance") as sim, sim.socket() as socket:
            await socket.send({"method": "SUBSCRIBE", "params": list(BINANCE), "id": 1})
            assert await socket.json() == {"result": None, "id": 1}
            await sim.step(500)
            heard: dict[str, str] = {}
            while len(heard) < len(BINANCE):
                message = await socket.json()
                heard[message["stream"]] = keys(message["data"])
            assert heard == BINANCE

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "path", "size"),
    [
        ("deribit", "/api/v2/public/get_instruments?currency=any", 1800),
        ("okx", "/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD", 900),
        ("binance", "/api/v3/exchangeInfo", 2000),
    ],
)
def test_a_large_universe_is_listed_without_making_its_books(
    name: str, path: str, size: int
) -> None:
    async def main() -> None:
        async with venue(name, instruments=2000) as sim:
            found = await sim.get(path)
            entries = found.get("result") or found.get("data") or found.get("symbols")
            assert len(entries) >= size
            await sim.step(100)
            assert len(sim.server.market.made) <= 100

    asyncio.run(main())
