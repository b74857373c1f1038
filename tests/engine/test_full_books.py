"""Full books in any order of their levels, with prices that come twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .support import engine, engine_book, okx_book

ORDERS = ("best first", "worst first", "as drawn")
#: (price, size): few prices, so that some come more than once; 0 removes what came before
LEVELS = st.lists(st.tuples(st.integers(1, 90), st.integers(0, 3)), max_size=150)


def in_order(levels: list[tuple[int, int]], order: str, bids: bool) -> list[tuple[int, int]]:
    if order == "as drawn":
        return levels
    once = dict(levels)
    return sorted(once.items(), reverse=(order == "best first") == bids)


@pytest.mark.parametrize("order", ORDERS)
@given(bids=LEVELS, asks=LEVELS)
def test_a_full_book_is_what_its_levels_say(
    order: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
) -> None:
    sides = [
        in_order(bids, order, bids=True),
        in_order([(price + 100, size) for price, size in asks], order, bids=False),
    ]
    wanted = [{}, {}]  # type: list[dict[Decimal, Decimal]]
    for levels, book in zip(sides, wanted, strict=True):
        for price, size in levels:
            book[Decimal(price)] = Decimal(size)
    rows = [[[str(p), str(s), "0", "1"] for p, s in levels] for levels in sides]
    with engine("okx") as e:
        e.add_instrument("BTC-USDT")
        e.connection(0).feed(okx_book(10, -1, bids=rows[0], asks=rows[1], action="snapshot"))
        e.connection(0).feed(okx_book(11, 10, bids=[["95", "7", "0", "1"]], asks=[]))
        wanted[0][Decimal(95)] = Decimal(7)
        found = engine_book(e, 0)
    for side, book in zip(found, wanted, strict=True):
        assert dict(side) == {price: size for price, size in book.items() if size}
