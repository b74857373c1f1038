from __future__ import annotations

import asyncio
import time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from tests.sim.harness import Levels, Socket, venue

PERPETUAL = "BTC-PERPETUAL"


async def call(socket: Socket, method: str, **params: Any) -> dict[str, Any]:
    await socket.send({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    return await socket.until(lambda message: message.get("id") == 7)


def data_of(message: dict[str, Any], channel: str) -> Any:
    params = message.get("params", {})
    return params.get("data") if params.get("channel") == channel else None


def test_every_level_says_whether_it_is_new_or_changed_or_gone() -> None:
    async def main() -> None:
        channel = f"book.{PERPETUAL}.100ms"
        sides: dict[str, Levels] = {"bids": {}, "asks": {}}
        async with venue("deribit") as sim, sim.socket() as socket:
            await call(socket, "public/subscribe", channels=[channel])
            await sim.step(300)
            end = (await sim.truth(PERPETUAL))[0]
            data = None
            while data is None or data["change_id"] < end:
                data = data_of(await socket.json(), channel)
                assert data["type"] == ("change" if any(sides.values()) else "snapshot")
                assert ("prev_change_id" in data) == (data["type"] == "change")
                for name, levels in sides.items():
                    for action, price_, amount in data[name]:
                        price, size = Decimal(str(price_)), Decimal(str(amount))
                        assert (action == "new") == (price not in levels and size > 0)
                        assert (action == "delete") == (size == 0)
                        levels[price] = size
                        if not size:
                            del levels[price]
            assert await sim.truth(PERPETUAL) == (end, *sides.values())

    asyncio.run(main())


def test_subscription_answers() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:
            good = [f"trades.{PERPETUAL}.100ms", "trades.option.BTC.100ms", f"quote.{PERPETUAL}"]
            answer = await call(
                socket, "public/subscribe", channels=[*good, "book.NOPE.100ms", "tea.x.y"]
            )
            assert answer["result"] == good
            assert {"jsonrpc", "id", "result", "usIn", "usOut", "usDiff", "testnet"} == set(answer)
            answer = await call(socket, "public/subscribe", channels=[f"book.{PERPETUAL}.raw"])
            assert answer["error"]["code"] == 13778
            answer = await call(socket, "public/unsubscribe", channels=good[:2])
            assert answer["result"] == good[:2]
            assert (await call(socket, "public/nonsense"))["error"]["code"] == -32601
            assert (await call(socket, "public/test"))["result"]["version"]
            assert (await call(socket, "public/hello", client_name="t"))["result"]["version"]
            assert (await call(socket, "public/get_time"))["result"] > 0
            await socket.raw.send_str("{not json")
            assert (await socket.until(lambda m: "error" in m))["error"]["code"] == -32700

    asyncio.run(main())


def test_trades_and_quotes_are_sent() -> None:
    async def main() -> None:
        wanted = {f"trades.{PERPETUAL}.100ms", "trades.future.BTC.100ms", f"quote.{PERPETUAL}"}
        async with venue("deribit") as sim, sim.socket() as socket:
            await call(socket, "public/subscribe", channels=sorted(wanted))
            await sim.step(400)
            while wanted:
                params = (await socket.json())["params"]
                wanted.discard(params["channel"])
                if params["channel"].startswith("trades."):
                    trade = params["data"][0]
                    assert trade["direction"] in ("buy", "sell")
                    assert trade["amount"] > 0
                    assert trade["contracts"] == trade["amount"] / 10

    asyncio.run(main())


def test_ticker_of_an_option_and_of_a_perpetual() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:
            instruments = await sim.get("/api/v2/public/get_instruments", currency="BTC")
            option = next(i for i in instruments["result"] if i["kind"] == "option")
            name = option["instrument_name"]
            for symbol in (name, PERPETUAL):
                channel = f"ticker.{symbol}.100ms"
                await call(socket, "public/subscribe", channels=[channel])
                message = await socket.until(lambda m, c=channel: bool(data_of(m, c)))  # type: ignore[misc]
                data = data_of(message, channel)
                assert data["open_interest"] >= 0
                assert set(data["stats"]) >= {"high", "low", "price_change", "volume"}
                if symbol == PERPETUAL:
                    assert {"funding_8h", "current_funding", "interest_value"} <= set(data)
                else:
                    assert set(data["greeks"]) == {"delta", "gamma", "vega", "theta", "rho"}
                    assert data["bid_iv"] <= data["mark_iv"] <= data["ask_iv"]
                    assert data["underlying_index"] == name.rsplit("-", 2)[0]

    asyncio.run(main())


def test_instruments_have_todays_shape() -> None:
    async def main() -> None:
        async with venue("deribit") as sim:
            path = "/api/v2/public/get_instruments"
            everything = (await sim.get(path, currency="any", expired="false"))["result"]
            assert len(everything) == 60
            names = [i["instrument_name"] for i in everything]
            assert {"BTC-PERPETUAL", "ETH-PERPETUAL", "BTC-25DEC26"} <= set(names)
            options = (await sim.get(path, currency="BTC", kind="option"))["result"]
            for option in options:
                base, _, strike, side = option["instrument_name"].split("-")
                assert base == option["base_currency"] == option["settlement_currency"] == "BTC"
                assert option["strike"] == float(strike)
                assert option["option_type"] == {"C": "call", "P": "put"}[side]
                assert option["tick_size_steps"] == [{"above_price": 0.005, "tick_size": 0.0005}]
                assert option["expiration_timestamp"] % 86_400_000 == 8 * 3_600_000
            assert {i["instrument_type"] for i in everything} == {"reversed"}
            # Clients leave the currency out, or say `any`.
            assert (await sim.get(path))["result"] == everything

    asyncio.run(main())


def test_order_book_by_rest_is_the_book() -> None:
    async def main() -> None:
        async with venue("deribit") as sim:
            await sim.step(50)
            path = "/api/v2/public/get_order_book"
            book = (await sim.get(path, instrument_name=PERPETUAL, depth=5))["result"]
            sequence, bids, asks = await sim.truth(PERPETUAL)
            assert book["change_id"] == sequence
            assert [Decimal(str(p)) for p, _ in book["bids"]] == sorted(bids, reverse=True)[:5]
            assert [Decimal(str(p)) for p, _ in book["asks"]] == sorted(asks)[:5]
            error = await sim.get(path, status=400, instrument_name="NOPE")
            assert error["error"]["code"] == 13020

    asyncio.run(main())


def test_heartbeat_must_be_ten_seconds_at_least() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:
            answer = await call(socket, "public/set_heartbeat", interval=9)
            assert answer["error"]["code"] == -32602
            answer = await call(socket, "public/set_heartbeat", interval=10)
            assert answer["result"] == "ok"

    asyncio.run(main())


def beat(kind: str) -> Any:
    return lambda m: m.get("method") == "heartbeat" and m["params"]["type"] == kind


def test_answered_test_requests_keep_the_connection_and_unanswered_ones_end_it() -> None:
    async def main() -> None:
        async with venue("deribit", heartbeat_scale=0.005) as sim, sim.socket() as socket:
            await call(socket, "public/set_heartbeat", interval=10)
            for _ in range(4):
                await socket.until(beat("heartbeat"))
                await socket.until(beat("test_request"))
                await call(socket, "public/test")
            await socket.until(beat("test_request"))
            assert await socket.closed() == 1000

    asyncio.run(main())


def test_no_heartbeat_means_none_however_late_it_gets() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:
            await call(socket, "public/set_heartbeat", interval=10)
            await sim.fault("no_heartbeat")
            sim.server.on_time(time.monotonic() + 3600)
            await socket.send({"jsonrpc": "2.0", "id": 8, "method": "public/test"})
            assert (await socket.json())["id"] == 8

    asyncio.run(main())


GROUPED = [f"book.{PERPETUAL}.{how}.100ms" for how in ("none.10", "none.1", "10.20", "250.10")]


def test_grouped_books_are_the_books_levels_taken_together() -> None:
    def grouped(side: Levels, size: Decimal, up: bool) -> list[tuple[Decimal, Decimal]]:
        found: dict[Decimal, Decimal] = {}
        for price, amount in side.items():
            place = (price / size).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * size
            found[place] = found.get(place, Decimal(0)) + amount
        return sorted(found.items(), reverse=not up)

    async def main() -> None:
        async with venue("deribit", depth=300) as sim, sim.socket() as socket:
            answer = await call(
                socket, "public/subscribe", channels=[*GROUPED, f"book.{PERPETUAL}.3.10.100ms"]
            )
            assert answer["result"] == GROUPED
            await sim.step(500)
            sequence, bids, asks = await sim.truth(PERPETUAL)
            heard: dict[str, Any] = {}
            while len(heard) < len(GROUPED):
                params = (await socket.json())["params"]
                if params["data"]["change_id"] == sequence:
                    heard[params["channel"]] = params["data"]
            for channel, data in heard.items():
                assert list(data) == ["timestamp", "instrument_name", "change_id", "bids", "asks"]
                _, _, group, depth, _ = channel.split(".")
                size = Decimal("0.5") * (1 if group == "none" else int(group))
                for name, side, up in (("bids", bids, False), ("asks", asks, True)):
                    shown = [(Decimal(str(p)), Decimal(str(a))) for p, a in data[name]]
                    assert shown == grouped(side, size, up)[: int(depth)]

    asyncio.run(main())


def test_what_clients_ask_at_their_start() -> None:
    async def main() -> None:
        async with venue("deribit") as sim, sim.socket() as socket:

            async def ask(method: str, **params: Any) -> Any:
                by_socket = (await call(socket, f"public/{method}", **params))["result"]
                by_rest = (await sim.get(f"/api/v2/public/{method}", **params))["result"]
                if method != "get_time" and "summary" not in method:  # which say the time
                    assert by_socket == by_rest
                return by_socket

            await sim.step(500)
            assert [one["currency"] for one in await ask("get_currencies")] == ["BTC", "ETH"]
            everything = await ask("get_instruments")
            assert await ask("get_instrument", instrument_name=PERPETUAL) == everything[0]
            index = (await ask("get_index_price", index_name="btc_usd"))["index_price"]
            channel = "deribit_price_index.btc_usd"
            assert (await call(socket, "public/subscribe", channels=[channel]))["result"]
            told = await socket.until(lambda m: m.get("params", {}).get("channel") == channel)
            assert told["params"]["data"]["price"] == index
            (one,) = await ask("get_book_summary_by_instrument", instrument_name=PERPETUAL)
            _, bids, asks = await sim.truth(PERPETUAL)
            assert Decimal(str(one["bid_price"])) == max(bids)
            assert Decimal(str(one["ask_price"])) == min(asks)
            summaries = await ask("get_book_summary_by_currency", currency="ETH", kind="option")
            assert {s["base_currency"] for s in summaries} == {"ETH"}
            trades = (await sim.get("/sim/trades", symbol=PERPETUAL))["trades"]
            last = await ask("get_last_trades_by_instrument", instrument_name=PERPETUAL, count=5)
            assert [t["trade_id"] for t in last["trades"]] == [t["id"] for t in trades[:-6:-1]]
            assert last["has_more"] is True
            assert await ask("get_time") > 0
            assert (await ask("status"))["locked"] == "false"
            error = await call(socket, "public/get_tea")
            assert error["error"]["code"] == -32601
            error = await call(socket, "public/get_index_price", index_name="tea_usd")
            assert error["error"]["code"] == -32602

    asyncio.run(main())
