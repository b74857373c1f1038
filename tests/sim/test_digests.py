"""Digests of books: the same sum as over the book that the simulator tells."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from feedhandler.sim.market import digest
from tests.sim.harness import SIX, Levels, venue


def told(bids: Levels, asks: Levels) -> int:
    return digest.of(
        (side, _scaled(price), _scaled(size))
        for side, levels in enumerate((bids, asks))
        for price, size in levels.items()
    )


def _scaled(value: Decimal) -> int:
    return int(value.scaleb(digest.DIGITS))


@pytest.mark.parametrize("name", SIX)
def test_digest_is_that_of_the_book_at_each_sequence(name: str) -> None:
    async def main() -> None:
        async with venue(name, digests=True, history=200) as sim:
            symbol = next(iter(sim.server.market.instruments))
            marks = [(await sim.truth(symbol))[0]]
            for _ in range(5):
                await sim.step(20)
                marks.append((await sim.truth(symbol))[0])
            assert len(set(marks)) > 3
            asked = {"symbol": symbol, "sequences": marks}
            answer = await sim.post("/sim/digests", asked)
            for sequence, found in zip(marks, answer["digests"], strict=True):
                _, bids, asks = await sim.truth(symbol, sequence)
                assert found == told(bids, asks)
            await sim.step(400)
            answer = await sim.post("/sim/digests", asked | {"sequences": [*marks, 1]})
            assert answer["digests"] == [None] * (len(marks) + 1)  # forgotten; never was

    asyncio.run(main())


def test_digests_are_an_option_and_bad_questions_are_refused() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            body = {"symbol": "BTC-USDT", "sequences": [1]}
            assert "option digests" in (await sim.post("/sim/digests", body, 409))["error"]
        async with venue("okx", digests=True) as sim:
            await sim.post("/sim/digests", {"symbol": "BTC-USDT"}, 400)
            await sim.post("/sim/digests", body | {"symbol": "NO"}, 404)

    asyncio.run(main())
