"""A recorder as a process: pinned, seen, and stopped in order; also under a supervisor.

`python -m feedhandler.recording.process` reads one JSON object on stdin, an `Order`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from feedhandler import own_process
from feedhandler.config.record_keys import RecordConfig
from feedhandler.log import log, setup
from feedhandler.recording.recorder import Recorder
from feedhandler.status_file import RECORD, StatusFile
from shm.recording.errors import RecordingError

_WATCH_S = 0.5


class Exit(IntEnum):
    """Exit codes of the process."""

    STOPPED = 0
    FAILED = 1
    REFUSED = 2  #: the directory cannot be recorded into


class Order(msgspec.Struct, frozen=True):
    """What the supervisor asks for."""

    namespace: str
    venues: tuple[str, ...]
    config: RecordConfig
    parent: int = 0


def run(
    config: RecordConfig,
    namespace: str,
    venues: Sequence[str],
    *,
    report: Callable[[dict[str, Any]], None] | None = None,
    ends: float | None = None,
    parent: int = 0,
) -> dict[str, Any]:
    """Record until SIGINT or SIGTERM, until `ends` of the monotonic clock, or until the process
    `parent` is gone; the status at the end. Raises what :class:`Recorder` does."""
    own_process.pin(config.cpu, config.places.of("cpu"))
    seen = StatusFile(RECORD, namespace)

    def tell(status: dict[str, Any]) -> None:
        seen.write(status)
        if report is not None:
            report(status)

    try:
        recorder = Recorder(Path(config.to), namespace, venues, config, tell)
        tell(recorder.status())
        with _Stopping(recorder.stop, ends, parent):
            recorder.run()
        return recorder.status()
    finally:
        seen.close()


class _Stopping:
    """Sets `stop` when it is time."""

    def __init__(self, stop: threading.Event, ends: float | None, parent: int) -> None:
        self._stop, self._ends, self._parent = stop, ends, parent
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._asked)
        if self._ends is not None or self._parent:
            threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _asked(self, _: int, __: FrameType | None) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.is_set():
            left = _WATCH_S if self._ends is None else self._ends - time.monotonic()
            if left <= 0 or (self._parent and os.getppid() != self._parent):
                self._stop.set()
            self._stop.wait(max(0.0, min(left, _WATCH_S)))


def main(order: Order) -> Exit:
    """The process that `feedhandler start` runs."""
    setup("record")
    own_process.child("fh:record")
    try:
        run(order.config, order.namespace, order.venues, parent=order.parent)
    except RecordingError as error:
        log.error("%s: %s", order.config.places.of("to"), error)
        return Exit.REFUSED
    except OSError as error:  # before it began, or so that it cannot go on
        log.error("%s: %s", order.config.to, error.strerror or error)
        return Exit.FAILED
    except Exception:
        log.exception("failed")
        return Exit.FAILED
    return Exit.STOPPED


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Order)))
