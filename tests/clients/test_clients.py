"""Other people's clients against the simulator: what they have is what it says."""

from __future__ import annotations

from typing import Any

import pytest

from feedhandler.bench.peers.homes import NoPeer
from tests.clients.compare import Case, Line, compare
from tests.clients.running import CLIENTS, environment, run

RUNS = [(name, venue) for name, client in CLIENTS.items() for venue in client.cases]
SECONDS = 6.0


@pytest.mark.soak
@pytest.mark.parametrize(("name", "venue"), RUNS, ids=["-".join(one) for one in RUNS])
def test_nothing_differs(name: str, venue: str) -> None:
    client = CLIENTS[name]
    try:
        python = environment(client, install=False)
    except NoPeer:
        pytest.skip(f"{client.requirement} is not there: python -m tests.clients --install")
    found = run(client, python, venue, SECONDS)
    assert found.examples == []
    assert found.differ == 0
    assert found.whole


TOUCHES = [
    {"sequence": 5, "ms": 1000, "bid": ["100", "1"], "ask": ["101", "2"]},
    {"sequence": 9, "ms": 1100, "bid": ["100.5", "1"], "ask": ["101", "2"]},
]
TRADE = {"id": "7", "price": "100", "size": "2", "taker": "sell", "ms": 1050}
TRADES = [TRADE, TRADE | {"id": "9", "ms": 1051}, TRADE | {"id": "12", "ms": 1052}]
BOOK = {"bids": [["100", "1"], ["99", "3"]], "asks": [["101", "2"], ["102", "0.50"]]}


PAST = {
    3: {"sequence": 5, **BOOK},
    5: {"sequence": 7, "bids": [["100", "1"]], "asks": [["101", "2"]]},
    7: {"sequence": 9, "bids": [["100.5", "1"]], "asks": [["101", "2"]]},
}


def answers(path: str) -> Any:
    if "after=" in path:
        after = int(path.rpartition("=")[2])
        return next((book for at, book in PAST.items() if at >= after), {"error": "none"})
    if path.startswith("/trades"):
        return {"trades": TRADES}
    if path.startswith("/touches"):
        return {"touches": TOUCHES}
    told = int(path.rpartition("=")[2])
    return next((book for book in PAST.values() if book["sequence"] == told), {"error": "unknown"})


ALL = Case(("S",))


def book(**changed: Any) -> Line:
    right = {"what": "book", "symbol": "S", "sequence": 5, "fault": "", **BOOK}
    return right | changed


def ticker(**told: Any) -> Line:
    return {"what": "ticker", "symbol": "S", "sequence": 0, "ms": 0, **told}


def trade(**changed: Any) -> Line:
    return {"what": "trade", "symbol": "S", **TRADE} | changed


@pytest.mark.parametrize(
    ("line", "differ"),
    [
        (book(), 0),
        (book(bids=[["100.0", "1.0"], ["99", "3"]]), 0),
        (book(bids=[["100", "1"], ["99", "4"]]), 1),
        (book(bids=[["100", "1"]]), 1),
        (book(asks=[["101", "2"], ["101.5", "1"], ["102", "0.5"]]), 2),
        (book(sequence=6), 1),
        (book(bids=[["98", "1"], ["97", "3"]], fault="known"), 0),
        (trade(), 0),
        (trade(price="100.0"), 0),
        (trade(taker="buy"), 1),
        (trade(size="2.1"), 1),
        (trade(id="8"), 1),
        (trade(ms=1051), 1),
        (ticker(ms=1099, bid="100", bid_size="1", ask="101.0", last="100"), 0),
        (ticker(ms=1101, bid="100.5", ask="101", ask_size="2"), 0),
        (ticker(ms=1050, bid="100.5"), 1),
        (ticker(ms=1101, bid="100", bid_size="2"), 1),
        (ticker(ms=1060, last="101"), 1),
        (ticker(sequence=8, bid="100"), 0),
        (ticker(sequence=9, bid="100"), 1),
    ],
)
def test_a_difference_is_seen(line: Line, differ: int) -> None:
    assert compare([line], answers, ALL).differ == differ


def test_books_are_compared_as_deep_as_the_client_has_them() -> None:
    shallow = book(bids=[["100", "1"]], asks=[["101", "2"]])
    found = compare([{"what": "messages", "count": 3}, shallow], answers, Case(("S",), 1))
    assert (found.messages, found.books, found.levels, found.differ) == (3, 1, 2, 0)
    assert not found.whole
    wrong = book(bids=[["98", "1"], ["99", "3"]], fault="known")
    assert compare([wrong], answers, ALL).known == 1


def test_a_trade_that_never_came_is_missed() -> None:
    def differ(*names: str) -> int:
        heard = [trade(**next(one for one in TRADES if one["id"] == name)) for name in names]
        return compare(heard, answers, ALL).trades_differ

    assert differ("7", "9") == differ("9", "12") == differ("12", "7", "9") == 0
    assert differ("7", "12") == 1
    # One that reached the client's socket is the client's loss.
    received = {"what": "received", "symbol": "S", "id": "9"}
    found = compare([trade(), received, trade(id="12", ms=1052)], answers, ALL)
    assert (found.trades_differ, found.known) == (0, 1)


def test_books_without_sequences_are_those_of_the_venue_in_its_order() -> None:
    def differ(*places: int) -> int:
        told = [book(**PAST[place], ms=0) | {"sequence": 0} for place in places]
        return compare([{**one, "what": "book"} for one in told], answers, ALL).levels_differ

    assert differ(3, 3, 5, 7) == differ(5, 7) == differ(3, 7) == 0
    assert differ(7, 3) == 3
    wrong = book(sequence=0, bids=[["100", "2"]], asks=[["101", "2"]])
    assert compare([wrong], answers, ALL).levels_differ == 1
    partly = Case(("S",), partly=True)
    assert compare([*[wrong] * 20, book(sequence=0)], answers, partly).differ == 0
    assert compare([wrong] * 40, answers, partly).differ > 0


def test_what_a_client_is_known_for() -> None:
    makers = Case(("S",), makers=True, clock_ms=1)
    found = compare([trade(taker="buy"), trade(taker="buy", ms=1051)], answers, makers)
    assert (found.trades_differ, found.known) == (0, 2)
    assert compare([trade()], answers, makers).trades_differ == 1
    # One of several messages of an update: its book is none that the venue has been at.
    assert compare([book(sequence=6)], answers, Case(("S",), parts=True)).differ == 0
    assert compare([book(sequence=99)], answers, Case(("S",), parts=True)).differ == 1
    short = book(bids=[["100", "1"]])
    assert compare([short], answers, Case(("S",), shallow=True)).differ == 0
    assert compare([book(bids=[["99", "3"]])], answers, Case(("S",), shallow=True)).differ == 1
    # The best levels came in this order: a ticker of no time can be of none before the last.
    later, sooner = ticker(bid="100.5", ask="101"), ticker(bid="100", ask="101")
    assert compare([sooner, later], answers, ALL).differ == 0
    assert compare([later, sooner], answers, ALL).differ == 1
