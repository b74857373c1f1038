"""Two connections with one stream: every message counts once, and a hole in one of them is none."""

from __future__ import annotations

import random
import time
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine._engine import Engine
from shm import Kind, Reason, State

from . import support

LIVE = (State.LIVE, Reason.NONE)
ASKS = [["101", "1"]]


def okx_stream(n: int) -> list[bytes]:
    ids = [100 + 3 * i for i in range(n + 1)]
    return [
        support.okx_book(now, before, bids=[["100", str(now)]]) for before, now in pairwise(ids)
    ]


def okx_snapshot(at: int) -> bytes:
    return support.okx_book(at, -1, bids=[["100", str(at)]], asks=ASKS, action="snapshot")


def states(records: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    return [(r[2], r[3]) for r in records if r[0] == Kind.STATE]


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_each_book_message_is_published_once_and_in_order(seed: int) -> None:
    rng = random.Random(seed)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        e.connection(0).feed(okx_snapshot(100))
        e.connection(1).feed(okx_snapshot(100))
        memory = support.memory(e)
        assert states(memory.records()) == [LIVE]
        for index, frame in support.interleaved(rng, okx_stream(40), lost=0.2, lag=6):
            e.connection(index).feed(frame)
        records = memory.records()
        assert states(records) == []
        assert [r[6] for r in records] == [100 + 3 * n for n in range(1, 41)]
        assert {r[0] for r in records} == {Kind.LEVEL}
        assert e.book(i)[2] == 220


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_ranges_of_a_second_connection_join_without_a_base_of_their_own(seed: int) -> None:
    rng = random.Random(seed)
    frames = [support.binance_depth(n, n, [["100", str(n)]]) for n in range(101, 141)]
    with support.engine("binance", instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        e.connection(0).feed(frames[0])
        e.snapshot(i, support.compact({"lastUpdateId": 100, "bids": [["100", "1"]], "asks": ASKS}))
        assert e.state(i) == LIVE
        assert e.feeders(i) == 0b01
        memory = support.memory(e)
        memory.records()
        began = rng.randrange(5, 20)
        ahead = rng.randrange(1, 5)  # the new one is read first: it is ahead of the book
        for at in range(1, began):
            e.connection(0).feed(frames[at])
        for at in range(began + 1, began + ahead + 1):
            e.connection(1).feed(frames[at])
            assert e.feeders(i) == 0b01
        for index, frame in [
            *((0, frames[at]) for at in range(began, began + ahead + 1)),
            *support.interleaved(rng, frames[began + ahead + 1 :], lost=0.0, lag=4),
        ]:
            e.connection(index).feed(frame)
        records = memory.records()
        assert [r[6] for r in records] == list(range(102, 141))
        assert e.state(i) == LIVE
        assert e.feeders(i) == 0b11


def test_messages_that_are_cut_at_other_ids_go_on_top() -> None:
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        e.connection(0).feed(okx_snapshot(100))
        e.connection(0).feed(support.okx_book(110, 100, bids=[["100", "2"]]))
        e.connection(1).feed(okx_snapshot(105))
        e.connection(1).feed(support.okx_book(115, 105, bids=[["100", "3"]]))
        e.connection(0).feed(support.okx_book(120, 110, bids=[["100", "4"]]))
        assert e.state(i) == LIVE
        assert e.book(i)[2] == 120
        assert e.book(i)[0].tolist() == [[100, 4]]


def test_a_hole_that_both_have_is_a_gap() -> None:
    frames = okx_stream(4)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        for index in (0, 1):
            e.connection(index).feed(okx_snapshot(100))
            e.connection(index).feed(frames[0])
        e.connection(0).feed(frames[2])
        assert e.state(i) == LIVE  # the other may bring it
        assert e.feeders(i) == 0b10
        e.connection(1).feed(frames[2])
        assert e.state(i) == (State.STALE, Reason.GAP)
        assert e.feeders(i) == 0


@pytest.mark.parametrize("again", [False, True])
def test_a_hole_that_nobody_fills_in_time_is_a_gap(again: bool) -> None:
    frames = okx_stream(5)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        for index in (0, 1):
            e.connection(index).feed(okx_snapshot(100))
        now = time.time_ns()
        e.connection(0).feed(frames[1], now - 600_000_000)
        assert e.state(i) == LIVE
        if again:
            e.connection(0).feed(frames[2], now)
        else:
            assert e.overdue() == 1
        assert e.state(i) == (State.STALE, Reason.GAP)
        assert e.overdue() == 0


@pytest.mark.parametrize(("back_ns", "lost"), [(3600 * 10**9, 1), (100_000_000, 0)])
def test_a_hole_is_waited_for_no_longer_where_the_clock_was_set_back(
    back_ns: int, lost: int
) -> None:
    """Nobody knows how long it is there. Clocks of two readings may differ by a moment."""
    frames = okx_stream(5)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        for index in (0, 1):
            e.connection(index).feed(okx_snapshot(100))
        e.connection(0).feed(frames[1], time.time_ns() + back_ns)
        assert e.overdue() == lost
        assert e.state(i) == ((State.STALE, Reason.GAP) if lost else LIVE)


def test_a_hole_that_is_filled_is_forgotten() -> None:
    frames = okx_stream(3)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        for index in (0, 1):
            e.connection(index).feed(okx_snapshot(100))
        then = time.time_ns() - 600_000_000
        e.connection(0).feed(frames[1], then)
        e.connection(1).feed(frames[0], then + 1)
        assert e.overdue() == 0
        assert e.state(i) == LIVE


def test_a_book_changes_hands_only_to_one_that_is_in_step() -> None:
    frames = okx_stream(5)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        for index in (0, 1):
            e.connection(index).feed(okx_snapshot(100))
        assert e.disconnected(0, Reason.DISCONNECTED) == []
        e.connection(1).feed(frames[0])
        assert e.state(i) == LIVE
        e.connection(0).feed(frames[2])  # it missed one
        assert e.disconnected(1, Reason.DISCONNECTED) == [i]
        assert e.state(i) == (State.STALE, Reason.DISCONNECTED)


def test_a_malformed_frame_on_one_of_two_harms_no_book() -> None:
    frames = okx_stream(2)
    with support.engine("okx", instruments=2) as e:
        i = e.add_instrument("BTC-USDT")
        for index in (0, 1):
            e.connection(index).feed(okx_snapshot(100))
        e.connection(0).feed(frames[0][:-9])
        assert e.state(i) == LIVE
        assert e.feeders(i) == 0b10
        e.connection(1).feed(frames[0])
        e.connection(0).feed(frames[1])
        assert e.state(i) == LIVE
        assert e.book(i)[2] == 106


def test_a_quiet_book_is_adopted() -> None:
    with support.engine("binance", instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        e.adopt(i, 0)
        assert e.feeders(i) == 0  # it has no base
        e.connection(1).feed(support.binance_depth(100, 100))
        e.snapshot(i, support.compact({"lastUpdateId": 100, "bids": [["100", "1"]], "asks": ASKS}))
        assert e.state(i) == LIVE
        e.adopt(i, 0)
        assert e.disconnected(1, Reason.SILENT) == []
        assert e.disconnected(0, Reason.SILENT) == [i]
        assert e.state(i) == (State.STALE, Reason.SILENT)


def test_the_first_copy_wins_by_its_lead() -> None:
    frames = okx_stream(9)
    with support.engine("okx", instruments=2) as e:
        e.add_instrument("BTC-USDT")
        first, second = e.connection(0), e.connection(1)
        for each in (first, second):
            each.feed(okx_snapshot(100))
        clock = count(time.time_ns(), 1_000_000)
        for at, frame in enumerate(frames):
            one, other = (first, second) if at % 3 else (second, first)
            began = next(clock)
            one.feed(frame, began)
            one.feed(frame, began + 1)  # the venue's own duplicate is nobody's win
            other.feed(frame, began + 5_000)
        assert (first.wins, second.wins) == (6, 3)
        assert first.lead_p50_ns == second.lead_p50_ns == 5_000


BASE_100 = support.compact({"lastUpdateId": 100, "bids": [["100", "1"]], "asks": ASKS})


def behind_and_ahead(e: Engine, taken: int, ahead: int) -> tuple[int, list[bytes]]:
    """Connection 0 feeds a book up to a place; 1 is subscribed further on, and was read first."""
    frames = [support.binance_depth(n, n, [["100", str(n)]]) for n in range(101, 141)]
    i = e.add_instrument("BTCUSDT")
    e.connection(0).feed(frames[0])
    e.snapshot(i, BASE_100)
    for frame in frames[1:taken]:
        e.connection(0).feed(frame)
    for frame in frames[ahead:]:
        e.connection(1).feed(frame)
    return i, frames


@settings(max_examples=60)
@given(st.integers(1, 20), st.integers(1, 19))
def test_what_is_ahead_is_held_until_the_other_has_come_so_far(taken: int, hole: int) -> None:
    with support.engine("binance", instruments=2) as e:
        i, frames = behind_and_ahead(e, taken, taken + hole)
        assert e.feeders(i) == 0b01
        for frame in frames[taken : taken + hole]:
            assert e.state(i) == LIVE
            e.connection(0).feed(frame)
        assert e.book(i)[2] == 140  # all that was held followed at once
        assert e.feeders(i) == 0b11
        assert e.disconnected(0, Reason.DISCONNECTED) == []
        assert states(support.memory(e).records())[-1:] == [LIVE]
        assert e.counters()["gaps"] == e.counters()["resyncs"] == 0


def test_every_update_that_was_held_is_published_once() -> None:
    with support.engine("binance", instruments=2) as e:
        _, frames = behind_and_ahead(e, 5, 9)
        memory = support.memory(e)
        memory.records()
        for frame in frames[5:]:
            e.connection(0).feed(frame)
        assert [r[6] for r in memory.records()] == list(range(106, 141))


def test_a_full_book_that_was_asked_for_leads_to_what_is_held() -> None:
    with support.engine("binance", instruments=2) as e:
        i, _ = behind_and_ahead(e, 5, 20)
        older = support.compact({"lastUpdateId": 118, "bids": [["100", "1"]], "asks": ASKS})
        e.snapshot(i, older)  # past the book, and not at what is held: nothing would confirm it
        assert e.state(i) == LIVE
        assert (e.book(i)[2], e.feeders(i)) == (105, 0b01)
        base = support.compact({"lastUpdateId": 121, "bids": [["100", "1"]], "asks": ASKS})
        e.snapshot(i, base)
        assert e.state(i) == LIVE
        assert (e.book(i)[2], e.feeders(i)) == (140, 0b11)


def test_what_was_held_of_a_connection_that_is_gone_counts_for_nobody() -> None:
    with support.engine("binance", instruments=2) as e:
        i, frames = behind_and_ahead(e, 5, 8)
        assert e.disconnected(1, Reason.DISCONNECTED) == []
        for frame in frames[5:10]:
            e.connection(0).feed(frame)
        assert e.feeders(i) == 0b01
        assert e.disconnected(0, Reason.DISCONNECTED) == [i]
        assert e.state(i) == (State.STALE, Reason.DISCONNECTED)


def test_one_that_is_known_to_read_late_has_longer_to_fill_a_hole() -> None:
    frames = [support.binance_depth(n, n, [["100", str(n)]]) for n in range(101, 104)]
    with support.engine("binance", instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        e.connection(0).feed(frames[0])
        e.snapshot(i, BASE_100)
        e.connection(0).behind_ns = 3_000_000_000
        e.connection(1).feed(frames[2], time.time_ns() - 3_000_000_000)
        assert e.overdue() == 0
        e.connection(0).behind_ns = 2_000_000_000
        assert e.overdue() == 1
        assert e.state(i) == (State.STALE, Reason.GAP)


def test_the_age_of_what_comes_and_the_load_of_each_instrument_are_measured() -> None:
    sent = 1_700_000_000_000_000_000  # as the frames say
    with support.engine("binance", instruments=2) as e:
        names = ("BTCUSDT", "ETHUSDT")
        for name in names:
            e.add_instrument(name)
        connection = e.connection(0)
        assert connection.take_late_ns() is None
        expected = [0, 0]
        for late_ms, n in ((900, 0), (300, 1), (800, 1)):
            frame = support.binance_depth(1, 1, symbol=names[n])
            connection.feed(frame, sent + late_ms * 1_000_000)
            expected[n] += len(frame)
        assert connection.take_late_ns() == 300_000_000
        assert connection.take_late_ns() is None
        assert e.load().tolist() == expected
