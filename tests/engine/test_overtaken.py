"""A message that comes after the next one: one hole, and the number that lacked in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from feedhandler.engine import _engine as native

from .support import binance_depth, compact, engine, okx_book

_GAPS, _MISSING, _UNSIZED = 3, 4, 5
LIVE = 2
Frame = Callable[[int], bytes]


def binance(n: int) -> bytes:
    return binance_depth(n, n, [[str(n), "1"]])


def chained(n: int) -> bytes:
    return okx_book(n, n - 1, bids=[[str(n), "1", "0", "1"]])


def base(e: native.Engine, venue: str, number: int) -> None:
    rows: dict[str, object] = {"bids": [], "asks": []}
    if venue == "binance":
        e.snapshot(0, compact(rows | {"lastUpdateId": number}))
    else:
        e.snapshot(0, compact({"code": "0", "data": [rows | {"ts": "5", "seqId": number}]}))


@pytest.mark.parametrize(("venue", "frame"), [("binance", binance), ("okx", chained)])
def test_one_that_was_overtaken_is_one_hole(venue: str, frame: Frame) -> None:
    with engine(venue, rest_join=True) as e:
        c = e.connection(0)
        c.feed(frame(10))
        base(e, venue, 9)
        assert e.state(0)[0] == LIVE
        for n in (12, 11, 13, 14, 16, 15, 17, 18):
            c.feed(frame(n))
            assert e.state(0)[0] != LIVE
        assert e.counters()["gaps"] == 2
        base(e, venue, 15)  # all that lacks: what came since the last hole is kept
        its = e.quality([0])[0]
        missing, unsized = (2, 0) if venue == "binance" else (0, 2)
        assert (its[_GAPS], its[_MISSING], its[_UNSIZED]) == (2, missing, unsized)
        assert e.state(0)[0] == LIVE
        assert e.book(0)[0][:, 0].tolist() == [18, 17, 16]


def test_numbers_that_begin_anew_are_no_overtaken_ones() -> None:
    with engine("binance") as e:
        c = e.connection(0)
        for n in (1000, 1001, 1, 2, 3):
            c.feed(binance(n))
        base(e, "binance", 2)
        assert e.state(0)[0] == LIVE
        assert e.book(0)[0][:, 0].tolist() == [3]
