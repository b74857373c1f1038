"""A reader is killed or stopped at every load, store and line of attaching, reading and leaving."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import shm
from shm import inspect, segment
from tests.shm.stress_payload import INSTRUMENTS
from tests.shm.stress_writer import Feeder
from tests.torture.conftest import Choose
from tests.torture.observe import at
from tests.torture.scenarios import GEOMETRY, SLOTS, VENUE, fill, levels
from tests.torture.victims import Point, Victims

#: What must be among the points: the loads of a record and of a cell, the stores of the registry.
PROTOCOL = (
    "fh_slot_read: load slot",
    "fh_words_out: load shared + i",
    "fh_latch_read: acquire cell",
    "fh_latch_read: load copy",
    "fh_join_try: acquire &header->published",
    "fh_wait: store sleepers = 1",
    "fh_wait: acquire &header->published",
    "fh_futex: futex",
    "fh_reader_claim_row: swap &row->pid",
    *(f"_sign: store (&__pyx_v_row->{field})" for field in ("start_ticks", "cursor")),
    "_sign: release (&__pyx_v_row->pid)",
    "__dealloc__: release (&__pyx_v_self->row->pid)",
    "line attach.py open_segment: control = read_struct",
    "line feed.py attach: feed = Feed(",
)


@pytest.fixture
def feeder(namespace: str) -> Iterator[Feeder]:
    """A writer in this process, its ring full."""
    with segment.create(VENUE, namespace=namespace, **GEOMETRY) as owner:
        yield fill(owner.writer, SLOTS)


def advance(feeder: Feeder) -> None:
    """Overwrite every slot, and every copy of every cell more than once."""
    for message in range(SLOTS):
        levels(feeder, message % INSTRUMENTS, 2)
    feeder.writer.heartbeat()


def points(victims: Victims, namespace: str, feeder: Feeder) -> list[Point]:
    victim = victims.start("read", namespace, trace="lines")
    found = victims.passed(victim, published=feeder.writer.published)
    for protocol in PROTOCOL:
        assert any(protocol in point.name for point in found), protocol
    return found


def check_pause(victims: Victims, namespace: str, feeder: Feeder, **order: object) -> None:
    """A reader stands still while everything is overwritten under it, and goes on. It checks itself
    what it reads, and that what it was given and what it was told to have lost is all there was."""
    advance(feeder)
    victim = victims.start("read", namespace, action="stop", **order)
    assert victim.heard() is not None
    victim.go()
    if victim.heard() is None:
        assert victim.status == "stopped"
        advance(feeder)
        victim.resume()
        assert victim.heard() is not None
    victim.go(published=feeder.writer.published)
    victim.end()
    assert victim.status == "done"


def test_stopped_anywhere(victims: Victims, namespace: str, feeder: Feeder, choose: Choose) -> None:
    for point in choose(points(victims, namespace, feeder)):
        with at(point):
            check_pause(victims, namespace, feeder, point=point)


def test_killed_anywhere(victims: Victims, namespace: str, feeder: Feeder, choose: Choose) -> None:
    """Nobody notices; its row in the registry is there for the next one."""
    for point in choose(points(victims, namespace, feeder)):
        if point.is_load:
            continue  # nothing has changed since the point before
        with at(point):
            victim = victims.start("read", namespace, point=point, action="kill")
            assert victim.heard() is not None
            victim.go()
            assert victim.heard() is None
            assert victim.status == "killed"
            advance(feeder)
            with shm.attach(VENUE, namespace=namespace) as feed, feed.events(name="next") as events:
                levels(feeder, 0, 1)
                batch = events.poll()
                assert batch is not None
                assert len(batch) == 1
                alive = [row for row in inspect.readers(VENUE, namespace=namespace) if row["alive"]]
                assert [(row["name"], row["pid"]) for row in alive] == [("next", os.getpid())]
                assert alive[0]["row"] == 0, "the row of who died is lost"
