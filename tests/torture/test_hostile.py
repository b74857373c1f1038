"""Memory that lies, objects of the wrong kind, owner or size, and clocks that jump."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import shm
from shm import control_object, dev_shm, inspect, object_names, segment
from shm._native import geometry
from tests.kit import natives
from tests.torture import observe
from tests.torture.scenarios import GEOMETRY, VENUE, fill

ROOT = natives.ROOT
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give files away")


def create(namespace: str) -> segment.WriterSegment:
    owner = segment.create(VENUE, namespace=namespace, **GEOMETRY)
    fill(owner.writer, 6)
    return owner


def file_of(path: str) -> Path:
    return dev_shm.DIRECTORY / path[1:]


def control_of(namespace: str) -> Path:
    return file_of(object_names.control_name(namespace, VENUE))


# ---- damage --------------------------------------------------------------------------------------


def hostile(seconds: float, *options: str) -> subprocess.CompletedProcess[str]:
    """The cases of `hostile.py`, in a process of their own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.torture.hostile", "--seconds", str(seconds), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 300,
    )


def test_every_field_and_random_damage() -> None:
    done = hostile(1)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["cases"] > 900
    assert min(said["attached"], said["damaged"], said["VersionMismatch"]) > 0


@pytest.mark.soak
def test_random_damage_for_long() -> None:
    """FEEDHANDLER_SOAK_SECONDS, or a minute."""
    done = hostile(float(os.environ.get("FEEDHANDLER_SOAK_SECONDS", "60")), "--seed", "2")
    assert done.returncode == 0, done.stderr


@pytest.mark.soak
@pytest.mark.parametrize("check", ["check_header", "check_identity"])
def test_a_check_that_is_left_out_is_missed(check: str) -> None:
    done = hostile(5, "--break", check)
    assert done.returncode != 0, done.stdout
    for left in dev_shm.DIRECTORY.glob("test-hostile-*"):  # by a process that crashed
        left.unlink()


def test_a_head_that_no_store_has_counted_to(namespace: str) -> None:
    """2^63: twice that is 0, the stamp of a copy that was never stored."""
    with create(namespace) as owner:
        row = owner.writer.directory_add({"symbol": "NEVER", "name": "NEVER"})
        feed = shm.attach(VENUE, namespace=namespace)
        assert feed.quote("NEVER").state is shm.State.NONE
        offset, stride, _ = geometry(**GEOMETRY)[0]["quotes"]
        with file_of(owner.path).open("r+b") as file:
            file.seek(offset + row * stride)
            file.write((1 << 63).to_bytes(8, "little"))
        for ask in (lambda: feed.quote("NEVER"), feed.board):
            with pytest.raises(shm.DamagedSegment):
                ask()


# ---- objects of the wrong kind -------------------------------------------------------------------


def make(kind: str, place: Path) -> None:
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to("/etc/passwd")
    elif kind == "dangling":
        place.symlink_to("/nowhere/at/all")
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(place))


KINDS = ("fifo", "folder", "link", "dangling", "socket")


@pytest.fixture
def strange(namespace: str) -> Iterator[Path]:
    """A place for something else under the name of the control object."""
    place = control_of(namespace)
    yield place
    if place.is_dir():
        place.rmdir()
    else:
        place.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_shared_memory_under_the_name(namespace: str, strange: Path, kind: str) -> None:
    """Refused at once by all; nobody waits for the other end of a FIFO."""
    make(kind, strange)
    for act in (
        lambda: shm.attach(VENUE, namespace=namespace, timeout=0),
        lambda: segment.create(VENUE, namespace=namespace, **GEOMETRY),
    ):
        with pytest.raises(shm.DamagedSegment) as caught:
            act()
        assert caught.value.field == "type"
    with pytest.raises(shm.NoSuchVenue):
        inspect.readers(VENUE, namespace=namespace)
    assert [info.error != "" for info in inspect.list_objects(namespace)] in ([True], [])
    inspect.clean(namespace)
    assert strange.is_dir() == (kind == "folder")


@pytest.mark.parametrize("kind", KINDS)
def test_no_shared_memory_in_place_of_an_epoch(namespace: str, kind: str) -> None:
    owner = create(namespace)
    place = file_of(owner.path)
    place.unlink()
    make(kind, place)
    try:
        with pytest.raises((shm.DamagedSegment, shm.NotReady)):
            shm.attach(VENUE, namespace=namespace, timeout=0)
        with pytest.raises((shm.DamagedSegment, shm.NoSuchVenue)):
            inspect.open_memory(VENUE, namespace=namespace)
        inspect.list_objects(namespace)
    finally:
        place.rmdir() if kind == "folder" else place.unlink()
        owner.close()


# ---- owners and modes ----------------------------------------------------------------------------


@AS_ROOT
def test_a_data_object_of_another_owner_is_refused(namespace: str) -> None:
    with create(namespace) as owner:
        os.chown(file_of(owner.path), 65534, -1)
        with pytest.raises(shm.DamagedSegment, match="65534") as caught:
            shm.attach(VENUE, namespace=namespace, timeout=0)
        assert caught.value.field == "owner"


@AS_ROOT
def test_a_control_object_of_another_owner_is_refused(namespace: str) -> None:
    create(namespace).close(keep=True)
    os.chown(control_of(namespace), 65534, -1)
    with pytest.raises(shm.PermissionDenied, match=r"user 65534.*remove it"):
        create(namespace)


@pytest.mark.parametrize(
    ("which", "mode", "field"),
    [("data", 0o646, "mode"), ("data", 0o660, "mode"), ("control", 0o660, "control.mode")],
)
def test_objects_that_others_may_write_are_refused(
    namespace: str, which: str, mode: int, field: str
) -> None:
    with create(namespace) as owner:
        (file_of(owner.path) if which == "data" else control_of(namespace)).chmod(mode)
        with pytest.raises(shm.DamagedSegment, match=f"{mode:04o}") as caught:
            shm.attach(VENUE, namespace=namespace, timeout=0)
        assert caught.value.field == field


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_a_writer_puts_the_mode_of_its_control_object_right(namespace: str, mode: int) -> None:
    create(namespace).close(keep=True)
    control_of(namespace).chmod(mode)
    with create(namespace):
        assert control_of(namespace).stat().st_mode & 0o7777 == control_object.CONTROL_MODE


@pytest.mark.parametrize("named", [(1 << 64) - 1, (1 << 63) - 1, 1 << 62])
def test_an_epoch_that_no_clock_gives_does_not_keep_a_writer_from_starting(
    namespace: str, named: int
) -> None:
    create(namespace).close(keep=True)
    observe.poke(object_names.control_name(namespace, VENUE), "control", "epoch", named)
    with create(namespace) as owner:
        assert abs(owner.epoch * 1000 - time.time_ns()) < 60 * 10**9
        assert shm.attach(VENUE, namespace=namespace, timeout=0).epoch == owner.epoch


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "a b", "a\n", "\0", "ä", "x" * 49, "%s"])
def test_odd_names_are_refused_by_all(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (
        lambda: shm.attach(name or "a b", namespace="ns", timeout=0),
        lambda: inspect.open_memory(name or "a b", namespace="ns"),
        lambda: inspect.readers(name or "a b", namespace="ns"),
        lambda: inspect.list_objects(name or "a b"),
        lambda: inspect.clean(name or "a b"),
    ):
        with pytest.raises(shm.BadName, match="letters"):
            act()
    if "\0" not in name:
        monkeypatch.setenv("FEEDHANDLER_NAMESPACE", name or "a b")
        with pytest.raises(shm.BadName, match="namespace"):
            shm.attach(VENUE, timeout=0)


# ---- clocks --------------------------------------------------------------------------------------

JUMPS = """
import struct, sys, time
import shm
from shm import segment
from tests.torture.scenarios import GEOMETRY, VENUE, fill, levels

namespace, clock = sys.argv[1:]
epochs, since = [], 0
with open(clock, "r+b", 0) as file:
    for jump in (3600, -7200, 0, -1, 86400 * 365, -86400 * 365):
        owner = segment.create(VENUE, namespace=namespace, **GEOMETRY)
        epochs.append(owner.epoch)
        feeder = fill(owner.writer, 6)
        feed = shm.attach(VENUE, namespace=namespace)
        events = feed.events()
        assert feed.quote("I0").live
        file.seek(0)
        file.write(struct.pack("<q", jump * 10**9))
        if abs(jump - since) > 1:
            assert not feed.quote("I0").live  # no heartbeat of this time yet
        since = jump
        for _ in range(3):
            assert events.poll() is None  # suspect, and asked: it lives
        began = time.monotonic()
        events.wait(0.05)
        assert time.monotonic() - began < 30
        assert feed.alive()
        levels(feeder, 0, 2)
        assert len(events.poll()) == 2
        owner.writer.heartbeat()
        assert feed.quote("I0").live
        assert (events.lost, feed.epoch) == (0, owner.epoch)
        owner.close()
assert len(set(epochs)) == len(epochs)
print("fine")
"""


def test_a_clock_that_jumps_loses_nothing(namespace: str, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))
    library = natives.library(Path(__file__).with_name("clock_jump.c"))
    done = subprocess.run(
        [sys.executable, "-c", JUMPS, namespace, str(clock)],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(library), "FEEDHANDLER_TEST_CLOCK": str(clock)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == "fine\n", done.stderr
