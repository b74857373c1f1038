"""What cells show of records that are played: by the rules of the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import shm
from shm import Kind, Reason, Source, State, Status
from tests.mirror.played import (
    book_of,
    events,
    in_order,
    played,
    quote,
    same,
    written,
)
from tests.recording.written import (
    BEGIN_NS,
    SYMBOLS,
    Written,
    record,
    rows_of,
)


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
