"""The memory of a running feed as a source: what its ring has, and what comes when followed."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedhandler.export.of_live import LiveSource
from feedhandler.export.run import Job, export
from shm import Flag, Kind, State
from shm.errors import NoSuchVenue
from shm.segment import WriterSegment, create
from tests.export.support import rows_of

_numbers = itertools.count()
VENUE = "deribit"


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"export-test-{os.getpid()}-{next(_numbers)}"
    yield name
    for left in Path("/dev/shm").glob(f"{name}.*"):
        left.unlink(missing_ok=True)


@pytest.fixture
def segment(namespace: str) -> Iterator[WriterSegment]:
    with create(VENUE, namespace=namespace, instruments=8, depth=5, ring_slots=1024) as made:
        made.writer.directory_add(
            {
                "symbol": b"BTC-PERPETUAL", "name": b"BTC-USD-PERP", "kind": 2, "has_book": 1,
                "price_exponents": [-1] * 8, "size_exponents": [0] * 8,
            }
        )  # fmt: skip
        yield made


def trade(segment: WriterSegment, number: int, when: int = 0) -> None:
    segment.writer.message(
        0, [(Kind.TRADE, 1, 1000 + number, 7)], receive_ns=when, venue_sequence=number
    )
    segment.writer.publish()
    segment.writer.wake()
    segment.writer.heartbeat()


def book(segment: WriterSegment) -> None:
    levels = [(1000, 5), (999, 6)], [(1001, 7)]
    sequence = segment.writer.message(
        0,
        [
            (Kind.CLEAR, 0, 0, 0),
            *((Kind.LEVEL, side, *one) for side in (0, 1) for one in levels[side]),
        ],
        flags=Flag.SNAPSHOT,
    )  # fmt: skip
    head = {
        "ring_sequence": sequence, "state": State.LIVE, "price_exponent": -1, "bids": 2, "asks": 1,
        "bids_total": 2, "asks_total": 1, "receive_ns": time.time_ns(),
    }  # fmt: skip
    segment.writer.book_store(0, head, *levels)
    segment.writer.publish()


def test_what_the_ring_has_is_exported(
    segment: WriterSegment, namespace: str, tmp_path: Path
) -> None:
    for number in range(1, 6):
        trade(segment, number)
    out = tmp_path / "trades.csv"
    done = export(LiveSource(VENUE, namespace=namespace), Job(out, "csv", "trades"))
    assert [row["id"] for row in rows_of(out)] == list("12345")
    assert next(row["price"] for row in rows_of(out)) == "100.1"
    assert done.holes == []
    assert done.instruments[0]["name"] == "BTC-USD-PERP"


def test_a_feed_is_followed_from_its_state_until_the_end(
    segment: WriterSegment, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(segment)
    for number in range(1200):  # the snapshot is gone from the ring
        segment.writer.message(0, [(Kind.TRADE, 0, 1000, 1)], venue_sequence=number + 1)
    segment.writer.publish()
    out = tmp_path / "incremental_book_L2.csv"
    source = LiveSource(VENUE, namespace=namespace, follow=True)
    job = Job(out, "csv", "incremental_book_L2", end_ns=time.time_ns() + 3600 * 10**9)
    over, chunks = threading.Event(), list[object]()
    monkeypatch.setattr(LiveSource, "_over", lambda *_: len(chunks) > 5)  # then its end has come

    def write() -> None:
        while not over.is_set():
            segment.writer.message(0, [(Kind.LEVEL, 0, 998, 3)])
            segment.writer.publish()
            segment.writer.wake()
            segment.writer.heartbeat()
            over.wait(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = export(source, job, chunks.append)
    finally:
        over.set()
        writer.join()
    rows = [(row["is_snapshot"], row["price"], row["amount"]) for row in rows_of(out)]
    assert rows[:3] == [("true", "100", "5"), ("true", "99.9", "6"), ("true", "100.1", "7")]
    assert ("false", "99.8", "3") in rows[3:]
    assert done.dropped == 0


def test_what_was_overwritten_is_counted(
    segment: WriterSegment, namespace: str, tmp_path: Path
) -> None:
    trade(segment, 1)
    written = 0

    def slow(_: object) -> None:
        nonlocal written
        if not written:
            written = 5000
            for number in range(written):
                trade(segment, number + 2)

    out = tmp_path / "trades.csv"
    follow = LiveSource(VENUE, namespace=namespace, follow=True)
    end = time.time_ns() + 1_000_000_000
    done = export(follow, Job(out, "csv", "trades", end_ns=end), slow)
    assert done.missing > 3000
    assert done.rows + done.missing == 5001


def test_books_without_their_base_are_left_out_and_counted(
    segment: WriterSegment, namespace: str, tmp_path: Path
) -> None:
    for _ in range(9):
        segment.writer.message(0, [(Kind.LEVEL, 0, 998, 3)])
    segment.writer.publish()
    out = tmp_path / "incremental_book_L2.csv"
    done = export(LiveSource(VENUE, namespace=namespace), Job(out, "csv", "incremental_book_L2"))
    assert (done.rows, done.dropped) == (0, 9)


def test_a_venue_that_does_not_run_is_said(namespace: str) -> None:
    with pytest.raises(NoSuchVenue):
        LiveSource("nowhere", namespace=namespace)
