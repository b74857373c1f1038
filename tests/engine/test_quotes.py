"""Book and quote of one instrument never contradict each other for longer than a second."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest

from feedhandler.engine import _engine as native
from shm import InstrumentKind, Kind, Reason, Source, State, Status
from tests.feed import fault_table

from . import support
from .quotes import FAR, LIVE, SECOND, answer, shown, ticker
from .support import binance_depth, compact, deribit, engine, memory, okx
from .test_bybit import book as bybit_book

NONE = -(2**63)


def in_step(e: native.Engine, now: int, number: int = 100) -> None:
    """A LIVE book of 99 x 101."""
    e.connection(0).feed(binance_depth(number, number), now)
    e.snapshot(0, answer(number), now)
    assert e.state(0) == LIVE


def test_a_quote_is_shown_until_the_book_has_reached_it() -> None:
    now = time.time_ns()
    with engine("binance") as e:
        c = e.connection(0)
        e.add_instrument("BTCUSDT")
        assert shown(e)[3] is Source.NONE
        in_step(e, now)
        assert shown(e) == (99, 101, 100, Source.BOOK)
        c.feed(ticker(105, "98", "102"), now + 1)
        assert shown(e) == (98, 102, 105, Source.QUOTE)
        c.feed(binance_depth(101, 103), now + 2)
        assert shown(e) == (98, 102, 105, Source.QUOTE)
        c.feed(binance_depth(104, 105, [["99", "0"], ["98", "7"]]), now + 3)
        assert shown(e) == (98, 101, 105, Source.BOOK)
        c.feed(ticker(104, "97", "103"), now + 4)
        assert shown(e) == (98, 101, 105, Source.BOOK)


@pytest.mark.parametrize("by", ["the next of the book", "the clock", "a clock that was set back"])
def test_a_far_ahead_quote_is_shown_for_a_second(by: str) -> None:
    now = time.time_ns()
    with engine("binance") as e:
        c = e.connection(0)
        in_step(e, now)
        c.feed(ticker(FAR, "80", "90"), now)
        c.feed(binance_depth(101, 101, [["98", "3"]]), now + SECOND // 2)
        e.overdue(now + SECOND)
        assert shown(e) == (80, 90, FAR, Source.QUOTE)
        if by != "the next of the book":
            e.overdue(now + SECOND + 1 if by == "the clock" else now - 3600 * SECOND)
            assert shown(e) == (99, 101, 101, Source.BOOK)
        else:
            c.feed(binance_depth(102, 102, [["99", "2"]]), now + SECOND + 1)
            assert shown(e) == (99, 101, 102, Source.BOOK)
        assert e.state(0) == LIVE


def test_quotes_that_stay_far_ahead_are_not_shown_again() -> None:
    now = time.time_ns()
    with engine("binance") as e:
        c = e.connection(0)
        in_step(e, now)
        c.feed(ticker(FAR, "80", "90"), now)
        at, number = now, 100
        for n in range(1, 60):
            at, number = at + SECOND // 10, number + 1
            c.feed(binance_depth(number, number, [["98", str(n)]]), at)
            c.feed(ticker(FAR + n, "80", "90"), at)
            if at > now + SECOND + SECOND // 5:
                assert shown(e) == (99, 101, number, Source.BOOK)
        # and those with the book's numbers are, when the book has come to one of them; of their own
        # series they are old for a second
        for _ in range(25):
            at, number = at + SECOND // 10, number + 1
            c.feed(ticker(number, "99", "101"), at - 1)
            c.feed(binance_depth(number, number, [["97", "1"]]), at)
        c.feed(ticker(number + 1, "99.5", "101"), at + 1)
        assert shown(e)[2:] == (number + 1, Source.QUOTE)


@pytest.mark.parametrize("first", ["the book", "the quote"])
def test_quotes_are_believed_again_whichever_comes_first_in_a_read(first: str) -> None:
    """After one that was far ahead; when the book falls silent they are ahead of it."""
    now, number = time.time_ns(), 100
    with engine("binance") as e:
        c = e.connection(0)
        in_step(e, now)
        c.feed(ticker(FAR, "80", "90"), now)
        for step in range(1, 40):
            number, at = number + 1, now + SECOND + step * SECOND // 10
            frames = [
                binance_depth(number, number, [["98", str(step)]]),
                ticker(number, "99", "101"),
            ]
            for frame in frames if first == "the book" else reversed(frames):
                c.feed(frame, at)
            e.overdue(at)
        assert shown(e) == (99, 101, number, Source.BOOK)
        c.feed(ticker(number + 1, "98", "102"), at + 1)
        assert shown(e) == (98, 102, number + 1, Source.QUOTE)


@pytest.mark.parametrize("number", [101, FAR])
def test_a_quote_far_from_a_book_that_speaks_is_not_shown(number: int) -> None:
    """Another instrument's, or with a digit too many: whatever its number is."""
    now = time.time_ns()
    wrong = [("55", "56"), ("99", "1010"), ("9", "101"), ("3000", "3001")]
    with engine("binance") as e:
        c = e.connection(0)
        in_step(e, now)
        for n, (bid, ask) in enumerate(wrong):
            c.feed(ticker(number + n, bid, ask), now + n)
            assert shown(e) == (99, 101, 100, Source.BOOK)
        c.feed(ticker(number + 5, "98", "100"), now + 9)
        assert shown(e) == (98, 100, number + 5, Source.QUOTE)
        c.feed(ticker(number + 6, "55", "56"), now + SECOND + 1)  # the book says nothing
        assert shown(e) == (55, 56, number + 6, Source.QUOTE)


def test_a_book_whose_stream_is_late_makes_way_for_quotes_that_go_on() -> None:
    """Its numbers prove nothing as long as it says nothing: what was received last is shown."""
    now = time.time_ns()
    with engine("binance") as e:
        in_step(e, now)
        for n in range(1, 30):
            at = now + n * SECOND // 10
            e.connection(0).feed(ticker(100 + n, "99", str(101 + n)), at)
            e.overdue(at)
            assert shown(e) == (99, 101 + n, 100 + n, Source.QUOTE)


CROSSED: dict[str, Callable[[int, str, str], bytes]] = {
    "binance": lambda n, bid, ask: ticker(n, bid, ask),
    "binance-usdm": lambda n, bid, ask: compact(
        {"e": "bookTicker", "u": n, "s": "BTCUSDT", "b": bid, "B": "1", "a": ask, "A": "1",
         "T": n, "E": n}
    ),
    "bybit-linear": lambda n, bid, ask: bybit_book(
        n, n, "snapshot", depth=1, b=[[bid, "1"]], a=[[ask, "1"]]
    ),
    "okx": lambda n, bid, ask: okx(
        "tickers",
        [{"instId": "BTCUSDT", "bidPx": bid, "bidSz": "1", "askPx": ask, "askSz": "1",
          "ts": str(1_700_000_000_000 + n)}],
        "BTCUSDT",
    ),
    "deribit": lambda n, bid, ask: deribit(
        "quote.BTCUSDT",
        {"timestamp": 1_700_000_000_000 + n, "instrument_name": "BTCUSDT",
         "best_bid_price": float(bid), "best_bid_amount": 1.0, "best_ask_price": float(ask),
         "best_ask_amount": 1.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("venue", CROSSED)
def test_a_quote_that_is_crossed_in_itself_is_never_shown(venue: str) -> None:
    its = fault_table.row("a quote whose bid is not below its ask")
    assert its.sees == (("STALE", "MALFORMED"),)
    quote, now = CROSSED[venue], time.time_ns()
    for kind, status, (bid, ask) in itertools.product(
        InstrumentKind, Status, (("101", "99"), ("100", "100"))
    ):
        refused = status in (Status.ACTIVE, Status.POST_ONLY) and kind not in (
            InstrumentKind.OPTION, InstrumentKind.COMBO
        )  # fmt: skip
        with engine(venue) as e:
            i = e.add_instrument("BTCUSDT", has_book=False, kind=int(kind), status=int(status))
            c = e.connection(0)
            c.feed(quote(100, "99", "101"), now)
            assert (e.state(i), shown(e, i)[:2]) == (LIVE, (99, 101))
            memory(e).records()
            result = c.feed(quote(101, bid, ask), now + 1)
            assert bool(result & native.MALFORMED) == refused
            assert shown(e, i)[:2] == (NONE, NONE)
            assert e.state(i) == ((State.STALE, Reason.MALFORMED) if refused else LIVE)
            told = {r[2] for r in memory(e).records() if r[0] == Kind.QUOTE}
            assert told == (set() if refused else {NONE})
            if refused:
                assert "bid that is not below the best ask" in e.last_error()
            c.feed(quote(102, "98", "102"), now + 2)
            assert (e.state(i), shown(e, i)[:2]) == (LIVE, (98, 102))


def test_a_quote_that_is_crossed_in_itself_is_not_shown_in_the_books_place() -> None:
    now = time.time_ns()
    for kind in InstrumentKind:
        with engine("binance") as e:
            e.add_instrument("BTCUSDT", kind=int(kind))
            in_step(e, now)
            e.connection(0).feed(ticker(105, "102", "101"), now + 1)
            assert shown(e) == (99, 101, 100, Source.BOOK)
            assert e.state(0) == LIVE


def test_a_quote_without_a_book_does_not_go_back() -> None:
    now = time.time_ns()
    with engine("binance") as e:
        i, c = e.add_instrument("BTCUSDT", has_book=False), e.connection(0)
        c.feed(ticker(105, "99", "101"), now)
        c.feed(ticker(100, "55", "56"), now + 1)
        c.feed(ticker(104, "55", "56"), now + SECOND)
        assert shown(e, i) == (99, 101, 105, Source.QUOTE)
        numbers = [r[6] for r in memory(e).records() if r[0] == Kind.QUOTE]
        assert set(numbers) == {105}
        c.feed(ticker(106, "98", "101"), now + SECOND + 1)
        c.feed(ticker(1, "70", "71"), now + 2 * SECOND)  # it begins anew
        c.feed(ticker(2, "70", "71"), now + 3 * SECOND)
        assert shown(e, i) == (98, 101, 106, Source.QUOTE)
        c.feed(ticker(3, "70", "71"), now + 3 * SECOND + 1)
        assert shown(e, i) == (70, 71, 3, Source.QUOTE)


def test_a_quote_without_numbers_does_not_go_back_in_the_venues_time() -> None:
    now, start = time.time_ns(), 1_700_000_000_000

    def quote(ms: int, bid: float) -> bytes:
        top = {"best_bid_price": bid, "best_bid_amount": 1.0, "best_ask_price": 200.0,
               "best_ask_amount": 1.0}  # fmt: skip
        return deribit("quote.X", {"timestamp": start + ms, "instrument_name": "X", **top})

    with engine("deribit") as e:
        i, c = e.add_instrument("X", has_book=False), e.connection(0)
        for ms, bid, at in ((105, 99.0, 0), (100, 55.0, 1), (105, 98.0, 2)):
            c.feed(quote(ms, bid), now + at)
        assert shown(e, i)[0] == 98
        c.feed(quote(100, 55.0), now + 3)
        c.feed(quote(101, 56.0), now + SECOND + 4)  # its clock was set back
        assert shown(e, i)[0] == 56


def bybit_top(u: int, seq: int, bid: str, ask: str) -> bytes:
    return bybit_book(u, seq, "snapshot", depth=1, b=[[bid, "1"]], a=[[ask, "1"]])


def test_bybits_restart_is_followed_at_once() -> None:
    now = time.time_ns()
    with engine("bybit-linear") as e:
        c = e.connection(0)
        c.feed(bybit_book(500, 9000, "snapshot", b=[["99", "1"]], a=[["101", "1"]]), now)
        c.feed(bybit_top(800, 9005, "98", "102"), now + 1)
        assert shown(e) == (98, 102, 9005, Source.QUOTE)
        c.feed(bybit_book(1, 40, "snapshot", b=[["59", "1"]], a=[["61", "1"]]), now + 2)
        assert shown(e) == (59, 61, 40, Source.BOOK)
        c.feed(bybit_top(1, 41, "58", "62"), now + 3)
        assert shown(e) == (58, 62, 41, Source.QUOTE)
        c.feed(bybit_book(2, 42, a=[["60.5", "1"]]), now + 4)
        assert shown(e)[2:] == (42, Source.BOOK)


def test_bybits_restart_is_followed_at_once_without_a_book() -> None:
    now = time.time_ns()
    with engine("bybit-spot") as e:
        i, c = e.add_instrument("BTCUSDT", has_book=False), e.connection(0)
        c.feed(bybit_top(800, 9005, "98", "102"), now)
        c.feed(bybit_top(799, 9004, "55", "56"), now + 1)
        assert shown(e, i) == (98, 102, 9005, Source.QUOTE)
        c.feed(bybit_top(1, 41, "58", "62"), now + 2)
        assert shown(e, i) == (58, 62, 41, Source.QUOTE)


def test_a_full_book_in_the_stream_begins_anew() -> None:
    now = time.time_ns()
    with engine("okx", checksum=None) as e:
        c = e.connection(0)

        def book(seq: int) -> bytes:
            bids, asks = [["99", "1", "0", "1"]], [["101", "1", "0", "1"]]
            return support.okx_book(seq, -1, bids=bids, asks=asks, action="snapshot")

        c.feed(book(100), now)
        top = {"bids": [["80", "1", "0", "1"]], "asks": [["90", "1", "0", "1"]], "ts": "5"}
        c.feed(okx("bbo-tbt", [top | {"seqId": FAR}]), now + 1)
        assert shown(e) == (80, 90, FAR, Source.QUOTE)
        c.feed(book(101), now + 2)
        assert shown(e) == (99, 101, 101, Source.BOOK)


def test_a_far_ahead_quote_of_a_connection_that_is_gone_silences_the_other_for_two_seconds() -> (
    None
):
    now = time.time_ns()
    with engine("binance") as e:
        i = e.add_instrument("BTCUSDT", has_book=False)
        a, b = e.connection(0), e.connection(1)
        a.feed(ticker(100, "99", "101"), now)
        b.feed(ticker(100, "99", "101"), now)
        a.feed(ticker(FAR, "55", "56"), now + 1)
        assert e.disconnected(0, Reason.DISCONNECTED) == []
        for n in range(1, 22):
            b.feed(ticker(100 + n, "99", "101"), now + n * SECOND // 10)
            assert shown(e, i)[3] is Source.QUOTE
        assert shown(e, i)[0] == 55
        b.feed(ticker(122, "98", "101"), now + 2 * SECOND + SECOND // 5)
        assert shown(e, i) == (98, 101, 122, Source.QUOTE)


# ---- the brothers: statistics, liquidations, trades ----------------------------------------------


def test_a_far_ahead_time_of_a_connection_that_is_gone_silences_statistics_for_two_seconds() -> (
    None
):
    now, start = time.time_ns(), 1_700_000_000_000

    def mark(ms: int, value: float) -> bytes:
        data = {"timestamp": start + ms, "instrument_name": "X", "mark_price": value}
        return deribit("ticker.X.100ms", data)

    with engine("deribit") as e:
        i = e.add_instrument("X", has_book=False)
        for index in (0, 1):
            e.connection(index).feed(mark(1, 1.0), now)
        e.connection(0).feed(mark(10**9, 2.0), now + 1)
        e.disconnected(0, Reason.DISCONNECTED)
        e.connection(1).feed(mark(100, 3.0), now + SECOND)
        assert memory(e).quote(i)["mark"] == 2.0
        e.connection(1).feed(mark(3200, 4.0), now + 3 * SECOND + 1)
        assert memory(e).quote(i)["mark"] == 4.0


def trade(n: int, price: str = "100") -> bytes:
    data = {"e": "trade", "E": 1700000000000, "s": "BTCUSDT", "t": n, "p": price, "q": "1"}
    return compact({"stream": "x@trade", "data": data | {"T": 1700000000000, "m": True}})


@pytest.mark.parametrize("ahead", [1, 1500, 5000, 10**6, 10**12])
@pytest.mark.parametrize("gone", [False, True], ids=["stays", "goes"])
def test_a_far_ahead_trade_silences_none_and_the_last_is_the_last(ahead: int, gone: bool) -> None:
    now, first = time.time_ns(), 5_000_000
    with engine("binance") as e:
        i = e.add_instrument("BTCUSDT", has_book=False)
        for n in range(first, first + 50):
            for index in (0, 1):
                e.connection(index).feed(trade(n), now)
        e.connection(0).feed(trade(first + 50 + ahead, "55"), now)
        if gone:
            e.disconnected(0, Reason.DISCONNECTED)
        for n in range(first + 50, first + 5000):
            at = now + (n - first) * SECOND // 1000
            for index in (1,) if gone else (0, 1):
                e.connection(index).feed(trade(n, "101"), at)
        told = [r[6] for r in memory(e).records() if r[0] == Kind.TRADE]
        assert len(told) == len(set(told)) + (ahead < 4950 and not gone)
        missing = set(range(first, first + 5000)) - set(told)
        assert len(missing) <= 1, missing
        assert memory(e).quote(i)["last_price"] == 101
