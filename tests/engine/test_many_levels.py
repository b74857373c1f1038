"""More levels than any book has: refused before they cost more than anybody should wait."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shm import Reason, State

from .support import RULES, binance_depth, compact, deribit_book, engine, okx_book
from .test_bybit import book as bybit_book
from .test_unconfirmed import depth_answer, usdm_depth

FRAME = 1 << 16
SIDE = 1 << 17
SYMBOLS = {"okx": "BTC-USDT", "deribit": "BTC-PERPETUAL"}
LIVE = (State.LIVE, Reason.NONE)


class Book:
    """One venue's: a base of two levels, and updates to it."""

    def __init__(self, venue: str, e: Any) -> None:
        self.venue, self.e, self.last = venue, e, 10
        self.id = e.add_instrument(SYMBOLS.get(venue, "BTCUSDT"))
        self.connection = e.connection(0)

    def base(self) -> None:
        self.last += 10
        match self.venue:
            case "deribit":
                bids, asks = [["new", 99, 1]], [["new", 10**9, 1]]
                frame = deribit_book(self.last, bids=bids, asks=asks, kind="snapshot")
                self.connection.feed(frame)
            case "okx":
                bids, asks = [["99", "1", "0", "1"]], [["1000000000", "1", "0", "1"]]
                frame = okx_book(self.last, -1, bids=bids, asks=asks, action="snapshot")
                self.connection.feed(frame)
            case "binance" | "binance-usdm":
                self.update()
                self.e.snapshot(self.id, depth_answer(self.last).replace(b"101", b"1000000000"))
            case _:
                sides: dict[str, Any] = {"b": [["99", "1"]], "a": [["1000000000", "1"]]}
                self.connection.feed(bybit_book(self.last, self.last, "snapshot", **sides))

    def update(self, first: int = 0, count: int = 0) -> int:
        """So many bids, the best one first."""
        last, self.last = self.last, self.last + 1
        prices = range(first, first - count, -1)
        match self.venue:
            case "deribit":
                frame = deribit_book(self.last, previous=last, bids=[["new", p, 1] for p in prices])
            case "okx":
                frame = okx_book(self.last, last, bids=[[str(p), "1", "0", "1"] for p in prices])
            case "binance":
                frame = binance_depth(self.last, self.last, [[str(p), "1"] for p in prices])
            case "binance-usdm":
                frame = usdm_depth(self.last, self.last, [[str(p), "1"] for p in prices])
            case _:
                frame = bybit_book(self.last, self.last, b=[[str(p), "1"] for p in prices])
        return int(self.connection.feed(frame))

    @property
    def state(self) -> tuple[int, int]:
        state: tuple[int, int] = self.e.state(self.id)
        return state


#: read as others are
LIKE = ("binance-usdm", "bybit-spot", "bybit-option")


@pytest.mark.parametrize(
    "venue",
    [pytest.param(one, marks=pytest.mark.soak) if one in LIKE else one for one in RULES],
)
def test_a_frame_and_a_side_have_no_more_levels_than_that(venue: str) -> None:
    with engine(venue, rest_join=False) as e:
        book = Book(venue, e)
        book.base()
        assert book.state == LIVE
        book.update(500_000, FRAME)
        assert book.state == LIVE
        assert len(e.book(book.id)[0]) == FRAME + 1
        began = time.thread_time()
        book.update(500_000, 100_000)
        assert time.thread_time() - began < 0.5
        assert book.state == (State.STALE, Reason.MALFORMED)
        assert "levels" in e.last_error()
        book.base()
        assert book.state == LIVE
        assert len(e.book(book.id)[0]) == 1
        for step in range(SIDE // FRAME):
            assert book.state == LIVE
            book.update(1000 + (step + 1) * FRAME, FRAME)
        assert book.state == (State.STALE, Reason.OVERFLOW)
        book.base()
        assert book.state == LIVE


def test_an_answer_with_more_is_none() -> None:
    with engine("binance") as e:
        book = Book("binance", e)
        book.update()
        levels = [[str(10**6 - n), "1"] for n in range(FRAME + 1)]
        e.snapshot(book.id, compact({"lastUpdateId": 11, "bids": levels, "asks": []}))
        assert book.state[0] != State.LIVE
        book.base()
        assert book.state == LIVE
