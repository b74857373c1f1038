"""Frames rendered from a venue's shapes: the simulator's of one instrument, without its port.

The market, its clock and so every byte follow from the seed: the same frames at every call.
"""

from __future__ import annotations

from dataclasses import replace

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import Base
from feedhandler.bench.kit.frames import Case
from feedhandler.shape.tree import holes, parsed
from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.clock import VenueClock
from feedhandler.sim.market.market import Market
from feedhandler.sim.runner import beside_of
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.beside import NOTHING, Beside
from feedhandler.sim.venues.declared.server import DeclaredServer

#: Channels of frames, by the kind of a case.
CHANNELS = {"book": "book", "trade": "trades", "quote": "quote"}
_BEGIN_MS = 1_786_171_884_000
_STEP_US = 20_000
_IN_VAIN = 5_000  # updates without a frame


class RenderError(ValueError):
    """No such frames can be made; the text says why."""


def declared(name: str) -> DeclaredVenue | None:
    """The venue, if its frames can be rendered: it is made of declarations."""
    venue = venues.load(name)
    return venue if isinstance(venue, DeclaredVenue) else None


def kinds(venue: DeclaredVenue) -> list[str]:
    """The kinds of cases that it has frames for."""
    return [kind for kind, channel in CHANNELS.items() if channel in venue.channels]


def rendered(name: str, kind: str = "book", *, count: int = 4000, seed: int = 7) -> Case:
    """So many frames of the venue's first instrument, and what they begin with. Raises RenderError
    for a venue that is not declared, and one that has no frames of this kind."""
    venue = declared(name)
    if venue is None or kind not in kinds(venue):
        raise RenderError(f"{name}: there are no shapes of its {kind} frames")
    its = beside_of(name)
    server = _Server(venue, replace(NOTHING, option=its.option, family=its.family), seed)
    (symbol,) = server.market.instruments
    listed = server.listing.read(
        server.market.instruments[symbol], server.listing.listing_of(symbol)
    )
    case = Case(name, kind, [], floor=False, made=True)
    case.instruments[symbol] = listed.price_exponent, listed.size_exponent
    client = _Client()
    for key in venue.keys(listed, (CHANNELS[kind],)):
        if venue.key_symbols(key)[0] == "status":
            continue
        server.listen(client, key)
        if server.names_by_number:
            case.numbers[key] = server.open[key].number
    vain = 0
    while len(client.out) < count:
        before = len(client.out)
        server.go_on()
        vain = 0 if len(client.out) > before else vain + 1
        if vain > _IN_VAIN:
            raise RenderError(f"{name}: its market brings no {kind} frames")
        if kind == "book" and venue.base is Base.REQUEST and client.out and not case.snapshots:
            # Of after the first frame: it has to reach the stream.
            body = server.book_answer(server.market.live(symbol), server.options.depth)
            case.snapshots[symbol] = body
    case.frames = client.out[:count]
    return case


class _Client(Client):
    """Who listens, without a socket: what comes stays in `out`."""

    def __init__(self) -> None:
        self.channels, self.memory, self.out = set(), {}, []


class _Clock(VenueClock):
    """Goes on by a step at each update."""

    __slots__ = ("now_us",)

    def __init__(self) -> None:
        super().__init__()
        self.now_us = _BEGIN_MS * 1000

    def ms(self) -> int:
        return self.now_us // 1000

    def us(self) -> int:
        return self.now_us


class _Server(DeclaredServer):
    """One instrument, and messages as the engine is handed them."""

    def __init__(self, venue: DeclaredVenue, beside: Beside, seed: int) -> None:
        self._clock = _Clock()
        super().__init__(SimOptions(seed=seed, instruments=1, start_ms=_BEGIN_MS), venue, beside)

    @property
    def names_by_number(self) -> bool:
        """Whether frames name what they are of by a number that the acknowledgement taught."""
        samples = [parsed(frame.sample) for frame in self.declared.frames]
        return any(hole.name == "channel" for sample in samples for hole in holes(sample))

    def make_market(self) -> Market:
        self.numbers.clock = self._clock
        market = super().make_market()
        market.clock = self._clock
        return market

    def framed(self, payload: bytes, pieces: int = 1) -> bytes:  # noqa: ARG002
        return payload

    def listen(self, client: Client, key: str) -> None:
        """As of a subscription that was granted."""
        channel = self.channels.read(key)
        assert channel is not None
        one = self.opened(channel)
        self.subscribe(client, key)
        self.first_messages(client, one)

    def go_on(self) -> None:
        """One update, and what the venue says by the clock."""
        self._clock.now_us += _STEP_US
        self.advance(1)
        self.settle()
