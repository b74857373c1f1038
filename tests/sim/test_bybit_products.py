"""What Bybit's inverse contracts and options do that no table says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sim.harness import Socket, venue

INVERSE, OPTION = "bybit-inverse", "bybit-option"


async def call(socket: Socket, op: str, *args: str) -> list[dict[str, Any]]:
    """The answers, up to that to a ping that is sent behind."""
    await socket.send({"req_id": "3", "op": op, "args": list(args)})
    await socket.send({"op": "ping"})
    found: list[dict[str, Any]] = []
    while True:
        message = await socket.json()
        if message.get("ret_msg") == "pong":
            return found
        if "topic" not in message:
            found.append(message)


def test_one_topic_spoils_the_request_of_the_others() -> None:
    async def main() -> None:
        async with venue(INVERSE) as sim, sim.socket() as socket:
            (taken,) = await call(socket, "subscribe", "tickers.BTCUSD")
            said = {"success": True, "ret_msg": "", "op": "subscribe", "req_id": "3"}
            assert taken.items() > said.items()
            for args, text in (
                (["tickers.ETHUSD", "tickers.NOPE"], "handler not found,topic:tickers.NOPE"),
                (["tickers.ETHUSD", "tickers.BTCUSD"], "already subscribed,topic:tickers.BTCUSD"),
                (["x" * 21_000], "args longer than 21000 characters"),
            ):
                (refused,) = await call(socket, "subscribe", *args)
                assert (refused["success"], refused["ret_msg"]) == (False, "error:" + text)
            assert (await sim.get("/sim/stats"))["subscriptions"] == 1

    asyncio.run(main())


def test_of_options_topics_are_taken_and_refused_one_by_one() -> None:
    async def main() -> None:
        async with venue(OPTION) as sim, sim.socket() as socket:
            first, second = list(sim.server.market.instruments)[:2]
            good, bad = [f"tickers.{first}", "publicTrade.BTC"], ["tickers.NOPE"]
            (parted,) = await call(socket, "subscribe", good[0], *bad, good[1])
            assert parted["data"] == {"successTopics": good, "failTopics": bad}
            (again,) = await call(socket, "subscribe", good[0], other := f"tickers.{second}")
            assert again["data"] == {"successTopics": [other], "failTopics": good[:1]}
            (nothing,) = await call(socket, "subscribe", *bad)
            assert nothing["data"] == {"successTopics": [], "failTopics": bad}
            many = [f"orderbook.25.{name}" for name in sim.server.market.instruments] * 200
            (refused,) = await call(socket, "subscribe", *many)
            assert refused["ret_msg"] == "error:args size >2000"
            await call(socket, "unsubscribe", *good)
            assert (await sim.get("/sim/stats"))["subscriptions"] == 1

    asyncio.run(main())


def test_trades_of_all_options_of_a_coin_come_on_its_topic() -> None:
    async def main() -> None:
        async with venue(OPTION) as sim, sim.socket() as socket:
            await call(socket, "subscribe", "publicTrade.BTC")
            await sim.step(3000)
            names: set[str] = set()
            while len(names) < 2:
                message = await socket.json()
                assert message["topic"] == "publicTrade.BTC"
                names |= {row["s"] for row in message["data"]}
            assert names <= set(sim.server.market.instruments)

    asyncio.run(main())


@pytest.mark.parametrize("name", [INVERSE, OPTION])
def test_idle_connections_are_cut(name: str) -> None:
    async def main() -> None:
        async with venue(name, idle_timeout=0.05) as sim, sim.socket() as socket:
            assert await socket.closed() == 1006

    asyncio.run(main())
