"""Recordings back into memory: the same records, and cells that follow from them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import shm
from feedhandler.mirror.replay import Replayed, replay
from shm import Flag, Kind, Reason, Source, State, Status
from shm.recording.errors import NoRecording
from tests.recording.written import (
    BEGIN_NS,
    EXPONENTS,
    SYMBOLS,
    PlainBooks,
    Record,
    Written,
    record,
    rows_of,
    stream,
)

VENUE = "deribit"
RINGED = (
    "instrument",
    "kind",
    "side",
    "precision",
    "exchange_ns",
    "receive_ns",
    "venue_sequence",
    "price",
    "size",
    "publish_delta_ns",
    "aux",
    "price_exponent",
    "size_exponent",
)


def written(directory: Path, records: list[Record], cuts: list[int]) -> Written:
    recording = Written(directory)
    edges = [0, *cuts, len(records)]
    for at in range(len(edges) - 1):
        recording.segment(
            records[edges[at] : edges[at + 1]], bases=True, why="run" if at == 0 else "rotation"
        )
    return recording


def played(
    directory: Path, namespace: str, look: Callable[[shm.Feed], Any], **more: Any
) -> tuple[Any, Replayed]:
    """What `look` sees of the memory at the end, and what was said."""
    seen: list[Any] = []

    def hold(_: list[Replayed]) -> None:
        with shm.attach(VENUE, namespace=namespace) as feed:
            seen.append(look(feed))

    (done,) = replay(directory, namespace=namespace, hold=hold, **more)
    return seen[0], done


def events(feed: shm.Feed) -> NDArray[np.void]:
    found = []
    with feed.events(raw=True, start="oldest") as following:
        while (batch := following.poll()) is not None:
            found.append(batch)
    return np.concatenate(found)


def same(found: NDArray[np.void], expected: NDArray[np.void]) -> None:
    """Of kinds that a reader of this version is handed."""
    expected = expected[expected["kind"] != 77]
    assert len(found) == len(expected)
    for name in RINGED:
        different = np.flatnonzero(found[name] != expected[name])
        assert not len(different), (name, found[different[0]], expected[different[0]])
    assert (found["flags"] & Flag.REPLAY).all()


def test_the_records_are_the_same_in_order_and_number_and_twice_the_same(
    tmp_path: Path, namespace: str
) -> None:
    records = stream(2000)
    recording = written(tmp_path, records, [700, 1500])
    one, done = played(tmp_path, namespace, events)
    expected = rows_of(records, recording.epoch)
    assert one["kind"][0] == Kind.WRITER  # this writer's own
    same(one[1:], expected[1:])
    handed = expected[expected["kind"] != 77]
    assert one["sequence"].tolist() == handed["sequence"].tolist()
    rest = ~(Flag.REPLAY | Flag.FIRST | Flag.LAST) & 0xFF
    assert (one["flags"][1:] & rest == handed["flags"][1:] & rest).all()
    assert (done.records, done.epochs, done.missing, done.problems) == (2000, 1, 0, [])
    two, _ = played(tmp_path, namespace, events)
    assert one[1:].tobytes() == two[1:].tobytes()


def cells(feed: shm.Feed) -> dict[int, tuple[Any, ...]]:
    """Books, quotes and states by row."""
    found: dict[int, tuple[Any, ...]] = {}
    for instrument in feed.instruments():
        book = feed.book(instrument, depth=20, raw=True)
        quote = feed.quote(instrument)
        sides = [[tuple(level) for level in side.tolist()] for side in (book.bids, book.asks)]
        found[instrument.id] = (
            *sides,
            book.state,
            quote.mark,
            quote.last,
            (book.price_exponent, book.size_exponent),
        )
    return found


@pytest.mark.parametrize("start", [None, 2, 650, 1001, 1400])
def test_cells_at_the_end_are_those_of_the_records_wherever_it_began(
    tmp_path: Path, namespace: str, start: int | None
) -> None:
    records = stream(1700)
    for at in (200, 900):
        records[at] = record(at + 1, Kind.STATE, 1, price=State.STALE, size=Reason.GAP)
    recording = written(tmp_path, records, [600, 1200])
    plain = PlainBooks()
    last: dict[int, float] = {}
    mark: dict[int, float] = {}
    for one in records:
        plain.take(one)
        value = one["price"] * 10.0 ** one["price_exponent"]
        if one["kind"] in (Kind.TRADE, Kind.LIQUIDATION):
            last[one["instrument"]] = value
        if one["kind"] == Kind.STAT:
            mark[one["instrument"]] = one["price"] / 100
    begin = None if start is None else (recording.epoch, start)
    (found, stream_), done = played(
        tmp_path, namespace, lambda feed: (cells(feed), events(feed)), start=begin, depth=20
    )
    for instrument, (bids, asks, state, marked, traded, exponents) in found.items():
        levels = plain.levels(instrument)
        assert (bids, asks) == (levels[0][:20], levels[1][:20])
        # what marks say is the recorder's word for what the feed said last
        assert state == State.LIVE
        assert exponents == EXPONENTS[instrument]
        if start is None or start < 1100:
            assert marked == pytest.approx(mark[instrument])
            assert traded == pytest.approx(last[instrument])
    if start is not None and start > 1:
        same(stream_[1:], rows_of(records, recording.epoch)[start - 1 :])
    assert done.records == 1700 - (start or 1) + 1


def test_books_begin_as_they_were_then(tmp_path: Path, namespace: str) -> None:
    """Nothing is played behind the start: the cells are what they were."""
    records = stream(1500)
    recording = written(tmp_path, records, [600])
    plain = PlainBooks()
    for one in records[:1001]:
        plain.take(one)
    found, done = played(
        tmp_path,
        namespace,
        cells,
        start=(recording.epoch, 1001),
        end=(recording.epoch, 1002),
        depth=30,
    )
    assert done.records == 1
    for instrument, (bids, asks, *_) in found.items():
        assert (bids, asks) == tuple(side[:20] for side in plain.levels(instrument))


def book_of(instrument: int, sequence: int, away: range) -> list[Record]:
    made = [record(sequence, Kind.CLEAR, instrument, flags=Flag.FIRST | Flag.SNAPSHOT)]
    for side in (0, 1):
        for step in away:
            price = 1000 + (step if side else -step)
            made.append(
                record(
                    sequence + len(made),
                    Kind.LEVEL,
                    instrument,
                    side=side,
                    price=price,
                    size=5,
                    flags=Flag.SNAPSHOT,
                )
            )
    made[-1]["flags"] |= Flag.LAST
    return made


def in_order(*parts: list[Record]) -> list[Record]:
    made: list[Record] = []
    for part in parts:
        made += part
    for at, one in enumerate(made):
        one["sequence"] = at + 1
    return made


def quote(bid: int, number: int, at_ns: int, **more: Any) -> list[Record]:
    """A message of a channel of best bid and offer."""
    common = {"venue_sequence": number, "receive_ns": at_ns, **more}
    return [
        record(1, Kind.QUOTE, 0, side=0, price=bid, size=7, flags=Flag.FIRST, **common),
        record(1, Kind.QUOTE, 0, side=1, price=bid + 1, size=7, flags=Flag.LAST, **common),
    ]


@pytest.mark.parametrize(
    ("number", "later_ns", "source", "bid"),
    [
        (500, 0, Source.QUOTE, 99.5),  # ahead of the book
        (50, 0, Source.BOOK, 99.9),  # the book has reached it
        (0, 0, Source.BOOK, 99.9),  # without a number it is not shown beside a book
        (500, 1_500_000_000, Source.BOOK, 99.9),  # the book did not reach it in time
    ],
    ids=["ahead", "behind", "unnumbered", "too old"],
)
def test_a_quote_is_shown_by_the_rules_of_the_memory(
    tmp_path: Path, namespace: str, number: int, later_ns: int, source: Source, bid: float
) -> None:
    at = BEGIN_NS + 10**9
    live = [record(1, Kind.STATE, 0, price=State.LIVE, size=Reason.NONE)]
    book = book_of(0, 1, range(1, 5))
    for one in book:
        one["venue_sequence"] = 100
    trade = [record(1, Kind.TRADE, 0, price=1000, size=1, receive_ns=at + later_ns)]
    records = in_order(
        [record(1, Kind.WRITER, None, price=1)], book, live, quote(995, number, at), trade
    )
    written(tmp_path, records, [])
    found, _ = played(tmp_path, namespace, lambda feed: feed.quote(feed.instrument(SYMBOLS[0])))
    assert (found.source, found.bid) == (source, pytest.approx(bid))


def test_other_exponents_and_terms_are_in_the_directory_before_a_record_that_needs_them(
    tmp_path: Path, namespace: str
) -> None:
    finer = {"precision": 1, "price_exponent": -3, "size_exponent": -5}
    again = [{**one, **finer, "price": one["price"] * 100} for one in book_of(0, 1, range(1, 4))]
    halted = record(1, Kind.DEFINITION, 0, price=Status.HALTED, size=1, aux=2)
    records = in_order(
        [record(1, Kind.WRITER, None, price=1)], book_of(0, 1, range(1, 4)), again, [halted]
    )
    recording = Written(tmp_path)
    recording.segment(records[:-1], bases=True, why="run")
    definition = recording.definition

    def later(instrument: int, sequence: int) -> dict[str, Any]:
        new = {"status": "halted", "definition": 2, "sequence": sequence + 5}
        return definition(instrument, sequence) | new

    recording.definition = later  # type: ignore[method-assign]
    recording.segment(records[-1:], bases=True, why="day")

    def look(feed: shm.Feed) -> tuple[Any, ...]:
        instrument = feed.instrument(SYMBOLS[0])
        book = feed.book(instrument, raw=True)
        return events(feed), instrument.price_exponents[:2], instrument.status, book

    (found, exponents, status, book), _ = played(tmp_path, namespace, look)
    same(found[1:], rows_of(records, recording.epoch)[1:])
    assert exponents == (-1, -3)
    assert (status, book.status) == (Status.HALTED, Status.HALTED)
    assert (book.price_exponent, book.size_exponent, book.bids[0].tolist()) == (-3, -5, [99900, 5])


def test_records_that_are_missing_are_counted_and_no_book_without_a_base_is_called_live(
    tmp_path: Path, namespace: str
) -> None:
    records = stream(1000)
    recording = Written(tmp_path)
    recording.segment(records[:400], bases=True, why="run")
    for one in records[400:500]:
        recording.books.take(one)
    del recording.books.sides[2]  # no base of this one
    recording.loss(401, 500)
    later = [one for one in records[500:] if one["instrument"] != 2]
    for at, one in enumerate(later):
        one["sequence"] = 501 + at
    recording.segment(later, bases=True, why="loss")
    (found, there), done = played(
        tmp_path, namespace, lambda feed: (cells(feed), events(feed)), depth=20
    )
    assert done.missing == 100
    for instrument in (0, 1, 3):
        assert found[instrument][:2] == tuple(s[:20] for s in recording.books.levels(instrument))
    said = there[(there["kind"] == Kind.STATE) & (there["instrument"] == 2)][-1]
    assert (said["price"], said["size"]) == (State.STALE, Reason.GAP)
    assert found[2][:3] == ([], [], State.STALE)


def test_depths_that_the_feed_did_not_know_are_not_shown_as_known(
    tmp_path: Path, namespace: str
) -> None:
    records = in_order(
        [record(1, Kind.WRITER, None, price=1)],
        book_of(0, 1, range(1, 9)),
        [record(1, Kind.LEVEL, 0, price=980, size=3)],
    )
    recording = Written(tmp_path)
    mark = recording.books.mark
    recording.books.mark = lambda *each: {**mark(*each), "bids_known": 8}  # type: ignore[method-assign]
    recording.segment(records, bases=True, why="run")
    book, _ = played(
        tmp_path, namespace, lambda feed: feed.book(feed.instrument(SYMBOLS[0]), raw=True)
    )
    assert (len(book.bids), book.bids_known, book.bids_total) == (8, 8, 9)
    assert (len(book.asks), book.asks_known) == (8, None)


def test_another_epoch_is_another_memory(tmp_path: Path, namespace: str) -> None:
    recording = Written(tmp_path)
    one, two = stream(500), stream(400, seed=9)
    recording.segment(one, bases=False, why="run")
    recording.end(500)
    recording.next_epoch()
    recording.segment(two, bases=False, why="epoch")
    found, done = played(tmp_path, namespace, events)
    same(found[1:], rows_of(two, recording.epoch)[1:])
    assert (done.epochs, done.records) == (2, 900)


def test_the_recorded_pace_times_a_speed(tmp_path: Path, namespace: str) -> None:
    written(tmp_path, stream(1000), [])  # a second
    began = time.monotonic()
    replay(tmp_path, namespace=namespace, speed=4.0)
    assert 0.2 < time.monotonic() - began < 5


def test_several_venues_go_by_one_clock(tmp_path: Path, namespace: str) -> None:
    records = stream(800)
    written(tmp_path, records, [])
    other = Written(tmp_path, venue="okx")
    other.segment(records, bases=True, why="run")
    seen: list[tuple[int, int]] = []

    def hold(done: list[Replayed]) -> None:
        with shm.attach("okx", namespace=namespace) as feed:
            same(events(feed)[1:], rows_of(records, other.epoch)[1:])
        assert [one.venue for one in done] == [VENUE, "okx"]

    done = replay(
        tmp_path, namespace=namespace, hold=hold, progress=lambda *each: seen.append(each)
    )
    assert [one.records for one in done] == [800, 800]
    assert seen[-1] == (1600, 1600)


def test_what_cannot_be_played_is_said(tmp_path: Path, namespace: str) -> None:
    with pytest.raises(NoRecording):
        replay(tmp_path / "nothing", namespace=namespace)
    written(tmp_path, stream(400), [])
    with pytest.raises(ValueError, match="speed 0"):
        replay(tmp_path, namespace=namespace, speed=0)
    with pytest.raises(NoRecording, match="no venue 'okx'"):
        replay(tmp_path, namespace=namespace, venues=["okx"])


def test_a_row_that_no_directory_has_is_said(tmp_path: Path, namespace: str) -> None:
    recording = Written(tmp_path)
    definition = recording.definition

    def without(instrument: int, sequence: int) -> dict[str, Any]:
        return definition(min(instrument, 2), sequence)

    recording.definition = without  # type: ignore[method-assign]
    recording.segment(stream(400), bases=True, why="run")
    found, done = played(tmp_path, namespace, lambda feed: [i.symbol for i in feed.instruments()])
    assert found == [*SYMBOLS[:3], "row-3"]
    assert done.problems == ["row 3 is in no directory of the recording"]
