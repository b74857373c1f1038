"""A roster whose venue and connections are on paper: what it does to which keys."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits, ListedInstrument
from feedhandler.config.keys import VenueConfig
from feedhandler.instruments.listing import Lister
from feedhandler.instruments.universe import CarriedInstrument, Universe
from feedhandler.io_process.roster import Roster
from feedhandler.network.rest import RestFailed
from shm import Reason, State, segment
from tests.kit.facts import PaperVenue


class PaperRest:
    """What the venue lists; None: it is down."""

    def __init__(self) -> None:
        self.lists: list[ListedInstrument] | None = []
        self.asked = 0

    async def get(self, _: Request) -> bytes:
        self.asked += 1
        if self.lists is None:
            raise RestFailed("HTTP 500", "paper")
        return b"[]"


class Paper(PaperVenue):
    def __init__(self, rest: PaperRest, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self._rest = rest

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:  # noqa: ARG002
        return list(self._rest.lists or [])


class Carried:
    """The keys that are subscribed to, and every time that something was done to them."""

    def __init__(self) -> None:
        self.open = True
        self.keys: set[str] = set()
        self.done: list[str] = []

    def carry(self, endpoint: str, keys: Sequence[str]) -> None:
        assert not self.keys & set(keys)
        assert all((endpoint == "family") == key.startswith("family:") for key in keys)
        self.keys |= set(keys)
        self.done += keys

    def streams(self, tracked: CarriedInstrument) -> bool:
        return self.open and not tracked.closed

    def restated(self, tracked: CarriedInstrument) -> None:
        assert not tracked.closed
        self.done.append(f"{tracked.spec.symbol} {tracked.spec.status.name}")

    def drop(self, tracked: CarriedInstrument, keys: Sequence[str]) -> None:
        assert tracked.closed
        self.keys -= set(keys)
        self.done += keys


class House:
    def __init__(self, namespace: str, wanted: Sequence[str], directory_rows: int = 16) -> None:
        self.rest = PaperRest()
        self.venue = Paper(self.rest)
        self.held = segment.create("paper", namespace=namespace, instruments=directory_rows)
        config = VenueConfig(
            instruments=tuple(wanted),
            ws_url="ws://x",
            rest_url="http://x",
            directory_rows=directory_rows,
        )
        config = msgspec.structs.replace(config, channels=("book", "trades"))
        self.engine = make_engine(self.venue, self.held.writer)
        self.universe = Universe(self.venue, config.channels)
        self.lister = Lister(self.venue, self.rest, wanted, random.Random(1), 3600.0)
        self.carried = Carried()
        self.roster = Roster(
            self.venue, config, self.engine, self.universe, self.lister, self.carried
        )

    async def start(self, *listed: ListedInstrument) -> None:
        self.rest.lists = list(listed)
        self.roster.start(await self.lister.first(lambda *_: None))
        self.carried.keys = self.universe.carried_keys()

    async def refresh(self, *listed: ListedInstrument) -> None:
        self.rest.lists = list(listed)
        self.roster.refreshed(await self.lister.list(self.lister.rules))

    def state(self, symbol: str) -> tuple[int, int]:
        return self.engine.state(self.universe.by_symbol[symbol].id)

    def open(self) -> list[str]:
        return [tracked.spec.symbol for tracked in self.universe if not tracked.closed]


Play = Callable[[House], Awaitable[None]]


def play(namespace: str, wanted: Sequence[str], acts: Play, **more: int) -> None:
    async def main() -> None:
        house = House(namespace, wanted, **more)
        try:
            await acts(house)
        finally:
            house.held.close()

    asyncio.run(main())


CLOSED_EXPIRED = (State.CLOSED, Reason.EXPIRED)
CLOSED_UNSUBSCRIBED = (State.CLOSED, Reason.UNSUBSCRIBED)
FRESH = (State.SYNCING, Reason.START)
