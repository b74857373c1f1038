"""A source whose clock is another: it is measured, said, and in no age."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest

import shm
from feedhandler.link.clock import ClockOffset
from feedhandler.view import mirrored
from shm import Reason, State
from tests.link.pairs import LIMIT, Pair, copy_of
from tests.recording.market import SYMBOLS

TEN_MINUTES = 600_000_000_000
SECOND = 1_000_000_000
_SENT = 64  # of a head


def test_the_quickest_answer_counts_and_says_how_wrong_it_may_be() -> None:
    clock = ClockOffset()
    assert clock.now() is None
    asked = 1_000 * SECOND
    for way_ns, back_ns in ((40_000_000, 2_000_000), (300_000, 500_000), (9_000_000, 1_000_000)):
        came = asked + way_ns + TEN_MINUTES
        left = came + 70_000
        clock.add(asked, came, left, left - TEN_MINUTES + back_ns)
        found = clock.now()
        assert found is not None
        assert abs(found.offset_ns - TEN_MINUTES) <= found.error_ns
    assert found is not None
    assert found.rtt_ns == 800_000
    assert 400_000 <= found.error_ns < 500_000


@pytest.mark.parametrize("by_ns", [SECOND, -TEN_MINUTES])
def test_a_clock_that_was_set_is_noticed_with_the_next_answer(by_ns: int) -> None:
    clock = ClockOffset()
    for offset in (0, 0, by_ns):
        clock.add(SECOND, 2 * SECOND + offset, 2 * SECOND + offset, 3 * SECOND)
        clock.add(SECOND, SECOND + 1000 + offset, SECOND + 1000 + offset, SECOND + 2000)
    found = clock.now()
    assert found is not None
    assert abs(found.offset_ns - by_ns) <= found.error_ns


@pytest.fixture
def pair(namespace: str) -> Iterator[Pair]:
    made = Pair(namespace)
    yield made
    made.close()


@pytest.mark.parametrize("ahead_ns", [TEN_MINUTES, -TEN_MINUTES])
def test_ten_minutes_are_in_no_age_and_in_no_state(pair: Pair, ahead_ns: int) -> None:
    """Times are the source's, ages are right; who is not in step is so by either clock."""
    clock = ClockOffset()
    copy = copy_of(pair, clock)
    pair.market.now_ns = time.time_ns() + ahead_ns
    for row in range(len(SYMBOLS)):
        pair.market.snapshot(row)
        pair.market.writer.quote_store(
            row,
            {"state": int(State.LIVE), "data_ns": pair.market.now_ns, "bid_price": 5},
        )
    pair.market.writer.publish()
    pair.market.step(50)
    pair.batches(beat=True)
    repair = [_sent(each, ahead_ns) for each in pair.source.repair(0, 0, 64)]
    assert copy.mend(repair, counts=False)
    copy.judge()
    assert _states(pair) == {(State.STALE, Reason.LINK)}  # nobody has said what time it is there
    now = time.time_ns()
    clock.add(now - 50_000, now + ahead_ns, now + ahead_ns, now + 50_000)
    data = pair.source.batch(LIMIT, beat=True)
    assert data is not None
    assert copy.take(_sent(data, ahead_ns))
    copy.beat("tcp/there", time.time_ns())
    assert _states(pair) == {(State.LIVE, Reason.NONE)}
    quote, board = pair.mirror.quote(SYMBOLS[0]), pair.mirror.board()
    assert abs(quote.age_ns) < 60 * SECOND
    assert abs(int(board["age_ns"][0])) < 60 * SECOND
    segment = pair.mirror.segment
    assert segment is not None
    told = segment.mirror
    assert told is not None
    assert abs(told["clock_offset_ns"] - ahead_ns) <= told["clock_error_ns"]
    assert abs(segment.now_ns - time.time_ns() - ahead_ns) < SECOND
    assert told["late_ns"] < 60 * SECOND
    trades = pair.mirror.trades(last="60s")
    assert len(trades) > 0
    assert not any(each.reason == "the writer says nothing" for each in trades.missing)
    opened_ns = time.time_ns() - SECOND
    ours = dict.fromkeys((*mirrored.TIMES, "rtt_ns"), 0)
    ours["since_ns"] = opened_ns + told["clock_offset_ns"]
    assert mirrored.by_our_clock(ours, segment) == ours | {"since_ns": opened_ns}
    told_now = mirrored.in_words(told, time.time_ns())
    assert f"its clock 10 min {'ahead' if ahead_ns > 0 else 'behind'}, within" in told_now
    late = _sent(pair.source.batch(LIMIT, beat=True) or b"", ahead_ns - 5 * SECOND)
    assert copy.take(late)  # it is five seconds old
    copy._step_ns = time.time_ns() + ahead_ns - 5 * SECOND
    copy.judge()
    assert _states(pair) == {(State.STALE, Reason.LINK)}
    book = pair.mirror.book(SYMBOLS[0])
    assert abs(book.state_ns - time.time_ns() - ahead_ns) < 60 * SECOND  # also by its clock


def _states(pair: Pair) -> set[tuple[State, Reason]]:
    return {(book.state, book.reason) for book in map(pair.mirror.book, SYMBOLS)}


def _sent(data: bytes, later_ns: int) -> bytes:
    """As a host with such a clock would have sent it."""
    changed = bytearray(data)
    (sent,) = struct.unpack_from("<q", changed, _SENT)
    struct.pack_into("<q", changed, _SENT, sent + later_ns)
    return bytes(changed)


def test_batches_that_come_early_twice_or_never(pair: Pair) -> None:
    """In order in memory, whatever order they came in; one that is missing holds up the rest."""
    clock = ClockOffset()
    now = time.time_ns()
    clock.add(now, now, now, now)
    copy = copy_of(pair, clock)
    assert copy.mend(pair.source.repair(0, 0, 64), counts=False)
    batches = []
    for _ in range(6):
        pair.market.step()
        data = pair.source.batch(1 << 20)
        assert data is not None
        batches.append(data)
    first, second, third, fourth, _, last = batches
    assert copy.take(first)
    assert copy.take(first)  # once more
    assert not copy.take(third)
    assert copy.gap
    assert copy._tally.repeated == 1
    assert not copy.take(fourth)
    assert not copy.take(last)
    segment = pair.mirror.segment
    assert segment is not None
    published = segment.published
    repair = pair.source.repair(copy.next_sequence, copy.number, 0)
    assert copy.mend(repair, counts=True)
    assert segment.published == pair.market.published > published
    assert not copy.gap
    assert copy.take(second)  # it was had
    assert copy.number == pair.source.number
    assert copy.lost == 0
    foreign = bytearray(last)
    struct.pack_into("<Q", foreign, 8, 99)
    assert not copy.take(bytes(foreign))  # of another life
    assert copy._tally.foreign == 1
    assert isinstance(pair.mirror, shm.Feed)
