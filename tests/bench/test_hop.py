"""The hop benchmark in a tiny mode: every kind of reader gets every record."""

from __future__ import annotations

import os
from contextlib import ExitStack

import numpy as np
import pytest

from feedhandler.bench.figures import hop, hop_cost, hop_together, rivals
from feedhandler.bench.kit import cores
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.native import programs
from tests.bench.support import nothing_left, well_formed

needs_two = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")


@needs_two
def test_native_and_python_readers_beside_the_floor() -> None:
    findings = Findings()
    readers = ["native", "Python poll beside a stopped one"]
    with nothing_left():
        hop.measure(findings, repetitions=1, count=50, readers=readers, rival=False)
    found = well_formed(findings, "hop")
    assert set(found) == {(name, metric) for name in readers for metric in ("p50", "p99", "p99.9")}
    assert all(result.ratio for result in found.values())
    counts = {curve.name: curve.histogram.count for curve in findings.curves}
    assert counts == dict.fromkeys(readers, 50) | {"ping-pong": 2 * 2 * 2 * hop.PING_PONGS}


@needs_two
def test_what_readers_cost_the_writer() -> None:
    findings = Findings()
    with nothing_left():
        hop_cost.measure(findings, repetitions=1, bursts=20, most=1, kinds=[hop_cost.Frames])
    found = well_formed(findings, "hop")
    cases = {"a busy neighbour", "1 polling", "1 sleeping", "1 stopped polling", "1 stopped asleep"}
    cases |= {"1 sleeping, cores kept awake"} if cores.may_keep_awake() else set()
    assert set(found) == {(case, "writer per frame") for case in cases}


@needs_two
def test_the_first_and_the_last_of_several_who_sleep() -> None:
    findings = Findings()
    with nothing_left():
        hop_together.measure(findings, repetitions=1, count=50, readers=2)
    found = well_formed(findings, "hop")
    cases = {"2 asleep, the first", "2 asleep, the last"}
    assert set(found) == {(case, metric) for case in cases for metric in ("p50", "p99")}
    assert found["2 asleep, the first", "p50"].value <= found["2 asleep, the last", "p50"].value


def test_messages_are_timed_in_bursts() -> None:
    with ExitStack() as stack:
        writer = hop.make_segment(stack).writer
        work = hop_cost.Messages(writer)
        assert work(10) > 0
        assert writer.published == 1 + 10 * 16  # after the record of the writer's start


@pytest.mark.parametrize("name", rivals.installed())
def test_rivals_deliver_every_message(name: str) -> None:
    with nothing_left():
        took = rivals.hop(name, cores.choose(), 20)
    assert len(took) == 20
    assert (took > 0).all()


def test_a_ping_pong_has_both_ways() -> None:
    where = cores.choose()
    if where.writer == where.reader:
        pytest.skip("one core")
    try:
        ways = hop.ping_pong(where, 100)
    except programs.NoProgram as error:
        pytest.skip(str(error))
    assert len(ways) == 200
    assert np.median(ways) > 0
