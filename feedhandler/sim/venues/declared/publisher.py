"""From the synthetic market to a declared venue's messages, on the keys that are listened to."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from feedhandler.adapter.declared import DeclaredVenue, Topics
from feedhandler.adapter.proof import Sign
from feedhandler.adapter.venue import Base, Continuity
from feedhandler.shape.frame import TICKERS
from feedhandler.sim.config import UNIVERSE, SimOptions
from feedhandler.sim.faults.in_force import Delivery
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.books import Books, numbers_of
from feedhandler.sim.venues.declared.channels import Channel, Channels, further, on_key
from feedhandler.sim.venues.declared.checksum import padded
from feedhandler.sim.venues.declared.events import (
    LIQUIDATIONS,
    Picture,
    Prints,
    Tape,
    trade_id,
    trade_name,
)
from feedhandler.sim.venues.declared.levels import Texts, texts
from feedhandler.sim.venues.declared.listing import List
from feedhandler.sim.venues.declared.numbers import times
from feedhandler.sim.venues.declared.opened import Open, Opened, subjects
from feedhandler.sim.venues.declared.rest import DeclaredRest
from feedhandler.sim.venues.declared.stream import BookStream, crossed

FIRST_NUMBER: Final = 10_458
"""Of an instrument, where a venue's list numbers them."""
LISTED_BEFORE_MS: Final = 90 * 86_400_000
_WHOLE_S = 0.1
"""Seconds between whole books, where every message is one."""
_WHOLE_LEVELS = 20
_TICKER_S = 0.25


class Publisher(DeclaredRest, ABC):
    """`topics`, `channels`: the venue's; `open`: by key."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue) -> None:
        today = time.time() if options.start_ms is None else options.start_ms / 1000
        self.listing = List(declared, datetime.fromtimestamp(today, UTC).date(), self.beside)
        self.listing.facts = self.facts
        self.topics = Topics(declared.name, further(declared.topics, self.beside.sent))
        self.channels = Channels(declared, self.topics, self.beside.sent)
        self.numbers = numbers_of(declared)
        self._opened = Opened()
        self.open = self._opened.keys
        self._texts: dict[str, Texts] = {}
        self._told: dict[str, dict[str, str]] = {}
        checked = options.checksums or Sign.CHECKSUM in declared.proof.signs
        self.checksum = declared.checksum if checked else None
        super().__init__(options, declared)
        self.numbers.clock = self.market.clock
        self._steps = declared.rule is Continuity.NEXT

    # -- what there is -----------------------------------------------------------------------

    def make_market(self) -> Market:
        """Sequences are the numbers of the venue's own messages."""
        count = self.options.instruments
        return Market(
            self.listing.instruments(self.beside.count if count is None else count),
            options=self.options,
            venue=self.venue,
            next_sequence=self.numbers.after,
            first_sequence=self.numbers.first,
        )

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes, as far as the venue's names go."""
        return self.listing.instruments(UNIVERSE)

    def could_list(self, symbol: str) -> Instrument | None:
        """Its row alone is read: all of them take seconds, in which nothing is sent."""
        return self.listing.one(symbol, UNIVERSE)

    def unlisted(self) -> list[str]:
        """Some of them: there are ever more."""
        return self.listing.beyond(self.market.instruments)

    def knows_channel(self, channel: str) -> bool:
        """A key of an instrument, or of instruments, that are listed."""
        found = self.channels.read(channel)
        return found is not None and any(True for _ in self._instruments(found))

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of a key."""
        found = self.channels.read(channel)
        return found.symbol or None if found is not None else None

    def _instruments(self, channel: Channel) -> Iterator[Instrument]:
        for one in self.market.instruments.values():
            if channel.about(one) and (not channel.topic.holes or channel.subject in subjects(one)):
                yield one

    def facts(self, instrument: Instrument) -> dict[str, object]:
        """What others are told of an instrument, by the names of holes."""
        spot = instrument.kind == "spot"
        settle = instrument.base if instrument.inverse else instrument.quote
        return {
            "symbol": instrument.symbol,
            "base": instrument.base,
            "quote": instrument.quote,
            "family": instrument.family,
            "index_name": instrument.index_name,
            "settle": "" if spot else settle,
            "type": self.listing.word(instrument),
            "number": FIRST_NUMBER + self.number_of(instrument.symbol),
            "listed_ms": self.start_ms - LISTED_BEFORE_MS,
            "expiry_ms": instrument.expiry_ms,
        }

    def texts(self, live: Live) -> Texts:
        """The instrument's number texts."""
        symbol = live.instrument.symbol
        found = self._texts.get(symbol)
        if found is None:
            long = padded(self.declared.checksum)
            found = self._texts[symbol] = texts(live.instrument, padded=long)
        return found

    def trade_id(self, live: Live, trade: Trade) -> str:  # noqa: ARG002
        """As it is called in the stream."""
        if any("$id_name" in frame.sample for frame in self.declared.frames):
            return trade_name(trade.number)
        return trade_id(trade.number, named=self.declared.names_trades)

    # -- keys with listeners -----------------------------------------------------------------

    def opened(self, channel: Channel) -> Open:
        """Begin to make what comes on a key."""
        found = self.open.get(channel.key)
        if found is not None:
            return found
        self._opened.count += 1

        def of(*kinds: str) -> list[Any]:
            return on_key(self.channels.frames(channel.topic, *kinds), channel.key)

        books = stream = None
        said = {**channel.said, "channel": str(1000 + 7 * self._opened.count)}
        alone = said if channel.symbol else None
        sent = self.channels.sent.get(channel.topic.name)
        if channel.symbol and (frames := of("book", "snapshot", "full", "checksum")):
            live = self.market.live(channel.symbol)
            books = Books(frames, self.numbers, self.checksum, self.beside, said)
            counted = books.single and self.declared.rule is Continuity.NEXT
            levels = channel.levels if not counted else 0
            stream = BookStream(channel, live, levels, cut=self.declared.cut)
        whole = books is not None and books.has("full")
        named = self.declared.names_trades
        found = Open(
            channel,
            1000 + 7 * self._opened.count,
            books,
            stream,
            Tape(trades, self.beside, named=named, said=alone) if (trades := of("trade")) else None,
            [Prints(frame, self.beside, named=named) for frame in of("liquidation")],
            [Picture(frame, self.beside) for frame in of("quote")],
            [Picture(frame, self.beside) for frame in of(*TICKERS)],
            (sent.every if sent else 0.0) or (_WHOLE_S if whole else _TICKER_S),
            always=sent is not None and sent.always,
        )
        self._opened.add(found)
        return found

    def close_unheard(self, keys: Sequence[str]) -> None:
        """Stop making what nobody listens to any more."""
        for key in keys:
            if key in self.open and not self.wants(key):
                self._opened.remove(key)

    def expire_instrument(self, symbol: str) -> None:
        """Nothing is made of it any more."""
        super().expire_instrument(symbol)
        self.close_unheard(list(self.open))

    def on_close(self, channels: list[str]) -> None:
        """A client has gone."""
        self.close_unheard(channels)

    # -- messages ----------------------------------------------------------------------------

    def said(self, one: Open | None, symbol: str) -> dict[str, str]:
        """What stands in every message: names and the time."""
        ns = self.market.clock.ms() * 1_000_000
        if one is None:
            return {**times(ns), **times(ns, "sent"), "symbol": symbol}
        return {**self._now(one, ns), "symbol": symbol}

    def _now(self, one: Open, ns: int = 0) -> dict[str, str]:
        """What all messages of a key say, with the time."""
        ns = ns or self.market.clock.ms() * 1_000_000
        if one.stamp != ns:
            one.stamp = ns
            for name, write in one.times:
                one.said[name] = write(ns)
        return one.said

    def on_update(self, update: Update) -> None:
        """Books, trades and best levels go out at once; the rest by the clock."""
        live = update.live
        symbol = live.instrument.symbol
        for moved in self._opened.moved.values():
            moved.add(symbol)
        route = self._opened.route(live.instrument)
        for one in route.books:
            self._send_book(one, update)
        for one in route.prints if update.trades else ():
            self._send_trades(one, update)
        for one in route.quotes if update.top_changed else ():
            self._send_pictures(one, one.quotes, live)

    def _send_book(self, one: Open, update: Update) -> None:
        stream, books = one.stream, one.books
        assert stream is not None
        assert books is not None
        stream.moved = True
        if not books.deltas:
            return
        stream.told = time.monotonic()
        changes = stream.changes(update)
        if not changes and not self._steps:
            return  # it is beyond what the channel shows
        key, symbol = one.channel.key, one.channel.symbol
        verdict = self.verdict(key, symbol)
        if verdict is Delivery.CROSSED:
            changes = crossed(stream.live.book, changes, instead=books.single)
        messages = books.changed(
            stream.live,
            self.texts(stream.live),
            changes,
            (stream.last, update.sequence),
            self._now(one),
            wrong=int(verdict is Delivery.CHECKSUM),
        )
        stream.last = update.sequence
        if verdict is Delivery.SEND and self.counter is None and not self._held:
            for message in messages:
                self.push(key, symbol, message.encode())
            return
        for message in messages:
            self.push_book(key, symbol, message.encode(), verdict)
            verdict = Delivery.SEND

    def _send_trades(self, one: Open, update: Update) -> None:
        live = update.live
        symbol, its = live.instrument.symbol, self.texts(live)
        said = self.said(one, symbol) if one.channel.symbol != symbol else self._now(one)
        messages = list(one.tape.messages(live, its, update.trades, said)) if one.tape else []
        every = update.trades if one.forced else ()
        forced = [trade for trade in every if trade.number % LIQUIDATIONS == 0]
        for frame in one.forced if forced else ():
            messages += frame.messages(live, its, forced, said, away=True)
        for text in messages:
            self.push(one.channel.key, symbol, text.encode())

    def _send_pictures(self, one: Open, frames: Sequence[Picture], live: Live) -> None:
        for frame in frames:
            if (text := self._picture(one, frame, live)) is not None:
                self.push(one.channel.key, live.instrument.symbol, text.encode())

    def _picture(self, one: Open, frame: Picture, live: Live) -> str | None:
        said = self.said(one, live.instrument.symbol)
        if frame.tells_facts:
            said |= self.told(live.instrument)
        return frame.message(self.market, live, self.texts(live), said)

    def told(self, instrument: Instrument) -> dict[str, str]:
        """The facts of an instrument as texts, which stay as they are."""
        found = self._told.get(instrument.symbol)
        if found is None:
            facts = self.facts(instrument).items()
            found = self._told[instrument.symbol] = {name: str(value) for name, value in facts}
        return found

    def _state(self, one: Open) -> Iterator[tuple[str, str]]:
        """All that a key has to say now: by instrument, or of all of them together."""
        if not one.quotes and not one.tickers:
            return
        lives = [self.market.live(each.symbol) for each in self._instruments(one.channel)]
        whole = one.channel.subject[1]
        for frame in (*one.quotes, *one.tickers):
            if frame.of_many and one.channel.subject[0] == "family":
                rows = [(live, self.texts(live)) for live in lives]
                yield whole, frame.together(self.market, rows, self.said(one, whole))
                continue
            for live in lives[: None if frame.of_one else 1]:
                if (text := self._picture(one, frame, live)) is not None:
                    yield live.instrument.symbol, text

    def _send_whole(self, one: Open) -> None:
        """Books of which every message is a whole one."""
        stream, books = one.stream, one.books
        if stream is None or books is None or not books.has("full") or not stream.moved:
            return
        stream.moved = False
        key, symbol, book = one.channel.key, one.channel.symbol, stream.live.book
        verdict = self.verdict(key, symbol)
        more = crossed(book, (), instead=False) if verdict is Delivery.CROSSED else ()
        for text in self._whole(one, "full", more):
            self.push_book(key, symbol, text.encode(), verdict)
            verdict = Delivery.SEND

    def _whole(self, one: Open, kind: str, more: Sequence[Any] = ()) -> list[str]:
        stream, books = one.stream, one.books
        assert stream is not None
        assert books is not None
        live = stream.live
        levels = stream.levels or (_WHOLE_LEVELS if kind == "full" else 0)
        if kind == "snapshot" and (most := self.options.snapshot_levels):
            levels = min(levels or most, most)
        book = self.stream_book(live) if kind == "snapshot" else live.book
        said = self.said(one, one.channel.symbol)
        return books.whole(kind, live, self.texts(live), book, said, levels, more)

    def first_messages(self, client: Client, one: Open) -> None:
        """What comes with a subscription."""
        channel, stream, books = one.channel, one.stream, one.books
        found: list[str] = []
        if stream is not None and books is not None:
            kind = "snapshot" if books.has("snapshot") else "full"
            streamed = self.declared.base is not Base.REQUEST and self.options.stream_snapshot
            if (
                streamed
                and books.has(kind)
                and self.faults.take("no_snapshot", channel.symbol) is None
            ):
                found += self._whole(one, kind)
        for text in found:
            self.send_data(client, channel.key, channel.symbol, text.encode())
        for symbol, text in self._state(one):
            self.send_data(client, channel.key, symbol, text.encode())

    def book_answer(self, live: Live, levels: int) -> bytes:
        """A book that was asked for."""
        symbol = live.instrument.symbol
        frames = [frame for frame in self.declared.frames if frame.kind == "answer"]
        books = Books(frames, self.numbers, self.checksum, self.beside)
        most = self.snapshot_levels(levels)
        said = self.said(None, symbol) | {"window": str(levels)}
        text = books.whole("answer", live, self.texts(live), self.rest_book(live), said, most)[0]
        return text.encode()

    # -- the clock ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Send all that waits for its time."""
        for every in self._opened.intervals:
            self._send_moved(every)

    def _send_moved(self, every: float) -> None:
        for one in self._opened.timed(every):
            self._send_whole(one)
        moved = self._opened.moved.get(every)
        for symbol in moved or ():
            instrument = self.market.instruments.get(symbol)
            for one in self._opened.route(instrument).tickers if instrument is not None else ():
                if one.every == every:
                    self._send_pictures(one, one.tickers, self.market.live(symbol))
        if moved:
            moved.clear()

    def on_time(self, now: float) -> None:
        """Whole books and statistics at their intervals."""
        for every in self._opened.due(now):
            self._send_moved(every)
            for one in self._opened.timed(every) if not self.paused else ():
                for symbol, text in self._state(one) if one.always else ():
                    self.push(one.channel.key, symbol, text.encode())

    def renumber(self, symbol: str | None, *, lost: bool) -> int:
        """The service begins anew: books at 1, whole."""
        for name in [symbol] if symbol is not None else list(self.market.made):
            live = self.market.live(name)
            live.book = live.book.copy(1)
        streams = [one for one in self.open.values() if one.stream is not None]
        met = [one for one in streams if symbol in (None, one.channel.symbol)]
        for one in met:
            assert one.stream is not None
            one.stream.begin()
            for text in [] if lost else self._whole(one, "snapshot"):
                self.push(one.channel.key, one.channel.symbol, text.encode())
        return len(met)
