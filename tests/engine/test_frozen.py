"""A book that stands still while what is newer says that it has changed is found; no other is."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from shm import Reason, State

from . import support
from .support import compact, deribit, deribit_book, engine, okx, okx_book
from .test_bybit import book as bybit_book

LIVE = (State.LIVE, Reason.NONE)
LOOKS = 5
MS = 1_000_000
BOOK_MS = 1_700_000_000_000  # of every book here, by its venue's clock; Bybit's is its own
FRAME_MS = {"bybit-linear": 1_786_310_818_129}
Numbers = Iterator[int]
Quote = Callable[[int, str, str, int], bytes]  #: (number, bid, ask, ms after the book)


def binance_quote(number: int, bid: str, ask: str, _: int) -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": bid, "B": "1", "a": ask, "A": "1"}
    return compact({"stream": "btcusdt@bookTicker", "data": data})


def usdm_quote(number: int, bid: str, ask: str, ms: int) -> bytes:
    its = {"e": "bookTicker", "u": number, "s": "BTCUSDT", "b": bid, "B": "1", "a": ask, "A": "1"}
    return compact(its | {"T": BOOK_MS + ms, "E": BOOK_MS + ms})


def bybit_quote(number: int, bid: str, ask: str, _: int) -> bytes:
    return bybit_book(number, number, "snapshot", depth=1, b=[[bid, "1"]], a=[[ask, "1"]])


def okx_ticker(_: int, bid: str, ask: str, ms: int) -> bytes:
    row = {"instType": "SPOT", "instId": "BTC-USDT", "last": "100", "bidPx": bid, "bidSz": "1"}
    return okx("tickers", [row | {"askPx": ask, "askSz": "1", "ts": str(BOOK_MS + ms)}])


def deribit_top(channel: str) -> Quote:
    def made(_: int, bid: str, ask: str, ms: int) -> bytes:
        data = {
            "timestamp": BOOK_MS + ms,
            "instrument_name": "BTC-PERPETUAL",
            "best_bid_price": float(bid),
            "best_bid_amount": 1.0,
            "best_ask_price": float(ask),
            "best_ask_amount": 1.0,
        }
        more = {"state": "open", "mark_price": 100.0} if channel == "ticker" else {}
        name = "BTC-PERPETUAL.100ms" if channel == "ticker" else "BTC-PERPETUAL"
        return deribit(f"{channel}.{name}", data | more)

    return made


def trade(venue: str, price: str, ms: int, number: Numbers = itertools.count(1)) -> bytes:  # noqa: B008
    """Each has another id."""
    at, n = FRAME_MS.get(venue, BOOK_MS) + ms, next(number)
    if venue == "deribit":
        row = {
            "timestamp": at,
            "price": float(price),
            "amount": 1.0,
            "direction": "buy",
            "trade_id": str(n),
            "instrument_name": "BTC-PERPETUAL",
        }
        return deribit("trades.BTC-PERPETUAL.100ms", [row])
    if venue == "okx":
        okx_row = {"instId": "BTC-USDT", "tradeId": str(n), "px": price, "sz": "1", "side": "buy"}
        return okx("trades", [okx_row | {"ts": str(at)}])
    if venue == "bybit-linear":
        bybit_row = {"T": at, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": price, "i": str(n)}
        frame = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": at}
        return compact(frame | {"data": [bybit_row | {"L": "PlusTick", "BT": False, "seq": n}]})
    its = {"e": "aggTrade", "E": at, "s": "BTCUSDT", "a": n, "p": price, "q": "1", "f": n, "l": n}
    return compact(its | {"T": at, "m": False})


@dataclass
class Case:
    """A venue's LIVE book of 99 x 101, one each, at number 100."""

    venue: str
    e: native.Engine
    number: int = 100

    @property
    def feed(self) -> Callable[[bytes, int], int]:
        return self.e.connection(0).feed

    def change(self, now: int, bid: str = "98") -> None:
        """A message of the book; below its best bid unless another price is named."""
        self.number = n = self.number + 1
        frames: dict[str, Callable[[], bytes]] = {
            "deribit": lambda: deribit_book(n, previous=n - 1, bids=[["new", float(bid), 1.0]]),
            "okx": lambda: okx_book(n, n - 1, bids=[[bid, "1", "0", "1"]]),
            "binance": lambda: support.binance_depth(n, n, [[bid, "1"]]),
            "binance-usdm": lambda: usdm_depth(n, [[bid, "1"]]),
            "bybit-linear": lambda: bybit_book(n, n, b=[[bid, "1"]]),
        }
        self.feed(frames[self.venue](), now)
        assert self.e.state(0) == LIVE

    def looks(self, count: int) -> list[list[int]]:
        return [self.frozen() for _ in range(count)]

    def frozen(self) -> list[int]:
        self.e.look()
        return self.e.looked(9)[3]


def usdm_depth(n: int, bids: Any = ()) -> bytes:
    event = {"e": "depthUpdate", "E": BOOK_MS, "T": BOOK_MS, "s": "BTCUSDT", "U": n, "u": n}
    return compact(event | {"pu": n - 1, "b": bids, "a": []})


@contextmanager
def live(venue: str, now: int) -> Iterator[Case]:
    with engine(venue, checksum=None) as e:
        feed = e.connection(0).feed
        rest = compact({"lastUpdateId": 100, "bids": [["99", "1"]], "asks": [["101", "1"]]})
        if venue == "deribit":
            bids, asks = [["new", 99.0, 1.0]], [["new", 101.0, 1.0]]
            feed(deribit_book(100, kind="snapshot", bids=bids, asks=asks), now)
        elif venue == "okx":
            levels = {"bids": [["99", "1", "0", "1"]], "asks": [["101", "1", "0", "1"]]}
            row = levels | {"ts": str(BOOK_MS), "checksum": 0, "prevSeqId": -1, "seqId": 100}
            feed(okx("books", [row], action="snapshot"), now)
        elif venue == "bybit-linear":
            feed(bybit_book(100, 100, "snapshot", b=[["99", "1"]], a=[["101", "1"]]), now)
        elif venue == "binance-usdm":
            feed(usdm_depth(100), now)
            e.snapshot(0, rest, now)
        else:
            feed(support.binance_depth(100, 100), now)
            e.snapshot(0, rest, now)
        assert e.state(0) == LIVE
        case = Case(venue, e)
        case.change(now)
        assert case.looks(2) == [[], []]
        yield case


TOPS: dict[str, tuple[str, Quote]] = {
    "binance": ("binance", binance_quote),
    "binance-usdm": ("binance-usdm", usdm_quote),
    "bybit-linear": ("bybit-linear", bybit_quote),
    "okx": ("okx", okx_ticker),
    "deribit ticker": ("deribit", deribit_top("ticker")),
    "deribit quote": ("deribit", deribit_top("quote")),
}
VENUES = ("binance", "binance-usdm", "bybit-linear", "okx", "deribit")


@pytest.mark.parametrize("which", TOPS)
def test_a_newer_best_that_the_book_does_not_show_finds_it(which: str) -> None:
    venue, quote = TOPS[which]
    now = time.time_ns()
    with live(venue, now) as case:
        for n in range(LOOKS):
            assert case.frozen() == []
            case.feed(quote(110 + n, "97.5", "102", 1000 + n), now + (1000 + n) * MS)
        assert case.frozen() == [0]
        assert case.frozen() == []  # named once
        assert [0] in case.looks(LOOKS)  # again: who was told may have done nothing


@pytest.mark.parametrize("which", TOPS)
def test_one_newer_best_is_enough_and_a_message_of_the_book_ends_it(which: str) -> None:
    venue, quote = TOPS[which]
    now = time.time_ns()
    with live(venue, now) as case:
        for _ in range(3):
            case.feed(quote(case.number + 1, "97.5", "102", 1000), now + 1000 * MS)
            assert not any(case.looks(LOOKS - 1))
            case.change(now + 1100 * MS)
            now += 1100 * MS
        case.feed(quote(case.number + 1, "97.5", "102", 3000), now + 1000 * MS)
        assert [0] in case.looks(LOOKS)


@pytest.mark.parametrize("which", TOPS)
def test_a_best_that_went_and_came_back_is_no_change(which: str) -> None:
    """While the venue gathered what has changed: it has nothing to say."""
    venue, quote = TOPS[which]
    now = time.time_ns()
    with live(venue, now) as case:
        case.feed(quote(110, "97.5", "102", 1000), now + 1000 * MS)
        assert not any(case.looks(3))
        case.feed(quote(111, "99", "101", 1010), now + 1010 * MS)
        assert not any(case.looks(50))


@pytest.mark.parametrize("which", TOPS)
def test_a_best_that_is_older_than_the_book_says_nothing(which: str) -> None:
    venue, quote = TOPS[which]
    now = time.time_ns()
    with live(venue, now) as case:
        case.feed(quote(100, "97.5", "102", 0), now + 1000 * MS)
        assert not any(case.looks(50))


@pytest.mark.parametrize("which", TOPS)
def test_quick_quotes_beside_a_slow_book_are_no_alarm(which: str) -> None:
    """Five quotes for each message of the book, all ahead of it, for a hundred looks."""
    venue, quote = TOPS[which]
    now = time.time_ns()
    with live(venue, now) as case:
        for n in range(100):
            for m in range(5):
                at = now + (250 * n + 40 * m) * MS
                bid = f"{90 + (n + m) % 9}"
                case.feed(quote(case.number + 10 + m, bid, "102", 250 * n + 40 * m), at)
            assert case.frozen() == []
            case.change(now + (250 * n + 200) * MS)


@pytest.mark.parametrize("venue", VENUES)
def test_trades_beyond_the_best_find_it_and_trades_within_say_nothing(venue: str) -> None:
    now = time.time_ns()
    with live(venue, now) as case:
        case.feed(trade(venue, "101", 1000), now + 1000 * MS)
        assert not any(case.looks(50))
        case.feed(trade(venue, "102", 1001), now + 1001 * MS)
        assert case.looks(LOOKS) == [[]] * (LOOKS - 1) + [[0]]
        case.change(now + 1100 * MS)
        case.feed(trade(venue, "103", 0), now + 1200 * MS)  # it came late: the book is newer
        assert not any(case.looks(50))


def test_who_was_suspected_in_vain_is_suspected_later() -> None:
    now = time.time_ns()
    with live("deribit", now) as case:
        took = []
        for ms in range(1000, 7000, 1000):
            case.feed(deribit_top("quote")(0, "97.5", "102", ms), now + 1000 * MS)
            took.append(next(i for i in range(1, 1000) if case.frozen()))
            case.e.quiet(0)
            now += 2000 * MS
            case.change(now)
            case.frozen()
        assert took[0] == LOOKS
        assert took == sorted(set(took))
        assert took[-1] <= 255


def test_a_book_that_is_not_live_is_not_looked_at() -> None:
    now = time.time_ns()
    with live("binance", now) as case:
        case.feed(binance_quote(110, "97.5", "102", 0), now + 1000 * MS)
        case.e.set_state(0, State.STALE, Reason.SUBSCRIPTION)
        assert not any(case.looks(50))
