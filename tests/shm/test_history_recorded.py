"""The past before the ring: from a recording, with what neither has said exactly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import shm
from shm import Kind
from shm.recording.errors import NoRecording
from shm.recording.manifest import KILLED, End, Loss
from tests.recording.written import (
    SYMBOLS,
    PlainBooks,
    Written,
)
from tests.shm.conftest import Create
from tests.shm.recorded import (
    COUNT,
    MS,
    SLOTS,
    TRADES,
    fill,
    of,
    records,
    when,
    written,
)
from tests.shm.support import ROOT


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


def test_quotes_of_books_are_told_from_the_ring_alone(
    create: Create, namespace: str, tmp_path: Path
) -> None:
    made = records()
    for one in made:
        if one["kind"] == Kind.QUOTE:
            one |= {"kind": int(Kind.STAT), "side": 0, "aux": 1, "price": 1, "size": 0}
    held = fill(create, made)
    written(tmp_path, held.epoch, made, [(1, 1500), (1501, 2500)])
    feed = shm.attach("deribit", namespace=namespace, recording=tmp_path)
    quotes = feed.quotes(start=when(1), end=when(COUNT + 1))
    before = [each for each in quotes.missing if "from the ring alone" in each.reason]
    assert [(each.from_ns, each.to_ns) for each in before] == [(when(1), when(COUNT - SLOTS + 1))]
    assert not quotes.complete
