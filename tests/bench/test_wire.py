"""The wire benchmark in a tiny mode: the IO process and its floor over a real socket."""

from __future__ import annotations

import json

import pytest

from feedhandler import venues
from feedhandler.bench.figures import wire
from feedhandler.bench.kit import cores
from feedhandler.bench.kit.rendered import rendered
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.bench.native import programs
from tests.bench.support import nothing_left, well_formed


def test_it_yields_cost_and_rate_beside_the_floor() -> None:
    findings = Findings()
    with nothing_left():
        wire.measure(synthetic("binance", count=300), findings, repetitions=1, frames=200)
    found = well_formed(findings, "wire")
    case = "binance book synthetic plain"
    assert set(found) == {(case, "CPU per frame"), (case, "before lag")}
    assert all(result.ratio for result in found.values())


@pytest.mark.parametrize("venue", ["bitfinex", "htx"])
def test_a_declared_venue_is_played_without_a_floor(venue: str) -> None:
    """Channels that acknowledgements number, connections that count; books that are asked for."""
    findings = Findings()
    with nothing_left():
        wire.measure(rendered(venue, count=500), findings, repetitions=1, frames=300)
    assert well_formed(findings, "wire")
    assert all(result.ratio is None for result in findings.results)
    assert [note.partition(":")[0] for note in findings.notes] == [
        f"no floor for {venue} book synthetic plain"
    ]


def test_without_a_compiler_there_is_no_floor_and_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise programs.NoProgram("no C compiler: install one")

    monkeypatch.setattr(programs, "build", none)
    findings = Findings()
    with nothing_left():
        wire.measure(synthetic("okx", count=60), findings, repetitions=1, frames=50)
    assert findings.notes == ["no floor for okx book synthetic plain: no C compiler: install one"]
    assert all(result.ratio is None for result in findings.results)


def test_a_base_that_wears_thin_is_no_reason_to_begin_anew() -> None:
    asked = venues.load("binance").snapshot_request("BTCUSDT")
    assert asked is not None
    case = synthetic("binance", count=300)
    bids = [[f"{price}.00", "1.00"] for price in range(50_000, 50_000 - asked.levels, -1)]
    base = json.loads(case.snapshots["BTCUSDT"])
    case.snapshots["BTCUSDT"] = json.dumps(base | {"bids": bids}).encode()
    gone = [[price, "0.00"] for price, _ in bids]
    for n, text in enumerate(case.frames):  # all that was answered goes; what is left lies deeper
        frame = json.loads(text)
        frame["data"]["b"] = [["1.00", f"{n}.00"], *(gone if n == 100 else [])]
        case.frames[n] = json.dumps(frame, separators=(",", ":")).encode()
    with nothing_left():
        assert wire.engine_cost(wire.scenario_of(case, 200), cores.choose(), tls=False).cpu > 0
