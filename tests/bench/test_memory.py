"""The memory benchmark in a tiny mode, and its slopes."""

from __future__ import annotations

import random

import pytest

from feedhandler.bench.figures import memory
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.stage import StageError
from tests.bench.support import nothing_left, well_formed


def test_it_yields_sizes_and_slopes_of_both_processes() -> None:
    findings = Findings()
    with nothing_left():
        memory.run(findings, minutes=0.5 / 60, rate=10_000, cycle=500)
    found = well_formed(findings, "memory")
    metrics = {f"{what}, {of}" for what in ("own", "shared") for of in ("slope", "resident")}
    processes = {(name, metric) for name in ("IO process", "strategy") for metric in metrics}
    assert set(found) == processes | {("shared memory", "size")}
    assert found["IO process", "own, resident"].value > 5
    assert found["shared memory", "size"].value > 8  # the ring alone
    assert {len(one.points) >= 4 for one in findings.series} == {True}


def test_a_leak_is_a_slope_and_wobble_is_not() -> None:
    rng = random.Random(5)
    wobble = [(float(t), 1000.0 + rng.choice((0, 4, 8))) for t in range(600)]
    drift, noise = memory.slope(wobble)
    assert abs(drift) <= 3 * noise
    leak = [(t, value + t * 100 / 3600) for t, value in wobble]  # 100 KiB an hour
    drift, noise = memory.slope(leak)
    assert drift == pytest.approx(100, abs=3 * noise + 1)
    assert drift > 3 * noise
    step = [(t, value + (64 if t >= 100 else 0)) for t, value in wobble]
    assert abs(memory.slope(step)[0]) < 400  # one step early on; a line through it has 385
    assert memory.slope([(0.0, 5.0)] * 3) == (0.0, 0.0)


def test_a_process_that_is_gone_is_named() -> None:
    with pytest.raises(StageError, match="strategy, process 4194304"):
        memory.Held("strategy", 4194304).sample(0.0)
