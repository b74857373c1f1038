"""Simulated products of Binance: made of what they declare, and of the rules that no table says.

Any stream with a name is acknowledged, whether there is such a one, or another address serves it;
then it is silent. On `/stream` events come with their stream's name, on `/ws` bare. Each answer
over HTTP says what weight was used in this minute. Who sends too many messages is cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import urlsplit

import orjson
from aiohttp import WSMsgType, web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import SimOptions
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.beside import BESIDE
from feedhandler.sim.venues.binance_meter import Meter, too_many
from feedhandler.sim.venues.declared.beside import NOTHING, Beside
from feedhandler.sim.venues.declared.channels import Channel
from feedhandler.sim.venues.declared.server import DeclaredServer, channel_form_of, ws_path_of
from feedhandler.venues.binance_coinm import BinanceCoinm
from feedhandler.venues.binance_options import BinanceOptions

_COINM, _OPTIONS = BinanceCoinm(), BinanceOptions()


class StreamsServer(DeclaredServer):
    """A subclass names its `venue`, `declared`, and what it allows: messages in a second, weight in
    a minute."""

    message_limit: ClassVar[int] = 10
    weight_limit: ClassVar[int] = 2400

    def __init__(self, options: SimOptions, declared: DeclaredVenue) -> None:
        super().__init__(options, declared)
        self._sockets |= {f"{path.removesuffix('/stream')}/ws": {} for path in self._sockets}
        self._meter = Meter(self.weight_limit)
        self._most = options.message_limit or self.message_limit

    # -- connections -------------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:
        """Streams that the address names are subscribed without an answer."""
        super().on_open(client, request)
        client.memory["path"] = request.path
        for key in request.query.get("streams", "").split("/"):
            channel = self.begin(client, key)
            if channel is not None and self.subscribe(client, key):
                self.first_messages(client, self.open[key])

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

    def refusal(
        self,
        client: Client,  # noqa: ARG002
        key: str,
        symbol: str | None,
    ) -> tuple[str, int] | None:
        """Of a name that can be none."""
        if "@" not in key and not key.startswith("!"):
            return "Invalid request: invalid stream", 2
        fault = self.faults.take("error_reply", symbol, key)
        too_many = "Invalid request: too many requests"
        return None if fault is None else (fault["message"] or too_many, fault["code"] or 2)

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
        """Answers show the weight that is used."""
        found = await super()._serve(request)
        if not isinstance(found, web.Response) or not isinstance(found.body, bytes):
            return found  # a socket
        return self._meter.answer(found.body, self._weight(request), found.status)

    def _weight(self, request: web.Request) -> int:
        book, venue = self.declared.book, self.declared
        path = request.path.removeprefix(urlsplit(venue.rest_url).path)
        if book is not None and path in book.every:
            return book.costs(venue.snapshot_levels(str(request.rel_url)))
        return next((one.weight for one in venue.listings if path == one.path), 1)


def _named(stream: str) -> bytes:
    return b'{"stream":"%b","data":' % stream.encode()


class CoinmServer(StreamsServer):
    """COIN-M futures: one address for all streams."""

    venue: ClassVar[str] = _COINM.name
    ws_path: ClassVar[str] = ws_path_of(_COINM)
    channel_form: ClassVar[str] = channel_form_of(_COINM)

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _COINM) -> None:
        super().__init__(options, declared)


class OptionsServer(StreamsServer):
    """Options, some of whose streams are of an underlying."""

    venue: ClassVar[str] = _OPTIONS.name
    ws_path: ClassVar[str] = ws_path_of(_OPTIONS)
    channel_form: ClassVar[str] = channel_form_of(_OPTIONS)
    beside: ClassVar[Beside] = BESIDE.get(_OPTIONS.name, NOTHING)

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _OPTIONS) -> None:
        super().__init__(options, declared)
