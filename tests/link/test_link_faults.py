"""Faults of a link, each a row of the table in docs/mirror.md: what readers of the mirror see,
within what time, when it is well again, and what was lost.

One source and one mirror go through all of them: each test leaves both as it found them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.kit.mirrored import LIVE, Reader, states
from tests.kit.patience import CROWDED
from tests.link.fault_table import row
from tests.link.going import RATE, SILENCE_S, SLOTS, Going, going

DELAY_S = 0.2


@pytest.fixture(scope="module")
def it_all() -> Iterator[Going]:
    with going() as g:
        yield g


@pytest.fixture
def g(it_all: Going) -> Going:
    """A fresh reader, and a market that moves."""
    it_all.m.source.pace(RATE)
    it_all.reader = Reader(it_all.feed)
    return it_all


def _cut(g: Going, seconds: float) -> None:
    its = row("link cut")
    began = time.monotonic()
    g.link.cut()
    g.sees(its, began)
    time.sleep(max(0.0, began + seconds - time.monotonic()))  # the fault's own time
    over = time.monotonic()
    g.link.mend()
    g.heals(its, over)
    g.whole()


def test_cut(g: Going) -> None:
    _cut(g, 1.0)


@pytest.mark.soak
def test_cut_for_long(g: Going) -> None:
    _cut(g, 10.0)


def test_cut_for_longer_than_the_ring_reaches(g: Going) -> None:
    its = row("link cut, for longer than the source's ring reaches")
    began = time.monotonic()
    g.link.cut()
    g.sees(its, began)
    had, before = g.published, g.about["lost"]
    g.m.source.pace(20_000.0, frames=2 * SLOTS // 5)
    last = g.m.source.rest()
    missing = last - SLOTS - had
    assert missing > SLOTS // 4
    over = time.monotonic()
    g.link.mend()
    g.heals(its, over)
    with g.m.open(g.m.far_space) as there:
        records = there.slots(last - SLOTS + 1, last)
    had_again = int(records["sequence"][records["status"] == 0].min())
    gone = had_again - had - 1
    assert missing <= gone < missing + SLOTS // 4  # where the source writes, nobody reads
    g.reader.until(lambda: g.about["lost"] - before == gone, "the mirror says how many")
    g.whole(lambda lost: gone <= lost <= last - had)  # who is overrun goes on with what is new
    assert len(g.reader.losses) == 1


def test_half_open(g: Going) -> None:
    its = row("link half open")
    began = time.monotonic()
    g.link.silence()
    g.sees(its, began)
    over = time.monotonic()
    g.link.mend()
    g.heals(its, over)
    g.whole()


def test_delay_and_loss(g: Going) -> None:
    its = row("200 ms of delay, and losses below TCP")
    assert not its.sees
    g.link.slow(DELAY_S, lost=0.05)
    end = time.monotonic() + 2.0
    g.reader.until(lambda: g.about["late_ns"] > DELAY_S * 1e9, "it is late, and says so")
    while time.monotonic() < end:
        g.reader.catch_up()
        if not CROWDED:
            assert states(g.feed) == {LIVE}
        time.sleep(0.05)
    g.link.slow()
    g.reader.until(lambda: states(g.feed) == {LIVE}, "books are LIVE")
    g.whole()


def test_the_machine_of_the_source_stands_still(g: Going) -> None:
    its = row("the source's machine stands still")
    began = time.monotonic()
    g.m.stop("source", "serve")
    try:
        g.sees(its, began)
    finally:
        over = time.monotonic()
        g.m.go_on("source", "serve")
    g.heals(its, over)
    g.whole()


def test_serve_killed_and_started_again(g: Going) -> None:
    its = row("`serve` killed and started again")
    began = time.monotonic()
    g.m.kill("serve")
    g.sees(its, began)
    over = time.monotonic()
    g.m.again("serve")
    g.heals(its, over)
    g.whole()


def test_source_killed_and_started_again(g: Going) -> None:
    its = row("the source killed and started again")
    began = time.monotonic()
    g.m.source.kill()
    g.sees(its, began)
    over = time.monotonic()
    g.m.source.start()
    _follows_the_next_epoch(g)
    g.heals(its, over)
    g.whole()


def test_mirror_killed_and_started_again(g: Going) -> None:
    its = row("the mirror killed and started again")
    g.m.kill("mirror")
    g.reader.until(
        lambda: g.reader.gone == ["died"], "its reader is told", its.noticed_s(SILENCE_S)
    )
    over = time.monotonic()
    g.m.again("mirror")
    _follows_the_next_epoch(g)
    g.heals(its, over)
    g.whole()


def _follows_the_next_epoch(g: Going) -> None:
    g.feed.close()
    g.feed = g.m.attach()
    g.reader = Reader(g.feed)
