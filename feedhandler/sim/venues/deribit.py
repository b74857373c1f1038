"""A Deribit on loopback: JSON-RPC 2.0 over WebSocket and REST, unauthenticated public data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import ClassVar

from feedhandler.sim.config import UNIVERSE, SimOptions
from feedhandler.sim.faults.in_force import Delivery
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues import deribit_channels as channels
from feedhandler.sim.venues import deribit_heartbeat as heartbeat
from feedhandler.sim.venues import deribit_json as shapes
from feedhandler.sim.venues import deribit_listing as listing
from feedhandler.sim.venues.deribit_json import Texts
from feedhandler.sim.venues.deribit_rpc import DeribitRpc

_TICKER_INTERVAL = 0.1
_QUIET_TICKER_INTERVAL = 1.0
_FIRST_CHANGE_ID = 118_850_965_713


class DeribitServer(DeribitRpc):
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
            instrument.symbol,
            f"{kind}.{instrument.base}",
            f"{kind}.any",
            f"any.{instrument.base}",
            "any.any",
        ):
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

    # -- subscriptions -----------------------------------------------------------------------

    def knows_channel(self, channel: str) -> bool:
        """Whether a subscription to it is accepted."""
        return channels.known(self.market, channel)

    def first_message(self, client: Client, channel: str) -> None:
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
