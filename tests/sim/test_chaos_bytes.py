"""Faults of bytes: late, in pieces, slowly, or making no sense."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import orjson
import pytest

from tests.sim.dialects import OKX, Dialect, Follower, broken, every_venue
from tests.sim.harness import DEADLINE, venue
from tests.sim.raw import Raw, raw


@every_venue
def test_delay_holds_everything_back_in_order(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            await sim.fault("delay", ms=120, jitter_ms=80)
            last, began = book.last, time.monotonic()
            events = await book.moved(150)
            assert time.monotonic() - began >= 0.12
            assert broken(events, last or None) == 0
            # Its end lets go what still waits, and in order.
            last = book.last
            await sim.step(150)
            await sim.fault("delay", ms=3_600_000)
            await sim.step(150)
            await sim.fault("none")
            assert broken(await book.moved(), last) == 0

    asyncio.run(main())


async def _subscribed(client: Raw) -> None:
    client.send(orjson.dumps(OKX.subscribe(OKX.channel(OKX.symbol))))


def test_segments_are_small_and_apart() -> None:
    async def main() -> None:
        async with venue("okx") as sim, raw(sim) as client:
            await sim.fault("segments", bytes=100, gap_ms=2)
            await _subscribed(client)
            sizes, found = [], b""
            async with asyncio.timeout(DEADLINE):
                while b"prevSeqId" not in found:
                    piece = await client.read()
                    sizes.append(len(piece))
                    found += piece
            # A reader that is late finds several together; most of the time it is not.
            assert len(sizes) > len(found) / 1000
            assert min(sizes) <= 100

    asyncio.run(main())


def test_slow_bounds_the_bandwidth() -> None:
    async def main() -> None:
        async with venue("okx") as sim, raw(sim) as client:
            await sim.fault("slow", bytes_per_second=10_000)
            began, size = time.monotonic(), 0
            await _subscribed(client)
            async with asyncio.timeout(DEADLINE):
                while True:
                    _, _, payload = await client.frame()
                    size += len(payload)
                    if b"snapshot" in payload:
                        break
            assert size > 2_000
            assert time.monotonic() - began >= size / 10_000 - 0.02

    asyncio.run(main())


def test_fragments_are_as_many_as_asked_for() -> None:
    async def main() -> None:
        async with venue("okx") as sim, raw(sim) as client:
            number = await sim.fault("fragment", count=1, pieces=7)
            await _subscribed(client)
            assert (await client.frame())[:2] == (True, 1)
            frames = [await client.frame() for _ in range(7)]
            assert [frame[:2] for frame in frames] == [(False, 1), *[(False, 0)] * 5, (True, 0)]
            message = orjson.loads(b"".join(frame[2] for frame in frames))
            assert message["action"] == "snapshot"
            told = await sim.told(number)
            assert told["hits"] == 1
            assert told["first_ns"] <= told["ended_ns"]

    asyncio.run(main())


@every_venue
def test_fragmented_messages_arrive_whole(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            await book.moved()
            last = book.last
            number = await sim.fault("fragment", count=2)
            assert broken(await book.moved() + await book.moved(), last) == 0
            assert (await sim.ended(number))["hits"] == 2

    asyncio.run(main())


@pytest.mark.parametrize("form", ["text", "binary", "utf8", "huge"])
def test_garbage_of_every_form(form: str) -> None:
    async def main() -> None:
        async with venue("binance") as sim, raw(sim) as client:
            await sim.fault("garbage", form=form, count=2, bytes=3_000_000)
            for _ in range(2):
                whole, opcode, payload = await client.frame()
                assert whole
                assert opcode == (2 if form == "binary" else 1)
                if form == "huge":
                    assert len(payload) > 3_000_000
                    assert orjson.loads(payload)
                else:
                    with pytest.raises(orjson.JSONDecodeError):
                        orjson.loads(payload)
                if form == "utf8":
                    with pytest.raises(UnicodeDecodeError):
                        payload.decode()

    asyncio.run(main())


@every_venue
def test_truncated_messages_are_of_the_book_asked_for(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            await sim.fault("garbage", form="truncated", symbol=speak.symbol)
            await sim.step(100)
            while True:
                message = await socket.frame()
                assert message.type is aiohttp.WSMsgType.TEXT
                try:
                    orjson.loads(message.data)
                except orjson.JSONDecodeError:
                    break
            assert speak.channel(speak.symbol).split(":")[0] in message.data

    asyncio.run(main())
