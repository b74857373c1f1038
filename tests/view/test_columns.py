"""Numbers of one column have one number of places: that of the tick, whatever is traded."""

from __future__ import annotations

from typing import Any

import click
import pytest

from feedhandler.cli.inspect_ import chain_board
from feedhandler.cli.inspect_.ladder import levels
from feedhandler.number_text import figures, stepped
from feedhandler.page.history import History
from feedhandler.page.views import Views
from feedhandler.view.book import lined_up
from feedhandler.view.instruments import Instruments
from feedhandler.view.status import namespace_status
from feedhandler.view.watch import Watch
from shm import Kind, State
from shm.segment import WriterSegment, create

CENTS = {"price_exponents": [-2] * 8, "size_exponents": [-3] * 8}
CELL = {"price_exponent": -2, "size_exponent": -3, "state": int(State.LIVE), "receive_ns": 1}
BIDS, ASKS = [(10_000_00, 20_000), (9_999_00, 1_500)], [(10_001_00, 2_000), (10_002_00, 1)]


@pytest.mark.parametrize(
    ("texts", "step", "shown"),
    [
        (["100", "99.5"], 0.0, ["100.0", "99.5"]),
        (["100", "99"], 0.5, ["100.0", "99.0"]),
        (["100", "99"], 1e-05, ["100.00000", "99.00000"]),
        (["100", "99.25"], 0.5, ["100.00", "99.25"]),  # an older tick
        (["100", "5000"], 10.0, ["100", "5000"]),
        (["90000", "89999"], 1e-08, ["90000", "89999"]),  # no step, a bound of the format
        (["-1", "0.5"], 0.5, ["-1.0", "0.5"]),
        ([], 0.1, []),
    ],
)
def test_texts_of_a_step(texts: list[str], step: float, shown: list[str]) -> None:
    assert stepped(texts, step) == shown


def test_figures_of_the_largest() -> None:
    assert figures([0.0123, 1.5, None]) == ["0.01", "1.50", ""]
    assert figures([12_345.6, float("inf")]) == ["12346", "inf"]
    assert figures([0.0, None]) == ["0.00", ""]


def places(texts: list[str]) -> set[int]:
    return {len(text.partition(".")[2]) for text in texts if text}


@pytest.mark.parametrize("width", [20, 30, 40, 47, 60, 80, 200])
def test_a_ladder_is_never_wider_and_its_columns_are_even(width: int) -> None:
    exact = {"bids": [["10000", "20"], ["9999.5", "1.25"]], "asks": [["10001", "0.00002"]]}
    book = lined_up(exact, 0.5, 0.00001)
    assert places([price for price, _ in (*book["bids"], *book["asks"])]) == {1}
    assert places([size for _, size in (*book["bids"], *book["asks"])]) == {5}
    assert book["spread"] == "1.0"
    lines = [click.unstyle(line) for line in levels(book["bids"], book["asks"], width)]
    assert max(map(len, lines)) <= width
    if width >= 30:
        assert [any(price in line for line in lines) for price in ("10001.0", "9999.5")] == [
            True
        ] * 2
    if width <= 40:  # the best ask just above the best bid
        assert [line[:3] for line in lines] == ["   ", "ask", "bid", "bid"]


def test_a_ladder_as_high_as_there_is_room() -> None:
    many = [[str(at), "1"] for at in range(100, 90, -1)]
    assert len(levels(many, many, 80, 4)) == 1 + 4
    assert len(levels(many, many, 20, 4)) == 1 + 4
    assert levels([], [], 20, 4) != []


def test_a_chain_has_even_columns() -> None:
    assert chain_board._amount([3, 12.5, None, 20_000]) == ["3.0", "12.5", "", "20.0k"]
    assert chain_board._amount([3, 9_999]) == ["3", "9,999"]
    strikes = [click.unstyle(text).strip() for text in chain_board._strikes([0.5, 1, 1_000], None)]
    assert strikes[1:] == ["0.5", "1.0", "1,000.0"]


def fill(owner: WriterSegment) -> None:
    """A book of whole prices whose tick is 0.5, its trades, and two options."""
    writer = owner.writer
    writer.set_state(int(State.LIVE), 0)
    writer.heartbeat()
    terms: dict[str, Any] = {"tick": 0.5, "lot": 0.001, "has_book": 1} | CENTS
    writer.directory_add({"symbol": b"BTC", "name": b"BTC", "kind": 2} | terms)
    option = {"kind": 4, "base": b"BTC", "quote": b"USD", "settle": b"BTC", "expiry_ns": 2**62}
    for at, strike in enumerate((0.5, 1.0)):
        more = {"strike": strike, "option_type": 1, "symbol": b"O-%d" % at, "name": b"O-%d" % at}
        writer.directory_add(option | terms | more)
        prices = {"bid_price": 1_00 + 50 * at, "bid_size": 1, "mark": 1 + at / 3, "delta": at / 2}
        writer.quote_store(1 + at, CELL | prices | {"open_interest": 10 + at / 4})
    writer.book_store(0, CELL | {"bids_total": 2, "asks_total": 2}, BIDS, ASKS)
    tops = {"bid_price": BIDS[0][0], "bid_size": BIDS[0][1], "ask_price": ASKS[0][0]}
    writer.quote_store(0, CELL | tops | {"ask_size": ASKS[0][1], "last_price": 10_000_00})
    for price, size in ((10_000_00, 3_000), (10_000_50, 3_250)):
        writer.message(0, [(int(Kind.TRADE), 0, price, size)])
    writer.publish()


def test_the_page_and_the_tables(namespace: str) -> None:
    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        fill(owner)
        watch = Watch(namespace)
        views = Views(namespace, watch, History())
        views.looks = watch.look(namespace_status(namespace)["venues"])
        book = views.show("book", {"venue": "okx", "symbol": "BTC"})
        assert book["bids"] == [["10000.0", "20.000"], ["9999.0", "1.500"]]
        assert book["spread"] == "1.0"
        assert [each["price"] for each in book["trades"]] == ["10000.5", "10000.0"]
        assert [each["size"] for each in book["trades"]] == ["3.250", "3.000"]
        [name] = views.show("venue", {"venue": "okx"})["underlyings"]
        chain = views.show("chain", {"venue": "okx", "underlying": name})["strikes"]
        assert [row["shown"] for row in chain] == ["0.5", "1.0"]
        assert [row["call"]["bid"] for row in chain] == ["1.0", "1.5"]
        assert [row["call"]["mark"] for row in chain] == ["1.000", "1.333"]
        assert [row["call"]["delta"] for row in chain] == ["0.000", "0.500"]
        assert [row["call"]["open_interest"] for row in chain] == ["10.00", "10.25"]
        table = Instruments()
        memory = watch.memory("okx")
        assert memory is not None
        table.look(memory)
        row = table.row("BTC")
        assert [row[each] for each in ("bid", "ask")] == ["10000.0", "10001.0"]
        assert [row[each] for each in ("bid_size", "ask_size")] == ["20.000", "2.000"]
        watch.close()
