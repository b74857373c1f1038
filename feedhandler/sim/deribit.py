"""A Deribit on loopback: JSON-RPC 2.0 over WebSocket and REST, unauthenticated public data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, ClassVar

import orjson
from aiohttp import web

from . import deribit_channels as channels
from . import deribit_heartbeat as heartbeat
from . import deribit_json as shapes
from . import deribit_listing as listing
from .client import Client
from .config import UNIVERSE, SimOptions
from .deribit_json import Texts
from .deribit_requests import PUBLIC, VERSION, Ask
from .faults import Delivery, Fault
from .instrument import Instrument
from .jsonrpc import RpcError, failure, success
from .market import Live, Market, Update
from .records import Trade
from .server import VenueServer

_TICKER_INTERVAL = 0.1
_QUIET_TICKER_INTERVAL = 1.0
_FIRST_CHANGE_ID = 118_850_965_713
_API = "/api/v2/"


class DeribitServer(VenueServer):
    """Serves `book`, `ticker`, `trades` and `quote` channels and the instruments' REST."""

    venue: ClassVar[str] = "deribit"
    ws_path: ClassVar[str] = "/ws/api/v2"
    book_numbers: ClassVar[Mapping[str, str]] = {"book.": "change_id"}
    channel_form: ClassVar[str] = "book.BTC-PERPETUAL.100ms, trades.option.BTC.100ms"

    def __init__(self, options: SimOptions) -> None:
        self._change_id = _FIRST_CHANGE_ID
        super().__init__(options)
        self._texts: dict[str, Texts] = {}
        self._moved: set[str] = set()
        self._next_ticker = self._next_quiet_ticker = 0.0
        self._methods: dict[str, Callable[[Mapping[str, Any], Client | None], Any]] = {
            "public/test": self._test,
            **{f"public/{name}": partial(_asked, make, self) for name, make in PUBLIC.items()},
            "public/subscribe": self._subscribe,
            "public/unsubscribe": self._unsubscribe,
            "public/unsubscribe_all": self._unsubscribe_all,
            "public/set_heartbeat": lambda params, client: heartbeat.ask(
                client, params, options.heartbeat_scale
            ),
            "public/disable_heartbeat": lambda _params, client: heartbeat.stop(client),
        }

    def make_market(self) -> Market:
        """Change ids grow over the whole venue, with gaps, as the real ones do."""

        def next_change_id(_live: Live, changes: int) -> int:
            self._change_id += 7 * changes + 3
            return self._change_id

        return Market(
            listing.instruments(self._today, self.options.instruments),
            options=self.options,
            venue=self.venue,
            next_sequence=next_change_id,
            first_sequence=_FIRST_CHANGE_ID,
        )

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.start_ms / 1000, UTC).date()

    def make_universe(self) -> list[Instrument]:
        """Two thousand of the instruments that follow from today's date."""
        return listing.instruments(self._today, UNIVERSE)

    def symbol_of(self, channel: str) -> str | None:
        """The instrument that a channel names."""
        return channels.symbol_of(channel)

    def error_body(self, status: int) -> bytes:  # noqa: ARG002
        """Error 10028."""
        now = self.market.clock.us()
        return failure(None, RpcError(10028, "too_many_requests"), now, now)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """REST serves the same methods as the socket."""
        router.add_get(self.ws_path, self.websocket)
        router.add_get(_API + "{scope}/{method}", self._rest)

    # -- publishing --------------------------------------------------------------------------

    def texts(self, live: Live) -> Texts:
        """The instrument's number texts."""
        symbol = live.instrument.symbol
        found = self._texts.get(symbol)
        if found is None:
            found = self._texts[symbol] = Texts(live)
        return found

    def on_update(self, update: Update) -> None:
        """Book, quote and trades go out at once; tickers every 100 ms."""
        live = update.live
        symbol = live.instrument.symbol
        texts = self.texts(live)
        self._moved.add(symbol)
        if listened := self._wanted(f"book.{symbol}"):
            self._publish_book(update, texts, listened)
        if update.top_changed and self.wants(channel := f"quote.{symbol}"):
            data = shapes.quote(live, texts)
            self.push(channel, symbol, shapes.notification(channel, data))
        if update.trades:
            self._publish_trades(update, texts)

    def _wanted(self, topic: str) -> list[str]:
        """The channels of a topic, such as ``ticker.BTC-PERPETUAL``, that are listened to."""
        names = (f"{topic}.{interval}" for interval in channels.INTERVALS)
        return [name for name in names if self.wants(name)]

    def _publish_book(self, update: Update, texts: Texts, listened: list[str]) -> None:
        symbol = update.live.instrument.symbol
        verdict = self.verdict(listened[0], symbol)
        if verdict is Delivery.SKIP:
            return
        data = shapes.book_change(update, texts, crossed=verdict is Delivery.CROSSED)
        for channel in listened:
            self.push_book(channel, symbol, shapes.notification(channel, data), verdict)

    def _publish_trades(self, update: Update, texts: Texts) -> None:
        instrument = update.live.instrument
        kind = "option" if instrument.kind == "option" else "future"
        data = ""
        for scope in (
            instrument.symbol, f"{kind}.{instrument.base}", f"{kind}.any", f"any.{instrument.base}",
            "any.any",
        ):  # fmt: skip
            for channel in self._wanted(f"trades.{scope}"):
                if not data:
                    prints = ",".join(
                        shapes.trade(self.market, update.live, texts, one) for one in update.trades
                    )
                    data = f"[{prints}]"
                self.push(channel, instrument.symbol, shapes.notification(channel, data))

    def on_time(self, now: float) -> None:
        """Tickers of what moved every 100 ms, of all every second; heartbeats."""
        if now >= self._next_quiet_ticker:
            self._next_quiet_ticker = now + _QUIET_TICKER_INTERVAL
            for channel in self.heard("deribit_price_index."):
                base = channels.index_of(channel)
                assert base is not None
                self.push(channel, "", self._index(channel, base))
            if not self.paused:
                self._moved.update(self.market.instruments)
        if now >= self._next_ticker:
            self._next_ticker = now + _TICKER_INTERVAL
            self.settle()
        for client in () if self.faults.no_heartbeat else list(self.clients):
            heartbeat.beat(client, now)

    def settle(self) -> None:
        """Send the tickers and the grouped books that are due."""
        for symbol in self._moved:
            if listened := self._wanted(f"ticker.{symbol}"):
                live = self.market.live(symbol)
                data = self.ticker(live)
                for channel in listened:
                    self.push(channel, symbol, shapes.notification(channel, data))
        for channel in self.heard("book."):
            how = channels.grouped(channel)
            if how is not None and how.symbol in self._moved:
                self.push(channel, how.symbol, self._grouped(channel, how))
        self._moved.clear()

    def _grouped(self, channel: str, how: channels.Grouped) -> bytes:
        live = self.market.live(how.symbol)
        data = channels.grouped_book(live, self.texts(live), self.stream_book(live), how)
        return shapes.notification(channel, data)

    def _index(self, channel: str, base: str) -> bytes:
        data = shapes.price_index(self.market, base, channel.partition(".")[2])
        return shapes.notification(channel, data)

    def trade_id(self, live: Live, trade: Trade) -> str:  # noqa: ARG002
        """Numbers of the whole venue."""
        return shapes.trade_id(trade)

    def announce_shutdown(self) -> None:
        """Deribit gives no notice on the public socket."""

    def on_listed(self, instrument: Instrument) -> None:
        """Two notices: created, started."""
        for state in ("created", "started"):
            self._tell_state(instrument, state)

    def ticker(self, live: Live) -> str:
        """A ticker, with the status that the stream has."""
        word = self.word(live.instrument.symbol, "open")
        return shapes.ticker(self.market, live, self.texts(live), state=word)

    def on_restated(self, instrument: Instrument) -> None:
        """A notice, and a ticker."""
        symbol = instrument.symbol
        self._tell_state(instrument, self.word(symbol, "open"))
        data = self.ticker(self.market.live(symbol))
        for channel in self._wanted(f"ticker.{symbol}"):
            self.push(channel, symbol, shapes.notification(channel, data))

    def on_expired(self, instrument: Instrument) -> None:
        """A notice, and a last ticker that says so as well."""
        symbol = instrument.symbol
        self._tell_state(instrument, "closed")
        live = self.market.live(symbol)
        data = shapes.ticker(self.market, live, self.texts(live), state="closed")
        for channel in self._wanted(f"ticker.{symbol}"):
            self.push(channel, symbol, shapes.notification(channel, data))

    def _tell_state(self, instrument: Instrument, state: str) -> None:
        kind = "option" if instrument.kind == "option" else "future"
        data = shapes.state_change(self.market, instrument, state)
        for scope in (kind, "any"):
            for currency in (instrument.base, "any"):
                channel = f"instrument.state.{scope}.{currency}"
                if self.wants(channel):
                    payload = shapes.notification(channel, data)
                    self.push(channel, instrument.symbol, payload)

    # -- JSON-RPC ----------------------------------------------------------------------------

    def on_text(self, client: Client, text: str) -> None:
        """Answer one request."""
        began = self.market.clock.us()
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            client.send(
                failure(None, RpcError(-32700, "Parse error"), began, self.market.clock.us())
            )
            return
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            client.send(
                failure(None, RpcError(-32600, "Invalid Request"), began, self.market.clock.us())
            )
            return
        identity = request.get("id")
        client.memory["fresh"] = []
        method, params = request["method"], request.get("params") or {}
        if method == "public/test" and self.unanswered_ping():
            heartbeat.answered(client)
            return
        lost = self._lost(method, params)
        if lost is not None and not lost["subscribed"]:
            return
        try:
            result = self._call(method, params, client)
        except RpcError as error:
            client.send(failure(identity, error, began, self.market.clock.us()))
            return
        if lost is None:
            client.send(success(identity, result, began, self.market.clock.us()))
        for channel in client.memory.pop("fresh"):
            self._first_message(client, channel)

    def _lost(self, method: str, params: object) -> Fault | None:
        """The fault by which a request goes unanswered."""
        if method != "public/subscribe" or not self.faults.of("lost_ack"):
            return None
        named = params.get("channels") if isinstance(params, dict) else None
        for channel in named if isinstance(named, list) else ():
            fault = self.faults.take("lost_ack", self.symbol_of(str(channel)), str(channel))
            if fault is not None:
                return fault
        return None

    def _call(self, method: str, params: object, client: Client | None) -> Any:
        handler = self._methods.get(method)
        if handler is None:
            raise RpcError(-32601, "Method not found")
        if not isinstance(params, dict):
            raise RpcError(-32602, "Invalid params")
        return handler(params, client)

    async def _rest(self, request: web.Request) -> web.Response:
        began = self.market.clock.us()
        method = f"{request.match_info['scope']}/{request.match_info['method']}"
        try:
            result = self._call(method, dict(request.query), None)
            body = success(None, result, began, self.market.clock.us())
            status = 200
        except RpcError as error:
            body, status = failure(None, error, began, self.market.clock.us()), 400
        return web.Response(body=body, status=status, content_type="application/json")

    def _test(self, _params: Mapping[str, Any], client: Client | None) -> dict[str, str]:
        if client is not None:
            heartbeat.answered(client)
        return VERSION

    # -- subscriptions -----------------------------------------------------------------------

    def knows_channel(self, channel: str) -> bool:
        """Whether a subscription to it is accepted."""
        return channels.known(self.market, channel)

    def _subscribe(self, params: Mapping[str, Any], client: Client | None) -> list[str]:
        named = channels.asked(params)
        if client is None:
            raise RpcError(-32601, "Method not found")
        if any(channel.endswith(".raw") for channel in named):
            raise RpcError(13778, "raw_subscriptions_not_available_for_unauthorized")
        accepted = [channel for channel in dict.fromkeys(named) if self.knows_channel(channel)]
        if self.faults.of("error_reply"):
            accepted = [channel for channel in accepted if not self._refused(channel)]
        fresh = [channel for channel in accepted if self.subscribe(client, channel)]
        client.memory["fresh"] = fresh
        return accepted

    def _refused(self, channel: str) -> bool:
        """Whether a fault keeps a channel out of the answer, which is how Deribit refuses one.

        Raises RpcError for a fault that is about all channels: the whole request fails.
        """
        fault = self.faults.take("error_reply", self.symbol_of(channel), channel)
        if fault is not None and not (fault["symbol"] or fault["channel"]):
            raise RpcError(fault["code"] or 10028, fault["message"] or "too_many_requests")
        return fault is not None

    def _first_message(self, client: Client, channel: str) -> None:
        """Books and tickers begin with the present state, after the answer."""
        topic, _, rest = channel.partition(".")
        symbol = rest.partition(".")[0]
        if (base := channels.index_of(channel)) is not None:
            self.send_data(client, channel, "", self._index(channel, base))
            return
        if topic not in ("book", "ticker", "quote"):
            return
        live = self.market.live(symbol)
        texts = self.texts(live)
        if (how := channels.grouped(channel)) is not None:
            self.send_data(client, channel, symbol, self._grouped(channel, how))
            return
        if topic == "book":
            if self.faults.take("no_snapshot", symbol) is not None:
                return
            data = shapes.book_snapshot(live, self.stream_book(live), texts)
        elif topic == "quote":
            data = shapes.quote(live, texts)
        else:
            data = self.ticker(live)
        self.send_data(client, channel, symbol, shapes.notification(channel, data))

    def _unsubscribe(self, params: Mapping[str, Any], client: Client | None) -> list[str]:
        named = channels.asked(params)
        return [c for c in named if client is not None and self.unsubscribe(client, c)]

    def _unsubscribe_all(self, _params: Mapping[str, Any], client: Client | None) -> str:
        if client is not None:
            for channel in list(client.channels):
                self.unsubscribe(client, channel)
        return "ok"


def _asked(
    make: Ask, server: DeribitServer, params: Mapping[str, Any], _client: Client | None
) -> Any:
    return make(server, params)
