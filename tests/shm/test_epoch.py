"""Which number an epoch gets, how big its memory may be, and how the one before is told."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import shm
from shm import _native, dev_shm, epoch, segment
from shm.object_names import ObjectName, control_name, data_name
from tests.shm.conftest import Create

HOUR_US = 3600 * 1_000_000
LIMITS = {
    "instruments": (1, 1 << 20),
    "depth": (1, 10_000),
    "ring_slots": (16, 1 << 28),
    "connections": (1, 1 << 16),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_geometry_ends_where_its_limits_are(what: str) -> None:
    usual = epoch.Geometry(8, 5, 64, 4)
    low, high = LIMITS[what]
    for good in (low, high):
        epoch.check_geometry(usual._replace(**{what: good}))
    step = (low // 2, high * 2) if what == "ring_slots" else (low - 1, high + 1)
    for bad in (*step, -1):
        with pytest.raises(shm.BadGeometry, match=f"{what} = {bad}: {low} to {high} is allowed"):
            epoch.check_geometry(usual._replace(**{what: bad}))


def test_slots_are_a_power_of_two() -> None:
    good = []
    for slots in range(16, 1100):
        try:
            epoch.check_geometry(epoch.Geometry(8, 5, slots, 4))
        except shm.BadGeometry:
            continue
        good.append(slots)
    assert good == [16, 32, 64, 128, 256, 512, 1024]


def test_an_epoch_is_the_time_in_microseconds(create: Create) -> None:
    before = time.time_ns() // 1000
    made = create().epoch
    assert before <= made <= time.time_ns() // 1000


NOW_US = 1_800_000_000_000_000


@pytest.mark.parametrize(
    ("named", "taken", "made"),
    [
        (0, [], NOW_US),
        (NOW_US - 1, [], NOW_US),
        (NOW_US, [], NOW_US + 1),
        (NOW_US + 10, [], NOW_US + 11),  # the clock was put back a little
        (NOW_US + HOUR_US - 1, [], NOW_US + HOUR_US),
        (NOW_US + HOUR_US, [], NOW_US),  # no clock is put back that far: damage
        ((1 << 63) - 1, [], NOW_US),
        (0, [NOW_US], NOW_US + 1),
        (0, [NOW_US, NOW_US + 1, NOW_US + 3], NOW_US + 2),
    ],
)
def test_an_epoch_never_repeats_and_stays_near_the_clock(
    namespace: str,
    create: Create,
    monkeypatch: pytest.MonkeyPatch,
    named: int,
    taken: list[int],
    made: int,
) -> None:
    """`named`: by the control object; `taken`: there are such data objects."""
    owner = create()
    fields = _native.DTYPES["control"].fields
    assert fields is not None
    control = file_of(control_name(namespace, "v"))
    with control.open("r+b") as file:
        file.seek(fields["epoch"][1])
        file.write(named.to_bytes(8, "little"))
    for each in taken:
        file_of(data_name(namespace, "v", each)).touch()
    tried: list[str] = []

    def create_once(path: str, mode: int) -> int:
        assert path not in tried
        tried.append(path)
        return dev_shm.create_object(path, mode)

    monkeypatch.setattr(epoch, "create_object", create_once)
    monkeypatch.setattr(time, "time_ns", lambda: NOW_US * 1000 + 999)
    writer = owner.successor(instruments=2, depth=5, ring_slots=16, connections=1)
    assert writer.epoch == made
    assert tried[-1] == data_name(namespace, "v", made)


def file_of(path: str) -> Path:
    return dev_shm.DIRECTORY / path[1:]


@pytest.mark.parametrize("size", [0, 1, _native.HEADER_BYTES - 1, _native.HEADER_BYTES, 1 << 16])
def test_readers_of_what_is_retired_are_told(namespace: str, create: Create, size: int) -> None:
    """Where there is a whole header to tell them by; the rest only loses its name."""
    before = file_of(create().path).read_bytes().ljust(size, b"\0")[:size]
    name = ObjectName(namespace, "v", 7, "data")
    path = file_of(name.path)
    path.write_bytes(before)
    with path.open("rb") as mapped:
        epoch.retire(name)
        assert not path.exists()
        after = mapped.read()
    fields = _native.DTYPES["header"].fields
    assert fields is not None
    told = bytearray(before)
    if size >= _native.HEADER_BYTES:
        for word in ("superseded", "wake"):
            told[fields[word][1]] = 1
    assert after == told


@pytest.mark.parametrize("part", ["share", "reserve", "boot_id"])
def test_an_epoch_that_cannot_be_made_leaves_nothing(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    owner = create()
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(epoch, part, fail)
    with pytest.raises(OSError, match="no"):
        owner.successor(instruments=2, depth=5, ring_slots=16, connections=1)
    assert [one.path for one in dev_shm.objects(namespace) if one.part == "data"] == [owner.path]
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_geometry_of_a_start_is_checked_before_anything_is_made(namespace: str) -> None:
    with pytest.raises(shm.BadGeometry):
        segment.create("v", namespace=namespace, connections=(1 << 16) + 1)
    assert dev_shm.objects(namespace) == []
