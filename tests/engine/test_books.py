"""Books from frames of exact shapes: bases, gaps, checksums, buffers, exponents."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import Reason

from . import support
from .support import (
    ASKS,
    BIDS,
    binance_depth,
    compact,
    deribit,
    deribit_book,
    engine,
    events,
    memory,
    okx,
    okx_book,
    started,
)

SYNCING, LIVE, STALE, CROSSED, CLOSED = 1, 2, 3, 4, 6
GAP, CHECKSUM, PRECISION, CROSSED_REASON, DISCONNECTED, MALFORMED = 2, 3, 4, 5, 6, 10
LEVEL, STATE = 1, 7
FIRST, LAST, SNAPSHOT, REPLAY = 1, 2, 4, 8


def test_a_book_and_what_is_published_of_it() -> None:
    with engine("deribit", auto_add=False, depth=2) as e:
        e.add_instrument("BTC-PERPETUAL", price_exponent=-1)
        c, m = e.connection(3), memory(e)
        result = c.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"), 1_700_000_000_123)
        assert result == native.DATA | native.ATTENTION
        assert events(e) == [(native.BECAME_LIVE, 0)]
        flags = [r[4] for r in m.records()[-5:]]
        assert flags == [FIRST | SNAPSHOT, SNAPSHOT, SNAPSHOT, LAST | SNAPSHOT, FIRST | LAST]
        change = [["delete", 100.0, 0.0], ["new", 99.0, 1.0], ["change", 99.5, 8.0]]
        assert c.feed(deribit_book(12, previous=10, bids=change)) == native.DATA
        assert [r[:4] for r in m.records()] == [
            (LEVEL, 0, 1000, 0),
            (LEVEL, 0, 990, 1),
            (LEVEL, 0, 995, 8),
        ]
        head, bids, asks = m.book(0)
        assert bids == [(995, 8), (990, 1)]
        assert asks == [(1010, 5)]
        assert (head["state"], head["venue_sequence"]) == (LIVE, 12)
        quote = m.quote(0)
        assert (quote["bid_price"], quote["bid_size"]) == (995, 8)
        assert (quote["ask_price"], quote["ask_size"]) == (1010, 5)
        assert quote["ring_sequence"] == head["ring_sequence"] == m.seen
        assert quote["exchange_ns"] == 1_700_000_000_000_000_000
        assert math.isnan(quote["mark"])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 12), st.sampled_from((0, 1, 5))), max_size=60)
)
def test_the_book_cell_is_the_top_of_the_book(changes: list[tuple[bool, int, int]]) -> None:
    with engine("deribit", depth=3, ring_slots=256, instruments=1) as e:
        c, m = started(e), memory(e)
        for n, (ask, distance, size) in enumerate(changes):
            row = [["change", 100.5 + distance if ask else 100.5 - distance, float(size)]]
            frame = deribit_book(
                11 + n, previous=10 + n, bids=[] if ask else row, asks=row if ask else []
            )
            assert not c.feed(frame) & native.MALFORMED
            bids, asks, *_ = e.book(0)
            head, cell_bids, cell_asks = m.book(0)
            assert cell_bids == [tuple(map(int, x)) for x in bids[:3]]
            assert cell_asks == [tuple(map(int, x)) for x in asks[:3]]
            assert (head["bids_total"], head["asks_total"]) == (len(bids), len(asks))
            quote = m.quote(0)
            none = -(2**63)
            assert quote["bid_price"] == (bids[0, 0] if len(bids) else none)
            assert quote["ask_price"] == (asks[0, 0] if len(asks) else none)


def test_a_gap_is_said_at_once_and_healed_by_the_next_snapshot() -> None:
    with engine("deribit") as e:
        c, m = started(e), memory(e)
        m.records()
        assert c.feed(deribit_book(14, previous=12, bids=[])) & native.ATTENTION
        assert e.state(0) == (STALE, GAP)
        assert [r[:4] for r in m.records()] == [(STATE, 0, STALE, GAP)]
        assert m.quote(0)["state"] == m.book(0)[0]["state"] == STALE
        assert events(e) == [(native.NEED_RESYNC, GAP)]
        assert c.feed(deribit_book(15, previous=14, bids=BIDS)) == native.DATA
        assert e.state(0) == (STALE, GAP)
        c.feed(deribit_book(20, bids=BIDS, asks=ASKS, kind="snapshot"))
        assert e.state(0) == (LIVE, 0)
        assert e.counters()["gaps"] == 1


def test_sequence_going_back_is_dropped() -> None:
    with engine("deribit") as e:
        c = started(e)
        c.feed(deribit_book(12, previous=10, bids=[["delete", 99.5, 0]]))
        assert c.feed(deribit_book(12, previous=10, bids=[["new", 98.0, 9.0]])) == native.DATA
        assert e.book(0)[0].tolist() == [[100, 5]] or len(e.book(0)[0]) == 1
        assert e.counters()["duplicates"] == 1
        assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("previous", [0, None])
def test_deribit_change_without_a_predecessor_is_a_snapshot(previous: int | None) -> None:
    with engine("deribit") as e:
        c = e.connection(0)
        c.feed(deribit_book(9, previous=previous, bids=BIDS, asks=ASKS, kind=None))
        assert e.state(0) == (LIVE, 0)


def test_a_crossed_book_is_never_live() -> None:
    with engine("deribit") as e:
        c = started(e)
        c.feed(deribit_book(11, previous=10, bids=[["new", 101.0, 1.0]]))
        assert e.state(0) == (CROSSED, CROSSED_REASON)
        assert events(e) == [(native.NEED_RESYNC, CROSSED_REASON)]
        c.feed(deribit_book(12, bids=[["new", 101.0, 1.0]], asks=ASKS, kind="snapshot"))
        assert e.state(0) == (CROSSED, CROSSED_REASON)


def test_deribit_grouped_book_is_whole_each_time() -> None:
    with engine("deribit") as e:
        c = e.connection(0)
        data = {"timestamp": 1, "instrument_name": "X", "change_id": 7}
        name = "book.X.none.10.100ms"
        c.feed(deribit(name, data | {"bids": [[10.0, 1.0], [9.0, 2.0]], "asks": [[11.0, 1.0]]}))
        c.feed(deribit(name, data | {"change_id": 9, "bids": [[9.0, 2.0]], "asks": []}))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0].tolist() == [[9, 2]]
        assert len(e.book(0)[1]) == 0


def test_okx_checksum_guards_frames_without_sequence() -> None:
    rows: dict[str, Any] = {
        "asks": [["8476.98", "415", "0", "13"], ["8477", "7", "0", "2"]],
        "bids": [["8476.97", "256", "0", "12"]],
        "ts": "1597026383085",
        "checksum": 123,
    }
    with engine("okx") as e:
        c = e.connection(0)
        c.feed(okx("books", [rows], action="snapshot"))
        assert e.state(0) == (STALE, CHECKSUM)
    with engine("okx", checksum=None) as e:  # nothing would tell what is lost
        assert e.connection(0).feed(okx("books", [rows], action="snapshot")) & native.MALFORMED


def test_okx_rest_base_joins_buffered_updates() -> None:
    with engine("okx", rest_join=True) as e:
        c, m = e.connection(0), memory(e)
        for n in range(3):
            c.feed(okx_book(11 + n, 10 + n, bids=[[str(90 + n), "1", "0", "1"]]))
        assert e.state(0) == (SYNCING, 1)
        assert (native.NEED_SNAPSHOT, 11) in events(e)
        body = {"asks": [["100", "1", "0", "1"]], "bids": [], "ts": "5", "seqId": 9}
        assert e.snapshot(0, compact({"code": "0", "data": [body]})) & native.ATTENTION
        assert events(e) == [(native.SNAPSHOT_TOO_OLD, 11)]
        m.records()
        e.snapshot(0, compact({"code": "0", "data": [body | {"seqId": 11}]}))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0].tolist() == [[92, 1], [91, 1]]
        assert e.book(0)[2] == 13
        flags = [r[4] & (SNAPSHOT | REPLAY) for r in m.records()]
        assert flags == [SNAPSHOT, SNAPSHOT, REPLAY, REPLAY, 0]


def test_binance_snapshot_joins_and_gap_needs_another() -> None:
    with engine("binance") as e:
        c = e.connection(0)
        c.feed(binance_depth(5, 7, [["10.0", "1"]]))
        c.feed(binance_depth(8, 9, [["9.5", "1"]]))
        body = {"lastUpdateId": 3, "bids": [], "asks": [["11", "1"]]}
        e.snapshot(0, compact(body))
        assert native.SNAPSHOT_TOO_OLD in [x for x, _ in events(e)]
        e.snapshot(0, compact(body | {"lastUpdateId": 7}))
        assert e.state(0) == (LIVE, 0)
        assert len(e.book(0)[0]) == 1
        c.feed(binance_depth(11, 12, [["9.0", "1"]]))
        assert e.state(0) == (STALE, GAP)
        assert {x for x, _ in events(e)} == {native.NEED_RESYNC, native.NEED_SNAPSHOT}
        e.snapshot(0, compact(body | {"lastUpdateId": 12}))
        assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_a_snapshot_that_was_waited_for_joins_however_much_was_buffered(venue: str) -> None:
    """A busy book, or a REST budget that let it wait for minutes."""
    count = 1000
    with engine(venue, rest_join=True) as e:
        c = e.connection(0)
        for n in range(1, count + 1):
            if venue == "okx":
                c.feed(okx_book(n, n - 1, bids=[[str(n), "1", "0", "1"]]))
            else:
                c.feed(binance_depth(n, n, [[str(n), "1"]]))
        if venue == "okx":
            body = {"asks": [], "bids": [], "ts": "5", "seqId": count - 1}
            e.snapshot(0, compact({"code": "0", "data": [body]}))
        else:
            e.snapshot(0, compact({"lastUpdateId": count - 1, "bids": [], "asks": []}))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0][:, 0].tolist() == [count]
        assert e.counters()["gaps"] == 0


def test_binance_new_listing_is_empty_and_numbered_minus_one() -> None:
    with engine("binance") as e:
        e.add_instrument("NEWUSDT")
        e.snapshot(0, b'{"lastUpdateId":-1,"bids":[],"asks":[]}')
        assert e.state(0) == (SYNCING, Reason.UNCONFIRMED)
        e.connection(0).feed(binance_depth(1, 4, [["1", "1"]], symbol="NEWUSDT"))
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0].tolist() == [[1, 1]]


def test_the_buffer_is_bounded() -> None:
    with engine("binance", buffer_bytes=2000) as e:
        c = e.connection(0)
        for n in range(1, 200):
            c.feed(binance_depth(n, n, [[str(n), "1"]]))
        counters = e.counters()
        assert counters["buffer_dropped"] > 150
        e.snapshot(0, b'{"lastUpdateId":50,"bids":[],"asks":[]}')
        assert e.state(0)[0] == SYNCING  # what joins it was dropped
        e.snapshot(0, b'{"lastUpdateId":195,"bids":[],"asks":[]}')
        assert e.state(0) == (LIVE, 0)
        assert e.book(0)[0][:, 0].tolist() == [199, 198, 197, 196]


def test_two_connections_are_merged_and_one_may_go() -> None:
    with engine("deribit") as e:
        a = started(e)
        b = e.connection(1)
        b.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"))
        for n in range(11, 15):
            frame = deribit_book(n, previous=n - 1, bids=[["new", 90.0, float(n)]])
            a.feed(frame)
            b.feed(frame)
        assert e.counters()["duplicates"] == 5
        assert e.disconnected(0, DISCONNECTED) == []
        assert e.state(0) == (LIVE, 0)
        b.feed(deribit_book(15, previous=14, bids=[]))
        assert e.disconnected(1, DISCONNECTED) == [0]
        assert e.state(0) == (STALE, DISCONNECTED)


def test_widening_keeps_every_digit() -> None:
    with engine("deribit") as e:
        c, m = started(e), memory(e)
        m.records()
        c.feed(deribit_book(11, previous=10, bids=[["new", 99.125, 0.5]]))
        records = m.records()
        assert [r[2:4] for r in records if r[0] == STATE] == [(STALE, PRECISION), (LIVE, 0)]
        assert (native.WIDENED, 2) in events(e)
        entry = m.entry(0)
        assert entry["precision"] == 2
        assert list(entry["price_exponents"][:3]) == [0, -1, -3]
        assert list(entry["size_exponents"][:3]) == [0, 0, -1]
        assert e.book(0)[0].tolist() == [[100000, 50], [99500, 70], [99125, 5]]
        assert m.book(0)[1] == [(100000, 50), (99500, 70), (99125, 5)]
        assert e.state(0) == (LIVE, 0)


def test_what_cannot_be_widened_stays_stale() -> None:
    with engine("deribit") as e:
        c = started(e)
        c.feed(deribit_book(11, previous=10, bids=[["new", 1e17, 1.0]], asks=[["new", 1e-9, 1.0]]))
        assert e.state(0) == (STALE, PRECISION)
        c.feed(deribit_book(12, bids=BIDS, asks=ASKS, kind="snapshot"))
        assert e.state(0) == (LIVE, 0)


def test_pairs_of_exponents_run_out() -> None:
    """The book begins anew with the exponents of its listing, and heals with what fits any."""
    with engine("deribit") as e:
        c = started(e)
        last = 10
        for places in range(2, 12):
            price = f"99.{'0' * (places - 1)}1"
            frame = deribit_book(last + 1, previous=last, bids=[["new", 1.0, 1.0]])
            c.feed(frame.replace(b'["new",1.0,1.0]', f'["new",{price},1.0]'.encode()))
            last += 1
        assert e.state(0) == (STALE, PRECISION)
        entry = memory(e).entry(0)
        assert list(entry["price_exponents"]) == [0, -1, -2, -3, -4, -5, -6, -7]
        assert entry["precision"] == 0
        assert (native.NEED_RESYNC, PRECISION) in events(e)
        for price in ("99.001", "99.0001"):
            last += 1
            frame = deribit_book(last, bids=[["new", 1.0, 1.0]], asks=ASKS, kind="snapshot")
            c.feed(frame.replace(b'["new",1.0,1.0]', f'["new",{price},1.0]'.encode()))
            assert e.state(0) == (LIVE, 0)
            assert Decimal(price) in support.engine_book(e, 0)[0]
        assert list(memory(e).entry(0)["price_exponents"]) == [0, -1, -2, -3, -4, -5, -6, -7]


def test_set_state_and_refusals() -> None:
    with engine("deribit", instruments=2) as e:
        c = started(e)
        with pytest.raises(ValueError, match="LIVE"):
            e.set_state(0, LIVE, 0)
        e.set_state(0, CLOSED, 13)
        c.feed(deribit_book(20, bids=BIDS, asks=ASKS, kind="snapshot"))
        assert e.state(0) == (CLOSED, 13)
        assert e.add_instrument("BTC-PERPETUAL") == 0
        with pytest.raises(ValueError, match="bytes"):
            e.add_instrument("X" * 64)
        with pytest.raises(ValueError, match="exponent"):
            e.add_instrument("Y", price_exponent=-19)
        e.add_instrument("Y")
        with pytest.raises(MemoryError):
            e.add_instrument("Z")
        with pytest.raises(KeyError):
            e.instrument_id("Z")
        with pytest.raises(IndexError):
            e.state(77)
        assert e.activity().shape[0] == 2
    with pytest.raises(TypeError, match="Decoder"):
        native.Engine(object(), "okx", rule=0, base=0)  # type: ignore[arg-type]
