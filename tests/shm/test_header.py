"""The header's smaller functions, through what people see of them."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest

import shm
from shm import dev_shm
from shm._native import DTYPES
from tests.shm.conftest import Create
from tests.shm.trap import READ, mappings, trap


def raw_of(namespace: str) -> bytes:
    path = next(one.path for one in dev_shm.objects(namespace) if one.part == "data")
    return (dev_shm.DIRECTORY / path[1:]).read_bytes()


def header_of(raw: bytes) -> np.void:
    found: np.void = np.frombuffer(raw[:4096], DTYPES["header"], 1)[0]
    return found


def low(bucket: int) -> int:
    """The smallest value of a bucket: 8 a power of two from 16 on, as docs/memory.md says."""
    if bucket < 16:
        return bucket
    power, part = divmod(bucket - 16, 8)
    return (8 + part) << (power + 1)


VALUES = [0, 1, 15, 16, 17, 18, 31, 32, 35, 36, 1000, 123_456, 2**33 - 1, 2**33, 2**62, 2**63 - 1]


@pytest.mark.parametrize("value", VALUES)
def test_a_histogram_counts_a_value_in_its_bucket(
    namespace: str, create: Create, value: int
) -> None:
    writer = create().writer
    which = int(shm.Histogram.RTT)
    for _ in range(5):
        writer.histogram_add(which, value)
    raw = raw_of(namespace)
    one = header_of(raw)["histograms"]
    begin = int(one["offset"]) + which * int(one["stride"])
    counts = np.frombuffer(raw[begin : begin + 4096], "<u8")
    (bucket,) = np.flatnonzero(counts).tolist()
    assert low(bucket) <= value < low(bucket + 1)
    assert counts[bucket] == 5
    assert raw[int(one["offset"]) : begin] == bytes(begin - int(one["offset"]))


def test_connections_are_counted_to_the_last_that_is_used(namespace: str, create: Create) -> None:
    writer = create(connections=8).writer
    for row, rows in ((2, 3), (0, 3), (2, 3), (3, 4)):
        writer.connection_store(row, connects=100 + row)
        raw = raw_of(namespace)
        head = header_of(raw)
        assert head["connection_rows"] == rows
        one = head["connections"]
        begin = int(one["offset"]) + row * int(one["stride"])
        n = int.from_bytes(raw[begin : begin + 8], "little")
        begin += 64 + (n & 1) * 512
        cell = np.frombuffer(raw[begin : begin + 512], DTYPES["connection"], 1)[0]
        assert cell["connects"] == 100 + row
        assert cell["stamp"] == 2 * n


def test_counters_add_up(namespace: str, create: Create) -> None:
    writer = create().writer
    writer.counter_add(int(shm.Counter.GAPS), 3)
    writer.counter_add(int(shm.Counter.GAPS), 4)
    assert header_of(raw_of(namespace))["counters"][int(shm.Counter.GAPS)] == 7


@pytest.mark.parametrize(
    ("receive_ns", "least", "most"),
    [(10**9, 2**32 - 1, 2**32 - 1), (4 * 10**18, 0, 0)],
    ids=["long ago", "in the future"],
)
def test_the_delay_of_a_record_saturates(
    namespace: str, create: Create, receive_ns: int, least: int, most: int
) -> None:
    """32 bits of ns between receiving and publishing; 0 where the clock went back."""
    writer = create().writer
    writer.directory_add({"symbol": "A"})
    n = writer.message(0, [(shm.Kind.TRADE, 1, 5, 6, 7)] * 2, receive_ns=receive_ns)
    raw = raw_of(namespace)
    one = header_of(raw)["ring"]
    for each in (n - 1, n):
        begin = int(one["offset"]) + each * 64
        row = np.frombuffer(raw[begin : begin + 64], DTYPES["slot"], 1)[0]
        assert least <= row["publish_delta_ns"] <= most
        assert (row["aux"], row["side"], row["price"], row["size"]) == (7, 1, 5, 6)


def test_a_copy_that_is_being_written_says_so_by_an_odd_stamp(
    namespace: str, create: Create
) -> None:
    """2n - 1 of the n-th store, from before the first word to after the last: who comes meanwhile
    takes the other copy, and who read half of this one looks again."""
    depth = 400  # its copy is several pages
    owner = create(depth=depth)
    writer = owner.writer
    writer.directory_add({"symbol": "A"})
    one = header_of(raw_of(namespace))["books"]
    (data,) = mappings(owner.path, writable=True)
    cell = data + int(one["offset"])
    levels = [(price, 1) for price in range(depth)]
    for n in range(1, 6):
        copy = cell + 64 + (n & 1) * (96 + 32 * depth)
        inside = (copy + 8192) // mmap.PAGESIZE * mmap.PAGESIZE
        with trap(inside, READ, copy) as sprung:
            writer.book_store(0, {}, levels, levels)
        assert sprung.sprung
        assert sprung.seen == 2 * n - 1
        assert ctypes.c_uint64.from_address(copy).value == 2 * n
        assert ctypes.c_uint64.from_address(cell).value == n
