"""What tests of the memory share: another process that writes, and what a test leaves open."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FUTEX, WAIT_BITSET = 202, 9
GEOMETRY: dict[str, Any] = {"instruments": 8, "depth": 5, "ring_slots": 64, "connections": 4}


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208


@contextmanager
def nothing_left_open() -> Iterator[None]:
    gc.collect()
    before = descriptors()
    yield
    gc.collect()
    assert descriptors() == before


def other_writer(namespace: str, venue: str = "v", after: str = "") -> subprocess.Popen[str]:
    """A process that is the venue's writer until it is killed."""
    code = (
        "import sys, time\nfrom shm import segment\n"
        f"s = segment.create({venue!r}, namespace={namespace!r}, instruments=8, ring_slots=64)\n"
        f"w = s.writer\n{after}\nprint(s.epoch, flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def asleep(thread: int) -> bool:
    """Whether this thread of ours is in the kernel, on a futex that processes share."""
    said = Path(f"/proc/self/task/{thread}/syscall").read_text().split()
    return said[0] == str(FUTEX) and int(said[2], 16) == WAIT_BITSET


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
