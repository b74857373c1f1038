"""Events from a time on: in the ring, and before it in a recording."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import shm
from shm import NO_INSTRUMENT, Kind
from shm.recording.manifest import End
from tests.recording.written import (
    SYMBOLS,
    Written,
)
from tests.shm.conftest import Create
from tests.shm.recorded import (
    COUNT,
    SLOTS,
    S,
    drained,
    fill,
    records,
    when,
    written,
)


def test_events_since_a_time(create: Create, namespace: str) -> None:
    held = create(ring_slots=256)
    writer = held.writer
    writer.directory_add({"symbol": "A"})
    feed = shm.attach("v", namespace=namespace)
    now = time.time_ns()
    whole = feed.events(start="-30s")  # the writer has just begun: its ring is whole
    assert [each.reason for each in whole.missing] == ["it was before this writer began"]
    assert not whole.complete
    assert next(whole)["kind"].tolist() == [Kind.WRITER]
    for n in range(200):
        rows = [(Kind.LEVEL, 0, n, 1), (Kind.LEVEL, 1, n, 1)]
        writer.message(0, rows, receive_ns=now - 200 * S + n * S)
    writer.publish()
    events = feed.events(start=now - 50 * S)
    assert events.complete
    batch = events.poll()
    assert batch is not None
    assert batch["price"].tolist() == np.repeat(np.arange(150.0, 200.0), 2).tolist()
    writer.message(0, [(Kind.LEVEL, 0, 7, 1)], receive_ns=now)
    writer.publish()
    assert next(events)["price"].tolist() == [7]
    assert feed.events(start="now").poll() is None
    assert feed.events(start=now + 1).poll() is None
    with pytest.raises(shm.OutOfReach, match=r"the ring does not reach.*recording=DIR") as caught:
        feed.events(start=now - 190 * S)
    assert caught.value.missing
    begun = feed.events(start=now - 190 * S, on_overrun="resync")
    assert begun.missing[-1].to_ns == now - 200 * S + 73 * S
    assert next(begun)["price"][0] == 73
    for wrong, said in (
        (time.time_ns() + 60 * S, "to come"),
        ("then", "no time"),
        (1.5, "no time"),
    ):
        with pytest.raises(ValueError, match=said):
            feed.events(start=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", [False, True], ids=["values", "raw"])
def test_events_from_the_recording_and_on_into_the_ring(
    create: Create, namespace: str, tmp_path: Path, raw: bool
) -> None:
    made = records()
    held = fill(create, made)
    written(tmp_path, held.epoch, made, [(1, 700), (701, 1500), (1501, 2500)])
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    whole = shm.attach("deribit", namespace=namespace).events(start="oldest", raw=raw)
    ring = drained(whole, SLOTS)
    for start, first in ((when(5), 5), (when(1200), 1200), (1700, 1700), (when(2500), 2500)):
        events = feed.events(start=start, raw=raw)
        assert events.complete
        found = drained(events, COUNT - first + 1)
        assert found["sequence"].tolist() == list(range(first, COUNT + 1))
        assert found.dtype == ring.dtype
        same = ring["sequence"] >= first
        for name in ring.dtype.names or ():
            if name not in ("flags", "publish_delta_ns"):  # the test's writer has its own
                assert np.array_equal(
                    found[name][-same.sum() :],
                    ring[name][same],
                    equal_nan=name in ("price", "size"),
                ), name
        for one, row in zip(made[first - 1 :], found, strict=True):
            assert (one["kind"], one["receive_ns"]) == (row["kind"], row["receive_ns"])
            assert one["instrument"] == row["instrument"]
            if one["kind"] == Kind.TRADE:
                exact = one["price"] if raw else one["price"] / 10 ** -one["price_exponent"]
                assert row["price"] == exact
        assert events.poll() is None
        assert events.sequence == COUNT + 1
    few = feed.events([SYMBOLS[1]], ["trade"], start=when(1))
    expected = [r["sequence"] for r in made if r["kind"] == Kind.TRADE and r["instrument"] == 1]
    assert drained(few, len(expected))["sequence"].tolist() == expected
    held.writer.message(1, [(Kind.TRADE, 0, 4, 4)], receive_ns=time.time_ns())
    held.writer.publish()
    assert next(few)["sequence"].tolist() == [COUNT + 1]


def test_events_over_epochs_of_a_recording(create: Create, namespace: str, tmp_path: Path) -> None:
    made = records(900)
    recording = Written(tmp_path, epoch=1_000_000)
    recording.segment(made, bases=True, why="run")
    recording.line(End(0, "deribit", recording.epoch, 900, "stopped"))
    held = create("deribit", ring_slots=SLOTS)
    held.writer.directory_add({"symbol": SYMBOLS[1], "price_exponents": [-2] * 8})
    held.writer.message(0, [(Kind.TRADE, 0, 5, 5)], receive_ns=when(2000))
    held.writer.publish()
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    events = feed.events(start=when(100))
    assert [each.reason for each in events.missing] == ["no writer ran"]
    old = drained(events, 801)
    assert old["sequence"].tolist() == list(range(100, 901))
    table = events.table(old)
    named = [
        None if one["instrument"] == NO_INSTRUMENT else SYMBOLS[one["instrument"]]
        for one in made[99:]
    ]
    assert table["symbol"].tolist() == named
    with pytest.raises(shm.WriterLost) as lost:
        events.poll()
    assert (lost.value.epoch, lost.value.published) == (1_000_000, 900)
    assert drained(events, 2)["kind"].tolist() == [Kind.WRITER, Kind.TRADE]
    assert events.poll() is None


def test_events_that_neither_has(create: Create, namespace: str, tmp_path: Path) -> None:
    made = records()
    held = fill(create, made)
    written(tmp_path, held.epoch, made, [(101, 700), (801, 2500)])
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    for start in (when(1), when(300), 300):
        with pytest.raises(shm.OutOfReach, match=r"not all events of deribit are there: .*say on"):
            feed.events(start=start)
    events = feed.events(start=300, on_overrun="resync")
    (hole,) = events.missing
    assert (hole.first, hole.last) == (701, 800)
    found = drained(events, COUNT - 400 + 1)
    assert found["sequence"].tolist() == [*range(300, 701), *range(801, COUNT + 1)]


def test_a_ring_that_went_on_while_the_recording_was_read(
    create: Create, namespace: str, tmp_path: Path
) -> None:
    """What the ring has no more is taken from what was recorded meanwhile; or is an overrun."""
    made = records(6000)
    held = fill(create, made[:3000])
    recording = written(tmp_path, held.epoch, made, [(1, 2500)])
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    events, late = feed.events(start=when(2)), feed.events(start=when(2))
    for one in made[3000:]:
        rows = [(one["kind"], one["side"], one["price"], one["size"], one["aux"])]
        held.writer.message(one["instrument"], rows, receive_ns=one["receive_ns"])
    held.writer.publish()
    first = 3000 - SLOTS + 1
    assert drained(late, first - 2)["sequence"].tolist() == list(range(2, first))
    with pytest.raises(shm.Overrun) as caught:
        late.poll()
    assert caught.value.lost == 6000 - first + 1
    recording.segment(made[2500:5500], bases=False)
    assert drained(events, 5999)["sequence"].tolist() == list(range(2, 6001))
