"""The decode benchmark in a tiny mode: every venue, well-formed, on frames that are right."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace

import pytest

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.figures import decode
from feedhandler.bench.kit.frames import (
    SOURCES,
    Case,
    by_kind,
    numbered,
    recorded,
    recordings,
)
from feedhandler.bench.kit.rendered import RenderError, declared, kinds, rendered
from feedhandler.bench.kit.replayed import RECORDINGS, replayed
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.synthetic import REORDERED, VENUES, synthetic
from feedhandler.bench.native._floor import PADDING, Floor
from shm import dev_shm, segment
from tests.bench.support import well_formed

DECLARED = [name for name in venues.names() if declared(name) is not None]


@pytest.mark.parametrize("venue", VENUES)
def test_it_yields_a_figure_a_frame_and_a_level_beside_the_floor(venue: str) -> None:
    findings = Findings()
    decode.measure(synthetic(venue, count=50), findings, repetitions=3, passes=1)
    found = well_formed(findings, "decode")
    case = f"{venue} book synthetic"
    assert set(found) == {
        (case, what) for what in ("time per frame", "time per level", "slow frames")
    }
    assert all(result.ratio for (_, what), result in found.items() if what != "slow frames")


@pytest.mark.parametrize("venue", DECLARED)
def test_frames_rendered_from_shapes_are_right_and_read_the_quick_way(venue: str) -> None:
    facts = declared(venue)
    assert facts is not None
    made = [rendered(venue, kind, count=400) for kind in kinds(facts)]
    findings = Findings()
    for case in made:
        decode.measure(case, findings, repetitions=3, passes=1)
    found = {(one.case, one.metric): one.value for one in findings.results}
    assert found[f"{venue} book synthetic", "time per level"] > 0
    for case in made:
        # Of the simulator's trades one in 25 is a liquidation, which some venues have as such
        # trades; others share a frame, so that of the frames it is more.
        assert found[case.name, "slow frames"] <= (5 if case.kind == "trade" else 0.5)
        assert rendered(venue, case.kind, count=400) == case  # to the last byte


def test_books_are_measured_with_and_without_their_checksum() -> None:
    names = [case.name for case in decode.from_shapes("kraken") if case.kind == "book"]
    assert names == ["kraken book synthetic", "kraken book unverified synthetic"]


def test_a_checksum_that_is_wrong_is_noticed_only_where_it_is_verified() -> None:
    case = rendered("kraken", count=50)
    case.frames[20] = re.sub(rb'"checksum":\d+', b'"checksum":1', case.frames[20])
    with pytest.raises(RuntimeError, match="'BTC/USD': 1"):
        decode.measure(case, Findings(), repetitions=3, passes=1)
    decode.measure(replace(case, verified=False), Findings(), repetitions=3, passes=1)


def test_what_cannot_be_rendered_is_said() -> None:
    with pytest.raises(RenderError, match="kucoin: there are no shapes of its ticker frames"):
        rendered("kucoin", "ticker")


def test_frames_that_the_engine_refuses_are_no_measurement() -> None:
    case = synthetic("okx", count=20)
    del case.frames[5]  # a gap
    with pytest.raises(RuntimeError, match=r"okx book synthetic.*'gaps': 1"):
        decode.measure(case, Findings(), repetitions=3, passes=1)
    assert not dev_shm.objects(f"bench{os.getpid()}")


@pytest.mark.skipif(recordings() is None, reason="no FEEDHANDLER_RECORDINGS")
@pytest.mark.parametrize("venue", SOURCES)
def test_a_recording_is_taken_apart_by_kind(venue: str) -> None:
    assert venue in venues.names()
    whole = recorded(venue, recordings())
    assert whole is not None
    parts = by_kind(whole)
    assert sum(len(part.frames) for part in parts) == len(whole.frames) == len(whole.times)
    assert any(part.kind == "book" and part.floor for part in parts)


@pytest.mark.skipif(recordings() is None, reason="no FEEDHANDLER_RECORDINGS")
@pytest.mark.parametrize("venue", RECORDINGS)
def test_what_a_declared_venue_sent_is_right_and_read_the_quick_way(venue: str) -> None:
    case = replayed(venue, recordings())
    assert case is not None
    findings = Findings()
    decode.measure(case, findings, repetitions=3, passes=1)
    found = {one.metric: one.value for one in findings.results}
    assert found["time per level"] > 0
    assert found["slow frames"] < 1


def test_okx_recordings_from_before_sequence_numbers_get_them() -> None:
    case = synthetic("okx", count=3)
    bare = [frame.partition(b'"checksum":')[0] + b'"checksum":-7}]}' for frame in case.frames]
    empty = bare[1].partition(b'"asks"')[0] + b'"asks":[],"bids":[],"ts":"1","checksum":-7}]}'
    made = numbered([*bare[:3], empty, bare[3]])
    assert all(b'"checksum":0,' in frame for frame in made)
    found = [json.loads(frame)["data"][0] for frame in made]
    first = found[0]["seqId"]
    assert [(row["prevSeqId"], row["seqId"] - first) for row in found] == [
        (-1, 0), (first, 1), (first + 1, 2), (first + 2, 2), (first + 2, 4)
    ]  # fmt: skip


def cases() -> list[Case]:
    made = [synthetic(venue, count=300) for venue in VENUES]
    made += [synthetic(venue, count=300, live=True) for venue in REORDERED]
    whole = [recorded(venue, recordings()) for venue in SOURCES]
    parts = [[one] if one.floor else by_kind(one) for one in whole if one is not None]
    return made + [case for found in parts for case in found if case.floor]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_floor_does_the_same_work(case: Case) -> None:
    floor = Floor(case.venue)
    with segment.create(
        case.venue, namespace=f"bench{os.getpid()}f", instruments=64, depth=5, ring_slots=1 << 16
    ) as held:
        engine = make_engine(venues.load(case.venue), held.writer, auto_add=True)
        for symbol, body in case.snapshots.items():
            engine.snapshot(engine.add_instrument(symbol), body)
            floor.snapshot(symbol.encode(), body)
        for frames in (case.frames[:100], case.frames[100:]):
            engine.connection(0).feed_all(frames)
            floor.feed([frame + bytes(PADDING) for frame in frames])
        rows = [engine.instrument_id(symbol) for symbol in engine.symbols()]
        depth = sum(len(side) for row in rows for side in engine.book(row)[:2])
        counters = engine.counters()
    assert floor.depth() == depth
    # The engine counts the levels of what is older than the snapshot, too.
    assert 0 <= counters["levels"] - floor.levels <= floor.levels // 20
    assert floor.records >= floor.levels
    assert floor.counters()["refused"] == floor.counters()["gaps"] == 0
    if case.kind == "trade":
        assert floor.records == counters["trades"]


def test_a_venue_without_a_floor_is_named() -> None:
    with pytest.raises(ValueError, match="no floor for nowhere"):
        Floor("nowhere")
