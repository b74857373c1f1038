"""Books of venues that keep the best N levels a side and do not say which leave them.

The recordings of one, with a checksum in each message, are in test_checksum.py.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import Kind, Reason, State

from . import support

LIVE = (State.LIVE, Reason.NONE)
Rows = list[tuple[str, str]]


class Replica:
    """A reader's book, from records alone."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def take(self, records: Sequence[tuple[int, ...]]) -> None:
        for kind, side, price, size, *_ in records:
            if kind == Kind.CLEAR:
                for levels in self.sides:
                    levels.clear()
            elif kind == Kind.LEVEL and size:
                self.sides[side][price] = size
            elif kind == Kind.LEVEL:
                self.sides[side].pop(price, None)


def cut(side: support.Levels, most: int, ask: bool) -> None:
    for price in sorted(side, reverse=not ask)[most:]:
        del side[price]


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_no_more_levels_are_kept_than_the_venue_keeps(seed: int, window: int) -> None:
    rng = random.Random(seed)
    truth: tuple[support.Levels, support.Levels] = ({}, {})
    with support.engine("okx", window=window, instruments=2, depth=5, checksum=None) as e:
        row, replica = e.add_instrument("BTC-USDT"), Replica()
        for number in range(10, 50):
            rows: tuple[Rows, Rows] = ([], [])
            full = number == 10 or rng.random() < 0.05
            for side in (0, 1):
                if full:
                    truth[side].clear()
                for _ in range(rng.randrange(window + 3 if full else 4)):
                    distance = rng.randrange(1, 40)
                    price = str(100 + distance if side else 100 - distance)
                    rows[side].append((price, rng.choice(("0", "1", "2", "3"))))
                support.apply_levels(truth[side], rows[side])
                cut(truth[side], window, side == 1)
            bids, asks = ([(*level, "0", "1") for level in side] for side in rows)
            action = "snapshot" if full else "update"
            previous = -1 if full else number - 1
            e.connection(0).feed(
                support.okx_book(number, previous, bids=bids, asks=asks, action=action)
            )
            assert e.state(row) == LIVE
            assert support.engine_book(e, row) == truth
            replica.take(support.memory(e).records())
            head, *cell = support.memory(e).book(row)
            for side, levels in enumerate(cell):
                best = sorted(((int(p), int(s)) for p, s in truth[side].items()), reverse=side == 0)
                assert replica.sides[side] == dict(best)
                assert levels == best[:5]
                known = e.known(row)[side]
                assert known == (None if len(best) < window else (window, best[-1][0]))
            assert (head["bids_total"], head["asks_total"]) == tuple(map(len, truth))
        assert all(event != native.WORN for _, event, _ in e.attention())


def test_what_waited_for_a_base_is_cut_too() -> None:
    with support.engine("binance", window=3, instruments=2) as e:
        c = e.connection(0)
        c.feed(support.binance_depth(11, 11, [["99", "1"]], [["104", "1"]]))
        body = {"bids": [["98", "1"], ["97", "1"], ["96", "1"]], "asks": [["105", "1"]]}
        e.snapshot(0, support.compact(body | {"lastUpdateId": 10}), levels=3)
        assert e.state(0) == LIVE
        assert support.engine_book(e, 0) == (
            dict.fromkeys(map(Decimal, (99, 98, 97)), Decimal(1)),
            dict.fromkeys(map(Decimal, (104, 105)), Decimal(1)),
        )
