"""Books made again from records, against books in a dict of Decimals."""

from __future__ import annotations

import math
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shm import NONE, Flag, Kind, Side
from shm._native import RAW_EVENT
from shm.recording._books import RECORD, Books, digest_of

WHOLE = NONE


def rows(*records: dict[str, Any]) -> NDArray[np.void]:
    """RECORD rows, numbered from 1 where they have no sequence."""
    made = np.zeros(len(records), RECORD)
    for at, record in enumerate(records):
        for name, value in {"sequence": at + 1, **record}.items():
            made[name][at] = value
    return made


def level(
    side: int, price: int, size: int, exponents: tuple[int, int] = (0, 0), **more: Any
) -> dict[str, Any]:
    return {
        "kind": Kind.LEVEL,
        "side": side,
        "price": price,
        "size": size,
        "price_exponent": exponents[0],
        "size_exponent": exponents[1],
        **more,
    }


def clear(exponents: tuple[int, int] = (0, 0), **more: Any) -> dict[str, Any]:
    flags = Flag.SNAPSHOT
    exact = {"price_exponent": exponents[0], "size_exponent": exponents[1]}
    return {"kind": Kind.CLEAR, "flags": flags, **exact, **more}


def base(
    exponents: tuple[int, int], bid: int = WHOLE, ask: int = WHOLE, **more: Any
) -> dict[str, Any]:
    return clear(exponents, price=bid, size=ask, base=1, **more)


class Plain:
    """A book as anybody would write it."""

    def __init__(self) -> None:
        self.sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] | None = None
        self.limits: tuple[Decimal, Decimal] = (Decimal("-Infinity"), Decimal("Infinity"))

    def take(self, record: dict[str, Any]) -> None:
        price_exponent, size_exponent = record["price_exponent"], record["size_exponent"]
        if record["kind"] == Kind.CLEAR:
            self.sides = {}, {}
            self.limits = Decimal("-Infinity"), Decimal("Infinity")
            if record.get("base"):
                bid, ask = record["price"], record["size"]
                self.limits = (
                    self.limits[0] if bid == NONE else Decimal(bid).scaleb(price_exponent),
                    self.limits[1] if ask == NONE else Decimal(ask).scaleb(price_exponent),
                )
        elif self.sides is not None:
            side = self.sides[record["side"]]
            price = Decimal(record["price"]).scaleb(price_exponent)
            if record["size"]:
                side[price] = Decimal(record["size"]).scaleb(size_exponent)
            else:
                side.pop(price, None)

    def levels(self, side: int) -> list[tuple[Decimal, Decimal]]:
        assert self.sides is not None
        return sorted(self.sides[side].items(), reverse=side == Side.BID)

    def known(self, side: int) -> int | None:
        limit = self.limits[side]
        if math.isinf(limit):
            return None
        within = [
            p for p, _ in self.levels(side) if (p >= limit if side == Side.BID else p <= limit)
        ]
        return len(within)


def as_decimals(
    levels: NDArray[np.int64], price_exponent: int, size_exponent: int
) -> list[tuple[Decimal, Decimal]]:
    return [
        (Decimal(int(p)).scaleb(price_exponent), Decimal(int(s)).scaleb(size_exponent))
        for p, s in levels
    ]


exponents = st.tuples(st.integers(-4, 1), st.integers(-4, 1))
instruments = st.sampled_from((0, 3, 700))
levels = st.builds(
    level,
    st.integers(0, 1),
    st.integers(-60, 60),
    st.sampled_from((0, 0, 1, 5, 10, 1000)),
    exponents,
    instrument=instruments,
)
clears = st.builds(clear, exponents, instrument=instruments)
limits = st.one_of(st.just(WHOLE), st.integers(-40, 40))
bases = st.builds(base, exponents, limits, limits, instrument=instruments)
others = st.builds(
    lambda kind, instrument: level(0, 1, 1, kind=kind, instrument=instrument),
    st.sampled_from((Kind.TRADE, Kind.QUOTE, Kind.STAT, Kind.STATE, 99)),
    instruments,
)
streams = st.lists(
    st.one_of(levels, levels, levels, levels, levels, levels, clears, bases, others), max_size=120
)


@settings(max_examples=250, deadline=None)
@given(streams, st.integers(1, 50))
def test_books_are_those_of_a_dict(stream: list[dict[str, Any]], cut: int) -> None:
    books = Books()
    plain: dict[int, Plain] = {}
    made = rows(*stream)
    taken = 0
    for at in range(0, len(made), cut):
        taken += books.apply(made[at : at + cut])
    expected = 0
    for record in stream:
        if record["kind"] not in (Kind.LEVEL, Kind.CLEAR):
            continue
        book = plain.setdefault(record["instrument"], Plain())
        expected += record["kind"] == Kind.CLEAR or book.sides is not None
        book.take(record)
    assert taken == expected
    begun = {instrument: book for instrument, book in plain.items() if book.sides is not None}
    assert books.instruments() == sorted(begun)
    assert books.faults() == {}
    for instrument, book in begun.items():
        found = books.book(instrument)
        for side, ours in enumerate((found.bids, found.asks)):
            there = as_decimals(ours, found.price_exponent, found.size_exponent)
            assert there == book.levels(side)
        for told, side in zip(books.known(instrument), (Side.BID, Side.ASK), strict=True):
            known = book.known(side)
            # a limit that is no price in another scale is rounded to what is surely known
            assert told == known if known is None else told is not None and told <= known


def test_a_limit_is_kept_in_a_finer_scale_and_never_widened_in_a_coarser_one() -> None:
    books = Books()
    books.apply(
        rows(
            base((-2, 0), 995, 1005), level(0, 1000, 1, (-2, 0), base=1), level(1, 1010, 1, (-2, 0))
        )
    )
    assert books.known(0) == (1, 0)
    books.apply(rows(level(0, 9950, 1, (-3, 0))))
    assert books.known(0) == (2, 0)
    books.apply(rows(level(0, 9950, 0, (-3, 0)), level(0, 9, 1), level(1, 10, 1)))
    assert books.book(0).price_exponent == -3  # 10.10 has no digit to spare
    books.apply(rows(level(1, 1010, 0, (-2, 0)), level(1, 11, 2)))
    assert books.book(0).price_exponent == 0
    assert books.known(0) == (1, 1)  # bids from 10 on, asks to 10: not 9.95 and 10.05


def test_what_is_before_a_book_is_left_out() -> None:
    books = Books()
    assert books.apply(rows(level(0, 5, 1))) == 0
    assert 0 not in books
    with pytest.raises(KeyError, match="none has begun"):
        books.levels(0)


def test_a_cell_is_joined_and_its_records_are_not_taken_twice() -> None:
    books = Books()
    books.join(
        4,
        [(100, 1), (99, 2)],
        [(101, 3)],
        sequence=10,
        price_exponent=-1,
        size_exponent=0,
        bid_limit=99,
    )
    same: dict[str, Any] = {"instrument": 4}
    early = level(0, 100, 7, (-1, 0), sequence=10, **same)
    late = level(0, 98, 7, (-1, 0), sequence=11, **same)
    gone = level(0, 100, 0, (-1, 0), sequence=12, **same)
    assert books.apply(rows(clear(sequence=9, **same), early, late, gone)) == 2
    bids, asks = books.levels(4)
    assert bids.tolist() == [[99, 2], [98, 7]]
    assert asks.tolist() == [[101, 3]]
    assert books.known(4) == (1, None)  # 98 is right, but others may be between
    assert books.book(4, depth=1).bids.tolist() == [[99, 2]]


def test_a_base_of_a_book_makes_the_same_book() -> None:
    books = Books()
    books.apply(
        rows(
            base((-2, -1), 90),
            level(0, 95, 4, (-2, -1)),
            level(0, 90, 4, (-2, -1)),
            level(1, 97, 1, (-2, -1)),
        )
    )
    again = Books()
    written = books.base(0, 77, epoch=5)
    assert set(written["sequence"].tolist()) == {77}
    assert set(written["epoch"].tolist()) == {5}
    again.apply(written)
    assert again.known(0) == books.known(0) == (2, None)
    for ours, theirs in zip(again.levels(0), books.levels(0), strict=True):
        assert ours.tolist() == theirs.tolist()


def test_a_digest_is_of_the_bytes_of_the_best_levels_in_the_scale_asked_for() -> None:
    books = Books()
    books.apply(rows(clear((-1, 0)), level(0, 10, 2, (-1, 0)), level(0, 9, 3, (-1, 0))))
    of_one = int.from_bytes(
        blake2b((100).to_bytes(8, "little") + (2).to_bytes(8, "little")).digest()[:8], "little"
    )
    nothing = int.from_bytes(blake2b(b"").digest()[:8], "little")
    assert books.digest(0, 1, 0, -2, 0) == (of_one, nothing)
    assert books.digest(0, 3, 0, -2, 0)[0] is None  # there are two levels
    assert books.digest(0, 2, 0, 0, 0)[0] is None  # 0.9 is no whole number
    assert digest_of(books.levels(0)[0]) == books.digest(0, 2, 0, -1, 0)[0]


@pytest.mark.parametrize(
    "bad",
    [
        {"side": 2},
        {"size": -1},
        {"price": NONE},
        {"price_exponent": 120},
        {"size_exponent": -100},
        {"instrument": 0xFFFFFFFF, "kind": Kind.CLEAR},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_rows_that_cannot_be_are_counted_and_left_out(bad: dict[str, Any]) -> None:
    books = Books()
    assert (
        books.apply(rows(clear(), level(0, 5, 1), {**level(0, 6, 1), **bad}, level(0, 7, 1))) == 3
    )
    assert books.bad == 1
    assert books.levels(0)[0].tolist() == [[7, 1], [5, 1]]


def test_a_book_that_fits_no_scale_says_so_and_is_whole_again_from_its_next_base() -> None:
    books = Books()
    books.apply(rows(clear((0, 0)), level(0, 2**62 + 1, 1), level(0, 1, 1, (-3, 0))))
    assert books.instruments() == []
    assert "exponents" in books.faults()[0]
    with pytest.raises(KeyError, match="exponents"):
        books.levels(0)
    books.apply(rows(clear((-3, 0)), level(0, 1, 1, (-3, 0))))
    assert books.faults() == {}
    assert books.levels(0)[0].tolist() == [[1, 1]]


def test_a_side_has_a_bound() -> None:
    count = 131_073
    made = np.zeros(count + 1, RECORD)
    made["kind"] = Kind.LEVEL
    made["kind"][0] = Kind.CLEAR
    made["price"] = np.arange(count + 1)
    made["size"] = made["sequence"] = 1
    books = Books()
    books.apply(made[:-1])
    assert len(books.levels(0)[0]) == count - 1
    books.apply(made[-1:])
    assert "more levels" in books.faults()[0]


def test_events_of_the_ring_are_taken_too_and_other_arrays_are_refused() -> None:
    made = rows(clear(), level(1, 5, 1))
    events = np.zeros(len(made), RAW_EVENT)
    for name in RAW_EVENT.names or ():
        events[name] = made[name]
    books = Books()
    assert books.apply(events) == 2
    assert books.levels(0)[1].tolist() == [[5, 1]]
    assert books.apply(np.repeat(made, 2)[::2][:0]) == 0
    assert Books().apply(np.repeat(made, 2)[::2]) == 2  # any strides
    with pytest.raises(TypeError, match="rows have no price"):
        books.apply(
            np.zeros(
                1,
                [("sequence", "<u8"), ("instrument", "<u4"), ("kind", "u1"), ("side", "u1")]
                + [(name, "<i8") for name in ("exchange_ns", "receive_ns")]
                + [("venue_sequence", "<u8")],
            )
        )
