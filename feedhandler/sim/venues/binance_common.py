"""What the simulated products of Binance share: streams, subscriptions, pings, depth events.

What a name must be: the venue acknowledges any stream that is well-formed, whether or not there is
such a symbol, and refuses one that is not with "invalid stream". A kind of stream that it has and
the simulator has not is refused so as well: nothing is acknowledged that could never come.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson
from aiohttp import WSMsgType, web

from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Delivery, Fault
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.frames import PING
from feedhandler.sim.server.server import VenueServer
from feedhandler.sim.venues.binance_depth import DepthBatch, DepthTexts
from feedhandler.sim.venues.binance_meter import too_many
from feedhandler.sim.venues.binance_stats import Stats
from feedhandler.sim.venues.binance_timed import Kind, Timed

_MAX_STREAMS = 1024
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")


class BinanceStreamsServer(VenueServer):
    """Streams by name, wrapped or raw. A channel here is a stream with two letters before it: `c:`
    in its wrapped form, `r:` raw, `x:` acknowledged and never sent, as on a path that does not
    carry it."""

    book_numbers: ClassVar[Mapping[str, str]] = {"@depth": "u"}
    quote_numbers: ClassVar[Mapping[str, str]] = {"@bookTicker": "u"}
    channel_form: ClassVar[str] = "btcusdt@depth@100ms, btcusdt@trade"
    depth_speeds: ClassVar[Mapping[str, float]]
    """Seconds between the events of each depth stream."""
    other_streams: ClassVar[tuple[str, ...]]
    average_places: ClassVar[Callable[[Instrument], tuple[int, int]]]
    """Decimals of an average price and of a quote volume."""
    ping_interval: ClassVar[float]
    pong_timeout: ClassVar[float]
    message_limit: ClassVar[int]

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        self._texts: dict[str, DepthTexts] = {}
        self._batches: dict[str, DepthBatch] = {}
        self._figures: dict[str, Stats] = {}
        self._kinds, self._whole = self.timed_kinds()
        self._timed: dict[str, Timed] = {}
        self._symbols = {symbol.lower(): symbol for symbol in self.market.instruments}
        self._by_symbol: dict[str, list[DepthBatch]] = {}
        self._ping_interval = _chosen(options.ping_interval, self.ping_interval)
        self._pong_timeout = _chosen(options.pong_timeout, self.pong_timeout)
        self._message_limit = _chosen(options.message_limit, self.message_limit)

    # -- what a product provides -------------------------------------------------------------

    @abstractmethod
    def make_texts(self, live: Live) -> DepthTexts:
        """Number texts in the product's style."""

    @abstractmethod
    def depth_event(self, batch: DepthBatch, crossed: bool) -> str:
        """The event that ends a batch."""

    @abstractmethod
    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Streams that go by the clock: by what stands behind the symbol, and those of all symbols
        by their name."""

    @abstractmethod
    def publish_update(self, update: Update, stream: str) -> None:
        """Send top of book and trades of an update; ``stream``: the symbol as streams write it."""

    def carries(self, path: str, stream: str) -> bool:  # noqa: ARG002
        """Whether a path of the server sends this stream to those who ask for it there."""
        return True

    # -- names -------------------------------------------------------------------------------

    def knows_channel(self, channel: str) -> bool:
        """A stream's name; unlike a subscription, it must exist."""
        base, _, _ = channel.partition("@")
        return self._serves(channel) and (base in self._symbols or channel in self._whole)

    def _serves(self, stream: str) -> bool:
        """Whether there are streams of this kind; the symbol may be any."""
        base, _, _ = stream.partition("@")
        kind = stream[len(base) :]
        served = kind in self.depth_speeds or kind in self.other_streams or kind in self._kinds
        return (bool(base) and served) or stream in self._whole

    def channel_name(self, channel: str) -> str:
        """The stream of a channel."""
        return channel[2:]

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of a stream."""
        return self._symbols.get(channel[2:].partition("@")[0])

    def error_body(self, status: int) -> bytes:
        """Error -1003 of too many requests, -1001 of an overload."""
        if status < 500:
            return orjson.dumps({"code": -1003, "msg": "Too much request weight used."})
        return orjson.dumps({"code": -1001, "msg": "Internal error; unable to process."})

    def on_listed(self, instrument: Instrument) -> None:
        """exchangeInfo is all that tells of it."""
        self._symbols[instrument.symbol.lower()] = instrument.symbol

    # -- publishing --------------------------------------------------------------------------

    def texts(self, live: Live) -> DepthTexts:
        """The instrument's number texts."""
        symbol = live.instrument.symbol
        found = self._texts.get(symbol)
        if found is None:
            found = self._texts[symbol] = self.make_texts(live)
        return found

    def figures(self, live: Live) -> Stats:
        """The instrument's statistics, as text."""
        symbol = live.instrument.symbol
        found = self._figures.get(symbol)
        if found is None:
            places = type(self).average_places(live.instrument)
            found = self._figures[symbol] = Stats(live, self.texts(live), *places)
        return found

    def on_update(self, update: Update) -> None:
        """Collect depth for its next event; send the rest at once."""
        symbol = update.live.instrument.symbol
        for batch in self._by_symbol.get(symbol, ()):
            batch.add(update)
        self.publish_update(update, symbol.lower())

    def listened(self, stream: str) -> bool:
        """Whether anybody is to get a stream."""
        return self.wants("c:" + stream) or self.wants("r:" + stream)

    def publish(
        self, stream: str, symbol: str, data: str, verdict: Delivery = Delivery.SEND
    ) -> None:
        """To those who asked for the wrapped form and for the raw form."""
        if self.wants(channel := "c:" + stream):
            payload = f'{{"stream":"{stream}","data":{data}}}'.encode()
            self.push_book(channel, symbol, payload, verdict)
        if self.wants(channel := "r:" + stream):
            self.push_book(channel, symbol, data.encode(), verdict)

    def _send_depth(self, batch: DepthBatch) -> None:
        if batch.empty:
            return
        symbol = batch.live.instrument.symbol
        verdict = Delivery.SEND
        for channel in ("c:" + batch.stream, "r:" + batch.stream):
            if verdict is Delivery.SEND and self.wants(channel):
                verdict = self.verdict(channel, symbol)
        data = self.depth_event(batch, verdict is Delivery.CROSSED)
        self.publish(batch.stream, symbol, data, verdict)

    def settle(self) -> None:
        """Send every event that waits."""
        for batch in self._batches.values():
            self._send_depth(batch)
        for timed in self._timed.values():
            self._send_timed(timed)

    def _send_timed(self, timed: Timed) -> None:
        for data in timed.events():
            self.publish(timed.stream, timed.symbol, data)

    # -- the clock ---------------------------------------------------------------------------

    def on_time(self, now: float) -> None:
        """Events whose interval is over; pings and their deadlines."""
        for batch in self._batches.values():
            if now >= batch.due:
                batch.due = now + batch.interval
                self._send_depth(batch)
        for timed in self._timed.values():
            if now >= timed.due:
                timed.due = now + timed.interval
                self._send_timed(timed)
        for client in list(self.clients):
            self._keep_alive(client, now)

    def _keep_alive(self, client: Client, now: float) -> None:
        memory = client.memory
        pinged = memory.get("unanswered_since")
        if pinged is not None and now - pinged > self._pong_timeout:
            client.close(1008, "Pong timeout")
        elif now >= memory.setdefault("ping_due", client.opened + self._ping_interval):
            memory["ping_due"] = now + self._ping_interval
            if self.faults.no_heartbeat:
                return
            payload = str(self.market.clock.ms()).encode()
            memory["payload"] = payload
            memory.setdefault("unanswered_since", now)
            client.send(payload, PING)

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:
        """Count every incoming frame; a pong counts as an answer only with the ping's payload."""
        if too_many(client, self._message_limit):
            client.close(1008, "Too many requests")
        if kind is WSMsgType.PONG and payload == client.memory.get("payload"):
            client.memory.pop("unanswered_since", None)

    # -- subscriptions -----------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:
        """Streams named in the URL are subscribed without an answer."""
        client.memory["path"] = request.path
        named = request.match_info.get("streams") or request.query.get("streams", "")
        # Clients end the path with a number of their own, and subscribe later: `/ws/0`.
        streams = [stream for stream in named.split("/") if "@" in stream or "!" in stream]
        if all(map(self._serves, streams)):
            self._subscribe(client, streams)
        else:
            client.send(_invalid_stream())
            client.close(1008, "Invalid request")

    def _subscribe(self, client: Client, streams: list[str]) -> None:
        for stream in streams:
            channel = self._channel(client, stream)
            if self.subscribe(client, channel) and channel[0] != "x":
                self._open(stream)

    def _channel(self, client: Client, stream: str) -> str:
        if not self.carries(client.memory["path"], stream):
            return "x:" + stream
        return ("c:" if client.combined else "r:") + stream

    def _every(self) -> list[Stats]:
        return [self.figures(self.market.live(symbol)) for symbol in self.market.instruments]

    def _open(self, stream: str) -> None:
        """Begin to make a stream that is not made yet."""
        if stream in self._batches or stream in self._timed:
            return
        if (kind := self._whole.get(stream)) is not None:
            self._timed[stream] = Timed(stream, "", kind, self._every)
            return
        base, _, _ = stream.partition("@")
        symbol, interval = self._symbols.get(base), self.depth_speeds.get(stream[len(base) :])
        if symbol is None:
            return
        if (kind := self._kinds.get(stream[len(base) :])) is not None:
            one = [self.figures(self.market.live(symbol))]
            self._timed[stream] = Timed(stream, symbol, kind, lambda: one)
        if interval is None:
            return
        batch = DepthBatch(stream, self.market.live(symbol), interval, time.monotonic())
        self._batches[stream] = batch
        self._by_symbol.setdefault(symbol, []).append(batch)

    def _close_unheard(self, streams: list[str]) -> None:
        for stream in streams:
            if stream in self._timed and not self.listened(stream):
                del self._timed[stream]
            batch = self._batches.get(stream)
            if batch is not None and not self.listened(stream):
                del self._batches[stream]
                self._by_symbol[batch.live.instrument.symbol].remove(batch)

    def on_close(self, channels: list[str]) -> None:
        """Stop collecting what nobody listens to any more."""
        self._close_unheard([channel[2:] for channel in channels])

    def on_text(self, client: Client, text: str) -> None:
        """Answer one request; a symbol may be any, the kind of a stream must be one that is."""
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
        if identity is not None and not isinstance(identity, (int, str)):
            client.send(_error(2, "Invalid request: request ID must be an unsigned integer"))
        elif method not in _METHODS:
            reason = f"Invalid request: unknown variant {method}, expected one of "
            client.send(_error(2, reason + ", ".join(_METHODS), identity))
        elif not isinstance(params, list) or not all(isinstance(p, str) for p in params):
            client.send(_error(2, "Invalid request: params must be an array of strings", identity))
        else:
            self._perform(client, method, params, identity)

    def _perform(self, client: Client, method: str, params: list[str], identity: object) -> None:
        result: list[str] | None = None
        lost = None
        if method == "SUBSCRIBE":
            if (refused := self._met("error_reply", params)) is not None:
                text = refused["message"] or "Invalid request: too many requests"
                client.send(_error(refused["code"] or 2, text, identity))
                return
            if not all(map(self._serves, params)):
                client.send(_invalid_stream(identity))
                return
            lost = self._met("lost_ack", params)
            if lost is not None and not lost["subscribed"]:
                return
            if len(client.channels) + len(params) > _MAX_STREAMS:
                client.send(_error(2, f"Invalid request: more than {_MAX_STREAMS} streams"))
                return
            self._subscribe(client, params)
        elif method == "UNSUBSCRIBE":
            for stream in params:
                self.unsubscribe(client, self._channel(client, stream))
            self._close_unheard(params)
        else:
            result = sorted(channel[2:] for channel in client.channels)
        if lost is None:
            client.send(orjson.dumps({"result": result, "id": identity}))

    def _met(self, kind: str, streams: list[str]) -> Fault | None:
        """The fault of a kind that meets one of the streams of a request."""
        for stream in streams if self.faults.of(kind) else ():
            fault = self.faults.take(kind, self._symbols.get(stream.partition("@")[0]), stream)
            if fault is not None:
                return fault
        return None


def _chosen(option: float | None, own: float) -> float:
    return own if option is None else option


def _invalid_stream(identity: object = None) -> bytes:
    """As the venue says it: with the error inside."""
    error = {"error": {"code": 2, "msg": "Invalid request: invalid stream"}}
    return orjson.dumps(error if identity is None else error | {"id": identity})


def _error(code: int, message: str, identity: object = None) -> bytes:
    error: dict[str, Any] = {"code": code, "msg": message}
    return orjson.dumps(error if identity is None else error | {"id": identity})
