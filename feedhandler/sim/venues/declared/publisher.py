"""From the synthetic market to a declared venue's messages, on the keys that are listened to."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

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
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.books import BookFrame, Books
from feedhandler.sim.venues.declared.channels import Channel, Channels, on_key
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
from feedhandler.sim.venues.declared.listing import DEFAULT_COUNT, List
from feedhandler.sim.venues.declared.numbers import Numbers, times
from feedhandler.sim.venues.declared.rest import DeclaredRest
from feedhandler.sim.venues.declared.stream import BookStream, crossed

_WHOLE_S = 0.1
"""Seconds between whole books, where every message is one."""
_WHOLE_LEVELS = 20
_TICKER_S = 0.25


@dataclass
class Open:
    """What is made for a key while somebody listens to it. `number`: what acknowledgements call it,
    another one each time that it is opened."""

    channel: Channel
    number: int
    books: Books | None
    stream: BookStream | None
    tape: Tape | None
    forced: Sequence[Prints]
    quotes: Sequence[Picture]
    tickers: Sequence[Picture]

    def __post_init__(self) -> None:
        self.said = {**self.channel.said, "channel": str(self.number)}


class _Route(NamedTuple):
    """Who is to hear of an instrument, at once."""

    books: Sequence[Open]
    prints: Sequence[Open]
    quotes: Sequence[Open]


class Publisher(DeclaredRest, ABC):
    """`topics`, `channels`: the venue's; `open`: by key."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue) -> None:
        today = time.time() if options.start_ms is None else options.start_ms / 1000
        self.listing = List(declared, datetime.fromtimestamp(today, UTC).date(), self.beside)
        self.topics = Topics(declared.name, declared.topics)
        self.channels = Channels(declared, self.topics)
        self.numbers = _numbers(declared)
        self.open: dict[str, Open] = {}
        self._by_subject: dict[tuple[str, str], list[Open]] = {}
        self._routes: dict[str, _Route] = {}
        self._opened = 0
        self._texts: dict[str, Texts] = {}
        self._moved: set[str] = set()
        self._due = {"whole": 0.0, "ticker": 0.0}
        self._stamp: tuple[int, dict[str, str]] = (0, {})
        checked = options.checksums or Sign.CHECKSUM in declared.proof.signs
        self.checksum = declared.checksum if checked else None
        super().__init__(options, declared)
        self.numbers.clock = self.market.clock

    # -- what there is -----------------------------------------------------------------------

    def make_market(self) -> Market:
        """Sequences are the numbers of the venue's own messages."""
        count = DEFAULT_COUNT if self.options.instruments is None else self.options.instruments
        return Market(
            self.listing.instruments(count),
            options=self.options,
            venue=self.venue,
            next_sequence=self.numbers.after,
            first_sequence=self.numbers.first,
        )

    def make_universe(self) -> list[Instrument]:
        """Every base in ever more quotes, as far as the venue's names go."""
        return self.listing.instruments(UNIVERSE)

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
            its = channel.subject in _subjects(one) and channel.about(one)
            if its or not channel.topic.holes:
                yield one

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
        self._opened += 1

        def of(*kinds: str) -> list[Any]:
            return on_key(self.channels.frames(channel.topic, *kinds), channel.key)

        books = stream = None
        if channel.symbol and (frames := of("book", "snapshot", "full", "checksum")):
            live = self.market.live(channel.symbol)
            books = Books(frames, self.numbers, self.checksum, self.beside)
            counted = books.single and self.declared.rule is Continuity.NEXT
            levels = channel.levels if not counted else 0
            stream = BookStream(channel, live, levels, cut=self.declared.cut)
        named = self.declared.names_trades
        found = self.open[channel.key] = Open(
            channel,
            1000 + 7 * self._opened,
            books,
            stream,
            Tape(trades, self.beside, named=named) if (trades := of("trade")) else None,
            [Prints(frame, self.beside, named=named) for frame in of("liquidation")],
            [Picture(frame, self.beside) for frame in of("quote")],
            [Picture(frame, self.beside) for frame in of(*TICKERS)],
        )
        self._by_subject.setdefault(channel.subject, []).append(found)
        self._routes.clear()
        return found

    def close_unheard(self, keys: Sequence[str]) -> None:
        """Stop making what nobody listens to any more."""
        for key in keys:
            if key in self.open and not self.wants(key):
                gone = self.open.pop(key)
                self._by_subject[gone.channel.subject].remove(gone)
                self._routes.clear()

    def on_close(self, channels: list[str]) -> None:
        """A client has gone."""
        self.close_unheard(channels)

    def _heard(self, instrument: Instrument) -> Iterator[Open]:
        for name in _subjects(instrument):
            for one in self._by_subject.get(name, ()):
                if one.channel.about(instrument):
                    yield one

    # -- messages ----------------------------------------------------------------------------

    def said(self, one: Open | None, symbol: str) -> dict[str, str]:
        """What stands in every message: names and the time."""
        ms = self.market.clock.ms()
        if self._stamp[0] != ms:
            ns = ms * 1_000_000
            self._stamp = ms, times(ns) | times(ns, "sent")
        if one is None:
            return {**self._stamp[1], "symbol": symbol}
        return {**self._stamp[1], **one.said, "symbol": symbol}

    def on_update(self, update: Update) -> None:
        """Books, trades and best levels go out at once; the rest by the clock."""
        live = update.live
        symbol = live.instrument.symbol
        self._moved.add(symbol)
        route = self._routes.get(symbol) or self._route(live.instrument)
        for one in route.books:
            self._send_book(one, update)
        for one in route.prints if update.trades else ():
            self._send_trades(one, update)
        for one in route.quotes if update.top_changed else ():
            self._send_pictures(one, one.quotes, live)

    def _route(self, instrument: Instrument) -> _Route:
        heard = list(self._heard(instrument))
        found = self._routes[instrument.symbol] = _Route(
            [one for one in heard if one.stream is not None],
            [one for one in heard if one.tape is not None or one.forced],
            [one for one in heard if one.quotes],
        )
        return found

    def _send_book(self, one: Open, update: Update) -> None:
        stream, books = one.stream, one.books
        assert stream is not None
        assert books is not None
        stream.moved = True
        if not books.deltas:
            return
        changes = stream.changes(update)
        if not changes and self.declared.rule is not Continuity.NEXT:
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
            self.said(one, symbol),
            wrong=int(verdict is Delivery.CHECKSUM),
        )
        stream.last = update.sequence
        for message in messages:
            self.push_book(key, symbol, message.encode(), verdict)
            verdict = Delivery.SEND

    def _send_trades(self, one: Open, update: Update) -> None:
        live = update.live
        symbol, its = live.instrument.symbol, self.texts(live)
        said = self.said(one, symbol)
        messages = list(one.tape.messages(live, its, update.trades, said)) if one.tape else []
        forced = [trade for trade in update.trades if trade.number % LIQUIDATIONS == 0]
        for frame in one.forced if forced else ():
            messages += frame.messages(live, its, forced, said, away=True)
        for text in messages:
            self.push(one.channel.key, symbol, text.encode())

    def _send_pictures(self, one: Open, frames: Sequence[Picture], live: Live) -> None:
        for text in self._pictures(one, frames, live):
            self.push(one.channel.key, live.instrument.symbol, text.encode())

    def _pictures(self, one: Open, frames: Sequence[Picture], live: Live) -> Iterator[str]:
        for frame in frames:
            said = self.said(one, live.instrument.symbol)
            if (text := frame.message(self.market, live, self.texts(live), said)) is not None:
                yield text

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
        book = self.stream_book(live) if kind == "snapshot" else live.book
        said = self.said(one, one.channel.symbol)
        return books.whole(kind, live, self.texts(live), book, said, levels, more)

    def first_messages(self, client: Client, one: Open) -> None:
        """What comes with a subscription."""
        channel, stream, books = one.channel, one.stream, one.books
        found: list[str] = []
        if stream is not None and books is not None:
            kind = "full" if self.declared.base is Base.EVERY else "snapshot"
            streamed = self.declared.base is not Base.REQUEST and books.has(kind)
            if streamed and self.faults.take("no_snapshot", channel.symbol) is None:
                found += self._whole(one, kind)
        for text in found:
            self.send_data(client, channel.key, channel.symbol, text.encode())
        for instrument in self._instruments(channel):
            live = self.market.live(instrument.symbol)
            for text in self._pictures(one, (*one.quotes, *one.tickers), live):
                self.send_data(client, channel.key, instrument.symbol, text.encode())

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
        for one in list(self.open.values()):
            self._send_whole(one)
        self._send_tickers()

    def _send_tickers(self) -> None:
        for symbol in self._moved:
            instrument = self.market.instruments.get(symbol)
            for one in self._heard(instrument) if instrument is not None else ():
                self._send_pictures(one, one.tickers, self.market.live(symbol))
        self._moved.clear()

    def on_time(self, now: float) -> None:
        """Whole books, tickers and heartbeats of channels at their intervals."""
        if self._is_due("whole", now, _WHOLE_S):
            for one in list(self.open.values()):
                self._send_whole(one)
        if self._is_due("ticker", now, _TICKER_S):
            self._send_tickers()

    def _is_due(self, what: str, now: float, every: float) -> bool:
        if now < self._due[what]:
            return False
        self._due[what] = now + every
        return True

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


def _subjects(instrument: Instrument) -> tuple[tuple[str, str], ...]:
    """The names under which keys are about an instrument."""
    return ("symbol", instrument.symbol), ("family", instrument.family)


def _numbers(venue: DeclaredVenue) -> Numbers:
    kind = "full" if venue.base is Base.EVERY else "book"
    frames = [BookFrame(frame, Beside()) for frame in venue.frames if frame.kind == kind]
    there = {name for frame in frames for name in frame.template.holes}
    return Numbers(venue.rule, there, single=any(frame.single for frame in frames))
