"""The record benchmark in a tiny mode."""

from __future__ import annotations

from pathlib import Path

from feedhandler.bench.figures import record
from feedhandler.bench.kit.result import Findings
from tests.bench.support import nothing_left, well_formed


def test_it_yields_its_figures_and_leaves_nothing(tmp_path: Path) -> None:
    findings = Findings()
    with nothing_left():
        record.run(findings, rate=20_000, seconds=2.0, repetitions=1, to=tmp_path)
    found = well_formed(findings, "record")
    assert ("flat out", "a core keeps") in found
    assert found["flat out", "a core keeps"].value > 10_000
    assert found["flat out", "a core verifies"].value > 10_000
    assert 0 < found["20,000 records/s", "CPU"].value < 100
    assert 1 < found["20,000 records/s", "record"].value < 400
    assert found["20,000 records/s", "records lost"].value == 0
    assert found["20,000 records/s", "memory"].value > 10
    assert list(tmp_path.iterdir()) == []
    assert len(findings.series) == 1
