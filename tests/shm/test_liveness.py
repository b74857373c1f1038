"""What a reader takes a writer for, from every word that says something about it.

The words are written here by hand, into the memory of a writer that somebody killed.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import shm
from shm import dev_shm
from shm._native import DTYPES
from shm.object_names import ObjectName
from shm.writer_lock import take_lock
from tests.shm.conftest import Create

FORMATS = {4: "<I", 8: "<q"}
HOUR = 3600 * 10**9


class Memory:
    """The objects of venue "v", and its words by name."""

    def __init__(self, namespace: str) -> None:
        self.names: dict[str, ObjectName] = {one.part: one for one in dev_shm.objects(namespace)}

    def put(self, part: str, field: str, value: int) -> None:
        """Into the header of "data", or the one of "control"."""
        dtype = DTYPES["header" if part == "data" else part]
        kind, offset = dtype.fields[field][:2]  # type: ignore[index]
        fd = dev_shm.open_fd(self.names[part].path, writable=True)
        try:
            os.pwrite(fd, struct.pack(FORMATS[kind.itemsize], value), offset)
        finally:
            os.close(fd)

    def hold(self) -> int:
        """Be whom the lock on the control object belongs to; a descriptor."""
        fd = dev_shm.open_fd(self.names["control"].path, writable=True)
        assert take_lock(fd)
        return fd


@pytest.fixture
def dead(namespace: str, create: Create) -> Iterator[tuple[shm.Feed, Memory]]:
    """A feed whose writer has lost its locks, as the kernel takes them from one that was killed."""
    owner = create()
    with shm.attach("v", namespace=namespace) as feed:
        owner._release()
        yield feed, Memory(namespace)


def lost(call: Callable[[], Any], within_s: float = 45.0) -> shm.WriterLost:
    """The error that polling ends with."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            call()
        except shm.WriterLost as error:
            return error
        time.sleep(0.01)
    raise AssertionError(f"not noticed within {within_s} s")


@pytest.mark.parametrize("ahead_ns", [-HOUR, -(10**9), 2 * 10**9, HOUR, 10**18])
def test_a_dead_writer_is_noticed_whatever_its_heartbeat_says(
    dead: tuple[shm.Feed, Memory], ahead_ns: int
) -> None:
    """Ahead of the clock it is after the clock was put back."""
    feed, memory = dead
    events = feed.events()
    memory.put("data", "heartbeat_ns", time.time_ns() + ahead_ns)
    assert lost(events.poll).reason == "died"


@pytest.mark.parametrize("ahead_ns", [-HOUR, -2 * 10**9, 2 * 10**9, HOUR])
def test_the_age_of_a_heartbeat_is_absolute(dead: tuple[shm.Feed, Memory], ahead_ns: int) -> None:
    feed, memory = dead
    fd = memory.hold()  # somebody is alive, or there is no board
    try:
        memory.put("data", "heartbeat_ns", time.time_ns() + ahead_ns)
        age = feed.board().heartbeat_age_ns
    finally:
        os.close(fd)
    assert abs(age - abs(ahead_ns)) < 10**9


def test_a_heartbeat_of_a_moment_ago_is_believed(dead: tuple[shm.Feed, Memory]) -> None:
    """Nobody asks the lock as long as it is younger than 300 ms: two loads and a coarse clock."""
    feed, memory = dead
    events = feed.events()
    for side in (-1, 1):
        for _ in range(100):
            memory.put("data", "heartbeat_ns", time.time_ns() + side * 50_000_000)
            begun = time.monotonic()
            try:
                assert events.poll() is None
            except shm.WriterLost:  # a busy machine has let us wait: it was a moment ago no more
                assert time.monotonic() - begun > 0.2
                events = feed.events()


def test_the_lock_is_asked_at_once_and_then_not_before_50_ms_have_passed(
    dead: tuple[shm.Feed, Memory],
) -> None:
    feed, memory = dead
    memory.put("data", "heartbeat_ns", time.time_ns() - 10**9)
    polls = 0
    for _ in range(20):  # on a busy machine 50 ms may have passed before the first poll
        fd = memory.hold()
        events = feed.events()
        asked = time.monotonic()
        assert events.poll() is None  # alive: the lock is held; it was asked now
        os.close(fd)
        try:
            while True:
                assert events.poll() is None
                polls += 1
                assert time.monotonic() < asked + 45
        except shm.WriterLost:
            assert time.monotonic() - asked > 0.035
        if polls:
            break
    assert polls > 0


STOPPED = (int(shm.State.CLOSED), int(shm.Reason.STOPPED))
ENDS: list[tuple[str, dict[tuple[str, str], int], bool, str | None]] = [
    ("the lock is held", {}, True, None),
    ("nobody holds the lock", {}, False, "died"),
    ("another epoch", {("control", "epoch"): 7}, True, "superseded"),
    ("another process", {("control", "writer_pid"): 1}, True, "died"),
    ("another process of that number", {("control", "writer_start_ticks"): 1}, True, "died"),
    ("superseded", {("data", "superseded"): 1}, True, "superseded"),
    ("stopped", {("data", "superseded"): 1, ("data", "state"): STOPPED[0],
                 ("data", "reason"): STOPPED[1]}, True, "stopped"),
    ("closed, for another reason", {("data", "superseded"): 1, ("data", "state"): STOPPED[0],
                                    ("data", "reason"): 16}, True, "superseded"),
    ("stopped, and yet not closed", {("data", "superseded"): 1, ("data", "state"): 2,
                                     ("data", "reason"): STOPPED[1]}, True, "superseded"),
    ("says so, but is not over yet", {("data", "state"): STOPPED[0],
                                      ("data", "reason"): STOPPED[1]}, True, None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "held", "reason"), [end[1:] for end in ENDS],
                         ids=[end[0] for end in ENDS])  # fmt: skip
def test_how_a_writer_ended(
    dead: tuple[shm.Feed, Memory], words: dict[tuple[str, str], int], held: bool, reason: str | None
) -> None:
    feed, memory = dead
    events = feed.events()
    fd = memory.hold() if held else -1
    try:
        for (part, field), value in words.items():
            memory.put(part, field, value)
        memory.put("data", "heartbeat_ns", time.time_ns() - 10**9)
        if reason is None:
            assert feed.alive()
            assert events.poll() is None
        else:
            assert lost(events.poll).reason == reason
            assert not feed.alive()
    finally:
        if fd >= 0:
            os.close(fd)
