"""What the stream says was traded is what the control port says."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.sim.harness import venue

Prints = list[tuple[str, str, Decimal, Decimal, int]]


def of_deribit(message: dict[str, Any]) -> Prints:
    return [
        (t["trade_id"], t["direction"], _d(t["price"]), _d(t["amount"]), t["timestamp"])
        for t in message.get("params", {}).get("data", ())
    ]


def of_okx(message: dict[str, Any]) -> Prints:
    return [
        (t["tradeId"], t["side"], _d(t["px"]), _d(t["sz"]), int(t["ts"]))
        for t in message.get("data", ())
    ]


def of_binance(message: dict[str, Any]) -> Prints:
    t = message.get("data")
    side = "sell" if t and t["m"] else "buy"
    return [(str(t["t"]), side, _d(t["p"]), _d(t["q"]), t["T"])] if t else []


def of_bybit(message: dict[str, Any]) -> Prints:
    return [
        (t["i"], t["S"].lower(), _d(t["p"]), _d(t["v"]), t["T"]) for t in message.get("data", ())
    ]


def _d(value: object) -> Decimal:
    return Decimal(str(value))


OKX_ARG = {"channel": "trades", "instId": "BTC-USDT"}
CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "deribit": (
        "BTC-PERPETUAL",
        {"method": "public/subscribe", "params": {"channels": ["trades.BTC-PERPETUAL.100ms"]}},
        of_deribit,
    ),
    "okx": ("BTC-USDT", {"op": "subscribe", "args": [OKX_ARG]}, of_okx),
    "binance": ("BTCUSDT", {"method": "SUBSCRIBE", "params": ["btcusdt@trade"]}, of_binance),
    "binance-usdm": ("BTCUSDT", {"method": "SUBSCRIBE", "params": ["btcusdt@trade"]}, of_binance),
    "bybit-linear": ("BTCUSDT", {"op": "subscribe", "args": ["publicTrade.BTCUSDT"]}, of_bybit),
    "bybit-spot": ("BTCUSDT", {"op": "subscribe", "args": ["publicTrade.BTCUSDT"]}, of_bybit),
}


@pytest.mark.parametrize("name", CASES)
def test_trades_are_told_as_they_were_sent(name: str) -> None:
    symbol, request, read = CASES[name]

    async def main() -> None:
        async with venue(name) as sim, sim.socket() as socket:
            assert (await sim.get("/sim/trades", symbol=symbol))["trades"] == []
            await socket.send({"id": 1, **request})
            await socket.json()
            await sim.step(1000)
            told = (await sim.get("/sim/trades", symbol=symbol))["trades"]
            assert len(told) > 20
            heard: Prints = []
            while len(heard) < len(told):
                heard += read(await socket.json())
            assert heard == [
                (t["id"], t["taker"], _d(t["price"]), _d(t["size"]), t["ms"]) for t in told
            ]
            later = await sim.get("/sim/trades", symbol=symbol, after=told[4]["number"])
            assert later["trades"] == told[5:]
            await sim.get("/sim/trades", status=400, symbol=symbol, after="x")
            touches = (await sim.get("/sim/touches", symbol=symbol))["touches"]
            for touch in (touches[0], touches[-1], *touches[1:-1:50]):
                sequence, bids, asks = await sim.truth(symbol, touch["sequence"])
                best = (max(bids), bids[max(bids)]), (min(asks), asks[min(asks)])
                assert (tuple(map(_d, touch["bid"])), tuple(map(_d, touch["ask"]))) == best
                assert sequence == touch["sequence"]
            await sim.get("/sim/trades", status=404, symbol="?")

    asyncio.run(main())
