"""What readers must see of a writer that is gone, or stands still, at whatever point."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import shm
from shm import Flag, Kind, _native, dev_shm, inspect
from tests.shm.stress_payload import DEPTH, INSTRUMENTS, QUOTE_FLOATS, QUOTE_WORDS, mix, mixed
from tests.shm.stress_reader import Checker
from tests.torture.scenarios import SLOTS, SPLIT, VENUE
from tests.torture.victims import Point

#: The payload is no market, and what a record's time was is not what it says.
NO_MARKET = ("LIVE, but crossed", "its bids", "its asks")


@contextmanager
def at(point: Point | str) -> Iterator[None]:
    """Name the point in whatever goes wrong inside."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"at the point: {point}")
        raise


def poke(path: str, structure: str, field: str, value: int) -> None:
    """Store a number into a header's field, behind the writer's back."""
    fields = _native.DTYPES[structure].fields
    assert fields is not None
    dtype, offset = fields[field][:2]
    with (dev_shm.DIRECTORY / path[1:]).open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack("<q" if dtype.kind == "i" else "<Q", value)[: dtype.itemsize])


def let_it_seem_old(path: str) -> None:
    """The heartbeat of a writer that has not been scheduled for a minute."""
    poke(path, "header", "heartbeat_ns", time.time_ns() - 60 * 10**9)


def follow(namespace: str) -> Checker:
    """A reader that counts, from the oldest record that is there."""
    feed = shm.attach(VENUE, namespace=namespace)
    events = feed.events(start="oldest", raw=True)
    checker = Checker(feed, events, strict=True)
    checker.rows = events.sequence - 1
    return checker


def drain(checker: Checker) -> shm.WriterLost | None:
    """Read all that is there; how the writer went if it is gone. Never waits."""
    while True:
        try:
            batch = checker.events.poll()
        except shm.Overrun as error:
            checker.overrun(error)
            continue
        except shm.WriterLost as error:
            checker.writer_lost(error)
            return error
        if batch is None:
            return None
        checker.batch(batch)


def check_memory(namespace: str, pending: int = SPLIT) -> None:
    """All of the newest epoch, dead or alive: every record and every cell is whole, at once.

    `pending`: how many records its writer may write before it publishes.
    """
    with inspect.open_memory(VENUE, namespace=namespace) as memory:
        wrong = [f.text for f in inspect.verify(memory) if not f.text.startswith(NO_MARKET)]
        assert not wrong, wrong
        published = memory.segment.published
        check_ring(memory, published, pending)
        check_cells(memory, published)


def check_ring(memory: inspect.Memory, published: int, pending: int) -> None:
    """Whole are the last records but those in whose places others are being written."""
    first = max(1, published - SLOTS + 1)
    slots = memory.slots(first, published)
    whole = slots[slots["status"] == _native.READ_OK]
    lapped = slots[: len(slots) - len(whole)]
    assert len(lapped) <= pending, "more is overwritten than was written"
    assert (lapped["status"] != _native.READ_OK).all(), "a hole among the records"
    ours = whole[whole["kind"] != Kind.WRITER]
    assert np.array_equal(ours["price"], mixed(ours["sequence"], 1)), "torn price"
    assert np.array_equal(ours["size"], mixed(ours["sequence"], 2)), "torn size"
    key = ours["venue_sequence"] * np.uint64(64) + ours["instrument"]
    assert np.array_equal(ours["exchange_ns"], mixed(key, 4)), "torn message"


def check_cells(memory: inspect.Memory, published: int) -> None:
    """A cell is never in the way of a reader, is of one store, and not behind the records."""
    newest = _newest(memory.slots(max(1, published - SLOTS + 1), published))
    for row in range(min(memory.segment.instruments, INSTRUMENTS)):
        quote, book = memory.quote(row), memory.book(row)
        if quote is None or book is None:
            continue
        last = quote["ring_sequence"]
        assert last >= newest.get(row, 0), "a record can be seen that the quote does not have"
        for salt, name in enumerate(QUOTE_WORDS):
            assert quote[name] == mix(last, salt), f"torn quote: {name}"
        for salt, name in enumerate(QUOTE_FLOATS):
            assert quote[name] == mix(last, salt + 50), f"torn quote: {name}"
        _check_book(book, newest.get(row, 0))


def _check_book(book: tuple[dict[str, Any], Any, Any], newest: int) -> None:
    head, bids, asks = book
    last = head["ring_sequence"]
    assert last >= newest, "a record can be seen that the book does not have"
    assert head["exchange_ns"] == mix(last, 0), "torn book"
    for base, levels in ((0, bids), (200, asks)):
        expected = [[mix(last, i + base), mix(last, i + 100 + base)] for i in range(DEPTH)]
        assert levels.tolist() == expected, "torn book"


def _newest(slots: npt.NDArray[np.void]) -> dict[int, int]:
    """The last record of a whole level message, by instrument."""
    ends = slots[
        (slots["status"] == _native.READ_OK)
        & (slots["kind"] == Kind.LEVEL)
        & ((slots["flags"] & (Flag.LAST | Flag.MORE)) == Flag.LAST)
    ]
    return {int(row["instrument"]): int(row["sequence"]) for row in ends}


def names(namespace: str, epoch: int) -> list[str]:
    """What a writer has in shared memory."""
    venue = f"{namespace}.{VENUE}"
    return [venue, f"{venue}.{epoch}", f"{venue}.lock", f"{venue}.readers"]


def left(namespace: str) -> list[str]:
    """The names of a namespace that are in shared memory."""
    return sorted(path.name for path in Path("/dev/shm").glob(f"{namespace}.*"))
