"""A capture replays to the books that the venue had."""

import asyncio
import os
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

import shm
from feedhandler.capture.frames_file import read_frames
from feedhandler.capture.recorder import Recording, record
from feedhandler.capture.replay import replay
from shm.dev_shm import objects
from tests.kit.rig import SYMBOLS, Rig, rig, until


def arrived(r: Rig, venue: str) -> None:
    """Until the recorder's own books are where the paused venue is."""
    with shm.attach(venue, namespace=f"record-{os.getpid()}") as feed:
        for symbol in SYMBOLS[venue]:
            there = r.sims[venue].book(symbol)
            assert there is not None
            last = there[0]
            until(lambda s=symbol, q=last: feed.book(s).venue_sequence >= q, f"{symbol} at {last}")  # type: ignore[misc]


async def captured(r: Rig, venue: str, out: Path) -> Recording:
    """Record until everything is live, through a gap and a drop, and then to a standstill."""
    seen = asyncio.Event()
    latest: list[Recording] = []

    def progress(recording: Recording) -> None:
        latest[:] = [recording]
        if recording.live == len(SYMBOLS[venue]):
            seen.set()

    async def live() -> None:
        await asyncio.sleep(0)
        seen.clear()
        await asyncio.wait_for(seen.wait(), 45)

    sim = r.sims[venue]
    task = asyncio.create_task(record(r.config, venue, out, None, progress))
    await live()
    await asyncio.to_thread(sim.fault, "gap", SYMBOLS[venue][0])
    await live()
    await asyncio.to_thread(sim.fault, "drop")
    await live()
    await asyncio.to_thread(sim.pause)
    await asyncio.to_thread(arrived, r, venue)
    await live()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return latest[0]


@pytest.mark.parametrize("venue", SYMBOLS)
def test_capture_replays_to_the_same_books(venue: str, tmp_path: Path) -> None:
    out = tmp_path / "capture.ndjson.zst"
    with rig(venue) as r:
        recording = asyncio.run(captured(r, venue, out))
        truth = {symbol: r.sims[venue].book(symbol) for symbol in SYMBOLS[venue]}
        assert objects(f"record-{os.getpid()}") == []
        result = replay(out, namespace=r.namespace)
    assert result.venue == venue
    assert recording.frames > 100
    for symbol, there in truth.items():
        assert there is not None
        book = result.books[symbol]
        assert book["state"] == "LIVE"
        assert book["venue_sequence"] == there[0]
        for side, levels in (("bids", there[1]), ("asks", there[2])):
            assert {Decimal(p): Decimal(s) for p, s in book[side]} == levels


def test_capture_says_what_went_both_ways(tmp_path: Path) -> None:
    out = tmp_path / "capture.ndjson.gz"

    async def recorded(r: Rig) -> Recording:
        """Until all is LIVE, and a little longer."""
        task: asyncio.Task[Recording]
        looks: list[Recording] = []

        def progress(recording: Recording) -> None:
            looks.append(recording)
            if recording.live == 2 and len(looks) > 2:
                task.cancel()

        task = asyncio.create_task(record(r.config, "okx", out, 45.0, progress))
        with suppress(asyncio.CancelledError):
            await task
        return looks[-1]

    with rig("okx") as r:
        recording = asyncio.run(recorded(r))
    frames = list(read_frames(out))
    assert recording.frames == len(frames)
    assert recording.live == recording.instruments == 2
    assert frames[0].venue == "okx"
    assert [frame.kind for frame in frames[:2]] == ["rest", "rest"]
    assert frames[0].dir == "out"
    assert frames[1].dir == "in"
    assert {frame.dir for frame in frames} == {"open", "in", "out"}
    sent = [frame.data for frame in frames if frame.dir == "out" and frame.kind == "ws"]
    assert any(b'"op":"subscribe"' in (data or b"") for data in sent)
    times = [frame.t or 0 for frame in frames]
    assert times == sorted(times)
    assert all(times)


def test_capture_into_no_directory_is_an_os_error(tmp_path: Path) -> None:
    with rig("okx") as r, pytest.raises(OSError, match="No such file"):
        asyncio.run(record(r.config, "okx", tmp_path / "none" / "x.ndjson", 1.0))
