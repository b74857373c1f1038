"""Names, modes, the lock, epochs: the writer's side of the objects."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import shm
from shm import _native, control_object, dev_shm, inspect, object_names, segment, writer_lock
from tests.shm.conftest import Create
from tests.shm.support import kill, other_writer

ROOT = Path(__file__).parents[2]


#: What a venue has while its writer lives.
PARTS = ["control", "data", "readers", "lock"]


def parts(namespace: str) -> list[str]:
    return [name.part for name in dev_shm.objects(namespace)]


def file_of(path: str) -> Path:
    return dev_shm.DIRECTORY / path[1:]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_modes_do_not_depend_on_the_umask(create: Create, umask: int) -> None:
    before = os.umask(umask)
    try:
        owner = create()
    finally:
        os.umask(before)
    control = file_of(object_names.control_name(owner.namespace, "v")).stat()
    data = file_of(owner.path).stat()
    readers = file_of(object_names.readers_name(owner.namespace, "v")).stat()
    lock = file_of(object_names.lock_name(owner.namespace, "v")).stat()
    assert control.st_mode & 0o7777 == 0o640
    assert readers.st_mode & 0o7777 == 0o660
    assert lock.st_mode & 0o7777 == 0o600
    assert data.st_mode & 0o7777 == 0o640
    assert control.st_size == _native.CONTROL_BYTES
    assert data.st_blocks * 512 >= data.st_size  # reserved, not sparse


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "..", "ä", "x" * 49, "a b", "a\n"])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(shm.BadName, match="letters"):
        segment.create(name)
    with pytest.raises(shm.BadName, match="namespace"):
        segment.create("v", namespace=name)


@pytest.mark.parametrize(
    "geometry",
    [{"ring_slots": 100}, {"ring_slots": 8}, {"depth": 0}, {"instruments": 0}, {"connections": 0}],
)
def test_geometry_is_checked(namespace: str, geometry: dict[str, int]) -> None:
    with pytest.raises(shm.BadGeometry, match=next(iter(geometry))):
        segment.create("v", namespace=namespace, **geometry)  # type: ignore[arg-type]
    assert dev_shm.objects(namespace) == []


def test_a_second_writer_is_told_who_the_first_is(namespace: str, create: Create) -> None:
    owner = create()
    with pytest.raises(shm.WriterRunning, match=str(os.getpid())) as caught:
        create()
    assert caught.value.pid == os.getpid()
    owner.close()
    process = other_writer(namespace)
    try:
        with pytest.raises(shm.WriterRunning) as caught:
            create()
        assert caught.value.pid == process.pid
    finally:
        kill(process)


def test_too_little_room_says_how_much_and_leaves_nothing(namespace: str) -> None:
    with pytest.raises(shm.NoRoom, match=r"needs [\d.]+ MiB, /dev/shm has [\d.]+ MiB") as caught:
        segment.create("v", namespace=namespace, ring_slots=1 << 28, depth=10_000,
                       instruments=1 << 20)  # fmt: skip
    assert caught.value.needed > caught.value.free
    assert dev_shm.objects(namespace) == []


def test_a_new_epoch_supersedes_and_removes_the_old(namespace: str, create: Create) -> None:
    process = other_writer(namespace)
    feed = shm.attach("v", namespace=namespace)
    events = feed.events()
    old = feed.epoch
    kill(process)
    owner = create()
    assert owner.epoch > old
    assert parts(namespace) == PARTS
    assert owner.path in [name.path for name in dev_shm.objects(namespace)]
    with pytest.raises(shm.WriterLost) as caught:
        events.poll()
    assert (caught.value.reason, caught.value.epoch) == ("superseded", old)


def test_epochs_never_repeat(create: Create) -> None:
    epochs = []
    for _ in range(5):
        owner = create()
        epochs.append(owner.epoch)
        owner.close()
    assert epochs == sorted(set(epochs))


def test_half_made_objects_of_a_dead_writer_are_replaced(namespace: str, create: Create) -> None:
    control = object_names.control_name(namespace, "v")
    file_of(control).touch()
    file_of(f"{control}.7").write_bytes(b"half")
    owner = create()
    assert parts(namespace) == PARTS
    assert owner.path in [name.path for name in dev_shm.objects(namespace)]
    assert shm.attach("v", namespace=namespace).alive()


def test_close_removes_and_keep_keeps(namespace: str, create: Create) -> None:
    with create():
        assert parts(namespace) == PARTS
    assert dev_shm.objects(namespace) == []
    owner = create()
    owner.close(keep=True)
    owner.close()
    assert parts(namespace) == PARTS
    with inspect.open_memory("v", namespace=namespace) as memory:
        header = memory.header()
        assert (header["state"], header["reason"]) == (shm.State.CLOSED, shm.Reason.STOPPED)
        assert memory.writer == "stopped"
        kinds = memory.slots(1, 2)
        assert kinds["kind"].tolist() == [shm.Kind.WRITER] * 2
        assert kinds["price"].tolist() == [1, 0]
    create()  # and the next writer may come


def test_a_closed_writer_refuses(create: Create) -> None:
    owner = create()
    owner.close()
    for call in (owner.writer.publish, owner.writer.wake, owner.writer.capsule):
        with pytest.raises(shm.NotWriter, match="closed"):
            call()


def test_a_child_refuses_and_does_not_hold_the_lock(namespace: str, create: Create) -> None:
    """A forked child that outlives its parent must not keep the venue locked."""
    code = (
        "import os, sys, time\nfrom shm import NotWriter, segment\n"
        f"s = segment.create('v', namespace={namespace!r}, instruments=8, ring_slots=64)\n"
        "if os.fork() == 0:\n"
        "    try:\n        s.writer.publish()\n"
        "    except NotWriter as error:\n        s.close(); print(error, os.getpid(), flush=True)\n"
        "    time.sleep(30)\n    os._exit(0)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    said = parent.stdout.readline()
    child = int(said.split()[-1])
    try:
        assert "child of the writer" in said
        feed = shm.attach("v", namespace=namespace)
        assert feed.alive()  # the child's close() did nothing
        parent.kill()
        parent.wait()
        assert not feed.alive()
        create()
    finally:
        os.kill(child, signal.SIGKILL)
        parent.communicate()


def test_asking_never_takes_the_lock(namespace: str, create: Create) -> None:
    owner = create()
    owner.close(keep=True)
    fd = os.open(file_of(object_names.control_name(namespace, "v")), os.O_RDWR)
    try:
        assert not writer_lock.locked(fd)
        owner = create()
        assert writer_lock.locked(fd)
        owner.close(keep=True)
        assert not writer_lock.locked(fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize(("start", "length"), [(0, 0), (0, 1), (1, 1), (4096, 1), (1 << 60, 0)])
def test_a_lock_is_on_every_byte(namespace: str, create: Create, start: int, length: int) -> None:
    """Who holds any part of an object holds it, for those who ask and those who want it."""
    create().close(keep=True)
    path = file_of(object_names.control_name(namespace, "v"))
    others, ours = (os.open(path, os.O_RDWR) for _ in range(2))
    try:
        request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
        fcntl.fcntl(others, fcntl.F_OFD_SETLK, request)
        assert writer_lock.locked(ours)
        assert not writer_lock.take_lock(ours)
    finally:
        os.close(others)
    assert not writer_lock.locked(ours)
    assert writer_lock.take_lock(ours)
    os.close(ours)
    with pytest.raises(OSError, match="Bad file"):  # which says nothing about others
        writer_lock.take_lock(ours)


def test_the_capsule_keeps_the_writer(create: Create) -> None:
    owner = create()
    capsule = owner.writer.capsule()
    references = sys.getrefcount(owner.writer)
    del capsule
    after = sys.getrefcount(owner.writer)  # an assertion would hold one itself
    assert after == references - 1


def test_the_directory_fills_up(create: Create) -> None:
    writer = create(instruments=2).writer
    assert [writer.directory_add({"symbol": s}) for s in "ab"] == [0, 1]
    with pytest.raises(MemoryError, match="2 instruments"):
        writer.directory_add({"symbol": "c"})
    with pytest.raises(IndexError):
        writer.message(2, [(1, 0, 1, 1)])
    with pytest.raises(ValueError, match="63 bytes"):
        writer.directory_update(0, {"symbol": "x" * 64})
    with pytest.raises(ValueError, match="no field"):
        writer.quote_store(0, {"bid": 1})


def test_a_bad_record_leaves_no_half_message(create: Create) -> None:
    writer = create().writer
    writer.directory_add({"symbol": "a"})
    before = writer.next_sequence
    with pytest.raises(OverflowError):
        writer.message(0, [(1, 0, 1, 1), (1, 0, 1 << 80, 1)])
    assert writer.next_sequence == before


def test_clean_takes_what_no_writer_holds(namespace: str, create: Create) -> None:
    create("alive")
    create("stopped").close(keep=True)
    process = other_writer(namespace, "dead")
    kill(process)
    orphan = f"/{namespace}.orphan.5"
    file_of(orphan).write_bytes(b"")
    would = inspect.clean(namespace, dry_run=True)
    assert len(dev_shm.objects(namespace)) == 13
    assert inspect.clean(namespace) == would
    assert {name.venue for name in dev_shm.objects(namespace)} == {"alive"}
    assert len(would) == 9
    assert inspect.clean(namespace) == []


def test_a_dead_writer_is_seen(namespace: str) -> None:
    process = other_writer(namespace)
    feed = shm.attach("v", namespace=namespace)
    assert feed.alive()
    kill(process)
    assert not feed.alive()
    for call in (feed.board, lambda: feed.quote("a"), feed.board):
        with pytest.raises(shm.ShmError) as caught:
            call()
        assert isinstance(caught.value, shm.WriterLost | shm.UnknownInstrument)
    assert isinstance(caught.value, shm.WriterLost)
    assert caught.value.reason == "died"


def test_a_dead_writer_stays_dead_while_the_next_one_takes_the_lock(namespace: str) -> None:
    process = other_writer(namespace)
    feed = shm.attach("v", namespace=namespace)
    kill(process)
    assert not feed.alive()
    held = control_object.lock_control(namespace, "v")  # it has no memory yet
    try:
        assert not feed.alive()
        with pytest.raises(shm.NotReady, match="a writer is starting"):
            shm.attach("v", namespace=namespace, timeout=0)
    finally:
        os.close(held.lock_fd)
        os.close(held.fd)
