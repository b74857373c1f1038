"""A start that is refused: by whom, what it leaves, and in which order it lets go."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import shm
from shm import control_object, dev_shm, inspect, object_names, segment, writer_lock
from shm._native import CONTROL_BYTES, DTYPES, VERSION
from tests.shm.conftest import Create
from tests.shm.support import GEOMETRY, nothing_left_open
from tests.shm.test_left_open import inode, zero_is_free
from tests.shm.users import needs_root


class StopError(Exception):
    pass


def stop(*_: object) -> None:
    raise StopError


def test_a_writer_of_an_older_release_is_not_robbed(namespace: str, create: Create) -> None:
    """It has no lock object, and its sign of life on the control object."""
    create()
    control = object_names.control_name(namespace, "v")
    before = inode(control)
    dev_shm.unlink(object_names.lock_name(namespace, "v"))
    with nothing_left_open(), pytest.raises(shm.WriterRunning, match=str(os.getpid())):
        segment.create("v", namespace=namespace, **GEOMETRY)
    assert inode(control) == before
    assert "lock" not in {name.part for name in dev_shm.objects(namespace)}


def control_file(namespace: str) -> Path:
    return dev_shm.DIRECTORY / object_names.control_name(namespace, "v")[1:]


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, 200, CONTROL_BYTES - 1, CONTROL_BYTES, 1 << 16])
def test_a_control_object_that_was_truncated_or_grown_is_whole_again(
    namespace: str, create: Create, size: int
) -> None:
    create().close(keep=True)
    os.truncate(control_file(namespace), size)
    owner = create()
    with shm.attach("v", namespace=namespace, timeout=0) as feed:
        assert feed.epoch == owner.epoch
        assert feed.alive()
    with inspect.open_memory("v", namespace=namespace) as memory:
        assert inspect.verify(memory) == []


def test_a_control_object_that_nobody_filled_is_filled(namespace: str, create: Create) -> None:
    """Its writer was killed in the middle of its first start."""
    control_file(namespace).write_bytes(bytes(CONTROL_BYTES))
    owner = create()
    assert shm.attach("v", namespace=namespace, timeout=0).epoch == owner.epoch


@pytest.mark.parametrize("minor", [0, 1])
def test_another_layout_of_the_same_version_is_refused(
    namespace: str, create: Create, minor: int
) -> None:
    """Another minor version may have another layout: its control object is gone over to."""
    create().close(keep=True)
    fields = DTYPES["control"].fields
    assert fields is not None
    with control_file(namespace).open("r+b") as file:
        file.seek(fields["layout_hash"][1])
        file.write(b"\x55" * 8)
        file.seek(fields["version_minor"][1])
        file.write((VERSION[1] + minor).to_bytes(2, "little"))
    if minor:
        assert create().mend() == []
        assert shm.attach("v", namespace=namespace, timeout=0).alive()
    else:
        with nothing_left_open(), pytest.raises(shm.DamagedSegment, match=r"layout_hash.*clean"):
            segment.create("v", namespace=namespace, **GEOMETRY)


IDENTITY = ("header_bytes", "total_bytes", "boot_id", "venue", "space")


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("field", IDENTITY)
def test_a_control_object_that_does_not_say_whose_it_is_says_it_again(
    namespace: str, create: Create, field: str, running: bool
) -> None:
    """Of a writer that runs when it looks, once a second; else at the next start."""
    owner = create()
    if not running:
        owner.close(keep=True)
    fields = DTYPES["control"].fields
    assert fields is not None
    with control_file(namespace).open("r+b") as file:
        file.seek(fields[field][1])
        file.write(b"\xff")
    if running:
        assert owner.mend() == ["the control object did not say whose it is"]
        assert owner.mend() == []
    else:
        owner = create()
        assert owner.mend() == []
    with shm.attach("v", namespace=namespace, timeout=0) as feed:
        assert feed.epoch == owner.epoch
        assert feed.alive()


@pytest.mark.parametrize("field", ["magic", "version_major", "version_minor", "layout_hash"])
def test_a_living_writers_control_object_is_of_its_version(
    namespace: str, create: Create, field: str
) -> None:
    owner = create()
    fields = DTYPES["control"].fields
    assert fields is not None
    with control_file(namespace).open("r+b") as file:
        file.seek(fields[field][1])
        file.write(b"\xff")
    assert len(owner.mend()) == 1
    assert owner.mend() == []
    assert shm.attach("v", namespace=namespace, timeout=0).alive()


def read_locked(path: str) -> int:
    """A descriptor of some reader's, with the lock that it can have."""
    fd = dev_shm.open_fd(path)
    request = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, request)
    return fd


def test_a_control_object_that_readers_lock_is_made_anew(namespace: str, create: Create) -> None:
    create().close(keep=True)
    control = object_names.control_name(namespace, "v")
    before = inode(control)
    fd = read_locked(control)
    try:
        with nothing_left_open(), segment.create("v", namespace=namespace, **GEOMETRY):
            assert inode(control) != before
            with shm.attach("v", namespace=namespace) as feed:
                assert feed.alive()
    finally:
        os.close(fd)


def test_who_locks_every_control_object_that_is_made_is_told_of(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = writer_lock.take_lock
    taken: list[bool] = []

    def only_the_lock_object(fd: int) -> bool:
        taken.append(not taken and real(fd))
        return taken[-1]

    with nothing_left_open():
        with monkeypatch.context() as patched:
            patched.setattr(control_object, "take_lock", only_the_lock_object)
            with pytest.raises(shm.PermissionDenied, match="locks it as soon as it is made"):
                control_object.lock_control(namespace, "v")
        assert dev_shm.objects(namespace) == []


def test_a_group_that_may_not_be_given_is_an_error(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    with (
        nothing_left_open(),
        pytest.raises(shm.PermissionDenied, match="this user is no member of it"),
    ):
        segment.create("v", namespace=namespace, **GEOMETRY, group=54321)
    assert dev_shm.objects(namespace) == []


@needs_root
@pytest.mark.parametrize("group", [0, 1, 54321])
def test_every_group_has_a_number(namespace: str, group: int) -> None:
    """Root's is 0."""
    fd = dev_shm.create_object(object_names.lock_name(namespace, "v"), 0o600)
    try:
        os.fchown(fd, -1, 777)
        control_object.share(fd, 0o640, -1)
        assert (os.fstat(fd).st_gid, os.fstat(fd).st_mode & 0o7777) == (777, 0o640)
        control_object.share(fd, 0o4660, group)
        assert (os.fstat(fd).st_gid, os.fstat(fd).st_mode & 0o7777) == (group, 0o4660)
    finally:
        os.close(fd)


def test_a_control_object_that_is_none_may_have_been_number_0(namespace: str) -> None:
    control_file(namespace).write_bytes(b"something else".ljust(4096, b"."))
    with zero_is_free(), pytest.raises(shm.DamagedSegment, match="clean"):
        control_object._take_control(namespace, "v", -1)


def test_a_lock_that_was_removed_meanwhile_is_not_kept_open(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, path = dev_shm.is_current, object_names.lock_name(namespace, "v")
    asked: list[int] = []

    def removed_the_first_time(path: str, fd: int) -> bool:
        asked.append(fd)
        if len(asked) == 1:
            dev_shm.unlink(path)
        return real(path, fd)

    create().close(keep=True)
    with nothing_left_open():
        monkeypatch.setattr(control_object, "is_current", removed_the_first_time)
        fd = control_object._hold_lock(namespace, "v")
        assert len(asked) == 2
        assert os.fstat(fd).st_ino == inode(path)
        os.close(fd)


@pytest.mark.parametrize("what", ["unlink", "close"])
def test_who_starts_while_another_start_is_refused_keeps_its_lock(
    namespace: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It comes after the first of the steps by which the refused one lets go."""
    path = object_names.lock_name(namespace, "v")
    others: list[int] = []
    place = control_object if what == "unlink" else os
    real: Callable[[object], object] = getattr(place, what)

    def and_another_starts(one: object) -> None:
        real(one)
        if not others:
            others.append(-1)
            with monkeypatch.context() as usual:
                usual.setattr(place, what, real)
                others[0] = control_object._hold_lock(namespace, "v")

    monkeypatch.setattr(control_object, "_take_control", stop)
    monkeypatch.setattr(place, what, and_another_starts)
    with pytest.raises(StopError):
        control_object.lock_control(namespace, "v")
    monkeypatch.undo()
    (fd,) = others
    try:
        assert dev_shm.is_current(path, fd)
    finally:
        os.close(fd)


def test_a_start_that_fails_lets_go_of_its_lock_last(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or who starts then would find the sign of life of a writer that knows no lock."""
    create().close(keep=True)
    real, closed = os.close, list[str]()

    def close(fd: int) -> None:
        closed.append(os.readlink(f"/proc/self/fd/{fd}"))  # noqa: PTH115
        real(fd)

    monkeypatch.setattr(segment, "take_readers", stop)
    monkeypatch.setattr(os, "close", close)
    with nothing_left_open(), pytest.raises(StopError):
        segment.create("v", namespace=namespace, **GEOMETRY)
    monkeypatch.undo()
    control, lock = (
        str(dev_shm.DIRECTORY / name(namespace, "v")[1:])
        for name in (object_names.control_name, object_names.lock_name)
    )
    assert closed.index(control) < closed.index(lock)
