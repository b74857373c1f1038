"""Who runs on which core. Whoever spins has its core to itself as far as there are cores."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PRIORITY = 50
_NICEST = -20


@dataclass(frozen=True)
class Cores:
    """`writer` is never shared. `sender` (who plays the venue) and `reader` (the strategy) share a
    core where there are only two; with one core everything shares it."""

    writer: int
    sender: int
    reader: int

    @property
    def shared(self) -> bool:
        """Whether sender and reader share a core."""
        return self.sender == self.reader

    def in_words(self) -> str:
        """Where they run."""
        if self.writer == self.sender:
            return f"everything on CPU {self.writer}: latencies are those of the scheduler"
        both = (
            f"sender and reader on {self.sender}"
            if self.shared
            else (f"sender on {self.sender}, reader on {self.reader}")
        )
        return f"writer on CPU {self.writer}, {both}"


def choose() -> Cores:
    """The last usable cores: interrupts tend to go to the first."""
    usable = sorted(os.sched_getaffinity(0), reverse=True)
    if len(usable) == 1:
        return Cores(usable[0], usable[0], usable[0])
    if len(usable) == 2:
        return Cores(usable[0], usable[1], usable[1])
    return Cores(usable[0], usable[1], usable[2])


_AWAKE = Path("/dev/cpu_dma_latency")


def may_keep_awake() -> bool:
    """Whether `awake` may be used: by root, on most hosts."""
    return os.access(_AWAKE, os.W_OK)


@contextmanager
def awake() -> Iterator[None]:
    """Meanwhile no core of the host goes to sleep when it is idle: to wake up takes it no time."""
    fd = os.open(_AWAKE, os.O_WRONLY)
    try:
        os.write(fd, bytes(4))  # microseconds that waking up may take
        yield
    finally:
        os.close(fd)


def pin(cpu: int) -> None:
    """The calling thread to a CPU."""
    os.sched_setaffinity(0, {cpu})


def urgent() -> bool:
    """Let the calling thread preempt what shares its core, where that is allowed; whether it is.

    For a sender that sleeps until a message is due: a spinning neighbour must not make it late.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
        return True
    return False


def last() -> None:
    """The calling thread has its core only while nobody else wants it (SCHED_IDLE)."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextmanager
def favoured() -> Iterator[bool]:
    """This process and its children before all others of the host, as far as it is allowed; whether
    it is. Both sides of every ratio are.

    Where the kernel groups processes by session (autogroup, sched(7)), nice values only count
    within a group, and the group's own is raised too, and set back at the end.
    """
    nice, group = os.nice(0), Path("/proc/self/autogroup")
    raised = False
    with suppress(OSError):
        os.nice(_NICEST - nice)
        raised = True
    before = ""
    with suppress(OSError):
        before = group.read_text().rpartition("nice ")[2].strip()
        group.write_text(str(_NICEST))
    try:
        yield raised
    finally:
        with suppress(OSError):
            group.write_text(before or "0")
        with suppress(OSError):
            os.nice(nice - os.nice(0))


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """The calling thread to a CPU, and back where it was."""
    before = os.sched_getaffinity(0)
    pin(cpu)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def in_thread(work: Callable[[], None]) -> None:
    """Run it in a thread of its own, so that pins and priorities go with the thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
