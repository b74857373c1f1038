"""A source, its `serve`, a `mirror` of it and what is between them, all of them real processes.

Namespaces of shared memory are the test's own, and empty again afterwards. On loopback a `Link` is
between the two (tests/kit/link.py), on hosts (feedhandler/bench/kit/hosts.py) a bridge.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec
import numpy as np
import numpy.typing as npt

import shm
from feedhandler import python_child
from feedhandler.bench.kit import board_source, leftovers
from feedhandler.bench.kit.board_frames import VENUE
from feedhandler.bench.kit.board_source import Done, Pace
from feedhandler.bench.kit.hosts import Host
from shm import State
from shm._native import DTYPES, READ_OK
from shm.dev_shm import objects, unlink
from shm.inspect import Memory, open_memory
from tests.kit.forked import Forked
from tests.kit.patience import DEADLINE_S
from tests.kit.rig import end, until

LIVE = ("LIVE", "NONE")
CELLS = ("directory", "quotes", "books")


def free_port() -> int:
    """Of TCP on loopback: nobody's just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Source:
    """The writer: an option board in a process of its own."""

    def __init__(self, order: board_source.Order) -> None:
        self.order = order
        self.start()

    def start(self) -> None:
        """At rest; again, after `kill`: a new epoch."""
        self.process = subprocess.Popen(
            python_child.command("feedhandler.bench.kit.board_source"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=python_child.environment(),
        )
        self._say(self.order)
        assert self._line() == b"ready\n"

    def pace(self, rate: float, batch_s: float = 0.005, frames: int = 0) -> Done:
        """From now on; what was done before."""
        self._say(Pace(rate, batch_s, frames))
        return msgspec.json.decode(self._line(), type=Done)

    def rest(self) -> int:
        """Nothing more is written; the last sequence."""
        return self.pace(0.0, 0.1).published

    def kill(self) -> None:
        """At once, and it is gone."""
        self.process.kill()
        self.end()

    def end(self) -> None:
        end(self.process)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _say(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(what) + b"\n")
        self.process.stdin.flush()

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


class Mirrored:
    """`source`, and what was `started` of the others. `space`, `far_space`, `third_space`: the
    source's, the mirror's, of another mirror."""

    def __init__(self, stack: ExitStack, **order: Any) -> None:
        self.stack = stack
        name = uuid.uuid4().hex[:10]
        self.space, self.far_space, self.third_space = f"s{name}", f"m{name}", f"n{name}"
        self._spaces = [
            leftovers.memory(each) for each in (self.space, self.far_space, self.third_space)
        ]
        stack.callback(self._clean)
        self.source = Source(board_source.Order(self.space, **order))
        stack.callback(self.source.end)
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, IO[bytes]] = {}
        self._how: dict[str, Callable[[], None]] = {}

    def _clean(self) -> None:
        for space in self._spaces:
            for name in objects(space):
                unlink(name.path)

    def start(self, what: str, *arguments: str, on: Host | None = None) -> None:
        """A command of ours, by its name in `started`."""
        self._how[what] = lambda: self.start(what, *arguments, on=on)
        if what not in self._logs:
            self._logs[what] = self.stack.enter_context(TemporaryFile())  # noqa: SIM115
        log = self._logs[what]
        env = python_child.environment()
        process: subprocess.Popen[bytes]
        if on:
            command = on.command(*python_child.command("feedhandler", *arguments))
            process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
        else:
            process = Forked("feedhandler", *arguments, stdout=log, stderr=log, env=env)
        self.started[what] = process
        self.stack.callback(end, process)

    def serve(self, *endpoint: str, on: Host | None = None) -> None:
        """`endpoint`: "--listen", ENDPOINT or the like."""
        self.start(
            "serve", "serve", VENUE, "--namespace", self.space, "--name", "here", *endpoint, on=on
        )

    def mirror(
        self,
        endpoint: str,
        *more: str,
        on: Host | None = None,
        called: str = "mirror",
        to: str = "",
    ) -> None:
        """`to`: the namespace of its memory; else `far_space`."""
        spaces = "--namespace", to or self.far_space, "--source-namespace", self.space
        self.start(called, "mirror", VENUE, "--from", endpoint, *spaces, *more, on=on)

    def router(self, port: int) -> None:
        """Between the two, on loopback; again, if it was killed."""
        self.start("router", "relay", "--listen", f"tcp/127.0.0.1:{port}")

    def kill(self, what: str) -> None:
        """At once, and it is gone."""
        self.started[what].kill()
        self.started[what].wait()

    def again(self, what: str) -> None:
        """Started as it was."""
        self._how[what]()

    def stop(self, *whats: str) -> None:
        """As a machine that stands still: its processes, all at once."""
        for process in self._of(whats):
            process.send_signal(signal.SIGSTOP)
        for process in self._of(whats):
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)

    def go_on(self, *whats: str) -> None:
        for process in self._of(whats):
            process.send_signal(signal.SIGCONT)

    def _of(self, whats: tuple[str, ...]) -> list[subprocess.Popen[bytes]]:
        return [self.source.process if one == "source" else self.started[one] for one in whats]

    def open(self, space: str) -> Memory:
        """The newest epoch there, read-only."""
        return open_memory(VENUE, namespace=space)

    def attach(self, space: str = "") -> shm.Feed:
        """The mirror, once it says that it is LIVE; `space`: whose memory is there."""

        def live() -> shm.Feed | None:
            for what, process in self.started.items():
                assert process.poll() is None, f"{what} ended: {self.said(what)}"
            with suppress(shm.ShmError):
                feed = shm.attach(VENUE, namespace=space or self.far_space, timeout=0.05)
                if feed.state[0] == State.LIVE and states(feed) == {LIVE}:
                    return feed
                feed.close()
            return None

        try:
            feed = until(live, "the mirror is LIVE")
        except AssertionError as error:
            raise AssertionError(f"{error}: {[self.said(what) for what in self._logs]}") from None
        self.stack.callback(feed.close)
        return feed

    def said(self, what: str) -> str:
        """What a process has written."""
        log = self._logs[what]
        log.seek(0)
        return f"{what}: {log.read().decode()[-2000:]}"


@contextmanager
def mirrored(**order: Any) -> Iterator[Mirrored]:
    """A source at rest; the rest is the test's to start."""
    with ExitStack() as stack:
        yield Mirrored(stack, **order)


def states(feed: shm.Feed) -> set[tuple[str, str]]:
    """Of all books."""
    books = (feed.book(one, depth=0) for one in feed.instruments())
    return {(book.state.name, book.reason.name) for book in books}


class Reader:
    """Who reads all of the mirror's records: how many were handed out, and how many were lost."""

    def __init__(self, feed: shm.Feed) -> None:
        self.feed = feed
        self.events = feed.events(start="now", raw=True)
        self.first = int(self.events.sequence)
        self.losses: list[int] = []  #: as each was told
        self.gone: list[str] = []  #: why a writer was

    def catch_up(self) -> None:
        while True:
            try:
                if self.events.poll() is None:
                    return
            except shm.Overrun as error:
                self.losses.append(error.lost)
            except shm.WriterLost as error:
                self.gone.append(error.reason)

    def until(
        self, condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S
    ) -> None:
        """Read on until it holds."""

        def looked() -> bool:
            self.catch_up()
            return condition()

        until(looked, what, deadline_s)

    @property
    def gone_by(self) -> int:
        return int(self.events.delivered + self.events.filtered + self.events.lost)


def ring(memory: Memory, first: int, last: int) -> npt.NDArray[np.void]:
    """Records as they lie there, without what only says how they were read."""
    return memory.slots(first, last)


def different(here: Memory, there: Memory, rows: int) -> list[str]:
    """Cells of two memories at rest that are not the same, byte for byte."""
    found = []
    for region in CELLS:
        for row in range(rows):
            ours, theirs = (each.segment.cell(region, row) for each in (here, there))
            if ours[0] != theirs[0] or _said(region, ours[1]) != _said(region, theirs[1]):
                found.append(f"{region} {row}: {_told(region, ours[1], theirs[1])}")
    return found


def same_at_one_sequence(here: Memory, there: Memory, region: str, row: int) -> bool | None:
    """While both are written: whether a cell is the same in both. None: they were not at one
    sequence when they were looked at."""
    theirs = there.segment.cell(region, row)
    ours = here.segment.cell(region, row)
    if ours[0] != READ_OK or theirs[0] != READ_OK:
        return None
    if region != "directory" and ours[1][8:16] != theirs[1][8:16]:  # `ring_sequence`
        return None
    same = _said(region, ours[1]) == _said(region, theirs[1])
    if not same and here.segment.cell(region, row)[1] != ours[1]:
        return None  # stored once more, under the same sequence
    return same


def _said(region: str, raw: bytes) -> bytes:
    """Without how often the cell was stored, which is each memory's own, and what follows the
    levels in use, which is no data."""
    if region != "books" or not raw:
        return raw[8:]
    dtype = DTYPES["book"]
    head = np.frombuffer(raw, dtype, count=1)[0]
    levels = np.frombuffer(raw, np.int64, offset=dtype.itemsize).reshape(2, -1, 2).copy()
    levels[0, head["bids"] :] = 0
    levels[1, head["asks"] :] = 0
    return raw[8 : dtype.itemsize] + levels.tobytes()


def _told(region: str, ours: bytes, theirs: bytes) -> str:
    dtype = DTYPES[{"directory": "instrument", "quotes": "quote", "books": "book"}[region]]
    if min(len(ours), len(theirs)) < dtype.itemsize:
        return f"{len(ours)} and {len(theirs)} bytes"
    one, other = (np.frombuffer(raw, dtype, count=1)[0] for raw in (ours, theirs))
    names = [name for name in dtype.names or () if name != "stamp" and one[name] != other[name]]
    return ", ".join(f"{name} {one[name]} and {other[name]}" for name in names) or "levels"
