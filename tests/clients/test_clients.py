"""Other people's clients against the simulator: what they have is what it says."""

from __future__ import annotations

from typing import Any

import pytest

from feedhandler.bench.peers.homes import NoPeer
from tests.clients.compare import Line, compare
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


def answers(path: str) -> Any:
    if path.startswith("/trades"):
        return {"trades": TRADES}
    if path.startswith("/touches"):
        return {"touches": TOUCHES}
    return BOOK if path.endswith("sequence=5") else {"error": "unknown"}


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
    assert compare([line], answers, 0).differ == differ


def test_books_are_compared_as_deep_as_the_client_has_them() -> None:
    shallow = book(bids=[["100", "1"]], asks=[["101", "2"]])
    found = compare([{"what": "messages", "count": 3}, shallow], answers, 1)
    assert (found.messages, found.books, found.levels, found.differ) == (3, 1, 2, 0)
    assert not found.whole
    wrong = book(bids=[["98", "1"], ["99", "3"]], fault="known")
    assert compare([wrong], answers, 0).known == 1


def test_a_trade_that_never_came_is_missed() -> None:
    def differ(*names: str) -> int:
        heard = [trade(**next(one for one in TRADES if one["id"] == name)) for name in names]
        return compare(heard, answers, 0).trades_differ

    assert differ("7", "9") == differ("9", "12") == differ("12", "7", "9") == 0
    assert differ("7", "12") == 1
    # One that reached the client's socket is the client's loss.
    received = {"what": "received", "symbol": "S", "id": "9"}
    found = compare([trade(), received, trade(id="12", ms=1052)], answers, 0)
    assert (found.trades_differ, found.known) == (0, 1)
