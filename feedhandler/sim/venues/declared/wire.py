"""How a declared venue's messages leave: each with the connection's number, as gzip members."""

from __future__ import annotations

import gzip
import json
from abc import ABC
from collections.abc import Iterable, Sequence
from typing import ClassVar

from aiohttp import web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.shape import ShapeError
from feedhandler.shape.tree import Hole, Listed, Object, parsed
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Delivery
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.frames import BINARY, TEXT, encode, encode_fragmented
from feedhandler.sim.server.server import VenueServer

_LEVEL = 1  # gzip's quickest


class Counter:
    """Where a venue's messages have the number of their connection: under a key of the object, or
    at the end of the list."""

    def __init__(self, sample: str) -> None:
        tree = parsed(sample)
        key = ""
        match tree:
            case Object((one,)) if one.node == Hole("conn"):
                key = one.name
            case Listed((), (Hole("conn"),)):
                pass
            case _:
                raise ShapeError(f"{sample}: the simulator counts under one key, or at the end")
        self._opens, self._closes = (b"{", b"}") if key else (b"[", b"]")
        self._before = f",{json.dumps(key)}:".encode() if key else b","

    def on(self, payload: bytes) -> bool:
        """Whether a message is one of those that are numbered."""
        return payload[:1] == self._opens and payload[-1:] == self._closes and len(payload) > 2

    def added(self, payload: bytes, number: int) -> bytes:
        """The message with its number."""
        return b"%b%b%d%b" % (payload[:-1], self._before, number, self._closes)


class DeclaredWire(VenueServer, ABC):
    """Bytes and numbers; a subclass has the words."""

    first_number: ClassVar[int] = 0
    """Of a connection that counts its messages."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue) -> None:
        self.declared = declared
        samples = [frame.sample for frame in declared.frames if frame.kind == "number"]
        self.counter = Counter(samples[0]) if samples else None
        self._zipped = declared.encoding == "gzip"
        self._late: dict[str, list[tuple[Client, bytes]]] = {}
        super().__init__(options)

    def on_open(self, client: Client, request: web.Request) -> None:  # noqa: ARG002
        """Whatever the server says on it goes the same way as data."""
        client.pack = lambda payload: self.framed(self.numbered(client, payload))

    def framed(self, payload: bytes, pieces: int = 1) -> bytes:
        """Text, or a binary message with a gzip member."""
        opcode = TEXT
        if pieces == 1 and not self._zipped:
            return encode(payload)
        if self._zipped:
            payload, opcode = gzip.compress(payload, _LEVEL, mtime=0), BINARY
        return encode_fragmented(payload, pieces, opcode) if pieces > 1 else encode(payload, opcode)

    def numbered(self, client: Client, payload: bytes) -> bytes:
        """With the next number of the connection, where it has them."""
        counter = self.counter
        if counter is None or not counter.on(payload):
            return payload
        number = client.memory["conn"] = client.memory.get("conn", self.first_number - 1) + 1
        return counter.added(payload, number)

    def send_uncounted(self, client: Client, payload: bytes) -> None:
        """A refusal: connections do not count these."""
        pack, client.pack = client.pack, self.framed
        client.send(payload)
        client.pack = pack

    def deliver(self, clients: Iterable[Client], payload: bytes, pieces: int = 1) -> None:
        """Where connections count, each client has a message of its own."""
        if self.counter is None:
            frame = self.framed(payload, pieces)
            for client in clients:
                client.out.append(frame)
            return
        for client in clients:
            client.out.append(self.framed(self.numbered(client, payload), pieces))

    def verdict(self, channel: str, symbol: str) -> Delivery:
        """None other while a message waits for the next one."""
        if not self.faults.active or channel in self._late:
            return Delivery.SEND
        return super().verdict(channel, symbol)

    def push_book(self, channel: str, symbol: str, payload: bytes, verdict: Delivery) -> None:
        """Where connections count, a message that is lost has had its number, one that is late or
        comes twice keeps it."""
        if self.counter is None:
            super().push_book(channel, symbol, payload, verdict)
            return
        if verdict in (Delivery.SEND, Delivery.CROSSED, Delivery.CHECKSUM):
            self.push(channel, symbol, payload)
        elif (changed := self.changed(channel, symbol, payload)) is not None:
            copies = [(one, self.numbered(one, changed[0])) for one in self.listeners(channel)]
            if verdict is Delivery.LATER:
                self._late[channel] = copies
                return
            if verdict is Delivery.CUT:
                copies = [(client, copy[: len(copy) // 2]) for client, copy in copies]
            if verdict is not Delivery.SKIP:
                self._send(copies, 2 if verdict is Delivery.TWICE else 1)
        if (late := self._late.pop(channel, None)) is not None:
            self._send(late)

    def _send(self, copies: Sequence[tuple[Client, bytes]], times: int = 1) -> None:
        for client, copy in copies:
            client.out.extend([self.framed(copy)] * times)
