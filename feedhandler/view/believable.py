"""What a memory's words mean as they hold now: nothing of a dead or silent writer is LIVE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shm.inspect import Memory

SILENT_NS: Final = (
    1_000_000_000  #: readers, too, call nothing live whose writer is silent for longer
)


def silence_ns(memory: Memory) -> int:
    """How long the writer has not said that it is well. What it said ahead of a clock that was set
    back is as old as it is ahead, as for readers (`shm/liveness.h`)."""
    return abs(time.time_ns() - memory.segment.heartbeat_ns)


def believable(memory: Memory, state: int, reason: int) -> tuple[str, str]:
    """(state, reason) in words, as they hold now: nothing of a dead or silent writer is LIVE."""
    from shm.names import Reason, State  # here: `--help` needs this file, and not the memory

    writer = memory.writer
    if state != State.CLOSED:
        if writer == "stopped":
            state, reason = State.CLOSED, Reason.STOPPED
        elif writer != "alive" or (state == State.LIVE and silence_ns(memory) > SILENT_NS):
            state, reason = State.STALE, Reason.FAILED
    return word(State, state), word(Reason, reason)


def word(enum: Any, value: int) -> str:
    """A member's name; the bare number when a newer writer knows more of them."""
    try:
        return str(enum(value).name)
    except ValueError:
        return str(value)
