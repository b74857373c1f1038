"""The mirror benchmark in a tiny mode, and what it stands beside."""

from __future__ import annotations

import pytest

from feedhandler.bench.figures import mirror
from feedhandler.bench.kit import cores
from feedhandler.bench.kit.mirror_floors import Batches, tcp, zenoh
from feedhandler.bench.kit.mirror_stage import net, source_stage
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.native import programs
from tests.bench.support import nothing_left, well_formed
from tests.kit.tools import need_module


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_module("zenoh", "mirror")


def test_every_record_is_held_beside_its_floors() -> None:
    findings = Findings()
    with nothing_left():
        mirror.run(findings, rates=[2_000], mirrors=[], seconds=0.3, repetitions=1)
    found = well_formed(findings, "mirror")
    rate = "2,000 records/s"
    assert {metric for case, metric in found if case == rate} >= {
        "p50", "p50, reader asleep", "p50 of bare Zenoh", "CPU of serve", "CPU of a mirror",
    }  # fmt: skip
    assert found[rate, "p50"].ratio
    assert found[rate, "records lost"].value == 0
    assert found["a writer that is served", "writer per frame"].ratio


def test_several_mirrors_through_a_router() -> None:
    with nothing_left():
        found = mirror.of_many(cores.choose(), 2, 0.2, routed=True)
    assert found["records lost"] == 0
    assert found["p99"] >= found["p50"] > 0
    assert found["CPU of the router"] > 0


def test_bare_zenoh_and_tcp_carry_every_batch() -> None:
    batches = Batches(20, 1_000, 1_000_000)
    with net(1) as (on, _):
        bare = zenoh(on, cores.choose(), batches)
        assert len(bare.took) == 20
        assert (bare.took > 0).all()
        assert bare.sender_ns > 0
        assert bare.receiver_ns > 0
        try:
            ways = tcp(on, cores.choose(), batches)
        except programs.NoProgram as error:
            pytest.skip(str(error))
    assert len(ways) == 20
    assert (ways > 0).all()


def test_a_source_writes_as_many_frames_as_it_was_told() -> None:
    with nothing_left(), net(1) as (on, _), source_stage(on, cores.choose()) as stage:
        first = stage.pace(5_000, 0.001, 100)
        again = stage.pace(5_000, 0.001, 50)
    assert (first.frames, again.frames) == (100, 50)
    assert again.published == first.published + again.records
    assert 1 < stage.records < 20
    assert again.frame_ns > 0
