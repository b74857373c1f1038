"""The persistence benchmark in a tiny mode, and how it knows when a change was known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from feedhandler.bench.figures import persistent
from feedhandler.bench.figures.persistent_market import Market, book, change_of, update
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.stage import StageError
from feedhandler.cli.bench_report import show
from tests.bench.support import well_formed
from tests.kit.tools import needs


def test_a_change_is_known_with_the_first_that_shows_it_or_a_later_one() -> None:
    times = np.array([100, 200, 300, 400, 900], np.int64)
    seen = [(150, 1), (350, 3), (360, 2), (500, 4)]  # 2 was passed over, and shown again
    known = persistent.known_after(times, seen, 450)
    assert known.tolist() == [50, 150, 50, 100]
    with pytest.raises(StageError, match="not every change"):
        persistent.known_after(times, seen, 1000)


def test_both_ends_know_the_same_market() -> None:
    times = Market(1_000, 0.02).times()
    assert np.array_equal(times, Market(1_000, 0.02).times())
    assert 0.015e9 < np.diff(times[:2000]).mean() < 0.025e9
    assert change_of(book(7, 3)) == change_of(update(7)) == 7
    assert json.loads(book(7, 3))["id"] == 3
    assert len(book(7, 3)) > 5 * len(update(7))


@needs("openssl")  # the command, which makes the certificates
def test_it_yields_what_persistence_and_streaming_cost(capsys: pytest.CaptureFixture[str]) -> None:
    findings = Findings()
    few = {"open socket": 20, "kept-alive HTTP": 20, "new connection": 5}
    persistent.run(findings, repetitions=1, fresh_s=0.05, seconds=1.0, requests=few)
    found = well_formed(findings, "persistent")
    handshakes = [found[f"request: {name}", "handshakes"].value for name in few]
    assert handshakes == [0.0, 0.0, 1.0]
    ways = ("streamed", "polled, kept-alive HTTP", "polled, new connection")
    streamed, kept, anew = (found[f"50 ms fresh: {way}", "line"].value for way in ways)
    assert 0 < streamed < kept < anew
    assert found["50 ms fresh: polled, new connection", "handshakes"].value > 5
    assert found["50 ms fresh: streamed", "handshakes"].value == 0
    assert found["request: kept-alive HTTP", "p50"].floor is not None
    assert len(findings.curves) == 9
    show(findings)
    shown = capsys.readouterr().out
    assert shown.count("request: ") == 3
    assert shown.count("50 ms fresh: ") == 6
