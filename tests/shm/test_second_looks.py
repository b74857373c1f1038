"""Between a look and the step that it allows, somebody else may act: hence the second looks.

The other one acts here exactly there: what is called in between is replaced by a call that lets it.
"""

from __future__ import annotations

import ctypes
import os
import time

import pytest

import shm
from shm import clean, control_object, dev_shm, object_names, segment, writer_lock
from shm._native import DTYPES, Writer
from tests.shm.conftest import Create
from tests.shm.support import kill, other_writer
from tests.shm.trap import NONE, mappings, trap


def inode(path: str) -> int:
    return (dev_shm.DIRECTORY / path[1:]).stat().st_ino


def test_a_lock_that_was_removed_before_it_was_taken_is_none(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer before closes while we wait for its lock: then ours is on an object without a
    name, and the next one takes another: two writers."""
    before = create()
    real, path = writer_lock.take_lock, object_names.lock_name(namespace, "v")

    def after_the_other_closed(fd: int) -> bool:
        before.close()
        return real(fd)

    monkeypatch.setattr(control_object, "take_lock", after_the_other_closed)
    fd = control_object._hold_lock(namespace, "v")
    try:
        assert os.fstat(fd).st_ino == inode(path)
        other = os.open(dev_shm.DIRECTORY / path[1:], os.O_RDWR)
        try:
            assert writer_lock.locked(other)
            assert not real(other)
        finally:
            os.close(other)
    finally:
        os.close(fd)


def test_cleaning_leaves_a_writer_that_has_just_begun(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock that `clean` found is removed, and a new writer has one of its own under the name,
    and nothing else yet."""
    before = create()
    real, path = writer_lock.take_lock, object_names.lock_name(namespace, "v")
    begun: list[int] = []
    # clean must find a lock that nobody holds
    held = before._locks
    os.close(held.pop())

    def after_another_began(fd: int) -> bool:
        if not begun:
            begun.append(-1)
            for name in dev_shm.objects(namespace):
                dev_shm.unlink(name.path)
            begun[0] = control_object._hold_lock(namespace, "v")
        return real(fd)

    monkeypatch.setattr(clean, "take_lock", after_another_began)
    try:
        assert clean.clean(namespace) == []
        assert begun[0] >= 0
        assert os.fstat(begun[0]).st_ino == inode(path)
    finally:
        for fd in begun:
            os.close(fd)


@pytest.mark.parametrize("gone", [(), ("control",), ("lock",), ("control", "lock")])
def test_cleaning_never_takes_a_living_writers_objects(
    namespace: str, gone: tuple[str, ...]
) -> None:
    """Also where somebody removed one of them, or it never was there (an older release)."""
    process = other_writer(namespace)
    try:
        for name in dev_shm.objects(namespace):
            if name.part in gone:
                dev_shm.unlink(name.path)
        left = {name.part for name in dev_shm.objects(namespace)}
        for dry_run in (True, False):
            taken = clean.sweep(namespace, dry_run=dry_run).removed
            assert not [path for path in taken if path.split(".")[-1].isdigit()]
        assert "data" in {name.part for name in dev_shm.objects(namespace)}
        if "control" not in gone:
            assert {name.part for name in dev_shm.objects(namespace)} == left
    finally:
        kill(process)
    dry = clean.clean(namespace, dry_run=True)
    assert len(dev_shm.objects(namespace)) == len(dry)
    assert clean.clean(namespace) == dry
    assert dev_shm.objects(namespace) == []


def test_cleaning_does_not_say_that_it_removed_what_went_by_itself(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = object_names.ObjectName(namespace, "v", 7, "data")
    monkeypatch.setattr(clean, "objects", lambda *_: [gone])
    assert clean.sweep(namespace) == clean.Swept()


def test_cleaning_goes_from_the_data_to_the_lock(namespace: str) -> None:
    """Until the lock goes, a starting writer finds it held."""
    kill(other_writer(namespace))
    removed = clean.clean(namespace)
    parts = [path.removeprefix(f"/{namespace}.v") for path in removed]
    assert parts[0][1:].isdigit()
    assert parts[1:] == [".readers", "", ".lock"]


def half_cleaned(namespace: str, control: str) -> None:
    """What a dead writer left: its control object is there, half of it, or gone."""
    kill(other_writer(namespace))
    name = object_names.control_name(namespace, "v")
    if control == "half":
        os.truncate(dev_shm.DIRECTORY / name[1:], 100)
    elif control == "gone":
        dev_shm.unlink(name)


CONTROLS = ["there", "half", "gone"]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_start_waits_while_its_predecessors_memory_is_being_cleaned(
    namespace: str, monkeypatch: pytest.MonkeyPatch, control: str
) -> None:
    """Half a second at most: `clean` holds the lock, and the writer that it names is dead."""
    half_cleaned(namespace, control)
    fd = dev_shm.open_fd(object_names.lock_name(namespace, "v"), writable=True)
    assert writer_lock.take_lock(fd)
    slept: list[float] = []

    def done_after_two(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            os.close(fd)

    monkeypatch.setattr(time, "sleep", done_after_two)
    with segment.create("v", namespace=namespace, instruments=8, ring_slots=64) as owner:
        assert shm.attach("v", namespace=namespace).epoch == owner.epoch
    assert len(slept) == 2
    assert 0 < sum(slept) < 0.1


@pytest.mark.parametrize("control", CONTROLS)
def test_a_start_gives_up_on_a_lock_that_stays_held(
    namespace: str, monkeypatch: pytest.MonkeyPatch, control: str
) -> None:
    half_cleaned(namespace, control)
    fd = dev_shm.open_fd(object_names.lock_name(namespace, "v"), writable=True)
    assert writer_lock.take_lock(fd)
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    try:
        with pytest.raises(shm.WriterRunning) as caught:
            segment.create("v", namespace=namespace)
    finally:
        os.close(fd)
    assert caught.value.pid == 0
    assert 0.4 <= sum(slept) <= 0.6


def word(field: str) -> int:
    """Where in the data object's header."""
    return int(DTYPES["header"].fields[field][1])  # type: ignore[index]


@pytest.mark.parametrize("wants", [True, False])
def test_what_a_stopping_writer_published_last_is_handed_out(
    namespace: str, create: Create, wants: bool
) -> None:
    """It publishes and stops after a reader saw nothing new, and before that reader asks whether it
    lives: here at the reader's first look into the control object, which comes between."""
    owner = create()
    writer: Writer = owner.writer
    writer.directory_add({"symbol": "A"})
    feed = shm.attach("v", namespace=namespace)
    events = feed.events(kinds=["trade" if wants else "level"])
    assert events.poll() is None
    last = writer.message(0, [(shm.Kind.TRADE, 0, 1, 1)])  # in the ring, not published
    (data,) = mappings(owner.path, writable=True)
    (control,) = mappings(object_names.control_name(namespace, "v"), writable=False)
    for fd in owner._locks:
        os.close(fd)
    owner._locks.clear()
    stores = [
        (data + word("published"), last, 8),
        (data + word("state"), int(shm.State.CLOSED), 4),
        (data + word("reason"), int(shm.Reason.STOPPED), 4),
        (data + word("superseded"), 1, 4),
    ]
    old = (data + word("heartbeat_ns"), 1, 8)  # so that the lock is asked about
    with trap(control, NONE, data + word("published"), [*stores, old]) as sprung:
        rows = None
        ctypes.c_uint64.from_address(old[0]).value = 1
        if wants:
            rows = events.poll()
        else:
            assert events.poll() is None
    assert sprung.sprung
    assert sprung.seen == last - 1
    if wants:
        assert rows is not None
        assert rows["sequence"].tolist() == [last]
    with pytest.raises(shm.WriterLost) as caught:
        events.poll()
    assert caught.value.reason == "stopped"
    assert (events.delivered, events.filtered) == ((1, 0) if wants else (0, 1))


def test_a_writer_that_stops_while_it_is_asked_about_has_stopped(
    namespace: str, create: Create
) -> None:
    """It has not died: its lock goes after it has said that it stops."""
    owner = create()
    feed = shm.attach("v", namespace=namespace)
    events = feed.events()
    (data,) = mappings(owner.path, writable=True)
    (control,) = mappings(object_names.control_name(namespace, "v"), writable=False)
    for fd in owner._locks:
        os.close(fd)
    owner._locks.clear()
    stores = [
        (data + word("state"), int(shm.State.CLOSED), 4),
        (data + word("reason"), int(shm.Reason.STOPPED), 4),
        (data + word("superseded"), 1, 4),
    ]
    ctypes.c_uint64.from_address(data + word("heartbeat_ns")).value = 1
    with (
        trap(control, NONE, data + word("published"), stores) as sprung,
        pytest.raises(shm.WriterLost) as caught,
    ):
        events.poll()
    assert sprung.sprung
    assert caught.value.reason == "stopped"


def test_a_lock_that_is_removed_before_it_can_be_opened_is_made_anew(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dev_shm.create_object
    tries: list[str] = []

    def there_a_moment_ago(path: str, mode: int) -> int:
        tries.append(path)
        if len(tries) == 1:
            raise FileExistsError(path)
        return real(path, mode)

    monkeypatch.setattr(control_object, "create_object", there_a_moment_ago)
    with segment.create("v", namespace=namespace, instruments=8, ring_slots=64) as owner:
        assert shm.attach("v", namespace=namespace).epoch == owner.epoch
    lock = object_names.lock_name(namespace, "v")
    assert tries[:2] == [lock, lock]
