"""The decode benchmark in a tiny mode: every venue, well-formed, on frames that are right."""

from __future__ import annotations

import os

import pytest

from feedhandler import venues
from feedhandler.bench import decode
from feedhandler.bench.frames import SOURCES, by_kind, recorded, recordings
from feedhandler.bench.result import Findings
from feedhandler.bench.synthetic import VENUES, synthetic
from shm import segment
from tests.bench.support import well_formed


@pytest.mark.parametrize("venue", VENUES)
def test_it_yields_a_figure_a_frame_and_a_level_beside_the_floor(venue: str) -> None:
    findings = Findings()
    decode.measure(synthetic(venue, count=50), findings, repetitions=3, passes=1)
    found = well_formed(findings, "decode")
    case = f"{venue} book synthetic"
    assert set(found) == {(case, "time per frame"), (case, "time per level")}
    assert all(result.ratio for result in found.values())


def test_frames_that_the_engine_refuses_are_no_measurement() -> None:
    case = synthetic("okx", count=20)
    del case.frames[5]  # a gap
    with pytest.raises(RuntimeError, match=r"okx book synthetic.*'gaps': 1"):
        decode.measure(case, Findings(), repetitions=3, passes=1)
    assert not segment.objects(f"bench{os.getpid()}")


@pytest.mark.skipif(recordings() is None, reason="no FEEDHANDLER_RECORDINGS")
@pytest.mark.parametrize("venue", SOURCES)
def test_a_recording_is_taken_apart_by_kind(venue: str) -> None:
    assert venue in venues.names()
    whole = recorded(venue, recordings())
    assert whole is not None
    parts = by_kind(whole)
    assert sum(len(part.frames) for part in parts) == len(whole.frames) == len(whole.times)
    assert any(part.kind == "book" and part.floor for part in parts)
