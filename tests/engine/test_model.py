"""Streams with losses, duplicates, resets and late snapshots: a LIVE book is never wrong."""

from __future__ import annotations

import copy
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native

from . import support

LIVE = 2


class Venue:
    """The true book at every id it ever had."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.id = 100
        self.sides: tuple[support.Levels, support.Levels] = (
            {Decimal(100 - i): Decimal(5) for i in range(1, 8)},
            {Decimal(100 + i): Decimal(5) for i in range(1, 8)},
        )
        self.history = {self.id: copy.deepcopy(self.sides)}

    def step(self) -> tuple[int, int, list[list[str]], list[list[str]]]:
        """(previous id, id, bids, asks)"""
        previous = self.id
        self.id += self.rng.randrange(1, 4)
        changes = support.random_changes(self.rng, self.sides, least=0)
        self.history[self.id] = copy.deepcopy(self.sides)
        return previous, self.id, *changes


def rows(side: support.Levels) -> list[list[str]]:
    return [[str(p), str(s)] for p, s in side.items()]


def agrees(e: native.Engine, venue: Venue, i: int) -> None:
    if e.state(i)[0] == LIVE:
        assert support.engine_book(e, i) == venue.history[e.book(i)[2]]


@settings(max_examples=120)
@given(st.integers(0, 2**32), st.booleans())
def test_chained_deltas_with_snapshots_in_the_stream(seed: int, rest_join: bool) -> None:
    rng = random.Random(seed)
    venue = Venue(rng)
    with support.engine("okx", rest_join=rest_join, ring_slots=1 << 12, instruments=2) as e:
        i = e.add_instrument("BTC-USDT", size_exponent=-2)
        sent: list[bytes] = []
        was_live = False
        for _ in range(60):
            previous, final, bids, asks = venue.step()
            frame = support.okx_book(final, previous, bids=bids, asks=asks)
            sent.append(frame)
            dice = rng.random()
            feed = e.connection(rng.randrange(2)).feed
            if dice < 0.1:
                continue  # lost
            if dice < 0.2:
                feed(rng.choice(sent))  # again, or late
            elif dice < 0.3:
                bids_now, asks_now = venue.history[venue.id]
                feed(
                    support.okx_book(
                        venue.id, -1, bids=rows(bids_now), asks=rows(asks_now), action="snapshot"
                    )
                )
            elif dice < 0.36 and rest_join:
                at = rng.choice(list(venue.history)[-8:])
                old_bids, old_asks = venue.history[at]
                body = {"asks": rows(old_asks), "bids": rows(old_bids), "ts": "1", "seqId": at}
                e.snapshot(i, support.compact({"code": "0", "data": [body]}))
            elif dice < 0.4:
                e.disconnected(rng.randrange(2), 6)
            elif dice < 0.43:
                feed(frame[:-9])
            else:
                feed(frame)
            agrees(e, venue, i)
            was_live = was_live or e.state(i)[0] == LIVE
        bids_now, asks_now = venue.history[venue.id]
        e.set_state(i, 1, 1)
        e.connection(0).feed(
            support.okx_book(
                venue.id, -1, bids=rows(bids_now), asks=rows(asks_now), action="snapshot"
            )
        )
        assert e.state(i) == (LIVE, 0)
        agrees(e, venue, i)


@settings(max_examples=120)
@given(st.integers(0, 2**32))
def test_ranges_joined_with_requested_snapshots(seed: int) -> None:
    rng = random.Random(seed)
    venue = Venue(rng)
    with support.engine("binance", ring_slots=1 << 12, instruments=2) as e:
        i = e.add_instrument("BTCUSDT", size_exponent=-2)
        sent: list[bytes] = []
        for _ in range(60):
            previous, final, bids, asks = venue.step()
            frame = support.binance_depth(previous + 1, final, bids, asks)
            sent.append(frame)
            dice = rng.random()
            feed = e.connection(0).feed
            if dice < 0.08:
                continue
            if dice < 0.2:
                feed(rng.choice(sent))
            elif dice < 0.4:
                at = rng.choice(list(venue.history)[-8:])
                old_bids, old_asks = venue.history[at]
                body = {"lastUpdateId": at, "bids": rows(old_bids), "asks": rows(old_asks)}
                feed(frame)
                e.snapshot(i, support.compact(body))
            else:
                feed(frame)
            agrees(e, venue, i)
        # whatever happened: one snapshot later than the buffer's head heals it
        previous, final, bids, asks = venue.step()
        e.connection(0).feed(support.binance_depth(previous + 1, final, bids, asks))
        bids_now, asks_now = venue.history[final]
        e.snapshot(
            i,
            support.compact(
                {"lastUpdateId": final, "bids": rows(bids_now), "asks": rows(asks_now)}
            ),
        )
        assert e.state(i) == (LIVE, 0)
        assert support.engine_book(e, i) == venue.history[final]


# ---- the state machine by itself ----------------------------------------------------------------


def machine(rule: int, base: int = native.BASE_STREAM) -> native.Continuity:
    return native.Continuity(rule=rule, base=base)


def test_previous() -> None:
    c = machine(native.RULE_PREVIOUS)
    assert c.delta(0, 5, 4) == "ignore"
    assert c.snapshot(10) == "replace"
    assert c.delta(0, 12, 8) == "apply"  # it covers the snapshot: levels are absolute
    assert c.delta(0, 12, 12) == "apply"  # keep-alive
    assert c.delta(0, 12, 11) == "duplicate"
    assert c.delta(0, 3, 12) == "apply"  # the venue starts its ids over
    assert c.delta(0, 4, 3) == "apply"
    assert c.delta(0, 9, 5) == "gap"
    assert not c.has_base
    assert c.delta(0, 10, 9) == "ignore"


def test_what_follows_nothing_is_a_gap_and_not_old() -> None:
    for number in (3, 14):
        c = machine(native.RULE_PREVIOUS)
        c.snapshot(10)
        assert c.delta(0, 12, 0) == "apply"  # of the first one the venue says no more
        assert c.delta(0, number, 0) == "gap"
        c.snapshot(10)
        c.delta(0, 12, 10)
        assert c.delta(0, number, 0, own=False, others=True) == "ahead"


def test_range() -> None:
    c = machine(native.RULE_RANGE, native.BASE_REQUEST)
    assert c.delta(5, 7) == "buffer"
    assert c.answer(3, (5, 7, 0)) == "too_old"
    assert c.answer(4, (5, 7, 0)) == "replace"
    assert c.delta(5, 7) == "apply"
    assert c.delta(6, 7) == "duplicate"
    assert c.delta(8, 9) == "apply"
    assert c.delta(11, 12) == "gap"
    assert c.answer(-1, (11, 12, 0)) == "replace"  # a new listing: empty
    assert c.delta(11, 12) == "apply"


def test_next() -> None:
    c = machine(native.RULE_NEXT)
    assert c.snapshot(1) == "replace"
    assert c.delta(2, 2) == "apply"
    assert c.delta(2, 2) == "duplicate"
    assert c.delta(4, 4) == "gap"


def test_every() -> None:
    c = machine(native.RULE_NONE, native.BASE_EVERY)
    assert c.full(5, 100) == "replace"
    assert c.full(4, 99) == "duplicate"
    assert c.full(4, 101) == "replace"


def test_a_second_connection_does_not_take_the_book_back() -> None:
    c = machine(native.RULE_PREVIOUS)
    c.snapshot(10)
    c.delta(0, 12, 10)
    assert c.snapshot(11, own=False) == "duplicate"
    assert c.snapshot(13, own=False) == "replace"
    assert c.snapshot(2, own=True) == "replace"


@pytest.mark.parametrize("rule", [native.RULE_PREVIOUS, native.RULE_RANGE, native.RULE_NEXT])
def test_a_frozen_stream_is_a_gap(rule: int) -> None:
    """The message that reset the ids was lost: what follows must not be dropped for ever."""
    c = machine(rule)
    c.snapshot(1_000_000)
    assert "gap" in [c.delta(n, n, n - 1) for n in range(1, 400)]
