"""Levels that the venue names by an id, and whose price it says once."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Reason, State

from . import seams, support

LIVE = (State.LIVE, Reason.NONE)
GAP = (State.STALE, Reason.GAP)


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_a_book_by_ids_is_the_book_of_its_prices(seed: int) -> None:
    rng = random.Random(seed)
    truth: dict[int, tuple[str, Decimal, Decimal]] = {}
    with seams.engine(instruments=2) as e:
        c = e.connection(0)
        row = e.add_instrument("A")
        kind = "snapshot"
        fresh = rng.randrange(1 << 40)
        for _ in range(40):
            rows: dict[str, list[tuple[int, str, object, object]]] = {"b": [], "a": []}
            if rng.random() < 0.05:
                kind = "snapshot"
            if kind == "snapshot":
                truth.clear()
            for _ in range(rng.randrange(1, 30 if kind == "snapshot" else 6)):
                dice = rng.random()
                known = rng.choice(list(truth)) if truth else None
                if dice < 0.4 or known is None:  # the step widens the exponents once in a while
                    side = rng.choice("ba")
                    step = rng.choice((1, 1, 1, Decimal("0.5"), Decimal("0.001")))
                    price = Decimal(100 + step * rng.randrange(1, 90) * (-1 if side == "b" else 1))
                    if any(level[:2] == (side, price) for level in truth.values()):
                        continue
                    fresh += rng.randrange(1, 1000)
                    size = Decimal(rng.randrange(1, 50)) / 2
                    truth[fresh] = (side, price, size)
                    rows[side].append((fresh, side, float(price), float(size)))
                elif dice < 0.7:
                    side, price, _ = truth[known]
                    size = Decimal(rng.randrange(1, 50))
                    truth[known] = (side, price, size)
                    rows[side].append((known, side, None, int(size)))
                else:
                    side, price, _ = truth.pop(known)
                    given_price = rng.choice((None, float(price)))
                    rows[side].append((known, side, given_price, 0))
            c.feed(seams.book("A", kind, *rows["b"], *rows["a"]))
            kind = "book"
            assert e.state(row) == LIVE
            bids, asks = support.engine_book(e, row)
            for side, book in (("b", bids), ("a", asks)):
                assert book == {price: size for s, price, size in truth.values() if s == side}


@pytest.mark.parametrize(
    "level",
    [
        (3, "b", None, 5),  # nobody has said which price that is
        (3, "b", None, 0),
        (1, "a", None, 5),  # it is a bid
        (1, "b", 98, 5),  # it is at 99
    ],
)
def test_an_id_that_cannot_be_costs_the_book(level: tuple[int, str, object, object]) -> None:
    with seams.engine(instruments=2) as e:
        c = e.connection(0)
        c.feed(seams.book("A", "snapshot", (1, "b", 99, 5), (2, "a", 101, 5)))
        assert e.state(0) == LIVE
        c.feed(seams.book("A", "book", level))
        assert e.state(0) == GAP
        c.feed(seams.book("A", "book", (1, "b", None, 7)))
        assert e.state(0) == GAP
        c.feed(seams.book("A", "snapshot", (1, "b", 98, 5), (2, "a", 101, 5)))
        c.feed(seams.book("A", "book", (1, "b", None, 7)))
        assert e.state(0) == LIVE
        assert support.engine_book(e, 0) == ({Decimal(98): Decimal(7)}, {Decimal(101): Decimal(5)})


def test_another_connections_copy_leaves_the_ids_alone() -> None:
    with seams.engine(instruments=2) as e:
        e.connection(0).feed(seams.book("A", "snapshot", (1, "b", 99, 5), (2, "a", 101, 5)))
        e.connection(1).feed(seams.book("A", "snapshot", (1, "b", 99, 5), (2, "a", 101, 5)))
        e.connection(0).feed(seams.book("A", "book", (1, "b", None, 0)))  # the second is heard
        e.connection(1).feed(seams.book("A", "book", (1, "b", None, 6)))
        assert e.state(0) == LIVE
        assert support.engine_book(e, 0)[0] == {99: 6}


def test_ids_of_levels_without_a_base_are_not_kept() -> None:
    with seams.engine(instruments=2, rule=native.RULE_NEXT, base=native.BASE_REQUEST) as e:
        e.connection(0).feed(seams.book("A", "book", (1, "b", 99, 5)))
        assert e.counters()["buffered"] == 0


def test_a_full_book_without_levels_forgets_the_ids_of_the_one_before() -> None:
    level = '{"id":$id,"side":"$side","size?":$size,"price?":$price}'
    table = compiled(
        [
            Frame("snapshot", '{"k":"full","s":"$symbol","l":$levels}', level=level),
            Frame("book", '{"k":"change","s":"$symbol","l":$levels}', level=level),
        ]
    )

    def frame(kind: str, *levels: dict[str, object]) -> bytes:
        return support.compact({"k": kind, "s": "A", "l": levels})

    options: dict[str, Any] = {
        "rule": native.RULE_NONE,
        "base": native.BASE_STREAM,
        "checksum": None,
    }
    with support.engine("okx", decoder=native.shape_decoder(table), **options) as e:
        c = e.connection(0)
        for _ in range(2):  # by the general reader, by its skeleton
            c.feed(frame("full", {"id": 1, "side": "bid", "size": 5, "price": 99}))
            c.feed(frame("change", {"id": 1, "side": "bid", "size": 6}))
            assert e.state(0) == LIVE
            c.feed(frame("full"))
            assert e.state(0) == LIVE
            c.feed(frame("change", {"id": 1, "side": "bid", "size": 7}))
            assert e.state(0) == GAP
