"""From the synthetic market to a declared venue's messages, on the keys that are listened to."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from feedhandler.adapter.declared import DeclaredVenue, Topics
from feedhandler.adapter.proof import Sign
from feedhandler.adapter.venue import Base, Continuity
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Delivery
from feedhandler.sim.market.book import Book, Change
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live, Update
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.beside import NOTHING, Beside
from feedhandler.sim.venues.declared.books import Books
from feedhandler.sim.venues.declared.channels import Channel, Channels, further
from feedhandler.sim.venues.declared.events import LIQUIDATIONS, Picture
from feedhandler.sim.venues.declared.instruments import DeclaredInstruments
from feedhandler.sim.venues.declared.numbers import times
from feedhandler.sim.venues.declared.opened import Open, Opened, subjects
from feedhandler.sim.venues.declared.opening import Opening
from feedhandler.sim.venues.declared.stream import crossed

_WHOLE_LEVELS = 20


class Publisher(DeclaredInstruments, ABC):
    """`topics`, `channels`: the venue's; `open`: by key."""

    def __init__(
        self, options: SimOptions, declared: DeclaredVenue, beside: Beside = NOTHING
    ) -> None:
        self.venue, self.beside = declared.name, beside
        self.ws_path = urlsplit(next(iter(declared.ws_urls.values()))).path
        self.topics = Topics(declared.name, further(declared.topics, self.beside.sent))
        self.channels = Channels(declared, self.topics, self.beside.sent)
        self._opened = Opened()
        self.open = self._opened.keys
        checked = options.checksums or Sign.CHECKSUM in declared.proof.signs
        self.checksum = declared.checksum if checked else None
        super().__init__(options, declared)
        self._opening = Opening(declared, self.beside, self.channels, self.numbers, self.checksum)
        self._steps = declared.rule is Continuity.NEXT and not self.beside.counts

    # -- keys --------------------------------------------------------------------------------

    @property
    def channel_form(self) -> str:
        """Of each channel the first key of an instrument that has one."""
        keys = []
        for channel in self.declared.topics:
            topic = self.topics.by_channel[channel][0]
            holes = set(topic.holes) - {"depth"}
            every = () if "expiry" in holes else self.market.instruments.values()
            said = ({name: getattr(one, name) for name in holes} for one in every)
            its = next((each for each in said if all(each.values())), None)
            if its is not None:
                keys.append(topic.filled(depth=topic.depth(self.declared.depth), **its))
        return ", ".join(dict.fromkeys(keys))

    def knows_channel(self, channel: str) -> bool:
        """A key of an instrument, or of instruments, that are listed."""
        found = self.channels.read(channel)
        return found is not None and any(True for _ in self._instruments(found))

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of a key."""
        found = self.channels.read(channel)
        return found.symbol or None if found is not None else None

    def _instruments(self, channel: Channel) -> Iterator[Instrument]:
        its = self.market.instruments.get(channel.symbol)
        for one in self.market.instruments.values() if not channel.symbol else (its,):
            if one is None or not channel.about(one):
                continue
            if channel.symbol or not channel.topic.holes or channel.subject in subjects(one):
                yield one

    def opened(self, channel: Channel) -> Open:
        """Begin to make what comes on a key."""
        found = self.open.get(channel.key)
        if found is None:
            found = self._opening.open(channel, self.market)
            self._opened.add(found)
        elif found.paced:
            self._send_since(found)  # so that whoever comes now joins where the others are
        return found

    def close_unheard(self, keys: Sequence[str]) -> None:
        """Stop making what nobody listens to any more."""
        for key in keys:
            if key in self.open and not self.wants(key):
                self._opening.closed(self.open[key])
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
            if one.paced:
                assert one.stream is not None
                one.stream.note(update)
            else:
                self._send_book(one, update)
        for one in route.prints if update.trades else ():
            self._send_trades(one, update)
        for one in route.quotes if update.top_changed else ():
            if one.paced:
                one.moved = True
            else:
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
        if changes or self._steps:  # else it is beyond what the channel shows
            self._send_changes(one, changes, update.sequence)

    def _send_since(self, one: Open) -> None:
        """What has changed on a key that has its own pace."""
        stream, now = one.stream, time.monotonic()
        if stream is not None and stream.moved and (changes := stream.since()):
            self._send_changes(one, changes, stream.live.book.sequence)
        if one.quotes and (one.moved or (one.again and now - one.told >= one.again)):
            live = self.market.live(one.channel.symbol)
            if one.counted is not None and one.moved:
                one.counted.next(live.book.sequence)
            one.moved, one.told = False, now
            self._send_pictures(one, one.quotes, live)

    def _send_changes(self, one: Open, changes: Sequence[Change], sequence: int) -> None:
        stream, books = one.stream, one.books
        assert stream is not None
        assert books is not None
        if one.counted is not None:
            one.counted.next(sequence)
        key, symbol = one.channel.key, one.channel.symbol
        verdict = self.verdict(key, symbol)
        if verdict is Delivery.CROSSED:
            changes = crossed(stream.live.book, changes, instead=books.single)
        messages = books.changed(
            stream.live,
            self.texts(stream.live),
            changes,
            (stream.last, sequence),
            self._now(one),
            wrong=int(verdict is Delivery.CHECKSUM),
        )
        if verdict.lost:
            alone = self.counter is not None or one.counted is not None
            its = self.numbers.count(stream.last, sequence, len(messages))
            self.faults.kept(1 if alone else its)
        stream.last = sequence
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
        if one.tape is not None and one.tape.stats.any:
            said |= one.tape.stats.values(self.market, live, its)
        messages = list(one.tape.messages(live, its, update.trades, said)) if one.tape else []
        every = update.trades if one.forced else ()
        forced = [trade for trade in every if trade.number % LIQUIDATIONS == 0]
        for frame in one.forced if forced else ():
            messages += frame.messages(live, its, forced, said, away=True)
        for text in messages:
            self.push(one.channel.key, symbol, text.encode())

    def _send_pictures(self, one: Open, frames: Sequence[Picture], live: Live) -> None:
        for frame in frames:
            text = self._picture(one, frame, live)
            if text is not None and one.sparse is not None:
                text = one.sparse.change(text)
            if text is not None:
                self.push(one.channel.key, live.instrument.symbol, text.encode())

    def _picture(self, one: Open, frame: Picture, live: Live) -> str | None:
        said = self.said(one, live.instrument.symbol)
        if frame.tells_facts:
            said |= self.told(live.instrument)
        if frame.tells_status:
            said["status"] = self.word(live.instrument.symbol, self.listing.open_word)
        if one.counted is not None:
            said["final"] = str(one.counted.count)
        return frame.message(self.market, live, self.texts(live), said)

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
        book = self.shown(one, self.stream_book(live) if kind == "snapshot" else live.book)
        said = self.said(one, one.channel.symbol)
        return books.whole(kind, live, self.texts(live), book, said, levels, more)

    def shown(self, one: Open, book: Book) -> Book:  # noqa: ARG002
        """A whole book as the key has it."""
        return book

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
        one.told = time.monotonic()
        for symbol, text in self._state(one):
            told = one.sparse.first(text) if one.sparse is not None else text
            self.send_data(client, channel.key, symbol, told.encode())

    def book_answer(self, live: Live, levels: int) -> bytes:
        """A book that was asked for."""
        symbol = live.instrument.symbol
        frames = [frame for frame in self.declared.frames if frame.kind == "answer"]
        books = Books(frames, self.numbers, self.checksum, self.beside)
        most = self.snapshot_levels(levels)
        said = self.said(None, symbol) | {"window": str(levels)}
        text = books.whole("answer", live, self.texts(live), self.rest_book(live), said, most)[0]
        return text.encode()

    def figured(self, live: Live) -> dict[str, str]:  # noqa: ARG002
        """What else is told of an instrument over HTTP, by the names of holes."""
        return {}

    # -- the clock ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Send all that waits for its time."""
        for every in self._opened.intervals:
            self._send_moved(every)

    def _send_moved(self, every: float) -> None:
        for one in self._opened.timed(every):
            self._send_whole(one)
            if one.paced:
                self._send_since(one)
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
                again = one.again and one.tickers and now - one.told >= one.again
                if again or one.always:
                    one.told = now
                    for symbol, text in self._state(one):
                        self.push(one.channel.key, symbol, text.encode())

    def renumber(self, symbol: str | None, *, lost: bool) -> int:
        """The service begins anew: books at 1, whole."""
        own = () if self.beside.counts else self.market.made  # else books have no numbers of theirs
        for name in [symbol] if own and symbol is not None else list(own):
            live = self.market.live(name)
            live.book = live.book.copy(1)
        streams = [one for one in self.open.values() if one.stream is not None]
        met = [one for one in streams if symbol in (None, one.channel.symbol)]
        for one in met:
            assert one.stream is not None
            one.stream.begin()
            if one.counted is not None:
                one.counted.count = 1
            for text in [] if lost else self._whole(one, "snapshot"):
                self.push(one.channel.key, one.channel.symbol, text.encode())
        return len(met)
