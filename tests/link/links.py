"""A feed and its mirrors, as processes on loopback."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import shm
from shm import Reason, State
from tests.conftest import remove_objects
from tests.kit.forked import Forked
from tests.kit.patience import DEADLINE_S
from tests.recording.market import SYMBOLS, VENUE, Market


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Process:
    """`feedhandler WORDS...`; its log is kept."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self._start()

    def _start(self) -> None:
        self.lines: list[str] = []
        process: Any = Forked(
            "feedhandler",
            *self.words,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self.process: subprocess.Popen[str] = process
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.lines += iter(lines)

    def said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        self._start()

    def stop(self) -> int:
        """In order; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def close(self) -> None:
        if self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
        self._reading.join(5.0)


@contextmanager
def serving(namespace: str, *more: str, port: int) -> Iterator[Process]:
    """Named `here`."""
    listen = f"tcp/127.0.0.1:{port}"
    process = Process(
        "serve", "--namespace", namespace, "--listen", listen, "--name", "here", *more
    )
    try:
        yield process
    finally:
        process.close()


@contextmanager
def mirroring(
    namespace: str, source: str, *more: str, port: int, venue: str = VENUE
) -> Iterator[Process]:
    process = Process(
        *("mirror", venue, "--namespace", namespace, "--source-namespace", source),
        *("--from", f"127.0.0.1:{port}", *more),
    )
    try:
        yield process
    finally:
        process.close()
        if process.process.returncode not in (0, 2):  # killed: what it left is not the test's own
            remove_objects(namespace)


def until(condition: Callable[[], Any], what: str, process: Process | None = None) -> Any:
    end = time.monotonic() + DEADLINE_S
    while (found := condition()) is None or found is False:
        assert time.monotonic() < end, (what, process.lines if process else "")
        time.sleep(0.005)
    return found


class Flow:
    """A market that goes on by itself, and remembers every book cell that it ever stored."""

    def __init__(self, market: Market, *, pause_s: float = 0.002) -> None:
        self.market = market
        self.cells: list[dict[int, bytes]] = [{} for _ in SYMBOLS]
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._run = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._go)
        store = market._store

        def stored(row: int, sequence: int) -> None:
            store(row, sequence)
            if self._feed.epoch == market.epoch:
                self.cells[row][sequence] = cell(self._feed, row)

        self._feed = shm.attach(VENUE, namespace=market.namespace)
        for row in range(len(SYMBOLS)):
            content = cell(self._feed, row)
            self.cells[row][sequence_of(content)] = content
        market._store = stored  # type: ignore[method-assign]
        self._thread.start()
        self.go()

    def _go(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                if self._run.is_set():
                    self.market.step()
                self.market.writer.heartbeat()
            time.sleep(self._pause_s)

    def go(self) -> None:
        self._run.set()

    def pause(self) -> None:
        self._run.clear()
        with self._lock:
            pass  # what was begun is done

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.pause()
        try:
            yield
        finally:
            self.go()

    def restart(self) -> None:
        """Its writer stops in order, and another starts."""
        with self._lock:
            for cells in self.cells:
                cells.clear()
            self.market.restart()

    def __enter__(self) -> Flow:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._feed.close()


def cell(feed: shm.Feed, row: int, region: str = "books") -> bytes:
    """Without its stamp, which counts how often that memory stored it."""
    segment = feed.segment
    assert segment is not None
    return bytes(segment.cell(region, row)[1][8:])


def sequence_of(content: bytes) -> int:
    return int.from_bytes(content[:8], "little")


def attached(namespace: str, process: Process | None = None, venue: str = VENUE) -> shm.Feed:
    """As soon as it is there."""

    def there() -> shm.Feed | None:
        with suppress(shm.ShmError):
            return shm.attach(venue, namespace=namespace, timeout=0.0)
        return None

    found: shm.Feed = until(there, f"{venue} of {namespace}", process)
    return found


def states(feed: shm.Feed) -> set[tuple[State, Reason]]:
    """Of all books; of a feed whose memory ended, none."""
    try:
        books = [feed.book(symbol) for symbol in SYMBOLS]
    except (shm.WriterLost, shm.UnknownInstrument):
        return set()
    return {(book.state, book.reason) for book in books}


LIVE = {(State.LIVE, Reason.NONE)}
STALE = {(State.STALE, Reason.LINK)}


def same(feed: shm.Feed, mirror: shm.Feed) -> bool:
    """Both have the same records and cells now; whoever writes stands still."""
    ours, theirs = mirror.segment, feed.segment
    assert ours is not None
    assert theirs is not None
    if ours.published != theirs.published or ours.instruments != theirs.instruments:
        return False
    for region in ("directory", "quotes", "books"):
        for row in range(ours.instruments):
            if cell(feed, row, region) != cell(mirror, row, region):
                return False
    first = max(1, theirs.published - theirs.slots + 1)
    count = theirs.published - first + 1
    left, right = theirs.ring(first, count), ours.ring(first, count)
    both = (left["status"] == 0) & (right["status"] == 0)
    return bool(both[-1]) and bool((left[both] == right[both]).all())
