from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import aiohttp
import orjson

from tests.sim.binance import call
from tests.sim.harness import venue

SYMBOL = "BTCUSDT"
FAST = "btcusdt@depth@100ms"


def test_both_speeds_and_the_top_of_book_agree() -> None:
    async def main() -> None:
        async with venue("binance") as sim, sim.socket() as socket:
            await call(socket, "SUBSCRIBE", FAST, "btcusdt@depth", "btcusdt@bookTicker")
            snapshot = await sim.get("/api/v3/depth", symbol=SYMBOL, limit=5000)
            await sim.step(300)
            end, bids, asks = await sim.truth(SYMBOL)
            ticker: dict[str, Any] = {}
            events: dict[str, dict[str, Any]] = {}
            while len(events) < 2:
                message = await socket.json()
                if message["stream"].endswith("bookTicker"):
                    ticker = message["data"]
                else:
                    events[message["stream"]] = message["data"]
            fast, slow = events[FAST], events["btcusdt@depth"]
            assert fast["U"] == slow["U"] == snapshot["lastUpdateId"] + 1
            assert fast["u"] == slow["u"] == end
            assert list(ticker) == ["u", "s", "b", "B", "a", "A"]
            assert Decimal(ticker["b"]) == max(bids)
            assert Decimal(ticker["A"]) == asks[min(asks)]
            assert snapshot["lastUpdateId"] < ticker["u"] <= end
            changed = len(fast["b"]) + len(fast["a"])
            # One id a level change; a level that changed twice is told once.
            assert 0 < changed <= fast["u"] - fast["U"] + 1

    asyncio.run(main())


def test_raw_and_url_streams() -> None:
    async def main() -> None:
        async with (
            venue("binance") as sim,
            sim.socket("/ws/btcusdt@trade") as raw,
            sim.socket("/stream?streams=btcusdt@aggTrade/ethusdt@trade") as wrapped,
        ):
            assert (await call(raw, "LIST_SUBSCRIPTIONS"))["result"] == ["btcusdt@trade"]
            listed = (await call(wrapped, "LIST_SUBSCRIPTIONS"))["result"]
            assert listed == ["btcusdt@aggTrade", "ethusdt@trade"]
            await sim.step(500)
            trade = await raw.json()
            assert (trade["e"], trade["s"]) == ("trade", SYMBOL)
            assert len(trade["p"].split(".")[1]) == 8
            aggregate = await wrapped.until(lambda m: m["stream"] == "btcusdt@aggTrade")
            assert aggregate["data"]["p"] == trade["p"]
            assert aggregate["data"]["m"] is trade["m"]

    asyncio.run(main())


def test_answers_and_errors() -> None:
    async def main() -> None:
        async with venue("binance", message_limit=100) as sim, sim.socket() as socket:
            assert await call(socket, "SUBSCRIBE", FAST, "nope@trade") == {"result": None, "id": 3}
            assert await call(socket, "UNSUBSCRIBE", FAST) == {"result": None, "id": 3}
            assert (await call(socket, "LIST_SUBSCRIPTIONS"))["result"] == ["nope@trade"]
            assert (await call(socket, "DANCE"))["code"] == 2
            for text in ("{", "[]", '{"method":"SUBSCRIBE","params":[1]}'):
                await socket.raw.send_str(text)
                assert (await socket.json())["code"] in (2, 3)
            async with sim.session.get(sim.base + "/api/v3/depth?symbol=BTCUSDT") as answer:
                assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) == 5
                assert len((await answer.json())["bids"]) <= 100
            assert (await sim.get("/api/v3/depth", status=400, symbol="NOPE"))["code"] == -1121
            assert (await sim.get("/api/v3/depth", status=400))["code"] == -1102
            assert await sim.get("/api/v3/ping") == {}
            assert (await sim.get("/api/v3/time"))["serverTime"] > 0

    asyncio.run(main())


def test_exchange_info() -> None:
    async def main() -> None:
        async with venue("binance") as sim:
            everything = await sim.get("/api/v3/exchangeInfo")
            assert len(everything["symbols"]) == 10
            (one,) = (await sim.get("/api/v3/exchangeInfo", symbol=SYMBOL))["symbols"]
            filters = {f["filterType"]: f for f in one["filters"]}
            assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
            assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
            assert [one["limit"] for one in everything["rateLimits"]] == [6_000, 61_000]
            for wrong, code in (({"symbol": "NOPE"}, -1121), ({"symbols": "["}, -1100)):
                said = await sim.get("/api/v3/exchangeInfo", status=400, **wrong)
                assert said["code"] == code
            several = orjson.dumps([SYMBOL, "ETHUSDT"]).decode()
            chosen = await sim.get("/api/v3/exchangeInfo", symbols=several)
            assert [s["symbol"] for s in chosen["symbols"]] == [SYMBOL, "ETHUSDT"]

    asyncio.run(main())


def test_answered_pings_keep_the_connection() -> None:
    async def main() -> None:
        options = {"ping_interval": 0.02, "pong_timeout": 0.5, "message_limit": 1000}
        async with venue("binance", **options) as sim, sim.socket(autoping=False) as socket:
            for _ in range(50):
                message = await socket.frame()
                assert message.type is aiohttp.WSMsgType.PING
                await socket.raw.pong(message.data)
            # Unanswered from here on; a pong nobody asked for does not help.
            await socket.raw.pong(b"unsolicited")
            assert await socket.closed() == 1008

    asyncio.run(main())


def test_too_many_messages_end_the_connection() -> None:
    async def main() -> None:
        async with venue("binance") as sim, sim.socket() as socket:
            for number in range(7):
                await socket.send({"method": "LIST_SUBSCRIPTIONS", "id": number})
            assert await socket.closed() == 1008

    asyncio.run(main())


def test_no_heartbeat_means_no_pings_however_late_it_gets() -> None:
    async def main() -> None:
        async with venue("binance") as sim, sim.socket(autoping=False) as socket:
            await sim.fault("no_heartbeat")
            sim.server.on_time(time.monotonic() + 3600)
            await socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 3})
            assert (await socket.frame()).type is aiohttp.WSMsgType.TEXT

    asyncio.run(main())
