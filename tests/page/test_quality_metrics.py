"""The quality of the day as metrics: the report's numbers, under names by the conventions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from feedhandler.quality import day_file
from feedhandler.quality.day_file import begin_of, day_of
from feedhandler.quality.keeper import Keeper
from feedhandler.quality.report import report
from shm import Counter
from shm.segment import create
from tests.page.test_metrics import OPEN, asked, fill, values

S = 10**9


@pytest.fixture
def day(namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is kept of a venue's day: a minute of two books."""
    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path))
    begin = time.time_ns() - 60 * S
    begin = max(begin, begin_of(day_of(time.time_ns())))
    clock = [begin]
    one = Keeper(namespace, "okx", 4, lambda: clock[0])
    columns = day_file.COUNTED
    told = {
        "BTC-USDT": {"gaps": 3, "missing": 41, "applied": 700, "heals": 3, "suspects": 2,
                     "suspect_ns": 1_500_000_000, "live_since": begin},
        "币安人生USDT": {"gaps": 1, "unsized": 1, "applied": 20},
    }  # fmt: skip
    rows = [[its.get(name, 0) for name in columns] for its in told.values()]
    one.add(dict(enumerate(told)), [], np.array(rows, dtype=np.int64))
    clock[0] = begin + 60 * S
    counters = [0] * 64
    for counter, value in (
        (Counter.TRADES, 12),
        (Counter.CHECKSUM_OK, 90),
        (Counter.CHECKSUM_BAD, 1),
        (Counter.AUDITS, 6),
        (Counter.AUDIT_BAD, 2),
        (Counter.MALFORMED, 5),
    ):
        counters[counter] = value
    one.beat(counters, (0, 0, 0))
    found = report(namespace, "okx")
    assert found is not None
    return found


def test_they_are_the_reports_numbers(namespace: str, day: dict[str, Any]) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        text = asked(namespace, OPEN, per_symbol=True)[1]
        found = values(asked(namespace, per_symbol=True)[1])
        plain = values(asked(namespace)[1])

    def quality(name: str, label: str = "") -> float:
        return found[f"feedhandler_quality_{name}", label]

    assert quality("gaps_total") == day["gaps"] == 4
    assert quality("missing_messages_total") == 41
    assert quality("unsized_gaps_total") == 1
    assert quality("messages_total") == 720
    assert (quality("trades_total"), quality("heals_total")) == (12, 3)
    assert (quality("suspect_windows_total"), quality("suspect_seconds_total")) == (2, 1.5)
    assert [quality("checksums_total", word) for word in ("agrees", "differs")] == [90, 1]
    assert [quality("audits_total", word) for word in ("agrees", "differs")] == [4, 2]
    assert quality("own_malformed_frames_total") == 5
    assert quality("live_ratio") == pytest.approx(day["live"], abs=0.05)
    assert quality("carried_seconds") == pytest.approx(day["carried_ns"] / S, abs=10)
    assert day["carried_ns"] > 0
    assert quality("instrument_gaps_total", "BTC-USDT") == 3
    assert quality("instrument_live_ratio", "币安人生USDT") == 0
    assert not [name for name, _ in plain if name.startswith("feedhandler_quality_instrument")]
    units = {each.name: each.unit for each in open_metrics(text)}  # type: ignore[no-untyped-call]
    assert units["feedhandler_quality_suspect_seconds"] == "seconds"
    assert units["feedhandler_quality_live_ratio"] == ""


def test_nothing_is_said_of_a_day_that_nobody_kept(
    namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDHANDLER_STATE", str(tmp_path))
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        found = values(asked(namespace)[1])
    assert not [name for name, _ in found if name.startswith("feedhandler_quality")]
