"""What a feed carries, recorded, verified, and played back: the same memory again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import shm
from feedhandler.mirror.replay import Replayed, replay
from feedhandler.recording.verify import verify
from shm import Flag, Kind
from tests.recording.market import VENUE, Market
from tests.recording.recorders import at_end, recording


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
