from __future__ import annotations

import asyncio
from typing import Any

from tests.sim.dialects import OKX, Follower, broken
from tests.sim.harness import Socket, venue

SPOT = "BTC-USDT"


def arg(channel: str, instrument: str = SPOT) -> dict[str, str]:
    return {"channel": channel, "instId": instrument}


async def ask(socket: Socket, operation: str, *args: dict[str, str]) -> list[dict[str, Any]]:
    await socket.send({"op": operation, "args": list(args)})
    return [await socket.until(lambda m: "event" in m) for _ in args]


def test_answers_and_errors() -> None:
    async def main() -> None:
        async with venue("okx") as sim, sim.socket() as socket:
            (answer,) = await ask(socket, "subscribe", arg("books"))
            assert answer["arg"] == arg("books")
            assert answer["connId"]
            wrong = (arg("books", "NO-PE"), arg("nonsense"), {"channel": "opt-summary"})
            for answer in await ask(socket, "subscribe", *wrong):
                assert (answer["event"], answer["code"]) == ("error", "60018")
            (answer,) = await ask(socket, "subscribe", arg("trades-all"))
            assert answer["code"] == "64001"
            for text in ("{", '{"op":"dance","args":[]}', '{"op":"subscribe","args":"x"}'):
                await socket.raw.send_str(text)
                assert (await socket.until(lambda m: "event" in m))["code"] == "60012"
            await socket.send({"op": "subscribe", "args": [arg("books", "X" * 99)] * 600})
            assert "64 KB" in (await socket.until(lambda m: "event" in m))["msg"]
            (answer,) = await ask(socket, "unsubscribe", arg("books"))
            assert answer["event"] == "unsubscribe"
            await socket.raw.send_str("ping")
            assert await socket.text() == "pong"
        async with venue("okx") as sim, sim.socket("/ws/v5/business") as socket:
            first, second = await ask(socket, "subscribe", arg("trades-all"), arg("books"))
            assert first["event"] == "subscribe"
            assert second["code"] == "60018"

    asyncio.run(main())


def test_every_channel_speaks() -> None:
    async def main() -> None:
        async with venue("okx") as sim, sim.socket() as socket:
            args = [arg(channel) for channel in ("books5", "bbo-tbt", "trades", "tickers")]
            swap = "BTC-USDT-SWAP"
            args += [arg(c, swap) for c in ("mark-price", "funding-rate", "open-interest")]
            args += [arg("index-tickers"), {"channel": "opt-summary", "instFamily": "BTC-USD"}]
            await socket.send({"op": "subscribe", "args": args})
            heard: dict[str, list[dict[str, Any]]] = {}
            await sim.step(300)
            while len(heard) < len(args):
                message = await socket.json()
                if "data" in message:
                    heard[message["arg"]["channel"]] = message["data"]
            assert len(heard["books5"][0]["asks"]) == 5
            assert len(heard["bbo-tbt"][0]["bids"]) == 1
            assert heard["trades"][0]["side"] in ("buy", "sell")
            assert float(heard["mark-price"][0]["markPx"]) > 0
            assert heard["index-tickers"][0]["instId"] == SPOT
            summary = heard["opt-summary"]
            assert len(summary) == 10
            for option in summary:
                call = option["instId"].endswith("-C")
                assert (float(option["deltaBS"]) > 0) == call
                assert 0 < float(option["markVol"]) < 3

    asyncio.run(main())


def test_instruments() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            path = "/api/v5/public/instruments"
            names = set()
            for kind in ("SPOT", "SWAP", "FUTURES", "OPTION"):
                family = "&instFamily=BTC-USD" if kind == "OPTION" else ""
                answer = await sim.get(f"{path}?instType={kind}{family}")
                for entry in answer["data"]:
                    names.add(entry["instId"])
                    assert entry["instType"] == kind
                    assert (entry["ctVal"] == "") == (kind == "SPOT")
                    assert (entry["stk"] != "") == (kind == "OPTION")
            assert {SPOT, "ETH-USDT", "SOL-USDT", "BTC-USD-SWAP", "BTC-USDT-SWAP"} <= names
            assert {"ETH-USDT-SWAP", "BTC-USD-261225"} <= names
            assert len(names) == 20
            assert (await sim.get(path, status=400, instType="OPTION"))["code"] == "50015"
            unknown = await sim.get("/api/v5/market/books", instId="NO-PE")
            assert unknown["code"] == "51001"

    asyncio.run(main())


def test_idle_connection_is_cut() -> None:
    async def main() -> None:
        async with venue("okx", idle_timeout=0.1) as sim, sim.socket() as socket:
            assert await socket.closed() == 4004

    asyncio.run(main())


def test_quiet_book_is_confirmed_and_the_chain_goes_on() -> None:
    async def main() -> None:
        async with venue("okx", book_keepalive=0.05) as sim, sim.socket() as socket:
            book = Follower(OKX, sim, socket)
            await book.subscribe()
            await book.moved()
            last, event = book.last, await book.event()
            assert event.previous == event.sequence == last
            assert event.bids == event.asks == {}
            assert broken(await book.moved(), last) == 0

    asyncio.run(main())


def test_subscription_budget_ends_the_connection() -> None:
    async def main() -> None:
        async with venue("okx", subscribe_budget=3) as sim, sim.socket() as socket:
            for _ in range(3):
                (answer,) = await ask(socket, "subscribe", arg("trades"))
                assert answer["event"] == "subscribe"
            (answer,) = await ask(socket, "subscribe", arg("trades"))
            assert answer["code"] == "60014"
            assert await socket.closed() == 4008

    asyncio.run(main())


def test_no_heartbeat_leaves_pings_unanswered() -> None:
    async def main() -> None:
        async with venue("okx") as sim, sim.socket() as socket:
            await sim.fault("no_heartbeat")
            await socket.raw.send_str("ping")
            (answer,) = await ask(socket, "subscribe", arg("trades"))
            assert answer["event"] == "subscribe"

    asyncio.run(main())


def test_client_that_does_not_read_is_cut() -> None:
    async def main() -> None:
        async with (
            venue("okx", client_backlog=1000) as sim,
            sim.socket() as socket,
        ):
            await ask(socket, "subscribe", arg("books"))
            connection = socket.raw._response.connection
            assert connection is not None
            assert connection.transport is not None
            connection.transport.pause_reading()
            async with asyncio.timeout(30):
                while sim.server.clients:
                    sim.server.push(f"books:{SPOT}", SPOT, b" " * 1_000_000)
                    await sim.step(1)
            connection.transport.resume_reading()
            assert await socket.closed() == 1006

    asyncio.run(main())
