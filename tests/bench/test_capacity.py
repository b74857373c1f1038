"""The capacity benchmark in a tiny mode, and its judgement of a lag."""

from __future__ import annotations

import pytest

from feedhandler.bench.figures import capacity
from feedhandler.bench.figures.capacity import Trial
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.stage import StageError
from feedhandler.sim.server.frames import encode
from tests.bench.support import nothing_left, well_formed


def test_it_finds_what_connections_in_one_process_sustain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_GROWTH_S", "_LATE"):  # on a machine where anything may be late
        monkeypatch.setattr(capacity, name, 60.0)
    monkeypatch.setattr(capacity, "_TRIES", 3)
    findings = Findings()
    with nothing_left():
        capacity.measure("okx", findings, connections=2, repetitions=1, seconds=0.2, frames=300)
    found = well_formed(findings, "capacity")
    case = "okx book synthetic 2 connections plain"
    assert set(found) == {(case, metric) for metric in ("frames", "levels", "payload")}
    frames, levels = found[case, "frames"].value, found[case, "levels"].value
    assert 1.0 < levels / frames < 100.0
    assert found[case, "payload"].value * 1e6 / frames > 100  # bytes of a frame


def test_each_connection_has_a_book_of_its_own_and_goes_on_where_it_was() -> None:
    one, other = capacity.scenarios("deribit", 2, frames=50)
    assert [each.instruments[0].symbol for each in (one, other)] == [
        "BTC-PERPETUAL",
        "001-PERPETUAL",
    ]
    assert all(b"001-PERPETUAL" in frame for frame in other.case.frames)
    line = capacity.Stream(one, None)  # type: ignore[arg-type]
    frames = [encode(frame) for frame in one.case.frames]
    assert line.take(120) == (frames * 3)[:120]
    assert line.take(40) == (frames * 4)[120:160]


def test_a_declared_venue_has_a_book_for_each_connection_too() -> None:
    one, other = capacity.scenarios("gate", 2, frames=50)
    assert [each.instruments[0].symbol for each in (one, other)] == ["BTC_USDT", "001_USDT"]
    assert all(b"001_USDT" in frame for frame in other.case.frames)
    assert other.case.instruments == {"001_USDT": one.case.instruments["BTC_USDT"]}


def a_trial(rate: float, limit: float) -> Trial:
    """Of one that takes so much a second."""
    lag = max(0.0, 1.0 - limit / rate)
    return Trial(rate, 1.0, lag, lag * 2 / 3, 0.0)


def test_the_search_ends_next_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in (20_000.0, 95_000.0, 130_000.0):
        told: list[Trial] = []
        monkeypatch.setattr(capacity, "saturated", lambda *_: 100_000.0)
        monkeypatch.setattr(
            capacity, "trial", lambda _, __, rate, ___, limit=limit: a_trial(rate, limit)
        )
        found = capacity.limit(None, [], 1.0, told.append)  # type: ignore[arg-type]
        assert 0.97 * limit < found < 1.03 * limit
        assert len(told) <= 13
    monkeypatch.setattr(capacity, "trial", lambda _, __, rate, ___: a_trial(rate, 1.0))
    stage = type("Stage", (), {"scenario": capacity.scenarios("okx", 1, frames=20)[0]})()
    with pytest.raises(StageError, match="okx book synthetic: not even 19,923 frames/s"):
        capacity.limit(stage, [], 1.0, lambda _: None)
