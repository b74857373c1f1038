"""Who waits for a wake gets one for what was read at once, and none for nothing."""

from __future__ import annotations

import random

from feedhandler.engine import _engine as native
from tests.engine.support import engine, memory
from tests.engine.venue_frames import FRAMES


class TestWaking:
    def test_a_batch_is_woken_once_with_its_last_frame(self) -> None:
        frames = FRAMES["deribit"](random.Random(1))[:5]
        with engine("deribit") as e:
            c = e.connection(0)
            before = wakes(e)
            for frame in frames[:-1]:
                c.feed(frame, 0, False)
            assert wakes(e) == before
            c.feed(frames[-1])
            assert wakes(e) == before + 1

    def test_what_is_read_at_once_was_received_at_once(self) -> None:
        frames = FRAMES["deribit"](random.Random(1))[:4]
        with engine("deribit") as e:
            c = e.connection(0)
            times = []
            for frame, last in zip(frames, (False, True, False, True), strict=True):
                c.feed(frame, 0, last)
                times.append(c.last_receive_ns)
            assert times[0] == times[1] < times[2] == times[3]
            c.feed(frames[0], 0, False)
            c.flush()
            first = c.last_receive_ns
            c.feed(frames[0])
            assert c.last_receive_ns > first

    def test_flush_wakes_once_and_only_if_something_was_published(self) -> None:
        with engine("deribit") as e:
            c = e.connection(0)
            c.flush()
            before = wakes(e)
            c.feed(FRAMES["deribit"](random.Random(1))[0], wake=False)
            c.flush()
            c.flush()
            assert wakes(e) == before + 1

    def test_a_frame_that_publishes_nothing_wakes_for_those_before_it(self) -> None:
        with engine("deribit") as e:
            c = e.connection(0)
            before = wakes(e)
            c.feed(FRAMES["deribit"](random.Random(1))[0], wake=False)
            c.feed(b'{"jsonrpc":"2.0","id":1,"result":[]}')
            assert wakes(e) == before + 1

    def test_a_refused_frame_wakes_for_those_before_it(self) -> None:
        with engine("deribit") as e:
            c = e.connection(0)
            c.feed(FRAMES["deribit"](random.Random(1))[0], wake=False)
            before = wakes(e)
            c.feed(b"{")
            assert wakes(e) == before + 1


def wakes(e: native.Engine) -> int:
    """The futex word."""
    return int.from_bytes(memory(e).path.read_bytes()[640:644], "little")
