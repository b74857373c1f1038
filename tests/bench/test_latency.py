"""The latency benchmark in a tiny mode, and how its times are put together."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

import shm
from feedhandler.bench.figures import latency, latency_plan
from feedhandler.bench.kit import pace
from feedhandler.bench.kit.frames import Case
from feedhandler.bench.kit.latency_reader import DATA_KINDS, Order, Seen
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import prepare
from feedhandler.bench.kit.synthetic import synthetic
from shm import Kind, segment
from shm.segment import WriterSegment
from tests.bench.support import nothing_left, well_formed


def test_it_yields_percentiles_losses_and_curves_beside_the_floor() -> None:
    case = synthetic("okx", count=120)
    slices = latency_plan.steady(case, [2000], scale=0.01)
    findings = Findings()
    with nothing_left():
        scenario = prepare(case, slices[0].first)
        latency.measure(scenario, slices, findings, readers=["spin"], repetitions=1)
    found = well_formed(findings, "latency")
    assert {case for case, _ in found} == {"okx 2k/s spin"}
    metrics = {metric: result for (_, metric), result in found.items()}
    assert set(metrics) == {
        "p50", "p99", "p99.9", "p50 in memory", "p99.9 in memory", "records lost",
        "sender late p99.9",
    }  # fmt: skip
    assert metrics["records lost"].value == 0
    assert metrics["p50"].ratio is not None
    assert 0 < metrics["p50 in memory"].value < metrics["p50"].value < metrics["p99.9"].value * 1.01
    assert [curve.histogram.count for curve in findings.curves] == [slices[0].count] * 2


@pytest.fixture
def held() -> Iterator[WriterSegment]:
    with segment.create(
        "v", namespace=f"bench{os.getpid()}t", instruments=1, depth=5, ring_slots=1024
    ) as one:
        one.writer.directory_add({"symbol": b"X"})
        yield one


@pytest.mark.parametrize("mode", ["spin", "sleep", "asyncio"])
def test_readers_note_every_batch_and_end_with_the_last_record(
    held: WriterSegment, mode: str
) -> None:
    writer = held.writer
    order = Order(writer.namespace, "v", mode, 6, "")
    with shm.attach("v", namespace=writer.namespace) as feed:
        seen = Seen(feed.events(kinds=DATA_KINDS, start="now"), order)

        def write() -> None:
            for i in range(3):
                # Two records a message, and one that is no data.
                writer.message(0, [(Kind.LEVEL, 0, i, 1), (Kind.LEVEL, 1, i, 1)])
                writer.message(0, [(Kind.STATE, 0, 2, 0)])
                writer.publish()
                writer.wake()

        began = time.monotonic_ns()
        thread = threading.Thread(target=write)
        thread.start()
        if mode == "spin":
            seen.spin()
        elif mode == "sleep":
            seen.sleep()
        else:
            asyncio.run(seen.follow())
        thread.join()
        table, published = seen.table(), seen.published()
        seen.events.close()
    assert table[-1, 1:].tolist() == [6, 0]
    assert (np.diff(table, axis=0)[:, :2] >= 0).all()
    assert len(published) == 6
    slack = 5_000_000  # two clocks, read one after the other
    assert (published > began - slack).all()
    assert (published <= table[-1, 0] + slack).all()


def test_a_frame_is_held_with_the_batch_of_its_last_record() -> None:
    expected = np.array([2, 0, 3, 1])  # the second frame makes no record
    due = np.array([100, 110, 120, 130])
    seen = np.array([[1000, 2, 0], [2000, 6, 0]])
    published = np.array([150, 151, 160, 161, 162, 170])
    taken = latency.joined(seen, published, expected, due, due + 5)
    assert taken.held.tolist() == [900, 1880, 1870]
    assert taken.in_memory.tolist() == [51, 42, 40]
    assert taken.late.tolist() == [5, 5, 5, 5]
    assert taken.lost == 0


def test_what_is_lost_is_counted_and_has_no_latency() -> None:
    expected = np.array([2, 2, 2, 2])
    due = np.zeros(4, np.int64)
    # Frame 0 is handed out; frame 1 and half of 2 are overwritten; the end of 2, and 3, follow.
    seen = np.array([[10, 2, 0], [20, 5, 3]])
    published = np.array([1, 2, 6, 7, 8])
    taken = latency.joined(seen, published, expected, due, due)
    assert taken.lost == 3
    assert taken.held.tolist() == [10, 20]
    assert taken.in_memory.tolist() == [2, 8]


def test_what_never_came_is_lost() -> None:
    expected, due = np.array([1, 1, 1]), np.zeros(3, np.int64)
    taken = latency.joined(np.array([[10, 2, 0]]), np.array([1, 2]), expected, due, due)
    assert (taken.lost, taken.held.tolist()) == (1, [10, 10])
    nothing = latency.joined(np.zeros((0, 3), np.int64), np.zeros(0, np.int64), expected, due, due)
    assert (nothing.lost, nothing.held.tolist()) == (3, [])


def test_the_burst_is_the_busiest_window_after_the_warm_part() -> None:
    quiet = [i * 10**9 for i in range(40)]
    busy = [25 * 10**9 + i * 10**7 for i in range(1, 51)]
    times = sorted(quiet + busy)
    case = Case("okx", "all", [b""] * len(times), times=times)
    first, last = pace.busiest(case, 1.0)
    assert times[first] == 25 * 10**9
    assert last - first == 51
    one = pace.burst(case, 1.0, 10.0)
    assert one.name == "burst x10"
    assert one.after_ns.tolist() == [i * 10**6 for i in range(51)]
    assert pace.burst(case, 1.0, 1.0).after_ns[-1] == 50 * 10**7


def test_steady_slices_follow_each_other_as_far_as_the_case_goes() -> None:
    case = Case("okx", "all", [b""] * 1000)
    slices = latency_plan.steady(case, [100, 2000, 20_000])
    assert slices[0].first == 200
    assert pace.in_order(slices, 200)
    assert [one.count for one in slices] == [400, 400]
    assert np.diff(slices[1].after_ns).tolist() == [500_000] * 399
