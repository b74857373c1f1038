"""What a feed carries, recorded, verified, and played back: the same memory again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import shm
from feedhandler.capture.replay import replay as play_frames
from feedhandler.config.record_keys import RecordConfig
from feedhandler.mirror.replay import Replayed, replay
from feedhandler.recording.recorder import Recorder
from feedhandler.recording.verify import verify
from shm import Flag, Kind
from shm.registry import readers
from tests.kit.recordings import recorded
from tests.recording.market import VENUE, Market
from tests.recording.recorders import at_end, recording, until


def records(feed: shm.Feed) -> NDArray[np.void]:
    with feed.events(raw=True, start="oldest") as events:
        found = []
        while (batch := events.poll()) is not None:
            found.append(batch)
    return np.concatenate(found)


def books(feed: shm.Feed, depth: int) -> dict[str, tuple[Any, ...]]:
    found = {}
    for instrument in feed.instruments():
        book = feed.book(instrument, depth=depth, raw=True)
        found[instrument.symbol] = (
            book.bids.tolist(),
            book.asks.tolist(),
            book.price_exponent,
            book.size_exponent,
        )
    return found


def test_a_market_recorded_and_played_back_is_the_same(tmp_path: Path, market: Market) -> None:
    with recording(tmp_path, market.namespace, rotate_s=0.3, base_s=0.5) as recorder:
        market.until(2500)
        at_end(recorder, market)
    with shm.attach(VENUE, namespace=market.namespace) as feed:
        live, cells = records(feed), books(feed, market.depth)
    report = verify(tmp_path)
    assert (report.findings, report.lost) == ([], [])
    assert report.total.marks > 0
    seen: list[Any] = []

    def look(_: list[Replayed]) -> None:
        with shm.attach(VENUE, namespace=f"{market.namespace}-again") as again:
            seen.extend((records(again), books(again, market.depth)))

    replay(tmp_path, namespace=f"{market.namespace}-again", depth=market.depth, hold=look)
    assert seen[1] == cells
    ours = seen[0]
    assert len(ours) == len(live)
    for name in live.dtype.names or ():
        if name in ("flags", "publish_delta_ns"):
            continue
        rest = slice(1, None)  # the first one says that this writer starts
        assert (ours[name][rest] == live[name][rest]).all(), name
    assert (ours["flags"][1:] == live["flags"][1:] | Flag.REPLAY).all()
    assert (ours["publish_delta_ns"][1:] == live["publish_delta_ns"][1:]).all()
    assert (ours["kind"] == Kind.STATE).any()


STATS = (
    "mark",
    "index",
    "bid_iv",
    "ask_iv",
    "mark_iv",
    "delta",
    "vega",
    "funding",
    "open_interest",
    "predicted_funding",
    "next_funding_ns",
)
TOP = (
    *("bid", "bid_size", "ask", "ask_size", "last", "last_size"),
    *("state", "reason", "status", "exchange_ns", "sent_ns"),
)


def cells(feed: shm.Feed) -> dict[str, tuple[Any, ...]]:
    """All that a strategy asks of an instrument."""
    found = {}
    for instrument in feed.instruments():
        book, quote = feed.book(instrument, depth=20, raw=True), feed.quote(instrument)
        values = [getattr(quote, name) for name in (*TOP, *STATS)]
        found[instrument.symbol] = (
            book.bids.tolist(),
            book.asks.tolist(),
            book.state,
            (book.bids_known, book.asks_known),
            [None if value != value else value for value in values],
        )
    return found


@pytest.mark.parametrize(
    ("frames", "venue"),
    [
        ("deribit/cryptofeed_deribit.ndjson.gz", "deribit"),
        ("bybit/cryptofeed_v3_bybit_v5.ndjson.gz", "bybit-linear"),
        ("okx/cryptofeed_okx.ndjson.gz", "okx"),
    ],
)
def test_what_a_venue_sent_is_the_same_again(
    tmp_path: Path, namespace: str, frames: str, venue: str
) -> None:
    """By the engine, from frames; by the mirror, from what was recorded of that."""
    live: list[dict[str, tuple[Any, ...]]] = []

    def record(_: object) -> None:
        keys: dict[str, Any] = {"rotate_s": 3600.0, "mark_s": 0.1, "free_mib": 1, "compact": False}
        recorder = Recorder(tmp_path, namespace, [venue], RecordConfig(to=str(tmp_path), **keys))
        thread = threading.Thread(target=recorder.run)
        thread.start()
        try:
            with shm.attach(venue, namespace=namespace) as feed:
                last = int(records(feed)["sequence"][-1])
                live.append(cells(feed))

            def read() -> bool:
                there = readers(venue, namespace=namespace)
                return bool(there) and there[0]["cursor"] > last

            until(read, f"record {last}")
        finally:
            recorder.stop.set()
            thread.join()

    play_frames(recorded(frames), venue=venue, namespace=namespace, hold=record, ring_slots=1 << 17)
    report = verify(tmp_path)
    assert (report.findings, report.lost, report.total.unmarked) == ([], [], 0)
    assert report.total.marks > 0
    again: list[dict[str, tuple[Any, ...]]] = []

    def look(_: list[Replayed]) -> None:
        with shm.attach(venue, namespace=namespace) as feed:
            again.append(cells(feed))

    replay(tmp_path, namespace=namespace, hold=look)
    assert again == live


def test_what_was_lost_is_what_verify_finds_and_what_the_replay_counts(
    tmp_path: Path, market: Market
) -> None:
    for _ in range(2):
        with recording(tmp_path, market.namespace) as recorder:
            market.until(500)
            at_end(recorder, market)
        market.until(market.slots + 500)  # nobody records, and the ring goes round
    with recording(tmp_path, market.namespace) as recorder:
        market.until(300)
        at_end(recorder, market)
    with shm.attach(VENUE, namespace=market.namespace) as feed:
        cells = books(feed, market.depth)
    report = verify(tmp_path)
    assert report.findings == []
    assert len(report.lost) == 2
    kept = report.total.records
    assert sum(each.count or 0 for each in report.lost) + kept == market.published
    seen: list[Any] = []

    def look(done: list[Replayed]) -> None:
        with shm.attach(VENUE, namespace=f"{market.namespace}-again") as again:
            seen.extend((books(again, market.depth), done[0].missing))

    replay(tmp_path, namespace=f"{market.namespace}-again", depth=market.depth, hold=look)
    assert seen == [cells, market.published - kept]
