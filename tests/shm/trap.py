"""Something happens at the first touch of a page of a mapping of this process; see `trap.c`."""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.kit.natives import library

NONE, READ = 0, 1  # PROT_*


class _Store(ctypes.Structure):
    _fields_ = (("at", ctypes.c_uint64), ("value", ctypes.c_uint64), ("bytes", ctypes.c_uint64))


class Trap:
    """`sprung`: it was touched; `seen`: what the word that was to be looked at was then."""

    sprung = False
    seen = 0


def mappings(path: str, writable: bool) -> list[int]:
    """Where this process has a shared-memory object mapped from its start on, shared."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        one = re.fullmatch(r"(\w+)-\w+ (\S+) 0+ \S+ \d+ +(\S+)", line)
        if one and one[3] == f"/dev/shm{path}" and one[2] == ("rw-s" if writable else "r--s"):
            found.append(int(one[1], 16))
    return found


@contextmanager
def trap(
    page: int, protection: int, look: int, stores: Sequence[tuple[int, int, int]] = ()
) -> Iterator[Trap]:
    """Within, at the first touch of the page at address `page` that `protection` does not allow,
    the word at `look` is noted and `stores` are done: (address, value, bytes)."""
    native = ctypes.CDLL(str(library(Path(__file__).with_name("trap.c"))))
    rows = (_Store * max(1, len(stores)))(*(_Store(*row) for row in stores))
    assert page % mmap.PAGESIZE == 0
    native.trap_set(
        ctypes.c_uint64(page), ctypes.c_uint64(mmap.PAGESIZE), protection, ctypes.c_void_p(look),
        rows, ctypes.c_uint64(len(stores)),
    )  # fmt: skip
    result = Trap()
    try:
        yield result
    finally:
        seen = ctypes.c_uint64()
        result.sprung = bool(native.trap_end(ctypes.byref(seen)))
        result.seen = seen.value
