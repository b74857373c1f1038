"""What the kernel says of this host and of this process."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from time import CLOCK_THREAD_CPUTIME_ID, clock_gettime_ns, monotonic_ns

ROOT = Path("/")
CAP_CHOWN, CAP_IPC_LOCK, CAP_SYS_NICE = 0, 14, 23  #: linux/capability.h
_SCHEDSTAT_FIELDS = 3


def read(path: str, root: Path = ROOT) -> str:
    """A file's text, without the blanks around it; "" if there is none, or not for us."""
    try:
        return (root / path).read_text().strip()
    except OSError:
        return ""


def number(path: str, root: Path = ROOT) -> int | None:
    """The number in a file; None if there is none ("max" is none)."""
    try:
        return int(read(path, root).split()[0])
    except (IndexError, ValueError):
        return None


def chosen(text: str) -> str:
    """Of "always [madvise] never" the one in brackets."""
    return text.partition("[")[2].partition("]")[0]


def cpu_list(text: str) -> tuple[int, ...]:
    """CPUs as the kernel writes them, "0-3,8": cpuset(7), "List format"."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def fields(text: str) -> dict[str, str]:
    """Lines of "key: value", or "key value", by key; of a key that comes again the first."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":" if ":" in line else " ")
        found.setdefault(key.strip(), value.strip())
    return found


def capable(capability: int, root: Path = ROOT) -> bool:
    """Whether this process has a capability (capabilities(7))."""
    effective = fields(read("proc/self/status", root)).get("CapEff", "0")
    return bool(int(effective, 16) >> capability & 1)


def may_give_to(group: int) -> bool:
    """Whether this process may give its files to a group (chown(2))."""
    return group in {os.getegid(), *os.getgroups()} or capable(CAP_CHOWN)


def usable_cpus() -> frozenset[int]:
    """CPUs that a process of ours may be pinned to.

    More than its affinity names: a process is kept off isolated CPUs (isolcpus) until it asks for
    them. What it may ask for shows when it asks for all; a thread of its own does, and alone moves
    (sched_setaffinity(2)).
    """
    with ThreadPoolExecutor(1) as asking:
        return asking.submit(_asked_for_all).result()


def _asked_for_all() -> frozenset[int]:
    possible = cpu_list(read("sys/devices/system/cpu/possible")) or range(os.cpu_count() or 1)
    with suppress(OSError):  # a sandbox forbids it: what there is has to do
        os.sched_setaffinity(0, possible)
    return frozenset(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Share:
    """Of one core, 0 to 1: `used`, and `waited` for."""

    used: float = 0.0
    waited: float = 0.0

    def __str__(self) -> str:
        return f"{self.used:.0%} of a core used, {self.waited:.0%} waited for"


class CpuTime:
    """How much of a core the thread that makes it uses, and would use if it got one.

    The kernel keeps both for every thread: `/proc/thread-self/schedstat` has the ns that it ran and
    the ns that it was ready to run but had no core (Linux, Documentation/scheduler/
    sched-stats.rst).
    """

    def __init__(self) -> None:
        try:
            self._file: FileIO | None = FileIO("/proc/thread-self/schedstat")
        except OSError:  # a kernel without it
            self._file = None
        self._at = monotonic_ns()
        self._last = self._read()

    def _read(self) -> tuple[int, int]:
        """(ns run, ns waited); without the file nothing is known of the latter."""
        if self._file is not None:
            self._file.seek(0)
            found = self._file.read(128).split()
            if len(found) == _SCHEDSTAT_FIELDS:
                return int(found[0]), int(found[1])
        return clock_gettime_ns(CLOCK_THREAD_CPUTIME_ID), 0

    def share(self) -> Share:
        """Since the last call."""
        now, (used, waited) = monotonic_ns(), self._read()
        span = max(1, now - self._at)
        share = Share((used - self._last[0]) / span, (waited - self._last[1]) / span)
        self._at, self._last = now, (used, waited)
        return share
