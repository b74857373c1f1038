"""The quality of a venue's data equals what its simulator knows it did."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from feedhandler.quality.report import report
from tests.kit.rig import Rig, end, rig, until
from tests.quality.random_faults import VENUES, run


def quality(r: Rig, venue: str) -> dict[str, Any]:
    return report(r.namespace, venue) or {"messages": 0, "heals": 0}


@pytest.mark.parametrize(
    ("seconds", "names"),
    [
        pytest.param(4.0, ("bybit-linear", "okx", "bitfinex"), id="short"),
        pytest.param(600.0, VENUES, id="ten minutes", marks=pytest.mark.soak),
    ],
)
def test_random_faults(seconds: float, names: tuple[str, ...]) -> None:
    plays = run(seconds, 7, names)
    assert not [problem for _, problems in plays for problem in problems]
    for play, _ in plays:
        assert play.ledger.holes > 0
        assert sum(play.ledger.ordered.values()) >= 2


def test_a_process_that_is_killed_was_not_live() -> None:
    venue = "kraken-futures"
    with rig(venue, rate=200.0) as r:
        first = r.io_process(venue)
        r.attach(venue)
        until(lambda: quality(r, venue).get("messages", 0) > 50, "messages are counted")
        before = quality(r, venue)
        first.kill()
        first.wait()
        died = time.time_ns()
        until(lambda: time.time_ns() - died > 1_000_000_000, "it is dead for a second")
        second = r.io_process(venue)
        r.attach(venue)
        until(lambda: quality(r, venue)["messages"] > before["messages"] + 50, "it goes on")
        its = quality(r, venue)
        end(second)
    assert its["began_ns"] == before["began_ns"]
    lost = np.array([each["carried_ns"] - each["live_ns"] for each in its["instruments"]])
    assert (lost > 900_000_000).all()
    assert its["live"] < 1
