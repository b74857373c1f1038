from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tests.sim.binance import call, data
from tests.sim.harness import venue

SYMBOL = "BTCUSDT"
FAST = "btcusdt@depth@100ms"
PUBLIC, MARKET = "/public/stream", "/market/stream"
OF_PUBLIC = [FAST, "btcusdt@bookTicker", "btcusdt@trade"]
OF_MARKET = ["btcusdt@aggTrade", "btcusdt@markPrice@1s"]


def test_an_event_names_the_one_before_and_numbers_leave_room_between() -> None:
    async def main() -> None:
        async with venue("binance-usdm") as sim, sim.socket() as socket:
            await call(socket, "SUBSCRIBE", FAST)
            await sim.step(100)
            first = await data(socket, FAST)
            await sim.step(100)
            second = await data(socket, FAST)
            assert second["pu"] == first["u"]
            assert second["pu"] + 1 < second["U"] <= second["u"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "heard", "silent"),
    [
        (PUBLIC, OF_PUBLIC, OF_MARKET),
        (MARKET, OF_MARKET, OF_PUBLIC),
        ("/stream", OF_PUBLIC, OF_MARKET),
    ],
)
def test_a_path_acknowledges_everything_and_carries_its_own(
    path: str, heard: list[str], silent: list[str]
) -> None:
    async def main() -> None:
        async with venue("binance-usdm") as sim, sim.socket(path) as socket:
            assert await call(socket, "SUBSCRIBE", *heard, *silent) == {"result": None, "id": 3}
            listed = (await call(socket, "LIST_SUBSCRIPTIONS"))["result"]
            assert listed == sorted([*heard, *silent])
            seen: set[str] = set()
            await sim.step(400)
            while len(seen) < len(heard):
                seen.add((await socket.json())["stream"])
            await sim.step(400)
            await socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 9})
            while "stream" in (message := await socket.json()):
                seen.add(message["stream"])
            assert seen == set(heard)
            await call(socket, "UNSUBSCRIBE", *heard, *silent)
            assert (await call(socket, "LIST_SUBSCRIPTIONS"))["result"] == []

    asyncio.run(main())


def test_liquidations_are_of_trades_and_rare() -> None:
    async def main() -> None:
        streams = ["btcusdt@aggTrade", "btcusdt@trade", "btcusdt@forceOrder"]
        async with venue("binance-usdm") as sim, sim.socket(MARKET) as socket:
            await call(socket, "SUBSCRIBE", *streams)
            await sim.step(3000)
            await socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 9})
            trades: dict[tuple[str, str], str] = {}
            orders = []
            while "stream" in (message := await socket.json()):
                event = message["data"]
                if event["e"] == "forceOrder":
                    orders.append(event["o"])
                elif event["e"] == "aggTrade":
                    trades[event["p"], event["q"]] = "SELL" if event["m"] else "BUY"
            times = [order["T"] for order in orders]
            assert times
            assert all(later - sooner >= 1000 for sooner, later in pairwise(times))
            for order in orders:
                assert trades[order["ap"], order["q"]] == order["S"]
                assert order["s"] == SYMBOL

    asyncio.run(main())


def test_mark_prices_of_perpetuals_and_dated_futures() -> None:
    async def main() -> None:
        async with venue("binance-usdm") as sim, sim.socket(MARKET) as socket:
            await call(
                socket, "SUBSCRIBE", "btcusdt@markPrice@1s", "btcusdt_261225@markPrice@1s",
                "nope@markPrice@1s",
            )  # fmt: skip
            perpetual = await data(socket, "btcusdt@markPrice@1s")
            dated = await data(socket, "btcusdt_261225@markPrice@1s")
            assert 0 < float(perpetual["r"]) < 0.01
            assert perpetual["T"] % 28_800_000 == 0
            assert (dated["r"], dated["T"]) == ("", 0)
            assert float(dated["p"]) > float(dated["i"]) > 0

    asyncio.run(main())


def test_rest() -> None:
    async def main() -> None:
        async with venue("binance-usdm") as sim:
            info = await sim.get("/fapi/v1/exchangeInfo")
            symbols = {one["symbol"]: one for one in info["symbols"]}
            assert len(symbols) == 14
            assert symbols["BTCUSDT_261225"]["contractType"] == "CURRENT_QUARTER"
            filters = {f["filterType"]: f for f in symbols[SYMBOL]["filters"]}
            assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
            assert filters["LOT_SIZE"]["stepSize"] == "0.001"
            async with sim.session.get(sim.base + "/fapi/v1/depth?symbol=BTCUSDT&limit=50") as a:
                assert int(a.headers["X-MBX-USED-WEIGHT-1M"]) == 1 + 2
                body = await a.json()
                assert list(body) == ["lastUpdateId", "E", "T", "bids", "asks"]
                assert len(body["bids"]) <= 50
                assert len(body["bids"][0][0].partition(".")[2]) == 2
            for path, code in (
                ("depth?symbol=NOPE", -1121), ("depth", -1102),
                ("depth?symbol=BTCUSDT&limit=7", -4021), ("openInterest?symbol=X", -1121),
            ):  # fmt: skip
                assert (await sim.get(f"/fapi/v1/{path}", status=400))["code"] == code
            found = await sim.get("/fapi/v1/openInterest", symbol=SYMBOL)
            assert float(found["openInterest"]) >= 0

    asyncio.run(main())


def test_ten_messages_a_second() -> None:
    async def main() -> None:
        async with venue("binance-usdm") as sim, sim.socket() as socket:
            for number in range(12):
                await socket.send({"method": "LIST_SUBSCRIPTIONS", "id": number})
            assert await socket.closed() == 1008

    asyncio.run(main())
