"""The event stream: whole messages, filters, exact losses, state joined to the ring."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import shm
from shm import Flag, Kind
from shm._native import Writer
from shm.attach import read_struct
from shm.dev_shm import open_fd
from shm.object_names import readers_name
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create
from tests.shm.support import asleep

LEVELS = [(Kind.LEVEL, 0, 12345, 1500), (Kind.LEVEL, 1, 12346, 0)]


@pytest.fixture
def writer(create: Create) -> Writer:
    made = create().writer
    for symbol in "AB":
        made.directory_add({"symbol": symbol, **EXPONENTS})
    return made


@pytest.fixture
def feed(namespace: str, writer: Writer) -> shm.Feed:
    assert writer.instruments == 2
    return shm.attach("v", namespace=namespace)


def test_nothing_is_handed_out_before_it_is_published(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    assert events.poll() is None
    writer.message(0, LEVELS, venue_sequence=5, exchange_ns=6, receive_ns=7)
    assert events.poll() is None
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["sequence"].tolist() == [2, 3]
    assert rows["price"].tolist() == [123.45, 123.46]
    assert rows["size"].tolist() == [1.5, 0.0]
    assert rows["flags"].tolist() == [Flag.FIRST, Flag.LAST]
    assert rows["side"].tolist() == [shm.Side.BID, shm.Side.ASK]
    assert rows[["venue_sequence", "exchange_ns", "receive_ns"]].tolist() == [(5, 6, 7)] * 2
    assert events.poll() is None


def test_values_by_kind(writer: Writer, feed: shm.Feed) -> None:
    events, raw = feed.events(), feed.events(raw=True)
    writer.message(
        0,
        [
            (Kind.STAT, 0, 12345, -7, shm.Stat.FUNDING),
            (Kind.STATE, 0, shm.State.STALE, shm.Reason.GAP),
            (Kind.QUOTE, 0, shm.NONE, 0),
            (Kind.CLEAR, 0, 0, 0),
            (63, 0, 1, 1),
        ],
    )
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["price"][:2].tolist() == [0.0012345, shm.State.STALE]
    assert math.isnan(rows["size"][0])
    assert rows["size"][1] == shm.Reason.GAP
    assert all(math.isnan(value) for row in rows[2:4] for value in (row["price"], row["size"]))
    assert rows["aux"][0] == shm.Stat.FUNDING
    scaled = raw.poll()
    assert scaled is not None
    assert scaled["price"].tolist() == [12345, 3, shm.NONE, 0, 1]
    assert scaled["price_exponent"].tolist() == [0, 0, -2, -2, -2]


def test_exponents_follow_the_precision(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    writer.message(0, LEVELS[:1])
    wider = {"price_exponents": [-2, -5] + [0] * 6, "size_exponents": [-3, -4] + [0] * 6}
    writer.directory_update(0, {"symbol": "A", "precision": 1, **wider})
    writer.message(0, LEVELS[:1], precision=1)
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["price"].tolist() == [123.45, 0.12345]
    assert rows["size"].tolist() == [1.5, 0.15]


def test_filters(writer: Writer, feed: shm.Feed) -> None:
    mine = feed.events(["B"], ["trade", "level"], start="oldest")
    everything = feed.events(start="oldest")
    for row in (0, 1):
        writer.message(row, [(Kind.CLEAR, 0, 0, 0), *LEVELS, (Kind.STAT, 0, 1, 1)])
        writer.message(row, [(Kind.TRADE, 0, 1, 1)])
    writer.publish()
    rows = mine.poll()
    assert rows is not None
    assert rows["kind"].tolist() == [Kind.CLEAR, Kind.LEVEL, Kind.LEVEL, Kind.TRADE]
    assert set(rows["instrument"]) == {1}
    assert (mine.delivered, mine.filtered, mine.lost) == (4, 7, 0)
    rows = everything.poll()
    assert rows is not None
    assert rows["kind"][0] == Kind.WRITER
    with pytest.raises(ValueError, match="there are level"):
        feed.events(kinds=["levels"])


def test_starts(writer: Writer, feed: shm.Feed) -> None:
    for _ in range(60):
        writer.message(0, LEVELS)
    writer.publish()
    oldest = feed.events(start="oldest").poll()
    assert oldest is not None
    assert oldest["flags"][0] & Flag.FIRST
    assert (int(oldest["sequence"][0]), int(oldest["sequence"][-1])) == (58, 121)
    middle = feed.events(start=101).poll()
    assert middle is not None
    assert middle["sequence"][0] == 102  # 101 is inside a message
    assert feed.events(start=122).poll() is None
    for wrong in (0, 123):
        with pytest.raises(ValueError, match="1 to 122"):
            feed.events(start=wrong)
    early = feed.events(start=1)
    with pytest.raises(shm.Overrun) as caught:
        early.poll()
    assert caught.value.lost == early.lost == 121
    assert early.poll() is None


def test_a_lap_in_the_middle_of_a_message(writer: Writer, feed: shm.Feed) -> None:
    """The part that is still there is not handed out: it is counted with the rest."""
    events = feed.events()
    writer.message(0, LEVELS * 4)  # records 2 to 9
    writer.publish()
    for _ in range(29):
        writer.message(1, LEVELS)  # up to 67: records 2 and 3 are gone, 4 to 9 are not
    writer.publish()
    with pytest.raises(shm.Overrun) as caught:
        events.poll()
    assert caught.value.lost == 66
    writer.message(1, LEVELS)
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["sequence"].tolist() == [68, 69]
    assert events.delivered + events.lost == 68


def test_a_message_longer_than_the_batch_comes_whole(namespace: str, create: Create) -> None:
    big = create("big", ring_slots=1 << 16).writer
    big.directory_add({"symbol": "A"})
    events = shm.attach("big", namespace=namespace).events()
    big.message(0, LEVELS * 5000)
    big.publish()
    rows = events.poll()
    assert rows is not None
    assert len(rows) == 10_000
    assert rows["flags"][0] == Flag.FIRST
    assert rows["flags"][-1] == Flag.LAST


def test_a_message_longer_than_the_ring_comes_in_parts(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    writer.message(0, LEVELS * 10)  # 20 records, a quarter of the ring is 16
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert len(rows) == 20
    ends = rows[(rows["flags"] & Flag.LAST) != 0]
    assert (ends["flags"] & Flag.MORE != 0).tolist() == [True, False]


def store(writer: Writer, row: int, sequence: int, price: int) -> None:
    cell = {**CELL_EXPONENTS, "ring_sequence": sequence, "state": shm.State.LIVE}
    writer.book_store(row, cell, [(price, 1000)], [(price + 1, 2000)])
    writer.quote_store(row, {**cell, "bid_price": price, "bid_size": 1, "mark": 1.5})


def test_resync_goes_on_from_the_cells(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events(["A"], ["level", "quote", "stat", "state", "trade"], on_overrun="resync")
    for price in range(100, 150):
        last = writer.message(0, LEVELS)
        store(writer, 0, last, price)
        writer.publish()
    rows = events.poll()
    assert rows is not None
    assert events.lost == 100
    assert all(rows["flags"] & Flag.SNAPSHOT)
    assert rows["kind"].tolist() == [
        Kind.CLEAR, Kind.LEVEL, Kind.LEVEL, Kind.STATE, Kind.QUOTE, Kind.QUOTE, Kind.STAT,
    ]  # fmt: skip
    assert set(rows["sequence"]) == {101}
    assert rows["price"][[1, 2, 3, 4, 6]].tolist() == [1.49, 1.50, shm.State.LIVE, 1.49, 1.5]
    assert rows["flags"][0] & Flag.FIRST
    assert rows["flags"][-1] & Flag.LAST
    writer.message(0, LEVELS)
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["sequence"].tolist() == [102, 103]


def test_state_drops_what_it_has_in_it_but_no_trade(writer: Writer, feed: shm.Feed) -> None:
    """The cell is ahead of what is published when the reader joins."""
    events = feed.events(["A"], start="state")
    writer.message(0, [*LEVELS, (Kind.TRADE, 0, 1, 1)])
    store(writer, 0, writer.next_sequence - 1, 100)
    rows = events.poll()
    assert rows is not None
    assert set(rows["sequence"]) == {4}
    assert events.poll() is None
    writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["kind"].tolist() == [Kind.TRADE]
    assert (events.delivered, events.filtered, events.lost) == (1, 2, 0)


def test_an_orderly_stop_is_drained_and_said_once(namespace: str, create: Create) -> None:
    owner = create("w")
    owner.writer.directory_add({"symbol": "A"})
    feed = shm.attach("w", namespace=namespace)
    events, once = feed.events(["A"]), feed.events(reattach=False)
    owner.writer.message(0, LEVELS)
    owner.close()
    rows = events.poll()
    assert rows is not None
    assert len(rows) == 2
    with pytest.raises(shm.WriterLost) as caught:
        events.poll() is None and events.poll()
    assert (caught.value.reason, caught.value.published) == ("stopped", 4)
    assert events.poll() is None
    owner = create("w")
    owner.writer.directory_add({"symbol": "Z"})
    assert events.poll() is None  # A is not there yet, and no record of it
    a = owner.writer.directory_add({"symbol": "A"})
    owner.writer.message(0, LEVELS)
    owner.writer.message(a, LEVELS)
    owner.writer.publish()
    rows = events.poll()
    assert rows is not None
    assert rows["instrument"].tolist() == [1, 1]
    assert once.poll() is not None
    for _ in range(3):
        with pytest.raises(shm.WriterLost):
            once.poll()


def test_cells_follow_to_the_next_epoch(namespace: str, create: Create) -> None:
    owner = create("w")
    owner.writer.directory_add({"symbol": "A"})
    feed = shm.attach("w", namespace=namespace)
    a = feed.instrument("A")
    owner.writer.quote_store(0, {"bid_price": 5, "bid_size": 1})
    owner.close()
    for call in (lambda: feed.quote(a), lambda: feed.book(a), feed.board):
        with pytest.raises(shm.WriterLost, match="stopped"):
            call()
    owner = create("w")
    assert feed.quote(a).state is shm.State.NONE
    owner.writer.directory_add({"symbol": "Z"})
    owner.writer.directory_add({"symbol": "A"})
    owner.writer.quote_store(1, {"bid_price": 7, "bid_size": 1})
    assert feed.quote(a).bid == 7.0
    assert feed.instrument("A").id == 1
    assert feed.instrument("A") == a


def test_iteration_sleeps_and_is_woken(writer: Writer, feed: shm.Feed) -> None:
    events = feed.events()
    reader, slept = threading.get_native_id(), []

    def later() -> None:
        for _ in range(3):
            deadline = time.monotonic() + 60
            while not asleep(reader) and time.monotonic() < deadline:
                time.sleep(0.001)
            slept.append(asleep(reader))
            writer.message(0, LEVELS)
            writer.publish()
            writer.wake()
            writer.heartbeat()

    thread = threading.Thread(target=later)
    thread.start()
    assert [len(next(events)) for _ in range(3)] == [2, 2, 2]
    thread.join()
    assert slept == [True] * 3  # and did not spin
    closer = threading.Timer(0.05, events.close)
    closer.start()
    assert list(events) == []


SLEEPER = """
import sys, shm
with shm.attach("v", namespace=sys.argv[1]) as feed:
    next(feed.events())
"""


def test_ctrl_c_interrupts_a_sleep(namespace: str, writer: Writer) -> None:
    assert writer.instruments == 2
    sleeper = subprocess.Popen([sys.executable, "-c", SLEEPER, namespace], stderr=subprocess.PIPE)
    try:
        fd = open_fd(readers_name(namespace, "v"))
        deadline = time.monotonic() + 60
        while not read_struct(fd, "readers")["sleepers"]:
            assert time.monotonic() < deadline, "it never slept"
            time.sleep(0.01)
        os.close(fd)
        sleeper.send_signal(signal.SIGINT)
        _, said = sleeper.communicate(timeout=60)
        assert said.splitlines()[-1] == b"KeyboardInterrupt"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_async_iteration(writer: Writer, feed: shm.Feed) -> None:
    async def run() -> list[int]:
        events = feed.events()
        counts: list[int] = []
        ticks, seen = 0, [0]

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        async def write() -> None:
            for _ in range(3):
                await asyncio.sleep(0.05)
                writer.message(0, LEVELS)
                writer.publish()
                writer.wake()
                writer.heartbeat()

        ticker, writing = asyncio.create_task(tick()), asyncio.create_task(write())
        async for batch in events:
            counts.append(len(batch))
            seen.append(ticks)
            if len(counts) == 3:
                break
        await writing
        ticker.cancel()
        assert seen == sorted(set(seen))  # the loop was free, before each
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(events)
        writer.message(0, LEVELS)
        writer.publish()
        counts.append(len(await anext(events)))  # the cancelled wait lost nothing
        events.close()
        return counts

    threads = threading.active_count()
    assert asyncio.run(run()) == [2, 2, 2, 2]
    deadline = time.monotonic() + 60
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads


def test_registered_readers_are_seen(namespace: str, writer: Writer, feed: shm.Feed) -> None:
    from shm import inspect

    assert inspect.readers("v", namespace=namespace) == []
    with feed.events(name="strategy") as events:
        writer.message(0, LEVELS)
        writer.publish()
        events.poll()
        (row,) = inspect.readers("v", namespace=namespace)
        assert (row["name"], row["cursor"], row["alive"]) == ("strategy", 4, True)
    assert inspect.readers("v", namespace=namespace) == []
