"""A mirror that stands still is in nobody's way: neither `serve`'s nor another mirror's."""

from __future__ import annotations

import time

from tests.kit.mirrored import LIVE, Reader, different, free_port, mirrored, states
from tests.kit.patience import CROWDED
from tests.link.fault_table import row

ROWS = 4
RATE = 15_000.0  # messages a second: 4 MB/s, which no socket holds for long
STILL_S = 2.5


def test_a_mirror_that_stands_still_is_in_nobodys_way() -> None:
    assert not row("another mirror stands still").sees
    port = free_port()
    with mirrored(instruments=ROWS, ring_slots=1 << 19) as m:
        m.serve("--listen", f"tcp/127.0.0.1:{port}")
        m.mirror(f"tcp/127.0.0.1:{port}")
        m.mirror(f"tcp/127.0.0.1:{port}", called="slow", to=m.third_space)
        feed, slow = m.attach(), m.attach(m.third_space)
        reader, readers_of_slow = Reader(feed), Reader(slow)
        m.stop("slow")
        frames = int(RATE * STILL_S)
        m.source.pace(RATE, 0.002, frames)
        end = time.monotonic() + STILL_S
        while time.monotonic() < end:
            reader.catch_up()
            if not CROWDED:
                assert states(feed) == {LIVE}
            time.sleep(0.02)
        last = m.source.rest()
        assert feed.segment is not None
        segment = feed.segment
        reader.until(lambda: segment.published == last, "the other mirror has all")
        reader.catch_up()
        assert reader.gone_by == last - reader.first + 1
        assert reader.losses == []
        assert slow.segment is not None
        behind = slow.segment
        assert behind.published < last
        m.go_on("slow")
        readers_of_slow.until(lambda: behind.published == last, "the slow one has all as well")
        readers_of_slow.until(lambda: states(slow) == {LIVE}, "it is LIVE")
        with m.open(m.space) as here, m.open(m.third_space) as there:
            assert different(here, there, ROWS) == []
        assert (slow.segment.mirror or {})["lost"] == 0
