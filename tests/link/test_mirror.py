"""A mirror beside its source, while updates flow and while either end comes and goes."""

from __future__ import annotations

import numpy as np
import pytest

import shm
from shm import Reason, State
from tests.link.links import (
    LIVE,
    STALE,
    Flow,
    Process,
    attached,
    cell,
    free_port,
    mirroring,
    same,
    sequence_of,
    serving,
    states,
    until,
)
from tests.recording.market import SYMBOLS, Market

MARKS = 100


def test_cells_and_ring_are_the_sources_byte_for_byte_while_updates_flow(namespace: str) -> None:
    """Each cell is one that the source stored, and never older than the records beside it."""
    port, copy = free_port(), f"{namespace}m"
    with (
        Market(namespace, slots=1 << 16) as market,
        Flow(market) as flow,
        serving(namespace, port=port),
        mirroring(copy, namespace, port=port) as process,
    ):
        feed, mirror = shm.attach("sim", namespace=namespace), attached(copy, process)
        assert mirror.epoch == feed.epoch
        assert mirror.segment is not None
        assert feed.segment is not None
        with mirror.events(raw=True, start="now") as events:
            begun, seen = events.sequence, 0
            for _ in range(MARKS):
                begun = _further(mirror, begun + 100, process)
                at = market.published
                contents = [cell(mirror, row) for row in range(len(SYMBOLS))]
                for row, content in enumerate(contents):
                    sequence = sequence_of(content)
                    its = flow.cells[row].get(sequence)
                    if its != content:  # STALE(LINK) for a moment, on a busy machine
                        book = mirror.book(SYMBOLS[row])
                        assert book.reason is Reason.LINK, (row, sequence)
                    newer = [n for n in tuple(flow.cells[row]) if sequence < n <= begun]
                    assert not newer, f"row {row}: {sequence}, and record {newer} can be seen"
                assert begun <= at + 1000
                batch = events.poll()
                if batch is not None:
                    seen += len(batch)
                    _are_written(market, batch)
            flow.pause()
            until(lambda: states(mirror) == LIVE and same(feed, mirror), "the same", process)
            while (batch := events.poll()) is not None:
                seen += len(batch)
                _are_written(market, batch)
            assert events.lost == 0
            assert events.delivered == seen
            assert events.sequence == market.published + 1
        told = mirror.segment.mirror
        assert told is not None
        assert (told["hops"], told["source"]) == (1, f"here/{namespace}")
        assert told["lost"] == 0
        assert feed.segment.mirror is None


def _further(mirror: shm.Feed, sequence: int, process: Process) -> int:
    segment = mirror.segment
    assert segment is not None
    until(lambda: segment.published >= sequence, "records", process)
    return segment.published


def _are_written(market: Market, batch: np.ndarray) -> None:
    truth = market.truth[market.epoch]
    fields = ("instrument", "kind", "flags", "side", "price", "size")
    for row in batch:
        its = truth[int(row["sequence"])]
        assert tuple(int(row[name]) for name in fields) == its[:6]


def test_either_end_is_killed_and_comes_again(namespace: str) -> None:
    """The mirror says so within a second, and heals; what could be had is had."""
    port, copy = free_port(), f"{namespace}m"
    with (
        Market(namespace, slots=1 << 14) as market,
        Flow(market, pause_s=0.02) as flow,
        serving(namespace, port=port) as server,
        mirroring(copy, namespace, port=port) as process,
    ):
        feed, mirror = shm.attach("sim", namespace=namespace), attached(copy, process)
        until(lambda: states(mirror) == LIVE, "LIVE", process)
        events = mirror.events(raw=True, start="now", on_overrun="resync")
        server.kill()
        until(lambda: states(mirror) == STALE, "STALE", process)
        assert mirror.state == (State.STALE, Reason.LINK)
        with pytest.raises(shm.NotLive, match=r"(?i)link"):
            mirror.require_live(list(SYMBOLS))
        server.again()
        until(lambda: states(mirror) == LIVE, "LIVE again", process)
        process.kill()
        assert not mirror.alive()
        process.again()
        until(lambda: states(mirror) == LIVE, "another mirror", process)
        assert mirror.epoch == market.epoch
        flow.pause()
        until(lambda: same(feed, mirror), "the same", process)
        with pytest.raises(shm.WriterLost):
            until(lambda: _ignored(events.poll()), "the end of the first mirror's memory")
        until(lambda: _read(events) == market.published + 1, "all records")
        assert events.lost < market.published
        assert process.stop() == 0
        assert not mirror.alive()


def _ignored(_: object) -> None: ...


def _read(events: shm.Events) -> int:
    events.poll()
    return int(events.sequence)


def test_a_source_that_ends_and_begins_anew_does_so_on_the_mirror(namespace: str) -> None:
    port, copy = free_port(), f"{namespace}m"
    with (
        Market(namespace) as market,
        serving(namespace, port=port),
        mirroring(copy, namespace, port=port) as process,
        Flow(market, pause_s=0.02) as flow,
    ):
        mirror = attached(copy, process)
        until(lambda: states(mirror) == LIVE, "LIVE", process)
        before = mirror.epoch
        flow.pause()
        market.restart()
        until(lambda: states(mirror) == LIVE and mirror.epoch != before, "new epoch", process)
        assert mirror.epoch == market.epoch
        flow.go()
        with mirror.events(raw=True, start=1) as events:
            first = until(events.poll, "records", process)
        assert int(first["sequence"][0]) == 1  # all of it, from the writer's first word on
        _are_written(market, first)
