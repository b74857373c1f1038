"""Terms that a venue changes: row, record and cells are of one piece, for every reader."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

import shm
from feedhandler import venues
from feedhandler.engine import _engine as native
from shm import Change, Kind, NotLive, Status, segment
from shm.inspect import open_memory
from shm.verify import verify
from tests.engine import support

TERMS: dict[str, Any] = {
    "kind": int(shm.InstrumentKind.SPOT), "tick": 0.01, "lot": 0.1, "contract_size": 1.0,
    "contract_type": 0, "strike": 0.0, "expiry_ns": 0, "option": 0, "status": int(Status.ACTIVE),
    "name": "BTC-USDT", "base": "BTC", "quote": "USDT", "settle": "USDT", "bands": (),
}  # fmt: skip


@pytest.fixture
def held() -> Iterator[segment.WriterSegment]:
    name = f"terms{os.getpid()}"
    with segment.create("okx", namespace=name, instruments=8, depth=5, ring_slots=1024) as held:
        yield held


@pytest.fixture
def written(held: segment.WriterSegment) -> Iterator[tuple[native.Engine, shm.Feed]]:
    """An engine with two LIVE OKX books, and a feed on its memory."""
    engine = native.Engine(
        held.writer,
        venues.load("okx").decoder,
        rule=native.RULE_PREVIOUS,
        base=native.BASE_STREAM,
        checksum=None,
    )
    for symbol in ("BTC-USDT", "ETH-USDT"):
        engine.add_instrument(symbol, price_exponent=-2, size_exponent=-2, **TERMS)
        engine.connection(0).feed(
            support.okx_book(
                100, -1, bids=[["99.5", "1"]], asks=[["100", "2"]], action="snapshot",
                symbol=symbol,
            )
        )  # fmt: skip
    with shm.attach("okx", namespace=held.writer.namespace) as feed:
        yield engine, feed


@pytest.mark.parametrize(
    ("term", "value", "change", "attribute"),
    [
        ("status", int(Status.HALTED), Change.STATUS, "status"),
        ("tick", 0.0001, Change.TICK, "tick"),
        ("bands", ((50.0, 0.5), (100.0, 1.0)), Change.TICK, "tick_bands"),
        ("lot", 5.0, Change.LOT, "lot"),
        ("contract_size", 0.1, Change.CONTRACT_SIZE, "contract_size"),
        ("expiry_ns", 1_800_000_000_000_000_000, Change.EXPIRY, "expiry_ns"),
        ("settle", "USDC", Change.IDENTITY, "settle"),
    ],
)
def test_a_change_is_a_record_a_row_and_a_number(
    written: tuple[native.Engine, shm.Feed], term: str, value: Any, change: Change, attribute: str
) -> None:
    engine, feed = written
    held = feed.instrument("BTC-USDT")
    events = feed.events()
    before = feed.quote(held)
    assert (held.definition, before.definition, feed.changed(held)) == (1, 1, False)
    assert engine.redefine(held.id, **TERMS) == 0
    assert events.poll() is None  # nothing has changed, nothing is said

    assert engine.redefine(held.id, **TERMS | {term: value}) == change
    batch = events.poll()
    assert batch is not None
    (record,) = batch
    assert (record["kind"], record["instrument"], record["aux"]) == (Kind.DEFINITION, held.id, 2)
    status = value if term == "status" else Status.ACTIVE
    assert (record["price"], record["size"]) == (status, change)
    for cell in (feed.quote(held), feed.book(held), feed.quote(held, raw=True)):
        assert cell.definition == cell.instrument.definition == 2
        assert getattr(cell.instrument, attribute) == value  # never the old tick beside a new price
        assert cell.live  # the book is the venue's as before
        assert cell.status == status
        assert cell.tradable == (term != "status")
    assert (before.bid, feed.quote(held).bid) == (99.5, 99.5)
    assert feed.changed(held)
    assert not feed.changed(feed.instrument("BTC-USDT"))
    assert getattr(feed.instrument("BTC-USDT"), attribute) == value
    assert getattr(held, attribute) == TERMS[term]  # what a strategy holds is what it read
    other = feed.quote("ETH-USDT")
    assert (other.definition, other.status) == (1, Status.ACTIVE)
    board = feed.board()
    assert board["definition"].tolist() == [2, 1]
    assert board.tradable.tolist() == [term != "status", True]


def test_ticks_by_price(written: tuple[native.Engine, shm.Feed]) -> None:
    engine, feed = written
    plain = feed.instrument("BTC-USDT")
    assert [plain.tick_at(price) for price in (0.0, 99.0, 1e9)] == [0.01, 0.01, 0.01]
    two = TERMS | {"bands": [(50.0, 0.5), (100.0, 1.0)]}
    assert engine.redefine(0, **two) == Change.TICK
    banded = feed.instrument("BTC-USDT")
    prices = (0.01, 49.99, 50.0, 99.5, 100.0, 1e9)
    assert [banded.tick_at(price) for price in prices] == [0.01, 0.01, 0.5, 0.5, 1.0, 1.0]
    assert engine.redefine(0, **two) == 0  # the same again
    assert engine.redefine(0, **two | {"bands": [(50.0, 0.5)]}) == Change.TICK
    assert feed.instrument("BTC-USDT").tick_bands == ((50.0, 0.5),)
    most = [(float(at), 2.0**at) for at in range(1, 13)]
    assert engine.redefine(0, **TERMS | {"bands": most}) == Change.TICK
    assert feed.instrument("BTC-USDT").tick_bands == tuple(most)
    for wrong in ([*most, (99.0, 1e5)], [(2.0, 1.0), (1.0, 2.0)], [(1.0, 0.0)], [(0.0, 1.0)]):
        with pytest.raises(ValueError, match="bands"):
            engine.redefine(0, **TERMS | {"bands": wrong})
    assert feed.instrument("BTC-USDT").tick_bands == tuple(most)


def test_updates_keep_the_definition_that_they_are_under(
    written: tuple[native.Engine, shm.Feed],
) -> None:
    engine, feed = written
    engine.set_status(0, int(Status.CANCEL_ONLY))
    engine.set_status(0, int(Status.CANCEL_ONLY))
    for number in range(101, 106):
        engine.connection(0).feed(
            support.okx_book(number, number - 1, bids=[["99.5", str(number)]], symbol="BTC-USDT")
        )
        for cell in (feed.quote("BTC-USDT"), feed.book("BTC-USDT")):
            assert (cell.definition, cell.status) == (2, Status.CANCEL_ONLY)
    engine.set_status(0, int(Status.ACTIVE))
    assert feed.quote("BTC-USDT").tradable
    assert feed.instrument("BTC-USDT").definition == 3


def test_a_reader_that_joins_late_learns_the_definition(
    written: tuple[native.Engine, shm.Feed],
) -> None:
    engine, feed = written
    engine.redefine(0, **TERMS | {"tick": 0.0001, "status": int(Status.HALTED)})
    batch = feed.events(kinds=["definition"], start="state").poll()
    assert batch is not None
    said = [(int(row["instrument"]), int(row["price"]), int(row["aux"])) for row in batch]
    assert said == [(0, Status.HALTED, 2), (1, Status.ACTIVE, 1)]


def test_a_status_that_is_none_is_refused(written: tuple[native.Engine, shm.Feed]) -> None:
    engine, _ = written
    for status in (-1, max(Status) + 1):
        with pytest.raises(ValueError, match="no such status"):
            engine.set_status(0, status)


def test_the_guard_refuses_what_takes_no_orders(written: tuple[native.Engine, shm.Feed]) -> None:
    engine, feed = written
    feed.require_live()
    for status in Status:
        engine.set_status(0, int(status))
        if status is Status.ACTIVE:
            feed.require_live(["BTC-USDT"])
            continue
        with pytest.raises(NotLive, match=f"BTC-USDT is not open: {status.name}"):
            feed.require_live(["BTC-USDT"])
        assert feed.quote("BTC-USDT").live
        feed.require_live(["ETH-USDT"])


def test_the_best_of_several_venues_leaves_out_what_is_not_open(
    written: tuple[native.Engine, shm.Feed],
) -> None:
    engine, feed = written
    found = shm.best([feed], "BTC-USDT", max_age_ns=10**12)
    assert found.bid is not None
    engine.set_status(0, int(Status.HALTED))
    found = shm.best([feed], "BTC-USDT", max_age_ns=10**12)
    assert found.bid is found.ask is None
    assert [one.why for one in found.left_out] == ["not open: HALTED"]


def test_verify_holds_cells_and_directory_together(
    written: tuple[native.Engine, shm.Feed], held: segment.WriterSegment
) -> None:
    engine, feed = written
    engine.set_status(0, int(Status.HALTED))

    def found() -> list[str]:
        with open_memory("okx", namespace=feed.namespace) as memory:
            return [str(each.text) for each in verify(memory)]

    assert found() == []
    row = dict.fromkeys(("price_exponents", "size_exponents"), [-2] * 8)
    held.writer.directory_update(0, row | {"symbol": "BTC-USDT", "definition": 2, "has_book": 1})
    assert set(found()) == {"status 2, and in the directory 0, both of definition 2"}
    held.writer.directory_update(0, row | {"symbol": "BTC-USDT", "definition": 1, "has_book": 1})
    assert set(found()) == {"under definition 2, of which the directory has 1"}
