"""Faults of order books, as a client that checks the sequence sees them."""

from __future__ import annotations

import asyncio
import zlib
from decimal import Decimal

import pytest

from tests.sim.dialects import DIALECTS, OKX, Dialect, Event, Follower, broken, every_venue
from tests.sim.harness import Levels, Sim, Socket, venue

_IN_STREAM = [one for one in DIALECTS if one.in_stream]
in_stream = pytest.mark.parametrize("speak", _IN_STREAM, ids=[one.name for one in _IN_STREAM])


async def _follower(speak: Dialect, sim: Sim, socket: Socket) -> Follower:
    """Subscribed and in step: what comes next follows `last`."""
    book = Follower(speak, sim, socket)
    await book.subscribe()
    await book.moved()
    return book


async def _until_spent(book: Follower, number: int) -> list[Event]:
    """Move the market until a fault is over, and once more for what follows it."""
    events = await book.moved()
    while not (await book.sim.told(number))["ended_ns"]:
        events += await book.moved()
    return events + await book.moved()


@every_venue
def test_gap(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = await _follower(speak, sim, socket)
            last = book.last
            number = await sim.fault("gap", symbol=speak.symbol)
            # The lost message may have been the last one: then only the next tells.
            await sim.step(30)
            await sim.ended(number)
            assert broken(await book.moved(), last) == 1
            assert (await sim.told(number))["hits"] == 1

    asyncio.run(main())


@every_venue
def test_reorder_swaps_two_messages_and_loses_none(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = await _follower(speak, sim, socket)
            last = book.last
            number = await sim.fault("reorder", symbol=speak.symbol)
            await sim.step(30)
            await sim.ended(number)
            await sim.step(60)
            target = (await sim.truth(speak.symbol))[0]
            events: list[Event] = []

            def in_order() -> list[Event]:
                return sorted(events, key=lambda event: event.sequence)

            while not events or in_order()[-1].at < target or broken(in_order(), last):
                events.append(await book.event())
            book.last, book.place = in_order()[-1].sequence, target
            events += await book.moved()
            assert broken(events, last) == 3
            assert broken(in_order(), last) == 0

    asyncio.run(main())


@in_stream
def test_stale_snapshot_in_the_stream_leaves_a_gap(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            await sim.step(400)
            now = (await sim.truth(speak.symbol))[0]
            number = await sim.fault("stale", symbol=speak.symbol, updates=20, where="stream")
            book = Follower(speak, sim, socket)
            await socket.send(speak.subscribe(speak.channel(speak.symbol)))
            snapshot = await book.event()
            assert snapshot.previous is None
            assert snapshot.at < now
            truth = await sim.truth(speak.symbol, snapshot.at)
            assert truth == (snapshot.at, snapshot.bids, snapshot.asks)
            assert broken(await book.moved(), snapshot.sequence) == 1
            # REST was not asked to lag, and a snapshot by subscription is right again afterwards.
            assert (await speak.snapshot(sim, speak.symbol)).at == book.place
            assert (await sim.told(number))["hits"] == 1
            await sim.fault("none")
            async with sim.socket() as second:
                healed = Follower(speak, sim, second)
                await healed.subscribe()
                assert healed.last == book.last

    asyncio.run(main())


@every_venue
def test_stale_snapshot_by_rest_counted(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim:
            await sim.step(400)
            now = (await sim.truth(speak.symbol))[0]
            await sim.fault("stale", symbol=speak.symbol, updates=20, where="rest", count=1)
            old = await speak.snapshot(sim, speak.symbol)
            assert old.at < now
            assert await sim.truth(speak.symbol, old.at) == (
                old.at, old.bids, old.asks
            )  # fmt: skip
            assert (await speak.snapshot(sim, speak.symbol)).at == now

    asyncio.run(main())


@in_stream
def test_missing_snapshot_but_updates_come(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            await sim.fault("no_snapshot", symbol=speak.symbol, count=1)
            await socket.send(speak.subscribe(speak.channel(speak.symbol)))
            await socket.until(speak.is_answer)
            await sim.step(60)
            first = await Follower(speak, sim, socket).event()
            assert first.previous is not None
            async with sim.socket() as second:
                await Follower(speak, sim, second).subscribe()

    asyncio.run(main())


@every_venue
def test_crossed_and_duplicate_are_counted_out(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = await _follower(speak, sim, socket)
            number = await sim.fault("crossed", symbol=speak.symbol)
            crossed = 0
            for event in await _until_spent(book, number):
                _, bids, asks = await sim.truth(speak.symbol, event.at)
                assert max(bids) < min(asks)
                crossed += any(n and price > min(asks) for price, n in event.bids.items())
            assert crossed == 1
            number = await sim.fault("duplicate", symbol=speak.symbol, count=2)
            events = await _until_spent(book, number)
            assert len(events) - len({event.sequence for event in events}) == 2

    asyncio.run(main())


def _checksum(bids: Levels, asks: Levels) -> int:
    """OKX's rule of old, from the texts that were sent."""
    parts = []
    best_bids, best_asks = sorted(bids.items(), reverse=True)[:25], sorted(asks.items())[:25]
    for rank in range(25):
        for side in (best_bids, best_asks):
            if rank < len(side):
                parts += [f"{number:f}" for number in side[rank]]
    crc = zlib.crc32(":".join(parts).encode())
    return crc - (1 << 32) if crc & 0x80000000 else crc


def test_checksums_as_of_old_and_wrong_ones() -> None:
    async def main() -> None:
        async with venue("okx", checksums=True) as sim, sim.socket() as socket:
            await socket.send(OKX.subscribe(OKX.channel(OKX.symbol)))
            book: tuple[Levels, Levels] = ({}, {})
            right: list[bool] = []

            async def until(target: int) -> None:
                while True:
                    message = await socket.json()
                    event = OKX.book(message, OKX.symbol)
                    if event is None:
                        continue
                    for side, rows in zip(book, (event.bids, event.asks), strict=True):
                        side.update(rows)
                        for price in [price for price, size in side.items() if size == Decimal(0)]:
                            del side[price]
                    right.append(message["data"][0]["checksum"] == _checksum(*book))
                    if event.sequence >= target:
                        return

            await sim.step(300)
            await until((await sim.truth(OKX.symbol))[0])
            assert len(right) > 20
            assert all(right)
            right.clear()
            await sim.fault("bad_checksum", symbol=OKX.symbol, count=3)
            await sim.step(300)
            await until((await sim.truth(OKX.symbol))[0])
            assert right.count(False) == 3

    asyncio.run(main())


@every_venue
def test_a_number_far_ahead(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = await _follower(speak, sim, socket)
            last = book.last
            number = await sim.fault("far", symbol=speak.symbol, ahead=10**9)
            await sim.step(30)
            await sim.ended(number)
            events = await book.moved()
            far = [event for event in events if event.sequence > last + 10**8]
            assert len(far) == 1
            assert (await sim.told(number))["hits"] == 1

    asyncio.run(main())


@pytest.mark.parametrize("name", ["binance", "binance-usdm"])
def test_a_book_of_another_instrument_over_rest(name: str) -> None:
    path = {"binance": "/api/v3/depth", "binance-usdm": "/fapi/v1/depth"}[name]

    async def main() -> None:
        async with venue(name) as sim:
            own = await sim.get(f"{path}?symbol=BTCUSDT&limit=5")
            other = await sim.get(f"{path}?symbol=ETHUSDT&limit=5")
            await sim.fault("foreign", symbol="BTCUSDT", ahead=5000, count=1)
            foreign = await sim.get(f"{path}?symbol=BTCUSDT&limit=5")
            assert foreign["lastUpdateId"] == own["lastUpdateId"] + 5000
            assert foreign["bids"] != own["bids"]
            assert len(foreign["bids"]) == len(other["bids"])
            again = await sim.get(f"{path}?symbol=BTCUSDT&limit=5")
            assert again["lastUpdateId"] == own["lastUpdateId"]

    asyncio.run(main())
