"""What clients that are not ours meet: requests in their words, and what is sent beside what we
read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson

from tests.sim.declared_reader import run, served
from tests.sim.harness import Sim, Socket

_MARK = {"event": "is this known?", "method": "is this known?"}


async def _heard(sim: Sim, socket: Socket, updates: int) -> list[Any]:
    """All that comes of so many updates: up to the refusal of something unknown."""
    await sim.step(updates)
    await socket.send(_MARK)
    found: list[Any] = []
    while not (found and isinstance(found[-1], dict) and _refuses(found[-1])):
        found.append(orjson.loads(await socket.text()))
    return found[:-1]


def _refuses(message: dict[str, Any]) -> bool:
    return "error" in message or message.get("event") == "error"


def test_bitfinex_has_numbers_and_checksums_for_those_who_ask() -> None:
    async def body() -> None:
        async with served("bitfinex") as sim, sim.socket() as socket:
            asked = {"event": "subscribe", "channel": "book", "symbol": "tBTCUSD", "len": "25"}
            await socket.send(asked)
            assert (await socket.json())["len"] == "25"
            snapshot = orjson.loads(await socket.text())
            shown = {(one[0], one[2] > 0) for one in snapshot[1]}
            plain = await _heard(sim, socket, 300)
            assert {len(one) for one in plain} == {2}
            for _, (price, count, amount) in plain:  # never more levels than were asked for
                (shown.add if count else shown.discard)((price, amount > 0))
                assert max(sum(bid is side for _, bid in shown) for side in (True, False)) <= 25
            await socket.send({"event": "conf", "flags": 131_072})
            assert (await socket.json())["status"] == "OK"
            assert "cs" in [one[1] for one in await _heard(sim, socket, 40)]
            await socket.send({"event": "conf", "flags": 65_536})
            assert (await socket.json())["status"] == "OK"
            counted = await _heard(sim, socket, 40)
            assert "cs" not in [one[1] for one in counted]
            assert counted[0][-1] == 1
            assert all(later[-1] == one[-1] + 1 for one, later in pairwise(counted))

    run(body())


def test_a_trade_is_said_once_as_what_it_is() -> None:
    async def body() -> None:
        async with served("kraken-futures") as sim, sim.socket() as socket:
            keys = {"feed": "trade", "product_ids": ["PF_XBTUSD"]}
            await socket.send({"event": "subscribe", **keys})
            assert (await socket.json())["event"] == "subscribed"
            trades: list[Any] = []
            while len(trades) < 60:
                trades += await _heard(sim, socket, 200)
            assert [one["seq"] for one in trades] == list(
                range(trades[0]["seq"], trades[-1]["seq"] + 1)
            )
            forced = {one["seq"] for one in trades if one["type"] == "liquidation"}
            assert forced == {one["seq"] for one in trades if one["seq"] % 25 == 0}
            assert {one["type"] for one in trades} == {"fill", "liquidation"}

    run(body())


def test_what_our_requests_say_beside_the_point_may_be_left_out() -> None:
    async def body() -> None:
        async with served("kraken") as sim, sim.socket() as socket:
            asked = {"channel": "trade", "symbol": ["BTC/USD"]}
            await socket.send({"method": "subscribe", "params": asked, "req_id": 7})
            said = await socket.json()
            assert (said["success"], said["req_id"]) == (True, 7)
            await socket.send({"params": asked, "req_id": 8})
            assert (await socket.json())["success"] is False

    run(body())


def test_lists_and_books_as_others_ask_for_them() -> None:
    async def body() -> None:
        async with served("coinbase") as sim:
            path = "/api/v3/brokerage/market/products"
            assert len((await sim.get(path))["products"]) > 3  # whatever their kind
            assert (await sim.get(path, product_type="FUTURE"))["products"] == []
        async with served("kraken") as sim:
            rows = (await sim.get("/0/public/AssetPairs"))["result"]
            assert rows["BTC/USD"]["quote"] == "USD"
        async with served("kraken-futures") as sim:
            rows = (await sim.get("/derivatives/api/v3/instruments"))["instruments"]
            types = {one["symbol"]: one["type"] for one in rows}
            assert (types["PI_XBTUSD"], types["PF_XBTUSD"]) == (
                "futures_inverse",
                "flexible_futures",
            )
            await sim.step(50)
            first = await sim.get("/sim/book", symbol="PF_XBTUSD", after=0)
            then = await sim.get("/sim/book", symbol="PF_XBTUSD", after=first["sequence"])
            same = await sim.get("/sim/book", symbol="PF_XBTUSD", sequence=then["sequence"])
            assert first["sequence"] < then["sequence"]
            assert then == same
            error = await sim.get("/sim/book", 404, symbol="PF_XBTUSD", after=10**15)
            assert "after 1000000000000000" in error["error"]

    run(body())
