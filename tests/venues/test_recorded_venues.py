"""What venues really sent, through the feed, against the references: every book after every
message, every trade, every quote, every checksum, and how few frames went the slow way."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import Venue
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.replay import ReplayResult, replay
from feedhandler.engine._engine import Engine
from shm import Reason, State
from tests.venues.reference import RECORDINGS, REFERENCES, Recording
from tests.venues.reference.book import Book, Quote, Said, Trade
from tests.venues.told import Told, best_of, book_of, memory_of, told

LIVE = (State.LIVE, Reason.NONE)
UNCONFIRMED = (State.SYNCING, Reason.UNCONFIRMED)
UNFIT = (State.STALE, Reason.PRECISION)
WHOLE_EVERY = 100  # messages, between comparisons of all levels
LEARNING = 100  # frames in which skeletons are learned
MARKET_DATA = ("snapshot", "book", "trade", "quote", "ticker")


class Comparison:
    """The feed and the reference side by side, line by line."""

    def __init__(self, recording: Recording, namespace: str) -> None:
        self.reference = REFERENCES[recording.venue]()
        self.trades: list[Trade] = []
        self.quotes: list[Quote] = []
        self.seen = Told()
        self.unfit: set[str] = set()  # nothing in a recording brings them back
        self.books = self.frames = 0
        self.slow: list[int] = []  # when skeletons were learned, and at the end
        self.late = 0  # instruments of which the first frame came after that
        self._named: set[str] = set()
        self.refitted: list[int] = []  # what did not fit the digits in force is read again
        self._lines = recording.lines()
        self._namespace, self._venue = namespace, recording.venue
        self._engine: Engine | None = None

    def observe(self, frame: Frame, engine: Engine) -> None:
        self._engine = engine
        for said in self._until(frame):
            if said.kind == "trade":
                self.trades += said.trades
            self.quotes += said.quotes
            if said.kind in MARKET_DATA:
                self.frames += 1
                self._name(said)
                if self.frames == LEARNING:
                    self._count(engine)
            for symbol in said.books:
                self._compare(symbol, engine)

    def _name(self, said: Said) -> None:
        prints = {trade.symbol for trade in said.trades} | {quote.symbol for quote in said.quotes}
        names = {*said.books} | prints
        if self.frames > LEARNING:
            self.late += len(names - self._named)
        self._named |= names

    def end(self, _: ReplayResult) -> None:
        """While the memory is still there."""
        assert self._engine is not None
        self._count(self._engine)
        for symbol in self.reference.books:
            self._whole(symbol, self._engine)
        memory = memory_of(self._namespace, self._venue)
        self.seen = told(memory, memory.slots())

    def _count(self, engine: Engine) -> None:
        self.slow.append(_slow(engine))
        self.refitted.append(engine.counters()["precision"])

    def _until(self, frame: Frame) -> Iterator[Said]:
        """What the reference says of the lines up to this one."""
        wanted = (frame.data or b"").decode()
        for line in self._lines:
            said = self.reference.line(line)
            yield said
            if (line["kind"], line["dir"], line["data"]) == (frame.kind, "in", wanted):
                return
        pytest.fail(f"not in the recording: {wanted[:200]}")

    def _compare(self, symbol: str, engine: Engine) -> None:
        book = self.reference.books[symbol]
        state = engine.state(engine.instrument_id(symbol))
        if book.live and too_wide(book):
            self.unfit.add(symbol)
        if symbol in self.unfit:
            assert state == UNFIT, symbol
        elif not book.live:
            assert state != LIVE, symbol
        elif book.joining:
            assert state == UNCONFIRMED, symbol
        else:
            assert state == LIVE, (symbol, State(state[0]).name, Reason(state[1]).name)
            best = best_of(engine, symbol)
            assert best == book.best(), symbol
            bid, ask = best
            assert bid is None or ask is None or bid < ask, symbol
            self.books += 1
            if self.books % WHOLE_EVERY == 0:
                self._whole(symbol, engine)

    def _whole(self, symbol: str, engine: Engine) -> None:
        book = self.reference.books[symbol]
        if book.live and not book.joining and symbol not in self.unfit:
            assert book_of(engine, symbol, book.sequence is not None) == book, symbol


def too_wide(book: Book) -> bool:
    """Whether no exponent holds all its sizes in 64 bits: such a book says so, and is none."""
    decimals = max(book.bids.decimals, book.asks.decimals)
    if max(book.bids.most, book.asks.most).scaleb(decimals) < 1 << 63:
        return False  # as nearly always, and soon found
    sizes = [*book.bids.values(), *book.asks.values()]
    finest = min((int(one.normalize().as_tuple().exponent) for one in sizes), default=0)
    return max(sizes, default=Decimal(0)).scaleb(-min(finest, 0)) >= 1 << 63


def _slow(engine: Engine) -> int:
    return sum(engine.connection(index).slow for index in range(4))


def played(recording: Recording, namespace: str) -> tuple[Comparison, ReplayResult]:
    comparison = Comparison(recording, namespace)
    result = replay(
        recording.capture(),
        venue=recording.venue,
        namespace=namespace,
        ring_slots=1 << 19,
        observe=comparison.observe,
        hold=comparison.end,
    )
    assert result.broken == 0
    return comparison, result


def subscribed(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> Venue:
    """The venue, with books of the depth that was recorded."""
    if recording.venue not in venues.names():
        pytest.skip(f"{recording.venue} is not in the registry")
    venue = venues.load(recording.venue)
    if recording.depth is not None:
        monkeypatch.setattr(type(venue), "depth", recording.depth)
    return venue


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_the_feed_tells_what_the_venue_told(
    recording: Recording, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = subscribed(recording, monkeypatch)
    comparison, result = played(recording, namespace)
    reference = comparison.reference
    assert comparison.books > 0
    books = reference.books.items()
    live = sum(one.live and not one.joining for name, one in books if name not in comparison.unfit)
    assert result.states.get("LIVE", 0) == live
    assert [_numbered(one, other) for one, other in _pairs(comparison)] == comparison.trades
    if {"quote", "ticker"} & set(venue.channels):
        assert [_placed(one, two) for one, two in _quotes(comparison)] == comparison.quotes
    counters: dict[str, Any] = result.counters
    assert counters["gaps"] == counters["malformed"] == counters["checksum_bad"] == 0
    assert counters["checksum_ok"] == reference.checksums
    learned = comparison.frames - LEARNING
    if learned > 0:
        before, after = comparison.slow
        refitted = comparison.refitted[1] - comparison.refitted[0]
        # A replay knows an instrument by its first frame, which is read the slow way for that.
        allowed = learned // 100 + comparison.late + refitted
        assert after - before <= allowed, (after - before, learned, refitted)


def _pairs(comparison: Comparison) -> Iterator[tuple[Trade, Trade]]:
    assert len(comparison.seen.trades) == len(comparison.trades)
    yield from zip(comparison.seen.trades, comparison.trades, strict=True)


def _numbered(seen: Trade, wanted: Trade) -> Trade:
    """Where the venue's id is no number, what stands for it is not compared."""
    return (
        seen
        if wanted.id is not None
        else Trade(seen.symbol, seen.price, seen.size, seen.buys, seen.time)
    )


def _quotes(comparison: Comparison) -> Iterator[tuple[Quote, Quote]]:
    assert len(comparison.seen.quotes) == len(comparison.quotes)
    yield from zip(comparison.seen.quotes, comparison.quotes, strict=True)


def _placed(seen: Quote, wanted: Quote) -> Quote:
    return seen if wanted.place is not None else Quote(seen.symbol, seen.bid, seen.ask, seen.time)
