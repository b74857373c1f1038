"""The screens benchmark in a tiny mode."""

from __future__ import annotations

import pytest

from feedhandler.bench.figures import screens
from feedhandler.bench.kit.result import Findings
from tests.bench.support import nothing_left, well_formed


def test_who_looks_is_measured_and_what_it_costs_the_writer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    findings = Findings()
    # Behind all others on a core they may get nothing of it, where other tests run there.
    monkeypatch.setattr(screens, "_behind", lambda cpu: ["taskset", "-c", str(cpu)])
    with nothing_left():
        screens.run(findings, instruments=30, rate=200, seconds=2.5, settle_s=0.1, repetitions=1)
    found = well_formed(findings, "screens")
    size = "30 instruments, 0.2k/s"
    looks = [f"top, one venue: {size}", f"top, all venues: {size}", f"page, 5 viewers: {size}"]
    assert all(found[case, "CPU"].value > 0 for case in looks)
    writer = f"writer, all of them look: {size}"
    metrics = {"p50", "p99", "p50 in memory", "p99 in memory", "CPU a frame"}
    assert {metric for case, metric in found if case == writer} == metrics
    assert all(found[writer, metric].floor for metric in metrics)
