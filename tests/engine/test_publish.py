"""What the engine shows, word by word, against what the venue sent.

A latch has two copies, each written every second time: so everything is looked at several times,
and read by the offsets of the layout, not by the reader's half.
"""

from __future__ import annotations

import math
import mmap
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from feedhandler.engine import _engine as native
from feedhandler.sim.server.frames import encode
from shm import Flag, Kind, Reason, State
from shm import _native as shared
from tests.engine import support
from tests.engine.test_receiver import Taken
from tests.shm.trap import READ, mappings, trap

DEPTH = 5
NOW = 1_800_000_000_000_000_000
SYMBOL = "BTC-PERPETUAL"
EVERY = 3  # looks after a change: each copy, and the first one again


def deribit_engine() -> Any:
    return support.engine("deribit", depth=DEPTH, ring_slots=1024)


def ticker(stamp_ms: int, mark: float) -> bytes:
    """Deribit's `ticker`: statistics and the best prices."""
    data = {
        "instrument_name": SYMBOL, "timestamp": stamp_ms, "mark_price": mark, "state": "open",
        "index_price": mark + 1, "open_interest": 12.5, "best_bid_price": 99.0,
        "best_bid_amount": 1.0, "best_ask_price": 101.0, "best_ask_amount": 1.0,
        "last_price": 100.0, "current_funding": 0.00001, "funding_8h": 0.0001,
    }  # fmt: skip
    return support.deribit(f"ticker.{SYMBOL}.100ms", data)


def copies(e: native.Engine, row: int) -> list[Any]:
    """Both copies of a quote cell, the older one first."""
    memory = support.memory(e)
    raw = memory.path.read_bytes()
    offset, stride, _ = memory._region(raw, 272)
    begin = offset + row * stride
    both = [
        np.frombuffer(raw, shared.DTYPES["quote"], 1, begin + 64 + at * 320)[0] for at in range(2)
    ]
    return sorted(both, key=lambda one: int(one["stamp"]))


def test_a_statistic_is_in_both_copies() -> None:
    """After the next update, of whatever, readers see it still."""
    with deribit_engine() as e:
        e.add_instrument(SYMBOL, price_exponent=-2, size_exponent=-2)
        c = e.connection(0)
        book = [["new", 99.0, 1.0]], [["new", 101.0, 1.0]]
        c.feed(support.deribit_book(1, bids=book[0], asks=book[1], kind="snapshot"), NOW)
        for n in range(1, 6):
            c.feed(ticker(1700000000000 + n, 100.0 + n), NOW + 100 * n)
            for k in range(EVERY):
                number = 100 * n + k
                previous = 1 if (n, k) == (1, 0) else number - 1 if k else 100 * (n - 1) + EVERY - 1
                c.feed(
                    support.deribit_book(
                        number, previous=previous, bids=[["change", 99.0, 2.0 + k]]
                    ),
                    NOW + 100 * n + 10 + k,
                )
                quote = support.memory(e).quote(0)
                assert quote["mark"] == 100.0 + n
                assert quote["index"] == 101.0 + n
                assert quote["open_interest"] == 12.5
                assert quote["stats_ns"] == NOW + 100 * n
                assert quote["data_ns"] == NOW + 100 * n + 10 + k  # of any channel
            assert [float(one["mark"]) for one in copies(e, 0)] == [100.0 + n] * 2


def levels(book: dict[int, int], sign: int) -> list[tuple[int, int]]:
    """The best of a side."""
    best = sorted(book.items(), key=lambda one: sign * one[0])[:DEPTH]
    return [(10 * price, 100 * size) for price, size in best]


@pytest.mark.parametrize("seed", range(4))
def test_cells_after_every_frame(seed: int) -> None:
    """Against a dict a side: random changes at every depth, beyond the cell's too."""
    rng = np.random.default_rng(seed)
    with support.engine("okx", depth=DEPTH, ring_slots=1024) as e:
        row = e.add_instrument("BTC-USDT", price_exponent=-1, size_exponent=-2)
        c = e.connection(0)
        sides = [{100 - i: 1 + i for i in range(8)}, {110 + i: 1 + i for i in range(8)}]
        texts = [[[str(p), str(s)] for p, s in side.items()] for side in sides]
        frame = support.okx_book(10, -1, bids=texts[0], asks=texts[1], action="snapshot")
        c.feed(frame, NOW)
        assert_cells(e, row, sides, 10, NOW)
        for n in range(11, 60):
            changes: list[list[list[str]]] = [[], []]
            for which in range(2):
                low, high = ((80, 105), (106, 130))[which]
                for price in {int(p) for p in rng.integers(low, high, int(rng.integers(0, 4)))}:
                    size = int(rng.integers(0, 3)) if len(sides[which]) > 3 else 7
                    changes[which].append([str(price), str(size)])
                    sides[which].pop(price, None)
                    if size:
                        sides[which][price] = size
            if not any(changes):
                changes[0].append(["100", "5"])
                sides[0][100] = 5
            c.feed(support.okx_book(n, n - 1, bids=changes[0], asks=changes[1]), NOW + n)
            assert_cells(e, row, sides, n, NOW + n)


def assert_cells(
    e: native.Engine, row: int, sides: list[dict[int, int]], sequence: int, received: int
) -> None:
    memory = support.memory(e)
    head, bids, asks = memory.book(row)
    quote = memory.quote(row)
    records = memory.records()
    assert bids == levels(sides[0], -1)
    assert asks == levels(sides[1], 1)
    assert (head["bids_total"], head["asks_total"]) == (len(sides[0]), len(sides[1]))
    for cell in (head, quote):
        assert cell["ring_sequence"] == memory.seen
        assert cell["venue_sequence"] == sequence
        assert cell["receive_ns"] == received
        assert cell["publish_ns"] > 0
        assert (cell["state"], cell["reason"]) == (State.LIVE, Reason.NONE)
        assert (cell["price_exponent"], cell["size_exponent"], cell["precision"]) == (-1, -2, 0)
    assert (quote["bid_price"], quote["bid_size"]) == bids[0]
    assert (quote["ask_price"], quote["ask_size"]) == asks[0]
    assert records[-1][4] & Flag.LAST


@pytest.mark.parametrize("cells", ["quotes", "books"])
def test_the_cells_are_stored_before_the_records_are_seen(cells: str) -> None:
    """Whoever sees a record finds at least as much in the cell: at the first touch of the cell,
    none of the frame's records may be published yet."""
    with support.engine("okx", depth=DEPTH, instruments=128, ring_slots=1 << 14) as e:
        for n in range(64):
            e.add_instrument(f"OTHER-{n}", price_exponent=0, size_exponent=0)
        row = 30  # in the middle: its page has nothing but cells
        c = e.connection(0)
        memory = support.memory(e)
        c.feed(book(1, -1, 1, action="snapshot"), NOW)
        offset, stride, _ = memory._region(
            memory.path.read_bytes(), {"quotes": 272, "books": 288}[cells]
        )
        (base,) = mappings(f"/{memory.path.name}", writable=True)
        page = (base + offset + row * stride) // mmap.PAGESIZE * mmap.PAGESIZE
        for n in range(2, 6):  # both copies
            memory.records()
            before = memory.seen
            with trap(page, READ, base + 512) as sprung:
                c.feed(book(n, n - 1, n), NOW + n)
            records = memory.records()
            assert len(records) == 1
            assert sprung.sprung
            assert sprung.seen == before


def book(
    number: int, previous: int, size: int, action: str = "update", symbol: str = "OTHER-30"
) -> bytes:
    """A frame about the instrument in the middle, or another."""
    asks = [["999", "1"]] if action == "snapshot" else []
    return support.okx_book(
        number, previous, bids=[["1", str(size)]], asks=asks, symbol=symbol, action=action
    )


def test_a_state_is_a_record_and_in_all_cells() -> None:
    with support.engine("okx", depth=DEPTH, ring_slots=1024) as e:
        row = e.add_instrument("BTC-USDT", price_exponent=-1, size_exponent=-2)
        c = e.connection(0)
        sides = [["99.5", "1"]], [["101", "2.25"]]
        full = support.okx_book(10, -1, action="snapshot", bids=sides[0], asks=sides[1])
        c.feed(full, NOW)
        memory = support.memory(e)
        first = memory.records()
        states = [one for one in first if one[0] == Kind.STATE and one[5] == row]
        assert [one[2:4] for one in states][-1] == (State.LIVE, Reason.NONE)
        c.feed(support.okx_book(20, 19, bids=[["99", "1"]]), NOW + 5)  # 11 to 19 are missing
        records = memory.records()
        assert [one[:6] for one in records] == [
            (Kind.STATE, 0, State.STALE, Reason.GAP, Flag.FIRST | Flag.LAST, row)
        ]
        for _ in range(2):
            for cell in (memory.quote(row), memory.book(row)[0]):
                assert (cell["state"], cell["reason"]) == (State.STALE, Reason.GAP)
                assert cell["state_ns"] == NOW + 5
        for copy in range(2):  # each copy has when the state began
            c.feed(support.okx_book(30 + copy, 29, bids=[["99", "1"]]), NOW + 10)
            assert memory.quote(row)["state_ns"] == NOW + 5
            assert memory.records() == []  # it is the state already
        c.feed(support.okx_book(40, -1, action="snapshot", bids=sides[0], asks=sides[1]), NOW + 20)
        assert memory.quote(row)["state_ns"] == memory.book(row)[0]["state_ns"] == NOW + 20
        for n in range(41, 41 + EVERY):
            c.feed(support.okx_book(n, n - 1, bids=[["99", str(n)]]), NOW + n)
            assert memory.quote(row)["state_ns"] == NOW + 20


def test_a_quote_without_a_book_has_no_book_cell() -> None:
    """Only what was stored may be there: the head word of a cell counts its stores."""
    with deribit_engine() as e:
        e.add_instrument(SYMBOL, price_exponent=-2, size_exponent=-2)
        c = e.connection(0)
        raw = support.memory(e)
        before = heads(raw)
        c.feed(ticker(1700000000000, 100.0), NOW)
        after = heads(raw)
        assert after[0] == before[0] + 1
        assert after[1] == before[1]
        assert not math.isnan(raw.quote(0)["mark"])


def heads(memory: support.Memory, row: int = 0) -> tuple[int, int]:
    """How often the quote cell and the book cell were stored."""
    raw = memory.path.read_bytes()
    found = []
    for at in (272, 288):
        offset, stride, _ = memory._region(raw, at)
        begin = offset + row * stride
        found.append(int.from_bytes(raw[begin : begin + 8], "little"))
    return found[0], found[1]


def test_cells_and_records_say_by_which_exponents_they_are_to_be_read() -> None:
    """More digits than there were: other exponents, under another number of them."""
    with support.engine("okx", depth=DEPTH, ring_slots=1024) as e:
        row = e.add_instrument("BTC-USDT", price_exponent=-1, size_exponent=-2)
        c = e.connection(0)
        memory = support.memory(e)
        for n, (price, size) in enumerate([("99.5", "1.25"), ("99.75", "1.2575"), ("98.5", "2")]):
            asks = [["101", "1"]]
            frame = support.okx_book(10 + n, -1, bids=[[price, size]], asks=asks, action="snapshot")
            for _ in range(2):
                c.feed(frame, NOW + n)
            entry, quote, (head, bids, _) = memory.entry(row), memory.quote(row), memory.book(row)
            for cell in (quote, head):
                which = int(cell["precision"])
                exponents = int(cell["price_exponent"]), int(cell["size_exponent"])
                assert which == entry["precision"]
                assert exponents == (
                    entry["price_exponents"][which], entry["size_exponents"][which]
                )  # fmt: skip
                assert Decimal(bids[0][0]).scaleb(exponents[0]) == Decimal(price)
                assert Decimal(bids[0][1]).scaleb(exponents[1]) == Decimal(size)
            assert quote["bid_price"] == bids[0][0]
            assert (n > 0) == (int(quote["precision"]) > 0)


def test_all_instruments_of_one_read_are_shown_when_it_is_over() -> None:
    """Frames of several, mixed: each has its last state, and none is forgotten."""
    symbols = ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
    with support.engine("okx", depth=DEPTH) as e:
        rows = [e.add_instrument(one, price_exponent=0, size_exponent=0) for one in symbols]
        taken = Taken(e)
        memory = support.memory(e)
        for begin in (10, 20, 30):
            frames = []
            for n in range(begin, begin + 4):
                for k, symbol in enumerate(symbols):
                    first = n == 10
                    frames.append(
                        support.okx_book(
                            n, -1 if first else n - 1 if n > begin else n - 7, symbol=symbol,
                            bids=[["90", str(10 * n + k)]], asks=[["99", "1"]] if first else [],
                            action="snapshot" if first else "update",
                        )
                    )  # fmt: skip
            taken.read(b"".join(encode(frame) for frame in frames))
            before = memory.seen
            records = memory.records()
            for k, row in enumerate(rows):
                head, bids, _ = memory.book(row)
                assert bids == [(90, 10 * (begin + 3) + k)]
                for cell in (head, memory.quote(row)):
                    assert cell["venue_sequence"] == begin + 3
                    last = max(n for n, one in enumerate(records, before + 1) if one[5] == row)
                    assert last <= cell["ring_sequence"] <= memory.seen


def test_a_book_copy_is_whole_before_its_stamp_says_so() -> None:
    """At the first touch of the deepest ask, far into the copy, its stamp is odd."""
    depth = 400
    with support.engine("okx", depth=depth, instruments=4, ring_slots=1 << 14) as e:
        row = e.add_instrument("BTC-USDT", price_exponent=0, size_exponent=0)
        memory, c = support.memory(e), e.connection(0)
        offset, _, _ = memory._region(memory.path.read_bytes(), 288)
        (base,) = mappings(f"/{memory.path.name}", writable=True)
        bids, asks = ([[str(first + i), "1"] for i in range(depth)] for first in (1, 1001))
        c.feed(support.okx_book(1, -1, bids=bids, asks=asks, action="snapshot"), NOW)
        for n in range(2, 6):
            store = heads(memory, row)[1] + 1
            copy = base + offset + 64 + (store & 1) * (96 + 32 * depth)
            page = (copy + 96 + 32 * depth - 16) // mmap.PAGESIZE * mmap.PAGESIZE
            with trap(page, READ, copy) as sprung:
                c.feed(support.okx_book(n, n - 1, asks=[["1400", str(n)]]), NOW + n)
            assert heads(memory, row)[1] == store
            assert sprung.sprung
            assert sprung.seen == 2 * store - 1
            assert memory.book(row)[2][-1] == (1400, n)


def test_a_state_that_python_sets_is_seen_at_once() -> None:
    with support.engine("okx", depth=DEPTH, ring_slots=1024) as e:
        row = e.add_instrument("BTC-USDT", price_exponent=0, size_exponent=0)
        memory = support.memory(e)
        e.connection(0).feed(book(1, -1, 1, action="snapshot", symbol="BTC-USDT"), NOW)
        memory.records()
        for state, reason in [
            (State.STALE, Reason.GAP),
            (State.STALE, Reason.DISCONNECTED),
            (State.SYNCING, Reason.DISCONNECTED),
            (State.SYNCING, Reason.START),
        ]:
            e.set_state(row, int(state), int(reason))
            assert memory.records() == [
                (Kind.STATE, 0, state, reason, Flag.FIRST | Flag.LAST, row, 0)
            ]
            raw = memory.path.read_bytes()
            at = memory._region(raw, 336)[0] + memory.seen * 64
            slot = np.frombuffer(raw, shared.DTYPES["slot"], 1, at)[0]
            assert (slot["exchange_ns"], slot["aux"]) == (0, 0)
            for cell in (memory.quote(row), memory.book(row)[0]):
                assert (cell["state"], cell["reason"]) == (state, reason)
            e.set_state(row, int(state), int(reason))
            assert memory.records() == []  # it is that already


@pytest.mark.parametrize("again", [False, True])
def test_a_long_message_shows_what_was_held_before_a_part_of_it_is_seen(again: bool) -> None:
    """Its first part is published when the ring has too little room, with all records before it:
    the cells of those must be stored by then. Here, at the first touch of a later slot. `again`:
    it is the whole book, of both sides, in new exponents."""
    slots, long = 1 << 10, 420
    with support.engine("okx", depth=DEPTH, instruments=4, ring_slots=slots) as e:
        short, other = (
            e.add_instrument(one, price_exponent=0, size_exponent=0) for one in ("A", "B")
        )
        taken, memory = Taken(e), support.memory(e)
        bids, asks = ([[str(price), "1"] for price in side] for side in support.halves(long))
        taken.read(encode(book(1, -1, 1, action="snapshot", symbol="A")))
        first = [bids, asks] if again else [[["1", "1"]], [["9999", "1"]]]
        taken.read(
            encode(support.okx_book(1, -1, bids=first[0], asks=first[1], symbol="B",
                                    action="snapshot"))
        )  # fmt: skip
        raw = memory.path.read_bytes()
        ring, cells = memory._region(raw, 336)[0], memory._region(raw, 272)
        (base,) = mappings(f"/{memory.path.name}", writable=True)
        memory.records()
        begin = memory.seen + (3 if again else 2)  # of the long message
        page = (
            (base + ring + (begin + slots // 4 + 64) % slots * 64) // mmap.PAGESIZE * mmap.PAGESIZE
        )
        changes = [[["900", "0.3"]], []] if again else [bids, asks]
        frames = [
            book(2, 1, 7, symbol="A"),
            support.okx_book(2, 1, bids=changes[0], asks=changes[1], symbol="B"),
        ]
        before = heads(memory, short)[0]
        with trap(page, READ, base + cells[0] + short * cells[1]) as sprung:
            taken.read(b"".join(encode(frame) for frame in frames))
        assert sprung.sprung
        assert sprung.seen > before
        records = memory.records()
        levels = [one for one in records if one[0] == Kind.LEVEL and one[5] == other]
        assert len(levels) == long + again
        assert len(records) == 1 + long + (4 if again else 0)
        assert memory.quote(short)["bid_size"] == 7
        assert memory.quote(other)["bid_price"] == 900


def test_when_the_venue_sent_a_quote_is_in_every_copy() -> None:
    with support.engine("binance-usdm", depth=DEPTH, ring_slots=1024) as e:
        row = e.add_instrument("BTCUSDT", price_exponent=0, size_exponent=0)
        for n in range(1, 8):
            sent_ms = 1_800_000_000_000 + 10 * n
            data = {"e": "bookTicker", "u": n, "E": sent_ms, "T": sent_ms - 3, "s": "BTCUSDT",
                    "b": "10", "B": str(n), "a": "11", "A": "1"}  # fmt: skip
            e.connection(0).feed(
                support.compact({"stream": "btcusdt@bookTicker", "data": data}), NOW + n
            )
            quote = support.memory(e).quote(row)
            assert quote["bid_size"] == n
            assert (quote["sent_ns"], quote["data_ns"]) == (sent_ms * 10**6, NOW + n)
            assert quote["exchange_ns"] == (sent_ms - 3) * 10**6
