"""Where a cursor goes on when things are not as usual, and what it says of itself to others."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

import shm
from shm import dev_shm, inspect, object_names
from shm._native import Writer
from shm.segment import WriterSegment
from tests.shm.conftest import EXPONENTS, Create
from tests.shm.test_ring import LEVEL, LIMIT, SLOTS, put, slot, taken
from tests.shm.test_second_looks import word
from tests.shm.trap import NONE, mappings, trap

ASKED_S = 0.06  # later than this the lock is asked about again


def begun(create: Create, **geometry: int) -> tuple[WriterSegment, Writer]:
    """A writer that has published record 1, of an instrument "A"."""
    owner = create(**geometry)
    owner.writer.directory_add({"symbol": "A", **EXPONENTS})
    return owner, owner.writer


def levels(writer: Writer, count: int, length: int = 1) -> int:
    """So many messages of so many records; the last record."""
    for _ in range(count):
        last = writer.message(0, [LEVEL] * length)
    writer.publish()
    return last


@contextmanager
def data(owner: WriterSegment) -> Iterator[mmap.mmap]:
    """The data object, to be written to."""
    fd = dev_shm.open_fd(owner.path, writable=True)
    with mmap.mmap(fd, 0) as mapped:
        os.close(fd)
        yield mapped


# ---- what the registry says ----------------------------------------------------------------------


def test_a_named_reader_gets_on_though_nothing_is_for_it(namespace: str, create: Create) -> None:
    _, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events(name="strategy", kinds=["trade"])
        for _ in range(3):
            last = levels(writer, 2)
            (row,) = inspect.readers("v", namespace=namespace)
            assert row["lag"] == 2
            assert events.poll() is None
            (row,) = inspect.readers("v", namespace=namespace)
            assert (row["cursor"], row["lag"], row["lost"]) == (last + 1, 0, 0)
        assert events.filtered == 6
        events.close()


def test_a_named_reader_that_was_lapped_says_so(namespace: str, create: Create) -> None:
    _, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events(name="strategy")
        last = levels(writer, SLOTS + 1)
        with pytest.raises(shm.Overrun):
            events.poll()
        (row,) = inspect.readers("v", namespace=namespace)
        assert (row["cursor"], row["lost"], row["overruns"]) == (last + 1, SLOTS + 1, 1)
        events.close()


# ---- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 3, 4096, 4097])
def test_a_batch_ends_with_the_message_that_fills_it(
    namespace: str, create: Create, length: int
) -> None:
    """With 4096 records or more, and not with a message more."""
    _, writer = begun(create, ring_slots=1 << 15)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events()
        count = 2 * (4096 // length) + 2
        levels(writer, count, length)
        full = -(-4096 // length) * length
        got = []
        while batch := taken(events):
            got.append(len(batch))
        total = count * length
        assert got == [full] * (total // full) + [total % full] * (total % full > 0)


def test_the_first_poll_after_a_new_writer_came_has_its_records(
    namespace: str, create: Create
) -> None:
    owner, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events(kinds=["level"])
        owner.close()
        with pytest.raises(shm.WriterLost):
            ended(events)
        assert events.poll() is None
        _, writer = begun(create)
        last = levels(writer, 2)
        assert [n for n, _ in taken(events)] == [last - 1, last]


def test_a_new_writers_ring_is_read_from_its_first_record(namespace: str, create: Create) -> None:
    owner, _ = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events()
        owner.close()
        taken(events)
        with pytest.raises(shm.WriterLost):
            ended(events)
        _, writer = begun(create)
        last = levels(writer, 2)
        assert [n for n, _ in taken(events)] == list(range(1, last + 1))


def test_what_is_there_at_the_start_is_not_slept_on(namespace: str, create: Create) -> None:
    _, writer = begun(create)
    assert writer.published == 1
    with shm.attach("v", namespace=namespace) as feed:
        begun_at = time.monotonic()
        feed.events(start="oldest")._wait(90 * 10**9)
        assert time.monotonic() - begun_at < 45


def test_who_cannot_say_that_it_sleeps_looks_every_millisecond(
    namespace: str, create: Create
) -> None:
    begun(create)
    dev_shm.unlink(object_names.readers_name(namespace, "v"))
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events()
        assert events.poll() is None
        begun_at = time.monotonic()
        events._wait(90 * 10**9)
        assert 0.0009 < time.monotonic() - begun_at < 45


def test_nobody_else_reads_in_the_middle_of_a_poll(
    namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here while it looks for a new writer."""
    owner, _ = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events()
        owner.close()
        taken(events)
        with pytest.raises(shm.WriterLost):
            ended(events)
        monkeypatch.setattr(events, "_newer", lambda _: events.poll())
        with pytest.raises(shm.ConcurrentUse):
            events.poll()
        monkeypatch.undo()
        assert events.poll() is None  # and it is free again


# ---- where reading begins ------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 5])
def test_reading_from_a_sequence_begins_with_a_whole_message(
    namespace: str, create: Create, length: int
) -> None:
    _, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        firsts = [2 + length * n for n in range(4)]
        last = levels(writer, 4, length)
        for start in range(2, last + 2):
            events = feed.events(start=start)
            expected = min([first for first in firsts if first >= start], default=last + 1)
            assert events.sequence == expected
            assert [n for n, _ in taken(events)] == list(range(expected, last + 1))


def test_a_ring_in_which_nothing_is_published_is_read_from_its_first_record(
    namespace: str, create: Create
) -> None:
    owner, _ = begun(create)
    with shm.attach("v", namespace=namespace) as feed, data(owner) as raw:
        put(raw, word("published"), 0)
        events = feed.events(start="oldest")
        assert events.sequence == 1
        assert events.poll() is None
        put(raw, word("published"), 1)
        assert [n for n, _ in taken(events)] == [1]


@pytest.mark.parametrize("start", ["now", "state", "oldest"])
def test_no_ring_is_past_all_numbers(
    namespace: str, create: Create, start: Literal["now", "state", "oldest"]
) -> None:
    """The last number there can be is published, and a record of it is there."""
    owner, _ = begun(create)
    with shm.attach("v", namespace=namespace) as feed, data(owner) as raw:
        most = (1 << 64) - 1
        put(raw, word("published"), most)
        put(raw, slot(raw, most), 2 * most % (1 << 64))
        with pytest.raises(shm.DamagedSegment, match="published"):
            feed.events(start=start).poll()


def test_a_ring_that_went_back_is_not_gone_on_with(namespace: str, create: Create) -> None:
    """While a reader that was lapped waits for the end of a message that was split."""
    owner, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed, data(owner) as raw:
        events = feed.events(on_overrun="resync")
        levels(writer, 2)
        assert len(taken(events)) == 2
        levels(writer, SLOTS + 10)
        writer.message(0, [LEVEL] * (LIMIT + 5))
        assert events.poll() is None
        put(raw, word("published"), 2)
        put(raw, slot(raw, 2), 4)
        with pytest.raises(shm.DamagedSegment, match="published"):
            events.poll()


# ---- a message without an end --------------------------------------------------------------------


@pytest.mark.parametrize("there", [1, 2])
def test_a_message_whose_end_came_before_its_writer_died_is_whole(
    namespace: str, create: Create, there: int
) -> None:
    """Of three records so many were seen first."""
    owner, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed, data(owner) as raw:
        events = feed.events()
        last = writer.message(0, [LEVEL] * 3)
        put(raw, word("published"), last - 3 + there)
        put(raw, word("heartbeat_ns"), 1)
        assert events.poll() is None
        put(raw, word("published"), last)
        owner._release()
        time.sleep(ASKED_S)
        assert len(taken(events)) == 3
        with pytest.raises(shm.WriterLost):
            ended(events)


@pytest.mark.parametrize("there", [1, 2])
def test_a_message_that_never_ends_is_damage(namespace: str, create: Create, there: int) -> None:
    owner, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed, data(owner) as raw:
        events = feed.events()
        last = writer.message(0, [LEVEL] * 3)
        put(raw, word("published"), last - 3 + there)
        put(raw, word("heartbeat_ns"), 1)
        owner._release()
        with pytest.raises(shm.DamagedSegment, match=f"ring record {last - 2}"):
            ended(events)


def ended(events: shm.Events) -> None:
    """For a second: it is not asked at every poll whether the writer lives."""
    for _ in range(100):
        assert events.poll() is None
        time.sleep(0.01)


@pytest.mark.parametrize("lapped", [True, False])
def test_the_end_of_a_split_message_may_be_the_last_that_a_writer_publishes(
    namespace: str, create: Create, lapped: bool
) -> None:
    """After a reader saw that it is inside of it, and before that reader asks whether the writer
    lives: here at its first look into the control object, which comes between."""
    owner, writer = begun(create)
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events(start="now" if lapped else "state")
        levels(writer, SLOTS + 10)
        last = writer.message(0, [LEVEL] * (LIMIT + 5))
        assert writer.published == last - 5
        (base,) = mappings(owner.path, writable=True)
        (control,) = mappings(object_names.control_name(namespace, "v"), writable=False)
        for fd in owner._locks:
            os.close(fd)
        owner._locks.clear()
        published = base + word("published")
        with trap(control, NONE, published, [(published, last, 8)]) as sprung:
            if lapped:
                with pytest.raises(shm.Overrun) as caught:
                    events.poll()
                assert caught.value.lost == events.lost == last - 1
            else:
                events.poll()
        assert sprung.sprung
        assert sprung.seen == last - 5
        assert events.sequence == last + 1
