"""Two hosts and a cable: a mirror's memory is the source's, byte for byte, and nothing is lost.

Each host is a network namespace with processes of its own: the writer and `serve` on one, `mirror`
on the other.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from feedhandler.bench.kit.hosts import hosts, impossible
from shm import Kind
from shm.inspect import Memory
from tests.kit.mirrored import (
    CELLS,
    LIVE,
    Mirrored,
    Reader,
    different,
    mirrored,
    ring,
    same_at_one_sequence,
    states,
)
from tests.kit.patience import SLACK_S
from tests.kit.rig import until
from tests.link.fault_table import row

ROWS = 20
RATE = 5_000.0  # messages a second
MARKS = 100
EVERY_S = 0.02
PORT = 7447
_OF_BOOKS = [Kind.LEVEL, Kind.CLEAR]

pytestmark = [
    pytest.mark.skipif(bool(impossible()), reason=impossible() or "-"),
]


def test_every_byte_is_the_sources_at_a_hundred_marks() -> None:
    with hosts(2) as (near, far), mirrored(instruments=ROWS, ring_slots=1 << 18) as m:
        m.serve("--listen", f"tcp/{near.address}:{PORT}", on=near)
        m.mirror(f"tcp/{near.address}:{PORT}", on=far)
        feed = m.attach()
        reader = Reader(feed)
        here, there = (m.stack.enter_context(m.open(each)) for each in (m.space, m.far_space))
        assert here.epoch == there.epoch
        frames = int(RATE * EVERY_S * MARKS)
        m.source.pace(RATE, 0.002, frames)
        compared = [_mark(here, there, reader) for _ in range(MARKS)]
        assert min(compared) > 0
        last = m.source.rest()
        reader.until(lambda: there.segment.published == last, "the mirror has all")
        _whole(m, here, there, reader, last)


def _mark(here: Memory, there: Memory, reader: Reader) -> int:
    """Cells that were at one sequence in both memories, and the same; and no cell is older than the
    records that a reader saw before."""
    time.sleep(EVERY_S)  # the market's own time
    reader.catch_up()
    published = there.segment.published
    records = ring(there, max(1, published - 2_000), published)
    of_books = records[np.isin(records["kind"], _OF_BOOKS)]
    newest = dict(zip(of_books["instrument"].tolist(), of_books["sequence"].tolist(), strict=True))
    for instrument, sequence in newest.items():
        cell = there.book(instrument)
        assert cell is not None
        assert cell[0]["ring_sequence"] >= sequence
    compared = 0
    for region in CELLS:
        for instrument in range(ROWS):
            same = same_at_one_sequence(here, there, region, instrument)
            assert same is not False, different(here, there, ROWS)
            compared += same is True
    return compared


def _whole(m: Mirrored, here: Memory, there: Memory, reader: Reader, last: int) -> None:
    """At rest: all cells, the whole ring, and nothing lost."""
    assert last > reader.first + 500
    reader.catch_up()
    assert reader.gone_by == last - reader.first + 1
    assert reader.losses == []
    assert states(reader.feed) == {LIVE}
    assert different(here, there, ROWS) == []
    ours, theirs = (ring(each, reader.first, last) for each in (here, there))
    assert (theirs == ours).all()
    assert reader.feed.segment is not None
    about = reader.feed.segment.mirror
    assert about is not None
    assert about["lost"] == 0
    assert about["hops"] == 1
    assert about["source"] == f"here/{m.space}"


def test_packets_that_are_lost_are_sent_again() -> None:
    """A narrow way with little room: what comes at once overflows it, and TCP repeats it."""
    with hosts(2) as (near, far), mirrored(instruments=ROWS, ring_slots=1 << 18) as m:
        m.serve("--listen", f"tcp/{near.address}:{PORT}", on=near)
        m.mirror(f"tcp/{near.address}:{PORT}", on=far)
        reader = Reader(m.attach())
        far.queue("tbf", "rate", "20mbit", "burst", "3kb", "limit", "9kb")
        m.source.pace(2_000.0, 0.04)
        until(lambda: far.dropped() >= 20, "packets are lost")
        last = m.source.rest()
        here, there = (m.stack.enter_context(m.open(each)) for each in (m.space, m.far_space))
        reader.until(lambda: there.segment.published == last, "the mirror has all")
        _whole(m, here, there, reader, last)


def test_a_cable_that_is_pulled_and_put_back() -> None:
    _pulled(0.0)


@pytest.mark.soak
def test_a_cable_that_is_pulled_for_long() -> None:
    """For longer than the engine believes in a connection that says nothing."""
    _pulled(12.0)


def _pulled(seconds: float) -> None:
    """Neither end is told: no FIN, no refusal."""
    its = row("a cable is pulled and put back")
    with hosts(2) as (near, far), mirrored(instruments=ROWS, ring_slots=1 << 18) as m:
        m.serve("--listen", f"tcp/{near.address}:{PORT}", on=near)
        m.mirror(f"tcp/{near.address}:{PORT}", on=far)
        feed = m.attach()
        reader = Reader(feed)
        m.source.pace(500.0)
        far.unplug()
        reader.until(lambda: states(feed) == set(its.sees), "books are as the table says")
        time.sleep(seconds)  # the fault's own time
        far.plug()
        over = time.monotonic()
        reader.until(lambda: states(feed) == {LIVE}, "books are LIVE again", its.healed_s + SLACK_S)
        print(f"{its.fault}: healed after {time.monotonic() - over:.2f} s")
        last = m.source.rest()
        here, there = (m.stack.enter_context(m.open(each)) for each in (m.space, m.far_space))
        reader.until(lambda: there.segment.published == last, "the mirror has all")
        _whole(m, here, there, reader, last)
