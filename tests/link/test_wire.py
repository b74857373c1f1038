"""What goes over the link, without a link: every message is whole, or nothing of it is written."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shm
from feedhandler.link._link import HEAD_BYTES, WIRE, BadMessage, Lapped, Mirrored, Source, head
from feedhandler.link.names import ALL_KINDS, kind_bits
from shm import Kind, Reason, State
from shm.inspect import verify
from shm.memory import open_memory
from shm.segment import create
from tests.link.links import LIVE, cell, same, states
from tests.link.pairs import LIMIT, Pair
from tests.recording.market import SYMBOLS, VENUE, Market


@pytest.fixture
def pair(namespace: str) -> Iterator[Pair]:
    made = Pair(namespace)
    yield made
    made.close()


def test_batches_make_the_memory_that_they_are_from(pair: Pair) -> None:
    """Also of messages that are longer than a batch, and of one that is split in the ring."""
    pair.join()
    assert same(pair.feed, pair.mirror)
    long = [(int(Kind.LEVEL), 0, 40_000 - i, 5) for i in range(1500)]
    for turn in range(20):
        pair.market.step(20)
        if turn == 10:
            pair.market.message(2, long)
            pair.market.writer.publish()
        for data in pair.batches():
            _, _, _, _, _, first, last, *_ = head(data)
            pair.mirrored.apply(data)
            assert pair.mirror.segment is not None
            assert pair.mirror.segment.published == last >= first
        assert same(pair.feed, pair.mirror)
    assert states(pair.mirror) == LIVE
    with open_memory(VENUE, namespace=pair.held.namespace) as memory:
        assert not verify(memory)


def test_what_changed_without_a_record_comes_with_a_beat(pair: Pair) -> None:
    pair.join()
    writer = pair.market.writer
    writer.quote_store(3, {"state": int(State.LIVE), "bid_price": 17, "bid_size": 3})
    writer.connection_store(1, url="wss://venue", state=2, frames=11)
    writer.counter_add(0, 9)
    writer.histogram_add(1, 12_345)
    writer.set_state(State.LIVE, Reason.CAPACITY, "busy")
    assert pair.batches() == []
    for data in pair.batches(beat=True):
        pair.mirrored.apply(data)
    histograms = pair.source.batch(LIMIT, beat=True, histograms=True)
    assert histograms is not None
    pair.mirrored.apply(histograms)
    assert same(pair.feed, pair.mirror)
    with (
        open_memory(VENUE, namespace=pair.held.namespace) as memory,
        open_memory(VENUE, namespace=pair.market.namespace) as source,
    ):
        assert memory.connections() == source.connections()
        assert memory.counters() == source.counters()
        assert memory.histograms() == source.histograms()
        assert memory.header()["detail"] == "busy"
        assert memory.header()["state"] == State.LIVE
        assert memory.header()["reason"] == Reason.CAPACITY


def test_a_repair_has_what_was_missed_and_no_more(pair: Pair) -> None:
    """Also while the memory has gone on: a repair is as of the last batch."""
    pair.join()
    chooser = random.Random(5)
    number = pair.source.number
    for _ in range(30):
        pair.market.step()
        sent = pair.batches()
        if chooser.random() < 0.5:  # lost
            pair.market.step()  # not sent yet
            for data in pair.source.repair(pair.mirrored.next_sequence, number, 0):
                pair.mirrored.apply(data)
        else:
            for data in sent:
                pair.mirrored.apply(data)
        number = pair.source.number
    for data in pair.batches():
        pair.mirrored.apply(data)
    assert same(pair.feed, pair.mirror)
    assert pair.mirrored.lost == 0


def test_what_the_ring_has_no_more_is_lost_exactly(namespace: str) -> None:
    pair = Pair(namespace, slots=512)
    try:
        pair.join()
        before = pair.mirrored.next_sequence
        events = pair.mirror.events(start="now")
        for _ in range(200):
            pair.market.step()
        with pytest.raises(Lapped):
            pair.source.batch(LIMIT)
        left_out = pair.source.go_on()
        messages = pair.batches(beat=True)
        first = head(messages[0])[5]
        assert first == before + left_out
        content = _content(pair)
        with pytest.raises(BadMessage, match="former ones did not come"):
            pair.mirrored.apply(messages[0])  # only an answer may skip
        assert _content(pair) == content
        for data in pair.source.repair(before, pair.source.number - len(messages), 0):
            pair.mirrored.apply(data)
        assert pair.mirrored.lost == left_out
        with pytest.raises(shm.Overrun) as caught:
            events.poll()
        assert caught.value.lost == pair.market.published + 1 - before
        assert events.sequence == pair.market.published + 1
        assert same(pair.feed, pair.mirror)
        oldest = pair.mirror.events(raw=True, start="oldest").poll()
        assert oldest is not None
        assert int(oldest["sequence"][0]) >= first
        with open_memory(VENUE, namespace=pair.held.namespace) as memory:
            assert not verify(memory)
    finally:
        pair.close()


def test_who_comes_late_finds_nothing_before_its_beginning(pair: Pair) -> None:
    for _ in range(50):
        pair.market.step()
    pair.batches()
    pair.join()
    assert same(pair.feed, pair.mirror)
    segment = pair.mirror.segment
    assert segment is not None
    events = pair.mirror.events(raw=True, start="oldest")
    first = events.poll()
    assert first is not None
    assert segment.published - 100 < int(first["sequence"][0]) <= segment.published
    with pytest.raises(shm.Overrun):
        pair.mirror.events(start=1).poll()
    state = pair.mirror.events(start="state").poll()
    assert state is not None
    assert set(state["kind"]) >= {Kind.CLEAR, Kind.LEVEL, Kind.STATE}
    assert pair.mirrored.lost == 0  # that is no loss


def test_records_that_are_left_out_keep_their_numbers(namespace: str) -> None:
    pair = Pair(namespace, kinds=kind_bits(["trade"]))
    try:
        pair.join()
        begun = pair.market.published
        for _ in range(20):
            pair.market.step()
        for data in pair.batches():
            pair.mirrored.apply(data)
        ours, theirs = pair.mirror.segment, pair.feed.segment
        assert ours is not None
        assert theirs is not None
        assert ours.published == theirs.published
        count = theirs.published - begun
        left, right = theirs.ring(begun + 1, count), ours.ring(begun + 1, count)
        absent = right["kind"] == Kind.ABSENT
        assert absent.any()
        assert (left[~absent] == right[~absent]).all()
        assert not set(left["kind"][absent]) & {Kind.TRADE, Kind.STATE, Kind.WRITER}
        assert {Kind.TRADE, Kind.LIQUIDATION, Kind.STATE} <= set(right["kind"])
        for row, symbol in enumerate(SYMBOLS):
            assert cell(pair.feed, row, "directory") == cell(pair.mirror, row, "directory")
            book = pair.mirror.book(symbol)
            assert (book.state, book.reason) == (State.CLOSED, Reason.UNSUBSCRIBED)
        with open_memory(VENUE, namespace=pair.held.namespace) as memory:
            assert not verify(memory)
        with pair.mirror.events(kinds=["trade"], start="oldest") as events:
            batch = events.poll()
            assert batch is not None
            assert set(batch["kind"]) == {Kind.TRADE}
    finally:
        pair.close()


def test_only_instruments_that_are_wanted(namespace: str) -> None:
    with Market(namespace) as market, shm.attach(VENUE, namespace=namespace) as feed:
        segment = feed.segment
        assert segment is not None
        source = Source(segment, life=7, kinds=ALL_KINDS, choose=True, first=1)
        assert source.batch(LIMIT) is not None  # the writer's word, which is of none
        assert source.next_sequence == 2
        source.judge([row == 2 for row in range(len(SYMBOLS))])
        market.step(50)
        held = create(
            VENUE, namespace=f"{namespace}m", mirror=segment.epoch, instruments=16, depth=8,
            ring_slots=segment.slots, connections=4,
        )  # fmt: skip
        with held, shm.attach(VENUE, namespace=f"{namespace}m") as mirror:
            while source.batch(LIMIT) is not None:
                pass
            mirrored = Mirrored(held.writer, connections=4)
            for data in source.repair(1, 0, 0):
                mirrored.apply(data)
            assert mirrored.next_sequence == market.published + 1
            for row, symbol in enumerate(SYMBOLS):
                state = mirror.book(symbol).state
                assert state is (State.LIVE if row == 2 else State.CLOSED)
            rows = mirror.events(raw=True, start="oldest").poll()
            assert rows is not None
            kept = rows[rows["kind"] != Kind.ABSENT]
            assert set(kept["instrument"]) == {2, shm.NO_INSTRUMENT}


# ---- what is wrong

_FIELDS = {  # of the head: offset, format
    "magic": (0, "<I"), "wire": (4, "<H"), "kind": (6, "<B"), "epoch": (16, "<Q"),
    "number": (24, "<Q"), "first": (32, "<Q"), "last": (40, "<Q"), "until": (48, "<Q"),
    "sent_ns": (64, "<Q"), "bytes": (72, "<I"), "records": (76, "<I"), "runs": (80, "<I"),
    "images": (84, "<I"),
}  # fmt: skip


def _with(data: bytes, offset: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("field", "how"),
    [
        (field, how)
        for field in _FIELDS
        for how in ("zero", "more", "most")
        if field != "number" or how == "zero"  # who keeps count says whether it is the next one
        if field != "sent_ns" or how == "most"
    ],
)
def test_a_head_that_is_wrong_is_refused(pair: Pair, field: str, how: str) -> None:
    pair.join()
    pair.market.step()
    data = pair.one()
    offset, form = _FIELDS[field]
    (now,) = struct.unpack_from(form, data, offset)
    most = (1 << 8 * struct.calcsize(form)) - 1
    value = {"zero": 0, "more": now + 1, "most": most}[how]
    if field == "kind" and how == "more":
        value = 3  # 2 is a repair
    before = _content(pair)
    with pytest.raises(BadMessage):
        pair.mirrored.apply(_with(data, offset, form, value))
    assert _content(pair) == before
    pair.mirrored.apply(data)
    assert same(pair.feed, pair.mirror)


def test_another_length_is_refused(pair: Pair) -> None:
    pair.join()
    pair.market.step()
    data = pair.one()
    before = _content(pair)
    for size in (0, 1, HEAD_BYTES - 8, HEAD_BYTES, len(data) - 8, len(data) - 1):
        with pytest.raises(BadMessage):
            pair.mirrored.apply(data[:size])
    with pytest.raises(BadMessage):
        pair.mirrored.apply(data + bytes(8))
    assert _content(pair) == before


def test_a_change_of_a_cell_that_did_not_come_is_refused(pair: Pair) -> None:
    pair.join()
    pair.market.step(40)
    pair.batches()  # lost
    pair.market.step(40)
    second = pair.batches()[0]
    before = _content(pair)
    with pytest.raises(BadMessage, match="former state did not come"):
        pair.mirrored.apply(second)
    assert _content(pair) == before


def test_another_version_of_the_wire_is_named(pair: Pair) -> None:
    pair.market.step()
    data = pair.one()
    with pytest.raises(BadMessage, match=f"version {WIRE + 1} of the format, this is {WIRE}"):
        head(_with(data, 4, "<H", WIRE + 1))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it is mended each time
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1 << 16),
            st.sampled_from([0, 1, 0x7FFFFFFF, 0xFFFFFFFF]) | st.integers(0, 1 << 16),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_damage_is_refused_or_harmless(damaged: Pair, changes: list[tuple[int, int]]) -> None:
    """Whatever words are changed: it is refused and nothing is written, or the memory is whole."""
    pair = damaged
    for message in pair.source.repair(pair.mirrored.next_sequence, 0, 0):
        pair.mirrored.apply(message)  # all of it anew
    pair.market.step()
    message = pair.one()
    changed = bytearray(message)
    for at, value in changes:
        struct.pack_into("<I", changed, at % (len(changed) // 4) * 4, value)
    before = _content(pair)
    refused = False
    try:
        pair.mirrored.apply(bytes(changed))
    except BadMessage:
        refused = True
    if refused:
        assert _content(pair) == before
    segment = pair.mirror.segment
    assert segment is not None
    for row in range(segment.instruments):
        for region in ("directory", "quotes", "books"):
            status, _ = segment.cell(region, row)
            assert status in (0, 1)  # whole, or never stored
        with suppress(shm.UnknownInstrument):
            pair.mirror.book(segment.instrument(row))


@pytest.fixture
def damaged(namespace: str) -> Iterator[Pair]:
    made = Pair(namespace)
    made.join()
    yield made
    made.close()


def _content(pair: Pair) -> tuple[object, ...]:
    segment = pair.mirror.segment
    assert segment is not None
    cells = [
        segment.cell(region, row)
        for region in ("directory", "quotes", "books")
        for row in range(segment.instruments)
    ]
    ring = segment.ring(1, segment.slots).tobytes()
    return segment.published, segment.instruments, cells, ring, pair.mirrored.next_sequence
