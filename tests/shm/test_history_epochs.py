"""The past over restarts of a writer, after its end, and while it laps who reads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import shm
from shm import Kind
from shm._native import RAW_EVENT, Writer
from shm.history.ring import Ring
from tests.shm.conftest import EXPONENTS, Create
from tests.shm.support import ROOT, kill, other_writer

S = 10**9


def trades(writer: Writer, prices: list[int], row: int = 0, **more: Any) -> None:
    for price in prices:
        now = time.time_ns()
        writer.message(row, [(Kind.TRADE, 0, price, 1)], receive_ns=now, exchange_ns=now, **more)
    writer.heartbeat()
    writer.publish()


def test_a_writer_that_is_started_again(create: Create, namespace: str) -> None:
    first = create()
    for symbol in "AB":
        first.writer.directory_add({"symbol": symbol, **EXPONENTS})
    feed = shm.attach("v", namespace=namespace)
    trades(first.writer, [100, 200])
    trades(first.writer, [300], row=1)
    assert len(feed.trades("1m")) == 3
    ended = first.epoch
    first.close()
    gone = feed.trades("1m")  # there is no writer, and its records are still there
    assert gone["price"].tolist() == [1, 2, 3]
    time.sleep(0.002)
    second = create()
    for symbol in "ZB":
        second.writer.directory_add({"symbol": symbol, **EXPONENTS})
    trades(second.writer, [400, 500], row=1)
    found = feed.trades("1m")
    assert found["price"].tolist() == [1, 2, 3, 4, 5]
    assert found["symbol"].tolist() == ["A", "A", "B", "B", "B"]
    assert found["epoch"].tolist() == [ended] * 3 + [second.epoch] * 2
    assert found["instrument"].tolist() == [8, 8, 1, 1, 1]  # A has no row any more
    assert found.symbols == ["B", "A"]
    before, between = found.missing
    assert before.reason == "it was before this writer began"
    assert between.reason == "no writer ran"
    assert between.from_ns is not None
    assert between.to_ns is not None
    assert between.from_ns < between.to_ns
    assert feed.trades("1m", "B")["price"].tolist() == [3, 4, 5]
    assert feed.trades("1m", "A")["price"].tolist() == [1, 2]
    assert feed.trades(4)["price"].tolist() == [2, 3, 4, 5]
    assert feed.trades(4).missing == (between,)
    assert feed.trades(2).complete
    late = shm.attach("v", namespace=namespace)  # it never had the first epoch
    assert late.trades("1m")["price"].tolist() == [4, 5]
    assert [each.reason for each in late.trades("1m").missing] == [before.reason]
    with pytest.raises(shm.UnknownInstrument):
        late.trades("1m", "A")


def test_a_memory_that_was_renewed_tells_no_trade_twice(create: Create, namespace: str) -> None:
    held = create()
    held.writer.directory_add({"symbol": "A", **EXPONENTS})
    feed = shm.attach("v", namespace=namespace)
    assert len(feed.trades("1m")) == 0
    new = held.successor(instruments=8, depth=5, ring_slots=64, connections=4)
    new.ready()
    new.directory_add({"symbol": "A", **EXPONENTS})
    now = time.time_ns()

    def told(writer: Writer, id_: int, at: int, price: int = 5) -> None:
        more = {"receive_ns": at + 1000 * (writer is new), "exchange_ns": at}
        writer.message(0, [(Kind.TRADE, 0, price, 1)], venue_sequence=id_, **more)
        writer.publish()

    for id_ in range(1, 5):
        told(held.writer, id_, now + id_)
    for id_ in (3, 4):
        told(new, id_, now + id_)
    told(new, 5, now + 5)  # the old one did not get that one any more
    held.writer.heartbeat()
    old = held.writer
    held.succeed(new)
    told(new, 6, now + 6)
    assert feed.trades("1m")["venue_sequence"].tolist() == [1, 2, 3, 4, 5, 6]
    assert feed.trades("1m")["epoch"].tolist() == [old.epoch] * 4 + [new.epoch] * 2
    reasons = [each.reason for each in feed.trades("1m").missing]
    assert reasons == ["it was before this writer began"]


def test_since_a_writer_was_killed_all_is_missing(namespace: str) -> None:
    after = (
        "w.directory_add({'symbol': 'A'})\n"
        "w.message(0, [(3, 0, 1, 1)], receive_ns=time.time_ns())\nw.publish()\nw.heartbeat()"
    )
    process = other_writer(namespace, after=after)
    try:
        feed = shm.attach("v", namespace=namespace)
        assert len(feed.trades()) == 1
        assert feed.trades().complete
    finally:
        kill(process)
    found = feed.trades("1ms")
    (since,) = found.missing
    assert since.reason == "the writer is gone (died)"
    time.sleep(0.35)  # the heartbeat is old now: cells are shown no more
    with pytest.raises(shm.WriterLost):
        feed.quote("A")
    assert len(feed.trades()) == 1
    assert "the writer is gone (died)" in repr(feed.trades())


def test_a_replay_has_the_time_of_its_records(create: Create, namespace: str) -> None:
    writer = create(replay=True).writer
    writer.directory_add({"symbol": "A", **EXPONENTS})
    then = 1_700_000_000 * S
    for n in range(10):
        writer.message(0, [(Kind.TRADE, 0, n, 1)], receive_ns=then + n * S)
    writer.publish()
    feed = shm.attach("v", namespace=namespace)
    found = feed.trades("3s")
    assert found["price_scaled"].tolist() == [7, 8, 9]
    assert found.complete
    assert feed.trades("1m").missing[0].to_ns == then
    assert feed.bars("5s", "10s")["count"].tolist() == [5, 5]


LAPPING = """
import sys, time
from shm import segment
s = segment.create("lap", namespace=sys.argv[1], instruments=8, ring_slots=4096)
w = s.writer
w.directory_add({"symbol": "A", "price_exponents": [0] * 8})
print("on", flush=True)
n = 1
while True:
    for _ in range(100):
        w.message(0, [(3, 0, w.next_sequence, 1)], receive_ns=time.time_ns())
    w.publish()
    w.heartbeat()
"""


def test_while_the_writer_laps_the_reader(namespace: str) -> None:
    """Every record is there or counted, and each is itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAPPING, namespace], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "on\n"
        feed = shm.attach("lap", namespace=namespace)
        deadline = time.monotonic() + 60
        while feed.segment is None or feed.segment.published < 10_000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for _ in range(300):
            assert feed.segment is not None
            last = feed.segment.published
            found = feed.trades()
            sequences = found["sequence"].astype(np.int64)
            assert (found["price_scaled"] == sequences).all()
            assert len(sequences)
            told = [(hole.first, hole.last) for hole in found.missing]
            if told and told[-1][1] is not None and told[-1][1] > sequences[-1]:
                assert told.pop()[0] == sequences[-1] + 1  # it was lapped up to where it began
            else:
                assert last <= sequences[-1]
            lost = np.flatnonzero(np.diff(sequences) > 1)
            assert [(sequences[at] + 1, sequences[at + 1] - 1) for at in lost] == told
            assert all("overwritten" in hole.reason for hole in found.missing)
    finally:
        kill(process)


def test_a_reader_that_is_lapped_in_the_middle(create: Create, namespace: str) -> None:
    """What is overwritten between looking and reading is lost exactly."""
    writer = create(ring_slots=256).writer
    writer.directory_add({"symbol": "A", **EXPONENTS})
    feed = shm.attach("v", namespace=namespace)
    trades(writer, list(range(300)))
    assert feed.segment is not None
    ring = Ring(feed.segment)
    trades(writer, list(range(100)))  # 100 of the oldest are gone
    part = ring.between(ring.oldest, ring.last)
    assert part.first == ring.oldest + 100 + 256 // 16
    assert part.missing == []
    assert part.rows["sequence"].tolist() == list(range(part.first, ring.last + 1))
    trades(writer, list(range(300)))  # all of it is gone
    part = ring.between(ring.oldest, ring.last)
    assert (len(part.rows), part.first) == (0, ring.last + 1)
    assert part.rows.dtype == RAW_EVENT


def test_threads_ask_at_the_same_time(create: Create, namespace: str) -> None:
    writer = create(ring_slots=4096).writer
    writer.directory_add({"symbol": "A", **EXPONENTS})
    trades(writer, list(range(2000)))
    feed = shm.attach("v", namespace=namespace)
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(50):
            if len(feed.trades("1m")) != 2000:
                wrong.append("trades")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
