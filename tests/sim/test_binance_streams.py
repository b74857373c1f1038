"""The rules of Binance's simulated products that no declaration says."""

from __future__ import annotations

import asyncio

from tests.sim.binance import call, data
from tests.sim.harness import venue

PUBLIC, MARKET = "/public/stream", "/market/stream"
#: by path; `XXX` is an option
STREAMS = {
    PUBLIC: ["XXX@depth@100ms", "XXX@bookTicker", "btcusdt@optionTrade"],
    MARKET: ["btcusdt@optionMarkPrice"],
}


def test_a_path_acknowledges_everything_and_carries_its_own() -> None:
    async def main() -> None:
        async with venue("binance-options", message_limit=100) as sim:
            symbol = next(iter(sim.server.market.instruments)).lower()
            named = {
                path: [one.replace("XXX", symbol) for one in STREAMS[path]] for path in STREAMS
            }
            every = [one for streams in named.values() for one in streams]
            for path, streams in named.items():
                async with sim.socket(path) as socket:
                    said = await call(socket, "SUBSCRIBE", *every, "nope@trade")
                    assert said == {"result": None, "id": 3}
                    heard: set[str] = set()
                    while heard != set(streams):
                        await sim.step(100)
                        heard.add((await socket.json())["stream"])
                    (client,) = sim.server.clients
                    assert client.channels == set(streams)

    asyncio.run(main())


def test_streams_of_an_expiry_tell_of_no_other() -> None:
    async def main() -> None:
        async with venue("binance-options", instruments=80) as sim, sim.socket(PUBLIC) as socket:
            expiries = {symbol.split("-")[1] for symbol in sim.server.market.instruments}
            assert len(expiries) > 1
            one = min(expiries)
            await call(socket, "SUBSCRIBE", f"btcusdt@optionTicker@{one}")
            told = {
                (await data(socket, f"btcusdt@optionTicker@{one}"))["s"].split("-")[1]
                for _ in range(10)
            }
            assert told == {one}

    asyncio.run(main())


def test_raw_streams_have_no_name_and_may_be_in_the_address() -> None:
    async def main() -> None:
        async with (
            venue("binance-coinm") as sim,
            sim.socket("/stream?streams=btcusd_perp@aggTrade") as wrapped,
            sim.socket("/ws") as raw,
        ):
            await call(raw, "SUBSCRIBE", "btcusd_perp@aggTrade")
            await sim.step(500)
            said = await raw.json()
            assert said == await data(wrapped, "btcusd_perp@aggTrade")
            assert (said["e"], said["s"]) == ("aggTrade", "BTCUSD_PERP")

    asyncio.run(main())


def test_answers_say_what_weight_is_used_and_names_that_are_none_are_refused() -> None:
    async def main() -> None:
        async with venue("binance-coinm") as sim, sim.socket() as socket:
            assert (await call(socket, "SUBSCRIBE", "nothing"))["error"]["code"] == 2
            used = 0
            for limit, weight in ((50, 2), (100, 5), (1000, 20)):
                url = f"{sim.base}/dapi/v1/depth?symbol=BTCUSD_PERP&limit={limit}"
                async with sim.session.get(url) as answer:
                    used += weight
                    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) == used
                    assert len((await answer.json())["bids"]) <= limit
            (best,) = await sim.get("/dapi/v1/ticker/bookTicker", symbol="BTCUSD_PERP")
            _, bids, _ = await sim.truth("BTCUSD_PERP")
            assert float(best["bidPrice"]) == float(max(bids))
            for number in range(12):
                await socket.send({"method": "LIST_SUBSCRIPTIONS", "id": number})
            assert await socket.closed() == 1008

    asyncio.run(main())
