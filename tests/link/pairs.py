"""A source and its mirror in one process, without a link between them."""

from __future__ import annotations

import os

import shm
from feedhandler.link._link import WIRE, Mirrored, Source
from feedhandler.link.clock import ClockOffset
from feedhandler.link.copy import Copy, Tally
from feedhandler.link.names import ALL_KINDS, Hello
from shm._native import LAYOUT_HASH, VERSION, Segment
from shm.segment import create
from tests.recording.market import VENUE, Market

LIMIT = 4096
LIFE = 7


class Pair:
    """A market, one stream of it, and the memory that the stream is written into."""

    def __init__(self, namespace: str, *, slots: int = 4096, kinds: int = ALL_KINDS) -> None:
        self.market = Market(namespace, slots=slots)
        self.feed = shm.attach(VENUE, namespace=namespace)
        segment = self.feed.segment
        assert segment is not None
        self.source = Source(segment, life=LIFE, kinds=kinds)
        self.held = create(
            VENUE,
            namespace=f"{namespace}m",
            mirror=segment.epoch,
            instruments=segment.capacity,
            depth=segment.depth,
            ring_slots=segment.slots,
            connections=segment.connection_capacity,
        )
        self.mirrored = Mirrored(self.held.writer, connections=segment.connection_capacity)
        self.mirror = shm.attach(VENUE, namespace=f"{namespace}m")
        self.source.batch(LIMIT, beat=True)  # what was sent before it listened

    def join(self, first: int = 0) -> None:
        for data in self.source.repair(first, 0, 64):
            self.mirrored.apply(data, counts=False)

    def batches(self, *, beat: bool = False) -> list[bytes]:
        found = []
        while (data := self.source.batch(LIMIT, beat=beat)) is not None:
            found.append(data)
            beat = False
        return found

    def one(self) -> bytes:
        """All that is new, in one batch."""
        data = self.source.batch(1 << 20)
        assert data is not None
        return data

    def close(self) -> None:
        self.feed.close()
        self.mirror.close()
        self.held.close()
        self.market.close()


def hello_of(segment: Segment, life: int = LIFE) -> Hello:
    """As whoever serves that memory says it."""
    return Hello(
        wire=WIRE,
        contract=VERSION,
        layout=LAYOUT_HASH,
        name="here",
        namespace=segment.namespace,
        venue=segment.venue,
        host="there",
        pid=os.getpid(),
        life=life,
        epoch=segment.epoch,
        instruments=segment.capacity,
        depth=segment.depth,
        ring_slots=segment.slots,
        connections=segment.connection_capacity,
        stream="all",
        carried=segment.instruments,
        there=segment.instruments,
    )


def copy_of(pair: Pair, clock: ClockOffset) -> Copy:
    """What takes the pair's batches, once it was joined by a repair."""
    assert pair.feed.segment is not None
    return Copy(pair.held.writer, hello_of(pair.feed.segment), clock, 1_000_000_000, Tally())


def joined(pair: Pair) -> Copy:
    """With all that was sent before."""
    copy = copy_of(pair, ClockOffset())
    assert copy.mend(pair.source.repair(0, 0, 64), counts=False)
    return copy
