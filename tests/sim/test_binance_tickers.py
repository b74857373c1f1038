"""Streams of Binance that go by the clock, and what is not simulated."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.sim.binance import call, data
from tests.sim.harness import Sim, venue

PRODUCTS = pytest.mark.parametrize(
    ("name", "api", "path", "tick"),
    [
        ("binance", "/api/v3", "/stream", 8),
        ("binance-usdm", "/fapi/v1", "/market/stream", 2),
    ],
)
UNKNOWN = {"error": {"code": 2, "msg": "Invalid request: invalid stream"}, "id": 3}


async def traded(sim: Sim) -> list[dict[str, Any]]:
    found = (await sim.get("/sim/trades", symbol="BTCUSDT"))["trades"]
    assert isinstance(found, list)
    return found


@PRODUCTS
def test_what_is_not_simulated_is_refused_and_nothing_subscribed(
    name: str, api: str, path: str, tick: int
) -> None:
    del api, tick

    async def main() -> None:
        async with venue(name, message_limit=100) as sim, sim.socket(path) as socket:
            for stream in (
                "btcusdt@blockTrade",
                "btcusdt@kline_1M",
                "!contractInfo",
                "btcusdt",
                "",
            ):
                assert await call(socket, "SUBSCRIBE", "btcusdt@trade", stream) == UNKNOWN
            assert (await call(socket, "LIST_SUBSCRIPTIONS"))["result"] == []
            # A symbol may be any: the venue does not look.
            assert (await call(socket, "SUBSCRIBE", "nope@ticker"))["result"] is None
            async with sim.socket("/ws/7") as raw:
                assert (await call(raw, "LIST_SUBSCRIPTIONS"))["result"] == []
            async with sim.socket("/ws/btcusdt@blockTrade") as raw:
                assert await raw.json() == {"error": UNKNOWN["error"]}
                assert await raw.closed() == 1008

    asyncio.run(main())


@PRODUCTS
def test_tickers_candles_and_averages_are_of_the_markets_trades(
    name: str, api: str, path: str, tick: int
) -> None:
    async def main() -> None:
        async with venue(name, message_limit=100) as sim, sim.socket(path) as socket:
            opening = (await sim.get(f"{api}/ticker/24hr", symbol="BTCUSDT"))["openPrice"]
            await sim.step(2000)
            trades = await traded(sim)
            prices = [Decimal(t["price"]) for t in trades]
            sizes = [Decimal(t["size"]) for t in trades]
            streams = [f"btcusdt@{kind}" for kind in ("ticker", "miniTicker", "kline_1h")]
            if name == "binance":
                streams.append("btcusdt@avgPrice")
            for stream in streams:
                assert (await call(socket, "SUBSCRIBE", stream))["result"] is None
                found = await data(socket, stream)
                assert found["s"] == "BTCUSDT"
                if stream.endswith("icker"):
                    assert Decimal(found["c"]) == prices[-1]
                    assert Decimal(found["h"]) == max(*prices, Decimal(opening))
                    assert Decimal(found["l"]) == min(*prices, Decimal(opening))
                    assert found["o"] == opening
                if stream.endswith("@ticker"):
                    assert Decimal(found["p"]) == prices[-1] - Decimal(opening)
                    assert len(found["p"].partition(".")[2]) == tick
                    assert (found["F"] + found["n"] - 1, found["L"]) == (
                        found["L"],
                        trades[-1]["number"],
                    )
                    _, bids, asks = await sim.truth("BTCUSDT")
                    if name == "binance":
                        assert (Decimal(found["b"]), Decimal(found["a"])) == (max(bids), min(asks))
                elif stream.endswith("kline_1h"):
                    k = found["k"]
                    assert [Decimal(k[key]) for key in "ohlc"] == [
                        prices[0], max(prices), min(prices), prices[-1],
                    ]  # fmt: skip
                    assert Decimal(k["v"]) == sum(sizes)
                    bought = sum(
                        s for t, s in zip(trades, sizes, strict=True) if t["taker"] == "buy"
                    )
                    assert Decimal(k["V"]) == bought
                    turnover = sum(p * s for p, s in zip(prices, sizes, strict=True))
                    assert abs(Decimal(k["q"]) - turnover) < Decimal("0.01")
                    assert (k["f"], k["L"], k["n"]) == (
                        trades[0]["number"], trades[-1]["number"], len(trades),
                    )  # fmt: skip
                    (row,) = await sim.get(f"{api}/klines", symbol="BTCUSDT", interval="1h")
                    assert row[:6] == [k["t"], k["o"], k["h"], k["l"], k["c"], k["v"]]
                elif stream.endswith("avgPrice"):
                    turnover = sum(p * s for p, s in zip(prices, sizes, strict=True))
                    assert float(found["w"]) == pytest.approx(float(turnover / sum(sizes)))

    asyncio.run(main())


@PRODUCTS
def test_partial_books_are_the_books_best_levels(name: str, api: str, path: str, tick: int) -> None:
    del api, tick, path

    async def main() -> None:
        async with venue(name) as sim, sim.socket() as socket:
            stream = "btcusdt@depth10@100ms"
            await call(socket, "SUBSCRIBE", stream)
            for _ in range(3):
                await sim.step(100)
                sequence, bids, asks = await sim.truth("BTCUSDT")
                found = await data(socket, stream)
                while (found.get("lastUpdateId") or found["u"]) < sequence:
                    found = await data(socket, stream)
                rows = [found[key] for key in (("bids", "asks") if "bids" in found else ("b", "a"))]
                assert [[Decimal(p) for p, _ in side] for side in rows] == [
                    sorted(bids, reverse=True)[:10], sorted(asks)[:10],
                ]  # fmt: skip
                assert all(Decimal(size) == bids[Decimal(price)] for price, size in rows[0])

    asyncio.run(main())


@PRODUCTS
def test_all_symbols_in_one_stream(name: str, api: str, path: str, tick: int) -> None:
    del api, tick

    async def main() -> None:
        async with venue(name) as sim, sim.socket(path) as socket:
            await call(socket, "SUBSCRIBE", "!miniTicker@arr")
            listed = set(sim.server.market.instruments)
            assert {one["s"] for one in await data(socket, "!miniTicker@arr")} == listed
            await sim.post("/sim/expire", {"symbol": "ETHUSDT"})
            await sim.step(3000)
            moved = {one["s"] for one in await data(socket, "!miniTicker@arr")}
            assert "BTCUSDT" in moved
            assert moved <= listed - {"ETHUSDT"}

    asyncio.run(main())


@PRODUCTS
def test_rest_tickers_and_trades(name: str, api: str, path: str, tick: int) -> None:
    del path

    async def main() -> None:
        async with venue(name) as sim:
            await sim.step(1000)
            _, bids, asks = await sim.truth("BTCUSDT")
            best = await sim.get(f"{api}/ticker/bookTicker", symbol="BTCUSDT")
            assert Decimal(best["bidPrice"]) == max(bids)
            assert Decimal(best["askQty"]) == asks[min(asks)]
            trades = await traded(sim)
            price = await sim.get(f"{api}/ticker/price", symbol="BTCUSDT")
            assert Decimal(price["price"]) == Decimal(trades[-1]["price"])
            assert len(price["price"].partition(".")[2]) == tick
            recent = await sim.get(f"{api}/trades", symbol="BTCUSDT", limit=3)
            assert [str(t["id"]) for t in recent] == [t["id"] for t in trades[-3:]]
            several = await sim.get(f"{api}/ticker/24hr", symbols='["ETHUSDT","BTCUSDT"]')
            assert [one["symbol"] for one in several] == ["ETHUSDT", "BTCUSDT"]
            everything = await sim.get(f"{api}/ticker/price")
            assert len(everything) == len(sim.server.market.instruments)
            assert (await sim.get(f"{api}/trades", status=400, symbol="NOPE"))["code"] == -1121
            assert (await sim.get(f"{api}/klines", status=400, symbol="BTCUSDT"))["code"] == -1120

    asyncio.run(main())
