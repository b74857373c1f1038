"""A Bybit v5 on loopback, of one product: its public socket, instruments and books over REST."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import orjson
from aiohttp import web

from feedhandler.sim.config import UNIVERSE, SimOptions
from feedhandler.sim.faults.in_force import Delivery
from feedhandler.sim.market.book import ASK
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues import bybit_json as shapes
from feedhandler.sim.venues import bybit_listing as listing
from feedhandler.sim.venues import bybit_topics as topics
from feedhandler.sim.venues.bybit_rest import BybitRest, add_rest_routes, body
from feedhandler.sim.venues.bybit_tickers import INTERVAL_S
from feedhandler.sim.venues.bybit_window import Sides, Window

_FIRST_SEQUENCE = 753_843_900_397
_FIRST_NUMBER = 15_076_952
_IDLE_S = 600.0
_NOTHING_SUBSCRIBED_S = 60.0
_TOP_AGAIN_S = 3.0
_LIQUIDATIONS_S = 0.5
_LIQUIDATIONS = 25
"""Every so many of an instrument's trades, one is of a liquidation."""


class BybitServer(BybitRest):
    """Serves `/v5/public/CATEGORY` and the public part of `/v5/market`."""

    book_numbers: ClassVar[Mapping[str, str]] = {"orderbook.": "u"}
    quote_numbers: ClassVar[Mapping[str, str]] = {"orderbook.1.": "seq"}
    channel_form: ClassVar[str] = "orderbook.50.BTCUSDT, publicTrade.BTCUSDT"

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        idle = options.idle_timeout
        self._idle = _IDLE_S if idle is None else idle
        self._windows: dict[str, Window] = {}
        self._numbers_of: dict[str, int] = {}
        self._moved: set[str] = set()
        self._next_tickers = 0.0
        self._liquidated: dict[str, list[str]] = {}
        self._next_liquidations = 0.0
        self._connections = 0

    # -- what there is -----------------------------------------------------------------------

    def make_market(self) -> Market:
        """Sequences are of the whole venue: an instrument's grow with gaps."""
        return Market(
            listing.instruments(self.category, self._today, self.options.instruments),
            options=self.options,
            venue=self.venue,
            next_sequence=lambda live, changes: live.book.sequence + 40 * changes + 17,
            first_sequence=_FIRST_SEQUENCE,
        )

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.start_ms / 1000, UTC).date()

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes."""
        return listing.instruments(self.category, self._today, UNIVERSE)

    def knows_channel(self, channel: str) -> bool:
        """A topic."""
        return topics.parse(self.category, self.market, channel) is not None

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of a topic; it may have expired."""
        return channel.rpartition(".")[2]

    def error_body(self, status: int) -> bytes:
        """Error 10006 of too many requests, 10016 of an overload."""
        code, text = (10006, "Too many visits!") if status < 500 else (10016, "Server error.")
        return body({}, self.market.clock.ms(), code, text)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The socket and REST."""
        router.add_get(self.ws_path, self.websocket)
        add_rest_routes(router, self)

    # -- publishing --------------------------------------------------------------------------

    def _message(self, topic: str, kind: str, data: str, tail: str = "") -> bytes:
        return shapes.push(self.category, topic, kind, self.market.clock.ms(), data, tail)

    def on_update(self, update: Update) -> None:
        """Trades go out at once; the rest by the clock."""
        symbol = update.live.instrument.symbol
        self._moved.add(symbol)
        if not update.trades:
            return
        texts = self.texts(update.live)
        if self.wants(topic := f"publicTrade.{symbol}"):
            rows = ",".join(
                shapes.trade(self.category, update.live, texts, one) for one in update.trades
            )
            self.push(topic, symbol, self._message(topic, "snapshot", f"[{rows}]"))
        if self.wants(f"allLiquidation.{symbol}"):
            told = [
                shapes.liquidation(update.live, texts, one)
                for one in update.trades
                if one.number % _LIQUIDATIONS == 0
            ]
            if told:
                self._liquidated.setdefault(symbol, []).extend(told)

    def _send_window(self, window: Window, now: float) -> None:
        if not window.moved or (sides := window.change()) is None:
            if window.levels == 1 and now - window.sent >= _TOP_AGAIN_S:
                self._send_top(window, now)
            return
        if window.levels == 1:
            self._send_top(window, now)
            return
        symbol = window.live.instrument.symbol
        verdict = self.verdict(window.topic, symbol)
        if verdict is Delivery.CROSSED and (ask := window.live.book.best(ASK)) is not None:
            sides = sides.crossed(ask)
        payload = self._book(window, "delta", sides)
        self.push_book(window.topic, symbol, payload, verdict)

    def _send_top(self, window: Window, now: float) -> None:
        """The best level is sent whole, and again when nothing has moved for a while."""
        window.sent = now
        payload = self._book(window, "snapshot", window.shown())
        self.push(window.topic, window.live.instrument.symbol, payload)

    def _book(self, window: Window, kind: str, sides: Sides, behind: int = 0) -> bytes:
        live, now = window.live, self.market.clock.ms()
        sequence = behind or window.sequence
        number = window.number - 10 if behind else window.number
        data = shapes.book(self.texts(live), live.instrument.symbol, sides, number, sequence)
        return self._message(window.topic, kind, data, f',"cts":{now}')

    def _send_tickers(self) -> None:
        for topic in self.heard("tickers."):
            symbol = topic.partition(".")[2]
            if symbol in self._moved and (payload := self.tickers.change(symbol)) is not None:
                self.push(topic, symbol, payload)
        self._moved.clear()

    def _send_liquidations(self) -> None:
        for symbol, rows in self._liquidated.items():
            topic = f"allLiquidation.{symbol}"
            self.push(topic, symbol, self._message(topic, "snapshot", f"[{','.join(rows)}]"))
        self._liquidated.clear()

    def settle(self) -> None:
        """Send all that waits for its time."""
        now = time.monotonic()
        for window in self._windows.values():
            self._send_window(window, now)
        self._send_tickers()
        self._send_liquidations()

    def renumber(self, symbol: str | None, *, lost: bool) -> int:
        """The service begins anew: books at 1, whole."""
        count = 0
        for window in self._windows.values():
            if symbol in (None, window.live.instrument.symbol):
                payload = self._book(window, "snapshot", window.renumber())
                if not lost:
                    self.push(window.topic, window.live.instrument.symbol, payload)
                count += 1
        return count

    def trade_id(self, live: Live, trade: Trade) -> str:
        """Of linear a UUID."""
        return shapes.trade_id(self.category, live.instrument.symbol, trade)

    def announce_shutdown(self) -> None:
        """Nothing: the public sockets do not say so."""

    # -- the clock ---------------------------------------------------------------------------

    def on_time(self, now: float) -> None:
        """Books, tickers and liquidations at their intervals; idle connections."""
        for window in self._windows.values():
            if now >= window.due:
                window.due = now + window.interval
                self._send_window(window, now)
        if now >= self._next_tickers:
            self._next_tickers = now + INTERVAL_S
            self._send_tickers()
        if now >= self._next_liquidations:
            self._next_liquidations = now + _LIQUIDATIONS_S
            self._send_liquidations()
        for client in list(self.clients):
            allowed = self._idle if client.channels else min(self._idle, _NOTHING_SUBSCRIBED_S)
            if now - max(client.last_received, client.last_sent) > allowed:
                client.abort()  # without a close frame

    # -- subscriptions -----------------------------------------------------------------------

    def on_open(self, client: Client, request: web.Request) -> None:  # noqa: ARG002
        """Name the connection."""
        self._connections += 1
        client.memory["id"] = f"sim{self.start_ms:x}-{self._connections:x}"

    def on_close(self, channels: list[str]) -> None:
        """What nobody follows any more is not watched; the numbers of a book go on later."""
        for topic in channels:
            if not self.wants(topic):
                self._release(topic)

    def on_expired(self, instrument: Instrument) -> None:
        """Its topics fall silent."""
        for topic in self.heard():
            if self.symbol_of(topic) == instrument.symbol:
                self._release(topic)

    def _release(self, topic: str) -> None:
        if (window := self._windows.pop(topic, None)) is not None:
            self._numbers_of[topic] = window.number + 1
        if topic.startswith("tickers."):
            self.tickers.forget(topic.partition(".")[2])

    def on_text(self, client: Client, text: str) -> None:
        """Answer a ping or a request, which is taken or refused as a whole."""
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            request = None
        if not isinstance(request, dict):
            found = text[:1] or "EOF"
            self._answer(
                client, {}, f"Failed to decode incoming data:expect {{ or n, but found {found}"
            )
            return
        operation, args = request.get("op"), request.get("args")
        if operation == "ping":
            if not self.unanswered_ping() and not self.faults.no_heartbeat:
                self._answer(client, request, "pong", success=True)
        elif operation not in ("subscribe", "unsubscribe"):
            self._answer(client, request, "error:invalid op")
        elif not isinstance(args, list) or not args or not all(isinstance(a, str) for a in args):
            self._answer(client, request, "error:invalid args")
        elif operation == "unsubscribe":
            for topic in args:
                self.unsubscribe(client, topic)
            self.on_close(args)
            self._answer(client, request, self._done(operation), success=True)
        else:
            self._subscribe(client, request, args)

    def _done(self, operation: str) -> str:
        return operation if self.category == "spot" else ""

    def _answer(
        self, client: Client, request: dict[str, Any], text: str, *, success: bool = False
    ) -> None:
        answer: dict[str, Any] = {
            "success": success,
            "ret_msg": text,
            "conn_id": client.memory["id"],
        }
        if self.category != "spot" or "req_id" in request:
            answer["req_id"] = request.get("req_id", "")
        client.send(orjson.dumps(answer | {"op": request.get("op", "")}))

    def _refusal(self, client: Client, args: list[str]) -> str:
        if self.category == "spot" and len(args) > topics.SPOT_ARGUMENTS:
            return f"args size >{topics.SPOT_ARGUMENTS}"
        if sum(map(len, (*client.channels, *args))) > topics.MAX_CHARACTERS:
            return f"error:args longer than {topics.MAX_CHARACTERS} characters"
        for topic in args:
            if topic in client.channels:
                return f"error:already subscribed,topic:{topic}"
            if topics.parse(self.category, self.market, topic) is None:
                return f"error:handler not found,topic:{topic}"
            refused = self.faults.take("error_reply", self.symbol_of(topic), topic)
            if refused is not None:
                text = refused["message"] or "too many requests"
                return f"error:{refused['code']},{text}" if refused["code"] else f"error:{text}"
        return ""

    def _subscribe(self, client: Client, request: dict[str, Any], args: list[str]) -> None:
        refused = self._refusal(client, args)
        if refused:
            self._answer(client, request, refused)
            return
        lost = None
        for topic in args:
            lost = lost or self.faults.take("lost_ack", self.symbol_of(topic), topic)
        if lost is not None and not lost["subscribed"]:
            return
        if lost is None:
            self._answer(client, request, self._done("subscribe"), success=True)
        for topic in args:
            if self.subscribe(client, topic):
                self._first_message(client, topic)

    def _first_message(self, client: Client, topic: str) -> None:
        kind, levels, symbol = topics.parse(self.category, self.market, topic) or ("", 0, "")
        if kind == "tickers":
            self.send_data(client, topic, symbol, self.tickers.whole(symbol))
        if not levels:
            return
        live = self.market.live(symbol)
        window = self._windows.get(topic)
        if window is None:
            number = self._numbers_of.get(topic, _FIRST_NUMBER)
            window = Window(topic, live, levels, topics.INTERVALS[levels], number)
            self._windows[topic] = window
        if self.faults.take("no_snapshot", symbol) is not None:
            return
        book = self.stream_book(live)
        if book is live.book:
            payload = self._book(window, "snapshot", window.shown())
        else:
            payload = self._book(window, "snapshot", window.as_of(book), behind=book.sequence)
        self.send_data(client, topic, symbol, payload)


class BybitLinearServer(BybitServer):
    """Perpetuals and dated futures of linear margin."""

    venue: ClassVar[str] = "bybit-linear"
    category: ClassVar[str] = "linear"
    ws_path: ClassVar[str] = "/v5/public/linear"


class BybitSpotServer(BybitServer):
    """Spot."""

    venue: ClassVar[str] = "bybit-spot"
    category: ClassVar[str] = "spot"
    ws_path: ClassVar[str] = "/v5/public/spot"
