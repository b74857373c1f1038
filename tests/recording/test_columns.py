"""Columns of ring records: numbers are those that a strategy gets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import shm
from feedhandler.recording import columns
from shm import Kind
from shm._native import RAW_EVENT
from tests.recording.market import Market

INTEGERS = some.integers(-(1 << 63) + 1, (1 << 63) - 1)


@given(some.lists(some.tuples(INTEGERS, some.integers(-40, 40)), min_size=1, max_size=20))
def test_a_float_is_the_exact_value_rounded_once(pairs: list[tuple[int, int]]) -> None:
    scaled = np.array([pair[0] for pair in pairs], np.int64)
    exponent = np.array([pair[1] for pair in pairs], np.int8)
    for found, (number, power) in zip(columns.value(scaled, exponent), pairs, strict=True):
        want = float(f"{number}e{power}")
        if abs(number) <= 1 << 53 and abs(power) <= 22:
            assert found == want
        assert math.isclose(found, want, rel_tol=1e-15)


def test_floats_are_those_of_events(market: Market) -> None:
    feed = shm.attach("sim", namespace=market.namespace)
    plain, raw = feed.events(start="oldest"), feed.events(start="oldest", raw=True)
    market.until(500)
    for _ in range(3):
        want, rows = plain.poll(), raw.poll()
        if want is None or rows is None:
            break
        levels = rows["kind"] == Kind.LEVEL
        table = columns.table_of("book", 1, rows[levels], [str(n) for n in range(16)])
        assert table["price"].to_numpy().tolist() == want["price"][levels].tolist()
        assert table["size"].to_numpy().tolist() == want["size"][levels].tolist()
    feed.close()


@pytest.mark.parametrize("table", ["book", "trades", "quotes", "stats", "states"])
def test_nothing_and_kinds_of_tomorrow_are_rows_too(table: str) -> None:
    assert columns.table_of(table, 1, np.zeros(0, RAW_EVENT), []).num_rows == 0
    row = np.zeros(1, RAW_EVENT)
    row["instrument"] = shm.NO_INSTRUMENT
    row["kind"], row["price"], row["aux"] = 77, shm.NONE, 3_000_000_000
    [found] = columns.table_of(table, 1, row, []).to_pylist()
    assert (found["kind"], found["symbol"], found["instrument"]) == ("77", None, None)
    assert found["price_scaled"] is None
    assert found["price"] is None
