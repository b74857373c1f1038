"""Channels that a venue has and the simulator has not: refused in the venue's words, so that
nothing is acknowledged that could never come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sim.harness import venue

Request = dict[str, Any]


def of_deribit(channel: str) -> Request:
    return {"id": 7, "method": "public/subscribe", "params": {"channels": [channel]}}


def of_okx(channel: str) -> Request:
    name, _, symbol = channel.partition(":")
    return {"op": "subscribe", "args": [{"channel": name, "instId": symbol}]}


def of_binance(channel: str) -> Request:
    return {"id": 7, "method": "SUBSCRIBE", "params": [channel]}


def of_bybit(channel: str) -> Request:
    return {"req_id": "7", "op": "subscribe", "args": [channel]}


INVALID = {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": 7}
CASES: list[tuple[str, Any, tuple[str, ...], dict[str, Any]]] = [
    (
        "deribit",
        of_deribit,
        (
            "chart.trades.BTC-PERPETUAL.1",
            "incremental_ticker.BTC-PERPETUAL",
            "perpetual.BTC-PERPETUAL.100ms",
            "deribit_volatility_index.btc_usd",
            "markprice.options.btc_usd",
        ),
        {"result": []},
    ),
    (
        "okx",
        of_okx,
        ("candle1m:BTC-USDT", "price-limit:BTC-USDT", "books50-l2-tbt:BTC-USDT"),
        {"event": "error", "code": "60018"},
    ),
    (
        "binance",
        of_binance,
        ("btcusdt@blockTrade", "btcusdt@ticker_1h", "!bookTicker", "btcusdt@depth7"),
        INVALID,
    ),
    (
        "binance-usdm",
        of_binance,
        ("btcusdt@rpiDepth@500ms", "!forceOrder@arr", "btcusdt@compositeIndex"),
        INVALID,
    ),
    ("bybit-linear", of_bybit, ("kline.1.BTCUSDT", "orderbook.rpi.BTCUSDT"), {"success": False}),
    ("bybit-spot", of_bybit, ("kline.1.BTCUSDT", "orderbook.full.BTCUSDT"), {"success": False}),
]


@pytest.mark.parametrize(
    ("name", "request_of", "channels", "answer"), CASES, ids=[case[0] for case in CASES]
)
def test_it_is_refused(
    name: str, request_of: Any, channels: tuple[str, ...], answer: dict[str, Any]
) -> None:
    async def main() -> None:
        async with venue(name, message_limit=100) as sim, sim.socket() as socket:
            for channel in channels:
                await socket.send(request_of(channel))
                found = await socket.json()
                assert found.items() >= answer.items(), (channel, found)
            assert (await sim.get("/sim/stats"))["subscriptions"] == 0

    asyncio.run(main())
