"""The past before the ring: from a recording, with what neither has said exactly."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shm
from shm import NO_INSTRUMENT, Kind
from shm.recording.errors import NoRecording
from shm.recording.manifest import KILLED, End, Loss
from tests.recording.written import (
    BEGIN_NS,
    EXPONENTS,
    SYMBOLS,
    PlainBooks,
    Record,
    Written,
    stream,
)
from tests.shm.conftest import Create
from tests.shm.support import ROOT

S = 10**9
MS = 1_000_000
COUNT = 3000
SLOTS = 1024


def records(count: int = COUNT, seed: int = 7) -> list[Record]:
    """As of the other tests; none but the first is about no instrument, as a writer has it."""
    made = stream(count, seed=seed)
    for one in made[1:]:
        if one["instrument"] == NO_INSTRUMENT or one["kind"] == 77:
            one |= {"kind": int(Kind.STAT), "instrument": 0, "side": 0, "aux": 1}
    return made


def fill(create: Create, made: list[Record], slots: int = SLOTS) -> Any:
    """A writer whose ring gets these records, each a message of its own, from record 2 on."""
    held = create("deribit", ring_slots=slots)
    writer = held.writer
    for symbol, (price, size) in zip(SYMBOLS, EXPONENTS, strict=True):
        exponents = {"price_exponents": [price] * 8, "size_exponents": [size] * 8}
        writer.directory_add({"symbol": symbol, "has_book": 1, **exponents})
    for one in made[1:]:
        writer.message(
            one["instrument"],
            [(one["kind"], one["side"], one["price"], one["size"], one["aux"])],
            receive_ns=one["receive_ns"], exchange_ns=one["exchange_ns"],
            venue_sequence=one["venue_sequence"],
        )  # fmt: skip
    writer.publish()
    writer.heartbeat()
    assert writer.next_sequence == made[-1]["sequence"] + 1
    return held


def written(
    directory: Path, epoch: int, made: list[Record], spans: list[tuple[int, int]]
) -> Written:
    """Segments of records first to last, each with bases after a hole."""
    recording = Written(directory, epoch=epoch)
    at = 0
    for first, last in spans:
        for one in made[at : first - 1]:
            recording.books.take(one)
        recording.segment(made[first - 1 : last], bases=first != at + 1 or at == 0)
        at = last
    return recording


def of(made: list[Record], kinds: set[int], since_ns: int = 0) -> list[int]:
    return [
        one["sequence"] for one in made if one["kind"] in kinds and one["receive_ns"] >= since_ns
    ]


TRADES = {int(Kind.TRADE), int(Kind.LIQUIDATION)}


def when(sequence: int) -> int:
    return BEGIN_NS + sequence * MS


def test_seamless_from_the_recording_into_the_ring(
    create: Create, namespace: str, tmp_path: Path
) -> None:
    made = records()
    held = fill(create, made)
    written(tmp_path, held.epoch, made, [(1, 700), (701, 1500), (1501, 2500)])
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    for since in (1, 500, 1200, 2100, 2600):
        found = feed.trades(start=when(since), end=when(COUNT + 1))
        assert found["sequence"].tolist() == of(made, TRADES, when(since)), since
        assert found.complete, found.missing
        exact = {one["sequence"]: one["price"] for one in made}
        assert found["price_scaled"].tolist() == [exact[n] for n in found["sequence"].tolist()]
        assert set(found["epoch"]) == {held.epoch}
    one = feed.trades(start=when(300), end=when(900), instruments=SYMBOLS[2])
    assert one["sequence"].tolist() == [
        r["sequence"] for r in made[299:899] if r["kind"] in TRADES and r["instrument"] == 2
    ]
    last = feed.trades(150)
    assert last["sequence"].tolist() == of(made, TRADES)[-150:]
    assert [each.reason for each in last.missing] in ([], ["the writer says nothing"])
    every = feed.trades(10_000)
    assert every["sequence"].tolist() == of(made, TRADES)
    assert every.missing[0].reason == "the recording begins later"
    quotes = feed.quotes(start=when(1), end=when(COUNT + 1))
    assert quotes["sequence"].tolist() == [n + 1 for n in of(made, {int(Kind.QUOTE)})[::2]]
    bars = feed.bars("100ms", start=when(1), end=when(COUNT + 1))
    assert bars["count"].sum() == len(of(made, TRADES))
    assert len(feed.trades()) == len([n for n in of(made, TRADES) if n > COUNT - SLOTS])


def test_what_neither_has_is_missing_exactly(
    create: Create, namespace: str, tmp_path: Path
) -> None:
    made = records()
    held = fill(create, made)
    recording = written(tmp_path, held.epoch, made, [(101, 700), (801, 1500)])
    recording.line(Loss(0, "deribit", held.epoch, 701, 800, 100, KILLED, when(700), when(801)))
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    found = feed.trades(start=when(1), end=when(COUNT + 1))
    oldest = COUNT - SLOTS + 1
    there = [n for n in of(made, TRADES) if 101 <= n <= 700 or 801 <= n <= 1500 or n >= oldest]
    assert found["sequence"].tolist() == there
    begins, hole, between = found.missing
    assert (begins.from_ns, begins.to_ns) == (when(1), when(101))
    assert begins.reason == "the recording begins later"
    assert (hole.first, hole.last, hole.count) == (701, 800, 100)
    assert hole.reason == "not in the recording: killed"
    assert (hole.from_ns, hole.to_ns) == (when(700), when(801))
    assert (between.first, between.last) == (1501, oldest - 1)
    assert between.reason == "neither in the recording nor in the ring any more"
    assert "NOT complete" in repr(found)
    assert feed.trades(start=when(900), end=when(1400)).complete
    (one,) = feed.trades(start=when(750), end=when(1400)).missing
    assert (one.from_ns, one.to_ns, one.count) == (when(750), when(801), None)
    bars = feed.bars("100ms", start=when(650), end=when(1100))
    for bar in bars:
        touched = when(700) < bar["start_ns"] + 100 * MS and bar["start_ns"] <= when(801)
        assert bar["whole"] != touched


def test_epochs_of_a_recording_and_one_that_is_running(
    create: Create, namespace: str, tmp_path: Path
) -> None:
    """Instruments that the newest epoch has not are there all the same."""
    made = records(900)
    recording = Written(tmp_path, epoch=1_000_000)
    recording.segment(made, bases=True, why="run")
    recording.line(End(0, "deribit", recording.epoch, 900, "stopped"))
    held = create("deribit", ring_slots=SLOTS)
    held.writer.directory_add({"symbol": SYMBOLS[1], "price_exponents": [-2] * 8})
    then = when(2000)
    held.writer.message(0, [(Kind.TRADE, 0, 5, 5)], receive_ns=then, venue_sequence=1)
    held.writer.publish()
    held.writer.heartbeat()
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    found = feed.trades(start=when(1), end=then + 1)
    assert len(found) == len(of(made, TRADES)) + 1
    names = [SYMBOLS[one["instrument"]] for one in made if one["kind"] in TRADES]
    assert found["symbol"].tolist() == [*names, SYMBOLS[1]]
    assert set(found["epoch"]) == {1_000_000, held.epoch}
    ours = found["instrument"][found["symbol"] == SYMBOLS[1]]
    assert set(ours) == {0}
    assert {each.reason for each in found.missing} == {"no writer ran"}
    gone = feed.trades(start=when(1), end=then + 1, instruments=SYMBOLS[3])
    assert set(gone["symbol"]) == {SYMBOLS[3]}
    assert set(feed.trades(5, "NAME-3")["symbol"]) == {SYMBOLS[3]}
    with pytest.raises(shm.UnknownInstrument, match="no instrument 'nobody'"):
        feed.trades(5, "nobody")


def test_a_book_from_the_recording(create: Create, namespace: str, tmp_path: Path) -> None:
    made = records()
    held = fill(create, made)
    written(tmp_path, held.epoch, made, [(1, 700), (701, 1500), (1601, 2500)])
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    plain = PlainBooks()
    done = 0
    for at in (200, 699, 700, 701, 1100, 1500, 1700, 1976):
        for one in made[done:at]:
            plain.take(one)
        done = at
        for row, symbol in enumerate(SYMBOLS):
            for place in (at, when(at)):
                book = feed.book_at(symbol, place, raw=True)
                bids, asks = plain.levels(row)
                assert [tuple(level) for level in book.bids.tolist()] == bids
                assert [tuple(level) for level in book.asks.tolist()] == asks
                assert (book.based_on, book.live) == ("recording", at < 1600)
                assert book.bids_known is None
    for place in (1550, when(1550)):
        with pytest.raises(shm.OutOfReach, match="and the recording does not have it"):
            feed.book_at(SYMBOLS[0], place)
    with pytest.raises(shm.OutOfReach, match="no book of BTC-PERP at 2026"):
        feed.book_at(SYMBOLS[0], when(0))


def test_a_recording_that_is_none_or_of_another_venue(
    create: Create, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = records(1200)
    held = fill(create, made, 256)
    with pytest.raises(NoRecording, match="no such directory"):
        shm.attach("deribit", namespace=namespace, recording=tmp_path / "none")
    other = Written(tmp_path / "other", venue="okx", epoch=held.epoch)
    other.segment(made, bases=True, why="run")
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path / "other")
    assert feed.trades(start=when(1100), end=when(1201)).complete  # the ring has it
    with pytest.raises(NoRecording, match=r"other has no venue 'deribit': it has okx"):
        feed.trades(start=when(1))
    monkeypatch.setenv("FEEDHANDLER_RECORDING", str(tmp_path / "later"))
    later = shm.attach("deribit", namespace=namespace)
    with pytest.raises(NoRecording, match="no such directory"):
        later.trades(start=when(1))
    recording = Written(tmp_path / "later", epoch=held.epoch)
    assert not later.trades(start=when(1), end=when(1201)).complete  # nothing is recorded yet
    recording.segment(made[:1000], bases=True, why="run")
    assert later.trades(start=when(1), end=when(1201)).complete


def test_without_pyarrow_it_says_so(create: Create, namespace: str, tmp_path: Path) -> None:
    made = records(1200)
    held = fill(create, made, 256)
    written(tmp_path, held.epoch, made, [(1, 1100)])
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import shm\n"
        f"feed = shm.attach('deribit', namespace={namespace!r}, recording={str(tmp_path)!r})\n"
        f"assert feed.trades(start={when(1100)}, end={when(1201)}).complete\n"
        f"try:\n    feed.trades(start={when(1)})\n"
        "except shm.ShmError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "pip install 'feedhandler[record]'" in done.stdout, done.stderr


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


def drained(events: shm.Events, count: int) -> np.ndarray[Any, Any]:
    """So many events; nothing else may come between."""
    parts: list[Any] = []
    deadline = time.monotonic() + 20
    while sum(map(len, parts)) < count:
        assert time.monotonic() < deadline
        batch = events.poll()
        if batch is not None:
            parts.append(batch)
    return np.concatenate(parts)


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
