"""Frames that one read brings are shown together, and never too late."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.sim.server.frames import PONG, encode
from shm import Flag, Histogram, Kind, State

from . import support
from .test_receiver import Session, Taken, message

TOGETHER = 16  # HELD_FRAMES of engine.h


class Looking(Session):
    """Looks at the memory whenever Python hears of something."""

    def __init__(self, engine: native.Engine, look: Callable[[], None]) -> None:
        super().__init__(engine)
        self.look = look

    def on_control(self, frame: bytes) -> None:
        self.look()
        super().on_control(frame)

    def on_pong(self, payload: bytes) -> None:
        self.look()
        super().on_pong(payload)


def quote_stamp(engine: native.Engine) -> int:
    """Two more with each store of the cell."""
    return int(support.memory(engine).quote(0)["stamp"])


def deltas(count: int, levels: int = 1, first: int = 101) -> list[bytes]:
    rng = random.Random(count)
    return [
        support.okx_book(
            n, n - 1, bids=[[str(900 - i), str(rng.randrange(1, 99))] for i in range(levels)]
        )
        for n in range(first, first + count)
    ]


SNAPSHOT = support.okx_book(100, -1, bids=[["900", "1"]], asks=[["1001", "1"]], action="snapshot")


def assert_shown(engine: native.Engine, sequence: int) -> list[tuple[Any, ...]]:
    """All of the one book is seen up to a venue sequence, in ring and cells; the new records."""
    memory = support.memory(engine)
    records = memory.records()
    head, bids, asks = memory.book(0)
    quote = memory.quote(0)
    newest = max(one[-1] for one in records)  # of a STATE it is 0
    assert newest == head["venue_sequence"] == quote["venue_sequence"] == sequence
    all_bids, all_asks, *_ = engine.book(0)
    assert (bids, asks) == tuple([*map(tuple, side[:10].tolist())] for side in (all_bids, all_asks))
    assert (quote["bid_price"], quote["ask_price"]) == (bids[0][0], asks[0][0])
    assert head["ring_sequence"] == quote["ring_sequence"]
    return records


@pytest.mark.parametrize("count", [1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 5 * TOGETHER + 3])
def test_all_of_a_read_is_seen_when_it_is_over(count: int) -> None:
    with support.engine("okx") as engine:
        taken = Taken(engine)
        taken.read(encode(SNAPSHOT))
        assert_shown(engine, 100)
        taken.read(b"".join(map(encode, deltas(count))))
        assert [one[-1] for one in assert_shown(engine, 100 + count)] == [*range(101, 101 + count)]


def test_a_cell_is_stored_once_for_the_frames_of_a_read() -> None:
    """Also when more records were shown by then than may be held back."""
    with support.engine("okx", ring_slots=1 << 10) as engine:
        taken = Taken(engine)
        taken.read(encode(SNAPSHOT))
        sequence = 100
        for count in (1, 2, TOGETHER, TOGETHER + 1, *[TOGETHER] * 12, 2 * TOGETHER + 3):
            before = quote_stamp(engine)
            taken.read(b"".join(map(encode, deltas(count, first=sequence + 1))))
            sequence += count
            assert_shown(engine, sequence)
            assert quote_stamp(engine) - before == 2 * math.ceil(count / TOGETHER)


@pytest.mark.parametrize("before", [1, 3, TOGETHER, TOGETHER + 5])
@pytest.mark.parametrize("special", [message(random.Random(1), 9), b"pong"])
def test_what_python_hears_of_comes_after_all_before_it_is_seen(
    before: int, special: bytes
) -> None:
    with support.engine("okx") as engine:
        taken = Taken(engine)
        looks: list[int] = []

        def look() -> None:
            assert_shown(engine, 100 + before)
            looks.append(before)

        session = taken.listener._session = Looking(engine, look)
        frames = [*map(encode, [SNAPSHOT, *deltas(before + 7)])]
        frames.insert(1 + before, encode(special, PONG) if special == b"pong" else encode(special))
        taken.read(b"".join(frames))
        assert (len(session.told), looks) == (1, [before])
        assert_shown(engine, 100 + before + 7)


def test_what_python_feeds_itself_is_seen_at_once() -> None:
    with support.engine("okx") as engine:
        connection = engine.connection(0)
        for n, frame in enumerate([SNAPSHOT, *deltas(3)]):
            connection.feed(frame, wake=False)
            assert_shown(engine, 100 + n)


def test_a_small_ring_is_not_run_over_by_what_is_not_seen_yet() -> None:
    """Of 1,024 slots a message may take 256; what is held back takes at most half of that."""
    with support.engine("okx", ring_slots=1 << 10) as engine:
        taken = Taken(engine)
        taken.read(encode(SNAPSHOT))
        support.memory(engine).records()
        small, large = deltas(2, 100), deltas(1, 300, first=103)
        taken.read(b"".join(map(encode, [*small, *large])))
        records = assert_shown(engine, 103)
        assert len(records) == 500
        flags = [one[4] for one in records if one[-1] == 103]
        assert sum(bool(flag & Flag.LAST) for flag in flags) == 2  # in two parts
        assert sum(bool(flag & Flag.MORE) for flag in flags) == 1


def test_states_in_between_are_in_the_ring_and_the_last_one_in_the_cells() -> None:
    with support.engine("okx") as engine:
        taken = Taken(engine)
        gap = support.okx_book(120, 119, bids=[["89", "5"]])
        again = support.okx_book(200, -1, bids=[["90", "1"]], asks=[["95", "1"]], action="snapshot")
        taken.read(b"".join(map(encode, [SNAPSHOT, *deltas(2), gap, again])))
        records = assert_shown(engine, 200)
        states = [one[2:4] for one in records if one[0] == Kind.STATE]
        assert [state for state, _ in states] == [State.LIVE, State.STALE, State.LIVE]


def test_every_frame_is_in_the_histogram() -> None:
    with support.engine("okx") as engine:
        taken = Taken(engine)
        taken.read(b"".join(map(encode, [SNAPSHOT, *deltas(2 * TOGETHER + 5)])))
        raw = support.memory(engine).path.read_bytes()
        offset, stride, _ = support.memory(engine)._region(raw, 320)
        begin = offset + Histogram.RECEIVE_PUBLISH * stride
        buckets = [
            int.from_bytes(raw[at : at + 8], "little") for at in range(begin, begin + 4096, 8)
        ]
        assert sum(buckets) == 2 * TOGETHER + 6
