"""Instruments that are listed and that expire while clients are connected."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.sim.dialects import DERIBIT, OKX, Dialect, Follower, every_venue
from tests.sim.harness import venue


@every_venue
def test_listed_then_traded_then_gone(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            count = (await sim.get("/sim/stats"))["instruments"]
            listed = await speak.listed(sim)
            new = next(one for one in sim.server.make_universe() if one.symbol not in listed).symbol
            await sim.post("/sim/list", {"symbol": new})
            assert await speak.listed(sim) == {*listed, new}
            assert (await sim.get("/sim/stats"))["instruments"] == count + 1
            book = Follower(speak, sim, socket, new)
            await book.subscribe()
            await book.moved(2000)
            await sim.post("/sim/expire", {"symbol": new})
            assert await speak.listed(sim) == listed
            sequence = (await sim.truth(new))[0]
            assert (await sim.get("/sim/stats"))["subscriptions"] == 0
            await sim.step(500)
            await sim.post("/sim/pause")
            assert (await sim.truth(new))[0] == sequence
            await sim.post("/sim/fault", {"kind": "gap", "symbol": new}, status=400)
            await book.quiet()
            # An expired one can come back, with the book that it had.
            await sim.post("/sim/list", {"symbol": new})
            again = await speak.snapshot(sim, new)
            assert again.at == sequence

    asyncio.run(main())


@every_venue
def test_expiry_of_a_followed_instrument_leaves_the_others(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            gone, stays = (Follower(speak, sim, socket, s) for s in (speak.symbol, speak.other))
            await gone.subscribe()
            await stays.subscribe()
            await sim.post("/sim/expire", {"symbol": speak.symbol})
            await stays.moved(300)
            answer = await sim.post("/sim/expire", {"symbol": speak.symbol}, status=400)
            assert speak.symbol in answer["error"]

    asyncio.run(main())


def test_deribit_tells_of_it_in_the_stream() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:
            listed = await DERIBIT.listed(sim)
            universe = sim.server.make_universe()
            new = next(i for i in universe if i.kind == "option" and i.symbol not in listed)
            channels = [f"instrument.state.option.{new.base}", "instrument.state.any.any"]
            await socket.send(DERIBIT.subscribe(*channels))
            assert (await socket.json())["result"] == channels

            async def heard(channel: str) -> dict[str, Any]:
                found = await socket.until(lambda m: m["params"]["channel"] == channel)
                data = found["params"]["data"]
                assert isinstance(data, dict)
                return data

            await sim.post("/sim/list", {"symbol": new.symbol})
            for state in ("created", "started"):
                for channel in channels:
                    data = await heard(channel)
                    assert (data["state"], data["instrument_name"]) == (state, new.symbol)
            ticker = f"ticker.{new.symbol}.100ms"
            await socket.send(DERIBIT.subscribe(ticker))
            await socket.until(DERIBIT.is_answer)
            assert (await heard(ticker))["state"] == "open"
            await sim.post("/sim/expire", {"symbol": new.symbol})
            assert (await heard(channels[0]))["state"] == "closed"
            assert (await heard(ticker))["state"] == "closed"
            path = "/api/v2/public/get_instruments"
            expired = (await sim.get(path, currency="any", expired="true"))["result"]
            assert [(e["instrument_name"], e["is_active"]) for e in expired] == [
                (new.symbol, False)
            ]

    asyncio.run(main())


def test_okx_tells_of_it_in_the_stream() -> None:
    async def main() -> None:
        async with venue("okx") as sim, sim.socket() as socket:
            listed = await OKX.listed(sim)
            universe = sim.server.make_universe()
            new = next(i for i in universe if i.kind == "option" and i.symbol not in listed)
            arg = {"channel": "instruments", "instType": "OPTION"}
            await socket.send({"op": "subscribe", "args": [arg]})
            assert (await socket.json())["event"] == "subscribe"
            whole = (await socket.json())["data"]
            assert {one["instId"] for one in whole} == {s for s in listed if s[-2:] in ("-C", "-P")}
            codes = {one["instId"]: one["instIdCode"] for one in whole}
            await sim.post("/sim/list", {"symbol": new.symbol})
            (entry,) = (await socket.json())["data"]
            assert (entry["instId"], entry["state"]) == (new.symbol, "live")
            assert entry["instIdCode"] not in codes.values()
            gone = whole[0]["instId"]
            await sim.post("/sim/expire", {"symbol": gone})
            (entry,) = (await socket.json())["data"]
            assert (entry["instId"], entry["state"]) == (gone, "expired")
            # Codes stay with their instruments whoever leaves.
            path = "/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD"
            for one in (await sim.get(path))["data"]:
                assert one["instIdCode"] == codes.get(one["instId"], one["instIdCode"])

    asyncio.run(main())


def test_what_cannot_be_listed() -> None:
    async def main() -> None:
        async with venue("binance", instruments=1) as sim:
            answer = await sim.post("/sim/list", {"symbol": "BTCUSDT"}, status=400)
            assert "listed already" in answer["error"]
            answer = await sim.post("/sim/list", {"symbol": "ETHUSD"}, status=400)
            assert "did you mean 'ETHUSD" in answer["error"]
            answer = await sim.post("/sim/expire", {"symbol": "BTCUSDT"}, status=400)
            assert "the only instrument" in answer["error"]

    asyncio.run(main())
