"""A simulated venue and the feed's engine in one process: nothing moves but by the test's word.

The venue's market goes one update at a time, each message is handed over by hand, and books are
healed when the test says so. So all that a venue's simulator did is known, to the message.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, cast

import orjson
from aiohttp import web

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import Base
from feedhandler.engine import _engine as native
from feedhandler.instruments.universe import add_instrument
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Delivery, Fault
from feedhandler.sim.runner import make_server
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.rows import document, fine_document
from feedhandler.sim.venues.declared.server import DeclaredServer
from feedhandler.sim.venues.declared.words import with_missing
from shm import Reason, State, segment

_START_MS: Final = 1_795_430_400_000
_MOST_STEPS: Final = 2000
_FLAGS: Final = 65_536 + 131_072  # Bitfinex: numbers and checksums
_GAPS, _MISSING, _UNSIZED, _APPLIED = 3, 4, 5, 6


class Counts(NamedTuple):
    """What the quality says."""

    gaps: int
    missing: int
    unsized: int


def _declared(venue: str) -> DeclaredVenue:
    found = venues.load(venue)
    assert isinstance(found, DeclaredVenue)
    return found


def _bare(payload: bytes, pieces: int = 1) -> bytes:  # noqa: ARG001
    """A message as it is, without a frame."""
    return payload


class _Transport:
    """Nobody reads the socket: messages are taken from the client's queue."""

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


class Link:
    """A connection, at both ends."""

    def __init__(self, feed: Stepped, row: int) -> None:
        self.feed, self.row = feed, row
        self.end = feed.engine.connection(row)
        self.client = self._begin()

    def _begin(self) -> Client:
        server = self.feed.server
        client = Client(
            cast(web.WebSocketResponse, None),
            cast(Any, _Transport()),
            server.ws_path.endswith("/stream"),
            server._random,
        )
        server.clients.add(client)
        server.connections += 1
        path = SimpleNamespace(path=server.ws_path, query={}, headers={})
        server.on_open(client, cast(web.Request, path))
        client.memory["flags"] = _FLAGS
        client.out.clear()
        self.end.begin()
        return client

    def drop(self) -> None:
        """The session is over: nothing that it still had to bring comes."""
        server, client = self.feed.server, self.client
        server.clients.discard(client)
        channels = list(client.channels)
        for channel in channels:
            server.unsubscribe(client, channel)
        server.on_close(channels)
        self.feed.engine.disconnected(self.row, int(Reason.DISCONNECTED))
        self.client = self._begin()

    def subscribe(self, symbol: str) -> None:
        """To its book; what it says first is on the way."""
        server, key = self.feed.server, self.feed.keys[symbol]
        channel = server.begin(self.client, key)
        assert channel is not None
        one = server.open[key]
        self.end.bind(one.number, self.feed.rows[symbol], "book")
        self.feed.engine.begun(self.feed.rows[symbol])
        if server.subscribe(self.client, key):
            server.first_messages(self.client, one)

    def unsubscribe(self, symbol: str) -> None:
        key = self.feed.keys[symbol]
        self.feed.server.unsubscribe(self.client, key)
        self.feed.server.close_unheard([key])

    def take(self) -> list[bytes]:
        """What is on the way, and is so no more."""
        found = list(self.client.out)
        self.client.out.clear()
        return found

    def bring(self, messages: list[bytes]) -> None:
        """Up to a hole of the connection: whoever hears of that hangs up."""
        for one in messages:
            if self.end.feed(one) & native.GAP:
                self.drop()
                return


class Stepped:
    """Of one venue; `symbols`: two of its instruments. The first alone moves."""

    def __init__(self, venue: str, engine: native.Engine, server: DeclaredServer) -> None:
        self.engine, self.server = engine, server
        self.venue = _declared(venue)
        listed = list(server.market.instruments)
        named = [one for one in self.venue.default_instruments if one in listed]
        self.symbols = [*named, *(one for one in listed if one not in named)][:2]
        self.rows: dict[str, int] = {}
        self.keys: dict[str, str] = {}
        for symbol in self.symbols:
            listing = server.listing.listing_of(symbol)
            [spec] = self.venue.parse_instruments(document(listing, [server.as_listed(symbol, {})]))
            self.rows[symbol] = add_instrument(engine, spec)
            [self.keys[symbol]] = (
                key
                for key in self.venue.keys(spec, ("book",))
                if self.venue.key_symbols(key)[0] == "book"
            )
        for symbol in server.market.instruments:
            if symbol != self.symbols[0]:
                server.market.stand_still(symbol, True)
        self.links = [Link(self, 0)]
        self.lost: list[bool] = []  # of each message of a book, whether a fault kept it back
        self._push_book, self._push = server.push_book, server.push
        server.push_book = self._decided  # type: ignore[method-assign]
        server.push = self._pushed  # type: ignore[method-assign]

    # ---- the venue

    def _decided(self, channel: str, symbol: str, payload: bytes, verdict: Delivery) -> None:
        if verdict.lost:
            self.lost.append(True)
        count = len(self.lost)
        self._push_book(channel, symbol, payload, verdict)
        if verdict is Delivery.CUT:
            del self.lost[count:]  # it went out, and nobody can read it

    def _pushed(self, channel: str, symbol: str, payload: bytes) -> None:
        self._push(channel, symbol, payload)
        if channel in self.keys.values():
            self.lost.append(False)

    @property
    def holes(self) -> int:
        """Runs of messages that were kept back, with one behind them that was not."""
        return sum(a and not b for a, b in pairwise(self.lost))

    def order(self, kind: str, **keys: Any) -> Fault:
        """A fault of the first book."""
        return self.server.chaos.order({"kind": kind, "symbol": self.symbols[0]} | keys)

    def step(self, messages: int = 1) -> None:
        """The market moves until so many more messages of the book are on the way, or were kept
        back."""
        for _ in range(messages):
            self._step()

    def _step(self) -> None:
        queue, faults = self.links[0].client.out, list(self.server.faults)
        if self.keys[self.symbols[0]] not in self.links[0].client.channels:
            return  # nobody listens
        before = len(queue), [fault.hits for fault in faults]
        for _ in range(_MOST_STEPS):
            self.server.advance(1)
            self.server.settle()
            if (len(queue), [fault.hits for fault in faults]) != before:
                return
        raise AssertionError("nothing moves")

    # ---- the feed

    def deliver(self) -> None:
        """All that is on the way comes."""
        for link in self.links:
            link.bring(link.take())

    def flow(self, messages: int = 3) -> None:
        """So many, one after the other."""
        for _ in range(messages):
            self.step()
            self.deliver()

    def live(self) -> bool:
        return all(self.engine.state(row)[0] == State.LIVE for row in self.rows.values())

    def heal(self) -> None:
        """As recovery does it, at once: until all books are LIVE."""
        still = self.server.market.stand_still
        still(self.symbols[1], False)
        for _ in range(40):
            if self.live():
                self.engine.attention()
                still(self.symbols[1], True)
                return
            for symbol, row in self.rows.items():
                if self.engine.state(row)[0] != State.LIVE:
                    self._heal(symbol, row)
            self.flow(1)
        raise AssertionError([self.engine.state(row) for row in self.rows.values()])

    def _heal(self, symbol: str, row: int) -> None:
        asked = self.venue.base is Base.REQUEST
        for link in self.links:
            if self.keys[symbol] not in link.client.channels:
                link.subscribe(symbol)
            elif not asked:
                link.unsubscribe(symbol)
                link.subscribe(symbol)
            link.bring(link.take())
        if asked:
            self.engine.snapshot(row, self.answer(symbol))

    def answer(self, symbol: str) -> bytes:
        """Its book, as it is asked for."""
        assert self.venue.book is not None
        fine = orjson.dumps(fine_document(self.venue.book.fine))
        levels = self.venue.book.levels or 1000
        return with_missing(self.server.book_answer(self.server.market.live(symbol), levels), fine)

    def later(self, seconds: float) -> None:
        """Time passes for the engine alone."""
        self.engine.overdue(time.time_ns() + int(seconds * 1e9))

    def calm(self) -> None:
        """No fault is in force, all books are LIVE, and nothing is known of before."""
        self.server.chaos.order({"kind": "none"})
        self.heal()
        self.flow(2)
        self.lost.clear()

    def counts(self) -> Counts:
        """Of both books and of the connections."""
        table = self.engine.quality(list(self.rows.values())).sum(axis=0)
        holes = native.holes(self.engine)
        return Counts(
            *(
                int(table[at]) + hole
                for at, hole in zip((_GAPS, _MISSING, _UNSIZED), holes, strict=True)
            )
        )


@contextmanager
def stepped(venue: str, *, links: int = 1, seed: int = 1) -> Iterator[Stepped]:
    """All books LIVE."""
    options = SimOptions(
        paused=True, seed=seed, rate=20.0, depth=20, start_ms=_START_MS, checksums=True
    )
    server = make_server(venue, options)
    assert isinstance(server, DeclaredServer)
    server.framed = _bare  # type: ignore[method-assign]
    with segment.create(
        venue, namespace=f"q{time.time_ns():x}", instruments=4, depth=10, ring_slots=1 << 12
    ) as held:
        engine = make_engine(venues.load(venue), held.writer)
        feed = Stepped(venue, engine, server)
        feed.links += [Link(feed, row) for row in range(1, links)]
        feed.heal()
        feed.flow(5)
        assert feed.live()
        assert feed.counts() == (0, 0, 0)
        assert engine.quality([feed.rows[feed.symbols[0]]])[0][_APPLIED] >= 5
        yield feed
