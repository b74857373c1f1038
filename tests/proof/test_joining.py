"""Where a reader in C begins, and which row of the registry it gets."""

from __future__ import annotations

import ctypes
import os
import zlib
from pathlib import Path

import pytest

from shm import Kind
from shm._native import DTYPES, READER_CLAIMED, READERS, READERS_BYTES, READERS_ROWS, Writer
from tests.kit.natives import library
from tests.proof import header
from tests.shm.conftest import Create, create, namespace
from tests.shm.trap import mappings

__all__ = ["create", "namespace"]

SLOTS, TRIES = 64, 1_000_000
PART = SLOTS // 4


@pytest.fixture
def native() -> ctypes.CDLL:
    folder = Path(__file__).parent
    texts = header.HEADER.read_bytes() + (folder / "joining_words.h").read_bytes()
    found = ctypes.CDLL(
        str(
            library(
                folder / "joining.c", f"-I{header.INCLUDE}", f"-I{folder}", "-std=gnu11",
                "-Wno-unused-function", f"-DOF_THESE_TEXTS={zlib.crc32(texts)}u",
            )
        )
    )  # fmt: skip
    found.join_point.restype = ctypes.c_uint64
    found.claim.restype = ctypes.c_void_p
    return found


class Joiner:
    def __init__(self, native: ctypes.CDLL, writer: Writer, base: int, ring: int) -> None:
        self.native, self.writer, self.base, self.ring = native, writer, base, ring

    def join(self, at: int = 0, value: int = 0) -> tuple[int, int]:
        """Where, and how often it looked; at look number `at`, `value` is published."""
        looks = ctypes.c_uint64()
        u64 = ctypes.c_uint64
        found = self.native.join_point(
            u64(self.base), u64(self.base + self.ring), u64(SLOTS - 1), u64(at), u64(value),
            ctypes.byref(looks),
        )  # fmt: skip
        return found, looks.value


@pytest.fixture
def joiner(native: ctypes.CDLL, create: Create) -> Joiner:
    owner = create(ring_slots=SLOTS)
    owner.writer.directory_add({"symbol": "A"})
    (base,) = mappings(owner.path, writable=True)
    fields = DTYPES["header"].fields
    assert fields is not None
    region = ctypes.c_uint64.from_address(base + fields["ring"][1])
    return Joiner(native, owner.writer, base, region.value)


def test_after_a_whole_message_is_joined_at_once(joiner: Joiner) -> None:
    for length in (1, 3, PART, 2 * PART + 1):
        last = joiner.writer.message(0, [(Kind.LEVEL, 0, 1, 1)] * length)
        joiner.writer.publish()
        assert joiner.join() == (last, 1)


def test_inside_a_message_that_was_split_is_waited(joiner: Joiner) -> None:
    last = joiner.writer.message(0, [(Kind.LEVEL, 0, 1, 1)] * (PART + 5))
    assert joiner.writer.published == last - 5
    assert joiner.join(3, last) == (last, 3)


def test_waiting_has_an_end(joiner: Joiner) -> None:
    """Who writes there may be dead: nothing follows then."""
    last = joiner.writer.message(0, [(Kind.LEVEL, 0, 1, 1)] * (PART + 5))
    assert joiner.join() == (last - 5, TRIES)


@pytest.mark.parametrize("row", [0, 1, READERS - 1])
def test_a_row_of_the_registry_is_claimed_once(native: ctypes.CDLL, row: int) -> None:
    size = DTYPES["reader"].itemsize
    around = 2 * READERS_BYTES
    memory = ctypes.create_string_buffer(READERS_BYTES + 2 * around)
    begin = ctypes.addressof(memory) + around
    at = around + READERS_ROWS + row * size

    def claim(stale: int) -> int | None:
        found: int | None = native.claim(
            ctypes.c_void_p(begin), ctypes.c_uint32(row), ctypes.c_uint32(stale)
        )
        return found

    mine = READER_CLAIMED | os.getpid()
    assert claim(7) is None
    assert memory.raw == bytes(len(memory))
    assert claim(0) == ctypes.addressof(memory) + at
    assert claim(0) is None
    assert claim(mine) == ctypes.addressof(memory) + at
    expected = bytearray(len(memory))
    expected[at : at + 4] = mine.to_bytes(4, "little")
    assert memory.raw == expected
