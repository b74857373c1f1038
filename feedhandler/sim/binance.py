"""A Binance spot on loopback: market streams, their subscriptions, and the book's REST snapshot."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, ClassVar

import orjson
from aiohttp import WSMsgType, web

from . import binance_listing as listing
from .binance_depth import DepthBatch, DepthTexts
from .binance_rest import add_rest_routes
from .book import ASK, BID
from .client import Client
from .config import UNIVERSE, SimOptions
from .faults import Delivery, Fault
from .frames import PING
from .instrument import Instrument
from .market import Live, Market, Update
from .server import VenueServer

_DEPTH_SPEEDS = {"@depth@100ms": 0.1, "@depth": 1.0, "@depth@1000ms": 1.0}
_OTHER_STREAMS = ("@bookTicker", "@trade", "@aggTrade")
_MAX_STREAMS = 1024
_FIRST_UPDATE_ID = 50_093_239_188
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")


class BinanceServer(VenueServer):
    """Serves `/stream` and `/ws` and the public part of `/api/v3`."""

    venue: ClassVar[str] = "binance"
    ws_path: ClassVar[str] = "/stream"
    channel_form: ClassVar[str] = "btcusdt@depth@100ms, btcusdt@trade"

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        self._texts: dict[str, DepthTexts] = {}
        self._batches: dict[str, DepthBatch] = {}
        self._symbols = {symbol.lower(): symbol for symbol in self.market.instruments}
        self._by_symbol: dict[str, list[DepthBatch]] = {}

    def make_market(self) -> Market:
        """Each single level change takes one update id."""
        return Market(
            listing.instruments(self.options.instruments),
            options=self.options,
            start_ms=self.start_ms,
            next_sequence=lambda live, changes: live.book.sequence + changes,
            first_sequence=_FIRST_UPDATE_ID,
        )

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes."""
        return listing.instruments(UNIVERSE)

    def knows_channel(self, channel: str) -> bool:
        """A stream's name; unlike a subscription, it must exist."""
        base, at, _ = channel.partition("@")
        kind = channel[len(base) :]
        return bool(at) and base in self._symbols and kind in (*_DEPTH_SPEEDS, *_OTHER_STREAMS)

    def channel_name(self, channel: str) -> str:
        """A channel here is a stream in its wrapped or its raw form."""
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

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Streams and REST."""
        router.add_get("/stream", self.websocket)
        router.add_get("/ws", self.websocket)
        router.add_get("/ws/{streams:.+}", self.websocket)
        add_rest_routes(router, self)

    # -- publishing --------------------------------------------------------------------------

    def texts(self, live: Live) -> DepthTexts:
        """The instrument's number texts."""
        symbol = live.instrument.symbol
        found = self._texts.get(symbol)
        if found is None:
            found = self._texts[symbol] = DepthTexts(live)
        return found

    def on_update(self, update: Update) -> None:
        """Collect depth for its next event; send top of book and trades at once."""
        symbol = update.live.instrument.symbol
        for batch in self._by_symbol.get(symbol, ()):
            batch.add(update)
        stream = symbol.lower()
        if update.top_changed and self._listened(name := f"{stream}@bookTicker"):
            self._publish(name, symbol, self._book_ticker(update.live))
        if update.trades:
            self._publish_trades(update, stream)

    def _listened(self, stream: str) -> bool:
        return self.wants("c:" + stream) or self.wants("r:" + stream)

    def _publish(
        self, stream: str, symbol: str, data: str, verdict: Delivery = Delivery.SEND
    ) -> None:
        """To those who asked for the wrapped form and for the raw form."""
        if self.wants(channel := "c:" + stream):
            payload = f'{{"stream":"{stream}","data":{data}}}'.encode()
            self.push_book(channel, symbol, payload, verdict)
        if self.wants(channel := "r:" + stream):
            self.push_book(channel, symbol, data.encode(), verdict)

    def _book_ticker(self, live: Live) -> str:
        texts, sides = self.texts(live), []
        for side in (BID, ASK):
            levels = live.book.levels(side, 1)
            grid, lots = levels[0] if levels else (0, 0)
            sides.append((texts.prices[grid], texts.sizes[lots]))
        (bid, bid_size), (ask, ask_size) = sides
        return (
            f'{{"u":{live.book.sequence},"s":"{live.instrument.symbol}","b":"{bid}",'
            f'"B":"{bid_size}","a":"{ask}","A":"{ask_size}"}}'
        )

    def _publish_trades(self, update: Update, stream: str) -> None:
        symbol, texts = update.live.instrument.symbol, self.texts(update.live)
        now = self.market.clock.ms()
        for one in update.trades:
            price, size = texts.prices[one.grid], texts.sizes[one.lots]
            maker = "false" if one.taker_buys else "true"
            if self._listened(name := f"{stream}@trade"):
                data = (
                    f'{{"e":"trade","E":{now},"s":"{symbol}","t":{one.number},"p":"{price}",'
                    f'"q":"{size}","T":{now},"m":{maker},"M":true}}'
                )
                self._publish(name, symbol, data)
            if self._listened(name := f"{stream}@aggTrade"):
                data = (
                    f'{{"e":"aggTrade","E":{now},"s":"{symbol}","a":{one.number},"p":"{price}",'
                    f'"q":"{size}","f":{one.number},"l":{one.number},"T":{now},"m":{maker},'
                    f'"M":true}}'
                )
                self._publish(name, symbol, data)

    def _send_depth(self, batch: DepthBatch) -> None:
        if batch.empty:
            return
        symbol = batch.live.instrument.symbol
        verdict = Delivery.SEND
        for channel in ("c:" + batch.stream, "r:" + batch.stream):
            if verdict is Delivery.SEND and self.wants(channel):
                verdict = self.verdict(channel, symbol)
        data = batch.event(self.texts(batch.live), crossed=verdict is Delivery.CROSSED)
        self._publish(batch.stream, symbol, data, verdict)

    def settle(self) -> None:
        """Send every depth event that waits."""
        for batch in self._batches.values():
            self._send_depth(batch)

    def announce_shutdown(self) -> None:
        """The `serverShutdown` event, wrapped or raw as the connection is."""
        now = self.market.clock.ms()
        data = f'{{"e":"serverShutdown","E":{now}}}'
        for client in self.clients:
            wrapped = f'{{"stream":"!serverShutdown","data":{data}}}'
            client.send((wrapped if client.combined else data).encode())

    # -- the clock ---------------------------------------------------------------------------

    def on_time(self, now: float) -> None:
        """Depth events whose interval is over; pings and their deadlines."""
        for batch in self._batches.values():
            if now >= batch.due:
                batch.due = now + batch.interval
                self._send_depth(batch)
        for client in list(self.clients):
            self._keep_alive(client, now)

    def _keep_alive(self, client: Client, now: float) -> None:
        memory, options = client.memory, self.options
        pinged = memory.get("unanswered_since")
        if pinged is not None and now - pinged > options.pong_timeout:
            client.close(1008, "Pong timeout")
        elif now >= memory.setdefault("ping_due", client.opened + options.ping_interval):
            memory["ping_due"] = now + options.ping_interval
            if self.faults.no_heartbeat:
                return
            payload = str(self.market.clock.ms()).encode()
            memory["payload"] = payload
            memory.setdefault("unanswered_since", now)
            client.send(payload, PING)

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:
        """Count every incoming frame; a pong counts as an answer only with the ping's payload."""
        now = time.monotonic()
        recent: deque[float] = client.memory.setdefault("recent", deque())
        recent.append(now)
        while recent[0] < now - 1.0:
            recent.popleft()
        if len(recent) > self.options.message_limit:
            client.close(1008, "Too many requests")
        if kind is WSMsgType.PONG and payload == client.memory.get("payload"):
            client.memory.pop("unanswered_since", None)

    # -- subscriptions -----------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:
        """Streams named in the URL are subscribed without an answer."""
        named = request.match_info.get("streams") or request.query.get("streams", "")
        self._subscribe(client, [stream for stream in named.split("/") if stream])

    def _subscribe(self, client: Client, streams: list[str]) -> None:
        prefix = "c:" if client.combined else "r:"
        for stream in streams:
            if self.subscribe(client, prefix + stream):
                self._open_batch(stream)

    def _open_batch(self, stream: str) -> None:
        base, _, _ = stream.partition("@")
        symbol, interval = self._symbols.get(base), _DEPTH_SPEEDS.get(stream[len(base) :])
        if symbol is None or interval is None or stream in self._batches:
            return
        batch = DepthBatch(stream, self.market.live(symbol), interval, time.monotonic())
        self._batches[stream] = batch
        self._by_symbol.setdefault(symbol, []).append(batch)

    def _close_unheard_batches(self, streams: list[str]) -> None:
        for stream in streams:
            batch = self._batches.get(stream)
            if batch is not None and not self._listened(stream):
                del self._batches[stream]
                self._by_symbol[batch.live.instrument.symbol].remove(batch)

    def on_close(self, channels: list[str]) -> None:
        """Stop collecting what nobody listens to any more."""
        self._close_unheard_batches([channel[2:] for channel in channels])

    def on_text(self, client: Client, text: str) -> None:
        """Answer one request; well-formed streams are acknowledged whether they exist or not."""
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
            lost = self._met("lost_ack", params)
            if lost is not None and not lost["subscribed"]:
                return
            if len(client.channels) + len(params) > _MAX_STREAMS:
                client.send(_error(2, f"Invalid request: more than {_MAX_STREAMS} streams"))
                return
            self._subscribe(client, params)
        elif method == "UNSUBSCRIBE":
            prefix = "c:" if client.combined else "r:"
            for stream in params:
                self.unsubscribe(client, prefix + stream)
            self._close_unheard_batches(params)
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


def _error(code: int, message: str, identity: object = None) -> bytes:
    error: dict[str, Any] = {"code": code, "msg": message}
    return orjson.dumps(error if identity is None else error | {"id": identity})
