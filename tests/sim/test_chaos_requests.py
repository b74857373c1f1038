"""Faults of requests: errors, lost answers, limits, and the venue's clock."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.sim.dialects import DERIBIT, DIALECTS, OKX, Dialect, Follower, every_venue
from tests.sim.harness import venue


@every_venue
def test_subscriptions_are_refused_and_then_not(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            await sim.fault("error_reply", count=1)
            await socket.send(speak.subscribe(speak.channel(speak.symbol)))
            assert speak.is_refusal(await socket.json())
            await Follower(speak, sim, socket).subscribe()

    asyncio.run(main())


def test_refusals_with_a_code_of_ones_own() -> None:
    async def main() -> None:
        for speak in DIALECTS:
            async with venue(speak.name) as sim, sim.socket() as socket:
                await sim.fault("error_reply", code=13780, message="nothing today")
                await socket.send(speak.subscribe(speak.channel(speak.symbol)))
                found = await socket.json()
                assert "13780" in str(found)
                assert "nothing today" in str(found)

    asyncio.run(main())


def test_one_channel_refused_of_several() -> None:
    async def main() -> None:
        deribit, okx = DERIBIT, OKX
        both = [deribit.channel(deribit.symbol), deribit.channel(deribit.other)]
        async with venue("deribit") as sim, sim.socket() as socket:
            await sim.fault("error_reply", channel=both[0])
            await socket.send(deribit.subscribe(*both))
            assert (await socket.until(deribit.is_answer))["result"] == both[1:]
        both = [okx.channel(okx.symbol), okx.channel(okx.other)]
        async with venue("okx") as sim, sim.socket() as socket:
            await sim.fault("error_reply", symbol=okx.symbol)
            await socket.send(okx.subscribe(*both))
            assert okx.is_refusal(await socket.json())
            assert (await socket.json())["arg"]["instId"] == okx.other

    asyncio.run(main())


@every_venue
def test_lost_answer_with_and_without_the_subscription(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            ask = speak.subscribe(speak.channel(speak.symbol))
            await sim.fault("lost_ack", count=1, subscribed=False, symbol=speak.symbol)
            await socket.send(ask)
            await book.quiet()
            await sim.step(60)
            await book.quiet(100)
            await sim.fault("lost_ack", count=1)
            await socket.send(ask)
            await sim.step(60)
            message = await socket.json()
            assert speak.book(message, speak.symbol) is not None

    asyncio.run(main())


@every_venue
def test_an_answer_that_is_late_and_a_request_that_is(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            await sim.fault("late_ack", count=1, ms=300)
            await socket.send(speak.subscribe(speak.channel(speak.symbol)))
            await sim.step(60)
            assert speak.book(await socket.json(), speak.symbol) is not None
            await socket.until(speak.is_answer)
            began = time.monotonic()
            await sim.fault("late_ack", ms=300, subscribed=False, symbol=speak.other)
            await socket.send(speak.subscribe(speak.channel(speak.other), request_id=8))
            await socket.until(lambda message: speak.is_answer(message, 8))
            assert time.monotonic() - began >= 0.29

    asyncio.run(main())


@every_venue
def test_one_of_two_spoils_a_request_and_is_not_named(speak: Dialect) -> None:
    async def main() -> None:
        both = [speak.channel(speak.symbol), speak.channel(speak.other)]
        async with venue(speak.name) as sim, sim.socket() as socket:
            number = await sim.fault("spoiled", symbol=speak.other)
            await socket.send(speak.subscribe(*both))
            told = str(await socket.json())
            assert not any(name in told for name in (*both, speak.symbol, speak.other))
            assert (await sim.told(number))["hits"] == 1
            book = Follower(speak, sim, socket)
            await book.subscribe()
            assert await book.moved()

    asyncio.run(main())


@every_venue
def test_a_subscription_that_is_dumb_until_it_is_made_again(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim:
            async with sim.socket() as socket:
                await sim.fault("dumb", count=1, channel=speak.channel(speak.symbol))
                await socket.send(speak.subscribe(speak.channel(speak.symbol)))
                await socket.until(speak.is_answer)
                book = Follower(speak, sim, socket)
                await sim.step(60)
                await book.quiet()
            async with sim.socket() as socket:
                book = Follower(speak, sim, socket)
                await book.subscribe()
                assert await book.moved()

    asyncio.run(main())


@every_venue
@pytest.mark.parametrize(
    ("status", "after"), [(429, 3.0), (429, None), (418, 120.0), (403, None), (451, None)]
)
def test_rest_errors(speak: Dialect, status: int, after: float | None) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim:
            more = {} if after is None else {"retry_after": after}
            await sim.fault("rest_error", status=status, count=2, path=speak.rest_time, **more)
            for _ in range(2):
                async with sim.session.get(sim.base + speak.rest_time) as answer:
                    assert answer.status == status
                    assert answer.headers.get("Retry-After") == (after and f"{after:g}")
                    body = await answer.text()
                    assert (answer.content_type == "application/json") == (status in (429, 418))
                    assert body
            await sim.get(speak.rest_time)

    asyncio.run(main())


def test_rest_error_of_one_path_and_late_answers() -> None:
    async def main() -> None:
        async with venue("binance") as sim:
            await sim.fault("rest_error", path="/api/v3/depth")
            error = await sim.get("/api/v3/depth", status=429, symbol="BTCUSDT")
            assert error["code"] == -1003
            await sim.get("/api/v3/time")
            await sim.fault("none")
            began = time.monotonic()
            await sim.fault("rest_delay", ms=150)
            await sim.get("/api/v3/time")
            assert time.monotonic() - began >= 0.15

    asyncio.run(main())


@every_venue
def test_clock_skew_moves_every_stamp(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            await sim.fault("clock_skew", skew_ms=-3_600_000)
            await sim.step(100)
            message = await socket.until(lambda m: speak.book(m, speak.symbol) is not None)
            stamp = speak.stamp(message)
            assert stamp is not None
            assert abs(time.time() * 1000 - 3_600_000 - stamp) < 60_000
            text = str(await sim.get(speak.rest_time))
            hour_ago = str(int(time.time() * 1000) - 3_600_000)[:7]
            assert hour_ago in text
            await sim.fault("none")
            assert sim.server.market.clock.skew_ms == 0

    asyncio.run(main())
