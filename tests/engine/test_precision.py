"""What does not fit the exponents: a state while it lasts, never a rounding, never for good."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import InstrumentKind, Kind, Reason, State
from shm import _native as shared
from tests.engine import support
from tests.feed.fault_table import row

LIVE = (State.LIVE, Reason.NONE)
UNFIT = (State.STALE, Reason.PRECISION)
ODD = "0.30000000000000004"  #: as a double prints 0.1 + 0.2


def book(seq: int, previous: int, *levels: tuple[str, str], snapshot: bool = False) -> bytes:
    rows = [[price, size, "0", "1"] for price, size in levels]
    asks = [["200", "1", "0", "1"]] if snapshot else []
    action = "snapshot" if snapshot else "update"
    return support.okx_book(seq, previous, bids=rows, asks=asks, action=action)


def started(e: native.Engine) -> native.Connection:
    e.add_instrument("BTC-USDT", kind=InstrumentKind.SPOT, price_exponent=-1, size_exponent=-8)
    e.connection(0).feed(book(10, -1, ("99", "1"), ("98", "2"), snapshot=True))
    assert e.state(0) == LIVE
    return e.connection(0)


def needs(e: native.Engine) -> list[tuple[int, int]]:
    return [(event, detail) for _, event, detail in e.attention() if event == native.NEED_RESYNC]


def test_an_odd_size_and_then_a_large_one_heal_with_the_next_book() -> None:
    assert row("a size that fits no exponents beside the others").sees == (("STALE", "PRECISION"),)
    with support.engine("okx", instruments=1) as e:
        c = started(e)
        c.feed(book(11, 10, ("98", ODD)))
        assert e.state(0) == LIVE
        assert support.engine_book(e, 0)[0][Decimal(98)] == Decimal(ODD)
        c.feed(book(12, 11, ("97", "1000")))  # nothing holds both
        assert e.state(0) == UNFIT
        assert needs(e) == [(native.NEED_RESYNC, Reason.PRECISION)]
        c.feed(book(13, 12, ("96", "1")))
        assert e.state(0) == UNFIT
        assert needs(e) == []  # it was asked for
        c.feed(book(14, -1, ("98", ODD), ("97", "1000"), snapshot=True))
        assert e.state(0) == UNFIT
        c.feed(book(15, -1, ("98", "3"), ("97", "1000"), snapshot=True))
        assert e.state(0) == LIVE
        assert support.engine_book(e, 0)[0] == {Decimal(98): 3, Decimal(97): 1000}
        c.feed(book(16, 15, ("98", ODD)))
        assert e.state(0) == UNFIT  # as before: the levels are both there
        c.feed(book(17, -1, ("98", ODD), snapshot=True))
        assert e.state(0) == LIVE
        c.feed(book(18, -1, ("98", "1000"), snapshot=True))  # a full book while it is LIVE
        assert e.state(0) == LIVE


def test_exponents_become_coarse_again_without_a_new_base_when_the_odd_level_has_gone() -> None:
    with support.engine("okx", instruments=1) as e:
        c, memory = started(e), support.memory(e)
        c.feed(book(11, 10, ("98", ODD)))
        fine = int(memory.entry(0)["precision"])
        c.feed(book(12, 11, ("98", "0")))
        c.feed(book(13, 12, ("97", "1000000")))
        assert e.state(0) == LIVE
        assert needs(e) == []
        assert support.engine_book(e, 0)[0] == {Decimal(99): 1, Decimal(97): 1000000}
        assert int(memory.entry(0)["precision"]) == 0 != fine
        c.feed(book(14, 13, ("97", "0")))
        c.feed(book(15, 14, ("98", ODD)))  # the same pair once more
        assert int(memory.entry(0)["precision"]) == fine


@pytest.mark.parametrize("size", [ODD, "9" * 19, "1" + "0" * 30, "0." + "0" * 20 + "1"])
def test_a_trade_that_does_not_fit_costs_itself(size: str) -> None:
    with support.engine("okx", instruments=1) as e:
        c = started(e)
        c.feed(book(11, 10, ("97", "10000")))
        before = support.engine_book(e, 0)
        row = {"instId": "BTC-USDT", "px": "99", "side": "buy", "ts": "1700000000000"}
        good = row | {"tradeId": "2", "sz": "5"}
        result = c.feed(support.okx("trades", [row | {"tradeId": "1", "sz": size}, good]))
        assert result & native.MALFORMED
        assert e.state(0) == LIVE
        assert support.engine_book(e, 0) == before
        assert e.counters()["trades"] == 1
        assert e.counters()["precision"] > 0
        c.feed(book(12, 11, ("97", "0")))
        assert e.state(0) == LIVE


def quote(bid: str, size: str) -> bytes:
    row = {"instId": "BTC-USDT", "bidPx": bid, "bidSz": size, "askPx": "200", "askSz": "1",
           "ts": "1700000000000"}  # fmt: skip
    return support.okx("tickers", [row])


def test_a_quote_that_does_not_fit_is_a_state_until_the_next_one() -> None:
    with support.engine("okx", instruments=1) as e:
        e.add_instrument("BTC-USDT", kind=InstrumentKind.SPOT, size_exponent=-8, has_book=False)
        c, memory = e.connection(0), support.memory(e)
        for size, state in ((ODD, LIVE), ("1000", LIVE), ("1" + "0" * 30, UNFIT), ("7", LIVE)):
            c.feed(quote("99", size))
            assert e.state(0) == state
            cell = memory.quote(0)
            if state == LIVE:
                exponent = int(cell["size_exponent"])
                assert int(cell["bid_size"]) * Decimal(1).scaleb(exponent) == Decimal(size)
            else:
                assert cell["bid_price"] == -(2**63)


SIZES = ("1", "0.5", ODD, "0.000000001", "1000", "1e5", "123456789012", "0.123456789", "2.5")


class Reader:
    """A reader that keeps a book by the ring alone, with the directory's row as the rule has it."""

    def __init__(self, e: native.Engine) -> None:
        self.memory = support.memory(e)
        self.known: Any = self.memory.entry(0)
        self.ever: dict[int, tuple[int, int]] = {}
        self.sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        self.at = 0

    def follow(self) -> None:
        raw = self.memory.path.read_bytes()
        offset, _, count = self.memory._region(raw, 336)
        published = int.from_bytes(raw[512:520], "little")
        slots = np.frombuffer(raw, dtype=shared.DTYPES["slot"], count=count,
                                      offset=offset)  # fmt: skip
        for n in range(self.at + 1, published + 1):
            record = slots[n & (count - 1)]
            if record["precision"] > self.known["precision"]:
                self.known = self.memory.entry(0)
            pair = int(record["precision"])
            scale = (
                int(self.known["price_exponents"][pair]),
                int(self.known["size_exponents"][pair]),
            )
            assert self.ever.setdefault(pair, scale) == scale  # never another one
            if record["kind"] == Kind.CLEAR:
                self.sides = ({}, {})
            elif record["kind"] == Kind.LEVEL:
                price = int(record["price"]) * Decimal(1).scaleb(scale[0])
                size = int(record["size"]) * Decimal(1).scaleb(scale[1])
                side = self.sides[int(record["side"])]
                side.pop(price, None) if size == 0 else side.update({price: size})
        self.at = published


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_whatever_comes_a_reader_of_the_ring_has_the_books_values(seed: int) -> None:
    rng = random.Random(seed)
    truth: dict[Decimal, Decimal] = {}
    with support.engine("okx", instruments=1, ring_slots=1 << 13) as e:
        c = started(e)
        reader = Reader(e)
        seq, based = 10, False
        for _ in range(40):
            whole = rng.random() < 0.3 or not based
            levels = {f"{rng.randrange(900, 999) / 10}": rng.choice(SIZES) for _ in range(3)}
            seq += 1
            c.feed(book(seq, -1 if whole else seq - 1, *levels.items(), snapshot=whole))
            truth = {} if whole else truth
            truth |= {Decimal(price): Decimal(size) for price, size in levels.items()}
            reader.follow()
            based = e.state(0) == LIVE
            assert e.state(0) in (LIVE, UNFIT)
            if based:
                assert support.engine_book(e, 0)[0] == truth
                assert reader.sides[0] == truth
        seq += 1
        c.feed(book(seq, -1, ("99", "1000"), snapshot=True))
        assert e.state(0) == LIVE  # what fits the listing's exponents always heals
