"""What lies in /dev/shm is found, opened, given memory and removed as it says."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import shm
from shm import dev_shm
from tests.shm.support import nothing_left_open
from tests.shm.users import STRANGER, needs_root


@pytest.fixture
def place(namespace: str) -> Iterator[Path]:
    """Where the control object of "v" would be."""
    path = dev_shm.DIRECTORY / f"{namespace}.v"
    yield path
    if path.is_dir() and not path.is_symlink():
        path.rmdir()


def name(place: Path) -> str:
    return f"/{place.name}"


def test_the_objects_of_a_namespace_by_venue_part_and_epoch(namespace: str) -> None:
    ours = [
        "v", "v.9", "v.10", "v.readers", "v.lock", "w", "w.2", "w.lock",
    ]  # fmt: skip
    others = ["v.09", "v.x", "v.9.1", "v.", "", ".v"]
    for each in (*ours, *others):
        (dev_shm.DIRECTORY / f"{namespace}.{each}").touch()
    (dev_shm.DIRECTORY / f"{namespace}x.v").touch()
    try:
        found = dev_shm.objects(namespace)
        assert [one.path for one in found] == [f"/{namespace}.{each}" for each in ours]
        assert dev_shm.objects(namespace, "w") == [one for one in found if one.venue == "w"]
        assert [one.path for one in dev_shm.objects(f"{namespace}x")] == [f"/{namespace}x.v"]
    finally:
        for left in dev_shm.DIRECTORY.glob(f"{namespace}*"):
            left.unlink()


def test_a_new_object_is_new_and_has_its_mode(place: Path) -> None:
    before = os.umask(0o777)
    try:
        fd = dev_shm.create_object(name(place), 0o640)
    finally:
        os.umask(before)
    assert place.stat().st_mode & 0o7777 == 0o640
    assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
    with pytest.raises(FileExistsError, match=place.name):
        dev_shm.create_object(name(place), 0o640)
    os.close(fd)


def test_an_object_is_opened_for_nobody_else(place: Path) -> None:
    place.write_bytes(b"x")
    for writable in (False, True):
        fd = dev_shm.open_fd(name(place), writable=writable)
        assert os.read(fd, 9) == b"x"
        access = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        assert access == (os.O_RDWR if writable else os.O_RDONLY)
        assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        os.close(fd)


def _symlink(at: Path) -> None:
    at.symlink_to("/etc/passwd")


def _socket(at: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, _symlink, _socket])
def test_what_is_no_plain_file_is_no_shared_memory(
    place: Path, make: Callable[[Path], None]
) -> None:
    make(place)
    with nothing_left_open():
        for writable in (False, True):
            with pytest.raises(shm.DamagedSegment, match="no shared memory"):
                dev_shm.open_fd(name(place), writable=writable)
        with pytest.raises(shm.DamagedSegment, match=r"no shared memory.*: remove it"):
            dev_shm.open_our_object(name(place))


def test_what_is_not_there_is_not_found(place: Path) -> None:
    for call in (dev_shm.open_fd, dev_shm.open_our_object):
        with pytest.raises(FileNotFoundError):
            call(name(place))
    dev_shm.unlink(name(place))


@pytest.mark.parametrize("mode", [None, 0o600, 0o640])
def test_an_object_of_ours_is_writable_and_has_its_mode(place: Path, mode: int | None) -> None:
    place.touch()
    place.chmod(0o4640)
    fd = dev_shm.open_our_object(name(place), mode)
    assert os.write(fd, b"x") == 1
    assert place.stat().st_mode & 0o7777 == (0o4640 if mode is None else mode)
    os.close(fd)


@needs_root
def test_an_object_of_another_user_is_not_ours(place: Path) -> None:
    place.touch()
    os.chown(place, STRANGER, STRANGER)
    with nothing_left_open(), pytest.raises(shm.PermissionDenied, match=str(STRANGER)):
        dev_shm.open_our_object(name(place))


def test_a_name_means_another_object_once_it_was_removed(place: Path) -> None:
    fd = dev_shm.create_object(name(place), 0o600)
    assert dev_shm.is_current(name(place), fd)
    dev_shm.unlink(name(place))
    assert not dev_shm.is_current(name(place), fd)
    other = dev_shm.create_object(name(place), 0o600)
    assert not dev_shm.is_current(name(place), fd)
    assert dev_shm.is_current(name(place), other)
    os.close(fd)
    os.close(other)


@pytest.mark.parametrize("size", [1, 4096, 100_001])
def test_an_object_has_its_memory_at_once(place: Path, size: int) -> None:
    fd = dev_shm.create_object(name(place), 0o600)
    dev_shm.reserve(fd, size, name(place))
    found = os.fstat(fd)
    assert found.st_size == size
    assert found.st_blocks * 512 >= size
    os.close(fd)


def test_memory_that_there_is_not_and_other_errors(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        def raising(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "posix_fallocate", raising)

    fail(errno.ENOSPC)
    with pytest.raises(shm.NoRoom, match=r"needs 1\.0 MiB, /dev/shm has") as caught:
        dev_shm.reserve(0, 1 << 20, name(place))
    assert caught.value.needed == 1 << 20
    assert caught.value.free > 0
    fail(errno.EINTR)
    with pytest.raises(InterruptedError):
        dev_shm.reserve(0, 1 << 20, name(place))


def test_what_cannot_be_removed_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir()
    with pytest.raises(shm.PermissionDenied, match=place.name):
        dev_shm.unlink(name(place))

    def refuse(_: str) -> None:
        raise dev_shm.posix_ipc.PermissionsError  # type: ignore[attr-defined]

    monkeypatch.setattr(dev_shm.posix_ipc, "unlink_shared_memory", refuse)  # type: ignore[attr-defined]
    with pytest.raises(shm.PermissionDenied, match="may not remove it"):
        dev_shm.unlink(name(place))


def test_what_may_not_be_opened_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(shm.PermissionDenied, match=r"permission denied: .* be in a group"):
        dev_shm.open_fd(name(place))
