"""Threads and processes: what may be shared, and what is refused."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import shm
from shm import Kind, inspect, segment
from tests.shm.conftest import Create

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip


def listed(create: Create, symbols: list[str]) -> segment.WriterSegment:
    """A writer with instruments that have their names for prices."""
    owner = create(instruments=32)
    writer = owner.writer
    for row, symbol in enumerate(symbols):
        writer.directory_add({"symbol": symbol})
        price = int(symbol)
        writer.quote_store(row, {"bid_price": price, "state": shm.State.LIVE})
        writer.book_store(row, {"state": shm.State.LIVE}, [(price, 1)] * 5, [])
    return owner


def test_threads_of_a_feed_never_get_anothers_rows(namespace: str, create: Create) -> None:
    """While epochs come, each with its directory in another order."""
    symbols = [str(n) for n in range(1, 21)]
    orders = [symbols[n:] + symbols[:n] for n in (0, 7, 3, 13, 9)]
    owner = listed(create, orders[0])
    feed = shm.attach("v", namespace=namespace)
    mine = {symbol: feed.instrument(symbol) for symbol in symbols}
    wrong: list[str] = []
    seen: set[int] = set()
    over = threading.Event()

    def read(symbol: str) -> None:
        while not over.is_set():
            try:
                quote, book = feed.quote(mine[symbol]), feed.book(mine[symbol])
                found = {quote.bid, *book.bids[:, 0]}
                found |= {feed.quote(feed.instrument(symbol)).bid}
                for row in (board := feed.board()):
                    name = board.instrument(row["instrument"]).symbol
                    if row["bid"] == row["bid"] and row["bid"] != int(name):
                        wrong.append(f"{row['bid']} on the board for {name}")
                seen.add(quote.epoch)
            except (shm.WriterLost, shm.UnknownInstrument):  # no writer, or not yet that far
                continue
            if not found <= {float(symbol), *[price for price in found if price != price]}:
                wrong.append(f"{found} for {symbol}")

    threads = [threading.Thread(target=read, args=(symbol,)) for symbol in symbols[:4]]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for number, order in enumerate(orders[1:], 2):
            deadline = time.monotonic() + DEADLINE
            while len(seen) < number - 1:
                assert time.monotonic() < deadline
                time.sleep(0.001)
            owner.close()
            owner = listed(create, order)
    finally:
        over.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
    assert wrong == []


def test_one_thread_reads_events_at_a_time(namespace: str, create: Create) -> None:
    writer = listed(create, ["1"]).writer
    events = shm.attach("v", namespace=namespace).events()
    got: list[int] = []
    sleeper = threading.Thread(target=lambda: got.append(len(next(events))))
    sleeper.start()
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            assert events.poll() is None
        except shm.ConcurrentUse:
            break
        assert time.monotonic() < deadline
    for read in (events.poll, lambda: next(events), events.wait):
        with pytest.raises(shm.ConcurrentUse, match="its own"):
            read()
    writer.message(0, [(Kind.TRADE, 0, 1, 1)])
    writer.publish()
    writer.wake()
    sleeper.join(DEADLINE)
    assert got == [1]  # the thread that was first lost nothing
    assert events.poll() is None  # and now another may


def test_one_task_reads_events_at_a_time(namespace: str, create: Create) -> None:
    writer = listed(create, ["1"]).writer

    async def run() -> None:
        events = shm.attach("v", namespace=namespace).events()
        first = asyncio.create_task(anext(events))
        await asyncio.sleep(0)
        with pytest.raises(shm.ConcurrentUse):
            await anext(events)
        with pytest.raises(shm.ConcurrentUse):
            events.poll()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        writer.message(0, [(Kind.TRADE, 0, 1, 1)])
        writer.publish()
        assert len(await anext(events)) == 1
        events.close()

    asyncio.run(run())


def test_closing_from_another_thread(namespace: str, create: Create) -> None:
    listed(create, ["1"])
    feed = shm.attach("v", namespace=namespace)
    events = feed.events(name="me")
    ended: list[object] = []
    sleeper = threading.Thread(target=lambda: ended.append(list(events)))
    sleeper.start()
    feed.close()
    events.close()
    sleeper.join(DEADLINE)
    assert ended == [[]]
    assert inspect.readers("v", namespace=namespace) == []


def test_many_feeds_in_one_process(namespace: str, create: Create) -> None:
    """Several venues, and several feeds of one: each with its own place, none in another's way."""
    writers = {}
    for venue, price in (("v", 5), ("w", 7)):
        writers[venue] = create(venue).writer
        writers[venue].directory_add({"symbol": "A"})
        writers[venue].quote_store(0, {"bid_price": price})
    feeds = [shm.attach(venue, namespace=namespace) for venue in ("v", "w", "v")]
    assert [feed.quote("A").bid for feed in feeds] == [5.0, 7.0, 5.0]

    async def follow() -> list[list[int]]:
        streams = [feed.events() for feed in feeds]

        async def two(events: shm.Events) -> list[int]:
            found: list[int] = []
            while len(found) < 2:
                found += map(int, (await anext(events))["venue_sequence"])
            events.close()
            return found

        tasks = [asyncio.create_task(two(events)) for events in streams]
        for number in (1, 2):
            await asyncio.sleep(0.02)
            for venue, writer in writers.items():
                sequence = number + (10 if venue == "w" else 0)
                writer.message(0, [(Kind.TRADE, 0, 1, 1)], venue_sequence=sequence)
                writer.publish()
                writer.wake()
                writer.heartbeat()
        return await asyncio.wait_for(asyncio.gather(*tasks), DEADLINE)

    assert asyncio.run(follow()) == [[1, 2], [11, 12], [1, 2]]
    feeds[0].close()
    assert feeds[2].quote("A").bid == 5.0


_CHILD_OF_A_READER = """
import asyncio, os, sys, shm
feed = shm.attach("v", namespace=sys.argv[1])
events = feed.events(start="oldest", name="parent")
async def one():
    return len(await anext(events))
asyncio.run(one())          # has a helper thread now, which a child has not
child = os.fork()
if child == 0:
    try:
        quote, board = feed.quote("1"), feed.board()
        print("child", quote.bid, board.same_instant, feed.alive(), flush=True)
        os.read(0, 1)       # a message is there now
        print("child read", asyncio.run(one()), flush=True)
        feed.events(name="child").close()
        os._exit(0)
    finally:
        os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("parent read", len(next(events)), flush=True)
"""


def test_a_child_of_a_reader_reads(namespace: str, create: Create) -> None:
    writer = listed(create, ["1"]).writer
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD_OF_A_READER, namespace],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        writer.heartbeat()
        assert process.stdout.readline() == "child 1.0 True True\n"
        writer.message(0, [(Kind.TRADE, 0, 1, 1)] * 3)
        writer.publish()
        writer.heartbeat()
        process.stdin.write("x")
        process.stdin.flush()
        assert process.stdout.readline() == "child read 3\n"
        assert process.stdout.readline() == "parent read 3\n"  # its place is its own
        assert process.wait(DEADLINE) == 0
        assert inspect.readers("v", namespace=namespace) == []
    finally:
        process.kill()
        process.communicate()


_CHILD_OF_A_WRITER = """
import os, sys, shm
from feedhandler.engine import _engine
from feedhandler import venues
from shm import segment
made = segment.create("v", namespace=sys.argv[1], instruments=8, ring_slots=64)
writer = made.writer
engine = _engine.Engine(writer, venues.load("deribit").decoder, rule=1, base=0)
link = engine.connection(0)
one = engine.add_instrument("A")
child = os.fork()
if child == 0:
    refused = 0
    frame = b'{"jsonrpc":"2.0","method":"subscription","params":{}}'
    for call in (
        writer.publish, writer.wake, writer.heartbeat, lambda: writer.quote_store(0, {}),
        lambda: writer.set_state(2, 0), lambda: link.feed(frame), link.flush,
        lambda: link.feed_all([frame]), lambda: engine.add_instrument("B"),
        lambda: engine.set_state(one, 3, 2), lambda: engine.snapshot(one, b"{}"), engine.overdue,
        lambda: engine.disconnected(0, 6),
    ):
        try:
            call()
        except shm.NotWriter as error:
            assert "child of the writer" in str(error), error
            refused += 1
    made.close()                                    # does nothing here
    feed = shm.attach("v", namespace=sys.argv[1])   # reading it may
    print(refused, feed.alive(), feed.instrument("A").id, flush=True)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
writer.heartbeat()
print(writer.instruments, link.feed(b"{}") >= 0, flush=True)
made.close()
"""


def test_a_child_of_a_writer_may_not_write(namespace: str) -> None:
    done = python(_CHILD_OF_A_WRITER, namespace)
    assert done.stdout.splitlines() == ["13 True 0", "1 True"], done.stderr


_WITHOUT_A_LOCK = "import sys; sys._is_gil_enabled = lambda: {enabled}\nimport {module}"


@pytest.mark.parametrize("module", ["shm", "shm._native", "feedhandler.io_process.main"])
def test_a_python_without_its_lock_is_refused(module: str) -> None:
    """As 3.13t and 3.14t answer when the lock is off."""
    done = python(_WITHOUT_A_LOCK.format(enabled=False, module=module))
    assert done.returncode == 1
    assert "ImportError: shm does not support Python without" in done.stderr
    assert "PYTHON_GIL=1" in done.stderr


def test_a_free_threaded_build_with_its_lock_on_is_welcome() -> None:
    assert python(_WITHOUT_A_LOCK.format(enabled=True, module="shm")).returncode == 0
