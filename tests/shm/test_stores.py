"""A store fills its own copy, all of it, and touches nothing else; a read has all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shm import Flag, Kind, dev_shm, inspect
from shm._native import DTYPES, READ_OK, Writer, histogram_floors
from tests.shm.conftest import Create
from tests.shm.test_header import header_of, low
from tests.shm.test_ring import LIMIT

ROWS, DEPTH, SLOTS = 4, 5, 64
REGIONS = {
    "quote": "quotes",
    "book": "books",
    "instrument": "directory",
    "connection": "connections",
}


def filled(what: str, rng: np.random.Generator) -> np.void:
    """A structure of which every byte is of chance, and no text has a NUL in it."""
    dtype = DTYPES[what]
    row: np.void = np.frombuffer(rng.bytes(dtype.itemsize), dtype, 1).copy()[0]
    assert dtype.names is not None
    for name in dtype.names:
        if dtype[name].kind == "S":
            row[name] = rng.integers(97, 123, dtype[name].itemsize, np.uint8).tobytes()
    return row


def store(writer: Writer, what: str, at: int, rng: np.random.Generator) -> bytes:
    """Store one; the words that its copy must have, without the stamp."""
    row = filled(what, rng)
    if what == "quote":
        writer.quote_store(at, row)
    elif what == "instrument":
        row["id"] = at
        writer.directory_update(at, row)
    elif what == "connection":
        assert row.dtype.names is not None
        for name in row.dtype.names:
            if name.startswith("reserved"):
                row[name] = 0
        row["id"] = at
        given = [name for name in row.dtype.names if not name.startswith(("reserved", "stamp"))]
        writer.connection_store(at, **{name: row[name] for name in given if name != "id"})
    else:
        counts = rng.integers(0, DEPTH + 1, 2)
        sides = [rng.integers(1, 1 << 62, (count, 2)) for count in counts]
        writer.book_store(at, row, *(side.tolist() for side in sides))
        row["bids"], row["asks"] = counts
        levels = np.zeros((2, DEPTH, 2), "<i8")
        for side, kept in zip(sides, levels, strict=True):
            kept[: len(side)] = side
        return row.tobytes()[8:] + levels.tobytes()
    return row.tobytes()[8:]


@pytest.fixture
def opened(create: Create) -> tuple[Writer, Path]:
    """A writer all of whose rows have been stored twice, and its object."""
    owner = create(instruments=ROWS, depth=DEPTH, ring_slots=SLOTS, connections=ROWS)
    for n in range(ROWS):
        owner.writer.directory_add({"symbol": f"I{n}"})
    rng = np.random.default_rng(1)
    for _ in range(2):
        for what in REGIONS:
            for at in range(ROWS):
                store(owner.writer, what, at, rng)
    owner.writer.message(0, [(Kind.LEVEL, 1, 2, 3, 4)] * 2 * SLOTS)
    owner.writer.publish()
    return owner.writer, dev_shm.DIRECTORY / owner.path[1:]


def changed(path: Path, act: Callable[[], object]) -> tuple[bytes, set[int]]:
    """The object after it, and which words are others."""
    before = np.fromfile(path, "<u8")
    act()
    after = np.fromfile(path, "<u8")
    return after.tobytes(), set(np.flatnonzero(before != after).tolist())


@pytest.mark.parametrize("what", REGIONS)
@pytest.mark.parametrize("at", range(ROWS))
def test_a_store_fills_its_copy_and_touches_nothing_else(
    opened: tuple[Writer, Path], what: str, at: int
) -> None:
    writer, path = opened
    with inspect.open_memory("v", namespace=writer.namespace) as memory:
        stored_and_read(writer, path, memory, what, at)


def stored_and_read(writer: Writer, path: Path, memory: inspect.Memory, what: str, at: int) -> None:
    rng, kept = np.random.default_rng(at), list[bytes]()
    region = header_of(path.read_bytes())[REGIONS[what]]
    cell = int(region["offset"]) + at * int(region["stride"])
    for _ in range(4):
        n = number(path.read_bytes(), cell) + 1
        raw, words = changed(path, lambda: kept.append(store(writer, what, at, rng)))
        size = 8 + len(kept[-1])
        copy = cell + 64 + (n & 1) * size
        assert (number(raw, cell), number(raw, copy)) == (n, 2 * n)
        assert raw[copy + 8 : copy + size] == meant(what, kept[-1])
        assert words <= {cell // 8, *range(copy // 8, (copy + size) // 8)}
        assert len(words) > size // 8 // 4
        assert memory.segment.cell(REGIONS[what], at) == (READ_OK, raw[copy : copy + size])


def meant(what: str, given: bytes) -> bytes:
    """What of a cell is stored: of a quote not the words that have no name yet."""
    fields = DTYPES["quote"].fields
    if what != "quote":
        return given
    assert fields is not None
    end = fields["next_funding_ns"][1]  # from behind the stamp: with the last one itself
    return given[:end] + bytes(len(given) - end)


def number(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 8], "little")


@pytest.mark.parametrize("count", [1, 2, LIMIT, LIMIT + 1, SLOTS - 1])
def test_a_message_fills_its_slots_and_touches_nothing_else(
    opened: tuple[Writer, Path], count: int
) -> None:
    """But what is published: of a message that is split all parts before the last one."""
    writer, path = opened
    first = writer.next_sequence
    rows = [(Kind.TRADE, n & 1, 7000 + n, -n, 5 + n) for n in range(count)]
    raw, words = changed(
        path,
        lambda: writer.message(
            2, rows, flags=Flag.REPLAY, precision=3, venue_sequence=8, exchange_ns=9, receive_ns=10
        ),
    )
    ring = int(header_of(raw)["ring"]["offset"])
    dtype = DTYPES["slot"]
    for n, (kind, side, price, size, aux) in enumerate(rows):
        at = ring + (first + n) % SLOTS * 64
        row = np.frombuffer(raw[at : at + 64], dtype, 1)[0]
        assert row["stamp"] == 2 * (first + n)
        assert (row["kind"], row["side"], row["price"], row["size"]) == (kind, side, price, size)
        assert (row["aux"], row["instrument"], row["precision"]) == (aux, 2, 3)
        assert (row["venue_sequence"], row["exchange_ns"], row["receive_ns"]) == (8, 9, 10)
        words -= set(range(at // 8, at // 8 + 8))
    fields = DTYPES["header"].fields
    assert fields is not None
    assert words == ({fields["published"][1] // 8} if count > LIMIT else set())


def test_a_histograms_buckets_begin_where_the_document_says() -> None:
    used = 8 * (64 - 2)  # the last one ends with 2^64
    assert histogram_floors()[:used] == [low(bucket) for bucket in range(used)]
    assert low(used) == 1 << 64
