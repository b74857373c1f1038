"""The order that has makers quote away from an instrument's value."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.sim.dialects import Dialect, Follower, broken, every_venue
from tests.sim.harness import Sim, venue

CALL = "BTC-25DEC26-82500-C"


async def touch(sim: Sim, symbol: str) -> tuple[float, float]:
    _, bids, asks = await sim.truth(symbol)
    return float(max(bids)), float(min(asks))


@every_venue
def test_the_book_moves_and_comes_back_message_by_message(speak: Dialect) -> None:
    async def main() -> None:
        async with venue(speak.name) as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            await book.moved()
            last = book.last
            bid, ask = await touch(sim, speak.symbol)
            other = await sim.truth(speak.other)
            by = 0.01 * bid
            number = await sim.fault("misprice", symbol=speak.symbol, by=by)
            for expected in (by, -by):
                if expected < 0:  # another of the same symbol takes its place
                    await sim.fault("misprice", symbol=speak.symbol, by=expected)
                away = await touch(sim, speak.symbol)
                assert away[0] < away[1]
                assert abs(away[0] - bid - expected) < 0.001 * bid
                assert abs(away[1] - ask - expected) < 0.001 * bid
            assert (await sim.told(number))["hits"] == 1
            assert await sim.truth(speak.other) == other
            assert broken(await book.moved(), last) == 0  # the stream says all of it, in order
            await sim.fault("none")
            back = await touch(sim, speak.symbol)
            assert abs(back[0] - bid) < 0.001 * bid
            assert abs(back[1] - ask) < 0.001 * bid

    asyncio.run(main())


def test_the_mark_price_stays_honest_and_time_ends_it() -> None:
    async def ticker(sim: Sim) -> dict[str, Any]:
        found = await sim.get("/api/v2/public/ticker", instrument_name=CALL)
        result = found["result"]
        assert isinstance(result, dict)
        return result

    async def main() -> None:
        async with venue("deribit") as sim:
            before = await ticker(sim)
            number = await sim.fault("misprice", symbol=CALL, by=0.02, seconds=0.05)
            during = await ticker(sim)
            assert during["mark_price"] == before["mark_price"]
            assert during["best_bid_price"] > before["best_ask_price"] + 0.015
            assert during["bid_iv"] > before["ask_iv"] + 5
            await sim.ended(number)
            after = await ticker(sim)
            assert abs(after["best_bid_price"] - before["best_bid_price"]) < 0.002
            for order, text in (
                ({"symbol": CALL}, "misprice needs a by: a number other than 0"),
                ({"symbol": CALL, "by": 0}, "by must be a number other than 0"),
                ({"symbol": CALL, "by": "x"}, "by must be"),
                ({"symbol": "BTC-1JAN26-1-C", "by": 1}, "unknown symbol"),
            ):
                answer = await sim.post("/sim/fault", {"kind": "misprice", **order}, status=400)
                assert text in answer["error"]

    asyncio.run(main())
