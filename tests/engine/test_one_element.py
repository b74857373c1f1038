"""Any one element of a message or an answer spoilt: nothing dies, others are unharmed, and nothing
wrong is ever called LIVE.

What a document means is read in plain Python (one_element.py), not by the code under test.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import InstrumentKind, Reason, State
from tests.engine import support
from tests.engine.one_element import (
    DIALECTS,
    MS,
    OTHERS,
    REMOVED,
    A,
    B,
    Book,
    Dialect,
    Levels,
    Quote,
    WrongError,
    at,
    compact,
    places,
    reordered,
    spoilt,
)
from tests.feed import fault_table

Sides = tuple[Levels, Levels]
LIVE = (State.LIVE, Reason.NONE)


def renamed(document: Any) -> Any:
    """The same about another instrument."""
    return orjson.loads(compact(document).replace(A.encode(), B.encode()))


class Rig:
    """Two instruments in step on one engine, which is fed in three ways of writing at once."""

    WAYS: tuple[Callable[[Any], bytes], ...] = (
        lambda d: compact(d),
        lambda d: b" " + compact(d),
        lambda d: compact(reordered(d)),
    )

    def __init__(self, stack: ExitStack, venue: str, *, books: bool = True) -> None:
        self.dialect: Dialect = DIALECTS[venue]
        self.engines = [
            stack.enter_context(
                support.engine(venue, instruments=2, ring_slots=1 << 12, auto_add=False)
            )
            for _ in self.WAYS
        ]
        for e in self.engines:
            for symbol in (A, B):
                e.add_instrument(symbol, kind=InstrumentKind.PERPETUAL, price_exponent=-2,
                                 size_exponent=-2, has_book=books)  # fmt: skip

    def feed(self, document: Any) -> int:
        results = {
            e.connection(0).feed(way(document))
            for e, way in zip(self.engines, self.WAYS, strict=True)
        }
        assert len(results) == 1, (document, results)
        return results.pop()

    def answer(self, row: int, document: Any) -> int:
        results = {
            e.snapshot(row, way(document)) for e, way in zip(self.engines, self.WAYS, strict=True)
        }
        assert len(results) == 1, (document, results)
        return results.pop()

    def base(self) -> None:
        for row, change in enumerate((lambda d: d, renamed)):
            if self.dialect.snapshot is None:
                self.feed(change(self.dialect.before))
                self.answer(row, change(self.dialect.answer))
            else:
                self.feed(change(self.dialect.snapshot))
            assert self.state(row) == LIVE

    def state(self, row: int) -> tuple[int, int]:
        states = {e.state(row) for e in self.engines}
        assert len(states) == 1
        return states.pop()

    def book(self, row: int) -> tuple[Sides, int]:
        found = [(support.engine_book(e, row), e.book(row)[2]) for e in self.engines]
        assert found[0] == found[1] == found[2]
        return found[0]

    def quote(self, row: int) -> tuple[Any, Any]:
        cell = support.memory(self.engines[0]).quote(row)
        scale = (
            Decimal(1).scaleb(int(cell["price_exponent"])),
            Decimal(1).scaleb(int(cell["size_exponent"])),
        )
        return tuple(
            None
            if cell[f"{side}_price"] == -(2**63)
            else (int(cell[f"{side}_price"]) * scale[0], int(cell[f"{side}_size"]) * scale[1])
            for side in ("bid", "ask")
        )  # type: ignore[return-value]


def applied(book: Sides, message: Book) -> Sides:
    after = copy.deepcopy(book) if message.follows else ({}, {})
    for side, changes in zip(after, message.sides, strict=True):
        for price, size in changes:
            side.pop(price, None) if size == 0 else side.update({price: size})
    return after


def read(dialect: Dialect, document: Any) -> Book | Quote | None:
    try:
        return dialect.read(document)
    except (WrongError, ValueError, TypeError, AttributeError):
        return None


def names(document: Any) -> bool:
    """Does it still say whose it is, and of what channel: whom has it spoilt?"""
    said = compact(document)
    return A.encode() in said and any(
        word in said for word in (b'"book', b"depthUpdate", b"orderbook.50", b'"U":')
    )


def check_delta(rig: Rig, first: Any, before: Sides, after: Sides) -> None:
    """`first` was fed to book A; then all went on as if nothing were."""
    dialect = rig.dialect
    meant = read(dialect, first)
    state = rig.state(0)
    if isinstance(meant, Book) and meant.symbol == A and state == LIVE:
        taken = rig.book(0)[0]
        assert taken in (applied(before, meant), before if not names(first) else after)
    elif state == LIVE:
        assert rig.book(0)[0] == (after if rig.book(0)[0] == after else before)
        # a frame that names no book is missed by the next one's number, at the latest
        assert rig.book(0)[0] == after or not names(first), first
    rig.feed(dialect.deltas[1])
    truth = applied(after, dialect.read(dialect.deltas[1]))  # type: ignore[arg-type]
    if rig.state(0) == LIVE and isinstance(meant, Book) and meant.symbol == A:
        truth = applied(applied(before, meant), dialect.read(dialect.deltas[1]))  # type: ignore[arg-type]
    assert rig.state(0) != LIVE or rig.book(0)[0] == truth, first
    assert rig.state(1) == LIVE


@pytest.mark.parametrize("venue", list(DIALECTS))
@pytest.mark.parametrize("kind", ["delta", "snapshot"])
def test_a_spoilt_book_message_is_never_a_wrong_book(venue: str, kind: str) -> None:
    dialect = DIALECTS[venue]
    if kind == "snapshot" and dialect.snapshot is None:
        pytest.skip("its base is an answer")
    good = dialect.deltas[0] if kind == "delta" else dialect.snapshot
    base = dialect.read_answer(dialect.answer)
    before = applied(({}, {}), base)
    after = applied(before, dialect.read(good))  # type: ignore[arg-type]
    refused = 0
    with ExitStack() as stack:
        rig = Rig(stack, venue)
        for path, other, document in spoilt(good):
            if path[-1] == "checksum" or (path[-1] == "stream"):
                continue
            for e in rig.engines:
                for row in (0, 1):
                    e.set_state(row, State.STALE, Reason.GAP)
            rig.base()
            other_book = rig.book(1)
            result = rig.feed(document)
            refused += bool(result & native.MALFORMED)
            assert rig.book(1) == other_book, (path, other)
            assert rig.state(1) == LIVE, (path, other)
            meant = read(dialect, document)
            if meant is None and names(document) and isinstance(read(dialect, good), Book):
                assert rig.state(0) != LIVE, (path, other, document)
            if kind == "delta":
                check_delta(rig, document, before, after)
            elif rig.state(0) == LIVE:
                sides = [before, after]
                if isinstance(meant, Book) and meant.symbol == A:
                    sides.append(applied(before, meant))
                assert rig.book(0)[0] in sides, (path, other)
    assert refused > 100


@pytest.mark.parametrize("venue", list(DIALECTS))
def test_a_spoilt_answer_is_never_a_wrong_book(venue: str) -> None:
    dialect = DIALECTS[venue]
    refused = 0
    with ExitStack() as stack:
        rig = Rig(stack, venue)
        for path, other, document in spoilt(dialect.answer):
            for e in rig.engines:
                for row in (0, 1):
                    e.set_state(row, State.STALE, Reason.GAP)
            rig.base()
            for e in rig.engines:
                e.set_state(0, State.STALE, Reason.GAP)
            refused += bool(rig.answer(0, document) & native.MALFORMED)
            rig.feed(dialect.deltas[0])
            assert rig.state(1) == LIVE
            try:
                meant: Book | None = dialect.read_answer(document)
            except (WrongError, ValueError, TypeError, AttributeError):
                meant = None
            if meant is None:
                assert rig.state(0) != LIVE, (path, other, document)
            elif rig.state(0) == LIVE:
                truth = applied(applied(({}, {}), meant), dialect.read(dialect.deltas[0]))  # type: ignore[arg-type]
                assert rig.book(0)[0] == truth, (path, other)
    assert refused > 60


@pytest.mark.parametrize("venue", list(DIALECTS))
def test_a_spoilt_quote_is_never_a_wrong_quote(venue: str) -> None:
    """Of instruments without a book: what is shown as LIVE is what the venue said."""
    its = fault_table.row("a quote without a field, or with half a side")
    assert its.sees == (("STALE", "MALFORMED"),)
    dialect = DIALECTS[venue]
    refused = 0
    with ExitStack() as stack:
        rig = Rig(stack, venue, books=False)
        n = 0
        for path, other, document in spoilt(dialect.quote):
            for e in rig.engines:
                for row in (0, 1):
                    e.set_state(row, State.STALE, Reason.GAP)
            rig.feed(dialect.quote)
            rig.feed(renamed(dialect.quote))
            before = rig.quote(0)
            assert before == ((Decimal("99.5"), 2), (100, 3))
            assert rig.state(0) == rig.state(1) == LIVE
            refused += bool(rig.feed(document) & native.MALFORMED)
            assert rig.state(1) == LIVE, (path, other)
            assert rig.quote(1) == before
            meant = read(dialect, document)
            if rig.state(0) != LIVE:
                assert rig.quote(0) == (None, None) or rig.state(0)[1] != Reason.MALFORMED
            elif isinstance(meant, Quote) and meant.symbol == A:
                assert rig.quote(0) == (meant.bid, meant.ask), (path, other)
            else:
                assert rig.quote(0) == before, (path, other)
                assert not _quotes(document), (path, other, document)
            n += 1
    assert refused > 40
    assert n > 100


def _quotes(document: Any) -> bool:
    """Does it say that it is the best bid and offer of A?"""
    said = compact(document)
    channel = (b'"bookTicker"', b"quote.", b'"tickers"', b"orderbook.1.", b'"B":')
    event = document.get("data")
    if isinstance(event, dict) and event.get("e") not in (None, "", "bookTicker"):
        return isinstance(event["e"], str) is False  # another event
    if isinstance(event, list) and event and isinstance(event[0], dict):
        row = event[0].get("instId", A)
        if isinstance(row, str) and row not in (A, ""):
            return False  # another one's
    if event == []:
        return False  # of nobody
    return A.encode() in said and any(word in said for word in channel)


@pytest.mark.parametrize("venue", list(DIALECTS))
def test_a_spoilt_trade_costs_no_book_and_no_other_trade(venue: str) -> None:
    dialect = DIALECTS[venue]
    refused = 0
    with ExitStack() as stack:
        rig = Rig(stack, venue)
        rig.base()
        books = rig.book(0), rig.book(1)
        for _, _, document in spoilt(dialect.trade):
            refused += bool(rig.feed(document) & native.MALFORMED)
            assert rig.state(0) == rig.state(1) == LIVE, document
            assert (rig.book(0), rig.book(1)) == books
            last = support.memory(rig.engines[0]).quote(0)["last_price"]
            assert last in (-(2**63), 9950), document
    assert refused > 40


@pytest.mark.parametrize("venue", list(DIALECTS))
def test_an_odd_row_among_trades_is_left_out_and_the_others_stand(venue: str) -> None:
    trade = copy.deepcopy(DIALECTS[venue].trade)
    if venue.startswith("binance"):
        rows = trade["data"] = [trade["data"]]
        keys = ("p", "q", "s", "m")
    else:
        rows = at(trade, "params", "data") if venue == "deribit" else trade["data"]
        keys = {"deribit": ("price", "amount", "timestamp", "direction"),
                "okx": ("px", "sz", "ts", "side")}.get(venue, ("p", "v", "T", "S"))  # fmt: skip
    for key in keys:
        odd = copy.deepcopy(rows[0])
        del odd[key]
        frame = copy.deepcopy(trade)
        holder = at(frame, "params", "data") if venue == "deribit" else frame["data"]
        holder[:] = [odd, rows[0], odd]
        with ExitStack() as stack:
            rig = Rig(stack, venue)
            assert rig.feed(frame) & native.MALFORMED
            for e in rig.engines:
                assert e.counters()["trades"] == 1, key
                assert e.counters()["malformed"] == 1
                assert "missing" in e.last_error() or "type" in e.last_error()


@pytest.mark.parametrize("venue", list(DIALECTS))
@settings(max_examples=40)
@given(data=st.data())
def test_two_spoilt_elements(venue: str, data: st.DataObject) -> None:
    """The same with two elements at once, of any of the documents, twice in a row."""
    dialect = DIALECTS[venue]
    with ExitStack() as stack:
        rig = Rig(stack, venue)
        rig.base()
        books = rig.book(1)
        for good in data.draw(
            st.lists(st.sampled_from([*dialect.deltas, dialect.quote]), max_size=3)
        ):
            document = copy.deepcopy(good)
            for _ in range(2):
                path = data.draw(st.sampled_from(list(places(document)) or [()]))
                if not path:
                    break
                other = data.draw(st.sampled_from(OTHERS))
                if other is not REMOVED:  # the second place may be within it
                    other = copy.deepcopy(other)
                holder = at(document, *path[:-1])
                if other is REMOVED:
                    del holder[path[-1]]
                else:
                    holder[path[-1]] = other
            rig.feed(document)
        assert rig.state(1) == LIVE
        assert rig.book(1) == books


@pytest.mark.parametrize("kind", [k for k in InstrumentKind if k is not InstrumentKind.UNKNOWN])
@pytest.mark.parametrize("price", [0.0, -5.5])
def test_only_a_combination_has_prices_of_0_and_below(kind: InstrumentKind, price: float) -> None:
    with support.engine("deribit", instruments=1) as e:
        e.add_instrument(A, kind=kind, price_exponent=-1, size_exponent=-1)
        e.connection(0).feed(compact(DIALECTS["deribit"].snapshot))
        frame = copy.deepcopy(DIALECTS["deribit"].deltas[0])
        frame["params"]["data"]["bids"].append(["new", price, 1.0])
        result = e.connection(0).feed(compact(frame))
        if kind is InstrumentKind.COMBO:
            assert not result & native.MALFORMED
            assert Decimal(repr(price)) in support.engine_book(e, 0)[0]
        else:
            assert result & native.MALFORMED
            assert e.state(0) == (State.STALE, Reason.MALFORMED)


#: of a quote and of a book: when it was so, and when it was sent, by the documents above
TIMES = {
    "binance": ((0, 0), (MS, MS)),
    "binance-usdm": ((MS - 4, MS), (MS - 4, MS)),
    "bybit-linear": ((MS - 3, MS), (MS - 3, MS)),
    "bybit-spot": ((MS - 3, MS), (MS - 3, MS)),
    "deribit": ((MS, 0), (MS, 0)),
    "okx": ((MS, 0), (MS, 0)),
}


@pytest.mark.parametrize("venue", list(TIMES))
def test_the_time_of_a_cell_means_one_thing_at_all_venues(venue: str) -> None:
    dialect = DIALECTS[venue]
    with ExitStack() as stack:
        quotes, books = Rig(stack, venue, books=False), Rig(stack, venue)
        quotes.feed(dialect.quote)
        books.base()
        books.feed(dialect.deltas[0])
        for e in quotes.engines:
            cell = support.memory(e).quote(0)
            assert (cell["exchange_ns"] // 10**6, cell["sent_ns"] // 10**6) == TIMES[venue][0]
        for e in books.engines:
            for cell in (support.memory(e).book(0)[0], support.memory(e).quote(0)):
                assert (cell["exchange_ns"] // 10**6, cell["sent_ns"] // 10**6) == TIMES[venue][1]
