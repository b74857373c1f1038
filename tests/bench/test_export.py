"""The export benchmark in a tiny mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedhandler.bench.figures import export
from feedhandler.bench.kit.result import Findings
from tests.bench.support import nothing_left, well_formed


def test_it_yields_its_figures_and_leaves_nothing(tmp_path: Path) -> None:
    findings = Findings()
    files = ["all.csv", "btc.npz"]
    with nothing_left():
        export.run(findings, records=20_000, files=files, to=tmp_path)
    found = well_formed(findings, "export")
    assert {case for case, _ in found} == set(files)
    for name in files:
        assert found[name, "rows"].value > 19_000
        assert found[name, "time"].value > 0
        assert found[name, "CPU"].value > 0
        assert found[name, "memory"].value > 20
        assert found[name, "size"].value > 0.05
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak
def test_ten_million_records_are_exported_within_a_minute(tmp_path: Path) -> None:
    findings = Findings()
    export.run(findings, to=tmp_path)
    found = well_formed(findings, "export")
    late = {case: found[case, "time"].value for case, _ in found if found[case, "time"].value > 60}
    assert not late
