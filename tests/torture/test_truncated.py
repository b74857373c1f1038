"""Objects that are truncated while they are mapped: an error that says so, and no SIGBUS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

import shm
from shm import inspect
from shm._native import geometry
from tests.kit.natives import ROOT
from tests.torture.scenarios import GEOMETRY, VENUE
from tests.torture.test_hostile import control_of, create, file_of


@pytest.mark.parametrize("size", [0, 4096, 8192])
def test_a_segment_truncated_while_it_is_mapped(namespace: str, size: int) -> None:
    """An error that says so instead of SIGBUS; with the next writer all is well again."""
    owner = create(namespace)
    feed = shm.attach(VENUE, namespace=namespace)
    events = feed.events(start="oldest")
    known = feed.instrument("I0")
    memory = inspect.open_memory(VENUE, namespace=namespace)
    os.truncate(file_of(owner.path), size)
    asked: list[Callable[[], object]] = [
        lambda: feed.quote(known),
        lambda: feed.book(known),
        feed.board,
        events.poll,
        lambda: feed.events(start="state").poll(),
        lambda: inspect.verify(memory),
    ]
    for ask in asked:
        check_refused(ask)
    owner._release()  # as if it had died of it, which a real one does at its next store
    assert not feed.alive()
    with pytest.raises(shm.WriterLost):
        feed.board()
    with create(namespace):
        assert feed.board()["instrument"].tolist() == [0, 1, 2]
        assert feed.quote(known).live
    memory.close()


def test_what_a_truncated_segment_still_has_is_read(namespace: str) -> None:
    """The ring is gone, the rest is not: nobody is told a lie about either."""
    with create(namespace) as owner:
        feed = shm.attach(VENUE, namespace=namespace)
        events = feed.events(start="oldest")
        before = feed.quote("I0").venue_sequence
        whole = file_of(owner.path).stat().st_size
        os.truncate(file_of(owner.path), geometry(**GEOMETRY)[0]["ring"][0])
        assert feed.quote("I0").venue_sequence == before
        check_refused(events.poll)
        check_refused(lambda: feed.quote("I0"))  # zeros are in place of all of it now
        os.truncate(file_of(owner.path), whole)  # its writer, which is here, writes on


def check_refused(ask: Callable[[], object]) -> None:
    """Truncated memory is told of by the field that does not hold any more, at once or nearly so:
    who finds nothing new asks how the writer is every 50 ms only."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            ask()
        except shm.DamagedSegment as error:
            assert str(error).count("truncated"), error  # noqa: PT017
            assert error.field == "total_bytes"  # noqa: PT017
            return
    raise AssertionError("it was never told of")


def test_a_control_object_truncated_while_it_is_mapped(namespace: str) -> None:
    owner = create(namespace)
    feed = shm.attach(VENUE, namespace=namespace)
    events = feed.events(name="registered")
    os.truncate(control_of(namespace), 0)
    events.wait(0.001)
    assert not feed.alive()
    with pytest.raises(shm.WriterLost):
        events.poll()
    with pytest.raises(shm.NotReady):
        shm.attach(VENUE, namespace=namespace, timeout=0)
    owner._release()
    with create(namespace):
        assert len(feed.board()) == 3


ELSEWHERE = """
import faulthandler, mmap, os, sys, tempfile
if sys.argv[2] == "before":
    faulthandler.enable()
import shm
feed = shm.attach("v", namespace=sys.argv[1])
file = tempfile.TemporaryFile()
file.truncate(8192)
other = mmap.mmap(file.fileno(), 8192)
file.truncate(0)
other[5000]
"""


@pytest.mark.parametrize("handler", ["before", "none"])
def test_a_bus_error_elsewhere_is_somebody_elses(namespace: str, handler: str) -> None:
    with create(namespace):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, namespace, handler],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == -signal.SIGBUS
    assert ("Bus error" in done.stderr) == (handler == "before")


UNGUARDED = """
import faulthandler, os, sys
import shm
feed = shm.attach(sys.argv[2], namespace=sys.argv[1])
if sys.argv[4] == "unguarded":
    faulthandler.enable()
os.truncate(sys.argv[3], 4096)
try:
    feed.quote("I0")
except shm.DamagedSegment as error:
    print(error.field)
"""


@pytest.mark.parametrize("how", ["guarded", "unguarded"])
def test_the_guard_is_what_saves_a_reader(namespace: str, how: str) -> None:
    """A handler that is installed later takes it away, and the reader ends."""
    owner = create(namespace)
    path = file_of(owner.path)
    done = subprocess.run(
        [sys.executable, "-c", UNGUARDED, namespace, VENUE, str(path), how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    owner._release()  # not written to any more: its memory is gone here, too
    if how == "guarded":
        assert (done.returncode, done.stdout) == (0, "total_bytes\n"), done.stderr
    else:
        assert done.returncode == -signal.SIGBUS, done.stderr
