"""What others left under a feed's names: a start works, and cleaning says what it may not."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import shm
from shm import clean, dev_shm, object_names, segment
from tests.shm.conftest import Create
from tests.shm.users import STRANGER, as_user, needs_root


def _symlink(at: Path, target: Path) -> None:
    at.symlink_to(target)


def _dangling(at: Path, _: Path) -> None:
    at.symlink_to("/nowhere")


def _directory(at: Path, _: Path) -> None:
    at.mkdir()
    (at / "full").touch()


def _fifo(at: Path, _: Path) -> None:
    os.mkfifo(at)


def _socket(at: Path, _: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))


def _short(at: Path, _: Path) -> None:
    at.write_bytes(b"x")


KINDS = [_symlink, _dangling, _directory, _fifo, _socket, _short]


@pytest.fixture
def place(namespace: str) -> Iterator[Path]:
    """Where an epoch of "v" would be."""
    path = dev_shm.DIRECTORY / object_names.data_name(namespace, "v", 7)[1:]
    yield path
    if path.is_dir() and not path.is_symlink():
        for inside in path.iterdir():
            inside.unlink()
        path.rmdir()


@pytest.mark.parametrize("squat", KINDS)
def test_a_start_works_whatever_lies_under_an_old_name(
    squat: Callable[[Path, Path], None], place: Path, tmp_path: Path, create: Create
) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"y" * 8192)
    squat(place, precious)
    for _ in range(2):
        owner = create()
        found = {name.epoch for name in dev_shm.objects(owner.namespace) if name.part == "data"}
        assert found - {7} == {owner.epoch}  # no data object is left behind
        assert shm.attach("v", namespace=owner.namespace, timeout=0).alive()
        owner.close()
    assert precious.read_bytes() == b"y" * 8192
    left = clean.sweep(owner.namespace).left
    assert list(left) == ([f"/{place.name}"] if squat is _directory else [])


@needs_root
@pytest.mark.parametrize("squat", KINDS)
def test_what_a_stranger_left_is_not_touched(
    squat: Callable[[Path, Path], None], place: Path, tmp_path: Path, create: Create
) -> None:
    squat(place, tmp_path)
    os.chown(place, STRANGER, STRANGER, follow_symlinks=False)
    if not place.is_symlink():
        place.chmod(0o777)
    before = place.lstat()
    create()
    after = place.lstat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_size,
    )


@needs_root
def test_cleaning_says_what_it_may_not_remove_and_who_can(namespace: str, create: Create) -> None:
    create().close(keep=True)
    said = as_user(
        "from shm.clean import sweep\n"
        f"swept = sweep({namespace!r})\nprint(swept.removed, *swept.left.values(), sep='|')"
    )
    removed, *left = said.split("|")
    assert removed == "[]"
    assert len(left) == 4
    assert all("root" in each for each in left)
    assert len(clean.sweep(namespace).removed) == 4


@needs_root
def test_root_cleans_what_belongs_to_others(namespace: str, create: Create) -> None:
    create().close(keep=True)
    objects = dev_shm.objects(namespace)
    for name in objects:
        os.chown(dev_shm.DIRECTORY / name.path[1:], STRANGER, STRANGER)
    swept = clean.sweep(namespace)
    assert sorted(swept.removed) == sorted(name.path for name in objects)
    assert (swept.left, dev_shm.objects(namespace)) == ({}, [])


def test_what_fails_after_an_epoch_was_made_removes_it(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError("no")

    (dev_shm.DIRECTORY / f"{namespace}.v.7").touch()
    monkeypatch.setattr(segment, "retire", fail)
    with pytest.raises(OSError, match="no"):
        segment.create("v", namespace=namespace, instruments=1, ring_slots=16)
    assert [name.epoch for name in dev_shm.objects(namespace) if name.part == "data"] == [7]
