"""A measured IO process: the venue's end of its socket, and its memory as readers see it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import msgspec

import shm
from feedhandler import python_child
from feedhandler.bench.kit import leftovers
from feedhandler.bench.kit.scenario import Scenario
from feedhandler.bench.kit.server import Server, Session
from feedhandler.bench.kit.stub_venue import LIST_PATH, acknowledgement, book_asked, listing
from feedhandler.config.keys import VenueConfig
from feedhandler.io_process.main import Order
from feedhandler.sim.server.frames import encode
from shm import Counter
from shm.dev_shm import objects, unlink

DEADLINE_S = 30.0
_NEVER_S = 3600.0
_LOOK_S = 0.0005
T = TypeVar("T")


class StageError(RuntimeError):
    """A measured process did not do its part in time."""


def until(condition: Callable[[], T | None], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Wait for something true, and return it. Raises StageError."""
    end = time.monotonic() + deadline_s
    while not (found := condition()):
        if time.monotonic() > end:
            raise StageError(f"not within {deadline_s:g} s: {what}")
        time.sleep(_LOOK_S)
    return found


def cpu_ns(pid: int) -> int:
    """What a process has had of CPUs, user and system together, to the nanosecond."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # the clock of clock_getcpuclockid(3)


def environment() -> dict[str, str]:
    """Of a child in Python: it finds these packages, and is quiet unless something is wrong."""
    return python_child.environment() | {"FEEDHANDLER_LOG": "ERROR"}


def end(process: subprocess.Popen[bytes]) -> None:
    """In order, or not."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def namespace() -> Iterator[str]:
    """A namespace of shared memory that is empty again at the end, whatever happens."""
    name = f"bench{os.getpid()}-{uuid.uuid4().hex[:8]}"
    leftovers.memory(name)
    try:
        yield name
    finally:
        for found in objects(name):
            unlink(found.path)


@dataclass
class Stage:
    """`session`: the venue's end; `feed`: the memory; `base`: the ring sequence before the first
    measured frame's records. Every book is LIVE, `live_s` after the start of the process.
    `sessions`: all of them, `session` first."""

    scenario: Scenario
    session: Session
    feed: shm.Feed
    pid: int
    sessions: list[Session]
    base: int = 0
    live_s: float = 0.0

    @property
    def namespace(self) -> str:
        """Of the memory, for readers in other processes."""
        return self.feed.namespace

    def published(self) -> int:
        """The last ring sequence that readers see."""
        assert self.feed.segment is not None
        return self.feed.segment.published

    def frames(self) -> int:
        """Frames that the engine has had, answers to subscriptions not counted."""
        assert self.feed.segment is not None
        counters = self.feed.segment.counters()
        return counters[Counter.FRAMES] - counters[Counter.CONTROL]

    def counters(self) -> dict[str, int]:
        """What may not have happened while measuring."""
        assert self.feed.segment is not None
        counters = self.feed.segment.counters()
        watched = (Counter.GAPS, Counter.MALFORMED, Counter.DISCONNECTS, Counter.RESUBSCRIBES)
        return {one.name: counters[one] for one in watched}


@contextmanager
def stage(
    scenario: Scenario,
    *more: Scenario,
    cpu: int,
    spin: bool,
    tls: bool = False,
    ring_slots: int = 1 << 17,
    channels: Sequence[str] = ("book",),
    watched: bool = False,
    extra_environment: Mapping[str, str] = MappingProxyType({}),
    first: Mapping[str, bytes] = MappingProxyType({}),
) -> Iterator[Stage]:
    """Start an IO process for a scenario and bring it into step. Raises StageError, ServerError.

    `more`: scenarios with other instruments, as many each, on connections of their own. `watched`:
    the process watches over its subscriptions as it usually does. `first`: what is sent of a key as
    soon as it is subscribed to; then no frames are sent to warm.
    """
    scenarios = [scenario, *more]
    keys = _Keys(first, {k: n for one in scenarios for k, n in one.case.numbers.items()})
    instruments = [one for each in scenarios for one in each.instruments]
    snapshots = {symbol: body for each in scenarios for symbol, body in each.case.snapshots.items()}

    def rest(path: str) -> bytes | None:
        if path.startswith(LIST_PATH):
            return listing(instruments)
        symbol = book_asked(path)
        return snapshots.get(symbol) if symbol is not None else None

    with ExitStack() as stack:
        space = stack.enter_context(namespace())
        kept = stack.enter_context(leftovers.temporary())
        server = stack.enter_context(Server(rest, keys.answer, tls=tls))
        config = VenueConfig(
            instruments=tuple(one.symbol for one in instruments),
            ws_url=server.url("ws", "/ws"),
            rest_url=server.url("http"),
            channels=tuple(channels),
            ring_slots=ring_slots,
            cpu=cpu,
            spin=spin,
            silence_s=_NEVER_S,
            audit_s=0.0,
            behind_s=60.0,  # frames that are sent again have the times of the first time
            split_after_s=0.0,
            ca_file=server.ca_file,
        )
        rows = max(config.directory_rows, 2 * len(instruments))
        config = msgspec.structs.replace(config, directory_rows=rows)
        if not watched:
            config = msgspec.structs.replace(
                config, rhythm_floor_s=_NEVER_S, rhythm_ceiling_s=_NEVER_S, degraded_after_s=0.0
            )
        order = Order(scenario.case.venue, space, config, parent=os.getpid())
        child = subprocess.Popen(
            [
                *python_child.command("feedhandler.bench.kit.io_process"),
                *([str(len(scenario.instruments))] if more else []),
            ],
            stdin=subprocess.PIPE,
            env=environment() | {"FEEDHANDLER_STATE": kept} | dict(extra_environment),
        )
        began = time.monotonic()
        stack.callback(end, child)
        assert child.stdin is not None
        with child.stdin as pipe:
            pipe.write(msgspec.json.encode(order))
        sessions = [server.session() for _ in scenarios]
        feed = stack.enter_context(shm.attach(scenario.case.venue, namespace=space, timeout=10))
        made = Stage(scenario, sessions[0], feed, child.pid, sessions)
        all_keys = len(instruments) * len(channels)
        until(lambda: keys.count >= all_keys, "all books are subscribed to")
        for session, one in zip(sessions, scenarios, strict=True) if not first else ():
            session.send(*(encode(frame) for frame in one.warming))
        warm = sum(one.warm for one in scenarios)
        until(lambda: made.frames() >= warm, "the first frames are read")
        until(lambda: _all_live(feed), "every book is LIVE")
        made.live_s = time.monotonic() - began
        made.base = made.published()
        yield made


def _all_live(feed: shm.Feed) -> bool:
    return all(feed.book(one, depth=0).live for one in feed.instruments())


class _Keys:
    """Counts what was subscribed to."""

    def __init__(self, first: Mapping[str, bytes], numbers: Mapping[str, int]) -> None:
        self.count = 0
        self._first, self._numbers = first, numbers

    def answer(self, text: str) -> list[bytes]:
        """The acknowledgement of one message, and what its keys begin with."""
        answers, keys = acknowledgement(text, self._numbers)
        self.count += len(keys)
        return [*answers, *(self._first[key] for key in keys if key in self._first)]
