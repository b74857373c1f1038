"""Recorders for tests: in a thread, or in a process of their own that ends at a named place."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from feedhandler.config.record_keys import RecordConfig
from feedhandler.recording import points
from feedhandler.recording.recorder import Recorder
from shm.recording.schema import pyarrow
from tests.kit.patience import DEADLINE_S
from tests.recording.market import VENUE, Market

QUICK: dict[str, Any] = {"rotate_s": 3600.0, "mark_s": 0.1, "free_mib": 1, "compact": False}


def config(root: Path, **keys: Any) -> RecordConfig:
    return RecordConfig(to=str(root), **{**QUICK, **keys})


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.005)
    return found


@contextmanager
def recording(root: Path, namespace: str, **keys: Any) -> Iterator[Recorder]:
    """In a thread of this process; stopped in order at the end."""
    recorder = Recorder(root, namespace, [VENUE], config(root, **keys))
    failure: list[BaseException] = []

    def run() -> None:
        try:
            recorder.run()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.stop.set()
        thread.join()
        if failure:
            raise failure[0]


def caught_up(recorder: Recorder, records: int) -> None:
    """It has handled so many records of this run."""
    venue = recorder._venues[VENUE]
    until(lambda: venue.records >= records, f"{records} records, of which {venue.records} came")


def at_end(recorder: Recorder, market: Market) -> None:
    """It has read, or lost, all that is published."""

    def is_there() -> bool:
        events = recorder._readers[VENUE].events
        return events is not None and events.sequence == market.published + 1

    until(is_there, f"record {market.published}")


class Child:
    """A recorder in a forked process. `at`: a point and which pass of it ends the process there,
    as if by kill -9."""

    _all: ClassVar[list[Child]] = []

    def __init__(
        self, root: Path, namespace: str, at: tuple[str, int] | None = None, **keys: Any
    ) -> None:
        pyarrow().array([])  # imports pandas, if it is there: once, instead of in every child
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reader)
            _become(root, namespace, at, keys, writer)
        os.close(writer)
        self.status: int | None = None
        self._all.append(self)

    @classmethod
    def end_all(cls) -> None:
        """Whatever a test that failed has left."""
        while cls._all:
            cls._all.pop().end(signal.SIGKILL)

    def passed(self) -> dict[str, int]:
        """The points that it passed, and how often, once it has ended in order."""
        with os.fdopen(self._reader) as pipe:
            found: dict[str, int] = json.load(pipe)
        return found

    def ended(self) -> bool:
        """Whether it has."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def end(self, number: int = signal.SIGTERM) -> None:
        """Stop it, in order or not."""
        if not self.ended():
            os.kill(self.pid, number)
            until(self.ended, "the recorder ends")


def _become(
    root: Path, namespace: str, at: tuple[str, int] | None, keys: dict[str, Any], pipe: int
) -> None:
    code = 1
    passes: Counter[str] = Counter()
    try:

        def reached(name: str) -> None:
            passes[name] += 1
            if (name, passes[name]) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        points.hook = reached
        recorder = Recorder(root, namespace, [VENUE], config(root, **keys))
        signal.signal(signal.SIGTERM, lambda *_: recorder.stop.set())
        recorder.run()
        os.write(pipe, json.dumps(passes).encode())
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)


@contextmanager
def full_disk() -> Iterator[threading.Event]:
    """While the event is set, nothing can be written."""
    full = threading.Event()

    def reached(name: str) -> None:
        if full.is_set() and name in ("part: bytes are written", "manifest: before the line"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    points.hook = reached
    try:
        yield full
    finally:
        points.hook = None
