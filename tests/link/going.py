"""A mirror that is followed while its link fails: what readers see, how long, what they lose."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import shm
from tests.kit.link import Link, link
from tests.kit.mirrored import LIVE, Mirrored, Reader, different, free_port, mirrored, ring, states
from tests.kit.patience import CROWDED, SLACK_S
from tests.link.fault_table import Row

ROWS = 4
SLOTS = 1 << 14
RATE = 300.0  #: messages a second, of a source that nothing is asked of
SILENCE_S = 2.0 if CROWDED else 1.0


@dataclass
class Going:
    """All LIVE, with a reader that follows; `link`: in front of what the mirror connects to."""

    m: Mirrored
    link: Link
    feed: shm.Feed
    reader: Reader
    port: int  #: behind the link

    @property
    def published(self) -> int:
        """The last record that readers of the mirror see."""
        assert self.feed.segment is not None
        return self.feed.segment.published

    @property
    def about(self) -> dict[str, int]:
        """What the mirror says of itself."""
        assert self.feed.segment is not None
        found: dict[str, int] = self.feed.segment.mirror or {}
        return found

    def sees(self, its: Row, began: float) -> None:
        """Every book is as the row says, in time; none is LIVE."""
        bound = its.noticed_s(SILENCE_S) + SLACK_S
        self._until(lambda: states(self.feed) <= set(its.sees), f"{its.fault}: it is seen", bound)
        print(f"{its.fault}: seen after {time.monotonic() - began:.2f} s")
        assert self.feed.state[0] != shm.State.LIVE

    def heals(self, its: Row, over: float) -> None:
        """Every book is LIVE again, in time."""
        bound = its.healed_s + SLACK_S
        self._until(lambda: states(self.feed) == {LIVE}, f"{its.fault}: it heals", bound)
        print(f"{its.fault}: healed after {time.monotonic() - over:.2f} s")

    def _until(self, condition: Callable[[], bool], what: str, bound: float) -> None:
        try:
            self.reader.until(condition, what, bound)
        except AssertionError as error:
            said = "\n".join(self.m.said(each) for each in self.m.started)
            raise AssertionError(f"{error}: {states(self.feed)}, {self.about}\n{said}") from None

    def whole(self, lost: Callable[[int], bool] = lambda lost: lost == 0) -> None:
        """At rest both memories are the same; readers of the mirror had every record, or were told
        how many they had not."""
        last, reader = self.m.source.rest(), self.reader
        reader.until(lambda: self.published == last, "the mirror has all")
        reader.catch_up()
        events = reader.events
        counts = events.delivered, events.filtered, events.lost
        assert reader.gone_by == last - reader.first + 1, (counts, reader.first, last, reader.gone)
        assert lost(sum(reader.losses)), reader.losses
        with self.m.open(self.m.space) as here, self.m.open(self.m.far_space) as there:
            assert here.epoch == there.epoch
            assert different(here, there, ROWS) == []
            first = max(reader.first, last - SLOTS // 2)
            assert (ring(here, first, last) == ring(there, first, last)).all()


@contextmanager
def going(*, routed: bool = False) -> Iterator[Going]:
    """Everything starts; `routed`: with a relay behind the link."""
    with mirrored(instruments=ROWS, ring_slots=SLOTS) as m:
        port = free_port()
        if routed:
            m.router(port)
        m.serve("--connect" if routed else "--listen", f"tcp/127.0.0.1:{port}")
        with link(port) as between:
            m.mirror(between.endpoint, "--silence", str(SILENCE_S))
            feed = m.attach()
            m.source.pace(RATE)
            yield Going(m, between, feed, Reader(feed), port)
