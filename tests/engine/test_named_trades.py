"""Trades whose ids are hashes: the same id at the same time is the same trade, from whomever."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Kind
from tests.engine.support import engine_of, interleaved, memory

TRADE = Frame(
    "trade", '{"t":[{"s":"$symbol","p":"$price","q":"$size","d":"$taker","i":$id,"at":$time_ms}]}'
)
NOW = 1_790_000_000_000  # ms
SECOND = 10**9
Row = tuple[int, int]  # id, time


@contextmanager
def named(table: tuple[Frame, ...] = (TRADE,)) -> Iterator[native.Engine]:
    decoder = native.shape_decoder(compiled(table), names_trades=True)
    with engine_of(decoder, rule=native.RULE_TIME, base=native.BASE_EVERY) as e:
        e.add_instrument("X", has_book=False)
        yield e


def frame(*rows: Row, price: str = "100") -> bytes:
    said = {"s": "X", "p": price, "q": "1", "d": "buy"}
    return json.dumps({"t": [said | {"i": one, "at": at} for one, at in rows]}).encode()


def published(e: native.Engine) -> list[int]:
    return [record[6] for record in memory(e).records() if record[0] == Kind.TRADE]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((1, 30, 1500)))
def test_each_trade_is_published_once(seed: int, lag: int) -> None:
    rng = random.Random(seed)
    ids = rng.sample(range(1, 1 << 50), 3000 if lag > 1000 else 200)
    frames = [frame((one, NOW + at)) for at, one in enumerate(ids)]
    with named() as e:
        for index, each in interleaved(rng, frames, lost=0.0, lag=lag):
            e.connection(index).feed(each)
        assert sorted(published(e)) == sorted(ids)


def test_a_lower_id_is_another_trade_on_any_connection() -> None:
    with named() as e:
        for index, one in ((0, 121451470284048), (1, 15), (0, 15 + 2048), (1, 15 + 4096), (0, 14)):
            e.connection(index).feed(frame((one, NOW)))
        assert published(e) == [121451470284048, 15, 15 + 2048, 15 + 4096, 14]


def test_the_past_that_a_new_subscription_tells_again_is_known() -> None:
    past = [(900, NOW), (7, NOW + 1), (300, NOW + 1)]
    with named() as e:
        e.connection(0).feed(frame(*past))
        e.connection(0).begin()
        e.connection(0).feed(frame(*past, (5, NOW + 2)))
        assert published(e) == [900, 7, 300, 5]
        assert e.counters()["duplicates"] == 3


def test_two_orders_that_meet_again_make_another_trade() -> None:
    with named() as e:
        for at in (NOW, NOW + 1):
            e.connection(0).feed(frame((42, at)))
        assert published(e) == [42, 42]


def test_any_name_tells_a_trade_from_another() -> None:
    """Read with a skeleton and without: what stands for it is the same."""
    sample = TRADE.sample.replace("$id", '"$id_name"')
    ids = [str(UUID(int=random.Random(one).getrandbits(128))) for one in range(200)] + ["x"]
    frames = [
        json.dumps({"t": [{"s": "X", "p": "100", "q": "1", "d": "buy", "i": one, "at": NOW + at}]})
        for at, one in enumerate(ids)
    ]
    with named((Frame("trade", sample),)) as e:
        for each in frames:
            for index in (0, 1):
                e.connection(index).feed(each.encode())
        assert published(e) == [fnv(one) for one in ids]
        assert e.counters()["duplicates"] == len(ids)
        assert e.connection(0).slow < 10
        for odd in ('""', "7", "null"):
            payload = frames[0].replace(f'"{ids[0]}"', odd).encode()
            assert e.connection(0).feed(payload) & native.MALFORMED


def fnv(name: str) -> int:
    """FNV-1a of 64 bits, folded to 53."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return (value ^ value >> 32) % 2**53


@pytest.mark.parametrize("later_ns", [0, 3 * SECOND])
def test_an_older_one_that_comes_late_is_not_the_last(later_ns: int) -> None:
    """Unless all have been older for so long that the venue's clock must have gone back."""
    now = NOW * 10**6
    with named() as e:
        e.connection(0).feed(frame((1, NOW), price="100"), now)
        e.connection(1).feed(frame((2, NOW - 5), price="90"), now + later_ns)
        assert published(e) == [1, 2]
        assert memory(e).quote(0)["last_price"] == (90 if later_ns else 100)
