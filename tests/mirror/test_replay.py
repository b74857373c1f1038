"""Recordings back into memory: the same records, and cells that follow from them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import shm
from feedhandler.mirror.replay import Replayed, replay
from shm import Flag, Kind, Reason, State
from shm.recording.errors import NoRecording
from tests.kit.patience import patient
from tests.mirror.played import (
    VENUE,
    cells,
    events,
    played,
    same,
    written,
)
from tests.recording.written import (
    EXPONENTS,
    SYMBOLS,
    PlainBooks,
    Written,
    record,
    rows_of,
    stream,
)


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


def test_a_book_is_not_called_live_before_its_base(tmp_path: Path, namespace: str) -> None:
    """Behind a loss a mark may come before the base of its book."""
    records = stream(1000)
    recording = Written(tmp_path)
    recording.segment(records[:400], bases=True, why="run")
    for one in records[400:500]:
        recording.books.take(one)
    recording.loss(401, 500)
    calm = [one for one in records[500:] if one["kind"] in (Kind.LEVEL, Kind.TRADE)]
    for at, one in enumerate(calm):
        one["sequence"] = 501 + at
    recording.segment(calm[:50], bases=False, why="loss")
    recording.segment(calm[50:100], bases=False)
    recording.segment(calm[100:], bases=True)
    for end, state in ((590, State.STALE), (None, State.LIVE)):
        place = None if end is None else (recording.epoch, end)
        found, _ = played(tmp_path, namespace, cells, end=place, depth=20)
        assert {each[2] for each in found.values()} == {state}
    for instrument, each in found.items():
        assert each[:2] == tuple(s[:20] for s in recording.books.levels(instrument))


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
    assert 0.2 < time.monotonic() - began < patient(5)


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
