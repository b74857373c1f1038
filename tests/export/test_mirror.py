"""Books as readers of rows have them, and the best levels of books, against plain dicts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from feedhandler.export import _text
from feedhandler.export._mirror import Mirror, Records, Tops
from feedhandler.export._text import NONE
from feedhandler.export._tickers import Tickers
from shm import Flag, Kind
from shm._native import RAW_EVENT
from tests.export.made import Plain, message, messages, rows
from tests.export.support import Reader

SEEDS = range(12)


def row_of(one: Any) -> dict[str, str]:
    return {
        "is_snapshot": "true" if one["flags"] else "false",
        "side": ("bid", "ask")[int(one["side"])],
        "price": str(Decimal(int(one["price"])).scaleb(int(one["price_exponent"]))),
        "amount": str(Decimal(int(one["size"])).scaleb(int(one["size_exponent"]))),
    }


def records(made: list[dict[str, Any]]) -> Records:
    array = rows(made)
    return Records(array, array["instrument"])


@pytest.mark.parametrize("clears", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_readers_have_the_books(seed: int, clears: bool) -> None:
    mirror, plain, readers = Mirror(), Plain(), [Reader(clears=clears) for _ in range(3)]
    for one in messages(400, seed):
        for record in one:
            plain.take(record)
        for row in mirror.apply(records(one)):
            readers[int(row["which"])].take(row_of(row))
        for which, (bids, asks) in plain.books.items():
            assert (readers[which].bids, readers[which].asks) == (bids, asks)
    assert mirror.in_step() == sorted(plain.books)
    whole = [Reader() for _ in range(3)]
    for row in mirror.whole():
        assert row["at"] == -1
        assert row["flags"]
        whole[int(row["which"])].take(row_of(row))
    for which, (bids, asks) in plain.books.items():
        assert (whole[which].bids, whole[which].asks) == (bids, asks)


def test_nothing_is_said_of_a_book_without_a_base() -> None:
    mirror = Mirror()
    delta = message(0, [(0, 100, 1, 0, 0)], snapshot=False)
    assert len(mirror.apply(records(delta))) == 0
    assert mirror.dropped == 1
    base = message(0, [(0, 100, 1, 0, 0), (1, 101, 1, 0, 0)], snapshot=True)
    assert len(mirror.apply(records(base))) == 2
    assert len(mirror.apply(records(delta))) == 1
    mirror.broken()
    assert mirror.in_step() == []
    assert len(mirror.apply(records(delta))) == 0
    # After the hole the reader still has what it had: what the base has not, is taken away.
    again = mirror.apply(records(message(0, [(0, 99, 1, 0, 0)], snapshot=True)))
    assert [(int(row["price"]), int(row["size"])) for row in again] == [(99, 1), (100, 0), (101, 0)]
    assert all(row["flags"] for row in again)


def test_a_book_of_parts_is_one_snapshot() -> None:
    first = message(0, [(0, 100, 1, 0, 0)], snapshot=True)
    first[-1]["flags"] |= Flag.MORE
    rest = message(0, [(1, 101, 1, 0, 0)], snapshot=True)[1:]
    rest[0]["flags"] |= Flag.FIRST
    mirror, tops = Mirror(), Tops(1)
    mirror.apply(records(message(0, [(0, 90, 1, 0, 0)], snapshot=True)))
    assert [int(row["price"]) for row in mirror.apply(records(first))] == [100]
    assert mirror.whole().size == 0  # it is half a book
    assert [int(row["price"]) for row in mirror.apply(records(rest))] == [101, 90]
    assert len(tops.apply(records(first))[0]) == 0
    assert len(tops.apply(records(rest))[0]) == 1


def test_a_level_that_no_exponent_holds_ends_the_book() -> None:
    mirror = Mirror()
    mirror.apply(records(message(0, [(0, 2**62, 1, 0, 0)], snapshot=True)))
    far = message(0, [(0, 5, 1, -9, 0)], snapshot=False)
    assert len(mirror.apply(records(far))) == 0
    assert (mirror.dropped, mirror.in_step()) == (1, [])


@pytest.mark.parametrize("depth", [1, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_best_levels_are_told_when_they_change(seed: int, depth: int) -> None:
    made = messages(400, seed)
    flat = [record for one in made for record in one]
    ends = np.cumsum([len(one) for one in made]) - 1
    tops = Tops(depth)
    found = {}
    for part in np.array_split(np.arange(len(made)), 7):  # in batches of whole messages
        first = sum(len(one) for one in made[: part[0]])
        batch = [record for at in part for record in made[at]]
        places, levels, exponents = tops.apply(records(batch))
        for place, level, exponent in zip(places, levels, exponents, strict=True):
            found[first + int(place)] = level, exponent
    plain, told = Plain(), set()
    shown: dict[int, Any] = {}
    for at, record in enumerate(flat):
        plain.take(record)
        which = record["instrument"]
        if at not in ends or which not in plain.books:
            continue
        bids, asks = plain.books[which]
        best = [sorted(bids.items(), reverse=True)[:depth], sorted(asks.items())[:depth]]
        if at in found:
            told.add(at)
            level, exponent = found[at]
            for side in (0, 1):
                assert [_level(one, exponent) for one in level[side] if one[0] != NONE] == best[
                    side
                ]
        else:
            assert shown.get(which) == best, at
        shown[which] = best
    assert told == set(found)


def _level(level: Any, exponent: Any) -> tuple[Decimal, Decimal]:
    return (
        Decimal(int(level[0])).scaleb(int(exponent[0])),
        Decimal(int(level[1])).scaleb(int(exponent[1])),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_bad_rows_do_no_harm(seed: int) -> None:
    """Of a damaged file: any bytes, of the instruments that there are."""
    dice = np.random.default_rng(seed)
    array = np.frombuffer(dice.bytes(2000 * RAW_EVENT.itemsize), RAW_EVENT).copy()
    array["kind"] = dice.integers(0, 8, 2000)
    array["flags"] &= 31
    which = dice.integers(0, 5, 2000)
    mirror, tops = Mirror(), Tops(5)
    tickers = Tickers(range(1, 20), every=True)
    for first in range(0, 2000, 250):
        part, numbers = array[first : first + 250], which[first : first + 250]
        made = Records(part, numbers)
        levels = mirror.apply(made)
        best = tops.apply(made)
        places, values, exponents = tickers.apply(part, numbers, Tops(1).apply(made))
        columns = [
            _text.decimals(levels["price"], levels["price_exponent"]),
            _text.decimals(levels["size"], levels["size_exponent"]),
        ]
        assert _text.lines(columns, 0, len(levels)).count(b"\n") == len(levels)
        told = [_text.decimals(values[:, at], exponents[:, at]) for at in range(20)]
        assert _text.lines(told, 0, len(places)).count(b"\n") == len(places)
        assert len(best[0]) == len(best[1])
    mirror.whole()


def test_other_kinds_are_passed_over() -> None:
    trade = [{"kind": Kind.TRADE, "flags": Flag.FIRST | Flag.LAST, "price": 1, "size": 1}]
    assert len(Mirror().apply(records(trade))) == 0
    assert len(Tops(1).apply(records(trade))[0]) == 0
    with pytest.raises(ValueError, match="1 records, and 2 numbers"):
        Records(rows(trade), np.array([0, 1]))
