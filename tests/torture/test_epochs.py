"""Starting, stopping and cleaning are cut short at every line and every store."""

from __future__ import annotations

import os
import time

import pytest

import shm
from shm import dev_shm, inspect, object_names, segment
from tests.shm.stress_reader import Checker
from tests.torture import observe
from tests.torture.conftest import Choose
from tests.torture.observe import at, drain, follow
from tests.torture.scenarios import GEOMETRY, VENUE
from tests.torture.victims import Point, Victim, Victims

FIRST_STORE = Point("fh_slot_write: store slot = 2 * n - 1", 1)
#: What must be among the points, by scenario.
STEPS = {
    "first": (
        "_identify: release (&__pyx_v_control->magic)",
        "format_readers: release (&__pyx_v_readers->magic)",
        "line control_object.py _hold_lock: fd = create_object(path, LOCK_MODE)",
        "line control_object.py _take_control: fd = create_object(path, LOCK_MODE)",
        "line readers_object.py take_readers: fd = create_object(path, READERS_MODE)",
        "line dev_shm.py reserve: os.posix_fallocate(fd, 0, size)",
    ),
    "start": (
        "claim_control: release (&__pyx_v_control->writer_pid)",
        "claim_control: release (&__pyx_v_control->writer_start_ticks)",
        "ready: release (&__pyx_v_self->w.header->magic)",
        "announce: release (&__pyx_v_self->w.control->epoch)",
        "fh_supersede: release &header->superseded",
        "fh_supersede: store &header->wake",
        "fh_futex: futex",
        "line writer_lock.py take_lock: fcntl.fcntl(fd, fcntl.F_OFD_SETLK, request)",
        "line dev_shm.py reserve: os.posix_fallocate(fd, 0, size)",
        "line epoch.py retire: supersede(fd)",
        "line epoch.py retire: unlink(old.path)",
    ),
    "renew": (
        "ready: release (&__pyx_v_self->w.header->magic)",
        "announce: release (&__pyx_v_self->w.control->epoch)",
        "fh_supersede: release &header->superseded",
        "line segment.py succeed: retire(old)",
    ),
    "stop": (
        "fh_publish: release",
        "set_state: release (&__pyx_v_self->w.header->state)",
        "fh_supersede: release &header->superseded",
        "line segment.py close: unlink(self.path)",
        "line segment.py _unlink_all: unlink(readers_name(namespace, venue))",
        "line segment.py _unlink_all: unlink(control_name(namespace, venue))",
        "line segment.py _unlink_all: unlink(lock_name(namespace, venue))",
        "line segment.py _release: os.close(self._locks.pop(0))",
    ),
    "clean": (
        "line clean.py sweep_venue: found = [] if alive else objects(namespace, venue)",
        "line clean.py _remove: unlink(name.path)",
    ),
}


@pytest.fixture(autouse=True)
def patient_without_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that starts gives who holds the lock half a second to say who it is."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


def empty(namespace: str) -> None:
    for name in observe.left(namespace):
        dev_shm.unlink(f"/{name}")


def dead(victims: Victims, namespace: str) -> Checker:
    """A reader of a writer that was killed in the middle of its last record."""
    victim = victims.start("stop", namespace, point=FIRST_STORE, action="kill")
    assert victim.heard() is not None
    checker = follow(namespace)
    victim.go()
    assert victim.heard() is None
    assert victim.status == "killed"
    return checker


def begin(
    victims: Victims, scenario: str, namespace: str, **order: object
) -> tuple[Victim, dict[str, int], Checker | None]:
    """A victim before its first point, what it says, and a reader of the writer that goes; None:
    of the first writer that a venue has."""
    empty(namespace)
    checker = dead(victims, namespace) if scenario in ("start", "clean") else None
    victim = victims.start(scenario.replace("first", "start"), namespace, **order)
    said = victim.heard()
    assert said is not None
    if scenario in ("stop", "renew"):
        checker = follow(namespace)
    if checker is not None:  # its readers ask whether it lives
        observe.let_it_seem_old(object_names.data_name(namespace, VENUE, checker.feed.epoch))
    return victim, said, checker


def points(victims: Victims, scenario: str, namespace: str) -> list[Point]:
    """Where memory changes, and every line."""
    victim, _, _ = begin(victims, scenario, namespace, trace="lines")
    victim.go()
    found = [point for point in victims.passed(victim) if not point.is_load]
    for step in STEPS[scenario]:
        assert any(step in point.name for point in found), step
    return found


def create(namespace: str, pid: int) -> segment.WriterSegment | None:
    """Become the writer; None: somebody is, of that pid if it can be told already."""
    try:
        return segment.create(VENUE, namespace=namespace, **GEOMETRY)
    except shm.WriterRunning as error:
        if error.pid not in (0, pid):
            raise
        return None


def check_found(checker: Checker | None, epoch: int, published: int | None = 1) -> None:
    """A reader whose writer is gone finds this one, and all that it has published."""
    if checker is None:
        return
    deadline = time.monotonic() + 10
    while checker.feed.epoch != epoch:
        drain(checker)
        assert time.monotonic() < deadline
    drain(checker)
    assert checker.feed.alive()
    assert checker.rows + checker.lost == published


def check_next(namespace: str, checker: Checker | None) -> None:
    """A writer starts where another was cut short, and a reader of that other one finds it."""
    with segment.create(VENUE, namespace=namespace, **GEOMETRY) as following:
        assert observe.left(namespace) == observe.names(namespace, following.epoch)
        observe.check_memory(namespace)
        check_found(checker, following.epoch)
    assert observe.left(namespace) == []


@pytest.mark.parametrize("scenario", ["start", "first", "renew", "stop", "clean"])
def test_killed_anywhere(victims: Victims, namespace: str, scenario: str, choose: Choose) -> None:
    for point in choose(points(victims, scenario, namespace)):
        with at(point):
            check_kill(victims, scenario, namespace, point=point)


def check_kill(victims: Victims, scenario: str, namespace: str, **order: object) -> None:
    victim, _, checker = begin(victims, scenario, namespace, action="kill", **order)
    victim.go()
    assert victim.heard() is None
    assert victim.status == "killed"
    if checker is not None:
        error = drain(checker)
        assert error is not None
        assert error.reason in ("died", "superseded", "stopped")
        assert drain(checker) is None
    with pytest.raises((shm.NotReady, shm.NoSuchVenue)):
        shm.attach(VENUE, namespace=namespace, timeout=0)
    inspect.list_objects(namespace)
    check_next(namespace, checker)


@pytest.mark.parametrize("scenario", ["start", "first", "renew"])
def test_start_stopped_anywhere(
    victims: Victims, namespace: str, scenario: str, choose: Choose
) -> None:
    """Of two that start at the same time one becomes the writer, whoever of them stands still."""
    for point in choose(points(victims, scenario, namespace)):
        with at(point):
            check_pause(victims, scenario, namespace, point=point)


def check_pause(victims: Victims, scenario: str, namespace: str, **order: object) -> None:
    victim, said, checker = begin(victims, scenario, namespace, action="stop", **order)
    victim.go()
    assert victim.heard() is None
    other = create(namespace, said["pid"])
    if other is None:
        victim.resume()
        started = victim.heard()
        assert started is not None
        assert observe.left(namespace) == observe.names(namespace, started["epoch"]), "not all left"
        check_found(checker, started["epoch"], started["published"])
        victim.go()
        victim.end()
        check_next(namespace, checker)
    else:
        with other:
            victim.resume()
            assert victim.heard() == {"running": os.getpid()}, "two writers"
            assert victim.heard() is None
            check_found(checker, other.epoch)


def test_stop_stopped_anywhere(victims: Victims, namespace: str, choose: Choose) -> None:
    for point in choose(points(victims, "stop", namespace)):
        with at(point):
            victim, said, checker = begin(victims, "stop", namespace, point=point, action="stop")
            victim.go()
            assert victim.heard() is None
            assert checker is not None
            gone = drain(checker)
            assert gone is None or gone.reason == "stopped"
            other = create(namespace, said["pid"])
            if other is None:
                victim.resume()
                victim.end()
                if gone is None:
                    gone = drain(checker)
                    assert gone is not None
                    assert gone.reason == "stopped"
                check_next(namespace, checker)
            else:
                with other:
                    victim.resume()
                    victim.end()
                    check_found(checker, other.epoch)
                    assert observe.left(namespace) == observe.names(namespace, other.epoch)


def test_clean_stopped_anywhere(victims: Victims, namespace: str, choose: Choose) -> None:
    """What cleans never takes a new writer's memory away, and is in nobody's way for long."""
    for point in choose(points(victims, "clean", namespace)):
        with at(point):
            check_clean(victims, namespace, point=point)


def check_clean(victims: Victims, namespace: str, **order: object) -> None:
    victim, _, checker = begin(victims, "clean", namespace, action="stop", **order)
    victim.go()
    assert victim.heard() is None
    other = create(namespace, 0)
    if other is None:
        victim.resume()
        victim.end()
        check_next(namespace, checker)
    else:
        with other:
            victim.resume()
            victim.end()
            assert observe.left(namespace) == observe.names(namespace, other.epoch), "taken away"
            check_found(checker, other.epoch)
