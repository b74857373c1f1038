"""A book as it was, against a plain book that was kept at each message."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import shm
from shm import Kind, Reason, State
from shm._native import KNOWN_WHOLE, Writer
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create

S = 10**9
Side = dict[int, int]


class Venue:
    """A writer of one book, and what the book was after each message."""

    def __init__(self, writer: Writer, depth: int, seed: int) -> None:
        self.writer = writer
        self.depth = depth
        self.sides: tuple[Side, Side] = {}, {}
        self.after: list[tuple[int, int, tuple[Side, Side]]] = []  # (record, when, book)
        self.rng = np.random.default_rng(seed)
        self.now = time.time_ns() - 100 * S

    def snapshot(self, levels: int) -> None:
        self.sides = (
            {10_000 - i: int(self.rng.integers(1, 99)) for i in range(levels)},
            {10_001 + i: int(self.rng.integers(1, 99)) for i in range(levels)},
        )
        rows: list[Any] = [(Kind.CLEAR, 0, 0, 0)]
        for side in (0, 1):
            rows += [(Kind.LEVEL, side, p, s) for p, s in self.sides[side].items()]
        self._message(rows, flags=shm.Flag.SNAPSHOT)

    def change(self, spread: int) -> None:
        rows = []
        for _ in range(int(self.rng.integers(1, 4))):
            side = int(self.rng.integers(2))
            away = int(self.rng.integers(spread))
            price = 10_001 + away if side else 10_000 - away
            size = int(self.rng.integers(5))
            if size:
                self.sides[side][price] = size
            else:
                self.sides[side].pop(price, None)
            rows.append((Kind.LEVEL, side, price, size))
        self._message(rows)

    def _message(self, rows: list[Any], **more: Any) -> None:
        self.now += int(self.rng.integers(1_000_000, 50_000_000))
        last = self.writer.message(0, rows, receive_ns=self.now, **more)
        self.store(last)
        self.after.append((last, self.now, (dict(self.sides[0]), dict(self.sides[1]))))

    def store(self, last: int, state: State = State.LIVE) -> None:
        bids, asks = (self.best(side) for side in (0, 1))
        head = {
            **CELL_EXPONENTS, "ring_sequence": last, "state": state, "receive_ns": self.now,
            "bids_total": len(self.sides[0]), "asks_total": len(self.sides[1]),
            "bids_known": KNOWN_WHOLE, "asks_known": KNOWN_WHOLE,
        }  # fmt: skip
        self.writer.book_store(0, head, bids[: self.depth], asks[: self.depth])
        self.writer.publish()

    def best(self, side: int) -> list[tuple[int, int]]:
        return sorted(self.sides[side].items(), reverse=not side)

    def say(self, state: State, reason: Reason = Reason.NONE) -> None:
        self.now += 1_000_000
        last = self.writer.message(0, [(Kind.STATE, 0, state, reason)], receive_ns=self.now)
        self.store(last, state)


def venue(create: Create, slots: int, depth: int = 5, seed: int = 1) -> Venue:
    writer = create(ring_slots=slots, depth=depth).writer
    writer.directory_add({"symbol": "A", "has_book": 1, **EXPONENTS})
    return Venue(writer, depth, seed)


def levels(side: Side, ask: bool) -> list[list[int]]:
    return [[price, side[price]] for price in sorted(side, reverse=not ask)]


def check(book: shm.PastBook, was: tuple[Side, Side]) -> int:
    """What it shows is what was; how many levels it knows."""
    known = 0
    for name, side in (("bids", was[0]), ("asks", was[1])):
        shown = getattr(book, name).tolist()
        whole = levels(side, name == "asks")
        count = getattr(book, f"{name}_known")
        if count is None:
            assert shown == whole
            count = len(whole)
        assert shown[:count] == whole[:count]
        assert all(level in whole for level in shown)
        known += count
    return known


@pytest.mark.parametrize("seed", range(4))
def test_from_a_snapshot_that_the_ring_holds(create: Create, namespace: str, seed: int) -> None:
    made = venue(create, 1 << 12, depth=60, seed=seed)
    made.snapshot(40)
    for _ in range(200):
        made.change(45)
    made.snapshot(30)
    for _ in range(200):
        made.change(25)
    feed = shm.attach("v", namespace=namespace)
    for record, when, was in made.after[::13]:
        for at in (record, when, when + 500_000):
            book = feed.book_at("A", at, raw=True)
            assert (book.sequence, book.receive_ns, book.based_on) == (record, when, "snapshot")
            assert check(book, was) >= 20
    last = feed.book_at("A", made.after[-1][0])
    cell = feed.book("A")
    assert np.array_equal(last.bids, cell.bids)
    assert np.array_equal(last.asks, cell.asks)
    assert last.live
    assert "all known" in repr(last)
    assert len(feed.book_at("A", made.now, depth=3).bids) == 3


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("depth", [4, 100])
def test_back_from_the_cell_where_the_snapshot_is_gone(
    create: Create, namespace: str, seed: int, depth: int
) -> None:
    """Whatever is called known was so; near the end nearly all is."""
    made = venue(create, 256, depth=depth, seed=seed)
    made.snapshot(50)
    for _ in range(600):
        made.change(20)
    feed = shm.attach("v", namespace=namespace)
    reach = made.writer.next_sequence - 256
    told = [(record, when, was) for record, when, was in made.after if record > reach + 5]
    counts = []
    for record, when, was in told[::3] + told[-1:]:
        for at in (record, when):
            book = feed.book_at("A", at, raw=True)
            assert (book.sequence, book.based_on) == (record, "cell")
            counts.append(check(book, was))
    assert counts[-1] == (8 if depth == 4 else len(made.sides[0]) + len(made.sides[1]))
    assert counts[len(counts) * 3 // 4] > 4
    with pytest.raises(shm.OutOfReach, match=r"no book of A at record 5: the ring reaches back to"):
        feed.book_at("A", 5)
    with pytest.raises(shm.OutOfReach, match=r"no book of A at 2\d\d\d-"):
        feed.book_at("A", made.after[0][1])


def test_a_snapshot_since_hides_what_was_before(create: Create, namespace: str) -> None:
    made = venue(create, 256)
    made.snapshot(20)
    for _ in range(400):
        made.change(10)
    was = made.after[-1]
    made.snapshot(20)
    feed = shm.attach("v", namespace=namespace)
    with pytest.raises(shm.OutOfReach, match="holds no full book of it from before"):
        feed.book_at("A", was[0])
    check(feed.book_at("A", made.now, raw=True), (made.sides[0], made.sides[1]))


def test_exponents_that_change(create: Create, namespace: str) -> None:
    made = venue(create, 1 << 10)
    made.snapshot(3)
    at = made.writer.next_sequence - 1
    wider = {"price_exponents": [-2, -4] + [0] * 6, "size_exponents": [-3, -3] + [0] * 6}
    made.writer.directory_update(0, {"symbol": "A", "precision": 1, **wider})
    last = made.writer.message(
        0, [(Kind.LEVEL, 0, 1_000_001, 7000)], precision=1, receive_ns=made.now + S
    )
    made.writer.publish()
    feed = shm.attach("v", namespace=namespace)
    assert feed.book_at("A", at).price_exponent == -2
    book = feed.book_at("A", last)
    assert book.bids[:2, 0].tolist() == [100.0001, 100.0]
    assert book.bids[0, 1] == 7.0
    exact = feed.book_at("A", last, raw=True)
    assert (exact.price_exponent, exact.bids[1, 0]) == (-4, 1_000_000)


def test_its_state_is_that_of_then(create: Create, namespace: str) -> None:
    made = venue(create, 1 << 10)
    made.say(State.SYNCING, Reason.START)
    made.snapshot(5)
    first = made.now
    made.say(State.LIVE)
    live = made.now
    made.say(State.STALE, Reason.GAP)
    made.change(3)
    feed = shm.attach("v", namespace=namespace)
    assert feed.book_at("A", first).state is State.SYNCING
    assert feed.book_at("A", live).live
    stale = feed.book_at("A", made.now)
    assert (stale.state, stale.reason, stale.live) == (State.STALE, Reason.GAP, False)


def test_what_is_no_place(create: Create, namespace: str) -> None:
    made = venue(create, 256)
    made.snapshot(5)
    feed = shm.attach("v", namespace=namespace)
    with pytest.raises(ValueError, match="that is to come"):
        feed.book_at("A", time.time_ns() + 60 * S)
    with pytest.raises(ValueError, match="records 1 to 12 are there"):
        feed.book_at("A", 13)
    with pytest.raises(ValueError, match="it is no time"):
        feed.book_at("A", "then")
    with pytest.raises(shm.UnknownInstrument):
        feed.book_at("B", "-1s")
    with pytest.raises(shm.OutOfReach, match="no book of A at"):
        feed.book_at("A", "-1d")


@pytest.mark.parametrize("slots", [1 << 12, 256], ids=["snapshot", "cell"])
@pytest.mark.parametrize("seed", range(3))
def test_quotes_of_a_book(create: Create, namespace: str, seed: int, slots: int) -> None:
    """Where the venue has no channel of quotes: the best of the book whenever it changed."""
    made = venue(create, slots, depth=100, seed=seed)
    made.snapshot(40)
    for _ in range(500):
        made.change(6)
    feed = shm.attach("v", namespace=namespace)
    since = made.now - 2 * S
    quotes = feed.quotes(start=since, end=made.now + 1)
    told = {int(row["sequence"]): row for row in quotes}
    before: tuple[Any, ...] | None = None
    wrong = unknown = 0
    for record, when, was in made.after:
        best = tuple(levels(side, bool(ask))[0] if side else None for ask, side in enumerate(was))
        if when >= since:
            changed = best != before
            row = told.get(record)
            if row is not None:
                shown = [
                    None
                    if np.isnan(row[name])
                    else [row[f"{name}_scaled"], row[f"{name}_size_scaled"]]
                    for name in ("bid", "ask")
                ]
                unknown += shown.count(None)
                wrong += sum(a is not None and a != b for a, b in zip(shown, best, strict=True))
            elif changed and before is not None:
                unknown += 1
        before = best
    assert wrong == 0
    assert unknown <= (0 if slots > 256 else 20)
    assert len(quotes) > 15
    assert set(quotes["source"]) == {shm.Source.BOOK}
    last = feed.book("A")
    assert (quotes["bid"][-1], quotes["ask"][-1]) == (last.bids[0, 0], last.asks[0, 0])
    assert len(feed.quotes(10)) == 10
    assert feed.quotes(10)[-1] == quotes[-1]
    every = feed.quotes()
    assert len(every) >= len(quotes)
    assert every.complete == (slots > 256)
