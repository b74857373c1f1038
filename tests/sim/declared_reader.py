"""A client of declared venues: it speaks as they declare, and its frames are read by a reference in
plain Python and Decimal that knows nothing of the declarations."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue, Topic, words
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.venue import Base, Control, ControlKind
from feedhandler.sim.config import SimOptions
from feedhandler.sim.runner import make_server
from feedhandler.sim.server.server import VenueServer
from feedhandler.sim.venues.declared.server import DeclaredServer
from tests.sim.declared_venues import VENUES
from tests.sim.harness import DEADLINE, START_MS, Sim, running
from tests.venues.reference import REFERENCES
from tests.venues.reference.book import Reference, Said

LIKE = {
    "made-ranged": "kucoin",
    "made-asked": "htx",
    "made-stepped": "kraken-futures",
    "made-timed": "bitstamp",
    "made-whole": "hyperliquid",
    "made-keyed": "bitmex",
    "made-taught": "bitfinex",
    "made-summed": "kraken",
    "made-counted": "coinbase",
    "made-windowed": "gate",
}
"""Whose frames they have: the reference of that venue reads them."""
OURS = [name for name in venues.names() if isinstance(venues.load(name), DeclaredVenue)]
"""The venues of ours that are declared, and served from that alone."""
_READERS = {**LIKE, "made-chained": "htx"}  # but its books
READABLE = [*LIKE, *(name for name in OURS if name in REFERENCES)]


class Reader:
    """A client that speaks as the venue declares, and whose frames a reference reads."""

    def __init__(
        self, venue: DeclaredVenue, sim: Sim, raw: aiohttp.ClientWebSocketResponse
    ) -> None:
        self.venue, self.sim, self.raw = venue, sim, raw
        self.reference: Reference = REFERENCES[_READERS.get(venue.name, venue.name)]()
        self.both = any(answer.data for answer in venue.words.answers)
        self.controls: list[tuple[ControlKind, tuple[str, ...]]] = []
        self.said: list[Said] = []
        self.asked: dict[int, list[str]] = {}
        self.taught: dict[str, int] = {}

    def _line(self, **fields: Any) -> Said:
        line = {"conn": "1", "url": "", "kind": "ws", "dir": "in", **fields}
        try:
            return self.reference.line(line)
        except KeyError:  # it wants more of a trade than the venue's shapes name
            return Said("unread")

    async def send(self, text: str) -> None:
        if text.startswith(("{", "[")):
            self._line(dir="out", data=text)
        await self.raw.send_str(text)

    async def text(self) -> str:
        """The next message, inflated."""
        message = await asyncio.wait_for(self.raw.receive(), DEADLINE)
        if message.type is aiohttp.WSMsgType.BINARY:
            return gzip.decompress(message.data).decode()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return str(message.data)

    async def take(self) -> Said:
        """The next message, as the reference has it."""
        text = await self.text()
        said = self._line(data=text)
        if said.kind in ("control", "unread") or self.both:
            for control in self._controls(text, said):
                taught = tuple(k for k, number in self.taught.items() if number == control.channel)
                self.controls.append((control.kind, control.keys or taught))
                if control.channel:
                    self.taught |= dict.fromkeys(control.keys, control.channel)
        self.said.append(said)
        return said

    def _controls(self, text: str, said: Said) -> list[Control]:
        try:
            return self.venue.control(text.encode(), self.asked)
        except ValueError:
            if said.kind == "control":
                raise
            return []

    async def subscribe(self, keys: list[str]) -> None:
        """In as many messages as it takes."""
        groups: dict[str, list[str]] = {}
        for key in keys:
            groups.setdefault(self.venue.together(key) or key, []).append(key)
        for number, group in enumerate(groups.values(), len(self.asked) + 1):
            self.asked[number] = group
            await self.send(self.venue.subscribe(group, number))

    async def leave(self, keys: list[str]) -> None:
        """In a message a key, as every venue can."""
        for key in keys:
            number = len(self.asked) + 1
            self.asked[number] = [key]
            await self.send(self.venue.leave([key], number, self.taught))

    async def quiet(self) -> None:
        """Read what is under way."""
        with suppress(TimeoutError):
            while True:
                await asyncio.wait_for(self.take(), 0.1)

    async def base_in_stream(self, symbol: str) -> None:
        """Ask for a book when its changes come already: what is between would not be known."""
        sim = self.sim
        while True:
            last = sim.server.market.live(symbol).book.sequence
            await sim.step(10)
            if sim.server.market.live(symbol).book.sequence != last:
                break
        while symbol not in self.reference.books:
            await self.take()
        await self.base(symbol)

    async def base(self, symbol: str) -> None:
        """Ask for a book over REST."""
        request = self.venue.snapshot_request(symbol)
        assert request is not None
        if self.venue.socket_books:
            await self.send(self.venue.socket_request(request, 1))
            return
        path = rest_path(self.venue) + request.path
        async with self.sim.session.get(self.sim.base + path, params=request.params) as answer:
            assert answer.status == 200
            body = await answer.text()
            self._line(kind="rest", url=str(answer.url), data=body)

    async def until_level(self, symbol: str) -> None:
        """Read until the book is the market's own, which stands still."""
        live = self.sim.server.market.live(symbol)
        _, *sides = await self.sim.truth(symbol)
        server = self.sim.server
        assert isinstance(server, DeclaredServer)
        windows = [one.stream.levels for one in server.open.values() if one.stream is not None]
        kept = windows[0] or (20 if self.venue.base is Base.EVERY else 1000)
        bids, asks = (
            dict(sorted(side.items(), reverse=best)[:kept])
            for side, best in zip(sides, (True, False), strict=True)
        )
        async with asyncio.timeout(DEADLINE):
            while True:
                book = self.reference.books.get(symbol)
                if book is not None and (book.bids, book.asks) == (bids, asks):
                    assert live.book.sequence
                    return
                await self.take()


def declared(name: str) -> DeclaredVenue:
    """One of the tests' own, or of ours."""
    found = VENUES[name]() if name in VENUES else venues.load(name)
    assert isinstance(found, DeclaredVenue)
    return found


def usual(name: str) -> list[str]:
    """What its feed carries without a configuration, in the simulator's list of today."""
    rules = [Pattern.parse(one) for one in declared(name).default_instruments]
    exact = [one.glob for one in rules if one.exact]
    return exact or list(_server(name, SimOptions()).market.instruments)


def rest_path(venue: DeclaredVenue) -> str:
    return urlsplit(venue.rest_url).path.rstrip("/")


@asynccontextmanager
async def served(name: str, **options: Any) -> AsyncIterator[Sim]:
    chosen = SimOptions(
        **{"rate": 2000.0, "depth": 30, "start_ms": START_MS, "paused": True, **options}
    )
    async with running(_server(name, chosen)) as sim:
        yield sim


def _server(name: str, chosen: SimOptions) -> VenueServer:
    ours = name in OURS
    return make_server(name, chosen) if ours else DeclaredServer(chosen, declared(name))


@asynccontextmanager
async def reading(sim: Sim, channel: str = "book") -> AsyncIterator[Reader]:
    """Connected as the venue has it: where it has the channel, with a token, after its welcome."""
    server = sim.server
    assert isinstance(server, DeclaredServer)
    venue = server.declared
    found = venue.topics[channel]
    first = found if isinstance(found, str | Topic) else found[0]
    where = first.endpoint if isinstance(first, Topic) else "public"
    path = server.ws_path if where == "public" else urlsplit(venue.ws_urls[where]).path
    url = sim.base.replace("http", "ws", 1) + path
    if venue.token is not None:
        async with sim.session.post(
            sim.base + rest_path(venue) + venue.token.request.path
        ) as answer:
            said = words.read(venue.token.answer, words.decoded(await answer.read()))
            assert said is not None
            url = f"{said['endpoint']}?token={said['token']}&connectId=1"
    headers = venue.ws_headers.get("public", {})
    async with sim.session.ws_connect(url, max_msg_size=0, headers=headers) as raw:
        reader = Reader(venue, sim, raw)
        for text in venue.on_connect():
            await reader.send(text)
        if venue.welcome is not None:
            await reader.text()
        yield reader


async def listed(sim: Sim, venue: DeclaredVenue) -> list[Any]:
    """The venue's list, all pages of it."""
    found: list[Any] = []
    everything = ["*", "option:*"]
    waiting = venue.instrument_requests(everything)
    while waiting:
        request = waiting.pop()
        url = sim.base + rest_path(venue) + request.path
        async with sim.session.request(
            request.method,
            url,
            params=request.params,
            data=request.body or None,
            headers=venue.rest_headers,
        ) as answer:
            body = await answer.read()
            assert answer.status == 200, body
        found += venue.parse_instruments(body)
        waiting += venue.follow_up(everything, request, body)
    return found


def run(main: Coroutine[Any, Any, None]) -> None:
    """A test, which ends in any case: what it waits for may never come."""
    asyncio.run(asyncio.wait_for(main, 3 * DEADLINE))
