"""Books whose messages carry a time and no number: no hole shows, and a LIVE book is not wrong."""

from __future__ import annotations

import copy
import random
from collections import deque
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Reason, State

from . import support

LIVE = (State.LIVE, Reason.NONE)
LEVEL = '["$price","$size"]'
DECODER = native.shape_decoder(
    compiled(
        (
            Frame(
                "book",
                '{"data":{"e":"depthUpdate","s":"$symbol","u":$time_ns,"b":$bids,"a":$asks}}',
                level=LEVEL,
            ),
            Frame("answer", '{"lastUpdateId":$time_ns,"bids":$bids,"asks":$asks}', level=LEVEL),
        )
    )
)


def by_time(**options: Any) -> AbstractContextManager[native.Engine]:
    return support.engine_of(DECODER, rule=native.RULE_TIME, base=native.BASE_REQUEST, **options)


class Venue:
    """The true book after each of its messages; some of them are of the same time."""

    def __init__(self, rng: random.Random, twice: bool) -> None:
        self.rng = rng
        self.twice = twice
        self.time = 1000
        self.sides: tuple[support.Levels, support.Levels] = (
            {Decimal(100 - i): Decimal(5) for i in range(1, 8)},
            {Decimal(100 + i): Decimal(5) for i in range(1, 8)},
        )
        self.states = [(self.time, copy.deepcopy(self.sides))]
        self.frames: list[bytes] = []

    def step(self) -> None:
        same = len(self.states) > 2 and self.states[-1][0] > self.states[-2][0] + 1
        self.time += self.rng.choice((0, 1, 2, 7) if same and self.twice else (1, 2, 7))
        changes = support.random_changes(self.rng, self.sides, least=1)
        self.states.append((self.time, copy.deepcopy(self.sides)))
        self.frames.append(support.binance_depth(self.time, self.time, *changes))

    def answer(self, back: int) -> bytes:
        """Of a time that two messages share it is not said which of them it has: never that one."""
        times = [time for time, _ in self.states]
        once = [state for state in self.states if times.count(state[0]) == 1]
        if self.twice and once[-1] is self.states[-1] and len(once) > 1:
            once.pop()  # another one may follow
        time, (bids, asks) = once[-min(back, len(once))]
        rows = [[[str(p), str(s)] for p, s in side.items()] for side in (bids, asks)]
        return support.compact({"lastUpdateId": time, "bids": rows[0], "asks": rows[1]})


@settings(max_examples=400)
@given(st.integers(0, 2**32), st.integers(1, 3))
@example(181, 2)
@example(511, 3)
def test_a_live_book_is_the_venues(seed: int, connections: int) -> None:
    rng = random.Random(seed)
    venue = Venue(rng, connections == 1)
    queues: list[deque[bytes]] = [deque() for _ in range(connections)]
    lives = 0
    with by_time(ring_slots=1 << 12, instruments=2) as e:
        i = e.add_instrument("BTCUSDT", size_exponent=-2)
        for _ in range(120):
            dice, index = rng.random(), rng.randrange(connections)
            if dice < 0.35:
                venue.step()
                for queue in queues:
                    queue.append(venue.frames[-1])
            elif dice < 0.8 and queues[index]:
                e.connection(index).feed(queues[index].popleft())
            elif dice < 0.83 and queues[index]:
                e.connection(index).feed(queues[index].popleft()[:-9])
            elif dice < 0.86:
                e.disconnected(index, Reason.DISCONNECTED)
                queues[index].clear()  # it is subscribed to anew
            elif dice < 0.96:
                e.snapshot(i, venue.answer(rng.randrange(1, 9)))
            if e.state(i) == LIVE:
                lives += 1
                place = e.book(i)[2]
                assert support.engine_book(e, i) in [
                    sides for time, sides in venue.states if time == place
                ]
        # whatever happened: one answer that is later than what waits heals it
        for index in range(connections):
            e.disconnected(index, Reason.DISCONNECTED)
        venue.twice = False
        venue.step()
        e.connection(0).feed(venue.frames[-1])
        e.snapshot(i, venue.answer(1))
        assert e.state(i) == LIVE
        assert support.engine_book(e, i) == venue.sides


def machine() -> native.Continuity:
    return native.Continuity(rule=native.RULE_TIME, base=native.BASE_REQUEST)


def test_a_later_message_is_the_next_one() -> None:
    c = machine()
    assert c.delta(50, 50) == "buffer"
    assert c.answer(40, (50, 50, 0)) == "too_old"  # what lies between is not known
    assert c.answer(50, (50, 50, 0)) == "replace"
    assert c.delta(50, 50) == "apply"
    assert c.delta(90, 90) == "apply"
    assert c.delta(89, 89) == "duplicate"
    assert c.delta(90, 90) == "apply"  # of the same connection: another change of that time
    assert c.delta(90, 90, own=False, others=True) == "duplicate"
    assert c.delta(91, 91, own=False, others=True, step=False) == "ahead"
    assert c.delta(91, 91, own=False, others=True, step=True) == "apply"


def test_a_claimed_book_that_the_stream_begins_behind_is_asked_for_again() -> None:
    c = machine()
    assert c.answer(40) == "claim"
    assert c.delta(41, 41) == "buffer"
    assert c.missed(41, 41)
    assert not c.missed(40, 40)
    with by_time(instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        body = {"lastUpdateId": 40, "bids": [["99", "1"]], "asks": [["101", "1"]]}
        e.snapshot(i, support.compact(body))
        assert e.state(i) == (State.SYNCING, Reason.UNCONFIRMED)
        e.attention()
        e.connection(0).feed(support.binance_depth(41, 41, [["98", "2"]]))
        assert e.state(i)[0] == State.SYNCING
        assert [event for _, event, _ in e.attention()] == [native.SNAPSHOT_TOO_OLD]
        bids = [["99", "1"], ["98", "2"]]
        e.snapshot(i, support.compact(body | {"lastUpdateId": 42, "bids": bids}))
        assert e.state(i) == (State.SYNCING, Reason.UNCONFIRMED)
        e.connection(0).feed(support.binance_depth(42, 42, [["97", "3"]]))
        assert e.state(i) == LIVE
        assert set(support.engine_book(e, i)[0]) == {Decimal(99), Decimal(98), Decimal(97)}


def test_a_connection_that_comes_later_waits_until_it_is_seen_to_be_in_step() -> None:
    with by_time(instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        first, second = e.connection(0).feed, e.connection(1).feed
        first(support.binance_depth(10, 10, [["99", "1"]], [["101", "1"]]))
        e.snapshot(
            i, support.compact({"lastUpdateId": 10, "bids": [["99", "1"]], "asks": [["101", "1"]]})
        )
        assert e.state(i) == LIVE
        second(support.binance_depth(12, 12, [["98", "2"]]))  # the first has yet to bring 11
        assert e.book(i)[2] == 10
        first(support.binance_depth(11, 11, [["97", "3"]]))
        first(support.binance_depth(12, 12, [["98", "2"]]))
        assert set(support.engine_book(e, i)[0]) == {Decimal(99), Decimal(98), Decimal(97)}
        second(support.binance_depth(13, 13, [["96", "4"]]))
        assert e.book(i)[2] == 13
        assert e.disconnected(0, Reason.DISCONNECTED) == []
        assert e.state(i) == LIVE


def answered(time: int, bids: dict[str, str]) -> bytes:
    rows = [[price, size] for price, size in bids.items()]
    return support.compact({"lastUpdateId": time, "bids": rows, "asks": [["101", "1"]]})


def test_a_book_that_is_asked_for_is_joined_by_the_connection_that_waits() -> None:
    with by_time(instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        first, second = e.connection(0).feed, e.connection(1).feed
        first(support.binance_depth(10, 10, [["99", "1"]], [["101", "1"]]))
        e.snapshot(i, answered(10, {"99": "1"}))
        second(support.binance_depth(12, 12, [["98", "2"]]))  # held: the first has yet to bring 11
        first(support.binance_depth(11, 11, [["97", "3"]])[:-9])
        assert e.state(i)[0] == State.STALE
        first(support.binance_depth(13, 13, [["96", "4"]]))  # not heard: the second is
        e.snapshot(i, answered(12, {"99": "1", "98": "2", "97": "3"}))
        assert e.state(i) == LIVE
        first(support.binance_depth(14, 14, [["95", "5"]]))
        assert e.book(i)[2] == 12  # 13 is missing in the book
        second(support.binance_depth(13, 13, [["96", "4"]]))
        second(support.binance_depth(14, 14, [["95", "5"]]))
        assert set(support.engine_book(e, i)[0]) == {Decimal(p) for p in (99, 98, 97, 96, 95)}


def test_what_waits_of_a_session_is_gone_with_it() -> None:
    with by_time(instruments=2) as e:
        i = e.add_instrument("BTCUSDT")
        first, second = e.connection(0).feed, e.connection(1).feed
        first(support.binance_depth(10, 10, [["99", "1"]], [["101", "1"]]))
        e.snapshot(i, answered(10, {"99": "1"}))
        second(support.binance_depth(12, 12, [["98", "2"]]))
        first(support.binance_depth(11, 11, [["97", "3"]])[:-9])
        e.disconnected(1, Reason.DISCONNECTED)  # 13 falls between its two sessions
        second(support.binance_depth(14, 14, [["95", "5"]]))
        e.snapshot(i, answered(12, {"99": "1", "98": "2", "97": "3"}))
        assert e.state(i) != LIVE
        e.snapshot(i, answered(14, dict.fromkeys(("99", "98", "97", "96", "95"), "1")))
        assert e.state(i) == LIVE
        assert set(support.engine_book(e, i)[0]) == {Decimal(p) for p in (99, 98, 97, 96, 95)}
