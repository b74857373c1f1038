"""A running writer is killed, leaves, or is stopped at every store."""

from __future__ import annotations

import pytest

import shm
from shm import State, object_names, segment
from tests.torture import observe
from tests.torture.conftest import Choose
from tests.torture.observe import at, drain, follow
from tests.torture.scenarios import GEOMETRY, VENUE
from tests.torture.victims import Point, Victim, Victims

#: What must be among the points: each store of a record, its publication, a cell, its flip.
PROTOCOL = (
    *(f"fh_slot_write: store slot + {word} =" for word in range(1, 8)),
    "fh_slot_write: store slot = 2 * n - 1",
    "fh_slot_write: release slot = 2 * n",
    "fh_publish: release &w->header->published",
    "fh_latch_begin: store copy = 2 * n - 1",
    "fh_words_in: store shared + i",
    "fh_latch_end: release copy = 2 * n",
    "fh_latch_end: release cell = n",
    "fh_wake: store w->sleepers = 0",
    "fh_wake: store wake",
    "fh_futex: futex",
    "fh_directory_add: release &w->header->instruments",
)


def begin(victims: Victims, namespace: str, **order: object) -> tuple[Victim, dict[str, int]]:
    """A writer, before its first point; some reader has fallen asleep."""
    victim = victims.start("write", namespace, **order)
    said = victim.heard()
    assert said is not None
    observe.poke(object_names.readers_name(namespace, VENUE), "readers", "sleepers", 1)
    return victim, said


def stores(victims: Victims, namespace: str) -> list[Point]:
    """The points of a writer at which memory changes."""
    victim, _ = begin(victims, namespace, trace="words")
    victim.go()
    return [point for point in victims.passed(victim) if not point.is_load]


def check_end(victims: Victims, namespace: str, **order: object) -> None:
    """One writer's end, its readers, and the next writer."""
    victim, said = begin(victims, namespace, **order)
    checker, late = follow(namespace), follow(namespace)
    assert drain(checker) is None
    victim.go()
    assert victim.heard() is None
    assert victim.status in ("killed", "left")
    assert not checker.feed.alive()
    observe.check_memory(namespace)
    observe.let_it_seem_old(object_names.data_name(namespace, VENUE, said["epoch"]))
    for one in (checker, late):
        lost = drain(one)
        assert lost is not None
        assert (lost.reason, lost.epoch) == ("died", said["epoch"])
    assert checker.events.lost == 0
    with pytest.raises(shm.WriterLost):
        checker.feed.board()
    with segment.create(VENUE, namespace=namespace, **GEOMETRY) as following:
        assert following.epoch > said["epoch"]
        assert observe.left(namespace) == observe.names(namespace, following.epoch)
        assert drain(checker) is None
        assert (checker.feed.epoch, checker.rows) == (following.epoch, 1)
        assert len(checker.feed.board()) == 0


@pytest.mark.parametrize(("action", "every"), [("kill", 1), ("leave", 6)])
def test_a_writer_that_ends_at_any_store(
    victims: Victims, namespace: str, choose: Choose, action: str, every: int
) -> None:
    points = stores(victims, namespace)
    for protocol in PROTOCOL:
        assert any(point.name.startswith(protocol) for point in points), protocol
    for point in choose(points)[::every]:
        with at(point):
            check_end(victims, namespace, point=point, action=action)


def check_pause(victims: Victims, namespace: str, **order: object) -> None:
    """A writer that stands still for a minute, and then goes on."""
    victim, said = begin(victims, namespace, **order)
    checker, late = follow(namespace), follow(namespace)
    assert drain(checker) is None
    victim.go()
    assert victim.heard() is None
    assert victim.status == "stopped"
    observe.check_memory(namespace)
    observe.let_it_seem_old(object_names.data_name(namespace, VENUE, said["epoch"]))
    assert drain(checker) is drain(late) is None  # suspect, but no loss
    assert checker.feed.alive()
    board = checker.feed.board()
    assert (board["state"][:3] == State.LIVE).all()
    assert not checker.feed.quote("I0").live  # what it says may be old by now
    checker.events.wait(0.001)
    with pytest.raises(shm.WriterRunning) as running:
        segment.create(VENUE, namespace=namespace, **GEOMETRY)
    assert running.value.pid == said["pid"]
    victim.resume()
    ready = victim.heard()
    assert ready is not None
    assert drain(checker) is None
    assert (checker.rows, checker.lost) == (ready["published"], 0)
    assert drain(late) is None
    assert late.rows + late.lost == ready["published"]
    assert checker.feed.quote("I0").live
    victim.go()
    victim.end()
    ended = drain(checker)
    assert ended is not None
    assert ended.reason == "stopped"


def test_a_writer_that_is_stopped_at_any_store(
    victims: Victims, namespace: str, choose: Choose
) -> None:
    for point in choose(stores(victims, namespace)):
        with at(point):
            check_pause(victims, namespace, point=point, action="stop")
