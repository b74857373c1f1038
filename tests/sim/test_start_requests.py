"""What clients ask over REST when they start, of OKX and Bybit: it agrees with the books."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.sim.harness import venue


def test_okx() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            await sim.step(1000)
            _, bids, asks = await sim.truth("BTC-USDT")
            (one,) = (await sim.get("/api/v5/market/ticker", instId="BTC-USDT"))["data"]
            assert (Decimal(one["bidPx"]), Decimal(one["askPx"])) == (max(bids), min(asks))
            assert Decimal(one["bidSz"]) == bids[max(bids)]
            swaps = (await sim.get("/api/v5/market/tickers", instType="SWAP"))["data"]
            assert {row["instType"] for row in swaps} == {"SWAP"}
            assert len(swaps) == 5
            told = (await sim.get("/sim/trades", symbol="BTC-USDT"))["trades"]
            trades = (await sim.get("/api/v5/market/trades", instId="BTC-USDT", limit=4))["data"]
            assert [t["tradeId"] for t in trades] == [t["id"] for t in told[:-5:-1]]
            for path in ("public/mark-price", "public/funding-rate", "public/open-interest"):
                found = (await sim.get(f"/api/v5/{path}", instId="BTC-USDT-SWAP"))["data"]
                assert found[0]["instId"] == "BTC-USDT-SWAP"
            (index,) = (await sim.get("/api/v5/market/index-tickers", instId="BTC-USD"))["data"]
            assert Decimal(index["idxPx"]) == pytest.approx(max(bids), rel=Decimal("0.001"))
            queries: list[dict[str, Any]] = [{"instId": "TEA-USDT"}, {"instType": "TEA"}, {}]
            for query in queries:
                assert (await sim.get("/api/v5/market/ticker", **query))["code"] == "51001"

    asyncio.run(main())


@pytest.mark.parametrize("category", ["linear", "spot"])
def test_bybit(category: str) -> None:
    async def main() -> None:
        async with venue(f"bybit-{category}") as sim:
            await sim.step(1000)
            _, bids, asks = await sim.truth("BTCUSDT")
            query: dict[str, Any] = {"category": category, "symbol": "BTCUSDT"}
            (one,) = (await sim.get("/v5/market/tickers", **query))["result"]["list"]
            assert (Decimal(one["bid1Price"]), Decimal(one["ask1Price"])) == (max(bids), min(asks))
            everything = await sim.get("/v5/market/tickers", category=category)
            assert len(everything["result"]["list"]) == len(sim.server.market.instruments)
            assert (await sim.get("/v5/market/tickers", category="option"))["result"]["list"] == []
            told = (await sim.get("/sim/trades", symbol="BTCUSDT"))["trades"]
            trades = (await sim.get("/v5/market/recent-trade", **query, limit=4))["result"]["list"]
            assert [t["execId"] for t in trades] == [t["id"] for t in told[:-5:-1]]
            assert [t["side"].lower() for t in trades] == [t["taker"] for t in told[:-5:-1]]
            for path in ("tickers", "recent-trade"):
                wrong = await sim.get(f"/v5/market/{path}", category=category, symbol="TEA")
                assert wrong["retCode"] == 10001

    asyncio.run(main())
