"""A base is believed when its stream has come to it, and nothing is dropped as old for long."""

from __future__ import annotations

import time
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from shm import Reason, State

from .support import binance_depth, compact, deribit_book, engine, memory, okx_book
from .test_bybit import book as bybit_book

LIVE = (State.LIVE, Reason.NONE)
GAP = (State.STALE, Reason.GAP)
UNCONFIRMED = (State.SYNCING, Reason.UNCONFIRMED)
SECOND = 1_000_000_000
FOREIGN = 7_000_000


def usdm_depth(first: int, final: int, bids: object = ()) -> bytes:
    event = {"e": "depthUpdate", "E": 2, "T": 1, "s": "BTCUSDT", "U": first, "u": final}
    return compact(event | {"pu": first - 1, "b": bids, "a": []})


def okx_delta(first: int, final: int, bids: object = ()) -> bytes:
    return okx_book(final, first - 1, bids=bids)


def bybit_delta(first: int, final: int, bids: Any = ()) -> bytes:
    assert first == final
    return bybit_book(final, final, b=list(bids))


def depth_answer(last: int, bid: str = "99") -> bytes:
    return compact({"lastUpdateId": last, "bids": [[bid, "1"]], "asks": [["101", "1"]]})


def okx_answer(last: int, bid: str = "99") -> bytes:
    row = {"bids": [[bid, "1", "0", "1"]], "asks": [["101", "1", "0", "1"]], "ts": "1"}
    return compact({"code": "0", "data": [row | {"seqId": last}]})


def bybit_answer(last: int, bid: str = "99") -> bytes:
    row = {"s": "BTCUSDT", "b": [[bid, "1"]], "a": [["101", "1"]], "ts": 1, "u": last, "seq": last}
    return compact({"retCode": 0, "result": row})


#: (delta, answer) of each venue whose books may come by request
VENUES = {
    "binance": (binance_depth, depth_answer),
    "binance-usdm": (usdm_depth, depth_answer),
    "okx": (okx_delta, okx_answer),
    "bybit-linear": (bybit_delta, bybit_answer),
}
SYMBOLS = {"okx": "BTC-USDT"}


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(venue: str) -> Any:
    return engine(venue, rest_join=not venue.startswith("binance"))


def add(e: native.Engine, venue: str) -> int:
    return e.add_instrument(SYMBOLS.get(venue, "BTCUSDT"))


def test_a_base_of_another_instrument_is_not_believed(venue: str) -> None:
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i, c = add(e, venue), e.connection(0)
        for n in range(100, 104):
            c.feed(delta(n, n))
        e.attention()
        e.snapshot(i, answer(FOREIGN, bid="5"))
        assert e.state(i) == UNCONFIRMED
        assert (i, native.UNCONFIRMED, FOREIGN) in e.attention()
        for n in range(104, 110):
            c.feed(delta(n, n, [["98", str(n)]]))
            assert e.state(i) == UNCONFIRMED
        e.snapshot(i, answer(105))  # its own: what came meanwhile is not lost
        assert e.state(i) == LIVE
        assert e.book(i)[2] == 109
        assert e.book(i)[0].tolist() == [[99, 1], [98, 109]]
        assert e.counters()["gaps"] == 0


def test_a_base_that_is_ahead_is_confirmed_by_the_first_delta_that_reaches_it(venue: str) -> None:
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i, c, m = add(e, venue), e.connection(0), memory(e)
        c.feed(delta(100, 100, [["50", "1"]]))
        e.snapshot(i, answer(103))
        assert e.state(i) == UNCONFIRMED
        head, bids, _ = m.book(i)  # it is there to be looked at
        assert (head["state"], head["reason"], bids) == (State.SYNCING, 24, [(99, 1)])
        for n in (101, 102):
            c.feed(delta(n, n, [["50", "1"]]))
            assert e.state(i) == UNCONFIRMED
        c.feed(delta(103, 103, [["50", "1"]]))
        assert e.state(i) == LIVE
        assert e.book(i)[0].tolist() == [[99, 1]]  # all older than it
        c.feed(delta(104, 104, [["98", "2"]]))
        assert e.book(i)[0].tolist() == [[99, 1], [98, 2]]


def test_without_a_word_of_the_stream_a_base_is_not_believed(venue: str) -> None:
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i = add(e, venue)
        e.snapshot(i, answer(100))
        assert e.state(i) == UNCONFIRMED
        e.attention()
        e.snapshot(i, answer(100))  # the same again is no sign of the stream
        assert e.state(i) == UNCONFIRMED
        assert e.attention() == [(i, native.UNCONFIRMED, 100)]  # but of the venue's number
        e.snapshot(i, answer(120))  # the venue's book moves, its stream says nothing
        assert e.attention() == [(i, native.UNCONFIRMED, 120)]
        e.connection(0).feed(delta(121, 121))
        assert e.state(i) == LIVE


def test_of_two_bases_the_stream_takes_the_one_that_it_reaches_first(venue: str) -> None:
    """A link that is slow by a second: each answer is newer than what has come by then."""
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i, c = add(e, venue), e.connection(0)
        for n in range(100, 120):
            c.feed(delta(n, n))
            if n % 3 == 0:
                e.snapshot(i, answer(n + 8))
        assert e.state(i) == LIVE


def test_a_hole_before_it_is_confirmed_is_a_gap(venue: str) -> None:
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i, c = add(e, venue), e.connection(0)
        c.feed(delta(100, 100))
        e.snapshot(i, answer(102))
        c.feed(delta(105, 105))
        assert e.state(i) == GAP


def test_two_connections_confirm_together(venue: str) -> None:
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i = add(e, venue)
        e.connection(0).feed(delta(100, 100))
        e.snapshot(i, answer(102))
        for n in (101, 102, 103):
            e.connection(n % 2).feed(delta(n, n))
            e.connection(1 - n % 2).feed(delta(n, n))
        assert e.state(i) == LIVE
        assert e.book(i)[2] == 103
        assert e.counters()["gaps"] == 0


def test_a_book_in_step_takes_no_answer(venue: str) -> None:
    delta, answer = VENUES[venue]
    with opened(venue) as e:
        i, c = add(e, venue), e.connection(0)
        c.feed(delta(100, 100))
        e.snapshot(i, answer(100))
        for last in (50, 100, 101, FOREIGN):
            e.snapshot(i, answer(last, bid="5"))
            assert e.state(i) == LIVE
            assert e.book(i)[0].tolist() == [[99, 1]]
        c.feed(delta(101, 101))
        assert e.book(i)[2] == 101


# ---- dropped as old -----------------------------------------------------------------------------


def deribit_delta(first: int, final: int, bids: object = ()) -> bytes:
    changes = [["new", float(p), float(s)] for p, s in bids]  # type: ignore[attr-defined]
    return deribit_book(final, previous=first - 1, bids=changes, asks=[])


STREAMS = {venue: delta for venue, (delta, _) in VENUES.items()} | {"deribit": deribit_delta}
FAR = [venue for venue in STREAMS if venue != "bybit-linear"]  # which counts by one


def in_step(e: native.Engine, venue: str, *connections: int, at: int) -> int:
    """A LIVE book at 100 on these connections, received at a time."""
    for index in connections:
        c = e.connection(index)
        if venue.startswith("binance"):
            c.feed(STREAMS[venue](100, 100), at)
        elif venue == "okx":
            c.feed(okx_book(100, -1, bids=[["99", "1"]], asks=[], action="snapshot"), at)
        elif venue == "deribit":
            rows = [["new", 99.0, 1.0]]
            c.feed(deribit_book(100, bids=rows, asks=[], kind="snapshot"), at)
        else:
            c.feed(bybit_book(100, 100, "snapshot", b=[["99", "1"]]), at)
    if venue.startswith("binance"):
        e.snapshot(0, depth_answer(100), at)
        for index in connections:
            e.connection(index).feed(STREAMS[venue](100, 100), at)
    assert e.state(0) == LIVE
    return 0


@pytest.mark.parametrize("venue", STREAMS)
@pytest.mark.parametrize("polled", [False, True], ids=["by the next", "by the clock"])
def test_a_lost_reset_freezes_a_book_for_a_second(venue: str, polled: bool) -> None:
    """The numbers begin anew, and what says so is lost: one message a second, then none at all."""
    now = time.time_ns()
    with engine(venue, rest_join=False) as e:
        i = in_step(e, venue, 0, at=now - 4 * SECOND)
        c = e.connection(0)
        c.feed(STREAMS[venue](5, 5), now - 3 * SECOND)
        assert e.state(i) == LIVE
        if polled:
            assert e.overdue() == 1
        else:
            c.feed(STREAMS[venue](6, 6), now - 2 * SECOND + 1)
        assert e.state(i) == GAP
        assert e.overdue() == 0


@pytest.mark.parametrize("venue", FAR)
def test_a_far_ahead_number_freezes_a_book_for_a_second(venue: str) -> None:
    now = time.time_ns()
    with engine(venue, rest_join=False) as e:
        i, delta = in_step(e, venue, 0, at=now - 4 * SECOND), STREAMS[venue]
        c = e.connection(0)
        c.feed(delta(101, FOREIGN), now - 3 * SECOND)
        for n in range(5):
            c.feed(delta(102 + n, 102 + n), now - 2 * SECOND + n)
            assert e.state(i) == LIVE
        assert e.overdue() == 1
        assert e.state(i) == GAP


@pytest.mark.parametrize("venue", STREAMS)
def test_what_is_sent_twice_is_no_old_message(venue: str) -> None:
    now = time.time_ns()
    with engine(venue) as e:
        i, c = in_step(e, venue, 0, at=now - 9 * SECOND), e.connection(0)
        frame = STREAMS[venue](101, 101)
        for ago in (8, 7, 5):
            c.feed(frame, now - ago * SECOND)
        assert e.overdue() == 0
        assert e.state(i) == LIVE


@pytest.mark.parametrize("venue", STREAMS)
@pytest.mark.parametrize("lag_s", [0.3, 1.5])
def test_copies_of_a_slower_connection_are_not_old(venue: str, lag_s: float) -> None:
    """The quicker one has fallen silent after a burst; the slower one is still to say it all."""
    delta, lag = STREAMS[venue], int(lag_s * SECOND)
    now = time.time_ns()
    with engine(venue) as e:
        i = in_step(e, venue, 0, 1, at=now - 9 * SECOND)
        frames = [(now - 5 * SECOND + n * SECOND // 10, delta(101 + n, 101 + n)) for n in range(20)]
        for at, frame in frames:
            e.connection(0).feed(frame, at)
        for at, frame in frames:
            e.connection(1).feed(frame, at + lag)
            assert e.state(i) == LIVE
        assert e.overdue() == 0
        assert e.feeders(i) == 0b11


@pytest.mark.parametrize("venue", FAR)
def test_a_far_ahead_number_of_one_of_two_connections(venue: str) -> None:
    """Also if that one says nothing more, and the other one is right."""
    delta = STREAMS[venue]
    now = time.time_ns()
    with engine(venue, rest_join=False) as e:
        i = in_step(e, venue, 0, 1, at=now - 9 * SECOND)
        e.connection(0).feed(delta(101, FOREIGN), now - 5 * SECOND)
        for n in range(10):
            e.connection(1).feed(delta(101 + n, 101 + n), now - 4 * SECOND + n * SECOND // 10)
            assert e.state(i) == LIVE
        assert e.overdue() == 1
        assert e.state(i) == GAP


def test_full_books_that_go_back_for_a_second_are_a_gap_and_the_next_is_taken() -> None:
    options: dict[str, Any] = {"rule": native.RULE_NONE, "base": native.BASE_EVERY}
    now = time.time_ns()

    def full(number: int, ago_s: float) -> None:
        row = {"asks": [["101", "1", "0", "1"]], "bids": [[str(number % 99), "1", "0", "1"]],
               "ts": str(number), "seqId": number}  # fmt: skip
        frame = compact({"arg": {"channel": "books5", "instId": "BTC-USDT"}, "data": [row]})
        e.connection(0).feed(frame, now - int(ago_s * SECOND))

    with engine("okx", **options) as e:
        i = e.add_instrument("BTC-USDT")
        full(50, 5)
        full(FOREIGN, 4)
        full(51, 3)
        assert e.state(i) == LIVE
        assert e.overdue() == 1
        assert e.state(i) == GAP
        full(52, 1)
        assert e.state(i) == LIVE
        assert e.book(i)[0].tolist() == [[52, 1]]
