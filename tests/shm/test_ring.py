"""The ring word by word: what is published when, what a reader may begin with, when it sleeps."""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest

import shm
from shm import Flag, Kind, dev_shm
from shm._native import DTYPES, Writer
from tests.shm.conftest import EXPONENTS, Create

SLOTS = 64  # of the ring of `create`
LIMIT = SLOTS // 4  # records of a message before it is split
LEVEL = (Kind.LEVEL, 0, 12345, 1500)


@pytest.fixture
def writer(create: Create) -> Writer:
    made = create().writer
    for symbol in "AB":
        made.directory_add({"symbol": symbol, **EXPONENTS})
    return made


@pytest.fixture
def feed(namespace: str, writer: Writer) -> shm.Feed:
    assert writer.instruments == 2
    return shm.attach("v", namespace=namespace)


@pytest.fixture
def raw(namespace: str, feed: shm.Feed) -> Iterator[mmap.mmap]:
    """The data object, to be written to."""
    assert feed.venue == "v"
    path = next(one.path for one in dev_shm.objects(namespace) if one.part == "data")
    fd = dev_shm.open_fd(path, writable=True)
    with mmap.mmap(fd, 0) as mapped:
        os.close(fd)
        yield mapped


def region(raw: mmap.mmap, name: str) -> tuple[int, int]:
    """Offset and stride of one, from the header."""
    header = np.frombuffer(raw[:4096], DTYPES["header"], 1)[0]
    one = header[name]
    return int(one["offset"]), int(one["stride"])


def put(raw: mmap.mmap, at: int, value: int) -> None:
    raw[at : at + 8] = struct.pack("<Q", value)


def taken(events: shm.Events) -> list[tuple[int, int]]:
    """(sequence, flags) of all that one poll hands out."""
    rows = events.poll()
    return [] if rows is None else list(zip(rows["sequence"].tolist(), rows["flags"].tolist(),
                                            strict=True))  # fmt: skip


# ---- what is published ----


@pytest.mark.parametrize("count", [LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT + 1, 3 * SLOTS])
def test_a_long_message_is_published_part_by_part(writer: Writer, count: int) -> None:
    """A part is a quarter of the ring, and the last one waits for `publish`: or who reads along
    were lapped by a message that is longer than the ring."""
    before = writer.published
    last = writer.message(0, [LEVEL] * count)
    assert last == before + count
    parts = (count - 1) // LIMIT if count % LIMIT else count // LIMIT - 1
    assert writer.published == before + parts * LIMIT
    writer.publish()
    assert writer.published == last


def test_the_flags_of_parts(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    writer.message(0, [LEVEL] * (2 * LIMIT + 3))
    writer.publish()
    rows = taken(events)
    flags = [flag for _, flag in rows]
    part = [Flag.FIRST, *[0] * (LIMIT - 2), Flag.LAST | Flag.MORE]
    assert flags == [*part, *part, Flag.FIRST, 0, Flag.LAST]
    assert [n for n, _ in rows] == list(range(2, 2 + 2 * LIMIT + 3))
    assert (events.delivered, events.lost) == (len(rows), 0)


def test_a_message_of_nothing_is_none(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    assert writer.message(0, []) == 1
    writer.publish()
    assert taken(events) == []
    writer.message(0, [LEVEL])
    writer.publish()
    assert taken(events) == [(2, Flag.FIRST | Flag.LAST)]


# ---- where reading begins ----


@pytest.mark.parametrize("start", ["now", "state"])
def test_nobody_joins_inside_a_message_that_was_split(
    writer: Writer, feed: shm.Feed, start: Literal["now", "state"]
) -> None:
    """The cell is stored only at its end: begun with in between, half a book would be whole."""
    writer.quote_store(0, {"bid_price": 1, "ring_sequence": 1})
    writer.message(0, [LEVEL] * (LIMIT + 5))  # its first part is published, the rest not yet
    events = feed.events(start=start)
    assert events.poll() is None
    assert events.poll() is None
    writer.quote_store(0, {"bid_price": 2, "ring_sequence": 1 + LIMIT + 5})
    writer.publish()
    rows = events.poll()
    if start == "state":
        assert rows is not None
        assert {row["kind"] for row in rows} >= {Kind.QUOTE}
        assert rows["price"][rows["kind"] == Kind.QUOTE][0] == 0.02
    else:
        assert rows is None
    writer.message(0, [LEVEL])
    writer.publish()
    assert [n for n, _ in taken(events)] == [LIMIT + 7]


def test_a_lapped_reader_goes_on_after_a_split_message(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    for _ in range(SLOTS + 10):
        writer.message(0, [LEVEL])
    writer.publish()
    writer.message(0, [LEVEL] * (LIMIT + 5))
    assert events.poll() is None  # lapped, but inside a message that was split
    assert events.overruns == 0
    writer.publish()
    with pytest.raises(shm.Overrun) as caught:
        events.poll()
    assert caught.value.lost == events.lost == SLOTS + 10 + LIMIT + 5
    assert events.overruns == 1
    writer.message(0, [LEVEL])
    writer.publish()
    assert len(taken(events)) == 1


def test_a_lap_by_one_record_is_a_lap(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    for _ in range(SLOTS):
        writer.message(0, [LEVEL])
    writer.publish()
    assert len(taken(events)) == SLOTS  # the last that fit
    for _ in range(SLOTS + 1):
        writer.message(0, [LEVEL])
    writer.publish()
    with pytest.raises(shm.Overrun) as caught:
        events.poll()
    assert caught.value.lost == SLOTS + 1


# ---- stamps that no record has ----


def slot(raw: mmap.mmap, n: int) -> int:
    """Where record n's stamp is."""
    offset, stride = region(raw, "ring")
    return offset + (n % SLOTS) * stride


@pytest.mark.parametrize("off", [-2 * SLOTS, -2, -1])
def test_a_record_that_is_published_and_not_there_is_damage(
    writer: Writer, feed: shm.Feed, raw: mmap.mmap, off: int
) -> None:
    events = feed.events()
    n = [writer.message(0, [LEVEL]) for _ in range(SLOTS)][-1]
    writer.publish()
    for _ in taken(events):
        pass
    n = writer.message(0, [LEVEL])
    writer.publish()
    put(raw, slot(raw, n), 2 * n + off)
    with pytest.raises(shm.DamagedSegment, match=f"ring record {n}"):
        events.poll()


@pytest.mark.parametrize("off", [1, 2, 2 * SLOTS - 1, 2 * SLOTS])
def test_a_record_whose_slot_has_another_is_lost(
    writer: Writer, feed: shm.Feed, raw: mmap.mmap, off: int
) -> None:
    events = feed.events()
    n = writer.message(0, [LEVEL])
    last = writer.message(0, [LEVEL])
    writer.publish()
    put(raw, slot(raw, n), 2 * n + off)
    with pytest.raises(shm.Overrun) as caught:
        events.poll()
    assert caught.value.lost == last - n + 1


@pytest.mark.parametrize("off", [-4, -3, -2, -1, 1, 2, 3, 4])
@pytest.mark.parametrize("cell", ["quotes", "books"])
def test_a_copy_of_any_other_stamp_is_not_believed(
    writer: Writer, feed: shm.Feed, raw: mmap.mmap, cell: str, off: int
) -> None:
    """Older ones too: a writer that was stopped in the middle has left half of a copy there."""
    for price in range(5):
        writer.quote_store(0, {"bid_price": price, "ask_price": price})
        writer.book_store(0, {}, [(price, 1)], [(price + 1, 1)])
    offset, _ = region(raw, cell)
    head = struct.unpack_from("<Q", raw, offset)[0]
    assert head == 5
    copy = offset + 64 + (head & 1) * (320 if cell == "quotes" else 96 + 5 * 32)
    assert struct.unpack_from("<Q", raw, copy)[0] == 2 * head
    read = feed.quote if cell == "quotes" else feed.book
    read("A")
    put(raw, copy, 2 * head + off)
    with pytest.raises(shm.DamagedSegment):
        read("A")


@pytest.mark.parametrize("cell", ["quotes", "books"])
def test_a_head_that_no_store_makes_is_not_believed(
    writer: Writer, feed: shm.Feed, raw: mmap.mmap, cell: str
) -> None:
    """Twice 2^63 is 0, as the stamp of a copy that was never stored."""
    assert writer.instruments == 2
    offset, _ = region(raw, cell)
    put(raw, offset, 1 << 63)
    with pytest.raises(shm.DamagedSegment):
        (feed.quote if cell == "quotes" else feed.book)("A")


# ---- sleeping ----


def waited(events: shm.Events, timeout_ns: int) -> float:
    begun = time.monotonic()
    events._wait(timeout_ns)
    return time.monotonic() - begun


def test_one_record_that_was_not_seen_is_enough_not_to_sleep(
    writer: Writer, feed: shm.Feed
) -> None:
    events = feed.events()
    writer.message(0, [LEVEL])
    writer.publish()
    assert events.poll() is not None
    writer.message(0, [LEVEL])
    writer.publish()  # and nobody woke us
    assert waited(events, 90 * 10**9) < 45


def test_who_has_seen_all_sleeps_until_the_time_is_over(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    assert writer.published == 1
    events.poll()
    assert waited(events, 50_000_000) >= 0.045
    assert waited(events, 1_000_000_000) >= 0.99  # no part of a second left


def test_who_began_with_the_state_sleeps_then(writer: Writer, feed: shm.Feed) -> None:
    writer.quote_store(0, {"bid_price": 1, "ring_sequence": 1})
    events = feed.events(start="state")
    assert events.poll() is not None
    assert waited(events, 100_000_000) >= 0.09


def test_a_writer_that_is_superseded_is_not_slept_on(
    writer: Writer, feed: shm.Feed, raw: mmap.mmap
) -> None:
    events = feed.events()
    assert writer.published == 1
    events.poll()
    at = DTYPES["header"].fields["superseded"][1]  # type: ignore[index]
    raw[at : at + 4] = struct.pack("<I", 1)
    assert waited(events, 90 * 10**9) < 45


def test_a_sleeper_is_woken_and_counted(writer: Writer, feed: shm.Feed) -> None:
    counter = shm.Counter.WAKES
    at = DTYPES["header"].fields["counters"][1] + 8 * counter  # type: ignore[index]
    assert at
    events = feed.events()
    events.poll()
    took: list[float] = []
    sleeper = threading.Thread(target=lambda: took.append(waited(events, 90 * 10**9)))
    sleeper.start()
    deadline = time.monotonic() + 45
    while sleeper.is_alive():  # no publish: only the wake may end it
        writer.wake()
        sleeper.join(0.02)
        assert time.monotonic() < deadline, "nobody woke it"
    assert took[0] < 60


def test_flags_and_precision_are_of_every_record_of_a_message(
    writer: Writer, raw: mmap.mmap
) -> None:
    flags = Flag.SNAPSHOT | Flag.REPLAY
    last = writer.message(1, [LEVEL] * 3, flags=flags, precision=5, venue_sequence=77,
                          exchange_ns=6, receive_ns=9)  # fmt: skip
    for n, more in ((last - 2, Flag.FIRST), (last - 1, 0), (last, Flag.LAST)):
        row = np.frombuffer(raw[slot(raw, n) : slot(raw, n) + 64], DTYPES["slot"], 1)[0]
        assert row["flags"] == flags | more
        assert (row["precision"], row["instrument"], row["kind"]) == (5, 1, Kind.LEVEL)
        assert (row["venue_sequence"], row["exchange_ns"], row["receive_ns"]) == (77, 6, 9)


def polled(events: shm.Events) -> None:
    """For a second: it is not asked at every poll whether the writer lives."""
    for _ in range(1000):
        assert events.poll() is None
        time.sleep(0.001)


@pytest.mark.parametrize("lives", [True, False])
def test_a_message_whose_writer_died_inside_it_is_damage(
    create: Create, namespace: str, lives: bool
) -> None:
    """`published` is at the end of a message, always; as long as the writer lives it may come."""
    owner = create()
    owner.writer.directory_add({"symbol": "A"})
    with shm.attach("v", namespace=namespace) as feed:
        events = feed.events()
        last = owner.writer.message(0, [LEVEL] * 3)
        fd = dev_shm.open_fd(owner.path, writable=True)
        with mmap.mmap(fd, 4096) as head:
            os.close(fd)
            fields = DTYPES["header"].fields
            assert fields is not None
            put(head, fields["published"][1], last - 1)
            put(head, fields["heartbeat_ns"][1], 1)
            if lives:
                assert events.poll() is None
                assert events.poll() is None
                put(head, fields["published"][1], last)
                assert len(taken(events)) == 3
                assert events.poll() is None
            else:
                owner._release()
                with pytest.raises(shm.DamagedSegment, match=f"ring record {last - 2}"):
                    polled(events)


@pytest.mark.parametrize("lengths", [(1,), (2,), (3,), (5, 2)])
def test_the_oldest_message_that_is_still_whole(
    writer: Writer, feed: shm.Feed, lengths: tuple[int, ...]
) -> None:
    """In a ring that has wrapped: the first FIRST among the last 64 records."""
    firsts = [1]
    while writer.next_sequence < 5 * SLOTS:
        for length in lengths:
            firsts.append(writer.next_sequence)
            last = writer.message(0, [LEVEL] * length)
    writer.publish()
    events = feed.events(start="oldest")
    oldest = min(first for first in firsts if first > last - SLOTS)
    assert events.sequence == oldest
    assert [n for n, _ in taken(events)] == list(range(oldest, last + 1))


def test_an_overrun_with_resync_is_counted_once(writer: Writer, feed: shm.Feed) -> None:
    writer.quote_store(0, {"bid_price": 1, "ring_sequence": 1})
    events = feed.events(on_overrun="resync")
    for times in (1, 2):
        for _ in range(SLOTS + 2):
            writer.message(0, [LEVEL])
        writer.publish()
        assert events.poll() is not None
        assert (events.overruns, events.lost) == (times, times * (SLOTS + 2))


@pytest.mark.parametrize("start", ["now", "state"])
def test_a_ring_that_goes_back_is_damage(
    writer: Writer, feed: shm.Feed, raw: mmap.mmap, start: Literal["now", "state"]
) -> None:
    for _ in range(SLOTS):
        last = writer.message(0, [LEVEL])
    writer.publish()
    put(raw, slot(raw, last), 2 * last - 1)
    with pytest.raises(shm.DamagedSegment, match=f"ring record {last}"):
        feed.events(start=start).poll()
