"""No descriptor is left open, whatever is found; and number 0 is one like all others: a process may
have been started without standard input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import shm
from shm import (
    _native,
    clean,
    control_object,
    dev_shm,
    object_names,
    readers_object,
    segment,
)
from tests.shm.conftest import Create
from tests.shm.support import GEOMETRY, descriptors, nothing_left_open


@contextmanager
def zero_is_free() -> Iterator[None]:
    kept = os.dup(0)
    os.close(0)
    try:
        yield
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(0)
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def take(namespace: str) -> Any:
    before = inode(object_names.readers_name(namespace, "v"))
    fd = readers_object.take_readers(namespace, "v")
    same = os.fstat(fd).st_ino == before
    os.close(fd)
    return fd == 0, same


def open_readers(namespace: str) -> Any:
    fd = readers_object.open_readers(namespace, "v", os.getuid())
    os.close(fd)
    return fd == 0, os.getuid()


def is_whole(namespace: str) -> Any:
    return readers_object.is_whole(namespace, "v")


def would_go(namespace: str) -> Any:
    return clean.clean(namespace, dry_run=True)


def lock(namespace: str) -> Any:
    held = control_object.lock_control(namespace, "v")
    for fd in held:
        os.close(fd)
    return 0 in held


def inode(path: str) -> int:
    return (dev_shm.DIRECTORY / path[1:]).stat().st_ino


@pytest.mark.parametrize("call", [take, open_readers, is_whole, would_go, lock])
def test_number_0_is_a_descriptor_like_others(
    namespace: str, create: Create, call: Callable[[str], Any]
) -> None:
    create().close(keep=True)
    with nothing_left_open():
        usual = call(namespace)
    with zero_is_free():
        at_zero = call(namespace)
    if usual in (True, False) and call is lock:
        assert (usual, at_zero) == (False, True)
    elif isinstance(usual, tuple):
        assert (usual, at_zero) == ((False, usual[1]), (True, usual[1]))
    else:
        assert usual
        assert at_zero == usual


def test_the_readers_object_may_be_number_0(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, numbers = readers_object.take_readers, list[int]()

    def at_zero(*arguments: Any) -> int:
        kept = os.dup(0)
        os.close(0)
        numbers.append(real(*arguments))
        kepts.append(kept)
        return numbers[-1]

    kepts: list[int] = []
    monkeypatch.setattr(segment, "take_readers", at_zero)
    try:
        with segment.create("v", namespace=namespace, **GEOMETRY) as owner:
            assert not is_open(0)
            os.dup2(kepts[0], 0)
            owner.abandon(owner.successor(**GEOMETRY))
            assert not is_open(0)
            assert numbers == [0, 0]
            os.dup2(kepts[0], 0)
    finally:
        os.dup2(kepts[0], 0)
        for kept in kepts:
            os.close(kept)


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def damaged(namespace: str, size: int, first: bytes) -> None:
    path = dev_shm.DIRECTORY / object_names.readers_name(namespace, "v")[1:]
    with path.open("r+b") as file:
        file.write(first)
        file.truncate(size)


WHOLE = _native.READERS_BYTES
DAMAGE = [(WHOLE, b"wrong magic"), (WHOLE + 1, b""), (WHOLE - 1, b""), (0, b"")]


@pytest.mark.parametrize(("size", "first"), DAMAGE)
def test_a_damaged_readers_object_is_none(
    namespace: str, create: Create, size: int, first: bytes
) -> None:
    create().close(keep=True)
    name = object_names.readers_name(namespace, "v")
    assert readers_object.is_whole(namespace, "v")
    damaged(namespace, size, first)
    before = inode(name)
    with nothing_left_open():
        assert not readers_object.is_whole(namespace, "v")
        fd = readers_object.open_readers(namespace, "v", os.getuid())
        if size == WHOLE:  # readers do not look what is in it
            os.close(fd)
        else:
            assert fd < 0
        os.close(readers_object.take_readers(namespace, "v"))
        assert readers_object.is_whole(namespace, "v")
    assert inode(name) != before


def test_somebody_elses_readers_object_is_not_written_to(namespace: str, create: Create) -> None:
    create()
    with nothing_left_open():
        assert readers_object.open_readers(namespace, "v", os.getuid() + 1) < 0
        assert readers_object.open_readers(namespace, "other", os.getuid()) < 0


@pytest.mark.parametrize("what", ["share", "reserve"])
def test_a_readers_object_that_cannot_be_made(
    namespace: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fail(*_: object) -> None:
        raise shm.PermissionDenied("no")

    monkeypatch.setattr(readers_object, what, fail)
    with nothing_left_open(), pytest.raises(shm.PermissionDenied, match="no"):
        readers_object.take_readers(namespace, "v")


def test_cleaning_leaves_nothing_open(namespace: str, create: Create) -> None:
    """Whole objects, half ones, and what is none."""
    whole = [create(venue) for venue in ("alive", "dead")]
    whole[1].close(keep=True)
    for name, content in (("half.7", b"half"), ("half.8", bytes(8192)), ("half", b""), ("x.9", b""),
                          ("x.10", bytes(8192))):  # fmt: skip
        (dev_shm.DIRECTORY / f"{namespace}.{name}").write_bytes(content)
    with nothing_left_open():
        held = descriptors()
        would = clean.sweep(namespace, dry_run=True)
        assert descriptors() == held
        done = clean.sweep(namespace)
        assert descriptors() == held
    assert (would.removed, would.left) == (done.removed, done.left)
    assert {name.venue for name in dev_shm.objects(namespace)} == {"alive"}
