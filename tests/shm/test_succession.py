"""From one epoch to the next in one process, and what is left when a writer goes: nothing."""

from __future__ import annotations

import gc

import pytest

import shm
from shm import clean, control_object, dev_shm, readers_object, segment
from shm.object_names import data_name
from tests.shm.conftest import Create
from tests.shm.support import GEOMETRY, descriptors, nothing_left_open


def data_objects(namespace: str) -> list[str]:
    return [one.path for one in dev_shm.objects(namespace) if one.part == "data"]


def test_a_successor_is_nobodys_until_it_succeeds(namespace: str, create: Create) -> None:
    owner = create()
    with nothing_left_open():
        first = owner.epoch
        feed = shm.attach("v", namespace=namespace)
        events = feed.events()
        writer = owner.successor(**GEOMETRY)
        assert writer.epoch > first
        assert data_objects(namespace) == [
            data_name(namespace, "v", epoch) for epoch in (first, writer.epoch)
        ]
        assert (owner.epoch, feed.alive()) == (first, True)
        with shm.attach("v", namespace=namespace) as other:
            assert other.epoch == first
        owner.succeed(writer)
        assert (owner.epoch, owner.writer) == (writer.epoch, writer)
        assert data_objects(namespace) == [owner.path]
        with shm.attach("v", namespace=namespace) as other:
            assert other.epoch == writer.epoch
            assert other.alive()
        with pytest.raises(shm.WriterLost) as caught:
            events.poll()
        assert caught.value.reason == "superseded"
        feed.close()
        del caught, events, feed


def test_a_successor_that_is_not_wanted_leaves_nothing(namespace: str, create: Create) -> None:
    owner = create()
    with nothing_left_open():
        writer = owner.successor(**GEOMETRY)
        owner.abandon(writer)
        del writer
        assert data_objects(namespace) == [owner.path]
        with shm.attach("v", namespace=namespace) as feed:
            assert (feed.epoch, feed.alive()) == (owner.epoch, True)


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"ring_slots": 65}, {"instruments": 1 << 21}])
def test_a_successor_has_a_geometry_that_can_be(
    namespace: str, create: Create, wrong: dict[str, int]
) -> None:
    owner = create()
    with nothing_left_open(), pytest.raises(shm.BadGeometry):
        owner.successor(**(GEOMETRY | wrong))
    assert data_objects(namespace) == [owner.path]


def test_no_descriptor_is_left_open(namespace: str) -> None:
    with nothing_left_open():
        with segment.create("v", namespace=namespace, **GEOMETRY) as owner:
            held = descriptors()
            assert owner.mend() == []
            with pytest.raises(shm.WriterRunning):
                segment.create("v", namespace=namespace, **GEOMETRY)
            assert len(dev_shm.objects(namespace)) == 4  # the lock too, which is not the other's
            path = next(one.path for one in dev_shm.objects(namespace) if one.part == "readers")
            dev_shm.unlink(path)
            assert len(owner.mend()) == 1
            assert readers_object.is_whole(namespace, "v")
            assert clean.clean(namespace) == []
            gc.collect()
            assert descriptors() == held
        assert dev_shm.objects(namespace) == []
        with pytest.raises(shm.NoRoom):
            segment.create("v", namespace=namespace, ring_slots=1 << 28, depth=10_000,
                           instruments=1 << 20)  # fmt: skip
        assert dev_shm.objects(namespace) == []


@pytest.mark.parametrize("what", ["claim", "announce", "readers"])
def test_a_start_that_fails_leaves_nothing(
    namespace: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    class StopError(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise StopError

    place: object
    place, name = {
        "claim": (control_object, "claim_control"),
        "announce": (segment, "objects"),
        "readers": (segment, "take_readers"),
    }[what]
    with nothing_left_open():
        with monkeypatch.context() as patched:
            real = getattr(place, name)
            calls = iter([stop, real, real, real]) if what == "announce" else iter([stop])
            patched.setattr(place, name, lambda *a, **k: next(calls)(*a, **k))
            with pytest.raises(StopError):
                segment.create("v", namespace=namespace, **GEOMETRY)
        assert dev_shm.objects(namespace) == []
        with segment.create("v", namespace=namespace, **GEOMETRY):
            assert len(dev_shm.objects(namespace)) == 4


def test_a_stop_removes_the_data_first_and_the_lock_last(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the lock goes, a starting writer finds it held; readers know before anything goes."""
    owner = create()
    feed = shm.attach("v", namespace=namespace)
    gone: list[str] = []

    def removed(path: str) -> None:
        assert not feed.alive()
        with pytest.raises(shm.WriterRunning):
            control_object.lock_control(namespace, "v")
        gone.append(path)

    with monkeypatch.context() as patched:
        patched.setattr(segment, "unlink", removed)
        patched.setattr(control_object, "_insist", lambda *_: False)
        owner.close()
    name = f"/{namespace}.v"
    assert gone == [f"{name}.{owner.epoch}", f"{name}.readers", name, f"{name}.lock"]
    assert owner._locks == []


def test_a_writer_that_is_forgotten_lets_go_of_its_lock(namespace: str) -> None:
    first = segment.create("v", namespace=namespace, **GEOMETRY)
    epoch = first.epoch
    del first
    gc.collect()
    with segment.create("v", namespace=namespace, **GEOMETRY) as owner:
        assert owner.epoch > epoch
        assert data_objects(namespace) == [owner.path]


def test_a_start_that_is_refused_leaves_no_lock(namespace: str) -> None:
    """What stands under the control object's name is none: nothing else was there, nor is."""
    foreign = dev_shm.DIRECTORY / f"{namespace}.v"
    foreign.write_bytes(b"something else".ljust(4096, b"."))
    with nothing_left_open():
        with pytest.raises(shm.DamagedSegment, match="clean"):
            segment.create("v", namespace=namespace, **GEOMETRY)
        assert [one.part for one in dev_shm.objects(namespace)] == ["control"]
    assert foreign.read_bytes().startswith(b"something else.")
