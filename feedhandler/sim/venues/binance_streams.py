"""Simulated products of Binance: made of what they declare, and of the rules that no table says.

A stream is acknowledged whether there is such a symbol, or another address serves it; then it is
silent. On `/stream` events come with their stream's name, on `/ws` bare. Each answer
over HTTP says what weight was used in this minute. Who sends too many messages is cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import urlsplit

import orjson
from aiohttp import WSMsgType, web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.binance_meter import Meter, too_many
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.channels import Channel
from feedhandler.sim.venues.declared.server import DeclaredServer

_MAX_STREAMS: Final = 1024
_METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")
_INVALID: Final = "Invalid request: invalid stream"


class StreamsServer(DeclaredServer):
    """A subclass names its `venue`, `declared`, and what it allows: messages in a second, weight in
    a minute."""

    invalid: ClassVar[tuple[str, int]] = ("Invalid request", 2)
    message_limit: ClassVar[int] = 10
    weight_limit: ClassVar[int] = 2400

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        self._sockets |= {f"{path.removesuffix('/stream')}/ws": {} for path in self._sockets}
        self._meter = Meter(self.weight_limit)
        self._most = options.message_limit or self.message_limit

    # -- connections -------------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:
        """Streams that the address names are subscribed without an answer."""
        super().on_open(client, request)
        root, raw, named = request.path.partition("/ws")
        client.memory["path"] = f"{root}/ws" if raw else root
        client.memory["silent"] = set()
        named = named.removeprefix("/") or request.query.get("streams", "")
        # Clients end the path with a number of their own, and subscribe later: `/ws/0`.
        streams = [stream for stream in named.split("/") if "@" in stream or "!" in stream]
        if all(map(self.serves, streams)):
            self._subscribe(client, streams)
        else:
            client.send(_error(2, _INVALID, inside=True))
            client.close(1008, "Invalid request")

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:
        """Pongs count as messages, too."""
        if too_many(client, self._most):
            client.close(1008, "Too many requests")
        super().on_frame(client, kind, payload)

    def changed(self, channel: str, symbol: str, payload: bytes) -> tuple[bytes, int] | None:
        """With the stream's name."""
        found = super().changed(channel, symbol, payload)
        return found and (_named(channel) + found[0] + b"}", found[1])

    def deliver(self, clients: Iterable[Client], payload: bytes, pieces: int = 1) -> None:
        """Bare, to those who are on a path of raw streams."""
        clients = list(clients)
        raw = [one for one in clients if not one.combined]
        super().deliver((one for one in clients if one.combined), payload, pieces)
        if raw:
            _, _, data = payload.partition(b'"data":')
            super().deliver(raw, data[:-1], pieces)

    # -- subscriptions -----------------------------------------------------------------------

    def serves(self, stream: str) -> bool:
        """Whether a name can be one; the symbol in it may be any."""
        return "@" in stream or stream.startswith("!")

    def on_text(self, client: Client, text: str) -> None:
        """Answer one request."""
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            client.send(_error(3, "Invalid JSON: expected value at line 1 column 1"))
            return
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            client.send(_error(2, "Invalid request: method must be a string"))
            return
        method, identity = request["method"], request.get("id")
        params = request.get("params", [])
        if identity is not None and not isinstance(identity, int | str):
            client.send(_error(2, "Invalid request: request ID must be an unsigned integer"))
        elif method not in _METHODS:
            reason = f"Invalid request: unknown variant {method}, expected one of "
            client.send(_error(2, reason + ", ".join(_METHODS), identity))
        elif not isinstance(params, list) or not all(isinstance(p, str) for p in params):
            client.send(_error(2, "Invalid request: params must be an array of strings", identity))
        elif method == "SUBSCRIBE":
            self._ask(client, params, identity)
        else:
            silent: set[str] = client.memory["silent"]
            if method == "UNSUBSCRIBE":
                silent.difference_update(params)
                for stream in params:
                    self.unsubscribe(client, stream)
                self.close_unheard(params)
            listed = sorted(client.channels | silent) if method == _METHODS[-1] else None
            client.send(orjson.dumps({"result": listed, "id": identity}))

    def _ask(self, client: Client, streams: list[str], identity: object) -> None:
        if (refused := self._met("error_reply", streams)) is not None:
            text = refused["message"] or "Invalid request: too many requests"
            client.send(_error(refused["code"] or 2, text, identity))
        elif not all(map(self.serves, streams)):
            client.send(_error(2, _INVALID, identity, inside=True))
        elif len(client.channels) + len(streams) > _MAX_STREAMS:
            client.send(_error(2, f"Invalid request: more than {_MAX_STREAMS} streams"))
        else:
            lost = self._met("lost_ack", streams)
            if lost is None:
                client.send(orjson.dumps({"result": None, "id": identity}))
            if lost is None or lost["subscribed"]:
                self._subscribe(client, streams)

    def _met(self, kind: str, streams: list[str]) -> Fault | None:
        """The fault of a kind that meets one of the streams of a request."""
        for stream in streams if self.faults.of(kind) else ():
            fault = self.faults.take(kind, self.symbol_of(stream), stream)
            if fault is not None:
                return fault
        return None

    def _subscribe(self, client: Client, streams: list[str]) -> None:
        for stream in streams:
            if not self.made(client, stream):
                client.memory["silent"].add(stream)
            elif self.subscribe(client, stream) and stream in self.open:
                self.first_messages(client, self.open[stream])
        self.close_unheard(streams)

    def made(self, client: Client, stream: str) -> bool:
        """Begin to make a stream; False: nothing ever comes on it."""
        return self.begin(client, stream) is not None

    def begin(self, client: Client, key: str) -> Channel | None:
        """Nothing, where the path does not serve it."""
        if not self.knows_channel(key) or not self.carries(client.memory["path"], key):
            return None
        return super().begin(client, key)

    def carries(self, path: str, key: str) -> bool:
        """Whether a path serves a stream."""
        theirs = urlsplit(self.declared.ws_urls[self.declared.endpoint(key)]).path
        return path.rsplit("/", 1)[0] == theirs.rsplit("/", 1)[0]

    # -- HTTP --------------------------------------------------------------------------------

    def error_body(self, status: int) -> bytes:
        """-1003 of too many requests, -1001 of an overload."""
        if status < 500:
            return orjson.dumps({"code": -1003, "msg": "Too much request weight used."})
        return orjson.dumps({"code": -1001, "msg": "Internal error; unable to process."})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answers show the weight that is used; a path of raw streams may name them. An upgrade
        that is refused is not of the venue's API: it keeps its headers, Retry-After too."""
        root, raw, _ = request.path.partition("/ws/")
        upgrade = "Upgrade" in request.headers
        if upgrade and raw and f"{root}/ws" in self._sockets:
            return await self.websocket(request)
        found = await super()._serve(request)
        if upgrade or not isinstance(found, web.Response) or not isinstance(found.body, bytes):
            return found
        weight = self._weight(request) if found.status == 200 else 1
        return self._meter.answer(found.body, weight, found.status)

    def _weight(self, request: web.Request) -> int:
        book, venue = self.declared.book, self.declared
        path = request.path.removeprefix(urlsplit(venue.rest_url).path)
        if book is not None and path in book.every:
            return book.costs(venue.snapshot_levels(str(request.rel_url)))
        listed = (one.weight for one in venue.listings if path == one.path)
        asked = (one.weight for one in self.beside.asked if request.path == one.path)
        return next(listed, 0) or next(asked, 1)


def _error(code: int, text: str, identity: object = None, *, inside: bool = False) -> bytes:
    """`inside`: under a key of its own."""
    error: dict[str, object] = {"code": code, "msg": text}
    known = {} if identity is None else {"id": identity}
    return orjson.dumps({**({"error": error} if inside else error), **known})


def _named(stream: str) -> bytes:
    return b'{"stream":"%b","data":' % stream.encode()
