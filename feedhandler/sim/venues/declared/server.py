"""A declared venue on loopback: what clients ask for, and how they are answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import Continuity, ControlKind
from feedhandler.shape.tree import Hole, Object, parsed
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.faults.order import FaultError, Order
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.server.broadcast import ahead
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.subscribe_faults import Asked
from feedhandler.sim.venues.declared.beats import Beats
from feedhandler.sim.venues.declared.beside import NOTHING, Beside
from feedhandler.sim.venues.declared.channels import Channel
from feedhandler.sim.venues.declared.meant import Abilities, unmeant
from feedhandler.sim.venues.declared.others import Others
from feedhandler.sim.venues.declared.publisher import Publisher
from feedhandler.sim.venues.declared.template import nodes
from feedhandler.sim.venues.declared.words import Talk, Wish, reads, say, with_missing
from shm import Status

_TOO_MANY = "too many requests"
_FIRST_CONNECTION = 0xA4D3AE55
_BEATS_S = 0.01
"""Between looks for whose heartbeat is due."""
_SOME_DAY = 1_900_000_000_000


class DeclaredServer(Publisher):
    """Made of a venue's declarations alone; a subclass has the rules that no table says."""

    invalid: ClassVar[tuple[str, int]] = ("invalid request", 400)
    """What is said of a request that makes no sense: text and code."""

    def __init__(
        self, options: SimOptions, declared: DeclaredVenue, beside: Beside = NOTHING
    ) -> None:
        super().__init__(options, declared, beside)
        self.talk = Talk(declared, self.topics)
        self._beats = Beats(declared, self.talk, options, self.beside.idle)
        self._others = Others(self, self.beside.asked)
        self._next_beats = 0.0
        self._far_keys = {
            "book": _number_keys(declared, "book", "full"),
            "quote": _number_keys(declared, "quote"),
        }
        self._abilities = Abilities(
            declared,
            self.talk,
            counted=self.counter is not None,
            far_keys=any(self._far_keys.values()),
            unlisted=self._unlisted,
            status_stream=bool(self.topics.by_channel.get("status")),
        )
        texts = [one.sample for one in declared.words.answers if one.kind is ControlKind.NOTHING]
        self._alive = [one.encode() for one in texts if "heartbeat" in one and "$" not in one]

    # -- faults ------------------------------------------------------------------------------

    def check_order(self, order: Order) -> None:
        """Raises FaultError for what cannot be meant."""
        if why := unmeant(order, self._abilities):
            raise FaultError(f"kind: {order.kind}: {why}")
        if order.kind == "bad_checksum" and self.checksum is None:
            raise FaultError("kind: bad_checksum needs a simulator with the option checksums")

    def far(self, name: str, symbol: str, payload: bytes) -> bytes:
        """The message with the number of its book far ahead, if a fault has it so."""
        channel = self.channels.read(name)
        found = self.topics.read(name)
        kind = found[1] if channel is not None and found is not None else ""
        if not self._far_keys.get(kind):
            return payload
        fault = self.faults.take("far", symbol if kind == "book" else None, name)
        if fault is None:
            return payload
        for key in self._far_keys[kind]:
            payload = ahead(payload, key, int(fault["ahead"]))
        return payload

    def _unlisted(self, order: Order) -> str:
        """Why the list cannot say other terms of an instrument; "" if it can."""
        symbol, values = str(order.values["symbol"]), order.values
        if symbol not in self.market.instruments:
            return ""  # somebody else says so
        said: dict[str, Any] = {
            key: str(values.get(key) or "") for key in ("word", "tick", "lot", "contract_size")
        }
        if order.kind == "delist_at":
            said["end_ms"] = _SOME_DAY
        instrument, listing = self.market.instruments[symbol], self.listing.listing_of(symbol)
        usual = self.listing.row(instrument, listing, Terms())
        for key, value in said.items():
            if not value:
                continue
            try:
                row = self.listing.row(instrument, listing, Terms(**{key: value}))
            except ValueError as error:
                return str(error)
            if row == usual and not self._as_ever(instrument, key, value):
                return f"its list has no field for {key.removesuffix('_ms')}"
        return ""

    def _as_ever(self, instrument: Instrument, key: str, value: Any) -> bool:
        """Whether an instrument's terms say this anyhow."""
        if key == "word":
            return bool(value == self.listing.open_word)
        return key != "end_ms" and getattr(instrument, key) == Decimal(value)

    def terms(self, symbol: str) -> Terms:
        """What the list says of an instrument otherwise than it was made."""
        return self._listed_terms.get(symbol, Terms())

    # -- connections -------------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:
        """A venue that says hello does so at once, or as the answer to what it is told first."""
        super().on_open(client, request)
        client.memory["name"] = f"{_FIRST_CONNECTION + self.connections:08x}"
        client.memory["path"] = request.path
        if self.declared.welcome is not None and not self.declared.on_connect():
            self._welcome(client)

    def _welcome(self, client: Client) -> None:
        assert self.declared.welcome is not None
        client.send(say(self.declared.welcome.sample, {"id": f"sim{self.connections}"}))

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:
        """A pong may be an answer."""
        self._beats.on_frame(client, kind, payload)

    def on_time(self, now: float) -> None:
        """Also heartbeats."""
        super().on_time(now)
        if now < self._next_beats:
            return
        self._next_beats = now + _BEATS_S
        off, ms = self.faults.no_heartbeat, self.market.clock.ms()
        for client in list(self.clients):
            self._beats.tick(client, now, ms, off=off)
            if self._alive and now - client.last_sent > 1.0 and not off:
                client.send(self._alive[0])

    def announce_shutdown(self) -> None:
        """The venue's notice, if it has one."""
        notice = self.talk.has(ControlKind.NOTICE)
        for client in self.clients if notice is not None else ():
            assert notice is not None
            said = say(notice.sample, {"text": notice.text or "restart"})
            client.send(self.signed(client, said))

    def signed(self, client: Client, answer: bytes) -> bytes:
        """With what stands in each answer of the venue."""
        more = self.beside.answered
        return with_missing(answer, say(more, {"conn": client.memory["name"]})) if more else answer

    # -- requests ----------------------------------------------------------------------------

    def further(self, request: web.Request, path: str) -> web.Response | None:
        """What else is asked for over HTTP."""
        return self._others.answer(request, path)

    def on_text(self, client: Client, text: str) -> None:
        """Answer a heartbeat, a request, or what is said first on a connection."""
        if self._beats.is_reply(client, text):
            return
        if (pong := self._beats.pong(text)) is not None:
            if not self.unanswered_ping() and not self.faults.no_heartbeat:
                client.send(pong)
            return
        wish = self.talk.read(text)
        if wish is None and self._told_book(client, text):
            return
        if wish is None:
            self._odd(client, text)
        elif wish.leave:
            self.leave(client, wish)
        else:
            self._join(client, wish)

    def _told_book(self, client: Client, text: str) -> bool:
        """A book that is asked for over the socket, where it can be."""
        book, answer = self.declared.book, self.talk.has(ControlKind.ANSWER)
        if book is None or not book.socket or (found := reads(book.socket, text)) is None:
            return False
        symbol = found["symbol"]
        said = {**found, "key": "", "status": "ok"}
        if symbol not in self.market.instruments:
            self.refuse(client, Wish(leave=False, keys=[], id=found.get("id")), "", symbol, 404)
            return True
        depth = int(found.get("depth") or book.levels)
        body = self.book_answer(self.market.live(symbol), depth)
        client.send(body if answer is None else with_missing(body, say(answer.sample, said)))
        return True

    def _odd(self, client: Client, text: str) -> None:
        if any(reads(one, text) is not None for one in self.declared.words.on_connect):
            if self.declared.welcome is not None:
                self._welcome(client)
        elif (answer := self.talk.naming_none()) is not None:
            text, code = self.invalid
            said = say(answer.sample, {"text": text, "code": code})
            self.send_uncounted(client, self.signed(client, said))

    def leave(self, client: Client, wish: Wish) -> None:
        """End what is asked for, and say so."""
        by_number = {one.number: key for key, one in self.open.items()}
        keys = wish.keys + [by_number[number] for number in wish.numbers if number in by_number]
        numbers = {key: self.open[key].number for key in keys if key in self.open}
        for key in keys:
            self.unsubscribe(client, key)
        self.close_unheard(keys)
        kind = ControlKind.UNSUBSCRIBED
        if self.talk.has(kind) is None:  # one answer serves both: the id says which was asked
            kind = ControlKind.ACK
        said = {"id": wish.id, "numbers": numbers}
        for answer in self.talk.about(kind, keys, said, sorted(client.channels)):
            client.send(self.signed(client, answer))

    def _join(self, client: Client, wish: Wish) -> None:
        """Key by key, where each is answered by itself; else all of them, or none."""
        if self.declared.answers_each and len(wish.keys) > 1:
            for key in wish.keys:
                self._join(client, wish._replace(keys=[key]))
            return
        parted = self.talk.parts(self.talk.has(ControlKind.ACK))
        failed = [key for key in wish.keys if parted and not self._takes(client, key)]
        asked = [key for key in wish.keys if key not in failed]
        taken, unsaid = asked, list[str]()
        for key in asked:
            symbol = self.symbol_of(key)
            if (why := self.refusal(client, key, symbol)) is not None:
                self.refuse(client, wish, key, *why)
                return
            if (fault := self.faults.take("lost_ack", symbol, key)) is not None:
                if not fault["subscribed"]:
                    return
                taken, unsaid = [], asked
        begun = [self.begin(client, key) for key in taken + unsaid]
        fresh = [channel for channel in begun if channel is not None]
        numbers = {key: self.open[key].number for key in taken if key in self.open}
        said = {"id": wish.id, "numbers": numbers, "text": "", "failed": failed}
        standing = sorted({*client.channels, *taken})
        alone = [key for key in taken if not self._answered_by_book(key)]
        answers = self.talk.about(ControlKind.ACK, alone, said, standing)
        for answer in answers if alone or failed else ():
            channel = self.channels.read(alone[0]) if alone else None
            more = self.beside.acknowledged.get(channel.topic.name if channel else "")
            answer = with_missing(answer, more.encode()) if more else answer
            client.send(self.signed(client, answer))
        for channel in fresh:
            if self.subscribe(client, channel.key):
                self.first_messages(client, self.open[channel.key])
        self.close_unheard(taken + unsaid)

    def _takes(self, client: Client, key: str) -> bool:
        return self.knows_channel(key) and key not in client.channels

    def _answered_by_book(self, key: str) -> bool:
        """Whether the first book of a key is the answer as well."""
        answer, one = self.talk.has(ControlKind.ACK), self.open.get(key)
        books = one.books if one is not None else None
        return answer is not None and answer.data and books is not None and books.has("snapshot")

    def refusal(
        self,
        client: Client,  # noqa: ARG002
        key: str,
        symbol: str | None,
    ) -> tuple[str, int] | None:
        """Why a key is refused: text and code."""
        if not self.knows_channel(key):
            return f"unknown: {key}", 404
        fault = self.faults.take("error_reply", symbol, key)
        return None if fault is None else (fault["message"] or _TOO_MANY, fault["code"] or 429)

    def begin(self, client: Client, key: str) -> Channel | None:  # noqa: ARG002
        """Make what comes on a key; None: nothing ever does."""
        channel = self.channels.read(key)
        if channel is not None:
            self.opened(channel)
        return channel

    def refuse(self, client: Client, wish: Wish, key: str, text: str, code: int) -> None:
        """Say that a request was refused, for this key where the answer names one."""
        values: dict[str, object] = {"id": wish.id, "text": text, "code": code}
        for kind in (ControlKind.REJECTED, ControlKind.ERROR):
            if answers := self.talk.about(kind, [key], values):
                for answer in answers:
                    self.send_uncounted(client, self.signed(client, answer))
                return

    def asked(self, text: str) -> Asked | None:
        """A request to subscribe, for the faults that meet it as a whole."""
        wish = self.talk.read(text)
        if wish is None or wish.leave:
            return None

        def refusal(fault: Fault) -> bytes:
            answer = self.talk.naming_none()
            assert answer is not None  # the order was checked
            text, code = self.invalid
            said = {"id": wish.id, "code": fault["code"] or code}
            return say(answer.sample, {**said, "text": fault["message"] or text})

        return Asked([(key, key) for key in wish.keys], refusal)

    # -- instruments that come and go -----------------------------------------------------------

    def on_listed(self, instrument: Instrument) -> None:
        """Where a channel tells of it."""
        self.tell_state(instrument, self.listing.open_word)

    def on_restated(self, instrument: Instrument) -> None:
        """Where a channel tells of it."""
        self.tell_state(instrument, self.word(instrument.symbol, self.listing.open_word))

    def on_expired(self, instrument: Instrument) -> None:
        """Where a channel tells of it."""
        word = self.listing.word_for(Status.EXPIRED) or self.listing.word_for(Status.HALTED)
        self.tell_state(instrument, word)

    def tell_state(self, instrument: Instrument, word: str) -> None:
        """On the channels of the status."""
        stated = self.talk.has(ControlKind.STATED)
        if stated is None:
            return
        row = {"symbol": instrument.symbol, "status": word}
        payload = say(stated.sample, row, [row])
        for topic in self.topics.by_channel.get("status", ()):
            for key in self.heard():
                if (found := self.topics.read(key)) is not None and found[0] == topic:
                    self.push(key, instrument.symbol, payload)


def _number_keys(venue: DeclaredVenue, *kinds: str) -> set[str]:
    """The keys under which messages of these kinds have the number that readers go by: that which
    they end at, of best levels their place beside the books, where they say it."""
    name = "final" if venue.rule is not Continuity.TIME else "time"
    found = [
        (key.name, key.node.name)
        for frame in venue.frames
        if frame.kind in kinds
        for node in nodes(parsed(frame.sample))
        if isinstance(node, Object)
        for key in node.keys
        if isinstance(key.node, Hole)
    ]
    places = {key for key, hole in found if hole == "place"} if kinds == ("quote",) else set()
    return places or {key for key, hole in found if hole.startswith(name)}
