"""The ring's records alone rebuild the book, whatever exponents it has meanwhile; and who has seen
a record finds at least as much in the cell."""

from __future__ import annotations

import copy
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.sim.server.frames import encode
from shm import Flag, Kind, Reason, State
from tests.engine import support
from tests.engine.test_receiver import Taken

SYMBOLS = ["AA-USDT", "BB-USDT", "CC-USDT"]
DEPTH = 5
ODD, LARGE = "0.30000000000000004", "1000000"  # nothing holds both
Sides = tuple[support.Levels, support.Levels]


class Venue:
    """One instrument as the venue has it: what it was after every frame."""

    def __init__(self, rng: random.Random, symbol: str) -> None:
        self.rng, self.symbol, self.id = rng, symbol, 100
        self.sides: Sides = (
            {Decimal(100 - i): Decimal(1 + i) for i in range(rng.randrange(3, 9))},
            {Decimal(101 + i): Decimal(2 + i) for i in range(rng.randrange(3, 9))},
        )
        self.history: dict[int, Sides] = {}

    def snapshot(self) -> bytes:
        """The whole book, of plain sizes."""
        for side in self.sides:
            side.update(
                {price: Decimal(3) for price, size in side.items() if str(size) in (ODD, LARGE)}
            )
        self.id += 1
        self.history[self.id] = copy.deepcopy(self.sides)
        texts = [[[str(p), str(s)] for p, s in side.items()] for side in self.sides]
        return support.okx_book(self.id, -1, bids=texts[0], asks=texts[1], symbol=self.symbol,
                                action="snapshot")  # fmt: skip

    def delta(self) -> bytes:
        """Some levels of either side; at times with a size that the exponents do not hold."""
        changes: list[list[tuple[str, str]]] = [[], []]
        for _ in range(self.rng.randrange(0, 5)):
            which, distance = self.rng.randrange(2), self.rng.randrange(1, 12)
            size = self.rng.choice(["0", "0", "1", "2.5", "7", "12", "9.25", ODD])
            if self.rng.random() < 0.01:
                size = LARGE
            changes[which].append((str(101 - distance if which == 0 else 100 + distance), size))
        for side, levels in zip(self.sides, changes, strict=True):
            support.apply_levels(side, levels)
        self.id += 1
        self.history[self.id] = copy.deepcopy(self.sides)
        return support.okx_book(self.id, self.id - 1, bids=changes[0], asks=changes[1],
                                symbol=self.symbol)  # fmt: skip


class Follower:
    """What a reader of the ring has of one instrument."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.state: tuple[int, int] = (State.NONE, Reason.NONE)
        self.precision = self.last = 0
        self.inside = False

    def take(self, sequence: int, slot: Any) -> None:
        assert self.inside == (not slot["flags"] & Flag.FIRST)
        self.inside = not slot["flags"] & Flag.LAST
        self.last = sequence
        assert slot["aux"] == 0
        if slot["kind"] == Kind.CLEAR:
            assert (slot["side"], slot["price"], slot["size"]) == (0, 0, 0)
            self.sides = ({}, {})
            self.precision = int(slot["precision"])
        elif slot["kind"] == Kind.LEVEL:
            assert slot["precision"] == self.precision or not any(self.sides)
            self.precision = int(slot["precision"])
            side = self.sides[int(slot["side"])]
            side.pop(int(slot["price"]), None)
            if slot["size"]:
                side[int(slot["price"])] = int(slot["size"])
        elif slot["kind"] == Kind.STATE:
            self.state = int(slot["price"]), int(slot["size"])

    def best(self, which: int) -> list[tuple[int, int]]:
        return sorted(self.sides[which].items(), reverse=which == 0)[:DEPTH]


def assert_agree(
    e: native.Engine, memory: support.Memory, row: int, mine: Follower, venue: Venue
) -> None:
    entry, quote, (head, bids, asks) = memory.entry(row), memory.quote(row), memory.book(row)
    assert not mine.inside
    exponents = entry["price_exponents"], entry["size_exponents"]
    price, size = (Decimal(1).scaleb(int(each[mine.precision])) for each in exponents)
    rebuilt = [{p * price: s * size for p, s in side.items()} for side in mine.sides]
    assert tuple(rebuilt) == support.engine_book(e, row)
    if mine.state[0] == State.LIVE:
        assert tuple(rebuilt) == venue.history[int(head["venue_sequence"])]
    for cell in (quote, head):
        assert mine.last <= cell["ring_sequence"] <= memory.seen
        assert (cell["state"], cell["reason"]) == mine.state
        assert cell["precision"] == entry["precision"]
        if any(mine.sides):
            assert cell["precision"] == mine.precision
    assert (bids, asks) == (mine.best(0), mine.best(1))
    assert (head["bids_total"], head["asks_total"]) == tuple(map(len, mine.sides))
    if mine.state[0] == State.LIVE:
        assert [(quote["bid_price"], quote["bid_size"])] == (bids[:1] or [(quote["bid_price"], 0)])
        assert [(quote["ask_price"], quote["ask_size"])] == (asks[:1] or [(quote["ask_price"], 0)])


@pytest.mark.parametrize("seed", range(6))
def test_records_alone_rebuild_every_book(seed: int) -> None:
    rng, seen = random.Random(seed), Counter[str]()
    with support.engine("okx", depth=DEPTH, instruments=4, ring_slots=1 << 12) as e:
        taken, memory = Taken(e), support.memory(e)
        venues = [Venue(rng, symbol) for symbol in SYMBOLS]
        rows = [e.add_instrument(one, price_exponent=0, size_exponent=0) for one in SYMBOLS]
        followers = [Follower() for _ in rows]
        taken.read(b"".join(encode(venue.snapshot()) for venue in venues))
        for _ in range(60):
            frames = []
            for _ in range(rng.choice([1, 1, 3, 8, 20])):
                venue = rng.choice(venues)
                dice = rng.random()
                if dice < 0.05:
                    venue.delta()  # lost
                frames.append(venue.snapshot() if dice < 0.1 else venue.delta())
            if rng.random() < 0.1:
                e.set_state(rng.choice(rows), State.STALE, Reason.DISCONNECTED)
            else:
                taken.read(b"".join(map(encode, frames)))
            begin = memory.seen + 1
            for sequence, slot in enumerate(memory.slots(), begin):
                if slot["instrument"] < len(rows):
                    followers[slot["instrument"]].take(sequence, slot)
                    seen[Kind(slot["kind"]).name] += 1
            for row, mine, venue in zip(rows, followers, venues, strict=True):
                assert_agree(e, memory, row, mine, venue)
                seen[State(mine.state[0]).name] += 1
                seen["fine"] += mine.precision > 0
    assert all(seen[what] > 5 for what in ("CLEAR", "LEVEL", "STATE", "LIVE", "STALE", "fine"))
