"""An OKX v5 on loopback: public and business sockets, instruments and books over REST."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import orjson
from aiohttp import web

from feedhandler.sim.config import UNIVERSE, SimOptions
from feedhandler.sim.faults.in_force import Delivery
from feedhandler.sim.market.book import Book
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues import okx_channels as channels
from feedhandler.sim.venues import okx_json as shapes
from feedhandler.sim.venues import okx_listing as listing
from feedhandler.sim.venues.okx_checksum import checksum
from feedhandler.sim.venues.okx_json import Texts
from feedhandler.sim.venues.okx_present import OkxPresent
from feedhandler.sim.venues.okx_rest import BOOK_LEVELS, add_rest_routes

_FIRST_SEQUENCE = 54_000_000_000
_MAX_ARGS_BYTES = 65_536
_HOUR = 3600.0
_IDLE_S = 30.0
_MAX_DEPTH = 310


class OkxServer(OkxPresent):
    """Serves the public channels. A channel's key here is ``channel:subject``."""

    venue: ClassVar[str] = "okx"
    ws_path: ClassVar[str] = "/ws/v5/public"
    book_numbers: ClassVar[Mapping[str, str]] = {"books:": "seqId"}
    quote_numbers: ClassVar[Mapping[str, str]] = {"bbo-tbt:": "seqId"}
    channel_form: ClassVar[str] = "books:BTC-USDT, opt-summary:BTC-USD, instruments:OPTION"

    def __init__(self, options: SimOptions) -> None:
        # Deeper books would reach beyond the channel's 400 levels, and clients' beyond the truth.
        super().__init__(replace(options, depth=min(options.depth, _MAX_DEPTH)))
        idle = options.idle_timeout
        self._idle = _IDLE_S if idle is None else idle
        self._moved: dict[str, set[str]] = {channel: set() for channel in channels.ON_CHANGE}
        self._due = dict.fromkeys(channels.INTERVALS, 0.0)
        self._confirmed: dict[str, float] = {}
        self._next_confirmation = 0.0
        self._connection_number = 0

    def make_market(self) -> Market:
        """Sequence ids grow per instrument, with gaps, as the real ones do."""
        return Market(
            listing.instruments(self._today, self.options.instruments),
            options=self.options,
            venue=self.venue,
            next_sequence=lambda live, changes: live.book.sequence + 4 * changes + 1,
            first_sequence=_FIRST_SEQUENCE,
        )

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.start_ms / 1000, UTC).date()

    def make_universe(self) -> list[Instrument]:
        """Two thousand of the instruments that follow from today's date."""
        return listing.instruments(self._today, UNIVERSE)

    def knows_channel(self, channel: str) -> bool:
        """``channel:subject``, as a subscription resolves to."""
        topic, _, subject = channel.partition(":")
        return channels.known(self.market, topic, subject)

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of an instrument's channel."""
        return channels.symbol_of(channel)

    def error_body(self, status: int) -> bytes:
        """Error 50011 of too many requests, 50001 of an overload."""
        code, text = ("50011", "Too Many Requests") if status < 500 else ("50001", "Service busy")
        return orjson.dumps({"code": code, "msg": text, "data": []})

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Sockets and REST."""
        router.add_get("/ws/v5/public", self.websocket)
        router.add_get("/ws/v5/business", self.websocket)
        add_rest_routes(router, self)

    # -- publishing --------------------------------------------------------------------------

    def on_update(self, update: Update) -> None:
        """Books, best bid and ask, and trades go out at once."""
        live = update.live
        symbol = live.instrument.symbol
        texts = self.texts(live)
        for moved in self._moved.values():
            moved.add(symbol)
        if self.wants(f"books:{symbol}"):
            self._publish_book(update, texts)
        if update.top_changed and self.wants(key := f"bbo-tbt:{symbol}"):
            payload = self._bbo(live, texts)
            self.push(key, symbol, payload)
        for one in update.trades:
            for channel in ("trades", "trades-all"):
                if self.wants(key := f"{channel}:{symbol}"):
                    data = shapes.trade(live, texts, one)
                    payload = shapes.push(shapes.arg(channel, "instId", symbol), data)
                    self.push(key, symbol, payload)

    def _publish_book(self, update: Update, texts: Texts) -> None:
        symbol = update.live.instrument.symbol
        key = f"books:{symbol}"
        verdict = self.verdict(key, symbol)
        self._confirmed[symbol] = time.monotonic()
        if verdict is Delivery.SKIP:
            return
        crc = self._checksum(update.live.book, texts)
        if verdict is Delivery.CHECKSUM:
            crc ^= 1
        data = shapes.book_update(update, texts, crc, crossed=verdict is Delivery.CROSSED)
        payload = shapes.push(shapes.arg("books", "instId", symbol), data, "update")
        self.push_book(key, symbol, payload, verdict)

    def _checksum(self, book: Book, texts: Texts) -> int:
        return checksum(book, texts) if self.options.checksums else 0

    def _bbo(self, live: Live, texts: Texts) -> bytes:
        tail = f'"ts":"{live.clock.ms()}","seqId":{live.book.sequence}'
        data = shapes.book_data(live.book, texts, 1, tail)
        return shapes.push(shapes.arg("bbo-tbt", "instId", live.instrument.symbol), data)

    def _snapshot(self, live: Live, texts: Texts) -> bytes:
        book = self.stream_book(live)
        tail = shapes.chain(live.clock.ms(), -1, book.sequence, self._checksum(book, texts))
        data = shapes.book_data(book, texts, self.snapshot_levels(BOOK_LEVELS), tail)
        arg = shapes.arg("books", "instId", live.instrument.symbol)
        return shapes.push(arg, data, "snapshot")

    def _present(self, channel: str, subject: str) -> bytes:
        """The message of a channel that is sent as a whole."""
        key = channels.SUBJECTS.get(channel, "instId")
        return shapes.push(shapes.arg(channel, key, subject), self.present(channel, subject))

    def settle(self) -> None:
        """Send what changed on the channels that go by intervals."""
        for channel, moved in self._moved.items():
            self._send_moved(channel, moved)

    def _send_moved(self, channel: str, moved: set[str]) -> None:
        for symbol in moved:
            if self.wants(key := f"{channel}:{symbol}"):
                self.push(key, symbol, self._present(channel, symbol))
        moved.clear()

    def on_time(self, now: float) -> None:
        """Interval channels, keep-alive updates of quiet books, and idle connections."""
        for channel, interval in channels.INTERVALS.items():
            if now < self._due[channel]:
                continue
            self._due[channel] = now + interval
            if channel in channels.ON_CHANGE:
                self._send_moved(channel, self._moved[channel])
            elif not self.paused:
                for key in self.heard(channel + ":"):
                    subject = key.partition(":")[2]
                    self.push(key, subject, self._present(channel, subject))
        if now >= self._next_confirmation:
            self._next_confirmation = now + min(1.0, self.options.book_keepalive / 4)
            for key in self.heard("books:"):
                self._confirm(key.partition(":")[2], now)
        for client in list(self.clients):
            if now - max(client.last_received, client.last_sent) > self._idle:
                client.close(4004, "No data received in 30s.")

    def _confirm(self, symbol: str, now: float) -> None:
        if now - self._confirmed.setdefault(symbol, now) < self.options.book_keepalive:
            return
        self._confirmed[symbol] = now
        live = self.market.live(symbol)
        crc = self._checksum(live.book, self.texts(live))
        tail = shapes.chain(live.clock.ms(), live.book.sequence, live.book.sequence, crc)
        data = f'{{"asks":[],"bids":[],{tail}}}'
        payload = shapes.push(shapes.arg("books", "instId", symbol), data, "update")
        self.push(f"books:{symbol}", symbol, payload)

    def on_listed(self, instrument: Instrument) -> None:
        """The `instruments` channel tells of it."""
        self._tell_state(instrument)

    def on_restated(self, instrument: Instrument) -> None:
        """The `instruments` channel tells of it."""
        self._tell_state(instrument)

    def on_expired(self, instrument: Instrument) -> None:
        """The `instruments` channel tells of it."""
        self._tell_state(instrument, "expired")

    def _tell_state(self, instrument: Instrument, state: str = "live") -> None:
        kind = listing.inst_type(instrument)
        if self.wants(key := f"instruments:{kind}"):
            arg = shapes.arg("instruments", "instType", kind)
            self.push(key, instrument.symbol, shapes.push(arg, self.entry(instrument, state)))

    def announce_shutdown(self) -> None:
        """The service upgrade notice, code 64008."""
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        for client in self.clients:
            notice = {"event": "notice", "code": "64008", "msg": text}
            client.send(orjson.dumps(notice | {"connId": client.memory["id"]}))

    # -- subscriptions -----------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:
        """Name the connection; the two sockets serve different channels."""
        self._connection_number += 1
        client.memory["id"] = f"{0xA4D3AE55 + self._connection_number:08x}"
        client.memory["business"] = request.path.endswith("/business")

    def on_text(self, client: Client, text: str) -> None:
        """Answer a ping or a request."""
        if text == "ping":
            if not self.unanswered_ping() and not self.faults.no_heartbeat:
                client.send(b"pong")
            return
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            request = None
        operation = request.get("op") if isinstance(request, dict) else None
        args = request.get("args") if isinstance(request, dict) else None
        if (
            operation not in ("subscribe", "unsubscribe")
            or not isinstance(args, list)
            or not all(isinstance(a, dict) for a in args)
        ):
            self._error(client, "60012", f"Invalid request: {text[:200]}")
        elif len(orjson.dumps(args)) > _MAX_ARGS_BYTES:
            self._error(client, "60012", "Invalid request: args longer than 64 KB")
        elif self._over_budget(client):
            self._error(client, "60014", "Requests too frequent")
            client.close(4008, "Requests too frequent")
        else:
            for arg in args:
                self._perform(client, operation, arg, request.get("id"))

    def _over_budget(self, client: Client) -> bool:
        now = time.monotonic()
        recent: deque[float] = client.memory.setdefault("requests", deque())
        recent.append(now)
        while recent[0] < now - _HOUR:
            recent.popleft()
        return len(recent) > self.options.subscribe_budget

    def _error(self, client: Client, code: str, message: str, identity: object = None) -> None:
        error: dict[str, Any] = {} if identity is None else {"id": identity}
        error |= {"event": "error", "code": code, "msg": message, "connId": client.memory["id"]}
        client.send(orjson.dumps(error))

    def _perform(
        self, client: Client, operation: str, arg: dict[str, Any], identity: object
    ) -> None:
        try:
            channel, subject = channels.resolve(self.market, arg, client.memory["business"])
        except channels.ArgError as error:
            self._error(client, error.code, error.message, identity)
            return
        key = f"{channel}:{subject}"
        refused = None
        if operation == "subscribe":
            refused = self.faults.take("error_reply", self.symbol_of(key), key)
        if refused is not None:
            code, text = refused["code"] or 60014, refused["message"] or "Requests too frequent"
            self._error(client, str(code), text, identity)
            return
        answer: dict[str, Any] = {} if identity is None else {"id": identity}
        answer |= {"event": operation, "arg": arg, "connId": client.memory["id"]}
        if operation == "unsubscribe":
            self.unsubscribe(client, key)
            client.send(orjson.dumps(answer))
            return
        lost = self.faults.take("lost_ack", self.symbol_of(key), key)
        if lost is not None and not lost["subscribed"]:
            return
        fresh = self.subscribe(client, key)
        if lost is None:
            client.send(orjson.dumps(answer))
        if fresh:
            self._first_message(client, channel, subject)

    def _first_message(self, client: Client, channel: str, subject: str) -> None:
        if channel in ("trades", "trades-all"):
            return
        key = f"{channel}:{subject}"
        if channel in ("books", "bbo-tbt"):
            live = self.market.live(subject)
            texts = self.texts(live)
            if channel == "bbo-tbt":
                self.send_data(client, key, subject, self._bbo(live, texts))
            elif self.options.stream_snapshot and self.faults.take("no_snapshot", subject) is None:
                self.send_data(client, key, subject, self._snapshot(live, texts))
            self._confirmed[subject] = time.monotonic()
            return
        self.send_data(client, key, subject, self._present(channel, subject))
