"""A mirror that follows its own mirror: nothing new comes, and each says that the other is well."""

from __future__ import annotations

from time import time_ns

import pytest

from feedhandler.link.clock import ClockOffset
from shm import Reason, State
from tests.link.pairs import Pair, copy_of

NOTHING_ELSE = dict.fromkeys(
    ("clock_offset_ns", "clock_error_ns", "late_ns", "heard_ns", "lost", "repaired"), 0
)


@pytest.mark.parametrize("hops", [15, 16, 17])
def test_more_links_than_there_can_be_are_a_loop(namespace: str, hops: int) -> None:
    """In a loop each counts one more link than the other, without end."""
    pair = Pair(namespace)
    try:
        now = time_ns()
        clock = ClockOffset()
        clock.add(now, now, now, now)
        copy = copy_of(pair, clock)
        pair.market.writer.mirrors(hops, "a/x < b/y", "tcp/there", **NOTHING_ELSE)
        pair.batches(beat=True)
        copy.mend(pair.source.repair(0, 0, 64), counts=False)
        copy.judge()
        copy.beat("tcp/here", now)
        state = pair.mirror.state
        assert pair.mirror.segment is not None
        told = pair.mirror.segment.mirror
        assert told is not None
        if hops < 16:
            assert told["hops"] == hops + 1
            assert state[0] is not State.STALE
        else:
            assert told["hops"] == 17  # it counts no further
            assert state == (State.STALE, Reason.LINK)
    finally:
        pair.close()
