"""Books as a client makes them of a venue's messages, by the venue's own rule, beside the truth."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from tests.sim.dialects import DIALECTS, OKX, Dialect, Event, Follower
from tests.sim.harness import DEADLINE, Levels, Sim, venue

CASES: list[tuple[Dialect, dict[str, Any]]] = [
    *((speak, {}) for speak in DIALECTS),
    (OKX, {"stream_snapshot": False}),  # its books are joined from REST then
]
_BURST_S = 0.1


class Rebuilt:
    """A snapshot, of the stream or over REST; from there on each message follows the last one."""

    def __init__(self, book: Follower) -> None:
        self.book = book
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.last = self.place = 0
        self._joined = False

    async def begin(self) -> None:
        """Subscribe, and come into step."""
        speak, sim = self.book.speak, self.book.sim
        await self.book.socket.send(speak.subscribe(speak.channel(self.book.symbol)))
        first = await self.book.event()
        if first.previous is not None:
            async with asyncio.timeout(DEADLINE):
                base = await speak.snapshot(sim, self.book.symbol)
                while base.sequence < first.previous:
                    base = await speak.snapshot(sim, self.book.symbol)
            self.feed(base)
            self._joined = False
        self.feed(first)

    def feed(self, event: Event) -> None:
        if event.previous is None:
            self.bids, self.asks, self._joined = {}, {}, True
        elif not self._joined:
            if event.sequence <= self.last:
                return
            assert event.previous <= self.last
            self._joined = True
        else:
            assert event.previous == self.last
        self.last, self.place = event.sequence, event.at
        for side, levels in ((self.bids, event.bids), (self.asks, event.asks)):
            for price, size in levels.items():
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)

    async def burst(self) -> None:
        """What comes in a while, one message at least."""
        until = monotonic() + _BURST_S
        while True:
            self.feed(await self.book.event())
            if monotonic() >= until:
                return

    async def is_the_venues(self, sim: Sim) -> None:
        state = (self.place, self.bids, self.asks)
        assert await sim.truth(self.book.symbol, self.place) == state
        assert max(self.bids) < min(self.asks)


@pytest.mark.parametrize(
    ("speak", "options"), CASES, ids=["-".join([one.name, *more]) for one, more in CASES]
)
def test_a_rebuilt_book_is_the_venues(speak: Dialect, options: dict[str, Any]) -> None:
    async def main() -> None:
        async with venue(speak.name, paused=False, **options) as sim, sim.socket() as socket:
            book = Rebuilt(Follower(speak, sim, socket))
            await book.begin()
            for _ in range(5):
                await book.burst()
                await book.is_the_venues(sim)
            await sim.post("/sim/pause")
            end = (await sim.truth(speak.symbol))[0]
            while book.place < end:
                book.feed(await book.book.event())
            await book.is_the_venues(sim)

    asyncio.run(main())
