"""A disk that is full indeed: a small file system of the test's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from feedhandler.recording.directory import RecordingDirectory
from shm.recording.errors import RecordingError
from tests.conftest import remove_objects
from tests.kit import unshared
from tests.recording import kept
from tests.recording.market import VENUE, Market
from tests.recording.recorders import at_end, recording, until

_MIB = 1 << 20


@unshared.needs_own(unshared.NAMES)
def test_a_write_fails() -> None:
    unshared.run(unshared.NAMES, fails)


@unshared.needs_own(unshared.NAMES)
def test_there_is_little_room() -> None:
    unshared.run(unshared.NAMES, little)


@unshared.needs_own(unshared.NAMES)
def test_it_is_read_only() -> None:
    unshared.run(unshared.NAMES, read_only)


def fails() -> None:
    """No floor: the disk itself says that it is full."""
    _paused(0, _filled, lambda root: (root / "ballast").unlink(), "No space left on device")


def little() -> None:
    _paused(3, _filled_but_one_mib, lambda root: (root / "ballast").unlink(), "less than 3 MiB")


def read_only() -> None:
    """Refused, with the cure, and without a file."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", root], check=True)
        try:
            with pytest.raises(RecordingError, match=r"Read-only file system.*--to"):
                RecordingDirectory(root)
            assert list(root.iterdir()) == []
        finally:
            subprocess.run(["umount", "-l", root], check=True)


def _filled(root: Path, leaving: int = 0) -> None:
    free = os.statvfs(root)
    with (root / "ballast").open("wb", buffering=0) as file:
        left = free.f_bavail * free.f_frsize - leaving
        while left > 0:
            try:
                left -= file.write(b"\1" * min(left, 65_536)) or 0
            except OSError:
                return


def _filled_but_one_mib(root: Path) -> None:
    _filled(root, _MIB)


def _paused(
    floor: int, breaks: Callable[[Path], None], mends: Callable[[Path], None], said: str
) -> None:
    namespace = f"test-full-{os.getpid()}"
    with TemporaryDirectory() as folder:
        root = Path(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", root], check=True)
        try:
            with Market(namespace, slots=1024) as market:
                _story(root, market, floor, breaks, mends, said)
        finally:
            remove_objects(namespace)
            subprocess.run(["umount", "-l", root], check=True)


def _story(
    root: Path,
    market: Market,
    floor: int,
    breaks: Callable[[Path], None],
    mends: Callable[[Path], None],
    said: str,
) -> None:
    with recording(root, market.namespace, rotate_s=0.2, free_mib=floor) as recorder:
        market.until(300)
        until(lambda: recorder._venues[VENUE].segments > 0, "a segment counts")
        breaks(root)
        market.until(300)
        until(lambda: recorder.state == "PAUSED", "it pauses")
        assert said in recorder.status()["detail"], recorder.status()["detail"]
        market.until(3000)
        mends(root)
        until(lambda: recorder.state == "RECORDING", "it goes on")
        at_end(recorder, market)
        market.until(300)
        at_end(recorder, market)
    found = kept.check(root, market)
    assert [loss[3] for loss in found.losses] == ["disk full"]
    assert max(found.records[market.epoch]) == market.published
    types = [line["type"] for line in kept.lines(root)]
    assert types.index("pause") < types.index("resume")
